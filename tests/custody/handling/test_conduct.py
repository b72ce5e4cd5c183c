"""CU-05 to CU-12 without seals."""

from __future__ import annotations

import pytest

from custody.ledger.store import NEW
from tests.custody.handling.told import ANA, BORA, CARL, Step, Told, moment


def phone(ref: str, by: int, minute: float, at: str, **more: object) -> Step:
    seizure = {"seized_by": "Ana Horvat", "seized_at": moment(at), **more}
    facts = {"ref": ref, "kind": "files", "state": "working-copy", "seizure": seizure, "authority": "K 12/26"}
    return Step(ref, "exhibit.register", by, minute, NEW, facts)


@pytest.mark.parametrize("purpose", ["", "examination", "Analysis of data", "test 2", "n/a", "xxx"])
def test_a_purpose_that_fits_anything(purpose: str) -> None:
    told = Told()
    told["reading"].values["purpose"] = purpose
    assert told.found() == {("CU-05", "lesser", "AH/2")}


def test_examined_on_no_authority() -> None:
    told = Told()
    told["image"].values["parent"] = ""
    told["read"].values["header"] = None
    assert ("CU-05", "lesser", "AH/2") in told.found()
    told["reading"].values["authority"] = "K 12/26"
    assert told.found() == set()


def test_kept_nowhere_or_in_the_place_of_the_other_holder() -> None:
    assert Told().drop("safe").found() == {("CU-08", "lesser", "AH/1")}
    assert Told().drop("shelf", "safe").found() == {("CU-08", "lesser", "AH/1")}


def test_recorded_a_day_later_without_a_reason() -> None:
    told = Told()
    told["laptop"].values["seizure"]["seized_at"] = moment("2026-03-09T08:30:00Z")
    assert told.found() == {("CU-09", "lesser", "AH/1")}
    told["laptop"].values["note"] = "the search went on through the night"
    assert told.found() == set()


def test_days_of_work_written_in_one_minute() -> None:
    days = ["2026-03-07T10:00:00Z", "2026-03-08T10:00:00Z", "2026-03-09T12:00:00Z"]
    told = Told()
    told.settings = type(told.settings)(late_hours=1000)
    told.after("report", *(phone(f"P/{i}", CARL, 225 + i / 4, at) for i, at in enumerate(days)))
    assert told.found() == {("CU-09", "lesser", "")}


@pytest.mark.parametrize(("name", "minute"), [("copied", 80), ("verifying", 149)])
def test_times_against_the_order_of_entries(name: str, minute: float) -> None:
    told = Told()
    told[name].minute = minute
    assert ("CU-10", "serious", "AH/1" if name == "copied" else "AH/2") in told.found()


def test_clocks_of_two_people_may_differ_a_little() -> None:
    told = Told()
    told["verifying"].minute = 179  # Carl's machine is a minute behind Bora's
    assert told.found() == set()


def test_one_person_in_two_places() -> None:
    far = phone("P/1", CARL, 225, "2026-03-10T08:40:00Z", coordinates="41.3275, 19.8187")
    assert ("CU-10", "serious", "") in Told().after("report", far).found()
    far.values["seizure"]["coordinates"] = "41.3275° N 19.8187° E"
    assert ("CU-10", "serious", "") in Told().after("report", far).found()
    near = phone("P/1", CARL, 225, "2026-03-10T08:40:00Z", coordinates="45.26, 19.83")
    assert Told().after("report", near).found() == set()


def test_one_person_did_it_all() -> None:
    told = Told().drop("offer", "accept", "safe")
    for step in told.steps:
        step.by = BORA
    told["laptop"].minute = 1
    assert told.found() == {("CU-11", "lesser", "AH/1")}
    told["verifying"].by = told["verified"].by = ANA
    assert told.found() == set()


@pytest.mark.parametrize("lacking", ["authority", "recipient", "copies"])
def test_returned_without_what_must_be_told(lacking: str) -> None:
    told = Told()
    told["returned"].values[lacking] = None
    assert told.found() == {("CU-12", "lesser", "AH/1")}


def test_disposed_of_without_a_witness() -> None:
    told = Told()
    told["returned"].kind = "exhibit.dispose"
    assert told.found() == set()
    told["returned"].values["witness"] = ""
    assert told.found() == {("CU-12", "lesser", "AH/1")}
