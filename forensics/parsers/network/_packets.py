"""Captured packets one by one: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from forensics.parsers._clock import SECOND
from forensics.parsers._contract import ParserInput

_MICROSECONDS, _NANOSECONDS = 0xA1B2C3D4, 0xA1B23C4D
_SECTION = b"\x0a\x0d\x0d\x0a"
_ORDER_MARK = 0x1A2B3C4D
_INTERFACE, _OLD_PACKET, _SIMPLE, _PACKET = 1, 2, 3, 6
_RESOLUTION, _OFFSET = 9, 14
_LENGTH_LIMIT = 256 << 20
_PACKET_LIMIT = 256 * 1024
_INTERFACES_LIMIT = 4096


class CaptureError(ValueError):
    """The capture cannot be read on; `str()` says why. `place` is where."""

    def __init__(self, message: str, place: int) -> None:
        super().__init__(message)
        self.place = place


class Packet(NamedTuple):
    """One packet: nanoseconds since 1970 UTC (None where not told), the link's type, its bytes as far as captured and
    read, how many it had, and the record's place.
    """

    at: int | None
    link: int
    data: bytes
    length: int
    offset: int
    size: int


def is_capture(head: bytes) -> bool:
    """By the signature, and in pcap the version behind it."""
    if head[:4] == _SECTION:
        return any(int.from_bytes(head[8:12], order) == _ORDER_MARK for order in ("little", "big"))
    return _order(head) is not None


def _order(head: bytes) -> tuple[str, int] | None:
    """The byte order of a pcap file and the nanoseconds of its fractions."""
    for order, name in (("<", "little"), (">", "big")):
        magic = int.from_bytes(head[:4], "little" if name == "little" else "big")
        if magic in (_MICROSECONDS, _NANOSECONDS) and struct.unpack_from(f"{order}H", head.ljust(6, b"\0"), 4)[0] == 2:
            return order, 1000 if magic == _MICROSECONDS else 1
    return None


def _pcap(source: ParserInput, order: str, unit: int) -> Iterator[Packet]:
    link = struct.unpack(f"{order}I", source.read_at(20, 4).ljust(4, b"\0"))[0] & 0x0FFFFFFF
    at = 24
    while at < source.size:
        head = source.read_at(at, 16)
        if len(head) < 16:
            raise CaptureError("the capture ends within a packet's header", at)
        seconds, fraction, captured, length = struct.unpack(f"{order}4I", head)
        if captured > _LENGTH_LIMIT or at + 16 + captured > source.size:
            raise CaptureError(f"a packet is said to have {captured:,} bytes, which are not there", at)
        data = source.read_at(at + 16, min(captured, _PACKET_LIMIT))
        yield Packet(seconds * SECOND + fraction * unit, link, data, length, at, 16 + captured)
        at += 16 + captured


class _Interface(NamedTuple):
    link: int
    ticks: int  # a second
    offset: int  # seconds


def _interface(data: bytes, order: str) -> _Interface:
    """An interface description: its link's type and how it tells times."""
    link, ticks, seconds, at = struct.unpack_from(f"{order}H", data)[0], 1_000_000, 0, 8
    while at + 4 <= len(data):
        code, length = struct.unpack_from(f"{order}HH", data, at)
        value = data[at + 4 : at + 4 + length]
        if code == 0:
            break
        if code == _RESOLUTION and value:
            ticks = 2 ** (value[0] & 0x7F) if value[0] & 0x80 else 10 ** min(value[0], 18)
        elif code == _OFFSET and length == 8:
            seconds = struct.unpack(f"{order}q", value.ljust(8, b"\0"))[0]
        at += 4 + length + -length % 4
    return _Interface(link, ticks, seconds)


def _captured(
    kind: int, data: bytes, order: str, interfaces: list[_Interface], place: tuple[int, int]
) -> Packet | None:
    """The packet of a block; None for a block of another kind. Raises struct.error and IndexError where it is cut."""
    if kind == _SIMPLE:
        length = struct.unpack_from(f"{order}I", data)[0]
        return Packet(None, interfaces[0].link, data[4 : 4 + length], length, *place)
    if kind not in (_PACKET, _OLD_PACKET):
        return None
    number, high, low, captured, length = struct.unpack_from(f"{order}5I", data)
    if kind == _OLD_PACKET:
        number = struct.unpack_from(f"{order}H", data)[0]
    face = interfaces[number]
    at = (high << 32 | low) * SECOND // face.ticks + face.offset * SECOND
    return Packet(at, face.link, data[20 : 20 + captured], length, *place)


def _blocks(source: ParserInput) -> Iterator[Packet]:
    at, order = 0, "<"
    interfaces: list[_Interface] = []
    while at < source.size:
        head = source.read_at(at, 12)
        if len(head) < 12:
            raise CaptureError("the capture ends within a block", at)
        if head[:4] == _SECTION:
            order = "<" if head[8:12] == _ORDER_MARK.to_bytes(4, "little") else ">"
            interfaces = []
        kind, length = struct.unpack_from(f"{order}II", head)
        if length < 12 or length % 4 or at + length > source.size:
            raise CaptureError(f"a block is said to have {length:,} bytes, which cannot be", at)
        data = source.read_at(at + 8, min(length - 12, _PACKET_LIMIT))
        try:
            if kind == _INTERFACE and len(interfaces) < _INTERFACES_LIMIT:
                interfaces.append(_interface(data, order))
            packet = _captured(kind, data, order, interfaces, (at, length))
        except (struct.error, IndexError) as error:
            raise CaptureError("a block is too short, or of an interface that is not described", at) from error
        if packet is not None:
            yield packet
        at += length


def packets(source: ParserInput) -> Iterator[Packet]:
    """The packets in the order of the file. Raises CaptureError."""
    head = source.read_at(0, 24)
    if head[:4] == _SECTION:
        yield from _blocks(source)
    elif (order := _order(head)) is not None:
        yield from _pcap(source, *order)
    else:
        raise CaptureError("this is no capture", 0)
