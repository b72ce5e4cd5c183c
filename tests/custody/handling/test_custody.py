"""CU-01 to CU-04: one thing wrong in a case that is handled as it should be."""

from __future__ import annotations

import pytest

from custody.ledger.store import NEW
from tests.custody.handling.told import ANA, BORA, CARL, MEDIA, Step, Told, moment

SERIOUS_1 = ("serious", "AH/1")


def test_a_case_handled_as_it_should_be_has_nothing_to_find() -> None:
    assert Told().findings() == []


def test_handed_on_by_somebody_who_did_not_hold_it() -> None:
    told = Told()
    told["offer"].by = CARL
    assert told.found() == {("CU-01", *SERIOUS_1)}


def test_an_offer_that_nobody_answered() -> None:
    told = Told().drop("accept", "safe", "open", "copying", "copied", "reseal", "returned")
    assert ("CU-02", "notice", "AH/1") in told.found()  # three hours: it may still come
    told.after("report", Step("later", "note", ANA, 60 + 73 * 60, 1, {"kind": "observation", "text": "x"}))
    assert ("CU-02", *SERIOUS_1) in told.found()
    told.settings = type(told.settings)(acceptance_hours=100)
    assert ("CU-02", "notice", "AH/1") in told.found()


def test_taken_over_by_somebody_else_than_the_one_named() -> None:
    told = Told()
    told["accept"].by = CARL
    assert ("CU-02", *SERIOUS_1) in told.found()


def test_the_receiver_acts_and_never_signed() -> None:
    told = Told().drop("accept")
    assert ("CU-02", *SERIOUS_1) in told.found()


def test_reading_for_an_offer_is_no_act() -> None:
    told = Told()
    values = {"purpose": "compare", "object": "media", "settings": {"offer": "offer"}}
    begin = Step("own", "access.begin", BORA, 65, 1, values)
    told.after("offer", begin, Step("own end", "access.end", BORA, 66, 1, {"outcome": "completed"}, ["own"]))
    assert told.found() == set()


@pytest.mark.parametrize(
    "step",
    [
        Step("x", "exhibit.move", CARL, 76, 1, {"storage_to": "home"}),
        Step("x", "exhibit.open", CARL, 76, 1, {"seal": {"number": "B1"}, "reason": "look"}),
        Step(
            "x",
            "exhibit.dispose",
            CARL,
            1439,
            1,
            {"method": "shredded", "authority": "", "witness": "W", "copies": "-"},
        ),
    ],
)
def test_somebody_who_does_not_hold_it_acts_on_it(step: Step) -> None:
    told = Told().after("safe" if step.minute < 100 else "report", step)
    assert ("CU-03", *SERIOUS_1) in told.found()


def test_an_order_that_the_entry_names_allows_it() -> None:
    told = Told()
    told["copying"].by = CARL
    assert ("CU-03", *SERIOUS_1) in told.found()
    told["copying"].values["authority"] = "order of the head of the laboratory, 12 March"
    assert "CU-03" not in {code for code, _, _ in told.found()}


def test_a_second_acceptance_of_one_offer() -> None:
    told = Told().after("accept", Step("again", "transfer.accept", CARL, 71, 1, {"seal": "B1"}, ["offer"]))
    assert ("CU-03", *SERIOUS_1) in told.found()


def test_one_reference_registered_twice() -> None:
    told = Told().after(
        "report",
        Step("twin", "exhibit.register", CARL, 230, NEW, {"ref": "AH/2", "kind": "files", "state": "working-copy"}),
    )
    assert ("CU-03", "serious", "AH/2") in told.found()


def test_read_before_it_was_seized_and_after_it_had_left() -> None:
    told = Told()
    told["laptop"].values["seizure"]["seized_at"] = moment("2026-03-10T10:05:00Z")
    assert ("CU-04", *SERIOUS_1) in told.found()
    told = Told().after(
        "returned",
        Step(
            "late",
            "access.begin",
            BORA,
            1500,
            1,
            {
                "purpose": "Look once more for the invoice",
                "object": "acquisition",
                "settings": {"write_blocker": "WB 2026-01-01"},
            },
        ),
    )
    assert ("CU-04", *SERIOUS_1) in told.found()


def test_a_registration_that_was_corrected_counts_as_corrected() -> None:
    told = Told()
    told["laptop"].values["seizure"]["seized_at"] = moment("2026-03-10T10:05:00Z")
    right = {**told["laptop"].values["seizure"], "seized_at": moment("2026-03-10T08:05:00Z")}
    values = {"name": "seizure", "old": told["laptop"].values["seizure"], "new": right, "reason": "misread"}
    told.after("reseal", Step("put right", "correct", BORA, 147, 1, values, ["laptop"]))
    assert told.found() == set()


def test_a_field_that_is_withheld_is_not_checked_and_not_guessed() -> None:
    findings = Told().findings(closed={"transfer.offer": ["to_key"]})
    silent = {(item.code, item.exhibit) for item in findings if not item.checked}
    assert silent == {(code, "AH/1") for code in ("CU-01", "CU-02", "CU-03", "CU-04")}
    assert not [item for item in findings if item.checked]


def received() -> Told:
    """The image came from another agency, who announced it; nothing else is here."""
    told = Told().drop("laptop", "made", "report", "returned")
    told.steps = [step for step in told.steps if step.n != 1]
    for step in told.steps:
        step.n = 1 if step.n == 2 else step.n
    offer = "c" * 64
    came = {"agency": "Police", "ledger": "d" * 64, "ref": "P/4", "offer": offer}
    told["image"].values.update(parent="", seizure=came, media_digests=MEDIA)
    told["read"].values["header"] = [
        {"name": "case_number", "value": "P-9/26"},
        {"name": "evidence_number", "value": "P/4"},
    ]
    reading = {"purpose": "integrity verification", "object": "media", "settings": {"offer": offer}}
    result = {"outcome": "completed", "basis": "whole", "computed": MEDIA, "expected": MEDIA, "match": True}
    taken = {"outcome": "accepted", "offer": {"ledger": "d" * 64, "leaf": offer}, "digest": MEDIA}
    return told.after(
        "image",
        Step("own", "access.begin", BORA, 150.2, 1, reading),
        Step("own end", "access.end", BORA, 150.4, 1, result, ["own"]),
        Step("taken", "transfer.receive", BORA, 150.6, 1, taken),
        Step("stored", "exhibit.move", BORA, 150.8, 1, {"storage_to": "Server 2"}),
    )


def test_what_another_agency_hands_over_is_read_before_it_is_taken_over() -> None:
    assert received().found() == set()
    told = received()
    told["own"].values["settings"] = {"offer": "e" * 64}  # for nothing that it came with
    assert told.found() == {("CU-04", "serious", "AH/2")}


def test_taken_over_from_another_agency_unread() -> None:
    told = received().drop("own", "own end")
    told["taken"].values["digest"] = None
    assert told.found() == {("HA-04", "lesser", "AH/2")}


def test_a_header_of_another_agency_has_its_own_numbers() -> None:
    told = received()
    told["read"].values["header"][1]["value"] = "P/5"
    assert told.found() == {("AQ-05", "lesser", "AH/2")}


def test_one_wrong_date_is_one_defect() -> None:
    told = Told()
    told["laptop"].values["seizure"]["seized_at"] = moment("2026-03-10T09:30:00Z")
    told["laptop"].values["seizure"].pop("clock")
    told["laptop"].values["condition"] = {"power": "off"}
    early = [item for item in told.findings() if item.code == "CU-04"]
    assert [len(item.entries) for item in early] == [2]
    assert "(and 1 more)" in early[0].explanation
