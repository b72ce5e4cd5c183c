"""Zip archives of a collection: stored, deflate, bzip2, LZMA; Zip64.

Source: APPNOTE.TXT 6.3.10 (PKWARE); extra fields 0x5455, 0x7875 (Info-ZIP) and 0x000a (NTFS). Read with zipfile of the
standard library. DOS times have no zone and two seconds' grain; an extra field with the time in UTC goes before.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from custody.access import FoundFile, Part
from forensics.archives._contract import ALLOWANCE, LARGEST_COUNT, Member, Remarks, Told, member, too_large
from forensics.media import MediumError, aff4, read_part
from forensics.media._part_stream import PartStream
from forensics.model import Clock

_BLOCK = 1 << 18
_ENCRYPTED, _UTF8 = 1, 1 << 11
_LOCAL_HEADER = 30
_FILETIME_EPOCH = 11_644_473_600 * 10_000_000
_UNIX, _DARWIN = 3, 19
_DOCUMENTS = {"[Content_Types].xml", "mimetype"}
"""A member that makes the archive one document: Open XML, OpenDocument, EPUB."""
_METHODS = {0: "stored", 8: "deflate", 12: "bzip2", 14: "lzma"}
_NAMES = {9: "Deflate64", 93: "Zstandard", 95: "xz", 96: "JPEG", 98: "PPMd", 99: "AES encryption"}
# MemoryError: LZMA says how much its dictionary takes
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    NotImplementedError,
    MemoryError,
)


class ZipArchive:
    """The members as the central directory lists them."""

    format = "zip"
    allowance = ALLOWANCE
    contradictions = ()

    def __init__(self, part: Part, zone: ZoneInfo | None) -> None:
        self._part, self._zone, self._names = part, zone, Remarks()
        try:
            self._zip = zipfile.ZipFile(io.BufferedReader(PartStream(part)))
        except (*_BROKEN, struct.error) as error:
            raise MediumError(
                f"{part.name} is no whole zip archive: {error}", "Check the copy: it may be cut short."
            ) from error
        if len(self._zip.filelist) > LARGEST_COUNT:
            raise MediumError(f"{part.name} lists {len(self._zip.filelist)} members, more than are looked at")
        self._starts = sorted(info.header_offset for info in self._zip.filelist)

    def files(self) -> Iterator[FoundFile | OSError]:
        """The members in the order of the central directory."""
        self._names = Remarks()
        for number, info in enumerate(self._zip.filelist, 1):
            told = self._told(info)
            self._names.take(told.name)
            yield member(told, number, info, self._refusal(info) if told.kind == "file" else "")

    def remarks(self) -> Iterator[str]:
        """As the contract's."""
        return self._names.lines()

    def contents(self, found: Member) -> Iterator[bytes]:
        """The contents; zipfile compares their CRC-32 at the end."""
        try:
            with self._zip.open(found.place) as stream:
                while block := stream.read(_BLOCK):
                    yield block
        except _BROKEN as error:
            raise MediumError(f"its contents cannot be read: {error}") from error

    def _refusal(self, info: zipfile.ZipInfo) -> str:
        if info.flag_bits & _ENCRYPTED:
            return "it is encrypted, and was not decrypted"
        if info.compress_type not in _METHODS:
            name = _NAMES.get(info.compress_type, f"number {info.compress_type}")
            return f"it is compressed by a method that is not read: {name}"
        following = bisect_right(self._starts, info.header_offset)
        end = info.header_offset + _LOCAL_HEADER + info.compress_size
        if following < len(self._starts) and end > self._starts[following]:
            return "its bytes are those of the next member, too: such archives are made to be a burden"
        return too_large(info.file_size, info.compress_size)

    def _told(self, info: zipfile.ZipInfo) -> Told:
        raw, name = _name(info)
        mode = info.external_attr >> 16 if info.create_system in (_UNIX, _DARWIN) else 0
        kind = "directory" if name.endswith("/") else "link" if stat.S_ISLNK(mode) else "file"
        local = Clock.UNKNOWN if self._zone is None else Clock.DECLARED
        told: dict[str, Any] = {"modified": self._dos(info.date_time), "clock": local}
        told |= _ntfs(_extra(info.extra)) | self._unix(info)
        told["link"] = self._target(info) if kind == "link" else ""  # what a link points to is its contents
        size = info.file_size if kind == "file" else 0
        return Told(name.rstrip("/") or name, raw.rstrip(b"/") or raw, kind, size, mode=mode or None, **told)

    def _target(self, info: zipfile.ZipInfo) -> str:
        if info.file_size > 4096 or self._refusal(info):
            return ""
        try:
            return self._zip.read(info).decode("utf-8", "surrogateescape")
        except _BROKEN:
            return ""

    def _unix(self, info: zipfile.ZipInfo) -> dict[str, Any]:
        """Times and owner of the local header's extra fields: the central directory has less of them."""
        head = read_part(self._part, info.header_offset, _LOCAL_HEADER)
        if len(head) < _LOCAL_HEADER or head[:4] != b"PK\x03\x04":
            return {}
        name, extra = struct.unpack_from("<HH", head, 26)
        fields = _extra(read_part(self._part, info.header_offset + _LOCAL_HEADER + name, extra))
        return _extended(fields.get(0x5455, b"")) | _owner(fields.get(0x7875, b""))

    def _dos(self, date: tuple[int, int, int, int, int, int]) -> int | None:
        try:
            moment = datetime(*date, tzinfo=self._zone or UTC)
        except ValueError:
            return None
        return int(moment.timestamp()) * 1_000_000_000


