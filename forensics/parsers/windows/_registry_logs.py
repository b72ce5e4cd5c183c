"""Transaction logs of registry hives (.LOG1, .LOG2, .LOG): what Windows had not yet written into a hive.

Two formats: entries with their own numbers and hashes (Windows 8.1 and later), and a bitmap of dirty sectors (XP to 8).
Neither has a specification by Microsoft; M. Suhanov's "Windows registry file format specification" describes both.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from itertools import chain
from operator import xor
from typing import NamedTuple

from forensics.parsers._contract import ParserInput

_SECTOR, _BASE = 512, 4096
_SUFFIXES = (".LOG1", ".LOG2", ".LOG")
_LOG_LIMIT = 64 << 20
_HEAD = struct.Struct("<4sII")  # "regf", first and second sequence number
_BINS_AT, _CHECKSUM_AT = 40, 508
_ENTRY = struct.Struct("<4sIIIIIQQ")  # "HvLE", size, flags, sequence, bins, pages, hash of the pages, hash of this
_SEED = 0x82EF4D887A4E55C5
_MASK = 0xFFFFFFFF


def marvin32(data: bytes) -> int:
    """The 64-bit Marvin32 hash with the registry's seed (US patent 20130262421, section "Marvin32")."""
    low, high = _SEED & _MASK, _SEED >> 32
    whole = len(data) & ~3
    last = int.from_bytes(data[whole:] + b"\x80", "little")
    words = (word for (word,) in struct.iter_unpack("<I", data[:whole]))
    for word in chain(words, (last, 0)):
        low = low + word & _MASK
        high ^= low
        low = ((low << 20 | low >> 12) + high) & _MASK
        high = (high << 9 | high >> 23) & _MASK ^ low
        low = ((low << 27 | low >> 5) + high) & _MASK
        high = (high << 19 | high >> 13) & _MASK
    return high << 32 | low


class _Step(NamedTuple):
    """One change to a hive: its number, the length of the hive's bins after it, and sectors by number."""

    sequence: int
    bins: int
    sectors: dict[int, bytes]


def _sectors(place: int, data: bytes) -> dict[int, bytes]:
    first = (_BASE + place) // _SECTOR
    return {first + at // _SECTOR: data[at : at + _SECTOR] for at in range(0, len(data), _SECTOR)}


def _entry(data: bytes, at: int) -> tuple[_Step, int] | None:
    """The entry at a place and where the next begins; None where none is or one is damaged."""
    if at + 40 > len(data):
        return None
    signature, size, _, sequence, bins, count, pages_hash, own_hash = _ENTRY.unpack_from(data, at)
    entry = data[at : at + size]
    pages_at = 40 + 8 * count
    sound = signature == b"HvLE" and len(entry) == size >= pages_at and size % _SECTOR == 0
    if not sound or marvin32(entry[:32]) != own_hash or marvin32(entry[40:]) != pages_hash:
        return None
    sectors: dict[int, bytes] = {}
    for place, length in struct.iter_unpack("<II", entry[40:pages_at]):
        page = entry[pages_at : pages_at + length]
        if len(page) < length or place % _SECTOR or length % _SECTOR or place + length > bins:
            return None
        sectors |= _sectors(place, page)
        pages_at += length
    return _Step(sequence, bins, sectors), at + size


def _entries(data: bytes) -> Iterator[_Step]:
    at = _SECTOR
    while (found := _entry(data, at)) is not None:
        step, at = found
        yield step


def _dirty(data: bytes) -> Iterator[_Step]:
    """The one change of the older format: a bit for each sector of the bins, then the sectors whose bit is set."""
    first, second = struct.unpack_from("<II", data, 4)
    (bins,) = struct.unpack_from("<I", data, _BINS_AT)
    bits = data[_SECTOR + 4 : _SECTOR + 4 + bins // _SECTOR // 8]
    at = -(-(_SECTOR + 4 + len(bits)) // _SECTOR) * _SECTOR
    sectors: dict[int, bytes] = {}
    for number in (8 * place + bit for place, byte in enumerate(bits) for bit in range(8) if byte >> bit & 1):
        if at + _SECTOR > len(data):
            return
        sectors[_BASE // _SECTOR + number] = data[at : at + _SECTOR]
        at += _SECTOR
    if first == second and sectors:
        yield _Step(first, bins, sectors)


def _steps(log: ParserInput, hive: int) -> list[_Step]:
    """The changes of a log in their order, those that can be of a hive of that size; none for what is no log."""
    data = log.read_at(0, min(log.size, _LOG_LIMIT))
    if len(data) < 2 * _SECTOR or not data.startswith(b"regf"):
        return []
    steps = _dirty(data) if data[_SECTOR : _SECTOR + 4] == b"DIRT" else _entries(data)
    return [step for step in steps if step.bins <= hive + len(data)]


def _logs(source: ParserInput) -> Iterator[ParserInput]:
    """The files beside a hive that are named as its logs, whatever the case of their names."""
    for suffix in _SUFFIXES:
        ends = (suffix, suffix.lower())
        names = dict.fromkeys(name + end for name in (source.name, source.name.lower()) for end in ends)
        found = next((log for name in names if (log := source.beside(name)) is not None), None)
        if found is not None:
            yield found


def closed(source: ParserInput) -> bool:
    """Whether a hive's two sequence numbers agree: if not, it was in use, and its logs may hold more."""
    head = source.read_at(0, _HEAD.size)
    return head[4:8] == head[8:12]


def _header(source: ParserInput, last: _Step) -> dict[int, bytes]:
    """The hive's first sector as it is once the last change is in."""
    head = bytearray(source.read_at(0, _SECTOR))
    struct.pack_into("<II", head, 4, last.sequence, last.sequence)
    struct.pack_into("<I", head, _BINS_AT, last.bins)
    checksum = reduce(xor, struct.unpack_from("<127I", head))
    struct.pack_into("<I", head, _CHECKSUM_AT, {0: 1, _MASK: _MASK - 1}.get(checksum, checksum))
    return {0: bytes(head)}


def _following(source: ParserInput) -> list[_Step]:
    """The changes of all logs that follow each other, from the first that is not older than the hive on."""
    _, _, written = _HEAD.unpack(source.read_at(0, _HEAD.size))
    steps = sorted((step for log in _logs(source) for step in _steps(log, source.size)), key=lambda step: step.sequence)
    following: list[_Step] = []
    for step in steps:
        if step.sequence >= written and (not following or step.sequence == following[-1].sequence + 1):
            following.append(step)
    return following


def replayed(source: ParserInput) -> ParserInput | None:
    """A hive as Windows would load it, the changes of its logs over it; None if they have none that it lacks."""
    following = _following(source) if source.size >= _BASE else []
    if not following:
        return None
    size = max(source.size, _BASE + following[-1].bins)
    sectors: dict[int, bytes] = {}
    for step in following:
        sectors |= step.sectors
    sectors |= _header(source, following[-1])

    def read_at(offset: int, length: int) -> bytes:
        wanted = max(0, min(length, size - offset))
        data = bytearray(source.read_at(offset, wanted).ljust(wanted, b"\0"))
        for number in range(offset // _SECTOR, -(-(offset + wanted) // _SECTOR)):
            if (sector := sectors.get(number)) is not None:
                at = number * _SECTOR - offset
                data[max(0, at) : at + _SECTOR] = sector[max(0, -at) : wanted - at]
        return bytes(data)

    return replace(source, size=size, read_at=read_at)
