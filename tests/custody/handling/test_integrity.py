"""CH: what the verification said, with the codes of the catalogue; and the catalogue itself."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from custody.handling import CATALOGUE, Record, Settings, examine, tally
from custody.handling._settings import Settings as Deadlines
from custody.ledger.errors import CustodyError
from custody.ledger.verdict import Verdict
from tests.custody.handling.told import ANA, BORA, Step, Told


@pytest.mark.parametrize(("kind", "explanation", "code"), [
    ("sequence", "x", "CH-01"), ("opening", "x", "CH-01"), ("signature", "x", "CH-02"), ("key", "x", "CH-02"),
    ("anchor", "the history shown does not contain the checkpoint", "CH-03"),
    ("anchor", "this is not a ledger you trust: its genesis is another one", "CH-04"), ("schema", "x", "CH-07"),
])  # fmt: skip
def test_what_failed_has_a_code_and_nothing_else_is_said(kind: str, explanation: str, code: str) -> None:
    verdict = Verdict()
    verdict.fail(3, kind, explanation)
    told = Told()
    told["reading"].values["purpose"] = ""
    whole = told.record()
    findings = examine(Record(whole.acts, verdict, Settings(), complete=True))
    assert [(item.code, item.entries) for item in findings] == [(code, (3,))]
    assert tally(findings).serious == tally(findings).lesser == 0  # INTEGRITY, not HANDLING


def test_entries_over_a_long_time_and_nothing_from_outside() -> None:
    told = (
        Told()
        .drop("returned")
        .after("report", Step("late", "note", ANA, 31 * 1440, 1, {"kind": "observation", "text": "x"}))
    )
    assert ("CH-05", "lesser", "") in told.found()
    told.settings = Deadlines(anchor_days=40)
    assert "CH-05" not in {code for code, _, _ in told.found()}
    told.settings = Deadlines()
    assert "CH-05" not in {code for code, _, _ in told.found(anchored=True)}


def test_an_access_without_outcome_unless_it_was_gone_on_with() -> None:
    told = Told()
    told.after("image", Step("stopped", "access.begin", BORA, 150.5, 2, told["reading"].values))
    assert ("CH-06", "lesser", "") in told.found()
    told["reading"].re = ["stopped"]
    assert told.found() == set()


def test_a_revoked_key_is_told_of() -> None:
    verdict = Verdict()
    verdict.remark(4, "disputed", "signed with a key that was revoked")
    findings = examine(Record(Told().record().acts, verdict, Settings(), complete=True))
    assert [(item.code, item.entries) for item in findings if item.checked] == [("CH-02", (4,))]


def test_a_blind_bundle_says_not_checked_and_finds_nothing() -> None:
    names = {name for act in Told().record().acts for name in act.row.openings}
    findings = Told().findings(closed={"*": sorted(names)})
    assert findings
    assert not [item for item in findings if item.checked]


@pytest.mark.parametrize("table", ['late_hours = "1"', "late_days = 1", "late_hours = -1", "late_hours = true"])
def test_settings_that_are_none(table: str) -> None:
    with pytest.raises(CustodyError, match="handling"):
        Settings.of(tomllib.loads(table))
    with pytest.raises(CustodyError, match="no table"):
        Settings.of("x")
    assert Settings.of({"late_hours": 5}).described()["late_hours"] == 5


@pytest.mark.source
def test_every_rule_stands_in_the_catalogue_with_a_good_and_a_bad_example() -> None:
    page = (Path(__file__).parents[3] / "docs" / "rules.md").read_text(encoding="utf-8")
    for rule in CATALOGUE:
        assert f"### {rule.code} " in page, rule.code
        section = page.split(f"### {rule.code} ")[1].split("\n### ")[0]
        assert f"*{rule.severity}*" in section
        assert rule.unbuilt or ("Good:" in section and "Bad:" in section), rule.code
        assert all(weakness in section for weakness in rule.weaknesses), rule.code
    for name, default in Settings().described().items():
        assert f"`{name}` | {default} |" in page
