"""What happened to files of a macOS volume: .fseventsd, versions 1 to 3, unpacked by `compressed`.

A page is a magic, four bytes, its length, then records: path, event number, flags (read as big endian, they are
those of FSEvents.h and more), since version 2 the file's number, since version 3 four bytes more. No record has a time.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._lines import ProblemLimit

_NAME, _VERSION, _KIND, _STAGE = "fsevents", "1", "fsevents.record", "parser fsevents"
_PAGE = re.compile(rb"([123])SLD")
_HEAD = 12
_TAILS = {1: struct.Struct("<Q4s"), 2: struct.Struct("<Q4sQ"), 3: struct.Struct("<Q4sQI")}
_PATH_LIMIT = 4096
_BLOCK = 1 << 20
# fmt: off
_FLAGS = {
    0x00000001: "folder event", 0x00000002: "volume mounted", 0x00000004: "volume unmounted",
    0x00000020: "end of transaction", 0x00000800: "last hard link removed", 0x00001000: "hard link",
    0x00004000: "symbolic link", 0x00008000: "file event", 0x00010000: "permissions changed",
    0x00020000: "extended attribute changed", 0x00040000: "extended attribute removed",
    0x00100000: "document revised", 0x00400000: "cloned", 0x01000000: "created", 0x02000000: "removed",
    0x04000000: "inode changed", 0x08000000: "renamed", 0x10000000: "modified", 0x20000000: "exchanged",
    0x40000000: "Finder information changed", 0x80000000: "folder created",
}
# fmt: on


def _words(flags: int) -> str:
    known = [word for bit, word in _FLAGS.items() if flags & bit]
    rest = flags & ~sum(_FLAGS)
    return ", ".join([*known, *([f"0x{rest:08x}"] if rest else [])])


class _File:
    """One file being read, page after page."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self._facts = Facts(source, _NAME, _VERSION)
        self._problems = ProblemLimit(source, _STAGE)

    def read(self) -> Iterator[Artefact | Problem]:
        at = 0
        while head := self._source.read_at(at, _HEAD):
            page = _PAGE.match(head)
            length = int.from_bytes(head[8:12], "little") if len(head) == _HEAD else 0
            if page is None or length < _HEAD:
                yield from self._problems.problem(at, len(head), f"no page begins here: {head[:4].hex()}")
                break
            yield from self._page(at, length, int(page[1]))
            at += length
        yield from self._problems.summary()

    def _page(self, start: int, length: int, version: int) -> Iterator[Artefact | Problem]:
        tail, end, at = _TAILS[version], start + length, start + _HEAD
        block, first = b"", at  # the bytes at hand and where they begin
        while at < end:
            if first + len(block) - at < _PATH_LIMIT + tail.size and first + len(block) < end:
                block, first = self._source.read_at(at, min(_BLOCK, end - at)), at
                if not block:
                    yield from self._problems.problem(at, 0, f"the page ends {end - at:,} bytes before it says")
                    return
            found = self._record(block, at - first, at, tail)
            if isinstance(found, str):
                yield from self._problems.problem(at, first + len(block) - at, found)
                return
            artefact, size = found
            yield artefact
            at += size

    def _record(self, block: bytes, start: int, at: int, tail: struct.Struct) -> tuple[Artefact, int] | str:
        """The record at `start` of the block, which is `at` of the file, and its length."""
        stop = block.find(b"\0", start, start + _PATH_LIMIT)
        if stop < 0 or stop + 1 + tail.size > len(block):
            return "a record that is not whole; the rest of the page is not read"
        event, raw, *more = tail.unpack_from(block, stop + 1)
        flags = int.from_bytes(raw, "big")
        size = stop + 1 + tail.size - start
        fields = {"path": block[start:stop].decode("utf-8", "backslashreplace") or "/", "flags": _words(flags)}
        fields |= {"event": str(event)} | ({"file_number": str(more[0])} if more else {})
        return self._facts.artefact(_KIND, {}, fields, place=(at, size)), size


@dataclass(frozen=True, slots=True)
class FseventsParser:
    """Artefacts `fsevents.record`: path (from the volume's root), flags in words, event, file_number (since version 2).

    Several changes may be in one record: flags are what happened since the record before. No times.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the first page's magic."""
        return _PAGE.match(head) is not None and len(head) > _HEAD

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every record in the order of the file; see `Parser.parse`."""
        yield from _File(source).read()


PARSER = FseventsParser()
