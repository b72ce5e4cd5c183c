"""A key of the registry as the readers of single keys get it, and what they give."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from forensics.model import Clock
from forensics.parsers._clock import SECOND, CivilTime, ImpossibleTimeError, LocalClock, within_hour
from forensics.parsers._facts import Moment
from forensics.parsers._windows import filetime

BINARY = 3  # REG_BINARY, [MS-RRP] section 3.1.1.5
TEXTS, NUMBERS, LIST = (1, 2, 6), (4, 5, 11), 7  # REG_SZ, EXPAND_SZ, LINK; DWORD, its big-endian, QWORD; MULTI_SZ
_BYTES_SHOWN = 256


def data_text(kind: int, data: bytes) -> str:
    """A value's data as text, by its type: numbers in decimal, lists joined by "; ", others in hexadecimal."""
    if kind in TEXTS:
        return data.decode("utf-16-le", "backslashreplace").rstrip("\0")
    if kind in NUMBERS and len(data) in (4, 8):
        return str(int.from_bytes(data, "big" if kind == 5 else "little"))
    if kind == LIST:
        return "; ".join(data.decode("utf-16-le", "backslashreplace").rstrip("\0").split("\0"))
    more = f"... ({len(data):,} bytes)" if len(data) > _BYTES_SHOWN else ""
    return data[:_BYTES_SHOWN].hex() + more


@dataclass(frozen=True, slots=True)
class Hive:
    """What is the same for all keys of a hive: the clock of its local times, and what keys above have said."""

    clock: LocalClock
    known: dict[str, str] = field(default_factory=dict)


class Value(NamedTuple):
    """A value: its type (REG_SZ is 1 ...), its data as text, and as bytes."""

    type: int
    text: str
    data: bytes


class Key(NamedTuple):
    """A key as its reader gets it: its path without the hive's root."""

    path: str
    written: Moment
    values: Mapping[str, Value]
    hive: Hive

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("\\")[2]

    def _value(self, name: str) -> Value | None:
        if (found := self.values.get(name)) is not None:
            return found
        low = name.lower()
        return next((value for known, value in self.values.items() if known.lower() == low), None)

    def text(self, name: str) -> str:
        """A value's text, "" where there is none; names are compared without regard to case."""
        value = self._value(name)
        return "" if value is None else value.text

    def data(self, name: str) -> bytes:
        """A value's bytes."""
        value = self._value(name)
        return b"" if value is None else value.data

    def texts(self, **names: str) -> dict[str, object]:
        """Several values' texts: `field="ValueName"`."""
        return {shown: self.text(name) for shown, name in names.items()}


class Fact(NamedTuple):
    """One thing a key tells."""

    kind: str
    moments: dict[str, Moment]
    fields: dict[str, object]
    clock: Clock = Clock.UTC


class Reader(NamedTuple):
    """Reads the keys whose whole path fits the pattern: facts, or why there are none (a problem's reason)."""

    pattern: str
    read: Callable[[Key], Iterator[Fact | str]]


def wide(data: bytes) -> str:
    """UTF-16 text up to its terminator."""
    return data.decode("utf-16-le", "backslashreplace").partition("\0")[0]


def number(data: bytes, at: int = 0, length: int = 4) -> int:
    """An unsigned little-endian number; bytes beyond the end are not counted."""
    return int.from_bytes(data[at : at + length], "little")


def filetime_at(data: bytes, at: int = 0) -> Moment:
    """The FILETIME of eight bytes; no time where they are not all there."""
    return filetime(number(data, at, 8) if len(data) >= at + 8 else 0)


def unix_time(text: str) -> Moment:
    """Seconds since 1970 as a number's text; no time for 0 and for what is no number."""
    return Moment(int(text) * SECOND or None if text.isdecimal() and len(text) < 12 else None, text)


def written_date(text: str) -> Moment:
    """A date that Amcache writes as text, month first: "12/31/2019 23:59:59" (UTC)."""
    try:
        day, _, time = text.partition(" ")
        month, date, year = (int(part) for part in day.split("/"))
        hour, minute, second = (int(part) for part in time.split(":")) if time else (0, 0, 0)
        return Moment(CivilTime(year, month, date, hour, minute, second).epoch_seconds() * SECOND, text)
    except (ValueError, ImpossibleTimeError):
        return Moment(None, text)


def system_time(data: bytes, clock: LocalClock) -> Moment:
    """A SYSTEMTIME ([MS-DTYP] section 2.3.13) of local time."""
    if len(data) != 16 or not any(data):
        return Moment(None, data.hex())
    year, month, _, day, hour, minute, second, milliseconds = struct.unpack("<8H", data)
    written = f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{milliseconds:03}"
    try:
        rest = within_hour(0, second) * SECOND + min(milliseconds, 999) * 1_000_000
        return Moment(clock.minute(CivilTime(year, month, day, hour, minute)).seconds * SECOND + rest, written)
    except ImpossibleTimeError:
        return Moment(None, written)


def most_recent(key: Key) -> dict[str, int]:
    """The names of a list's values with their position, 0 for the one used last ("MRUListEx" or "MRUList")."""
    data = key.data("MRUListEx")
    names = [str(number(data, at)) for at in range(0, len(data) - 3, 4) if data[at : at + 4] != b"\xff" * 4]
    places: dict[str, int] = {}
    for position, name in enumerate(names or key.text("MRUList")):
        places.setdefault(name, position)
    return places


def listed(key: Key) -> Iterator[tuple[str, Value, int | None, dict[str, Moment]]]:
    """The values of a list of last-used things: name, value, position if it has one, times.

    Only of the one used last is it known when: that wrote the key.
    """
    places = most_recent(key)
    for name, value in key.values.items():
        if name.lower() not in ("mrulistex", "mrulist", "nodeslot", "nodeslots", "(default)"):
            place = places.get(name)
            yield name, value, place, {"last_used": key.written} if place == 0 else {}
