"""The custody table as CSV: what the report says, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv as standard
import io

import pytest

from custody.report.exports import Material, csv
from tests.custody.report.lab import Lab, shown


def rows(lab: Lab) -> list[list[str]]:
    data = b"".join(csv.make(Material(shown(lab).report())))
    assert data.startswith(b"\xef\xbb\xbf")
    return list(standard.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_it_has_every_step_of_the_report(lab: Lab) -> None:
    report = shown(lab).report()
    head, *body = rows(lab)
    assert head[:5] == ["Integrity of the record", "Concerns", "Entry", "Ended by entry", "From (claimed)"]
    steps = [step for exhibit in report.exhibits for step in exhibit.steps] + list(report.case_steps)
    assert [(row[2], row[3]) for row in body] == [(str(s.entry), str(s.ended or "")) for s in steps]
    first = body[0]
    assert {row[0] for row in body} == {"INTACT WITH NOTES"}
    assert first[1] == "Exhibit AH/1"
    assert "description is now Floppy image, 1.4 MB (entry 17)" in first[10]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\u00a0=1", "＝1", '=HYPERLINK("x")'])  # noqa: RUF001
def test_a_formula_becomes_words(cell: str) -> None:
    assert csv.harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "a=1", "2023-11-14", "Exhibit AH/1", "'quoted"])
def test_other_words_stay_as_they_are(cell: str) -> None:
    assert csv.harmless(cell) == cell


def test_a_formula_in_the_record_is_disarmed(tmp_path: object, lab: Lab) -> None:
    lab.write("note", 0, {"kind": "observation", "text": "x", "actor": "=cmd|' /C calc'!A0"})
    lab.close()
    assert any(row[6].startswith("'=cmd|") for row in rows(lab))
