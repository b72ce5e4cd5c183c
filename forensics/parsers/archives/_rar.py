"""The headers of RAR archives, 1.5 to 4 and 5 to 7, by their public descriptions (RAR technote, unrar's acknow)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from forensics.parsers._contract import ParserInput

OLD, NEW = b"Rar!\x1a\x07\0", b"Rar!\x1a\x07\1\0"
_BLOCK = struct.Struct("<HBHH")
_FILE = struct.Struct("<IIBIIBBHI")
_MAIN_TYPE, _FILE_TYPE, _END_TYPE = 0x73, 0x74, 0x7B
_HEADER_LIMIT = 2 << 20  # as the technote has it
_LONG_BLOCK, _LARGE, _SALT, _UNICODE, _TIMES, _DIRECTORY = 0x8000, 0x100, 0x400, 0x200, 0x1000, 0xE0
_LOCKED_HEADERS = 0x80
_ENCRYPTED = 4


class RarError(ValueError):
    """A header that cannot be read; `str()` says why. `place` is where it begins."""

    def __init__(self, message: str, place: int) -> None:
        super().__init__(message)
        self.place = place


class Member(NamedTuple):
    """A member. `dos` are local times of DOS with the 100 ns to add, by name; `utc` are FILETIME or, where `unix` says
    so, nanoseconds since 1970.
    """

    name: str
    directory: bool
    size: int | None
    packed: int
    crc: int | None
    method: int
    unix: bool
    attributes: int
    encrypted: bool
    continued: bool
    link: str
    dos: dict[str, tuple[int, int]]
    utc: dict[str, tuple[int, str]]
    offset: int
    length: int


def _old_name(data: bytes, unicode: bool) -> str:
    """A name of RAR 1.5 to 4: in a code page (or UTF-8), or that with the differences to UTF-16 behind a NUL."""
    plain, separator, packed = data.partition(b"\0")
    if not unicode or not separator:
        return plain.decode("utf-8" if unicode else "cp437", "backslashreplace")
    high, at, flags, bits, found = packed[0] if packed else 0, 1, 0, 0, bytearray()
    while at < len(packed) and len(found) < 2 * 0xFFFF:
        if bits == 0:
            flags, bits, at = packed[at], 8, at + 1
        bits -= 2
        way, piece = flags >> bits & 3, packed[at : at + 2]
        if not piece:
            break
        if way == 3:
            count, shift = (piece[0] & 0x7F) + 2, 0
            extended = bool(piece[0] & 0x80)
            if extended:
                shift = piece[1] if len(piece) > 1 else 0
            start = len(found) // 2
            for byte in plain[start : start + count]:
                found += bytes(((byte + shift) & 0xFF, high if extended else 0))
            at += 2 if extended else 1
        else:
            found += bytes((piece[0], (0, high, piece[1] if len(piece) > 1 else 0)[way]))
            at += 2 if way == 2 else 1
    return found.decode("utf-16-le", "backslashreplace")


def _old_times(data: bytes, modified: int) -> dict[str, tuple[int, int]]:
    """Times of DOS and what is to be added in units of 100 ns (the technote's EXT_TIME)."""
    found = {"modified": (modified, 0)}
    if len(data) < 2:
        return found
    flags, at = int.from_bytes(data[:2], "little"), 2
    for place, name in enumerate(("modified", "created", "accessed", "archived")):
        told = flags >> (12 - 4 * place) & 15
        if not told & 8:
            continue
        value = modified
        if place:
            value, at = int.from_bytes(data[at : at + 4], "little"), at + 4
        fine = int.from_bytes(data[at : at + (told & 3)], "little") << 8 * (3 - (told & 3))
        at += told & 3
        found[name] = value, fine + (10_000_000 if told & 4 else 0)
    return found


def _old_member(data: bytes, flags: int, at: int) -> Member:
    packed, size, system, crc, modified, _, method, name_length, attributes = _FILE.unpack_from(data, _BLOCK.size)
    place = _BLOCK.size + _FILE.size
    if flags & _LARGE:
        high = struct.unpack_from("<II", data, place)
        packed, size, place = packed + (high[0] << 32), size + (high[1] << 32), place + 8
    name = _old_name(data[place : place + name_length], bool(flags & _UNICODE))
    place += name_length + (8 if flags & _SALT else 0)
    return Member(
        name=name.replace("\\", "/"),
        directory=flags & _DIRECTORY == _DIRECTORY,
        size=size,
        packed=packed,
        crc=crc,
        method=method - 0x30,
        unix=system == 3,
        attributes=attributes,
        encrypted=bool(flags & _ENCRYPTED),
        continued=bool(flags & 3),
        link="",
        dos=_old_times(data[place:] if flags & _TIMES else b"", modified),
        utc={},
        offset=at,
        length=len(data),
    )


def _old_members(source: ParserInput) -> Iterator[Member]:
    at = len(OLD)
    while at < source.size:
        head = source.read_at(at, _BLOCK.size)
        if len(head) < _BLOCK.size:
            raise RarError("the archive ends within a header", at)
        crc, kind, flags, length = _BLOCK.unpack(head)
        data = source.read_at(at, length)
        if len(data) < max(length, _BLOCK.size) or zlib.crc32(data[2:]) & 0xFFFF != crc:
            raise RarError("a header is damaged: its checksum is wrong", at)
        if kind == _MAIN_TYPE and flags & _LOCKED_HEADERS:
            raise RarError("the headers are encrypted: names cannot be listed without the password", at)
        if kind == _END_TYPE:
            return
        more = int.from_bytes(data[7:11], "little") if flags & _LONG_BLOCK else 0
        if kind == _FILE_TYPE:
            try:
                member = _old_member(data, flags, at)
            except struct.error as error:
                raise RarError("a member's header is too short", at) from error
            more = member.packed
            yield member
        at += length + more


class _Bytes:
    """Bytes read in order; what is beyond their end reads as nothing."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def number(self) -> int:
        """A number in groups of seven bits, the lowest first."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.fixed(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
        return value

    def take(self, length: int) -> bytes:
        self.at += length
        return self.data[self.at - length : self.at]

    def fixed(self, length: int) -> int:
        return int.from_bytes(self.take(length), "little")

    @property
    def rest(self) -> bool:
        return self.at < len(self.data)


def _new_times(data: _Bytes) -> dict[str, tuple[int, str]]:
    """The record of times: FILETIME, or seconds since 1970 with nanoseconds behind them all."""
    flags, found = data.number(), {}
    names = [name for bit, name in ((2, "modified"), (4, "created"), (8, "accessed")) if flags & bit]
    if not flags & 1:
        return {name: (data.fixed(8), "filetime") for name in names}
    seconds = [data.fixed(4) for _ in names]
    for name, second in zip(names, seconds, strict=True):
        fine = data.fixed(4) & 0x3FFFFFFF if flags & 0x10 else 0
        found[name] = second * 1_000_000_000 + fine, "unix"
    return found


def _new_member(data: _Bytes, *, extra: int, packed: int, continued: bool, at: int) -> Member:
    flags, size, attributes = data.number(), data.number(), data.number()
    utc = {"modified": (data.fixed(4) * 1_000_000_000, "unix")} if flags & 2 else {}
    crc = data.fixed(4) if flags & 4 else None
    compression, system = data.number(), data.number()
    name = data.take(data.number()).decode("utf-8", "backslashreplace")
    link, encrypted = "", False
    records = _Bytes(data.data[len(data.data) - extra :] if extra else b"")
    while records.rest:
        record = _Bytes(records.take(max(1, records.number())))
        kind = record.number()
        encrypted = encrypted or kind == 1
        if kind == 3:
            utc = {**utc, **_new_times(record)}
        elif kind == 5:
            record.number()
            record.number()
            link = record.take(record.number()).decode("utf-8", "backslashreplace")
    known = None if flags & 8 else size
    return Member(
        name=name,
        directory=bool(flags & 1),
        size=known,
        packed=packed,
        crc=crc,
        method=compression >> 7 & 7,
        unix=system == 1,
        attributes=attributes,
        encrypted=encrypted,
        continued=continued,
        link=link,
        dos={},
        utc=utc,
        offset=at,
        length=len(data.data),
    )


def _new_members(source: ParserInput) -> Iterator[Member]:
    at = len(NEW)
    while at < source.size:
        head = _Bytes(source.read_at(at, 14))
        crc, length = head.fixed(4), head.number()
        begin = head.at
        whole = source.read_at(at + 4, min(length, _HEADER_LIMIT) + begin - 4)
        if not 0 < length <= _HEADER_LIMIT or zlib.crc32(whole) != crc:
            raise RarError("a header is damaged: its checksum is wrong", at)
        data = _Bytes(whole[begin - 4 :])
        kind, flags = data.number(), data.number()
        extra = data.number() if flags & 1 else 0
        packed = data.number() if flags & 2 else 0
        if kind == 4:
            raise RarError("the headers are encrypted: names cannot be listed without the password", at)
        if kind == 5:
            return
        if kind == 2:
            extra = min(extra, len(data.data))
            yield _new_member(data, extra=extra, packed=packed, continued=bool(flags & 0x18), at=at)
        at += begin + length + packed


def members(source: ParserInput) -> Iterator[Member]:
    """The members of an archive in the order of the file. Raises RarError."""
    yield from _new_members(source) if source.read_at(0, len(NEW)) == NEW else _old_members(source)
