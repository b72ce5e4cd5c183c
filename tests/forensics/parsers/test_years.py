"""Years that were not written, inferred backward from the file's own time."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from forensics.parsers._years import MOST_YEARS, InferredYears, UndatedLine


def years(
    dates: list[tuple[int, int]], reference: int | None, zone: str | None = None, time: str = "12:00:00"
) -> list[int | None]:
    lines = [UndatedLine(10 * number, month, day, time) for number, (month, day) in enumerate(dates)]
    inferred = InferredYears(lines, reference, ZoneInfo(zone) if zone else None)
    return [inferred.year_at(line.offset) for line in lines]


def test_new_years_are_counted_backward(at: Any) -> None:
    dates = [(11, 3), (12, 31), (1, 1), (6, 1), (12, 30), (1, 2)]
    assert years(dates, at("2026-01-05T00:00:00+00:00")) == [2024, 2024, 2025, 2025, 2025, 2026]


@pytest.mark.parametrize(
    ("reference", "year"),
    [("2025-12-31T11:59:59+00:00", 2024), ("2025-12-31T12:00:00+00:00", 2026), ("2026-06-01T00:00:00+00:00", 2026)],
)
def test_the_last_line_is_at_most_a_day_after_the_reference(reference: str, year: int, at: Any) -> None:
    assert years([(1, 1)], at(reference)) == [year if year == 2026 else 2025]


def test_the_reference_is_seen_in_the_declared_zone(at: Any) -> None:
    reference = at("2025-12-30T12:30:00+00:00")  # in Tokyo, a day later, it is 2025-12-31 21:30
    assert years([(12, 31)], reference, "Asia/Tokyo", "21:00:00") == [2025]
    assert years([(12, 31)], reference, None, "21:00:00") == [2024]


def test_the_29th_of_february_wants_a_leap_year(at: Any) -> None:
    assert years([(2, 29), (3, 1)], at("2026-03-02T00:00:00+00:00")) == [2024, 2024]
    assert years([(2, 29), (1, 5)], at("2026-03-02T00:00:00+00:00")) == [2024, 2026]


def test_small_steps_back_are_disorder(at: Any) -> None:
    assert years([(3, 10), (3, 5), (3, 11)], at("2026-03-12T00:00:00+00:00")) == [2026, 2026, 2026]
    assert years([(3, 10), (3, 2), (3, 11)], at("2026-03-12T00:00:00+00:00")) == [2025, 2026, 2026]


def test_no_answer_says_why(at: Any) -> None:
    assert "no modified time" in InferredYears([], None, None).problem
    jumps = [UndatedLine(number, 12 if number % 2 else 1, 1, "00:00:00") for number in range(2 * MOST_YEARS + 3)]
    inferred = InferredYears(jumps, at("2026-01-01T00:00:00+00:00"), None)
    assert "not in order" in inferred.problem
    assert inferred.year_at(5) is None
    assert "outside the calendar" in InferredYears(jumps[:1], 10**30, None).problem
    assert "outside the calendar" in InferredYears(jumps[:1], at("9999-12-31T23:00:00+00:00"), None).problem
