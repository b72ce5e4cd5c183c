"""Deleted files in the recycle bin of Windows: $I files (Vista and later) and INFO2 (Windows 95 to XP).

No public specification: the layouts are those the libraries of the field agree on, held against public files.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._windows import filetime

_NAME, _VERSION, _KIND = "recycle_bin", "1", "recycle.item"
_HEAD = struct.Struct("<QQQ")
_FIXED_PATH = 520  # bytes of the path in version 1
_PATH_LIMIT = 32_767
_INFO2 = struct.Struct("<5I")
_INFO2_VERSIONS = (0, 2, 4, 5)
_RECORDS = {280: False, 800: True}
"""Bytes of a record of INFO2 -> whether it ends with the path in UTF-16."""
_RECORD = struct.Struct("<260sIIQI")
_DAMAGED = "the record is damaged: "


def _utf16(data: bytes) -> str:
    return data.decode("utf-16-le", "backslashreplace").partition("\0")[0]


def _item(facts: Facts) -> Iterator[Artefact | Problem]:
    """The one item of a $I file."""
    source = facts.source
    data = source.read_at(0, _HEAD.size + 4 + 2 * _PATH_LIMIT)
    if len(data) < _HEAD.size + 4:
        yield facts.problem("the file ends before the path of what was deleted")
        return
    version, size, deleted = _HEAD.unpack_from(data)
    start, length = _HEAD.size, _FIXED_PATH
    if version == 2:
        start, length = start + 4, 2 * int.from_bytes(data[start : start + 4], "little")
    path = data[start : start + length]
    fields = {"path": _utf16(path), "size": size, "version": version}
    yield facts.artefact(_KIND, {"deleted": filetime(deleted)}, fields)
    if version == 2 and len(path) < length:
        yield facts.problem(f"the path says it has {length // 2:,} characters, the file ends after {len(path) // 2:,}")


def _record(facts: Facts, offset: int, data: bytes) -> Artefact | Problem:
    short, index, drive, deleted, size = _RECORD.unpack_from(data)
    name = short.partition(b"\0")[0]
    path = _utf16(data[_RECORD.size :]) if len(data) > _RECORD.size else name.decode("cp1252", "backslashreplace")
    if not path:
        return facts.problem(f"{_DAMAGED}it names no path", (offset, len(data)))
    fields = {
        "path": path,
        "size": size,
        "index": index,
        "drive": f"{chr(ord('A') + drive)}:" if drive < 26 else drive,
        # the first character of the short name goes when the item is restored or the bin is emptied
        "removed": "" if short[:1] != b"\0" else "true",
        "version": "INFO2",
    }
    return facts.artefact(_KIND, {"deleted": filetime(deleted)}, fields, place=(offset, len(data)))


def _records(facts: Facts) -> Iterator[Artefact | Problem]:
    """The items of INFO2, in its order."""
    source = facts.source
    head = source.read_at(0, _INFO2.size)
    length, offset = int.from_bytes(head[12:16], "little"), _INFO2.size
    if length not in _RECORDS:
        yield facts.problem(f"the file says its records have {length:,} bytes: they are not read")
        return
    while offset < source.size:
        data = source.read_at(offset, length)
        if len(data) < length:
            if data.strip(b"\0"):
                yield facts.problem(
                    f"{_DAMAGED}the file ends after {len(data)} of its {length} bytes", (offset, len(data))
                )
            return
        if data.strip(b"\0"):
            yield _record(facts, offset, data)
        offset += length


@dataclass(frozen=True, slots=True)
class RecycleBinParser:
    """Artefacts `recycle.item`: time `deleted` (UTC); fields path, size (bytes), version, and in INFO2 index,
    drive, `removed` (restored, or the bin was emptied).
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """A $I file by its name and version, and by what its path begins with; INFO2 by its head."""
        if len(head) >= _INFO2.size and name.upper().startswith("INFO2"):
            version, _, _, length, _ = _INFO2.unpack_from(head)
            return version in _INFO2_VERSIONS and length in _RECORDS
        return name.upper().startswith("$I") and head[:8] in (b"\1" + bytes(7), b"\2" + bytes(7))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every item in the order of the file; see `Parser.parse`."""
        facts = Facts(source, self.name, self.version)
        yield from _records(facts) if source.name.upper().startswith("INFO2") else _item(facts)


PARSER = RecycleBinParser()
