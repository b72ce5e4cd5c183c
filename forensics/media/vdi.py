"""VirtualBox disks (VDI): fixed, dynamic, and differencing where the parent is called by its identifier.

Source: the header of VirtualBox's VDICore.h, version 1.1. Numbers are little-endian. There is no library with wheels.
"""

from __future__ import annotations

import struct
import uuid

from custody.access import Part, PartOpener
from forensics.media._blocks import HOLE, ZEROS, BlockMedium, Table, read_exactly
from forensics.media._contract import Medium, MediumError, read_part
from forensics.media._parents import open_parent

SIGNATURE = b"\x7f\x10\xda\xbe"

_HEADER = struct.Struct("<IIII256sIIIIIIIQIIII16s16s16s16s")  # from byte 68 on
_DYNAMIC, _FIXED, _UNDO, _DIFFERENCING = 1, 2, 3, 4
_KINDS = {_DYNAMIC: "dynamic", _FIXED: "fixed", _UNDO: "undo", _DIFFERENCING: "differencing"}
_UNUSED, _ZERO = 0xFFFFFFFF, 0xFFFFFFFE
_NO_IDENTIFIER = bytes(16)


class VdiMedium(BlockMedium):
    """Blocks found through one table."""

    def __init__(self, part: Part, fields: tuple[int, ...], parent: Medium | None) -> None:
        table_at, self._data_at, size, block_size, self._extra, count = (fields[n] for n in (5, 6, 12, 13, 14, 15))
        if not 512 <= block_size <= 1 << 28:
            raise MediumError(f"{part.name} is damaged: blocks of {block_size} bytes")
        super().__init__("vdi", [part], size, block_size, parent=parent)
        if count * block_size < size:
            raise MediumError(f"{part.name} is damaged: its table covers {count * block_size} of {size} bytes")
        self._table = Table(part, table_at, -(-size // block_size), "I", big=False, what="the table of blocks")

    def place(self, number: int) -> int:
        entry = self._table[number]
        if entry >= _ZERO:
            return HOLE if entry == _UNUSED else ZEROS
        return self._data_at + entry * (self.block_size + self._extra) + self._extra


def _name(raw: bytes) -> str:
    return str(uuid.UUID(bytes_le=raw))


def recognises(part: Part) -> bool:
    """By the signature at byte 64."""
    return read_part(part, 64, 4) == SIGNATURE


def open_parts(first: Part, open_part: PartOpener) -> VdiMedium:
    """The disk. VDI keeps its parent's identifier, not its name: `{identifier}.vdi` beside it, as VirtualBox calls it.

    Raises `MediumError` for a parent that is not there or has another identifier, and for what cannot be a disk.
    """
    fields = _HEADER.unpack(read_exactly(first, 68, _HEADER.size, "the header"))
    version, kind, own, link = fields[0], fields[2], fields[17], fields[19]
    if version >> 16 != 1 or kind not in _KINDS:
        raise MediumError(f"{first.name} is a VDI of version {version >> 16}, kind {kind}, which is not known")
    parent = None
    if kind in (_UNDO, _DIFFERENCING) or link != _NO_IDENTIFIER:
        parent = open_parent(first, f"{{{_name(link)}}}.vdi", open_part)
        if parent.header.get("identifier") != _name(link):
            raise MediumError(f"{parent.parts[0].name} is not the parent of {first.name}: another identifier")
    medium = VdiMedium(first, fields, parent)
    medium.header = {"kind": _KINDS[kind], "identifier": _name(own)}
    return medium
