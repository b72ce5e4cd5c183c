"""Apple disk images (UDIF, .dmg): runs of sectors that are raw, zeros, or packed with ADC, zlib, bzip2 or LZMA.

Source: the structures of Apple's "UDIF" trailer (koly) and block tables (mish), as hdiutil writes them. Numbers are
big-endian. Read by our own code: libmodi does not compare the checksums a UDIF keeps of its tables and their sectors.
"""

from __future__ import annotations

import bz2
import lzma
import plistlib
import struct
import zlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from xml.parsers.expat import ExpatError

from isal import isal_zlib

from custody.access import Part, PartOpener
from forensics.media._blocks import read_exactly, zeros
from forensics.media._contract import MediumError, read_part

SECTOR = 512

_TRAILER = struct.Struct(">4sIIIQQQQQII16sII128sQQ120sII128sIQ")
_TABLE = struct.Struct(">4sIQQQII24sII128sI")
_RUN = struct.Struct(">IIQQQQ")
_ZEROS, _RAW, _IGNORED, _ADC, _ZLIB, _BZIP2, _LZFSE, _LZMA = 0, 1, 2, *range(0x80000004, 0x80000009)
_COMMENT, _END = 0x7FFFFFFE, 0xFFFFFFFF
_CRC32 = 2
_LIST_LIMIT = 64 << 20  # bytes of the property list: a disk of 4 TB has 20 MiB
_RUN_LIMIT = 64 << 20  # bytes a packed run unpacks to: hdiutil packs half a MiB, or one
_CACHED_RUNS = 16
_InflateError: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub says instance, not class
_DAMAGED = (_InflateError, OSError, EOFError, ValueError, lzma.LZMAError)


@dataclass(frozen=True, slots=True, order=True)
class _Run:
    """Bytes `start` to `end` of the medium and where they are kept; `table` is the number of their table."""

    start: int
    end: int
    kind: int
    offset: int
    length: int
    table: int


@dataclass(slots=True)
class _Check:
    """A table's CRC-32 and how far its sectors were summed up so far."""

    name: str
    end: int
    wanted: int
    at: int
    value: int = 0


