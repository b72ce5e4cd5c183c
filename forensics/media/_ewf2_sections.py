"""The sections of an EWF2-Ex01 segment file (EnCase 7 on), as bytes and numbers.

Source: "Expert Witness Compression Format version 2", J. Metz (libewf documentation), sections 2 and 3. All numbers are
little-endian. A section's descriptor of 64 bytes stands behind its data and points back to the descriptor before it, so
a file is read from its end. What breaks the format raises `MediumError`.
"""

from __future__ import annotations

import bz2
import hashlib
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from custody.access import Part
from forensics.media._contract import MediumError, read_part

SIGNATURE = b"EVF2\x0d\x0a\x81\x00"
FILE_HEADER_SIZE, DESCRIPTOR_SIZE = 32, 64
DEVICE, CASE, DATA, TABLE, ERRORS, MD5, SHA1, KEYS, NEXT, DONE = 1, 2, 3, 4, 5, 8, 9, 11, 13, 15
COMPRESSED, CHECKED, PATTERN = 1, 2, 4
TABLE_HEADER_SIZE = 32
NOTHING, DEFLATE, BZIP2 = 0, 1, 2

_HEADER = struct.Struct("<8sBBHI16s")
_DESCRIPTOR = struct.Struct("<IIQQII16s12xI")
_HASHED, _ENCRYPTED = 1, 2
_TEXT_LIMIT = 1 << 20
_SECTION_LIMIT = 1 << 20  # sections of a segment; writers make some thousands
_TABLE_LIMIT = 1 << 24

HEADER_NAMES = {
    "nm": "description", "cn": "case_number", "en": "evidence_number", "ex": "examiner_name", "nt": "notes",
    "av": "acquiry_software_version", "os": "acquiry_operating_system", "tt": "acquiry_date", "at": "system_date",
    "md": "model", "sn": "serial_number", "lb": "device_label", "pid": "process_identifier", "hs": "hpa_sectors",
    "dc": "dco_sectors",
}  # fmt: skip
"""The tags of the device information and the case data, by the names that E01's header goes by."""


@dataclass(frozen=True, slots=True)
class Section:
    """One section: `offset` is where its data starts in the part, `size` the data's bytes, padding included."""

    part: Part
    kind: int
    offset: int
    size: int
    digest: bytes

    def read(self) -> bytes:
        """The section's data, which must have its stored MD5 where there is one."""
        data = read_part(self.part, self.offset, self.size)
        if len(data) < self.size:
            raise MediumError(f"{self.part.name} is truncated: its section at byte {self.offset} is cut short")
        if self.digest and hashlib.md5(data, usedforsecurity=False).digest() != self.digest:
            raise MediumError(f"{self.part.name} is damaged: the section at byte {self.offset} fails its checksum")
        return data


@dataclass(frozen=True, slots=True)
class FileHeader:
    """The head of a segment: how its chunks are packed, its number, and what tells its set from others."""

    method: int
    number: int
    identifier: bytes


def file_header(part: Part) -> FileHeader:
    """The segment's head; raises `MediumError` for what is none, or a later version."""
    raw = read_part(part, 0, FILE_HEADER_SIZE)
    if len(raw) < FILE_HEADER_SIZE or not raw.startswith(SIGNATURE):
        what = "is empty" if part.size == 0 else "does not start with an EWF2 file header"
        raise MediumError(f"{part.name} {what}: it is no Ex01 segment")
    _, major, minor, method, number, identifier = _HEADER.unpack(raw)
    if major != 2 or method > BZIP2:
        raise MediumError(f"{part.name} is EWF {major}.{minor} with packing {method}, which is not known")
    return FileHeader(method, number, identifier)


def sections(part: Part) -> list[Section]:
    """The part's sections in the order of the file, the closing one included.

    Raises `MediumError` where the chain breaks: a cut file, a loop, a damaged descriptor, encryption.
    """
    found: list[Section] = []
    at = part.size - DESCRIPTOR_SIZE
    while at >= FILE_HEADER_SIZE and len(found) < _SECTION_LIMIT:
        section, before = _section(part, at)
        if not found and section.kind not in (NEXT, DONE):
            raise MediumError(_cut(part), "Check the copy; the acquisition may not have been finished.")
        found.append(section)
        if before == 0:
            return found[::-1]
        if before >= at:
            raise MediumError(f"{part.name} is damaged: the section at byte {at} points on to byte {before}")
        at = before
    raise MediumError(_cut(part), "Check the copy; the acquisition may not have been finished.")


