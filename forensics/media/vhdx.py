"""Microsoft VHDX: fixed, dynamic, and differencing over its parent.

Source: [MS-VHDX] "Virtual Hard Disk v2 (VHDX) File Format". Numbers are little-endian.
Read by our own code: libvhdi took 14 times qemu-img's processor time (measured).
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from custody.access import Part, PartOpener
from forensics.media._blocks import COMPOSED, HOLE, ZEROS, BlockMedium, Table, read_exactly, sector_bits
from forensics.media._contract import Medium, MediumError, read_part
from forensics.media._crc32c import crc32c
from forensics.media._parents import open_parent

SIGNATURE = b"vhdxfile"

_HEADERS, _HEADER_SIZE = (0x10000, 0x20000), 4096
_REGIONS, _REGION_SIZE = (0x30000, 0x40000), 0x10000
_MIB = 1 << 20
_PIECE = 2 * _MIB  # blocks of up to 256 MiB are read in pieces
_CHUNK = 1 << 23  # sectors one bitmap block tells of
_PRESENT, _PARTLY = 6, 7
_ITEM_LIMIT = 1 << 16
_BAT, _METADATA = "2dc27766-f623-4200-9d64-115e9bfd4a08", "8b7ca206-4790-4b9a-b8fe-575f050f886e"
_PARAMETERS, _SIZE = "caa16737-fa36-4d43-b3b6-33f0aa44e76b", "2fa54224-cd1b-4876-b211-5dbed83bf4b8"
_SECTOR, _LOCATOR = "8141bf1d-a96f-4709-ba47-f233a8faab5f", "a8d35f2d-b30b-454d-abf7-d3d84834ab0c"
_REQUIRED = {_PARAMETERS: 8, _SIZE: 8, _SECTOR: 4}
_NAMES = ("relative_path", "absolute_win32_path")


def _guid(raw: bytes) -> str:
    return str(uuid.UUID(bytes_le=raw))


def _checked(raw: bytes) -> bool:
    """Whether the CRC-32C of the bytes, their checksum taken as zero, is the one at byte 4."""
    return crc32c(raw[:4] + bytes(4) + raw[8:]) == int.from_bytes(raw[4:8], "little")


@dataclass(frozen=True, slots=True)
class _Facts:
    block_size: int
    size: int
    sector_size: int
    has_parent: bool
    table: tuple[int, int]
    data_identifier: str
    locator: Mapping[str, str]
    remarks: tuple[str, ...]


def _sound(part: Part, places: tuple[int, ...], size: int, signature: bytes) -> list[bytes]:
    found = [read_part(part, at, size) for at in places]
    return [raw for raw in found if len(raw) == size and raw.startswith(signature) and _checked(raw)]


def _current_header(part: Part) -> tuple[bytes, list[str]]:
    """The sound header with the higher sequence number, and what is to be said about it."""
    headers = _sound(part, _HEADERS, _HEADER_SIZE, b"head")
    if not headers:
        raise MediumError(f"{part.name} is damaged: neither of its headers is sound")
    header = max(headers, key=lambda raw: int.from_bytes(raw[8:16], "little"))
    remarks = []
    if len(headers) == 1:
        remarks.append(f"{part.name}: one of its two headers fails its checksum; the other was used")
    if any(header[48:64]):
        remarks.append(f"{part.name} was not closed by its writer: changes in its log are not applied")
    return header, remarks


def _regions(part: Part) -> dict[str, tuple[int, int]]:
    tables = _sound(part, _REGIONS, _REGION_SIZE, b"regi")
    if not tables:
        raise MediumError(f"{part.name} is damaged: neither of its region tables is sound")
    count = min(int.from_bytes(tables[0][8:12], "little"), 2047)
    entries = [struct.unpack_from("<16sQII", tables[0], 16 + 32 * number) for number in range(count)]
    return {_guid(kind): (offset, length) for kind, offset, length, _ in entries}


def _items(part: Part, region: tuple[int, int]) -> dict[str, bytes]:
    table = read_exactly(part, region[0], _ITEM_LIMIT, "the table of metadata")
    if not table.startswith(b"metadata"):
        raise MediumError(f"{part.name} is damaged: there is no metadata at byte {region[0]}")
    count = min(int.from_bytes(table[10:12], "little"), 2047)
    found = {}
    for number in range(count):
        kind, offset, length, _, _ = struct.unpack_from("<16sIIII", table, 32 + 32 * number)
        if length <= _ITEM_LIMIT:
            found[_guid(kind)] = read_exactly(part, region[0] + offset, length, "an item of metadata")
    for kind, length in _REQUIRED.items():
        if len(found.get(kind, b"")) < length:
            raise MediumError(f"{part.name} is damaged: the item {kind} of its metadata is missing")
    return found


def _pairs(raw: bytes) -> Iterator[tuple[str, str]]:
    """The keys and values of a parent locator."""
    count = min(int.from_bytes(raw[18:20], "little"), (len(raw) - 20) // 12)
    for number in range(count):
        key, value, key_length, value_length = struct.unpack_from("<IIHH", raw, 20 + 12 * number)
        yield (
            raw[key : key + key_length].decode("utf-16-le", "replace"),
            raw[value : value + value_length].decode("utf-16-le", "replace"),
        )


def _facts(part: Part) -> _Facts:
    header, remarks = _current_header(part)
    regions = _regions(part)
    if _BAT not in regions or _METADATA not in regions:
        raise MediumError(f"{part.name} is damaged: its region table names no table of blocks or no metadata")
    items = _items(part, regions[_METADATA])
    block_size, flags = struct.unpack_from("<II", items[_PARAMETERS])
    sector_size = int.from_bytes(items[_SECTOR][:4], "little")
    if not _MIB <= block_size <= 1 << 28 or block_size & (block_size - 1) or sector_size not in (512, 4096):
        raise MediumError(f"{part.name} is damaged: blocks of {block_size} bytes, sectors of {sector_size}")
    size = int.from_bytes(items[_SIZE][:8], "little")
    locator = dict(_pairs(items.get(_LOCATOR, b"")))
    return _Facts(
        block_size, size, sector_size, bool(flags & 2), regions[_BAT], _guid(header[32:48]), locator, tuple(remarks)
    )


class VhdxMedium(BlockMedium):
    """Blocks found through one table in which every so many entries the place of a bitmap of sectors stands."""

    def __init__(self, part: Part, facts: _Facts, parent: Medium | None) -> None:
        piece = min(facts.block_size, _PIECE)
        super().__init__("vhdx", [part], facts.size, piece, parent=parent, sector_size=facts.sector_size)
        self._part = part
        self._pieces = facts.block_size // piece
        self._ratio = _CHUNK * facts.sector_size // facts.block_size
        blocks = -(-facts.size // facts.block_size)
        entries = self._index(blocks - 1) + 1 if parent is None else -(-blocks // self._ratio) * (self._ratio + 1)
        if facts.table[1] < entries * 8:
            raise MediumError(f"{part.name} is damaged: its table has no room for the {blocks} blocks of the medium")
        self._table = Table(part, facts.table[0], entries, "Q", big=False, what="the table of blocks")
        self._sectors = lru_cache(64)(self._read_sectors)
        self.remarks += facts.remarks
        self.header = {"kind": "dynamic" if parent is None else "differencing", "identifier": facts.data_identifier}

    def _index(self, block: int) -> int:
        return block + block // self._ratio

    def place(self, number: int) -> int:
        block, piece = divmod(number, self._pieces)
        entry = self._table[self._index(block)]
        state = entry & 7
        partly = state == _PARTLY and self.parent is not None
        if state == _PRESENT or (partly and "0" not in self._sectors(number)):
            return (entry >> 20) * _MIB + piece * self.block_size
        if partly:
            return COMPOSED
        if state in (4, 5, _PARTLY):
            raise MediumError(f"{self._part.name} is damaged: block {block} is in state {state}")
        return HOLE if state == 0 else ZEROS

    def _read_sectors(self, number: int) -> str:
        """The bits of a piece's sectors: 1 is ours, 0 the parent's."""
        first = number * self.block_size // self.sector_size
        chunk, within = divmod(first, _CHUNK)
        entry = self._table[(chunk + 1) * (self._ratio + 1) - 1]
        if entry & 7 != _PRESENT:
            raise MediumError(f"{self._part.name} is damaged: there is no bitmap of sectors for a block of {chunk}")
        at = (entry >> 20) * _MIB + within // 8
        raw = read_exactly(self._part, at, self.block_size // self.sector_size // 8, "a bitmap of sectors")
        return sector_bits(raw, low_first=True)

    def compose(self, number: int) -> bytes:
        block, piece = divmod(number, self._pieces)
        at = (self._table[self._index(block)] >> 20) * _MIB + piece * self.block_size
        return self.mixed(number, self._sectors(number), at, self._part)


def _parent(part: Part, facts: _Facts, open_part: PartOpener) -> Medium:
    name = next((facts.locator[key] for key in _NAMES if facts.locator.get(key)), "")
    if not name:
        raise MediumError(f"{part.name} is a differencing disk that does not name its parent")
    parent = open_parent(part, name, open_part)
    wanted = {facts.locator.get(key, "").strip("{}").lower() for key in ("parent_linkage", "parent_linkage2")} - {""}
    found = parent.header.get("identifier", "")
    if parent.format != "vhdx" or found not in wanted:
        raise MediumError(
            f"{parent.parts[0].name} is not the parent of {part.name}: it has the identifier {found or 'of no VHDX'}, "
            f"wanted is {' or '.join(sorted(wanted)) or 'none'}",
            "A parent that was written to since has another identifier: find it as it was.",
        )
    return parent


def recognises(part: Part) -> bool:
    """By the signature."""
    return read_part(part, 0, 8) == SIGNATURE


def open_parts(first: Part, open_part: PartOpener) -> VhdxMedium:
    """The disk over its parent, which is found beside it and must have the identifier the child wants.

    Raises `MediumError` for a missing or wrong parent, and for what cannot be a disk.
    """
    facts = _facts(first)
    return VhdxMedium(first, facts, _parent(first, facts, open_part) if facts.has_parent else None)
