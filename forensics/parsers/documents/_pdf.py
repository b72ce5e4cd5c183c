"""Reads PDF documents (ISO 32000-2) through pypdf. Imported when the first of them is met: pypdf takes long to load."""

from __future__ import annotations

import io
import logging
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pypdf
from pypdf.errors import DependencyError, PyPdfError
from pypdf.generic import DictionaryObject, StreamObject

from forensics.model import Artefact, Problem
from forensics.parsers._clock import CivilTime, ImpossibleTimeError
from forensics.parsers._contract import ParserInput, Watched
from forensics.parsers._facts import Facts
from forensics.parsers._stated import Stated, by_clock, stated
from forensics.parsers._xml import SIZE_LIMIT
from forensics.parsers.documents._xmp import described

_KIND, _XMP, _SIGNATURE, _ATTACHMENT = "pdf.document", "pdf.xmp", "pdf.signature", "pdf.attachment"
_READ_LIMIT = 256 << 20
_LIMITS = pypdf.Configuration(
    jbig2dec_binary=None,  # a program of the host that pypdf would run for pictures
    disable_legacy_handling=True,
    maximum_declared_stream_length=64 << 20,
    zlib_maximum_output_length=64 << 20,
    stream_decoding_work_maximum_length=128 << 20,
)
_FAILURES = (
    PyPdfError,
    DependencyError,
    OSError,  # of seeking; what the evidence raises is told apart by `Watched`
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RecursionError,
    AssertionError,
    NotImplementedError,
    struct.error,
    zlib.error,
)
"""What pypdf raises for damaged documents: it checks much and not everything."""

_DATE = re.compile(
    r"(?:D:)?(\d{4})(\d\d)(\d\d)(?:(\d\d)(?:(\d\d)(\d\d)?)?)?(?:([Zz])(?:00'?00'?)?|([+-])(\d\d)'?(\d\d)?'?)?", re.ASCII
)
_INFO = {
    "/Title": "title",
    "/Author": "author",
    "/Subject": "subject",
    "/Keywords": "keywords",
    "/Creator": "creator_tool",
    "/Producer": "producer",
}
_STANDARD = {*_INFO, "/CreationDate", "/ModDate", "/Trapped"}
_OWN_LIMIT, _NODES_LIMIT, _DEPTH_LIMIT, _NOTES_LIMIT = 64, 4096, 32, 8
_END, _PACKET, _PACKET_END = b"%%EOF", b"<x:xmpmeta", b"</x:xmpmeta>"
_BLOCK, _PACKETS_LIMIT = 1 << 20, 8


class _Stream(io.BufferedReader):
    """The document; it refuses to be read whole where it is large, which pypdf does with what is damaged."""

    refused = False

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= _READ_LIMIT:
            here = self.tell()
            rest = self.seek(0, io.SEEK_END) - here
            self.seek(here)
            if rest > _READ_LIMIT:
                self.refused = True
                raise ValueError("it is too large to be read whole")
        return super().read(size)