def _cut(part: Part) -> str:
    return f"{part.name} is truncated or damaged: no section ends where the file does"


def _section(part: Part, at: int) -> tuple[Section, int]:
    raw = read_part(part, at, DESCRIPTOR_SIZE)
    kind, flags, before, size, length, _padding, digest, checksum = _DESCRIPTOR.unpack(raw)
    if zlib.adler32(raw[:60]) != checksum or length != DESCRIPTOR_SIZE or size > at - FILE_HEADER_SIZE:
        if at == part.size - DESCRIPTOR_SIZE:
            raise MediumError(_cut(part), "Check the copy; the acquisition may not have been finished.")
        raise MediumError(f"{part.name} is damaged: the section descriptor at byte {at} fails its checksum")
    if flags & _ENCRYPTED or kind == KEYS:
        raise MediumError(
            f"{part.name} is an encrypted Ex01, which is not read: how it is encrypted is not published",
            "Decrypt it with EnCase, record the conversion, and ingest the result.",
        )
    return Section(part, kind, at - size, size, digest if flags & _HASHED else b""), before


def unpacked(data: bytes, method: int, limit: int) -> bytes:
    """What packed data hold, at most `limit` bytes. Raises `ValueError`, `OSError` or zlib's error."""
    if method == BZIP2:
        return bz2.BZ2Decompressor().decompress(data, limit)
    return zlib.decompressobj().decompress(data, limit) if method == DEFLATE else data[:limit]


def values(section: Section) -> Mapping[str, str]:
    """The tags and values of a device information or case data section; how that is packed, it says itself."""
    data = section.read()
    method = BZIP2 if data.startswith(b"BZh") else NOTHING if data.startswith((b"\xff\xfe", b"\xfe\xff")) else DEFLATE
    try:
        text = unpacked(data, method, _TEXT_LIMIT).decode("utf-16", "backslashreplace")
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise MediumError(f"{section.part.name}: the description at byte {section.offset} cannot be read") from error
    lines = text.split("\n")
    for number, line in enumerate(lines[:-2]):
        if line.strip() == "main":
            pairs = zip(lines[number + 1].split("\t"), lines[number + 2].split("\t"), strict=False)
            return {tag.strip(): value.strip("\r\0") for tag, value in pairs}
    return {}


def table(section: Section) -> tuple[int, bytes]:
    """First chunk and entries (16 bytes each) of a sector table."""
    data = section.read()
    first, count, checksum = struct.unpack_from("<QI4xI", data) if len(data) >= TABLE_HEADER_SIZE else (0, 0, 0)
    end = TABLE_HEADER_SIZE + 16 * count
    if not 0 < count <= _TABLE_LIMIT or end + 4 > len(data) or zlib.adler32(data[:16]) != checksum:
        raise MediumError(f"{section.part.name} is damaged: the sector table at byte {section.offset}")
    entries = data[TABLE_HEADER_SIZE:end]
    if zlib.adler32(entries) != int.from_bytes(data[end : end + 4], "little"):
        raise MediumError(f"{section.part.name}: the sector table at byte {section.offset} fails its checksum")
    return first, entries


def digest_of(section: Section, length: int) -> str:
    """The digest of an MD5 or SHA-1 section in hex, "" for one that was never set; it has a checksum of its own."""
    data = section.read()
    if len(data) < length + 4 or zlib.adler32(data[:length]) != int.from_bytes(data[length : length + 4], "little"):
        raise MediumError(f"{section.part.name} is damaged: its digest at byte {section.offset} fails its checksum")
    return data[:length].hex() if any(data[:length]) else ""


def unread_sectors(section: Section) -> list[tuple[int, int]]:
    """(first sector, sectors) that could not be read when the medium was acquired."""
    data = section.read()
    count = min(int.from_bytes(data[:4], "little"), max(len(data) - TABLE_HEADER_SIZE, 0) // 16)
    found = [struct.unpack_from("<QI", data, TABLE_HEADER_SIZE + 16 * number) for number in range(count)]
    return [(first, sectors) for first, sectors in found if sectors]
