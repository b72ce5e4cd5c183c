"""CU-07: seals."""

from __future__ import annotations

import pytest

from custody.ledger.store import NEW
from tests.custody.handling.told import BORA, CARL, Step, Told

WRONG = ("CU-07", "serious", "AH/1")


@pytest.mark.parametrize(
    ("name", "seal"),
    [("offer", "B9"), ("accept", "B9"), ("open", {"number": "B9"}), ("accept", {"number": "", "found": "no seal"})],
)
def test_the_number_found_is_not_the_one_on_record(name: str, seal: object) -> None:
    told = Told()
    told[name].values["seal"] = seal
    assert WRONG in told.found()


def test_nothing_said_about_a_seal_is_no_other_seal() -> None:
    told = Told()
    told["accept"].values["seal"] = None
    assert told.found() == set()


def test_read_while_the_bag_is_closed() -> None:
    told = Told().drop("open", "reseal")
    assert told.found() == {WRONG}


def test_another_seal_without_an_opening() -> None:
    told = Told().drop("open", "copying", "copied")
    told.drop("thinks")
    assert WRONG in told.found()


def test_opened_and_put_away_or_left_without_a_new_seal() -> None:
    told = Told().drop("reseal", "returned")
    assert ("CU-07", "lesser", "AH/1") in told.found()
    told.after("copied", Step("away", "exhibit.move", BORA, 146, 1, {"storage_to": "Safe 3"}))
    assert WRONG in told.found()


def test_a_number_used_before() -> None:
    told = Told()
    told["reseal"].values["seal"] = {"number": "B1"}
    assert told.found() == {WRONG}
    other = {"ref": "AH/3", "kind": "phone", "state": "original", "seal": {"number": "B2"}, "authority": "K 12/26",
             "serial": {"make": "none visible", "model": "none visible", "serial": "none visible"}}  # fmt: skip
    told = Told().after("report", Step("phone", "exhibit.register", CARL, 225, NEW, other),
                        Step("kept", "exhibit.move", CARL, 226, 3, {"storage_to": "Safe 2"}))  # fmt: skip
    assert told.found() == {("CU-07", "serious", "AH/3")}


def test_a_seal_misread_and_corrected_is_no_defect() -> None:
    told = Told()
    told["accept"].values["seal"] = "B9"
    mended = {"name": "seal", "old": "B9", "new": "B1", "reason": "read wrongly"}
    told.after("report", Step("mended", "correct", BORA, 230, 1, mended, ["accept"]))
    assert told.found() == set()
