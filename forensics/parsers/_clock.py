"""Times as logs write them, to nanoseconds UTC."""

from __future__ import annotations

import calendar
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from forensics.model import Clock

MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
SECOND = 1_000_000_000
"""Nanoseconds."""

FIRST_YEAR, LAST_YEAR = 1601, 2500
"""Years outside are taken for damage: 1601 is where FILETIME starts."""

_CACHE_LIMIT = 8192


class ImpossibleTimeError(ValueError):
    """What is written is no time of the calendar; `str()` says which part, on one line."""


class CivilTime(NamedTuple):
    """A date and a time of day as a calendar and a clock show them, of no zone yet."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int = 0

    def epoch_seconds(self) -> int:
        """Seconds since 1970-01-01T00:00:00, as if UTC.

        Raises ImpossibleTimeError for what the Gregorian calendar or a clock does not have (leap seconds
        included) and for years outside FIRST_YEAR..LAST_YEAR.
        """
        return midnight(self.year, self.month, self.day) + time_of_day(self.hour, self.minute, self.second)


@lru_cache(maxsize=_CACHE_LIMIT)
def midnight(year: int, month: int, day: int) -> int:
    """Seconds since the epoch of the start of a day, as if UTC; raises ImpossibleTimeError."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ImpossibleTimeError(f"the year {year} is outside {FIRST_YEAR} to {LAST_YEAR}")
    if not 1 <= month <= 12:
        raise ImpossibleTimeError(f"there is no month {month}")
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        raise ImpossibleTimeError(f"there is no day {day} in month {month} of {year}")
    return calendar.timegm((year, month, day, 0, 0, 0))


def time_of_day(hour: int, minute: int, second: int) -> int:
    """Seconds since midnight; raises ImpossibleTimeError, also for leap seconds."""
    if hour > 23 or minute > 59 or second > 59:
        raise ImpossibleTimeError(f"there is no time of day {hour:02}:{minute:02}:{second:02}")
    return (hour * 60 + minute) * 60 + second


def within_hour(minute: int, second: int) -> int:
    """Seconds since the hour began; raises ImpossibleTimeError, also for leap seconds."""
    if minute > 59:
        raise ImpossibleTimeError(f"there is no minute {minute}")
    if second > 59:
        raise ImpossibleTimeError(f"there is no second {second}")
    return minute * 60 + second


def offset_seconds(text: str) -> int:
    """Seconds east of UTC of "Z", "+01:00" or "-0500" (RFC 3339 section 5.6); raises ImpossibleTimeError."""
    if text in ("Z", "z"):
        return 0
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:
        raise ImpossibleTimeError(f"there is no UTC offset {text}")
    return (-1 if text[0] == "-" else 1) * (hours * 3600 + minutes * 60)


def nanoseconds(fraction: str | None) -> int:
    """The digits after the decimal point of seconds, as nanoseconds (digits beyond the ninth fall away)."""
    return int((fraction + "00000000")[:9]) if fraction else 0


class LocalTime(NamedTuple):
    """Seconds since the epoch of a minute's start, and what must be said about it.

    `ambiguous`: the clocks were set back over this time, it occurred twice (the first is meant).
    `skipped`: the clocks were set forward over it, no clock in this zone showed it.
    """

    seconds: int
    ambiguous: bool = False
    skipped: bool = False


class LocalClock:
    """Local times of one log: converted with the declared zone, or left as if they were UTC."""

    def __init__(self, zone: ZoneInfo | None) -> None:
        self._zone = zone
        self.clock = Clock.UNKNOWN if zone is None else Clock.DECLARED
        self._minutes: dict[CivilTime, LocalTime] = {}
        self._hours: dict[tuple[int, int, int, int], int | None] = {}

    def hour(self, year: int, month: int, day: int, hour: int) -> int | None:
        """Seconds since the epoch of the start of an hour all of whose minutes follow each other, as nearly all
        do; None for one in which the clocks were set: ask for its minutes. Raises ImpossibleTimeError.
        """
        key = (year, month, day, hour)
        if key not in self._hours:
            if len(self._hours) >= _CACHE_LIMIT:
                self._hours.clear()
            first, last = (self._convert(CivilTime(*key, minute)) for minute in (0, 59))
            odd = first.ambiguous or first.skipped or last.ambiguous or last.skipped
            self._hours[key] = None if odd or last.seconds - first.seconds != 59 * 60 else first.seconds
        return self._hours[key]

    def minute(self, start: CivilTime) -> LocalTime:
        """The start of a minute; raises ImpossibleTimeError."""
        known = self._minutes.get(start)
        if known is None:
            if len(self._minutes) >= _CACHE_LIMIT:
                self._minutes.clear()
            known = self._minutes[start] = self._convert(start)
        return known

    def _convert(self, start: CivilTime) -> LocalTime:
        seconds = start.epoch_seconds()
        if self._zone is None:
            return LocalTime(seconds)
        local = datetime(*start[:5], tzinfo=self._zone)
        first, second = (_offset(local.replace(fold=fold)) for fold in (0, 1))
        return LocalTime(seconds - first, ambiguous=first > second, skipped=first < second)


def _offset(local: datetime) -> int:
    offset = local.utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
