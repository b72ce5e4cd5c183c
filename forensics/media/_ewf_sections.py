"""The sections of an EWF-E01 or EWF-S01 (SMART) segment file, as bytes and numbers.

Source: "Expert Witness Compression Format version 1", J. Metz (libewf documentation), sections 2 to 3.
All numbers are little-endian; a section is a 76-byte descriptor (type, offset of the next, size,
padding, Adler-32) followed by its data. What breaks the format raises `MediumError`.
"""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from custody.access import Part
from forensics.media._contract import MediumError, read_part

FILE_SIGNATURE = b"EVF\x09\x0d\x0a\xff\x00"
FILE_HEADER_SIZE = 13
DESCRIPTOR_SIZE = 76
TABLE_HEADER_SIZE = 24
SMART_VOLUME_SIZE = 94  # of EWF-S01, where E01 has 1052
TABLE_LIMIT = 1 << 22  # entries; writers use 16,375 or 65,534
HEADER_LIMIT = 1 << 20  # acquisition headers are some hundred bytes; more than this is an attack

_DESCRIPTOR = struct.Struct("<16sQQ40xI")
_VOLUME = struct.Struct("<B3xIIIQ")
_TABLE = struct.Struct("<I4xQ4xI")

HEADER_NAMES = {
    "a": "description",
    "c": "case_number",
    "n": "evidence_number",
    "e": "examiner_name",
    "t": "notes",
    "av": "acquiry_software_version",
    "ov": "acquiry_operating_system",
    "m": "acquiry_date",
    "u": "system_date",
    "r": "compression_level",
    "p": "password_hash",
    "md": "model",
    "sn": "serial_number",
    "l": "device_label",
    "pid": "process_identifier",
    "dc": "unknown_dc",
    "ext": "extents",
}
"""The letters of the header's columns and the names they go by (those of libewf)."""


@dataclass(frozen=True, slots=True)
class Section:
    """One section: `offset` is where its data starts in the part, `size` the data's bytes."""

    part: Part
    kind: str
    offset: int
    size: int

    def read(self, limit: int = 0) -> bytes:
        """The section's data, or its first `limit` bytes."""
        wanted = min(self.size, limit) if limit else self.size
        data = read_part(self.part, self.offset, wanted)
        if len(data) < wanted:
            raise MediumError(f"{self.part.name} is truncated: its {self.kind} section is cut short")
        return data


@dataclass(frozen=True, slots=True)
class Geometry:
    """The volume section: how the medium is cut into sectors and chunks."""

    chunk_count: int
    chunk_size: int
    sector_size: int
    size: int
    smart: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Where the chunks of one table section lie: `first` chunk, `count` entries of four bytes at `offset`.

    `data_end` is where the section that holds the chunks ends: the end of the table's last chunk.
    `copy` is the offset of the same entries in table2, or 0. `checked`: a checksum follows the entries (not in SMART).
    """

    part: Part
    first: int
    count: int
    base: int
    offset: int
    data_end: int
    copy: int = 0
    checked: bool = True


def segment_number(part: Part) -> int:
    """The segment number in the file header; raises `MediumError` for what is no EWF-E01 segment."""
    head = read_part(part, 0, FILE_HEADER_SIZE)
    if len(head) < FILE_HEADER_SIZE or not head.startswith(FILE_SIGNATURE):
        what = "is empty" if part.size == 0 else "does not start with an EWF file header"
        raise MediumError(f"{part.name} {what}: it is no E01 segment")
    return int.from_bytes(head[9:11], "little")


def sections(part: Part) -> Iterator[Section]:
    """The part's sections in order, the closing `next` or `done` included.

    Raises `MediumError` when the chain breaks: a truncated file, a loop, a damaged descriptor.
    """
    at = FILE_HEADER_SIZE
    while True:
        raw = read_part(part, at, DESCRIPTOR_SIZE)
        if len(raw) < DESCRIPTOR_SIZE:
            raise MediumError(
                f"{part.name} is truncated: a section is due at byte {at}, the file ends at {part.size}",
                "Check the copy against its source; the acquisition may not have been finished.",
            )
        kind, following, size, checksum = _DESCRIPTOR.unpack(raw)
        if zlib.adler32(raw[:72]) != checksum:
            raise MediumError(f"{part.name} is damaged: the section descriptor at byte {at} fails its checksum")
        name = kind.rstrip(b"\0").decode("ascii", "backslashreplace")
        last = name in ("next", "done")
        # The size counts the descriptor; some writers leave it 0 where the next offset says it all.
        end = max(size, DESCRIPTOR_SIZE) + at if last or not following else following
        yield Section(part, name, at + DESCRIPTOR_SIZE, end - at - DESCRIPTOR_SIZE)
        if last:
            return
        if following <= at:
            raise MediumError(f"{part.name} is damaged: the section at byte {at} points back to byte {following}")
        at = following


def geometry(section: Section) -> Geometry:
    """The volume (or disk) section as numbers; raises `MediumError` for what cannot be a medium."""
    length = SMART_VOLUME_SIZE if section.size == SMART_VOLUME_SIZE else 1052
    data = section.read(length)
    name = section.part.name
    if len(data) < length or zlib.adler32(data[: length - 4]) != int.from_bytes(data[length - 4 :], "little"):
        raise MediumError(f"{name} is damaged: its {section.kind} section fails its checksum")
    _media, chunks, sectors_a_chunk, sector_size, sectors = _VOLUME.unpack_from(data)
    chunk_size = sectors_a_chunk * sector_size
    if not 0 < chunk_size <= 1 << 27 or sector_size % 512:
        raise MediumError(f"{name} is damaged: chunks of {sectors_a_chunk} sectors of {sector_size} bytes")
    return Geometry(chunks, chunk_size, sector_size, sectors * sector_size, length == SMART_VOLUME_SIZE)


def table(section: Section, first: int, data_end: int, *, checked: bool = True) -> Table:
    """A table section's place and numbers; its entries are read when they are needed."""
    count, base, checksum = _TABLE.unpack(header := section.read(TABLE_HEADER_SIZE))
    sane = count <= TABLE_LIMIT and count * 4 <= section.size - TABLE_HEADER_SIZE
    if not sane or zlib.adler32(header[:20]) != checksum:
        raise MediumError(f"{section.part.name} is damaged: the {section.kind} section at byte {section.offset}")
    return Table(section.part, first, count, base, section.offset + TABLE_HEADER_SIZE, data_end, checked=checked)


