"""NTFS: the records of the $MFT read from the medium itself, with what a listing needs of each.

Layout: Linux `fs/ntfs3/ntfs.h` (NTFS_BOOT, MFT_REC, ATTRIB, ATTR_STD_INFO, ATTR_FILE_NAME). Names and their
order stay libtsk's (see `ntfs_walk`); a record that is anything but plain is libtsk's as well.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from dataclasses import dataclass, field

from forensics.direct.ext4 import FastRefusedError, read_exactly
from forensics.filesystems.ntfs_attributes import Stream
from forensics.media import Medium

IN_USE, DIRECTORY = 1, 2
SPARSE_COMPRESSED_ENCRYPTED = 0x8000 | 0x4000 | 0x00FF
DATA = 128

_STANDARD_INFORMATION, _ATTRIBUTE_LIST, _FILE_NAME, _INDEX_ROOT = 16, 32, 48, 144
_END = 0xFFFFFFFF
_SECTOR = 512
_NAMES_READ = 64
_CHUNK, _CHUNKS_KEPT = 1 << 16, 1024
_MOST_RUNS = 1 << 16

_BOOT = struct.Struct("<11xHB26xQQ8xb")  # sector, sectors a cluster, sectors, cluster of $MFT, size of a record
_HEADER = struct.Struct("<4sHH8xHHHHII Q")
_ATTRIBUTE = struct.Struct("<IIBBHHH")
_RESIDENT = struct.Struct("<IH")
_OUTSIDE = struct.Struct("<QQHH4xQQQ")  # first and last cluster, runs, compression unit; allocated, size, initialised


@dataclass(frozen=True, slots=True)
class Run:
    """Clusters one after the other: `cluster` is where they stand, None for a hole."""

    count: int
    cluster: int | None


@dataclass(frozen=True, slots=True)
class Data:
    """An unnamed or named $DATA outside its record: size, initialised size, and its runs as they are written."""

    attribute: str
    plain: bool
    size: int
    initialised: int
    runs: bytes


@dataclass(slots=True)
class Record:
    """What one base record says, as far as a listing asks."""

    sequence: int
    directory: bool
    mode: int = 0
    owner: int = 0
    standard: bytes = b""
    names: list[bytes] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    contents: list[Data] = field(default_factory=list)


def decode_runs(raw: bytes) -> list[Run] | None:
    """The runs of a mapping-pairs array, or None when it is damaged."""
    runs: list[Run] = []
    at = cluster = 0
    while at < len(raw) and raw[at] and len(runs) < _MOST_RUNS:
        lengths, offsets = raw[at] & 15, raw[at] >> 4
        end = at + 1 + lengths + offsets
        count = int.from_bytes(raw[at + 1 : at + 1 + lengths], "little")
        if not 0 < lengths <= 8 or offsets > 8 or end > len(raw) or not count:
            return None
        if offsets:
            cluster += int.from_bytes(raw[at + 1 + lengths : end], "little", signed=True)
        if cluster < 0:
            return None
        runs.append(Run(count, cluster if offsets else None))
        at = end
    return runs


@dataclass(slots=True)
class Mft:
    """The $MFT of one volume. Sizes in bytes, `start` is the volume's place on the medium."""

    medium: Medium
    start: int
    length: int
    cluster_size: int
    record_size: int
    records: int
    kept: int = _CHUNKS_KEPT
    _runs: list[tuple[int, int, int]] = field(default_factory=list)  # first byte within, bytes, place on the medium
    _chunks: OrderedDict[int, bytes] = field(default_factory=OrderedDict)

    def _read(self, at: int, length: int) -> bytes:
        parts = []
        for first, size, place in self._runs:
            if first + size > at and length > 0:
                inside = at - first
                wanted = min(length, size - inside)
                parts.append(read_exactly(self.medium, place + inside, wanted))
                at, length = at + wanted, length - wanted
        return b"".join(parts)

    def raw(self, number: int) -> bytes:
        """The bytes of a record as they stand on the medium; short beyond the end."""
        at = number * self.record_size
        first = at & -_CHUNK
        chunk = self._chunks.get(first)
        if chunk is None:
            if len(self._chunks) >= self.kept:
                self._chunks.popitem(last=False)
            chunk = self._chunks[first] = self._read(first, _CHUNK)
        return chunk[at - first : at - first + self.record_size]

    def record(self, number: int) -> Record | None:
        """A plain base record in use; None for any other, which libtsk has to read."""
        data = restored(self.raw(number))
        return None if data is None else parse_record(data)


def restored(raw: bytes) -> bytes | None:
    """A record with its update sequence put back; None when it is damaged."""
    if len(raw) < _HEADER.size or raw[:4] != b"FILE":
        return None
    at, count = struct.unpack_from("<HH", raw, 4)
    if (count - 1) * _SECTOR != len(raw) or at + 2 * count > _SECTOR - 2:
        return None
    check = raw[at : at + 2]
    parts = []
    for sector in range(count - 1):
        end = (sector + 1) * _SECTOR
        if raw[end - 2 : end] != check:
            return None
        parts += [raw[end - _SECTOR : end - 2], raw[at + 2 + 2 * sector : at + 4 + 2 * sector]]
    return b"".join(parts)


