"""AQ: acquisition, originals and copies."""

from __future__ import annotations

import pytest

from tests.custody.handling.told import Told


def settings(told: Told) -> dict[str, str]:
    found: dict[str, str] = told["copying"].values["settings"]
    return found


def test_nothing_kept_the_source_from_being_changed() -> None:
    told = Told()
    settings(told).pop("write_blocker")
    assert told.found() == {("AQ-01", "lesser", "AH/1")}
    settings(told)["method"] = "booted from a read-only medium, mounted nothing"
    assert told.found() == set()
    settings(told)["source_state"] = "writable, mounted"
    assert told.found() == {("AQ-01", "serious", "AH/1")}


def test_a_write_blocker_that_nobody_tested() -> None:
    told = Told()
    settings(told)["write_blocker"] = "WB 7"
    assert told.found() == {("AQ-02", "lesser", "AH/1")}


def test_the_original_was_examined() -> None:
    told = Told()
    told["reading"].values["settings"] = {"state": "original", "zone": "UTC"}
    assert told.found() == {("AQ-03", "serious", "AH/2")}


def test_the_only_image_was_examined() -> None:
    told = Told()
    told["image"].values.update(state="best-evidence")
    assert told.found() == set()  # it was made from AH/1, which is there
    told["image"].values.update(parent="", authority="K 12/26")
    told["copied"].values.update(media_digests={"sha256": "7" * 64}, computed={"sha256": "7" * 64})
    assert ("AQ-03", "lesser", "AH/2") in told.found()


@pytest.mark.parametrize("serial", [None, {"make": "Dell", "model": "none", "serial": "S"}, {"make": "Dell"}, ""])
def test_which_thing_it_is_cannot_be_told(serial: object) -> None:
    told = Told()
    told["laptop"].values["serial"] = serial
    assert told.found() == {("AQ-04", "lesser", "AH/1")}


def test_none_visible_is_an_answer() -> None:
    told = Told()
    told["laptop"].values["serial"] = dict.fromkeys(("make", "model", "serial"), "none visible")
    assert told.found() == set()


def test_the_device_read_has_another_serial_number() -> None:
    told = Told()
    told["copied"].values["header"] = [{"name": "serial", "value": "S-78"}]
    assert told.found() == {("AQ-04", "lesser", "AH/1")}
    told["copied"].values["header"] = [{"name": "serial", "value": " s77"}]
    assert told.found() == set()


@pytest.mark.parametrize(
    ("name", "value"), [("case_number", "C-2"), ("evidence_number", "AH/9"), ("acquiry_date", "2026-03-11T00:00:00Z")]
)
def test_the_container_says_other_things(name: str, value: str) -> None:
    told = Told()
    told["read"].values["header"] = [{"name": name, "value": value}]
    assert told.found() == {("AQ-05", "lesser", "AH/2")}
