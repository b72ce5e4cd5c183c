"""The application compatibility cache (shimcache) of Windows XP to 11: programs that Windows has looked at.

An entry's time is the file's own modified time when it was looked at, not when it ran (XP adds when the entry changed).
Up to Windows 8.1 the flags say whether the program was started; later ones do not.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from forensics.parsers._facts import Moment
from forensics.parsers._windows import filetime
from forensics.parsers.windows._registry_keys import number, wide

_XP, _SERVER_2003, _SEVEN = 0xDEADBEEF, 0xBADC0FFE, 0xBADC0FEE
_XP_START, _XP_ENTRY = 400, struct.Struct("<528sQQQ")
_SHORT, _LONG = struct.Struct("<HHIQII"), struct.Struct("<HHIQQII")
"""Up to Windows 7, 32 and 64 bits: length and room of the path, (padding,) its place, the file's time, two numbers."""
_TABLES = {_SERVER_2003: (_SHORT.size, _LONG.size), _SEVEN: (32, 48)}
"""Signature -> length of an entry with 32 and with 64 bits."""
_RECORDS = {0x80: "8", 0x30: "10", 0x34: "10"}
"""Where entries with a signature begin -> version of Windows. 10 says it in its first number, 8 and 8.1 not always."""
_STARTS = {_XP: _XP_START, _SERVER_2003: 8, _SEVEN: 128, **{start: start for start in _RECORDS}}
"""Signature -> where entries begin."""
_EIGHT, _LATER = b"00ts", b"10ts"
_FLAGS_AT_MOST = 3
_NO_TIME = Moment(None, "")


class CacheEntry(NamedTuple):
    """One file of the cache. `size` only in XP and Server 2003, `flags` (as inserted) in Vista to 8.1."""

    path: str
    modified: Moment
    layout: str
    updated: Moment = _NO_TIME
    size: object = ""
    flags: int | None = None
    package: str = ""


def _few(stated: int, count: int) -> Iterator[str]:
    if stated != count:
        yield f"the compatibility cache says it has {stated:,} entries, {count:,} could be read"


def _of_xp(data: bytes) -> Iterator[CacheEntry | str]:
    stated, room = number(data, 4), max(0, len(data) - _XP_START) // _XP_ENTRY.size
    for index in range(min(stated, room)):
        path, modified, size, updated = _XP_ENTRY.unpack_from(data, _XP_START + index * _XP_ENTRY.size)
        yield CacheEntry(wide(path), filetime(modified), "XP", filetime(updated), size)
    yield from _few(stated, min(stated, room))


def _rows(data: bytes, start: int, short: int, long: int) -> Iterator[tuple[str, int, int, int]]:
    """Path, time and the two numbers of each entry; of 64 bits where the first one's place is wide."""
    wide_places = number(data, start + 4) == 0
    step, layout = (long, _LONG) if wide_places else (short, _SHORT)
    for index in range(min(number(data, 4), max(0, len(data) - start) // step)):
        length, _, *rest = layout.unpack_from(data, start + index * step)
        place, modified, one, two = rest[1:] if wide_places else rest
        path = data[place : place + length]
        if len(path) < length or not length:
            return
        yield path.decode("utf-16-le", "backslashreplace"), modified, one, two


def _of_table(data: bytes, signature: int) -> Iterator[CacheEntry | str]:
    """Server 2003 and Vista share a signature: where the other keeps two numbers of flags, 2003 keeps a size."""
    rows = list(_rows(data, _STARTS[signature], *_TABLES[signature]))
    sized = signature == _SERVER_2003 and any(one > _FLAGS_AT_MOST for _, _, one, _ in rows)
    layout = "2003" if sized else "7" if signature == _SEVEN else "Vista"
    for path, modified, one, two in rows:
        if sized:
            yield CacheEntry(path, filetime(modified), layout, size=two << 32 | one)
        else:
            yield CacheEntry(path, filetime(modified), layout, flags=one)
    yield from _few(number(data, 4), len(rows))


def _body(body: bytes, version: str, later: bool) -> CacheEntry | None:
    """An entry of Windows 8 and later: path, (package, flags,) time, and data to its end; None where that is not so."""
    path_end = 2 + number(body, 0, 2)
    path = body[2:path_end].decode("utf-16-le", "backslashreplace")
    package_end = path_end + 2 + number(body, path_end, 2)
    # the package's name came with 8.1: an empty one is two zero bytes
    forms = {"10": [path_end], "8": [package_end + 8, path_end + 8] if later else [path_end + 8, package_end + 8]}
    for at in forms[version]:
        if at + 12 <= len(body) and at + 12 + number(body, at + 8) == len(body):
            modified = filetime(number(body, at, 8))
            if version == "10":
                return CacheEntry(path, modified, version)
            packed = at == package_end + 8
            package = body[path_end + 2 : package_end].decode("utf-16-le", "backslashreplace") if packed else ""
            layout = "8.1" if later else "8"
            return CacheEntry(path or package, modified, layout, flags=number(body, at - 8), package=package)
    return None


def _of_records(data: bytes, start: int) -> Iterator[CacheEntry | str]:
    version, at = _RECORDS[start], start
    while (signature := data[at : at + 4]) in (_EIGHT, _LATER):
        end = at + 12 + number(data, at + 8)
        entry = _body(data[at + 12 : end], version, signature == _LATER) if end <= len(data) else None
        if entry is None:
            yield f"the compatibility cache cannot be read from byte {at:,} on: entries after that are not shown"
            return
        yield entry
        at = end
    if any(data[at:]):
        yield f"the compatibility cache has {len(data) - at:,} bytes after its entries that are no entries"


def compatibility_cache(data: bytes) -> Iterator[CacheEntry | str]:
    """The entries of the value AppCompatCache as they stand in it; what cannot be read is a reason (text)."""
    signature = 0x80 if data[0x80:0x84] in (_EIGHT, _LATER) else number(data)
    if signature in _STARTS and len(data) < _STARTS[signature]:
        yield f"the compatibility cache has {len(data):,} bytes: it is cut before its entries begin"
    elif signature == _XP:
        yield from _of_xp(data)
    elif signature in _TABLES:
        yield from _of_table(data, signature)
    elif signature in _RECORDS:
        yield from _of_records(data, signature)
    else:
        yield f"the compatibility cache has the unknown signature {signature:08x}"
