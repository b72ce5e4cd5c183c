"""ISO times of servers: offsets, zones by letters, local time."""

from __future__ import annotations

import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest

from forensics.model import Clock
from forensics.parsers._clock import ImpossibleTimeError
from forensics.parsers._stamps import WRITTEN, Stamp, Stamps

BELGRADE = ZoneInfo("Europe/Belgrade")


def read(text: str, zone: ZoneInfo | None = None) -> Stamp:
    match = re.fullmatch(WRITTEN, text)
    assert match is not None
    return Stamps(zone).read(match)


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2024-03-01T10:00:00Z", "2024-03-01T10:00:00+00:00"),
        ("2024-03-01 10:00:00.123456789 UTC", "2024-03-01T10:00:00.123456+00:00"),
        ("2024-03-01T10:00:00+0130", "2024-03-01T08:30:00+00:00"),
        ("2024/03/01 10:00:00 -03", "2024-03-01T13:00:00+00:00"),
        ("2024-03-01 10:00 GMT", "2024-03-01T10:00:00+00:00"),
        ("2024-03-01  9:00:00,5Z", "2024-03-01T09:00:00.500000+00:00"),
    ],
)
def test_times_that_say_their_zone(written: str, utc: str, at: Callable[[str], int]) -> None:
    stamp = read(written, BELGRADE)
    assert stamp.clock is Clock.UTC
    assert stamp.moment.at is not None
    assert stamp.moment.at // 1000 * 1000 == at(utc)
    assert stamp.moment.written == written


def test_local_times(at: Callable[[str], int]) -> None:
    unknown, declared = read("2024-07-01 10:00:00"), read("2024-07-01 10:00:00", BELGRADE)
    assert (unknown.clock, unknown.moment.at) == (Clock.UNKNOWN, at("2024-07-01T10:00:00+00:00"))
    assert (declared.clock, declared.moment.at) == (Clock.DECLARED, at("2024-07-01T08:00:00+00:00"))
    assert read("2024-10-27 02:30:00", BELGRADE).fields == {"ambiguous": "true"}
    assert read("2024-03-31 02:30:00", BELGRADE).fields == {"skipped": "true"}


def test_letters_that_name_many_zones_are_kept_and_not_believed(at: Callable[[str], int]) -> None:
    stamp = read("2024-07-01 10:00:00 CEST", BELGRADE)
    assert (stamp.clock, stamp.fields) == (Clock.DECLARED, {"zone": "CEST"})
    assert stamp.moment.at == at("2024-07-01T08:00:00+00:00")


@pytest.mark.parametrize("written", ["2024-02-30 10:00:00", "2024-01-01 25:00:00Z", "2024-01-01 10:00:00+99:00"])
def test_times_that_never_were(written: str) -> None:
    with pytest.raises(ImpossibleTimeError):
        read(written)
