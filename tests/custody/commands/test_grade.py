"""`evikit grade`: bundles in, marks, feedback and warnings out."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.console import Lab


@pytest.fixture(scope="module")
def teams(furnished: Lab, begun: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """red and blue, two cases with evidence; broken: red's with one byte changed."""
    folder = tmp_path_factory.mktemp("teams")
    furnished.run("bundle", "create", "-o", folder / "red.json", "--for", "the trainer")
    blue = Lab(tmp_path_factory.mktemp("blue"))
    blue.begin()
    blue.ingest("AH/1", blue.stick())
    blue.run("bundle", "create", "-o", folder / "blue.json", "--for", "the trainer")
    data = (folder / "red.json").read_bytes()
    at = data.rindex(b'"sig":"') + 12
    (folder / "broken.json").write_bytes(data[:at] + (b"B" if data[at : at + 1] != b"B" else b"C") + data[at + 1 :])
    return folder


def test_every_lost_point_names_the_entries_that_cost_it(teams: Path, furnished: Lab) -> None:
    told = furnished.run("grade", teams / "red.json", teams / "blue.json", "--json")
    red, blue = told.lines
    assert (red["team"], red["verdict"]) == ("red", "INTACT WITH NOTES")
    assert 0 < red["points"] < red["possible"] <= 100
    lost = [loss for part in red["parts"] for loss in part["losses"]]
    assert all(loss["points"] > 0 and loss["reason"] for loss in lost)
    assert any(loss["entries"] for loss in lost)
    assert next(part for part in red["parts"] if part["part"] == "findings")["points"] is None
    assert blue["points"] != red["points"] or blue["possible"] == red["possible"]


def test_feedback_for_each_team_and_one_table(teams: Path, furnished: Lab, tmp_path: Path) -> None:
    told = furnished.run("grade", teams / "red.json", teams / "blue.json", "-o", tmp_path / "out")
    assert "no data" in told.out
    rows = list(csv.reader((tmp_path / "out" / "marks.csv").read_text("utf-8").splitlines()))
    assert [row[0] for row in rows] == ["team", "red", "blue"]
    page = (tmp_path / "out" / "feedback-red.html").read_text("utf-8")
    assert "<h1>Feedback for " in page
    assert "AQ-03" in page
    assert "(entries " in page
    again = furnished.run("grade", teams / "red.json", "-o", tmp_path / "again")
    assert again.code == told.code
    assert (tmp_path / "again" / "feedback-red.html").read_text("utf-8") == page
    furnished.run("grade", teams / "red.json", "-o", tmp_path / "out").refused(1, "not empty")


def test_edited_and_copied_ledgers_are_named(teams: Path, furnished: Lab, tmp_path: Path) -> None:
    (tmp_path / "green.json").write_bytes((teams / "blue.json").read_bytes())
    told = furnished.run("grade", teams / "broken.json", teams / "blue.json", tmp_path / "green.json", "--json")
    assert told.code == 4
    broken, blue, green = told.lines
    assert (broken["verdict"], broken["points"], broken["handling"]) == ("BROKEN", 0, None)
    assert broken["warnings"]
    assert any("the same ledger as that of green" in line for line in blue["warnings"])
    assert any("the same ledger as that of blue" in line for line in green["warnings"])


def test_a_ledger_that_is_not_the_teams_own_gets_no_marks(teams: Path, furnished: Lab, tmp_path: Path) -> None:
    rubric = tmp_path / "rubric.toml"
    shown = furnished.run("grade", "--show-rubric").out
    rubric.write_text(f'{shown}\n[[team]]\nname = "red"\nledger = "{"0" * 64}"\n', "utf-8")
    told = furnished.run("grade", teams / "red.json", "--rubric", rubric, "--json")
    assert told.json["points"] == 0
    assert told.code == 4


def test_bad_input_is_one_clear_line(teams: Path, furnished: Lab, tmp_path: Path) -> None:
    furnished.run("grade").refused(2, "at least one bundle")
    furnished.run("grade", teams / "none.json").refused(1, "cannot be read")
    furnished.run("grade", teams / "red.json", "--rubric", tmp_path / "no.toml").refused(1, "cannot be read")
    (tmp_path / "bad.toml").write_text("x", "utf-8")
    furnished.run("grade", teams / "red.json", "--rubric", tmp_path / "bad.toml").refused(1, "not TOML")
    (tmp_path / "red.json").write_bytes(b"x")
    furnished.run("grade", teams / "red.json", tmp_path / "red.json").refused(1, "two bundles are called red")
    assert furnished.run("grade", tmp_path / "red.json", "--json").json["verdict"] == "BROKEN"
