"""Stream-optimised VMDK in one file: compressed grains, read by our own code.

Source: "Virtual Disk Format 5.0" (VMware). libvmdk reads them too, but its wheel has no zlib: it took more than four
times qemu-img's processor time. Every grain says where in the medium it belongs and has a checksum of its own.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from functools import lru_cache

from isal import isal_zlib

from custody.access import Part
from forensics.media._blocks import COMPOSED, HOLE, ZEROS, BlockMedium, Table, read_exactly
from forensics.media._contract import MediumError, read_part

SIGNATURE = b"KDMV"
_SECTOR = 512
_HEADER = struct.Struct("<4sIIQQQQIQQQB4sH")
_MARKER = struct.Struct("<QI")
_AT_END = (1 << 64) - 1
_ZEROED, _COMPRESSED = 1 << 2, 1 << 16
_DEFLATE = 1
_TABLES = 64
_DESCRIPTION_LIMIT = 1 << 20
_DamagedError: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub says instance, not class


class StreamMedium(BlockMedium):
    """The medium of a stream-optimised VMDK. A grain that does not inflate, or belongs elsewhere, raises."""

    def __init__(self, part: Part, head: tuple[int, ...], header: dict[str, str]) -> None:
        """`head`: flags, sectors of the medium, sectors of a grain, entries of a table, sector of the directory."""
        flags, capacity, grain, entries, directory = head
        if not 8 <= grain <= 1 << 14 or grain & (grain - 1) or not 0 < entries <= 1 << 16:
            raise MediumError(f"{part.name} is damaged: grains of {grain} sectors, {entries} of them in a table")
        super().__init__("vmdk", [part], capacity * _SECTOR, grain * _SECTOR)
        self.header = header
        self._part, self._zeroed, self._entries = part, bool(flags & _ZEROED), entries
        count = -(-capacity // (grain * entries))
        self._directory = Table(part, directory * _SECTOR, count, "I", big=False, what="the grain directory")

        def table(number: int) -> Table | None:
            place = self._directory[number]
            what = f"grain table {number}"
            return Table(part, place * _SECTOR, entries, "I", big=False, what=what) if place else None

        self._table: Callable[[int], Table | None] = lru_cache(_TABLES)(table)

    def _place_of(self, number: int) -> int:
        table = self._table(number // self._entries)
        return table[number % self._entries] if table is not None else 0

    def place(self, number: int) -> int:
        """As `BlockMedium.place`."""
        sector = self._place_of(number)
        if sector == 0:
            return HOLE
        return ZEROS if sector == 1 and self._zeroed else COMPOSED

    def compose(self, number: int) -> bytes:
        """The grain, inflated."""
        at, start = self._place_of(number) * _SECTOR, number * self.block_size
        wanted = min(self.block_size, self.size - start)
        raw = read_part(self._part, at, _MARKER.size + self.block_size)
        if len(raw) < _MARKER.size:
            raise self._refusal(number, f"lies at byte {at}, the file ends at {self._part.size}")
        sector, length = _MARKER.unpack_from(raw)
        if sector * _SECTOR != start or length > 2 * self.block_size + 1024:
            raise self._refusal(number, f"is another's: byte {at} says sector {sector} and {length} bytes")
        if length > self.block_size:
            raw = read_exactly(self._part, at, _MARKER.size + length, f"grain {number}")
        inflater = isal_zlib.decompressobj()
        try:
            data = inflater.decompress(raw[_MARKER.size : _MARKER.size + length], self.block_size + 1)
        except _DamagedError as error:
            raise self._refusal(number, "cannot be inflated or fails its checksum") from error
        if not inflater.eof or not wanted <= len(data) <= self.block_size:
            raise self._refusal(number, f"inflates to {len(data)} bytes")
        return data[:wanted]

    def _refusal(self, number: int, why: str) -> MediumError:
        start = number * self.block_size
        place = f"bytes {start} to {min(start + self.block_size, self.size)} of the medium in {self._part.name}"
        return MediumError(f"{place}: grain {number} {why}")


def opened(part: Part) -> StreamMedium | None:
    """The medium, where the part is a whole disk of this kind without a parent; None for any other."""
    raw = read_part(part, 0, _SECTOR)
    if not raw.startswith(SIGNATURE) or len(raw) < _SECTOR:
        return None
    fields = _HEADER.unpack_from(raw)
    if fields[9] == _AT_END:  # written in one direction: what was known last stands last
        place = part.size - 2 * _SECTOR
        raw = read_part(part, place, _SECTOR)
        if len(raw) < _SECTOR or not raw.startswith(SIGNATURE):
            raise MediumError(f"{part.name} is truncated: the header at its end is missing", "Check the copy.")
        fields = _HEADER.unpack_from(raw)
    _, _, flags, capacity, grain, at, length, entries, _, directory, _, _, _, method = fields
    if not flags & _COMPRESSED or method != _DEFLATE or not at:
        return None
    text = read_part(part, at * _SECTOR, min(length * _SECTOR, _DESCRIPTION_LIMIT)).split(b"\0")[0].decode("latin-1")
    said = dict(re.findall(r'^\s*(\w+)\s*=\s*"?([^"\r\n]*?)"?\s*$', text, re.MULTILINE))
    if said.get("parentCID", "ffffffff").lower() != "ffffffff":
        return None
    named = {"kind": said.get("createType", ""), "content_identifier": said.get("CID", "").lower()}
    return StreamMedium(part, (flags, capacity, grain, entries, directory), {k: v for k, v in named.items() if v})
