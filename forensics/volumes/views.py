"""Media made out of a medium: the plain bytes of one of its volumes, or the pieces a logical volume is made of.

Whatever reads volumes reads a view as it reads a medium. Places in the results stay those of the medium, and its
digests are never those of a view.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

from forensics.media import Medium, MediumError
from forensics.model import ExaminationError, Volume
from forensics.volumes.signatures import ReadAt


@dataclass(frozen=True, slots=True)
class Source:
    """Where a volume's bytes are: in `medium`, at the offset and with the length that `volume` has there."""

    medium: Medium
    volume: Volume
    newer: Source | None = None
    """Of a shadow copy: the next one, or the volume itself, of which this is an earlier state."""

    @property
    def length(self) -> int:
        """As many of the volume's bytes as the medium holds."""
        return max(0, min(self.volume.length, self.medium.size - self.volume.offset))

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from the volume's byte `offset`; short only at its end. Raises `MediumError`."""
        return self.medium.read_at(self.volume.offset + offset, max(0, min(length, self.length - offset)))


class VolumeFile:
    """A volume as the file object that libyal's bindings ask for. Not thread-safe: its position is one."""

    def __init__(self, source: Source) -> None:
        self._source, self._at = source, 0
        self.damaged: set[int] = set()
        """Blocks that do not have their checksum, where the reader compares it."""
        self.failure: ExaminationError | None = None
        """What reading raised last: the bindings turn it into an error of their own."""

    def read(self, size: int) -> bytes:
        """Up to `size` bytes from the position on."""
        try:
            data = self._source.read_at(self._at, size)
        except ExaminationError as error:
            self.failure = error
            raise
        self._at += len(data)
        return data

    def peek(self, offset: int, length: int) -> bytes:
        """Bytes from anywhere; the position stays. Raises `MediumError`."""
        return self._source.read_at(offset, length)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> None:
        """Set the position, as files do."""
        self._at = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._source.length}[whence] + offset

    def get_offset(self) -> int:
        """The position."""
        return self._at

    def get_size(self) -> int:
        """The volume's bytes."""
        return self._source.length


class View:
    """What all views take from the medium below."""

    def __init__(self, medium: Medium, size: int) -> None:
        self.format, self.size, self.sector_size = medium.format, size, medium.sector_size
        self.parts, self.stored, self.header = medium.parts, medium.stored, medium.header
        self.problems = medium.problems

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from byte `offset`; short only at the end. Raises `MediumError`."""
        end, pieces = min(offset + length, self.size), []
        while 0 <= offset < end:
            try:
                data = self._piece(offset, end - offset)
            except MediumError:
                raise
            except ExaminationError as error:
                raise MediumError(str(error)) from error
            if not data:
                raise MediumError(f"the medium ends before byte {offset} of what lies in it")
            pieces.append(data)
            offset += len(data)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _piece(self, offset: int, length: int) -> bytes:
        """At least one byte from `offset` on, at most `length`."""
        raise NotImplementedError


class Plain(Protocol):
    """How the plain bytes of an unlocked volume are had: `length` of them. `kind` names the encryption."""

    @property
    def kind(self) -> str: ...

    @property
    def length(self) -> int: ...

    def read_at(self, read_at: ReadAt, offset: int, length: int) -> bytes:
        """Up to `length` plain bytes from byte `offset`; short only at the end. `read_at` reads the volume."""
        ...

    def facts(self) -> dict[str, Any]:
        """What makes the same again, as JSON takes it. It holds the key: for a pipe, not for a file."""
        ...


@dataclass(frozen=True, slots=True)
class Password:
    """What opens a volume whose file system decrypts itself: the secret, and whether it is a recovery key."""

    secret: str
    recovery: bool
    kind: str = "APFS"

    def __repr__(self) -> str:
        return f"Password({self.kind})"  # never the secret

    def facts(self) -> dict[str, Any]:
        """What makes the same again, as JSON takes it. It holds the secret: for a pipe, not for a file."""
        return asdict(self)

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> Password:
        """Out of what `facts` gave."""
        return cls(**facts)


UNLOCKED = "unlocked"
"""Stands in the description of a volume that was read in the plain."""


@dataclass(frozen=True, slots=True)
class Unlocked:
    """An encrypted volume by its index, how it is had in the plain, and which of `ENCRYPTIONS` it is of.

    `offset` and `length` are its bytes on the medium, for one that lies on the medium itself.
    """

    index: str
    plain: Plain | Password
    encryption: int = 0
    offset: int = 0
    length: int = 0


class PlainView(View):
    """An encrypted volume in the plain."""

    def __init__(self, source: Source, plain: Plain) -> None:
        super().__init__(source.medium, plain.length)
        self._read = partial(plain.read_at, source.read_at)

    def _piece(self, offset: int, length: int) -> bytes:
        return self._read(offset, length)


class UnlockedMedium(View):
    """The medium, with the plain bytes of unlocked volumes from each one's start on, and zeros behind them.

    Sizes and places stay those of the medium. A volume inside another is not plain in it: that has a view of its own.
    """

    def __init__(self, medium: Medium, unlocked: Sequence[Unlocked]) -> None:
        super().__init__(medium, medium.size)
        self._medium = medium
        self._unlocked = [(one, one.plain) for one in unlocked if not isinstance(one.plain, Password)]

    def _piece(self, offset: int, length: int) -> bytes:
        for one, plain in self._unlocked:
            if one.offset <= offset < one.offset + one.length:
                within, length = offset - one.offset, min(length, one.offset + one.length - offset)
                if within >= plain.length:
                    return bytes(length)
                length = min(length, plain.length - within)
                return plain.read_at(partial(self._inside, one), within, length)
            if offset < one.offset:
                length = min(length, one.offset - offset)
        return self._medium.read_at(offset, length)

    def _inside(self, one: Unlocked, offset: int, length: int) -> bytes:
        return self._medium.read_at(one.offset + offset, max(0, min(length, one.length - offset)))


def unlocked_medium(medium: Medium, unlocked: Sequence[Unlocked]) -> Medium:
    """The medium with those volumes in the plain that lie on it."""
    plain = [one for one in unlocked if one.length]
    return UnlockedMedium(medium, plain) if plain else medium


class Run(NamedTuple):
    """Bytes of a logical volume from `start` on, `length` of them, in stripes of `size` bytes by turns."""

    start: int
    length: int
    stripes: tuple[tuple[Source, int], ...]
    """For each stripe the volume it lies on, and where it begins there."""
    size: int


class MappedView(View):
    """A logical volume put together from runs in order, without gaps between them."""

    def __init__(self, medium: Medium, runs: Sequence[Run]) -> None:
        super().__init__(medium, sum(run.length for run in runs))
        self._runs, self._starts = tuple(runs), [run.start for run in runs]

    def place(self, offset: int) -> tuple[Source, int, int]:
        """Where byte `offset` lies: a volume, the place on it, and how many bytes lie together from there on."""
        run = self._runs[bisect_right(self._starts, offset) - 1]
        turn, inside = divmod(offset - run.start, run.size)
        row, column = divmod(turn, len(run.stripes))
        source, begin = run.stripes[column]
        return source, begin + row * run.size + inside, run.size - inside

    def _piece(self, offset: int, length: int) -> bytes:
        source, at, together = self.place(offset)
        return source.read_at(at, min(length, together))