def _name(info: zipfile.ZipInfo) -> tuple[bytes, str]:
    """The name's bytes, and what they say: UTF-8 by flag or by what they are, else the code page of DOS."""
    whole = info.orig_filename
    raw = whole.encode("utf-8" if info.flag_bits & _UTF8 else "cp437", "surrogateescape")
    try:
        return raw, raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw, whole


def _extra(data: bytes) -> dict[int, bytes]:
    """The extra fields by their numbers."""
    fields: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        kind, length = struct.unpack_from("<HH", data, at)
        fields.setdefault(kind, data[at + 4 : at + 4 + length])
        at += 4 + length
    return fields


def _extended(field: bytes) -> dict[str, Any]:
    """0x5455: seconds since 1970 in UTC, those that its first byte says are there."""
    found: dict[str, Any] = {}
    at = 1
    for bit, name in enumerate(("modified", "accessed", "created")):
        if field and field[0] >> bit & 1 and at + 4 <= len(field):
            found[name] = struct.unpack_from("<i", field, at)[0] * 1_000_000_000
            at += 4
    return found | ({"clock": Clock.UTC} if "modified" in found else {})


def _ntfs(fields: dict[int, bytes]) -> dict[str, Any]:
    """0x000a: times of NTFS, in UTC."""
    field = fields.get(0x000A, b"")
    if len(field) < 32 or field[4:8] != b"\x01\x00\x18\x00":
        return {}
    times = struct.unpack_from("<QQQ", field, 8)
    names = ("modified", "accessed", "created")
    found = {name: (at - _FILETIME_EPOCH) * 100 for name, at in zip(names, times, strict=True) if 0 < at < 1 << 62}
    return found | ({"clock": Clock.UTC} if "modified" in found else {})


def _owner(field: bytes) -> dict[str, Any]:
    """0x7875: the numbers of owner and group."""
    if len(field) < 3 or field[0] != 1:
        return {}
    width = field[1]
    rest = field[2 + width :]
    return {"uid": int.from_bytes(field[2 : 2 + width], "little"),
            "gid": int.from_bytes(rest[1 : 1 + rest[0]], "little")} if rest else {}  # fmt: skip


def recognises(part: Part) -> bool:
    """By the signature of a member, or of an archive without any, and a whole directory.

    AFF4 containers and office documents are no collections; of what is cut, a parser lists what is left.
    """
    if read_part(part, 0, 4) not in (b"PK\x03\x04", b"PK\x05\x06") or aff4.recognises(part):
        return False
    try:
        with zipfile.ZipFile(io.BufferedReader(PartStream(part))) as archive:
            return not _DOCUMENTS & archive.NameToInfo.keys()
    except (*_BROKEN, struct.error):
        return False


def open_archive(part: Part, zone: ZoneInfo | None, _workspace: Path | None) -> ZipArchive:
    """The archive; raises `MediumError` where it is cut or damaged."""
    return ZipArchive(part, zone)
