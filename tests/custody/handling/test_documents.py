"""RE: documents that left the case."""

from __future__ import annotations

import pytest

from tests.custody.handling.told import BORA, Step, Told


def test_a_superseded_report_is_handed_out_again() -> None:
    newer = {"kind": "report", "supersedes": {"sha256": "9" * 64, "entry": "20"}}
    promise = {"recipient": "the court", "document": newer, "bundle_digest": {"sha256": "2" * 64}}
    kept = {"recipient": "the court", "document": {"kind": "report", "sha256": "3" * 64}}
    told = Told()
    told.after("report", Step("new", "export", BORA, 222, 0, promise), Step("new file", "export", BORA, 223, 0, kept))
    assert told.found() == set()
    told.after("new file", Step("old again", "export", BORA, 224, 0,
               {"recipient": "the defence", "document": {"kind": "report", "sha256": "9" * 64}}))  # fmt: skip
    assert told.found() == {("RE-02", "serious", "")}


def test_a_document_whose_digest_was_never_recorded() -> None:
    assert Told().drop("report").found() == {("RE-02", "lesser", "")}


def test_a_document_that_was_given_up_lacks_no_digest() -> None:
    promise = {"recipient": "the court", "document": {"kind": "report"}, "bundle_digest": {"sha256": "2" * 64}}
    other = {"recipient": "the defence", "document": {"kind": "report", "not_delivered": True}}
    told = Told()
    told.after("report", Step("new", "export", BORA, 222, 0, promise), Step("no", "export", BORA, 223, 0, other))
    assert told.found() == {("RE-02", "lesser", "")}, "it was another one that was given up"
    own = {"recipient": "the court", "document": {"kind": "report", "not_delivered": True}}
    told.after("no", Step("nor", "export", BORA, 224, 0, own))
    assert told.found() == set()


def test_an_opinion_that_rests_on_nothing() -> None:
    told = Told()
    told["thinks"].re = []
    assert told.found() == {("RE-03", "lesser", "AH/2")}


@pytest.mark.parametrize(("text", "wrong"), [
    ("on 2026-02-03 10:00", True), ("2026-02-03T10:00:05", True), ("2026-02-03T10:00:05.5Z", False),
    ("2026-02-03 10:00 CET", False), ("2026-02-03 10:00+01:00", False), ("2026-02-03 10:00 Europe/Belgrade", False),
    ("2026-02-03", False),
])  # fmt: skip
def test_times_in_notes_say_their_zone(text: str, wrong: bool) -> None:
    told = Told()
    told["saw"].values["text"] = f"The file was changed {text}"
    assert told.found() == ({("RE-03", "lesser", "AH/2")} if wrong else set())


def test_handed_out_to_nobody_named() -> None:
    told = Told()
    told["made"].values["recipient"] = told["report"].values["recipient"] = ""
    assert told.found() == {("RE-04", "lesser", "")}
