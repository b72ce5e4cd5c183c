"""What every container format gives: the bytes of the medium, and what the container says about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from custody.access import Part, PartOpener
from forensics.model import ExaminationError


class MediumError(ExaminationError):
    """The medium, or a range of it, cannot be read: one clear line, naming the part and the place."""

    def __init__(self, message: str, advice: str = "Check the copy against its source.") -> None:
        super().__init__(message, advice)


class Medium(Protocol):
    """A medium as bytes. Reading is thread-safe and never changes the evidence.

    `size` is bytes, `sector_size` bytes a sector. `parts` are the container's files in order.
    `stored` maps an algorithm (md5, sha1) to the lower-case hex digest the container claims for the
    medium; `header` is the acquisition header as text, empty where the format has none.
    """

    @property
    def format(self) -> str: ...

    @property
    def size(self) -> int: ...

    @property
    def sector_size(self) -> int: ...

    @property
    def parts(self) -> Sequence[Part]: ...

    @property
    def stored(self) -> Mapping[str, str]: ...

    @property
    def header(self) -> Mapping[str, str]: ...

    def problems(self) -> list[str]:
        """What was found wrong with the container so far, one line each, in order of place."""
        ...

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from byte `offset`; short only at the end. Raises `MediumError`."""
        ...


class Format(Protocol):
    """One container format, a module of this package: recognised from the first part, opened with it."""

    @property
    def recognises(self) -> Callable[[Part], bool]: ...

    @property
    def open_parts(self) -> Callable[[Part, PartOpener], Medium]: ...


def read_part(part: Part, offset: int, length: int) -> bytes:
    """`Part.read_at`, with a device's or file system's failure as `MediumError`."""
    try:
        return part.read_at(offset, length)
    except OSError as error:
        end = offset + length
        raise MediumError(f"{part.name}: bytes {offset} to {end} cannot be read: {error.strerror}") from error
