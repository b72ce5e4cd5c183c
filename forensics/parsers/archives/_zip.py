"""The directory of a ZIP archive (PKWARE's APPNOTE.TXT 6.3.10), streamed: no member is kept, nothing is unpacked
unless a document's own description is asked for.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from forensics.parsers._contract import ParserInput

LOCAL, CENTRAL, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
_END64, _LOCATOR = b"PK\6\6", b"PK\6\7"
_END_RECORD = struct.Struct("<4s4H2IH")
_CENTRAL_HEADER = struct.Struct("<4s6H3I5H2I")
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_COMMENT_LIMIT = 0xFFFF
_BLOCK = 1 << 20
_LOCAL_USUAL = 512
_FULL, _FULL_SHORT = 0xFFFFFFFF, 0xFFFF
_ZIP64, _UNICODE_PATH, _AES = 0x0001, 0x7075, 0x9901
_DESCRIPTOR_FLAG, _UTF8_FLAG = 1 << 3, 1 << 11


class ZipError(ValueError):
    """The archive's directory cannot be read; `str()` says why, on one line."""


class Member(NamedTuple):
    """One member as a header tells it: `offset` and `length` are the header's own place, `local` that of its local
    header. `extra` holds the extra fields by their number, `method` is the number of the compression.
    """

    name: bytes
    flags: int
    method: int
    dos_time: int
    crc: int
    packed: int
    size: int
    made_by: int
    attributes: int
    comment: bytes
    extra: dict[int, bytes]
    local: int
    offset: int
    length: int

    @property
    def shown_name(self) -> str:
        """The name as text: UTF-8 where it says so or is, else the code page 437 of the first PCs."""
        told = self.extra.get(_UNICODE_PATH, b"")
        if told[:1] == b"\1" and told[1:5] == struct.pack("<I", zlib.crc32(self.name)):
            return told[5:].decode("utf-8", "backslashreplace")
        try:
            return self.name.decode("utf-8")
        except UnicodeDecodeError:
            return self.name.decode("utf-8" if self.flags & _UTF8_FLAG else "cp437", "backslashreplace")


