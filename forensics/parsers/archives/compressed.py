"""Logs that were compressed when they were rotated, and archives (.tgz): gzip, xz, bzip2.

Which parser reads what is inside is decided as for any file: by the first decompressed bytes, with the name
(without its suffix) as a hint.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import forensics.parsers
from forensics.model import Artefact, Problem
from forensics.parsers._clock import SECOND
from forensics.parsers._contract import HEAD_BYTES, Parser, ParserInput
from forensics.parsers._decompression import WINDOW, Compression, Decompressed, compression_of, first_bytes
from forensics.parsers._lines import shown

_NAME, _VERSION, _STAGE = "compressed", "2", "parser compressed"

_OUT_OF_ORDER = frozenset(("sqlite", "registry", "journal", "jump_list", "zip_archive", "seven_zip"))
"""Parsers that go back and forth in a file: going back means decompressing again."""

COMPRESSED = "compressed"
"""The field that names the compression; the artefact's place then is in the decompressed bytes."""


def _inner_parser(head: bytes, name: str) -> Parser | None:
    """The parser for decompressed bytes; none for what is compressed again."""
    parsers = (parser for parser in forensics.parsers.PARSERS if parser is not PARSER)
    return next((parser for parser in parsers if parser.accepts(head, name)), None)


def _reference_time(source: ParserInput, compression: Compression) -> int | None:
    """The file's modified time, else the one gzip keeps of the file it compressed (RFC 1952 section 2.3.1)."""
    if source.reference_time is not None or compression.name != "gzip":
        return source.reference_time
    seconds = int.from_bytes(source.read_at(4, 4), "little")
    return seconds * SECOND if seconds else None


def _inside(found: Artefact | Problem, compression: Compression) -> Artefact | Problem:
    """A result of the inner parser, saying that its place is in the decompressed bytes."""
    if isinstance(found, Problem):
        return found._replace(reason=f"in the decompressed {compression.name}: {found.reason}")
    fields: Mapping[str, str] = {**found.fields, COMPRESSED: compression.name}
    kind, location, times, parser = found.kind, found.location, found.times, found.parser
    return Artefact(kind, location, times, fields, parser, found.version, found.clock, found.raw)


@dataclass(frozen=True, slots=True)
class CompressedParser:
    """Logs inside a compressed file, in the name of the parser that reads them.

    It has no kinds of its own: the artefacts are those of the inner parser with the field `compressed`
    (gzip, xz, bzip2), their offset and length counted in the decompressed bytes. A damaged or cut stream,
    one that holds more than 4 GiB or more than 1,000 times the file's size (64 MiB are always read), and bytes
    after its end are problems; what came before them is read.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = ()

    def accepts(self, head: bytes, name: str) -> bool:
        """The start of a compressed file with a log in it; a bzip2 file may have to be parsed to know."""
        compression = compression_of(head)
        if compression is None:
            return False
        inner = first_bytes(lambda offset, length: head[offset : offset + length], compression)
        if not inner:
            return compression.whole_blocks and len(head) >= HEAD_BYTES
        return _inner_parser(inner, compression.inner_name(name)) is not None

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """What the inner parser finds, then what was wrong with the stream; see `Parser.parse`."""
        head = source.read_at(0, HEAD_BYTES)
        compression = compression_of(head)
        if compression is None:
            yield Problem(source.location, _STAGE, f"not the start of a compressed file: {shown(head[:8].hex())}")
            return
        name = compression.inner_name(source.name)
        inner_head = first_bytes(source.read_at, compression)
        parser = _inner_parser(inner_head, name)
        if parser is None and inner_head:
            return  # something else was compressed
        contents = Decompressed(source, compression)
        if parser is not None and parser.name in _OUT_OF_ORDER and contents.size > WINDOW:
            reason = (
                f"{contents.size:,} decompressed bytes, which the {parser.name} parser reads out of order: not read"
            )
            yield Problem(source.location, _STAGE, reason)
        elif parser is not None:
            reference = _reference_time(source, compression)
            inner = ParserInput(name, contents.size, contents.read_at, source.location, source.zone, reference)
            for found in parser.parse(inner):
                yield _inside(found, compression)
        yield from contents.problems(_STAGE)


PARSER = CompressedParser()
