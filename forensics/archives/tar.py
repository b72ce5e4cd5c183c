"""Tar archives of a collection: V7, ustar, GNU and PAX, plain or compressed as a whole (gzip, bzip2, xz).

Source: POSIX.1-2017 `pax`, GNU tar's manual. Read with tarfile of the standard library. A compressed one is unpacked
once into a nameless file: gzip has no index.
"""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from custody.access import FoundFile, Part
from forensics.archives._contract import (
    ALLOWANCE,
    CLAIM_FACTOR,
    LARGEST_COUNT,
    Member,
    Remarks,
    Told,
    member,
    too_large,
)
from forensics.media import MediumError, read_part
from forensics.media._part_stream import PartStream
from forensics.parsers._decompression import Reading, compression_of

_BLOCK = 1 << 18
_RECORD = 512
_LONGEST_READ = 64 << 20  # of a header: what claims more is damage
_UNPACKED_FLOOR = 4 << 30
_BROKEN = (tarfile.TarError, ValueError, EOFError, OSError, OverflowError)
_KINDS = {
    tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "link", tarfile.LNKTYPE: "link", tarfile.FIFOTYPE: "fifo",
    tarfile.CHRTYPE: "char", tarfile.BLKTYPE: "block",
}  # fmt: skip


class _Stream(PartStream):
    """A part that no header can make us read whole."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0 or size > _LONGEST_READ:
            raise tarfile.ReadError(f"a header claims {size} bytes")
        return bytes(super().read(size) or b"")


class TarArchive:
    """The members in their order in the archive."""

    allowance = ALLOWANCE
    contradictions = ()

    def __init__(self, part: Part, name: str, held: Any = None, damage: str = "") -> None:
        """`held` keeps the part's descriptor open, where it is our own; `damage` is what was wrong in unpacking."""
        self.format, self._part, self._held, self._damage = name, part, held, damage
        self._names = Remarks()
        self._reader = self._opened()

    def _opened(self) -> tarfile.TarFile:
        try:
            return tarfile.open(fileobj=_Stream(self._part), mode="r:", encoding="utf-8", errors="surrogateescape")
        except _BROKEN as error:
            raise MediumError(f"{self._part.name} is no tar archive: {error}", "Check the copy.") from error

    def files(self) -> Iterator[FoundFile | OSError]:
        """The members; where the headers break off, the archive's remarks say so."""
        self._names, archive, number = Remarks(), self._opened(), 0
        try:
            while number < LARGEST_COUNT and (info := archive.next()) is not None:
                archive.members = []  # type: ignore[attr-defined]  # it would keep them all
                number += 1
                found = _told(info)
                self._names.take(found.name)
                yield member(found, number, info, self._refusal(info))
        except _BROKEN as error:
            self._names.cut = f"the archive cannot be read on behind member {number}: {error}"
        else:
            self._names.cut = self._end(archive.offset, number)

    def _end(self, offset: int, number: int) -> str:
        """What is wrong with the place where the members end; tarfile takes any damage for the end."""
        block = read_part(self._part, offset, _RECORD)
        if len(block) == _RECORD and not any(block):
            return ""
        if not block and offset >= self._part.size:
            return "" if offset == self._part.size else f"the archive is cut in its member {number}, the last"
        return f"the archive cannot be read on from byte {offset}, behind member {number}: it is damaged or cut"

    def remarks(self) -> Iterator[str]:
        """As the contract's."""
        if self._damage:
            yield f"{self._part.name}: {self._damage}"
        yield from self._names.lines()

    def contents(self, found: Member) -> Iterator[bytes]:
        """The contents, holes as zeros. Tar has no checksum of them."""
        stream = tarfile.ExFileObject(self._reader, found.place)
        try:
            while block := stream.read(_BLOCK):
                yield block
        except _BROKEN as error:
            raise MediumError(f"its contents cannot be read: {error}") from error

    def _refusal(self, info: tarfile.TarInfo) -> str:
        return too_large(info.size, self._part.size) if info.isreg() else ""


def _told(info: tarfile.TarInfo) -> Told:
    raw = os.fsencode(info.name)
    name = info.name
    while name.startswith("./"):
        name, raw = name[2:].lstrip("/") or ".", raw[2:].lstrip(b"/") or b"."
    pax = info.pax_headers
    return Told(
        name,
        raw,
        _KINDS.get(info.type, "file"),
        info.size if info.isreg() else 0,
        modified=_nanoseconds(pax.get("mtime", str(info.mtime))),
        accessed=_nanoseconds(pax.get("atime", "")),
        changed=_nanoseconds(pax.get("ctime", "")),
        created=_nanoseconds(pax.get("LIBARCHIVE.creationtime", "")),
        mode=info.mode,
        uid=info.uid,
        gid=info.gid,
        link=info.linkname,
    )


def _nanoseconds(seconds: str) -> int | None:
    """Seconds since 1970 as PAX writes them, with all their digits."""
    try:
        found = int(Decimal(seconds) * 1_000_000_000)
    except (InvalidOperation, OverflowError, ValueError):
        return None
    return found if abs(found) < 1 << 63 else None


def _first_record(part: Part) -> bytes:
    head = read_part(part, 0, _RECORD)
    compression = compression_of(head)
    if compression is None:
        return head
    found = b""
    for block in Reading(part.read_at, compression).blocks():
        found += block
        if len(found) >= _RECORD:
            break
    return found[:_RECORD]


def recognises(part: Part) -> bool:
    """By the checksum of the first header, of what is compressed by that inside."""
    record = _first_record(part)
    if len(record) < _RECORD or not record[0]:
        return False
    try:
        tarfile.TarInfo.frombuf(record, "utf-8", "surrogateescape")
    except _BROKEN:
        return False
    return True


def open_archive(part: Part, _zone: ZoneInfo | None, workspace: Path | None) -> TarArchive:
    """The archive; raises `MediumError` for what unpacks to far more than it can honestly hold."""
    compression = compression_of(read_part(part, 0, _RECORD))
    if compression is None:
        return TarArchive(part, "tar")
    limit = max(_UNPACKED_FLOOR, CLAIM_FACTOR * part.size)
    file = tempfile.TemporaryFile(dir=workspace)  # noqa: SIM115 - the archive holds it
    size, reading = 0, Reading(part.read_at, compression)
    for block in reading.blocks():
        size += file.write(block)
        if size > limit:
            file.close()
            raise MediumError(
                f"{part.name} unpacks to more than {limit} bytes: it is made to be a burden", "It is not unpacked."
            )
    file.flush()
    unpacked = Part(part.name, size, file.fileno())
    return TarArchive(unpacked, f"tar ({compression.name})", file, reading.problem)
