"""Property sets of compound files ([MS-OLEPS]): numbers of properties to values, texts in the code page they name."""

from __future__ import annotations

import codecs
import struct
from typing import NamedTuple

from forensics.parsers._facts import Moment
from forensics.parsers._windows import filetime, guid

SUMMARY = "f29f85e0-4ff9-1068-ab91-08002b27b3d9"
DOCUMENT = "d5cdd502-2e9c-101b-9397-08002b2cf9ae"
CUSTOM = "d5cdd505-2e9c-101b-9397-08002b2cf9ae"
_BYTE_ORDER = b"\xfe\xff"
_PROPERTIES_LIMIT = 512
_TEXT_LIMIT = 64 * 1024
_CODE_PAGE, _DICTIONARY = 1, 0
_NUMBERS = {2: "<h", 3: "<i", 5: "<d", 11: "<h", 18: "<H", 19: "<I", 20: "<q", 21: "<Q", 22: "<i", 23: "<I"}
_ANSI, _WIDE, _TIME, _BOOLEAN = 30, 31, 64, 11
_UTF16 = 1200


Property = str | int | float | Moment


def _codec(page: int) -> str:
    """Python's name for a code page, Western European where it knows none."""
    page &= 0xFFFF
    name = {65001: "utf-8", _UTF16: "utf-16-le", 10000: "mac_roman", 10007: "mac_cyrillic"}.get(page, f"cp{page}")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "cp1252"


def _text(data: bytes, codec: str) -> str:
    return data.decode(codec, "backslashreplace").partition("\0")[0]


def _value(data: bytes, at: int, codec: str) -> Property | None:
    """The typed value at `at`; None for types that are not shown. Raises struct.error where it is cut."""
    kind = struct.unpack_from("<H", data, at)[0]
    if kind in _NUMBERS:
        number: int | float = struct.unpack_from(_NUMBERS[kind], data, at + 4)[0]
        return "true" if kind == _BOOLEAN and number else "false" if kind == _BOOLEAN else number
    if kind == _TIME:
        return filetime(struct.unpack_from("<Q", data, at + 4)[0])
    if kind in (_ANSI, _WIDE):
        length = struct.unpack_from("<I", data, at + 4)[0]
        size = min(length * (2 if kind == _WIDE else 1), _TEXT_LIMIT)
        return _text(data[at + 8 : at + 8 + size], "utf-16-le" if kind == _WIDE else codec)
    return None


def _names(data: bytes, at: int, codec: str) -> dict[int, str]:
    """The dictionary of a set whose properties have names of their own (section 2.17)."""
    names, count, place = {}, struct.unpack_from("<I", data, at)[0], at + 4
    for _ in range(min(count, _PROPERTIES_LIMIT)):
        number, length = struct.unpack_from("<II", data, place)
        size = length * (2 if codec == "utf-16-le" else 1)
        names[number] = _text(data[place + 8 : place + 8 + min(size, _TEXT_LIMIT)], codec)
        place += 8 + size + (-size % 4 if codec == "utf-16-le" else 0)
    return names


class PropertySet(NamedTuple):
    """A set: its identifier, its properties by number, their names where they have any, what is wrong with it."""

    identifier: str
    values: dict[int, Property]
    names: dict[int, str]
    problem: str


def _set(data: bytes, identifier: str, start: int) -> PropertySet:
    values: dict[int, Property] = {}
    names: dict[int, str] = {}
    try:
        _, count = struct.unpack_from("<II", data, start)
        entries = [struct.unpack_from("<II", data, start + 8 + 8 * i) for i in range(min(count, _PROPERTIES_LIMIT))]
        places = {number: start + offset for number, offset in entries}
        page = _value(data, places[_CODE_PAGE], "cp1252") if _CODE_PAGE in places else 1252
        codec = _codec(page if isinstance(page, int) else 1252)
        for number, at in places.items():
            if number == _DICTIONARY:
                names = _names(data, at, codec)
            elif (value := _value(data, at, codec)) is not None:
                values[number] = value
    except struct.error:
        return PropertySet(identifier, values, names, "a property set is cut or damaged")
    over = f"a property set says it has {count:,} properties" if count > _PROPERTIES_LIMIT else ""
    return PropertySet(identifier, values, names, over)


def property_sets(data: bytes) -> list[PropertySet]:
    """The sets of a stream; none for bytes that are no property set stream."""
    if data[:2] != _BYTE_ORDER or len(data) < 28:
        return []
    count = min(struct.unpack_from("<I", data, 24)[0], 2)
    heads = [data[28 + 20 * i : 48 + 20 * i] for i in range(count)]
    return [_set(data, guid(head[:16]), int.from_bytes(head[16:], "little")) for head in heads if len(head) == 20]