def _extra(data: bytes) -> dict[int, bytes]:
    """Extra fields by their number, the first of each; what is cut is left out."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        number, length = struct.unpack_from("<HH", data, at)
        if at + 4 + length > len(data):
            break
        found.setdefault(number, data[at + 4 : at + 4 + length])
        at += 4 + length
    return found


def _wide(extra: dict[int, bytes], values: tuple[int, ...]) -> tuple[int, ...]:
    """Sizes and the offset, where they are full from the ZIP64 field (section 4.5.3)."""
    data, at, found = extra.get(_ZIP64, b""), 0, []
    for value in values:
        if value == _FULL and at + 8 <= len(data):
            found.append(int.from_bytes(data[at : at + 8], "little"))
            at += 8
        else:
            found.append(value)
    return tuple(found)


class Directory(NamedTuple):
    """Where the central directory is, how many members it says it has, and the bytes that stand before the archive."""

    offset: int
    length: int
    total: int
    before: int
    comment: bytes


def _end(source: ParserInput) -> tuple[int, bytes]:
    """The place of the end record and its bytes; raises ZipError."""
    start = max(0, source.size - _COMMENT_LIMIT - _END_RECORD.size)
    tail = source.read_at(start, source.size - start)
    at = tail.rfind(END)
    while at >= 0:
        if at + _END_RECORD.size <= len(tail):
            return start + at, tail[at:]
        at = tail.rfind(END, 0, at)
    raise ZipError("the end of the archive is missing: it is cut, or a part of several")


def directory(source: ParserInput) -> Directory:
    """Where the central directory stands (sections 4.3.14 to 4.3.16). Raises ZipError."""
    place, data = _end(source)
    _, _, _, _, count, length, offset, comment = _END_RECORD.unpack_from(data)
    locator = source.read_at(place - 20, 20) if place >= 20 else b""
    if locator.startswith(_LOCATOR):
        where = int.from_bytes(locator[8:16], "little")
        wide = source.read_at(where, 56)
        if not wide.startswith(_END64) or len(wide) < 56:
            raise ZipError("the end record of a ZIP64 archive is missing")
        count, length, offset = struct.unpack_from("<QQQ", wide, 32)
        place = where
    before = place - length - offset
    if before < 0 or source.read_at(offset + before, 4) not in (CENTRAL, END, _END64):
        raise ZipError("the directory is not where the end of the archive says it is")
    return Directory(offset + before, length, count, before, data[_END_RECORD.size : _END_RECORD.size + comment])


def _central(data: bytes, at: int, offset: int, before: int) -> Member | None:
    """The central header at `at` of `data`, which stands at `offset`; None where it is cut or none."""
    if len(data) - at < _CENTRAL_HEADER.size:
        return None
    head = _CENTRAL_HEADER.unpack_from(data, at)
    name, more, comment = head[10:13]
    length = _CENTRAL_HEADER.size + name + more + comment
    if head[0] != CENTRAL or len(data) - at < length:
        return None
    begin = at + _CENTRAL_HEADER.size
    extra = _extra(data[begin + name : begin + name + more])
    size, packed, local = _wide(extra, (head[9], head[8], head[16]))
    return Member(
        name=data[begin : begin + name],
        flags=head[3],
        method=head[4],
        dos_time=head[6] << 16 | head[5],
        crc=head[7],
        packed=packed,
        size=size,
        made_by=head[1] >> 8,
        attributes=head[15],
        comment=data[begin + name + more : at + length],
        extra=extra,
        local=local + before,
        offset=offset,
        length=length,
    )


def members(source: ParserInput, where: Directory) -> Iterator[Member]:
    """The members in the order of the directory. Raises ZipError where the directory is damaged or cut."""
    at, end = where.offset, where.offset + where.length
    data, begin = b"", at
    while at < end:
        if at + 4 * _FULL_SHORT > begin + len(data):
            begin, data = at, source.read_at(at, min(_BLOCK, end - at))
        member = _central(data, at - begin, at, where.before)
        if member is None:
            raise ZipError(f"the directory is damaged from byte {at:,} on")
        yield member
        at += member.length


def local_member(source: ParserInput, at: int) -> Member | None:
    """The local header at `at` (section 4.3.7); None where there is none."""
    data = source.read_at(at, _LOCAL_USUAL)
    if len(data) < _LOCAL_HEADER.size or not data.startswith(LOCAL):
        return None
    head = _LOCAL_HEADER.unpack_from(data)
    begin, length = _LOCAL_HEADER.size + head[9], _LOCAL_HEADER.size + head[9] + head[10]
    data = data if len(data) >= length else source.read_at(at, length)
    name, extra = data[_LOCAL_HEADER.size : begin], _extra(data[begin:length])
    size, packed = _wide(extra, (head[8], head[7]))
    length = min(length, source.size - at)
    return Member(
        name, head[2], head[3], head[5] << 16 | head[4], head[6], packed, size, 0, 0, b"", extra, at, at, length
    )


def left_over(source: ParserInput) -> Iterator[Member]:
    """Members by their local headers, for an archive whose directory is missing."""
    at = 0
    while at < source.size:
        member = local_member(source, at)
        if member is None:
            at = _next_header(source, at + 1)
            continue
        yield member
        at += member.length + (0 if member.flags & _DESCRIPTOR_FLAG else member.packed)


def _next_header(source: ParserInput, at: int) -> int:
    while block := source.read_at(at, _BLOCK):
        found = block.find(LOCAL)
        if found >= 0:
            return at + found
        if len(block) < len(LOCAL):
            break
        at += len(block) - len(LOCAL) + 1
    return source.size


def unpacked(source: ParserInput, member: Member, limit: int) -> bytes:
    """The contents of a member, up to `limit` bytes. Raises ZipError for what is encrypted, damaged or larger."""
    local = local_member(source, member.local)
    if local is None or member.flags & 1 or member.method not in (0, 8):
        raise ZipError("it is encrypted, missing, or packed in a way that is not read")
    if member.size > limit:
        raise ZipError(f"it is said to be {member.size:,} bytes, of which none are read")
    data = source.read_at(member.local + local.length, min(member.packed, limit))
    if member.method == 0:
        return data
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        found = inflate.decompress(data, limit)
    except zlib.error as error:
        raise ZipError(f"it cannot be unpacked: {error}") from error
    if not inflate.eof:
        raise ZipError("it is cut, or longer than it says")
    return found
