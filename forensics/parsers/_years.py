"""The year of dates written without one (RFC 3164 section 4.1.2), from the other dates of the same log."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from forensics.parsers._clock import FIRST_YEAR

NEW_YEAR_STEP = 7
"""Days: a line dated further back than this before the one above it starts a new year. Smaller
steps back are disorder (clocks set right, late messages)."""

MOST_YEARS = 100
"""A log that seems to cover more years than this is not in the order of time."""

_DAYS_BEFORE = (0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335)  # of a leap year
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UndatedLine(NamedTuple):
    """Where a line without a year stands, and its local month, day and time of day ("07:52:33")."""

    offset: int
    month: int
    day: int
    time: str


class _Stretch(NamedTuple):
    """Lines of one and the same year: where they start, and whether the 29th of February is among them."""

    offset: int
    leap: bool


def _stretches(lines: Iterable[UndatedLine]) -> tuple[list[_Stretch], UndatedLine | None]:
    stretches: list[_Stretch] = []
    last: UndatedLine | None = None
    before = 0
    for line in lines:
        day = _DAYS_BEFORE[line.month - 1] + line.day
        if last is None or before - day > NEW_YEAR_STEP:
            stretches.append(_Stretch(line.offset, leap=False))
            if len(stretches) > MOST_YEARS:
                return [], None
        if line.month == 2 and line.day == 29 and not stretches[-1].leap:
            stretches[-1] = stretches[-1]._replace(leap=True)
        last, before = line, day
    return stretches, last


def _latest_year(last: UndatedLine, reference: int, zone: ZoneInfo | None) -> int:
    """The newest year in which the last line is not later than a day after the reference."""
    moment = _EPOCH + timedelta(microseconds=reference // 1000) + timedelta(days=1)
    limit = moment.astimezone(zone or UTC)
    limit_in_year = (limit.month, limit.day, f"{limit:%H:%M:%S}")
    return limit.year if (last.month, last.day, last.time) <= limit_in_year else limit.year - 1


class InferredYears:
    """The year of each line, asked in the order of the file. Without an answer, `problem` says why."""

    def __init__(self, lines: Iterable[UndatedLine], reference: int | None, zone: ZoneInfo | None) -> None:
        self.problem = ""
        self._years: list[tuple[int, int]] = []  # start offset and year, newest last
        self._next = 0
        self._year: int | None = None
        if reference is None:
            self.problem = "the dates have no year, and the file has no modified time to infer it from"
            return
        stretches, last = _stretches(lines)
        if last is None:
            self.problem = f"the dates have no year and are not in order (more than {MOST_YEARS} steps back)"
            return
        try:
            year = _latest_year(last, reference, zone)
        except OverflowError:
            self.problem = "the dates have no year, and the file's modified time is outside the calendar"
            return
        self._years = list(_backward(stretches, year))[::-1]

    def year_at(self, offset: int) -> int | None:
        """The year of the line at `offset` bytes, not before the last one asked for; None if unknown."""
        while self._next < len(self._years) and offset >= self._years[self._next][0]:
            self._year = self._years[self._next][1]
            self._next += 1
        return self._year


def _backward(stretches: list[_Stretch], year: int) -> Iterator[tuple[int, int]]:
    """Every stretch with its year, newest first: each one year before the next, or the leap year it needs."""
    for stretch in reversed(stretches):
        while stretch.leap and not calendar.isleap(year) and year > FIRST_YEAR:
            year -= 1
        yield stretch.offset, year
        year -= 1
