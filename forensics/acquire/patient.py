"""Reading a device that fails: whole blocks first, then halves, then sector by sector, then zeros in its place."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from custody.access import Part, shown
from forensics.model import ExaminationError

ReadAt = Callable[[int, int], bytes]
"""`read_at(offset, length)`: bytes; raises OSError for what the device refuses."""

_GONE = frozenset({errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM, errno.ESTALE, errno.EBADF})
_DIRECT_BYTES = 1 << 20


class AcquisitionError(ExaminationError):
    """The acquisition cannot go on: one clear line."""


@dataclass(slots=True)
class BadSectors:
    """Sectors that could not be read, as ranges (first, how many) in order, neighbours merged."""

    ranges: list[tuple[int, int]] = field(default_factory=list)

    def add(self, first: int, count: int) -> None:
        """Take one more range; it lies behind those that are known."""
        if self.ranges and sum(self.ranges[-1]) == first:
            self.ranges[-1] = (self.ranges[-1][0], self.ranges[-1][1] + count)
        else:
            self.ranges.append((first, count))

    @property
    def count(self) -> int:
        """How many sectors there are."""
        return sum(count for _, count in self.ranges)


class PatientReader:
    """Bytes of a source in order. Sectors that stay unreadable after `retries` more tries are zeros and in `bad`."""

    def __init__(self, part: Part, sector_size: int, retries: int, finer: ReadAt | None = None) -> None:
        """`finer` reads what a whole block refused; by default past the page cache, where the system permits it."""
        self.part, self.sector_size, self.retries = part, sector_size, retries
        self.bad = BadSectors()
        self._finer = finer if finer is not None else direct_reader(part)

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes at a whole sector. Raises `AcquisitionError` where the source ends or is gone."""
        try:
            data = self.part.read_at(offset, length)
        except OSError as error:
            self._refuse_gone(error, offset)
            return self._halves(offset, length)
        if len(data) < length:
            raise AcquisitionError(
                f"{shown(self.part.name)} ends at byte {offset + len(data)}, before its {self.part.size} bytes",
                "It changed while it was read: acquire it again from a still source.",
            )
        return data

    def _refuse_gone(self, error: OSError, offset: int) -> None:
        if error.errno in _GONE:
            raise AcquisitionError(
                f"{shown(self.part.name)} is gone at byte {offset}: {error.strerror}",
                "Connect it again and give the same command: it goes on from there.",
            ) from error

    def _halves(self, offset: int, length: int) -> bytes:
        sector = self.sector_size
        if length <= sector:
            return self._sector(offset, length)
        half = max(length // 2 // sector, 1) * sector
        return self._try(offset, half) + self._try(offset + half, length - half)

    def _try(self, offset: int, length: int) -> bytes:
        try:
            data = self._finer(offset, length)
        except OSError as error:
            self._refuse_gone(error, offset)
        else:
            if len(data) == length:
                return data
        return self._halves(offset, length)

    def _sector(self, offset: int, length: int) -> bytes:
        for _ in range(self.retries):
            try:
                data = self._finer(offset, length)
            except OSError as error:
                self._refuse_gone(error, offset)
            else:
                if len(data) == length:
                    return data
        self.bad.add(offset // self.sector_size, 1)
        return bytes(length)


def direct_reader(part: Part) -> ReadAt:
    """Reads past the page cache, for there one bad sector costs its whole page; through it where that is refused."""
    buffer = mmap.mmap(-1, _DIRECT_BYTES)  # aligned, as O_DIRECT asks

    def read(offset: int, length: int) -> bytes:
        flags = fcntl.fcntl(part.descriptor, fcntl.F_GETFL)
        try:
            fcntl.fcntl(part.descriptor, fcntl.F_SETFL, flags | os.O_DIRECT)
            got = os.preadv(part.descriptor, [memoryview(buffer)[:length]], offset)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
        else:
            return buffer[:got]
        finally:
            fcntl.fcntl(part.descriptor, fcntl.F_SETFL, flags)
        return part.read_at(offset, length)

    return read
