"""Bookmarks and aliases of macOS: where the file they point to was, when it was made, on which volume.

A bookmark is "book", then records of (length, type, bytes), found by a table of (key, offset): "mac_alias" and others
describe it. An alias is older: a fixed head, then records of (tag, length, bytes).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from forensics.parsers.macos._property_lists import cocoa_date

_PATH, _CREATED, _VOLUME_PATH, _VOLUME, _VOLUME_UUID, _USER = 0x1004, 0x1040, 0x2002, 0x2010, 0x2011, 0xC011
_STRING, _DATA, _INT32, _INT64, _DATE, _ARRAY, _URL = 0x0101, 0x0201, 0x0303, 0x0304, 0x0400, 0x0601, 0x0901
_TOC_MAGIC = 0xFFFFFFFE
_ENTRIES = 256
_ALIAS_HEAD = {2: 150, 3: 58}
_ALIAS_NAMES = {0x12: "path", 0x13: "volume_path"}


class _Bookmark:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._start = int.from_bytes(data[12:16], "little")

    def _numbers(self, at: int, count: int) -> tuple[int, ...]:
        return struct.unpack_from(f"<{count}I", self._data, at)

    def entries(self) -> dict[int, Any]:
        """Key -> value of the first table of contents; raises struct.error where the bytes end before."""
        (toc,) = self._numbers(self._start, 1)
        toc += self._start
        _, magic, _, _, count = self._numbers(toc, 5)
        if magic != _TOC_MAGIC:
            return {}
        found = {}
        for number in range(min(count, _ENTRIES)):
            key, offset, _ = self._numbers(toc + 20 + 12 * number, 3)
            found[key] = self._record(offset)
        return found

    def _record(self, offset: int, depth: int = 0) -> Any:
        length, kind = self._numbers(self._start + offset, 2)
        data = self._data[self._start + offset + 8 : self._start + offset + 8 + length]
        if kind in (_STRING, _URL):
            return data.decode("utf-8", "backslashreplace")
        if kind in (_INT32, _INT64):
            return int.from_bytes(data[:8], "little", signed=True)
        if kind == _DATE and len(data) == 8:
            return cocoa_date(struct.unpack(">d", data)[0])
        if kind == _ARRAY and depth < 2:
            count = min(len(data) // 4, _ENTRIES)
            return [self._record(at, depth + 1) for at in struct.unpack_from(f"<{count}I", data)]
        return None


def bookmark(data: bytes) -> dict[str, Any]:
    """path, created (a date), volume, volume_path, volume_uuid and user of a bookmark; {} for what is none."""
    if not data.startswith(b"book") or len(data) < 20:
        return {}
    try:
        entries = _Bookmark(data).entries()
    except struct.error:
        return {}
    parts = entries.get(_PATH)
    told: dict[str, Any] = {"path": "/" + "/".join(map(str, parts)) if isinstance(parts, list) else None}
    names = {"created": _CREATED, "volume": _VOLUME, "volume_path": _VOLUME_PATH, "volume_uuid": _VOLUME_UUID}
    told |= {name: entries.get(key) for name, key in {**names, "user": _USER}.items()}
    return {name: value for name, value in told.items() if value is not None}


def _alias_records(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + 4 <= len(data):
        tag, length = struct.unpack_from(">hH", data, at)
        if tag == -1:
            return
        yield tag, data[at + 4 : at + 4 + length]
        at += 4 + length + length % 2


def alias(data: bytes) -> dict[str, Any]:
    """Path and volume_path of an alias; {} for what is none."""
    version = int.from_bytes(data[6:8], "big")
    if len(data) < 60 or version not in _ALIAS_HEAD:
        return {}
    found = {
        _ALIAS_NAMES[tag]: value for tag, value in _alias_records(data, _ALIAS_HEAD[version]) if tag in _ALIAS_NAMES
    }
    return {name: value.decode("utf-8", "backslashreplace") for name, value in found.items()}


def target(data: Any) -> dict[str, Any]:
    """What a bookmark or an alias points to."""
    if not isinstance(data, bytes):
        return {}
    return bookmark(data) or alias(data)
