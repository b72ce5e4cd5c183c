"""Microsoft VHD: fixed, dynamic, and differencing over its parent.

Source: "Virtual Hard Disk Image Format Specification" 1.0 (Microsoft, 2006). Numbers are big-endian; an identifier is
shown as it stands. Read by our own code: libvhdi took 25 times qemu-img's processor time, and mixed up the sectors of
a differencing disk (measured; the specification leaves the order of a bitmap's bits open, Xen's and Virtual PC's
writers begin with the highest).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache

from custody.access import Part, PartOpener
from forensics.media._blocks import COMPOSED, HOLE, BlockMedium, Table, read_exactly, sector_bits
from forensics.media._contract import Medium, MediumError, read_part
from forensics.media._parents import open_parent

COOKIE = b"conectix"
SECTOR = 512

_FOOTER = struct.Struct(">8sIIQI4sI4sQQIII16s")
_HEADER = struct.Struct(">8sQQIIII16s")
_LOCATOR = struct.Struct(">4sIIIQ")
_FIXED, _DYNAMIC, _DIFFERENCING = 2, 3, 4
_UNUSED = 0xFFFFFFFF
_LARGEST_BLOCK = 1 << 28
_NAME_LIMIT = 2048  # bytes of a parent's path
_KINDS = {_FIXED: "fixed", _DYNAMIC: "dynamic", _DIFFERENCING: "differencing"}


@dataclass(frozen=True, slots=True)
class _Footer:
    kind: int
    size: int
    header_at: int
    identifier: str
    remarks: tuple[str, ...]


def _checksum(raw: bytes, at: int) -> bool:
    """Whether the complement of the bytes' sum stands at `at`."""
    return ~(sum(raw) - sum(raw[at : at + 4])) & 0xFFFFFFFF == int.from_bytes(raw[at : at + 4], "big")


def _tail(part: Part) -> bytes:
    return read_part(part, part.size - SECTOR, SECTOR) if part.size >= SECTOR else b""


def _footer(part: Part) -> _Footer:
    remarks: list[str] = []
    raw = _tail(part)
    if not raw.startswith(COOKIE):
        raw = read_exactly(part, 0, SECTOR, "the footer's copy")
        remarks.append(f"{part.name} does not end with its footer: it may be cut short; the copy at its start was used")
    if not _checksum(raw, 64):
        remarks.append(f"{part.name}: the footer fails its checksum")
    fields = _FOOTER.unpack_from(raw)
    header_at, size, kind, identifier = fields[3], fields[9], fields[11], fields[13]
    if kind not in _KINDS:
        raise MediumError(f"{part.name} is damaged: there is no VHD of kind {kind}")
    return _Footer(kind, size, header_at, identifier.hex(), tuple(remarks))


class _FixedMedium(BlockMedium):
    """The bytes before the footer."""

    def __init__(self, part: Part, footer: _Footer) -> None:
        super().__init__("vhd", [part], footer.size, 1 << 20)
        self.header = {"kind": "fixed", "identifier": footer.identifier}
        self.remarks += footer.remarks
        if footer.size + SECTOR != part.size:
            self.remarks.append(
                f"{part.name} claims {footer.size} bytes before its footer, {part.size - SECTOR} stand there"
            )

    def place(self, number: int) -> int:
        return number * self.block_size


class VhdMedium(BlockMedium):
    """A dynamic or differencing disk: blocks with a bitmap of their sectors before each."""

    def __init__(self, part: Part, footer: _Footer, header: bytes, parent: Medium | None) -> None:
        _, _, table_at, _, count, block_size, _, _ = _HEADER.unpack_from(header)
        if not SECTOR <= block_size <= _LARGEST_BLOCK or block_size & (block_size - 1):
            raise MediumError(f"{part.name} is damaged: blocks of {block_size} bytes")
        super().__init__("vhd", [part], footer.size, block_size, parent=parent)
        if count * block_size < footer.size:
            raise MediumError(f"{part.name} is damaged: its table covers {count * block_size} of {footer.size} bytes")
        self._part = part
        self._table = Table(part, table_at, -(-footer.size // block_size), "I", big=True, what="the table of blocks")
        self._map_size: int = -(-block_size // SECTOR // 8 // SECTOR) * SECTOR
        self._sectors = lru_cache(64)(self._read_sectors)
        self.remarks += footer.remarks
        if not _checksum(header, 36):
            self.remarks.append(f"{part.name}: the header fails its checksum")
        self.header = {"kind": _KINDS[footer.kind], "identifier": footer.identifier}

    def _read_sectors(self, number: int) -> str:
        at = self._table[number] * SECTOR
        raw = read_exactly(self._part, at, self.block_size // SECTOR // 8 or 1, f"the bitmap of block {number}")
        return sector_bits(raw, low_first=False)

    def place(self, number: int) -> int:
        entry = self._table[number]
        if entry == _UNUSED:
            return HOLE
        if self.parent is not None and "0" in self._sectors(number):
            return COMPOSED
        return entry * SECTOR + self._map_size

    def compose(self, number: int) -> bytes:
        at = self._table[number] * SECTOR + self._map_size
        return self.mixed(number, self._sectors(number), at, self._part)


def _parent_names(part: Part, header: bytes) -> list[str]:
    """Where the parent is said to be: relative path first, then its plain name."""
    found = []
    for number in range(8):
        code, _, length, _, offset = _LOCATOR.unpack_from(header, 576 + number * _LOCATOR.size)
        if code == b"W2ru" and 0 < length <= _NAME_LIMIT:
            found.append(read_part(part, offset, length).decode("utf-16-le", "replace"))
    found.append(header[64:576].decode("utf-16-be", "replace").split("\0")[0])
    return [name for name in found if name]


def _parent(part: Part, header: bytes, open_part: PartOpener) -> Medium:
    names = _parent_names(part, header)
    if not names:
        raise MediumError(f"{part.name} is a differencing disk that does not name its parent")
    parent = open_parent(part, names[0], open_part)
    wanted, found = header[40:56].hex(), parent.header.get("identifier", "")
    if parent.format != "vhd" or found != wanted:
        raise MediumError(
            f"{parent.parts[0].name} is not the parent of {part.name}: it has the identifier {found or 'of no VHD'}, "
            f"wanted is {wanted}",
            "Find the disk with that identifier.",
        )
    return parent


def recognises(part: Part) -> bool:
    """By the footer, or its copy where the file begins."""
    return _tail(part).startswith(COOKIE) or read_part(part, 0, 8) == COOKIE


def open_parts(first: Part, open_part: PartOpener) -> BlockMedium:
    """The disk over its parent, which is found beside it and must have the identifier the child wants.

    Raises `MediumError` for a missing or wrong parent, and for what cannot be a disk.
    """
    footer = _footer(first)
    if footer.kind == _FIXED:
        return _FixedMedium(first, footer)
    header = read_exactly(first, footer.header_at, 1024, "the header")
    if not header.startswith(b"cxsparse"):
        raise MediumError(f"{first.name} is damaged: there is no header at byte {footer.header_at}")
    parent = _parent(first, header, open_part) if footer.kind == _DIFFERENCING else None
    return VhdMedium(first, footer, header, parent)
