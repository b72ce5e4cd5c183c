"""What formats of Windows share: FILETIME, DOS dates, GUIDs, and libyal's libraries behind one door.

FILETIME and GUID are those of [MS-DTYP] sections 2.3.3 and 2.3.4.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from forensics.parsers._clock import SECOND, CivilTime, ImpossibleTimeError
from forensics.parsers._contract import ParserInput, Watched
from forensics.parsers._facts import Moment

_EPOCH = 116_444_736_000_000_000
_NEVER = 0x7FFFFFFFFFFFFFFF


def filetime(value: int) -> Moment:
    """A FILETIME (100 ns since 1601); no time for 0 and for "never" (the highest)."""
    return Moment((value - _EPOCH) * 100 if 0 < value < _NEVER else None, str(value))


def dos_civil(value: int) -> tuple[CivilTime, str]:
    """A DOS date (high half) and time (low half), as archives have them, and in words; two seconds are its finest."""
    date, time = value >> 16, value & 0xFFFF
    day = CivilTime(1980 + (date >> 9), date >> 5 & 15, date & 31, time >> 11, time >> 5 & 63, (time & 31) * 2)
    return day, "{:04}-{:02}-{:02} {:02}:{:02}:{:02}".format(*day)


def dos_time(value: int) -> Moment:
    """A DOS date (low half) and time (high half), as if UTC; no time for 0 and for what no calendar has."""
    date, (day, _) = value & 0xFFFF, dos_civil(value << 16 & 0xFFFFFFFF | value >> 16)
    try:
        at = day.epoch_seconds() * SECOND if date else None
    except ImpossibleTimeError:
        at = None
    return Moment(at, f"{value:08x}")


def guid(data: bytes) -> str:
    """A GUID's 16 bytes as text in lower case; "" for another length or all zeros."""
    return str(uuid.UUID(bytes_le=data)) if len(data) == 16 and any(data) else ""


def told(call: Callable[..., Any], *arguments: Any) -> Any:
    """What a getter of libyal's gives; None where it says that the file does not hold it or cannot be read there."""
    try:
        return call(*arguments)
    except (OSError, ValueError, OverflowError, MemoryError):
        return None


class UnreadableError(ValueError):
    """The library refuses the file; `str()` is its reason."""


@contextmanager
def opened(kind: Callable[[], Any], source: ParserInput) -> Iterator[Any]:
    """The file through a libyal library (`pylnk.file` ...), read as it goes.

    Raises `UnreadableError` for what the library refuses, and what reading the evidence raised, whatever the
    library made of it.
    """
    file, watched = kind(), Watched(source)
    try:
        file.open_file_object(replace(source, read_at=watched.read_at).open())
        yield file
    except OSError as error:
        if watched.error is None:
            raise UnreadableError(str(error)) from error
    finally:
        told(file.close)
        if watched.error is not None:
            raise watched.error