def parse_record(data: bytes) -> Record | None:
    """What a restored record says; None where it is not a plain base record in use."""
    _, _, _, sequence, _, first, flags, _, _, base = _HEADER.unpack_from(data)
    if flags not in (IN_USE, IN_USE | DIRECTORY) or base or first + 16 > len(data):
        return None
    record = Record(sequence, bool(flags & DIRECTORY))
    seen: set[str] = set()
    at = first
    while at + 16 <= len(data):
        kind, length, outside, letters, name_at, _, number = _ATTRIBUTE.unpack_from(data, at)
        if kind == _END or not length:
            return record if len({one.name for one in record.streams}) == len(record.streams) else None
        if at + length > len(data) or length < 24 or name_at > length or kind == _ATTRIBUTE_LIST:
            return None
        attribute = f"{kind}-{number}"
        if attribute in seen:
            return None
        seen.add(attribute)
        plain = (_outside if outside else _resident)(record, data[at : at + length], data, at)
        if not plain or (letters and 2 * letters >= length - name_at):
            return None
        at += length
    return record


def _name(raw: bytes) -> bytes | None:
    """A stream's name; None when it is not plain ASCII, which libtsk converts in its own way."""
    letters, at = raw[9], int.from_bytes(raw[10:12], "little")
    text = raw[at : at + 2 * letters]
    name = text[::2]
    return name if not any(text[1::2]) and name.isascii() and name.decode("ascii").isprintable() else None


def _resident(record: Record, raw: bytes, data: bytes, at: int) -> bool:
    kind, number = struct.unpack_from("<I10xH", raw)
    size, place = _RESIDENT.unpack_from(raw, 16)
    if place + size > len(raw) or place < 24:
        return False
    content = raw[place : place + size]
    if kind == _STANDARD_INFORMATION:
        if record.standard or size < 48 or at + place + 52 > len(data):
            return False
        record.standard = content[:32]
        dos = int.from_bytes(content[32:36], "little")
        record.mode = 0o111 | (0 if dos & 1 else 0o444) | (0 if dos & 2 else 0o222)
        # In records of NTFS 1.2 the owner is not there; libtsk reads what follows, and so do we.
        record.owner = int.from_bytes(data[at + place + 48 : at + place + 52], "little")
    elif kind == _FILE_NAME:
        if size < 66 or 66 + 2 * content[64] > size:
            return False
        if len(record.names) < _NAMES_READ:
            record.names.append(content[:576])
    elif kind in (DATA, _INDEX_ROOT):
        name = _name(raw)
        if name is None:
            return False
        if kind == _INDEX_ROOT and name == b"$I30":
            name = b""
        record.streams.append(Stream(name, size, f"{kind}-{number}"))
    return True


def _outside(record: Record, raw: bytes, _data: bytes, _at: int) -> bool:
    kind, form, number = struct.unpack_from("<I8xHH", raw)
    if len(raw) < 64 or kind in (_STANDARD_INFORMATION, _FILE_NAME, _INDEX_ROOT):
        return False
    first, _, runs_at, _, _, size, initialised = _OUTSIDE.unpack_from(raw, 16)
    if not 64 <= runs_at < len(raw) or first:
        return False
    if kind == DATA:
        name = _name(raw)
        if name is None or size >> 63 or (not size and raw[runs_at]):
            return False
        attribute = f"{kind}-{number}"
        plain = not form & SPARSE_COMPRESSED_ENCRYPTED
        record.streams.append(Stream(name, size, attribute))
        record.contents.append(Data(attribute, plain, size, initialised, raw[runs_at:]))
    return True


def open_mft(medium: Medium, start: int, length: int) -> Mft:
    """The $MFT of the volume at `start`; raises `FastRefusedError` where it is not a plain one."""
    boot = read_exactly(medium, start, 512)
    sector, sectors, _, first, power = _BOOT.unpack_from(boot)
    cluster = sector * (sectors if sectors <= 128 else 1 << min(256 - sectors, 16))
    size = 1 << -power if -16 < power < 0 else power * cluster
    if boot[3:11] != b"NTFS    " or sector not in (512, 1024, 2048, 4096) or not cluster or size not in (1024, 4096):
        raise FastRefusedError("the boot sector is not a plain one of NTFS")
    data = restored(read_exactly(medium, start + first * cluster, size))
    record = None if data is None else parse_record(data)
    table = next((one for one in record.contents if one.plain), None) if record else None
    runs = decode_runs(table.runs) if table else None
    if table is None or runs is None:
        raise FastRefusedError("the $MFT is not in one plain record")
    mft = Mft(medium, start, length, cluster, size, table.size // size)
    at = 0
    for run in runs:
        if run.cluster is None or (run.cluster + run.count) * cluster > length:
            raise FastRefusedError("the $MFT has a hole or lies outside the volume")
        mft._runs.append((at, run.count * cluster, start + run.cluster * cluster))
        at += run.count * cluster
    if at < table.size or table.size > length:
        raise FastRefusedError("the $MFT is shorter than it says")
    return mft