def table_entries(wanted: Table, offset: int) -> array[int] | None:
    """The entries at `offset` (the table's or its copy's), or None when they are cut or fail their checksum."""
    raw = read_part(wanted.part, offset, wanted.count * 4 + 4)
    entries, footer = raw[: wanted.count * 4], raw[wanted.count * 4 :]
    if len(entries) < wanted.count * 4:
        return None
    if wanted.checked and zlib.adler32(entries) != int.from_bytes(footer, "little"):
        return None
    values = array("I", entries)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def stored_digests(section: Section) -> dict[str, str]:
    """The digests of a `hash` section (MD5) or a `digest` section (MD5 and SHA-1), lower-case hex.

    Raises `MediumError` when the section fails its checksum. Digests of all zeros were never set.
    """
    length = 32 if section.kind == "hash" else 76
    data = section.read(length + 4)
    if zlib.adler32(data[:length]) != int.from_bytes(data[length : length + 4], "little"):
        raise MediumError(f"{section.part.name} is damaged: its {section.kind} section fails its checksum")
    found = {"md5": data[:16]}
    if section.kind == "digest":
        found["sha1"] = data[16:36]
    return {name: value.hex() for name, value in found.items() if any(value)}


def unread_sectors(section: Section) -> list[tuple[int, int]]:
    """The `error2` section: (first sector, sectors) that could not be read when the medium was acquired."""
    data = section.read(HEADER_LIMIT)
    count = min(int.from_bytes(data[:4], "little"), (len(data) - 520) // 8)
    return [struct.unpack_from("<II", data, 520 + 8 * number) for number in range(max(count, 0))]


def header_values(section: Section) -> dict[str, str]:
    """The acquisition header of a `header` (8-bit) or `header2` (UTF-16) section, by libewf's names.

    Times of header2 are seconds since 1970 and are given as ISO 8601 UTC; those of header are local
    times without a zone and are given as they stand. Raises `MediumError` for what does not inflate.
    """
    try:
        data = zlib.decompressobj().decompress(section.read(HEADER_LIMIT), HEADER_LIMIT)
    except zlib.error as error:
        raise MediumError(f"{section.part.name}: its {section.kind} section cannot be inflated") from error
    # latin-1 keeps every byte of a header whose code page is not written anywhere.
    text = data.decode("utf-16", "backslashreplace") if section.kind == "header2" else _eight_bit(data)
    lines = text.splitlines()
    for number, line in enumerate(lines[:-2]):
        if line == "main":
            pairs = zip(lines[number + 1].split("\t"), lines[number + 2].split("\t"), strict=False)
            return {HEADER_NAMES.get(key, key): _value(key, value) for key, value in pairs if _said(key, value)}
    return {}


def _eight_bit(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _said(key: str, value: str) -> bool:
    """Whether a column says anything: a password of 0 is none."""
    return bool(key and value) and (key, value) != ("p", "0")


def _value(key: str, value: str) -> str:
    return moment_of(value) if key in ("m", "u") else value


def moment_of(value: str) -> str:
    """Seconds since 1970 as ISO 8601 UTC; anything else as it stands."""
    if value.isdecimal() and len(value) < 12:
        return datetime.fromtimestamp(int(value), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value
