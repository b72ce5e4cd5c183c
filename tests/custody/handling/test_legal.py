"""LE: authority."""

from __future__ import annotations

import pytest

from tests.custody.handling.told import Told

FOUND = {("LE-01", "serious", "AH/1")}


def test_taken_on_no_authority() -> None:
    told = Told()
    told["laptop"].values["authority"] = None
    told["laptop"].values["seizure"].pop("authority")
    assert told.found() >= FOUND


@pytest.mark.parametrize("window", [{"expires_on": "2026-03-09"}, {"issued_on": "2026-03-11"}])
def test_outside_the_days_of_the_authority(window: dict[str, str]) -> None:
    told = Told()
    told["laptop"].values["seizure"]["authority"].update(window)
    assert told.found() == FOUND


def test_a_reading_after_the_last_day_needs_its_own_order() -> None:
    told = Told()
    told["laptop"].values["seizure"]["authority"]["expires_on"] = "2026-03-10"
    assert told.found() == set()
    for name in ("copying", "copied", "reseal", "image", "reading", "read", "verifying", "verified", "saw", "thinks"):
        told[name].minute += 1440
    for name in ("made", "report", "returned"):
        told[name].minute += 2880
    assert told.found() == FOUND
    told["copying"].values["authority"] = "K 13/26"
    assert told.found() == set()
