"""Thumbs.db: what Windows Explorer showed of a folder's pictures, files that may be long gone (a compound file).

The catalogue of Windows 95 to XP and the names of Vista and later have no specification; their layouts are those the
libraries of the field agree on. The compound file is read through libolecf ([MS-CFB]).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyolecf

from forensics.model import Artefact, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._windows import UnreadableError, filetime, opened, told

_NAME, _VERSION, _KIND = "thumbnails", "1", "thumbs.picture"
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # [MS-CFB] section 2.2
_FILE = re.compile(r"(?:eh)?thumbs(?:_vista)?\.db", re.IGNORECASE)
_CATALOGUE = "Catalog"
_CATALOGUE_LIMIT, _STREAMS_LIMIT = 16 << 20, 100_000
_SIZED = re.compile(r"([0-9]+)_([0-9a-f]+)")
_HEADER, _HEAD = 24, 64
_FORMATS = ((b"\xff\xd8\xff", "JPEG"), (b"\x89PNG", "PNG"), (b"BM", "BMP"))


class _Entry(NamedTuple):
    """What the catalogue says of a picture."""

    name: str
    modified: Moment


def _catalogue(data: bytes) -> tuple[dict[int, _Entry], int]:
    """The entries by their number, and how many the catalogue says it has."""
    at, count = int.from_bytes(data[:2], "little"), int.from_bytes(data[4:8], "little")
    found: dict[int, _Entry] = {}
    while at + 16 <= len(data) and len(found) < count:
        length, number = int.from_bytes(data[at : at + 4], "little"), int.from_bytes(data[at + 4 : at + 8], "little")
        entry = data[at : at + length]
        if length < 20 or len(entry) < length:
            break
        name = entry[16:].decode("utf-16-le", "backslashreplace").partition("\0")[0]
        found[number] = _Entry(name, filetime(int.from_bytes(entry[8:16], "little")))
        at += length
    return found, count


def _streams(file: Any) -> Iterator[tuple[str, Any]]:
    root = told(getattr, file, "root_item")
    count = 0 if root is None else told(getattr, root, "number_of_sub_items") or 0
    for number in range(min(count, _STREAMS_LIMIT)):
        item = told(root.get_sub_item, number)
        yield (told(getattr, item, "name") or "", item) if isinstance(item, pyolecf.stream) else ("", None)


def _read(item: Any, limit: int) -> bytes:
    size = told(getattr, item, "size") or 0
    return told(item.read_buffer_at_offset, min(size, limit), 0) or b""


def _form(head: bytes) -> str:
    starts = (head[_HEADER:], head[12:], head[16:])
    return next((form for start in starts for magic, form in _FORMATS if start.startswith(magic)), "")


def _picture(
    name: str, fields: dict[str, object], entries: dict[int, _Entry]
) -> tuple[dict[str, Moment], dict[str, object]] | None:
    """Times and fields of a thumbnail; None for another stream."""
    if (sized := _SIZED.fullmatch(name)) is not None:
        return {}, {**fields, "pixels": sized[1], "hash": sized[2]}
    if not name.isdecimal():
        return None
    entry = entries.pop(int(name[::-1]), None)  # the streams' names are the numbers' digits turned
    if entry is None:
        return {}, fields
    return {"modified": entry.modified}, {"name": entry.name, **fields}


def _pictures(facts: Facts, file: Any) -> Iterator[Artefact | Problem]:
    streams = [(name, item) for name, item in _streams(file) if item is not None]
    data = next((_read(item, _CATALOGUE_LIMIT) for name, item in streams if name == _CATALOGUE), b"")
    entries, stated = _catalogue(data)
    read = len(entries)
    for name, item in streams:
        size, form = told(getattr, item, "size"), _form(_read(item, _HEAD))
        picture = _picture(name, {"stream": name, "bytes": size, "format": form}, entries)
        if picture is not None:
            yield facts.artefact(_KIND, *picture)
    for entry in entries.values():
        yield facts.artefact(_KIND, {"modified": entry.modified}, {"name": entry.name, "stream": "(none)"})
    if read < stated:
        yield facts.problem(f"the catalogue says it has {stated:,} pictures, {read:,} could be read")


@dataclass(frozen=True, slots=True)
class ThumbnailsParser:
    """Artefacts `thumbs.picture`: time `modified` (the picture's own, UTC; up to XP); fields name (up to XP), stream,
    bytes, format, pixels and hash (Vista and later).
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the name and the compound file's signature."""
        return head.startswith(_COMPOUND) and _FILE.fullmatch(name) is not None

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Pictures in the order of the file's streams; see `Parser.parse`."""
        facts = Facts(source, self.name, self.version)
        try:
            with opened(pyolecf.file, source) as file:
                yield from _pictures(facts, file)
        except UnreadableError as error:
            yield facts.problem(f"the compound file cannot be read: {error}")


PARSER = ThumbnailsParser()