class _Notes(logging.Handler):
    """What pypdf says of damage that it gets over."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.said) < _NOTES_LIMIT:
            self.said.append(record.getMessage())


@contextmanager
def _listened() -> Iterator[list[str]]:
    logger, notes = logging.getLogger("pypdf"), _Notes()
    before = logger.propagate
    logger.propagate = False
    logger.addHandler(notes)
    try:
        yield notes.said
    finally:
        logger.removeHandler(notes)
        logger.propagate = before


def _resolved(value: Any) -> Any:
    return value.get_object() if hasattr(value, "get_object") else value


def _got(holder: Any, *keys: str) -> Any:
    """What stands under keys, one in the other; None where one is missing."""
    for key in keys:
        holder = _resolved(holder)
        if not isinstance(holder, DictionaryObject) or key not in holder:
            return None
        holder = holder.raw_get(key)
    return _resolved(holder)


def _text(value: Any) -> str:
    return "" if value is None else value.hex() if isinstance(value, bytes) else str(value)


def _date(text: str, facts: Facts) -> Stated | None:
    """A date of PDF (section 7.9.4) with a time of day, to the minute at least. Raises ImpossibleTimeError."""
    found = _DATE.fullmatch(text.strip().rstrip("\0"))
    if found is None:
        raise ImpossibleTimeError("it is not of the form D:YYYYMMDDHHmmSSOHH'mm")
    *parts, utc, sign, hours, minutes = found.groups()
    if parts[3] is None:
        return None
    offset = "Z" if utc else f"{sign}{hours}:{minutes or '00'}" if sign else None
    return stated(CivilTime(*(int(part or 0) for part in parts)), facts.source.zone, text, offset=offset)


def _dates(facts: Facts, kind: str, holder: Any, names: dict[str, str]) -> Iterator[tuple[str, Stated] | Problem]:
    for key, name in names.items():
        text = _text(_got(holder, key))
        try:
            time = _date(text, facts) if text else None
        except ImpossibleTimeError as error:
            yield facts.problem(f"the time {name} of {kind.replace('.', ' ')} is {text!r}: {error}")
        else:
            if time is not None:
                yield name, time


def _dated(
    facts: Facts, kind: str, holder: Any, names: dict[str, str], fields: dict[str, object]
) -> Iterator[Artefact | Problem]:
    """An artefact with the dates that `holder` has under `names`, and what is wrong with them."""
    times: dict[str, Stated] = {}
    for found in _dates(facts, kind, holder, names):
        if isinstance(found, Problem):
            yield found
        else:
            times[found[0]] = found[1]
    yield from by_clock(facts, kind, times, fields)


def _revisions(source: ParserInput) -> int:
    """How often the document was saved: each time it gets an end."""
    at, count = 0, 0
    while data := source.read_at(at, _BLOCK + len(_END) - 1):
        count += data.count(_END)
        at += _BLOCK
    return count


def _actions(root: Any) -> dict[str, object]:
    """What the document does by itself, as its catalogue says."""
    kinds = {_text(_got(root, "/OpenAction", "/S"))}
    additional = _got(root, "/AA")
    if isinstance(additional, DictionaryObject):
        kinds |= {_text(_got(additional, str(key), "/S")) for key in list(additional)[:_OWN_LIMIT]}
    script = "/JavaScript" in kinds or _got(root, "/Names", "/JavaScript") is not None
    others = sorted(kind.lstrip("/") for kind in kinds - {"", "/JavaScript", "/GoTo"})
    return {"javascript": "true" if script else "", "actions": " ".join(others)}


def _document(facts: Facts, reader: pypdf.PdfReader) -> Iterator[Artefact | Problem]:
    trailer, root = reader.trailer, _got(reader.trailer, "/Root")
    info = _got(trailer, "/Info")
    identifiers = _got(trailer, "/ID")
    own = [str(key) for key in info if key not in _STANDARD] if isinstance(info, DictionaryObject) else []
    fields: dict[str, object] = {
        **{name: _text(_got(info, key)) for key, name in _INFO.items()},
        **{f"custom.{key.lstrip('/')}": _text(_got(info, key)) for key in own[:_OWN_LIMIT]},
        "format": _text(_got(root, "/Version")).replace("/", "PDF-") or reader.pdf_header.lstrip("%"),
        "pages": _text(_got(root, "/Pages", "/Count")),
        "revisions": _revisions(facts.source),
        "encrypted": "true" if "/Encrypt" in trailer else "",
        "form": "XFA" if _got(root, "/AcroForm", "/XFA") is not None else "",
        "language": _text(_got(root, "/Lang")),
        **_actions(root),
    }
    for name, identifier in zip(
        ("id", "revision_id"), identifiers if isinstance(identifiers, list) else (), strict=False
    ):
        original = getattr(_resolved(identifier), "original_bytes", b"")
        fields[name] = original.hex()
    names = {"/CreationDate": "created", "/ModDate": "modified"}
    yield from _dated(facts, _KIND, info, names, fields)


def _xmp(facts: Facts, reader: pypdf.PdfReader) -> Iterator[Artefact | Problem]:
    metadata = _got(reader.trailer, "/Root", "/Metadata")
    if isinstance(metadata, StreamObject):
        yield from described(facts, _XMP, metadata.get_data(), (0, facts.source.size))


def _left_over(facts: Facts) -> Iterator[Artefact | Problem]:
    """The XMP of a document that cannot be read: most keep it in plain, so that it can be found without one."""
    source, at, count = facts.source, 0, 0
    while count < _PACKETS_LIMIT and (data := source.read_at(at, _BLOCK + len(_PACKET))):
        found = data.find(_PACKET)
        if not 0 <= found < _BLOCK:
            at += _BLOCK
            continue
        packet, end, _ = source.read_at(at + found, SIZE_LIMIT).partition(_PACKET_END)
        yield from described(facts, _XMP, packet + end, (at + found, len(packet) + len(end)))
        at, count = at + found + len(packet), count + 1


def _leaves(node: Any, down: str, seen: set[int], depth: int = 0) -> Iterator[DictionaryObject]:
    """Nodes of a tree that have none below them; each node once, as many as are read."""
    node = _resolved(node)
    if not isinstance(node, DictionaryObject) or id(node) in seen or len(seen) > _NODES_LIMIT or depth > _DEPTH_LIMIT:
        return
    seen.add(id(node))
    below = _got(node, down)
    if isinstance(below, list):
        for child in below:
            yield from _leaves(child, down, seen, depth + 1)
    else:
        yield node


def _signatures(facts: Facts, reader: pypdf.PdfReader) -> Iterator[Artefact | Problem]:
    fields, seen = _got(reader.trailer, "/Root", "/AcroForm", "/Fields"), set[int]()
    for field in fields if isinstance(fields, list) else ():
        for leaf in _leaves(field, "/Kids", seen):
            value = _got(leaf, "/V")
            if isinstance(value, DictionaryObject) and "/ByteRange" in value:
                said: dict[str, object] = {
                    "name": _text(_got(value, "/Name")),
                    "reason": _text(_got(value, "/Reason")),
                    "place": _text(_got(value, "/Location")),
                    "filter": _text(_got(value, "/SubFilter")).lstrip("/"),
                    "bytes": _text(_got(value, "/ByteRange")),
                }
                yield from _dated(facts, _SIGNATURE, value, {"/M": "signed"}, said)


def _attachments(facts: Facts, reader: pypdf.PdfReader) -> Iterator[Artefact | Problem]:
    names = {"/CreationDate": "created", "/ModDate": "modified"}
    for leaf in _leaves(_got(reader.trailer, "/Root", "/Names", "/EmbeddedFiles"), "/Kids", set()):
        pairs = _got(leaf, "/Names")
        for file in map(_resolved, pairs[1::2] if isinstance(pairs, list) else ()):
            stream = _got(file, "/EF", "/F")
            parameters = _got(stream, "/Params")
            fields: dict[str, object] = {
                "name": _text(_got(file, "/UF") or _got(file, "/F")),
                "description": _text(_got(file, "/Desc")),
                "type": _text(_got(stream, "/Subtype")).lstrip("/"),
                "size": _text(_got(parameters, "/Size")),
                "md5_told": getattr(_got(parameters, "/CheckSum"), "original_bytes", b"").hex(),
            }
            yield from _dated(facts, _ATTACHMENT, parameters, names, fields)


_PARTS: tuple[tuple[str, Callable[[Facts, pypdf.PdfReader], Iterator[Artefact | Problem]]], ...] = (
    ("the document's information", _document),
    ("its XMP data", _xmp),
    ("its signatures", _signatures),
    ("its attachments", _attachments),
)


def _read(facts: Facts, watched: Watched) -> Iterator[Artefact | Problem]:
    """All parts, a problem for each that cannot be read; what the evidence raises goes through."""
    stream = _Stream(replace(facts.source, read_at=watched.read_at).open().detach())
    try:
        reader = pypdf.PdfReader(stream)
        if reader.is_encrypted and not reader.decrypt(""):
            yield facts.artefact(_KIND, {}, {"format": reader.pdf_header.lstrip("%"), "encrypted": "true"})
            yield facts.problem("the document is encrypted: what it says of itself needs the password")
            return
        for what, read in _PARTS:
            try:
                yield from list(read(facts, reader))
            except _FAILURES as error:
                if watched.error is None:
                    yield facts.problem(f"{what} cannot be read: {error or type(error).__name__}")
    except _FAILURES as error:
        if watched.error is None:
            yield facts.problem(f"the document cannot be read: {error or type(error).__name__}")
            yield from _left_over(facts)
    if watched.error is not None:
        raise watched.error
    if stream.refused:
        yield facts.problem("the document is damaged, and too large to be searched through for what is left")


def read_document(facts: Facts) -> list[Artefact | Problem]:
    """The document, its XMP, signatures and attachments, then what pypdf had to get over."""
    with _listened() as notes, pypdf.apply_configuration(_LIMITS):
        found = list(_read(facts, Watched(facts.source)))
    if notes:
        found.append(facts.problem(f"the document is damaged: {'; '.join(dict.fromkeys(notes))}"))
    return found
