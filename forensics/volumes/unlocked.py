"""A medium in which unlocked volumes are plain: everything that reads volumes reads them as if never encrypted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

from forensics.media import Medium, MediumError
from forensics.model import ExaminationError, Problem, Volume
from forensics.model import Location as Place
from forensics.volumes import bitlocker, luks
from forensics.volumes.signatures import ReadAt

UNLOCKED = "unlocked"
"""Stands in the description of a volume that was read in the plain."""


class Plain(Protocol):
    """How the plain bytes of an unlocked volume are had: `length` of them. `kind` names the encryption."""

    @property
    def kind(self) -> str: ...

    @property
    def length(self) -> int: ...

    def read_at(self, read_at: ReadAt, offset: int, length: int) -> bytes:
        """Up to `length` plain bytes from byte `offset`; short only at the end. `read_at` reads the volume."""
        ...


class Encryption(NamedTuple):
    """One kind of encryption: whether a volume is of it, and its plain bytes, None where no secret opens it."""

    recognises: Callable[[ReadAt], bool]
    unlock: Callable[[ReadAt, int, Sequence[bytes]], Plain | None]
    ways_in: Callable[[ReadAt], str]
    """What would open a volume, "" where that is a passphrase."""


ENCRYPTIONS: tuple[Encryption, ...] = (
    Encryption(luks.is_luks, luks.unlock, lambda _: ""),
    Encryption(bitlocker.is_bitlocker, bitlocker.unlock, bitlocker.ways_in),
)


@dataclass(frozen=True, slots=True)
class Unlocked:
    """One volume of the medium, in bytes, and how it is had in the plain."""

    offset: int
    length: int
    plain: Plain


class UnlockedMedium:
    """The medium, with the plain bytes of unlocked volumes from each one's start on, and zeros behind them.

    Sizes and places stay those of the medium; its digests are never those of this view.
    """

    def __init__(self, medium: Medium, unlocked: Sequence[Unlocked]) -> None:
        self._medium, self._unlocked = medium, tuple(unlocked)
        self.format, self.size, self.sector_size = medium.format, medium.size, medium.sector_size
        self.parts, self.stored, self.header = medium.parts, medium.stored, medium.header
        self.problems = medium.problems

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from byte `offset`; short only at the end. Raises `MediumError`."""
        length = min(length, self.size - offset)
        if length <= 0 or offset < 0:
            return b""
        pieces: list[bytes] = []
        end = offset + length
        while offset < end:
            data = self._piece(offset, end - offset)
            pieces.append(data)
            offset += len(data)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _piece(self, offset: int, length: int) -> bytes:
        for volume in self._unlocked:
            if volume.offset <= offset < volume.offset + volume.length:
                length = min(length, volume.offset + volume.length - offset)
                within = offset - volume.offset
                data = volume.plain.read_at(partial(_inside, self._medium, volume), within, length)
                return (
                    data.ljust(length, b"\0")
                    if offset - volume.offset + length > volume.plain.length
                    else _all(data, length)
                )
            if offset < volume.offset:
                length = min(length, volume.offset - offset)
        return _all(self._medium.read_at(offset, length), length)


def _all(data: bytes, length: int) -> bytes:
    if len(data) < length:
        raise MediumError(f"the medium ends {length - len(data)} bytes before an unlocked volume does")
    return data


def _inside(medium: Medium, volume: Unlocked | Volume, offset: int, length: int) -> bytes:
    return medium.read_at(volume.offset + offset, max(0, min(length, volume.length - offset)))


def unlock_volumes(
    medium: Medium, volumes: Sequence[Volume], secrets: Sequence[bytes]
) -> tuple[list[Unlocked], list[Problem]]:
    """Those of the volumes that one of the passphrases opens, and what there is to say of the others."""
    found: list[Unlocked] = []
    problems: list[Problem] = []
    for volume in volumes:
        read_at = partial(_inside, medium, volume)
        try:
            encryption = next((one for one in ENCRYPTIONS if one.recognises(read_at)), None)
            if encryption is None:
                continue
            plain = encryption.unlock(read_at, min(volume.length, medium.size - volume.offset), secrets)
            reason = "" if plain is not None else _refused(len(secrets), encryption.ways_in(read_at))
        except ExaminationError as error:
            plain, reason = None, f"it cannot be unlocked: {error}"
        if plain is not None:
            found.append(Unlocked(volume.offset, volume.length, plain))
        else:
            problems.append(Problem(Place("", volume=volume.index), "volumes", reason))
    return found, problems


def _refused(count: int, ways: str) -> str:
    return f"none of the {count} passphrases given opens it" + (f", which takes: {ways}" if ways else "")
