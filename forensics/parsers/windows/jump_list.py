"""Jump lists of Windows 7 and later: automatic destinations (an OLE compound file) and custom ones.

The entries are shortcuts ([MS-SHLLINK]); DestList, which orders them, has no public specification: its layout is the
one the libraries of the field agree on. The compound file is read through libolecf ([MS-CFB]).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pyolecf

from forensics.model import Artefact, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._windows import UnreadableError, filetime, guid, opened, told
from forensics.parsers.windows.shortcut import HEADER, Kinds, shortcut

_NAME, _VERSION, _KIND = "jump_list", "1", "jumplist.destination"
_KINDS = Kinds("jumplist.shortcut", "jumplist.item")
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # [MS-CFB] section 2.2
_AUTOMATIC, _CUSTOM = ".automaticdestinations-ms", ".customdestinations-ms"
_CUSTOM_FOOTER = b"\xab\xfb\xbf\xba"
_LIST_HEADER = 32
_ENTRY = struct.Struct("<8s16s16s16s16s16sIIfQI")
_LENGTH_AT = {1: 112, 2: 128, 3: 128, 4: 128}
"""Version of DestList -> where in an entry the length of its path stands; the path follows."""
_COUNT_AT = 116
_UNPINNED = 0xFFFFFFFF
_STREAM_LIMIT = 16 << 20
_ENTRIES_LIMIT = 100_000
_BLOCK = 1 << 20


class _Entry:
    """An entry of DestList and how many bytes it has."""

    def __init__(self, data: bytes, start: int, version: int) -> None:
        at = start + _LENGTH_AT[version]
        fixed = _ENTRY.unpack_from(data, start)
        (characters,) = struct.unpack_from("<H", data, at)
        path = data[at + 2 : at + 2 + 2 * characters]
        self.length = at + 2 + 2 * characters - start + (0 if version == 1 else 4)
        self.cut = len(path) < 2 * characters
        self.number, self.opened = fixed[6], fixed[9]
        self.fields: dict[str, object] = {
            "entry": f"{self.number:x}",
            "path": path.decode("utf-16-le", "backslashreplace"),
            "machine": fixed[5].partition(b"\0")[0].decode("ascii", "backslashreplace"),
            "droid_volume": guid(fixed[1]),
            "droid_file": guid(fixed[2]),
            "birth_droid_volume": guid(fixed[3]),
            "birth_droid_file": guid(fixed[4]),
            "pinned": "" if fixed[10] == _UNPINNED else fixed[10],
        }
        if version > 1:
            self.fields["opened_times"] = struct.unpack_from("<I", data, start + _COUNT_AT)[0]


def _destinations(facts: Facts, data: bytes) -> Iterator[Artefact | Problem]:
    """The entries of DestList, most recent first as they stand."""
    version, count = struct.unpack_from("<II", data.ljust(8, b"\0"))
    if version not in _LENGTH_AT:
        yield facts.problem(f"DestList has the unknown version {version}: its entries are not read")
        return
    start, read = _LIST_HEADER, 0
    while start + _LENGTH_AT[version] + 2 <= len(data) and read < _ENTRIES_LIMIT:
        entry = _Entry(data, start, version)
        yield facts.artefact(_KIND, {"opened": filetime(entry.opened)}, entry.fields)
        start, read = start + entry.length, read + 1
        if entry.cut:
            break
    if read != count:
        yield facts.problem(f"DestList says it has {count:,} entries, {read:,} could be read")


def _stream(item: Any) -> bytes:
    """The contents of a stream; b"" for a storage, which has none."""
    if not isinstance(item, pyolecf.stream):
        return b""
    size = told(getattr, item, "size") or 0
    return told(item.read_buffer_at_offset, min(size, _STREAM_LIMIT), 0) or b""


def _within(source: ParserInput, data: bytes) -> ParserInput:
    return replace(source, size=len(data), read_at=lambda offset, length: data[offset : offset + length])


def _automatic(facts: Facts) -> Iterator[Artefact | Problem]:
    whole = (0, facts.source.size)
    with opened(pyolecf.file, facts.source) as file:
        root = told(getattr, file, "root_item")
        for number in range(0 if root is None else told(getattr, root, "number_of_sub_items") or 0):
            item = told(root.get_sub_item, number)
            if item is None:
                yield facts.problem(f"the stream {number} cannot be read")
                continue
            name, data = told(getattr, item, "name") or "", _stream(item)
            if name == "DestList":
                yield from _destinations(facts, data)
            elif data.startswith(HEADER):
                yield from shortcut(facts, _within(facts.source, data), whole, _KINDS, entry=name)
            elif data:
                yield facts.problem(f"the stream {name or number} holds no shortcut")


def _starts(source: ParserInput) -> Iterator[int]:
    """Where shortcuts begin in a file of custom destinations."""
    offset = 0
    while len(block := source.read_at(offset, _BLOCK)) >= len(HEADER):
        found = block.find(HEADER)
        while found >= 0:
            yield offset + found
            found = block.find(HEADER, found + 1)
        offset += len(block) - len(HEADER) + 1


def _custom(facts: Facts) -> Iterator[Artefact | Problem]:
    source, starts = facts.source, list(_starts(facts.source))
    for start, end in pairwise([*starts, source.size]):

        def read_at(offset: int, length: int, base: int = start, end: int = end) -> bytes:
            return source.read_at(base + offset, max(0, min(length, end - base - offset)))

        part = replace(source, size=end - start, read_at=read_at)
        yield from shortcut(facts, part, (start, end - start), _KINDS)
    if source.read_at(max(0, source.size - 4), 4) != _CUSTOM_FOOTER:
        yield facts.problem("the end of the list is missing: the file is cut or damaged")


@dataclass(frozen=True, slots=True)
class JumpListParser:
    """Artefacts `jumplist.destination` (automatic lists): time `opened` (UTC); fields entry, path, machine, droid_*,
    pinned, opened_times. Artefacts `jumplist.shortcut` and `jumplist.item` are those of a shortcut; `entry`
    ties it to its destination.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND, *_KINDS)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the name's ending, and for automatic lists the compound file's signature."""
        low = name.lower()
        return (_AUTOMATIC in low and head.startswith(_COMPOUND)) or _CUSTOM in low

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Entries in the order of the file; see `Parser.parse`."""
        facts = Facts(source, self.name, self.version)
        try:
            yield from _automatic(facts) if source.read_at(0, 8) == _COMPOUND else _custom(facts)
        except UnreadableError as error:
            yield facts.problem(f"the compound file cannot be read: {error}")


PARSER = JumpListParser()