def unpack_adc(raw: bytes, size: int) -> bytes:
    """Apple Data Compression: literals of up to 128 bytes, copies of 3 to 67 from up to 64 KiB back."""
    out, at = bytearray(), 0
    while at < len(raw) and len(out) < size:
        code = raw[at]
        if code & 0x80:
            count = (code & 0x7F) + 1
            out += raw[at + 1 : at + 1 + count]
            at += 1 + count
            continue
        if code & 0x40:
            count, back, at = (code & 0x3F) + 4, int.from_bytes(raw[at + 1 : at + 3], "big") + 1, at + 3
        else:
            low = raw[at + 1] if at + 1 < len(raw) else 0
            count, back, at = (code >> 2 & 0x0F) + 3, ((code & 3) << 8 | low) + 1, at + 2
        if back > len(out):
            raise ValueError("a copy begins before the data")
        piece = out[-back:]
        out += (piece * (count // back + 1))[:count]
    return bytes(out)


def _unpack(kind: int, raw: bytes, size: int) -> bytes:
    if kind == _ADC:
        return unpack_adc(raw, size)
    if kind == _ZLIB:
        return isal_zlib.decompressobj().decompress(raw, size)
    if kind == _BZIP2:
        return bz2.BZ2Decompressor().decompress(raw, size)
    if kind == _LZMA:
        return lzma.LZMADecompressor(memlimit=128 << 20).decompress(raw, size)
    raise ValueError("packed with LZFSE, which is not read" if kind == _LZFSE else f"of the unknown kind 0x{kind:x}")


@dataclass(slots=True)
class _Layout:
    """What the trailer and the tables say."""

    size: int
    base: int
    runs: list[_Run] = field(default_factory=list)
    checks: dict[int, _Check] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


class DmgMedium:
    """The sectors of a UDIF image. What no run tells of is zeros."""

    format = "dmg"
    sector_size = SECTOR

    def __init__(self, part: Part, layout: _Layout) -> None:
        self.parts = (part,)
        self.size = layout.size
        self.stored: Mapping[str, str] = {}
        self.header = {"partitions": "; ".join(layout.names)} if layout.names else {}
        self._part, self._runs, self._checks, self._remarks = part, layout.runs, layout.checks, layout.remarks
        self._starts = [run.start for run in layout.runs]
        self._unpacked = lru_cache(_CACHED_RUNS)(self._unpack)
        self._lock = Lock()

    def problems(self) -> list[str]:
        with self._lock:
            return list(self._remarks)

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        if length <= 0 or offset < 0:
            return b""
        pieces: list[bytes | memoryview] = []
        end = offset + length
        while offset < end:
            number = bisect_right(self._starts, offset) - 1
            run = self._runs[number] if number >= 0 else None
            if run is None or offset >= run.end:
                following = self._starts[number + 1] if number + 1 < len(self._starts) else self.size
                piece: bytes | memoryview = zeros(min(end, following) - offset)
            else:
                piece = self._piece(run, offset, min(end, run.end) - offset)
                self._sum_up(run, offset, piece)
            pieces.append(piece)
            offset += len(piece)
        return pieces[0] if len(pieces) == 1 and isinstance(pieces[0], bytes) else b"".join(pieces)

    def _piece(self, run: _Run, offset: int, count: int) -> bytes | memoryview:
        within = offset - run.start
        if run.kind in (_ZEROS, _IGNORED):
            return zeros(count)
        if run.kind == _RAW:
            return read_exactly(self._part, run.offset + within, count, f"bytes {offset} on of the medium")
        return self._unpacked(run)[within : within + count]

    def _unpack(self, run: _Run) -> bytes:
        size = run.end - run.start
        why = ""
        try:
            data = _unpack(run.kind, read_part(self._part, run.offset, run.length), size)
        except _DAMAGED as error:
            data, why = b"", str(error)
        if len(data) < size:
            raise MediumError(
                f"bytes {run.start} to {run.end} of the medium, packed at byte {run.offset} of {self._part.name}, "
                f"cannot be unpacked: {why or f'there are {len(data)} bytes'}"
            )
        return data

    def _sum_up(self, run: _Run, offset: int, piece: bytes | memoryview) -> None:
        """Where a table is read in order, compare the CRC-32 of its sectors; ignored ones do not count."""
        with self._lock:
            check = self._checks.get(run.table)
            if check is None or check.at != offset:
                return
            check.at = offset + len(piece)
            if run.kind != _IGNORED:
                check.value = zlib.crc32(piece, check.value)
            if check.at == check.end:
                del self._checks[run.table]
                if check.value != check.wanted:
                    self._remarks.append(
                        f"{self._part.name}: the stored CRC-32 of {check.name} is {check.wanted:08x}, "
                        f"that of its sectors {check.value:08x}"
                    )


def _trailer(part: Part) -> bytes:
    return read_part(part, part.size - 512, 512) if part.size >= 512 else b""


def recognises(part: Part) -> bool:
    """By the trailer, or the head of an encrypted image."""
    return _trailer(part).startswith(b"koly") or read_part(part, 0, 8) == b"encrcdsa"


def _tables(part: Part, offset: int, length: int) -> list[tuple[str, bytes]]:
    """(name, bytes) of the block tables in the property list."""
    if not 0 < length <= _LIST_LIMIT:
        raise MediumError(f"{part.name} is a DMG without a property list ({length} bytes), which is not read")
    try:
        found = plistlib.loads(read_exactly(part, offset, length, "the property list"), fmt=plistlib.FMT_XML)
        return [(str(entry.get("Name", "")), bytes(entry["Data"])) for entry in found["resource-fork"]["blkx"]]
    except (ExpatError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise MediumError(f"{part.name} is damaged: its property list names no block tables ({error})") from error


def _take_table(part: Part, layout: _Layout, number: int, name: str, raw: bytes) -> int:
    """Add a table's runs; answers its stored checksum."""
    if len(raw) < _TABLE.size or not raw.startswith(b"mish"):
        raise MediumError(f"{part.name} is damaged: block table {number} is none")
    fields = _TABLE.unpack_from(raw)
    first, sectors, data_offset, kind, checksum, count = (*fields[2:5], fields[8], fields[10], fields[11])
    if _TABLE.size + count * _RUN.size > len(raw):
        raise MediumError(f"{part.name} is damaged: block table {number} is cut short")
    begun = len(layout.runs)
    for at in range(count):
        run, _, start, length, offset, packed = _RUN.unpack_from(raw, _TABLE.size + at * _RUN.size)
        if run in (_COMMENT, _END) or not length:
            continue
        begin, end = (first + start) * SECTOR, (first + start + length) * SECTOR
        if end > layout.size or (run > _IGNORED and end - begin > _RUN_LIMIT):
            raise MediumError(
                f"{part.name} is damaged: a run of block table {number} has {length} sectors from {start}"
            )
        layout.runs.append(_Run(begin, end, run, layout.base + data_offset + offset, packed, number))
    wanted = int.from_bytes(checksum[:4], "big")
    covered = sum(run.end - run.start for run in layout.runs[begun:])
    if kind == _CRC32 and covered == sectors * SECTOR and covered:
        layout.checks[number] = _Check(name or f"table {number}", (first + sectors) * SECTOR, wanted, first * SECTOR)
    layout.names.append(name)
    return wanted


def _layout(part: Part) -> _Layout:
    fields = _TRAILER.unpack_from(_trailer(part))
    base, segments, master_kind, master, sectors = fields[5], fields[10], fields[18], fields[20], fields[22]
    if segments > 1:
        raise MediumError(f"{part.name} is one of {segments} segments of a DMG, which are not read")
    if not 0 < sectors <= 1 << 50:
        raise MediumError(f"{part.name} is damaged: it claims a medium of {sectors} sectors")
    layout = _Layout(sectors * SECTOR, base)
    sums = b""
    for number, (name, raw) in enumerate(_tables(part, fields[15], fields[16])):
        sums += _take_table(part, layout, number, name, raw).to_bytes(4, "big")
    layout.runs.sort()
    for earlier, later in zip(layout.runs, layout.runs[1:], strict=False):
        if later.start < earlier.end:
            raise MediumError(f"{part.name} is damaged: two runs tell of byte {later.start} of the medium")
    if master_kind == _CRC32 and int.from_bytes(master[:4], "big") != zlib.crc32(sums):
        layout.remarks.append(f"{part.name}: the stored CRC-32 of its block tables' checksums is not theirs")
    return layout


def open_parts(first: Part, _open_part: PartOpener) -> DmgMedium:
    """The image; raises `MediumError` for an encrypted or segmented one and for damage."""
    if not _trailer(first).startswith(b"koly"):
        raise MediumError(
            f"{first.name} is an encrypted DMG, which is not read", "Decrypt it with hdiutil, and say so."
        )
    return DmgMedium(first, _layout(first))
