"""QEMU copy-on-write images: QCOW (version 1) and QCOW2 (versions 2 and 3), with their backing files.

Sources: qemu's docs/interop/qcow2.txt; for version 1 the header of block/qcow.c. Numbers are big-endian.
Read by our own code: libqcow through its Python binding gave other bytes than qemu for a compressed image
without a word, and did not return from a file cut in half (measured).
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from functools import lru_cache

import zstandard
from isal import isal_zlib

from custody.access import Part, PartOpener
from forensics.media._blocks import COMPOSED, HOLE, ZEROS, BlockMedium, Table, numbers, read_exactly
from forensics.media._contract import Medium, MediumError, read_part
from forensics.media._parents import open_named, open_parent

SIGNATURE = b"QFI\xfb"

_FIRST = struct.Struct(">4xIQIIQBBxxIQ")  # version 1
_SECOND = struct.Struct(">4xIQIIQIIQ")  # versions 2 and 3, as far as the active table
_FEATURES = struct.Struct(">Q16xII")  # of version 3, at byte 72
_COMPRESSED_1, _COMPRESSED_2 = 1 << 63, 1 << 62
_OFFSET = ((1 << 56) - 1) & ~511
_DIRTY, _CORRUPT, _EXTERNAL, _COMPRESSION, _EXTENDED = 1, 2, 4, 8, 16
_BACKING_FORMAT, _DATA_FILE = 0xE2792ACA, 0x44415441
_EXTENSIONS = 64  # header extensions looked at; writers use five
_NAME_LIMIT = 1023  # bytes of a backing file's name, by the format's description
_TABLES = 64
_DamagedError: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub says instance, not class


@dataclass(frozen=True, slots=True)
class _Header:
    """What the three versions say alike. `extensions` by their type; `compression` 0 is deflate, 1 zstd."""

    version: int
    size: int
    cluster_bits: int
    entries_bits: int
    table_offset: int
    table_entries: int
    backing: str
    features: int = 0
    compression: int = 0
    snapshots: int = 0
    extensions: tuple[tuple[int, bytes], ...] = ()

    def extension(self, kind: int) -> str:
        """The text of a header extension, "" without it."""
        return next((data.decode("utf-8", "surrogateescape") for found, data in self.extensions if found == kind), "")


def _header(part: Part) -> _Header:
    raw = read_exactly(part, 0, 48, "the header")
    version = int.from_bytes(raw[4:8], "big")
    if version == 1:
        return _first_header(part, raw)
    if version not in (2, 3):
        raise MediumError(f"{part.name} is a QCOW image of version {version}, which is not known")
    return _second_header(part, raw)


def _backing(part: Part, offset: int, length: int) -> str:
    if not offset or not length:
        return ""
    if length > _NAME_LIMIT:
        raise MediumError(f"{part.name} is damaged: its backing file's name has {length} bytes")
    return read_exactly(part, offset, length, "the backing file's name").decode("utf-8", "surrogateescape")


def _refuse_encrypted(part: Part, method: int) -> None:
    if method:
        kind = {1: "AES", 2: "LUKS"}.get(method, f"method {method}")
        raise MediumError(f"{part.name} is an encrypted QCOW image ({kind}), which is not read")


def _sane_bits(part: Part, cluster_bits: int) -> None:
    if not 9 <= cluster_bits <= 21:
        raise MediumError(f"{part.name} is damaged: clusters of 2^{cluster_bits} bytes")


def _first_header(part: Part, raw: bytes) -> _Header:
    version, backing, length, _, size, cluster_bits, table_bits, method, table = _FIRST.unpack(raw)
    _refuse_encrypted(part, method)
    _sane_bits(part, cluster_bits)
    if not 6 <= table_bits <= 21:
        raise MediumError(f"{part.name} is damaged: tables of 2^{table_bits} entries")
    entries = -(-size >> (cluster_bits + table_bits))
    return _Header(version, size, cluster_bits, table_bits, table, entries, _backing(part, backing, length))


def _second_header(part: Part, raw: bytes) -> _Header:
    version, backing, length, cluster_bits, size, method, entries, table = _SECOND.unpack(raw)
    _refuse_encrypted(part, method)
    _sane_bits(part, cluster_bits)
    snapshots = int.from_bytes(read_exactly(part, 60, 4, "the header"), "big")
    features, compression, header_length = 0, 0, 72
    if version == 3:
        features, _, header_length = _FEATURES.unpack(read_exactly(part, 72, 32, "the header"))
        if header_length > 104 and features & _COMPRESSION:
            compression = read_exactly(part, 104, 1, "the header")[0]
    known = _DIRTY | _CORRUPT | _EXTERNAL | _COMPRESSION | _EXTENDED
    if features & ~known or compression > 1:
        raise MediumError(f"{part.name} uses features of QCOW2 that are not known (0x{features:x}, {compression})")
    entries_bits = cluster_bits - (4 if features & _EXTENDED else 3)
    return _Header(
        version, size, cluster_bits, entries_bits, table, entries, _backing(part, backing, length), features,
        compression, snapshots, _extensions(part, header_length),
    )  # fmt: skip


def _extensions(part: Part, at: int) -> tuple[tuple[int, bytes], ...]:
    found: list[tuple[int, bytes]] = []
    while len(found) < _EXTENSIONS:
        head = read_part(part, at, 8)
        kind, length = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")
        if kind == 0 or len(head) < 8:
            break
        found.append((kind, read_part(part, at + 8, min(length, _NAME_LIMIT))))
        at += 8 + (length + 7) // 8 * 8
    return tuple(found)


class QcowMedium(BlockMedium):
    """The current state of a QCOW image, over its backing file. Internal snapshots are counted, not read."""

    def __init__(self, part: Part, header: _Header, data: Part, parent: Medium | None) -> None:
        self._extended = 32 if header.features & _EXTENDED else 1  # pieces of a cluster with a state of their own
        self._cluster = 1 << header.cluster_bits
        own = [part] if data is part else [part, data]
        block = self._cluster // self._extended
        super().__init__("qcow", own, header.size, block, data=data, parent=parent)
        self._part, self._facts = part, header
        covered = header.table_entries << (header.cluster_bits + header.entries_bits)
        if covered < header.size:
            raise MediumError(f"{part.name} is damaged: its tables cover {covered} of {header.size} bytes")
        self._first = Table(part, header.table_offset, header.table_entries, "Q", big=True, what="the first table")
        self._second = lru_cache(_TABLES)(self._read_second)
        self._unpacked = lru_cache(2)(self._unpack)  # an extended cluster's pieces are asked for one by one
        self.header = _described(header)
        if header.features & _DIRTY:
            self.remarks.append(f"{part.name} was not closed by its writer (marked dirty)")
        if header.features & _CORRUPT:
            self.remarks.append(f"{part.name} is marked corrupt by its writer")

    def _read_second(self, offset: int) -> array[int]:
        length = (8 * (2 if self._extended > 1 else 1)) << self._facts.entries_bits
        return numbers(read_exactly(self._part, offset, length, "a table of clusters"), "Q", big=True)

    def _entry(self, cluster: int) -> tuple[int, int]:
        """A cluster's entry, and its bitmap where entries have one."""
        outer, inner = divmod(cluster, 1 << self._facts.entries_bits)
        offset = self._first[outer]
        offset = offset & _OFFSET if self._facts.version > 1 else offset
        if not offset:
            return 0, 0
        table = self._second(offset)
        return (table[inner], 0) if self._extended == 1 else (table[2 * inner], table[2 * inner + 1])

    def place(self, number: int) -> int:
        cluster, piece = divmod(number, self._extended)
        entry, bitmap = self._entry(cluster)
        if entry & (_COMPRESSED_1 if self._facts.version == 1 else _COMPRESSED_2):
            return COMPOSED
        if self._facts.version == 1:
            return entry or HOLE
        if self._extended > 1:
            return self._piece(entry, bitmap, piece, cluster)
        if entry & 1:
            return ZEROS
        return self._aligned(entry, cluster) if entry & _OFFSET or self._at_zero(entry) else HOLE

    def _at_zero(self, entry: int) -> bool:
        """In a file of its own the data's first cluster lies at 0: only the flag tells it from a hole."""
        return self._data is not self._part and bool(entry >> 63)

    def _piece(self, entry: int, bitmap: int, piece: int, cluster: int) -> int:
        if bitmap >> (32 + piece) & 1:
            return ZEROS
        if not bitmap >> piece & 1:
            return HOLE
        return self._aligned(entry, cluster) + piece * self.block_size

    def _aligned(self, entry: int, cluster: int) -> int:
        offset = entry & _OFFSET
        if offset % self._cluster:
            raise MediumError(f"{self._part.name} is damaged: cluster {cluster} lies at byte {offset}, out of line")
        return offset

    def compose(self, number: int) -> bytes:
        cluster, piece = divmod(number, self._extended)
        if self._extended == 1:
            return self._unpack(cluster)
        return self._unpacked(cluster)[piece * self.block_size : (piece + 1) * self.block_size]

    def _unpack(self, cluster: int) -> bytes:
        entry, _ = self._entry(cluster)
        bits = self._facts.cluster_bits
        if self._facts.version == 1:
            offset = entry & ((1 << (63 - bits)) - 1)
            length = entry >> (63 - bits) & (self._cluster - 1)
        else:
            width = 62 - (bits - 8)
            offset = entry & ((1 << width) - 1)
            sectors = (entry & (_COMPRESSED_2 - 1)) >> width
            length = (sectors + 1) * 512 - offset % 512
        raw = read_part(self._data, offset, length)
        try:
            data = self._inflate(raw)
        except (_DamagedError, zstandard.ZstdError) as error:
            raise self._damaged(cluster, offset, str(error)) from error
        if len(data) < self._cluster:
            raise self._damaged(cluster, offset, f"it holds {len(data)} bytes")
        return data

    def _inflate(self, raw: bytes) -> bytes:
        if self._facts.compression:
            return zstandard.ZstdDecompressor().stream_reader(raw).read(self._cluster)
        return isal_zlib.decompressobj(-12).decompress(raw, self._cluster)

    def _damaged(self, cluster: int, offset: int, why: str) -> MediumError:
        start = cluster * self._cluster
        return MediumError(
            f"cluster {cluster} (bytes {start} to {start + self._cluster} of the medium, at byte {offset} of "
            f"{self._data.name}) cannot be decompressed: {why}"
        )


def _described(header: _Header) -> dict[str, str]:
    said = {"version": str(header.version), "backing_file": header.backing}
    said["internal_snapshots"] = str(header.snapshots) if header.snapshots else ""
    return {name: value for name, value in said.items() if value}


def recognises(part: Part) -> bool:
    """By the signature."""
    return read_part(part, 0, 4) == SIGNATURE


def open_parts(first: Part, open_part: PartOpener) -> QcowMedium:
    """The image over its backing file, which is found beside it. The format has no identifier of a backing file.

    Raises `MediumError` for an encrypted, damaged or cut image, and when the backing or data file is missing.
    """
    header, data, parent = _header(first), first, None
    if header.features & _EXTERNAL:
        data = open_named(first, header.extension(_DATA_FILE), open_part, "data file")
    if header.backing:
        raw = header.extension(_BACKING_FORMAT) == "raw"
        parent = open_parent(first, header.backing, open_part, raw=raw)
    return QcowMedium(first, header, data, parent)
