"""Times as logs write them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from forensics.model import Clock
from forensics.parsers._clock import (
    CivilTime,
    ImpossibleTimeError,
    LocalClock,
    nanoseconds,
    offset_seconds,
    within_hour,
)


def test_the_ends_of_the_calendar() -> None:
    assert CivilTime(1601, 1, 1, 0, 0).epoch_seconds() == -11_644_473_600  # where FILETIME starts
    assert CivilTime(2000, 2, 29, 23, 59, 59).epoch_seconds() == 951_868_799
    for bad in [(1600, 12, 31, 0, 0), (2501, 1, 1, 0, 0), (2025, 2, 29, 0, 0), (2025, 13, 1, 0, 0), (2025, 0, 1, 0, 0)]:
        with pytest.raises(ImpossibleTimeError):
            CivilTime(*bad).epoch_seconds()
    for hour, minute, second in [(24, 0, 0), (0, 60, 0), (0, 0, 60)]:
        with pytest.raises(ImpossibleTimeError, match="time of day"):
            CivilTime(2025, 1, 1, hour, minute, second).epoch_seconds()


@pytest.mark.parametrize(("text", "seconds"), [("Z", 0), ("+01:00", 3600), ("-0530", -19800), ("+23:59", 86340)])
def test_offsets(text: str, seconds: int) -> None:
    assert offset_seconds(text) == seconds


@pytest.mark.parametrize("text", ["+99:99", "+24:00", "-0060"])
def test_impossible_offsets(text: str) -> None:
    with pytest.raises(ImpossibleTimeError, match="no UTC offset"):
        offset_seconds(text)


def test_fractions_to_nanoseconds() -> None:
    assert [nanoseconds(text) for text in (None, "5", "123456", "000000001", "1234567899")] == [
        0,
        500_000_000,
        123_456_000,
        1,
        123_456_789,
    ]


def test_local_times_around_the_clock_changes() -> None:
    local = LocalClock(ZoneInfo("Europe/Belgrade"))
    assert local.clock is Clock.DECLARED
    plain = local.minute(CivilTime(2025, 7, 1, 12, 0))
    assert (plain.seconds, plain.ambiguous, plain.skipped) == (
        CivilTime(2025, 7, 1, 10, 0).epoch_seconds(),
        False,
        False,
    )
    twice = local.minute(CivilTime(2025, 10, 26, 2, 30))
    assert (twice.seconds, twice.ambiguous) == (CivilTime(2025, 10, 26, 0, 30).epoch_seconds(), True)
    never = local.minute(CivilTime(2025, 3, 30, 2, 30))
    assert (never.skipped, never.ambiguous) == (True, False)


@pytest.mark.parametrize("zone", [None, "Europe/Belgrade", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Caracas"])
def test_an_hour_says_what_each_of_its_minutes_says_or_nothing(zone: str | None) -> None:
    local = LocalClock(ZoneInfo(zone) if zone else None)
    days = [(1986, 1, 1), (2007, 12, 9), (2025, 3, 30), (2025, 4, 6), (2025, 10, 5), (2025, 10, 26), (2025, 12, 31)]
    silent = 0
    for day in days:
        for hour in range(24):
            start = local.hour(*day, hour)
            silent += start is None
            for minute in range(60):
                told = local.minute(CivilTime(*day, hour, minute))
                if start is not None:
                    assert told == (start + within_hour(minute, 0), False, False)
    assert silent < len(days) * 3
    assert zone is None or silent > 0


def test_an_hour_that_is_none() -> None:
    with pytest.raises(ImpossibleTimeError, match="time of day"):
        LocalClock(None).hour(2025, 1, 1, 24)
    for minute, second, said in ((60, 0, "no minute 60"), (0, 60, "no second 60")):
        with pytest.raises(ImpossibleTimeError, match=said):
            within_hour(minute, second)


def test_without_a_zone_times_stand_as_if_utc() -> None:
    local = LocalClock(None)
    assert local.clock is Clock.UNKNOWN
    assert local.minute(CivilTime(2025, 10, 26, 2, 30)) == (
        CivilTime(2025, 10, 26, 2, 30).epoch_seconds(),
        False,
        False,
    )
