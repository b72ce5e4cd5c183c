"""`evikit check`, and HANDLING beside INTEGRITY wherever a verdict is printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console import Lab


def test_a_finding_says_what_it_saw_and_where(case: Lab) -> None:
    told = case.run("check", "--json")
    assert told.code == 4
    found = [line for line in told.lines if line["checked"]]
    assert {line["severity"] for line in told.lines} <= {"serious", "lesser", "notice"}
    assert {"AQ-03"} <= {line["code"] for line in found}
    one = next(line for line in found if line["code"] == "AQ-03")
    assert one["exhibit"]
    assert one["entries"]
    assert all(line["explanation"].startswith("NOT CHECKED: ") for line in told.lines if not line["checked"])


def test_people_read_both_verdicts_and_what_to_make_of_them(case: Lab) -> None:
    told = case.run("check")
    assert told.code == 4
    first, *_ = told.out.splitlines()
    assert first == "INTEGRITY  INTACT WITH NOTES"
    assert "\nHANDLING   0 serious, " in told.out
    assert "If the examination changed something" in told.out
    assert "\nNot checked\n" in told.out


def test_the_same_numbers_stand_in_every_verdict(case: Lab, tmp_path: Path) -> None:
    case.run("bundle", "create", "-o", tmp_path / "b.json", "--for", "the defence")
    inside = case.run("ledger", "verify", "--json").json["handling"]
    outside = case.run("bundle", "verify", tmp_path / "b.json", "--json").json["handling"]
    assert inside["lesser"] == outside["lesser"] > 0
    assert f"HANDLING   {inside['serious']} serious, {inside['lesser']} lesser" in case.run("ledger", "verify").out
    assert {line["code"] for line in case.run("check", tmp_path / "b.json", "--json").lines} >= {"AQ-03"}


def test_what_is_withheld_is_not_checked(case: Lab, tmp_path: Path) -> None:
    case.run("bundle", "create", "-o", tmp_path / "b.json", "--for", "the press", "--withhold", "purposes")
    lines = case.run("check", tmp_path / "b.json", "--json").lines
    silent = [line for line in lines if line["code"] == "CU-05" and not line["checked"]]
    assert silent
    assert all("withheld or erased: purpose" in line["explanation"] for line in silent)


def test_deadlines_are_settings_of_the_case(lab: Lab) -> None:
    toml = lab.case / "case.toml"
    written = toml.read_text("utf-8")
    toml.write_text(written + "\n[handling]\nverify_days = 30\n", "utf-8")
    assert lab.run("check").code == 0
    toml.write_text(written + "\n[handling]\nverify_day = 30\n", "utf-8")
    lab.run("check").refused(1, "[handling] has no setting 'verify_day'", "verify_days")


def test_of_a_broken_record_only_integrity_is_told(case: Lab, tmp_path: Path) -> None:
    case.run("bundle", "create", "-o", tmp_path / "b.json", "--for", "x")
    data = (tmp_path / "b.json").read_bytes()
    at = data.index(b'"sig":"') + 10
    (tmp_path / "b.json").write_bytes(data[:at] + (b"B" if data[at : at + 1] == b"A" else b"A") + data[at + 1 :])
    told = case.run("check", tmp_path / "b.json", "--json")
    assert told.code == 3
    assert {line["about"] for line in told.lines} == {"integrity"}
    assert "HANDLING   NOT CHECKED" in case.run("bundle", "verify", tmp_path / "b.json").out
    assert case.run("bundle", "verify", tmp_path / "b.json", "--json").json["handling"] is None


@pytest.mark.parametrize("junk", [b"", b"{}", b"\x00" * 1000])
def test_what_is_no_bundle(case: Lab, tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "junk").write_bytes(junk)
    assert case.run("check", tmp_path / "junk").code == 3
    case.run("check", tmp_path / "none").refused(1, "cannot be read")


def test_the_report_names_each_defect_with_its_entries(case: Lab, tmp_path: Path) -> None:
    case.run("report", "-o", tmp_path / "r")
    page = (tmp_path / "r" / "report.html").read_text("utf-8")
    assert "Handling: lesser" in page
    assert "AQ-03. The original, or the only image of it, was examined" in page
    assert "Rules of handling that were not asked" in page


def test_a_document_in_hand_is_held_against_the_record(lab: Lab, tmp_path: Path) -> None:
    lab.run("bundle", "create", "-o", tmp_path / "old.json", "--for", "the defence")
    lab.run(
        "bundle", "create", "-o", tmp_path / "new.json", "--for", "the defence", "--supersedes", tmp_path / "old.json"
    )

    def told(name: str, *where: Path) -> list[tuple[str, str]]:
        lines = lab.run("check", *where, "--document", tmp_path / name, "--json").lines
        return [(line["severity"], line["explanation"]) for line in lines if line["code"] == "RE-02"]

    assert told("new.json") == []
    assert told("old.json") == [("serious", "old.json was superseded")]
    (tmp_path / "forged.json").write_bytes((tmp_path / "new.json").read_bytes() + b" ")
    ((severity, said),) = told("forged.json")
    assert (severity, "none of the documents on record" in said) == ("serious", True)
    ((severity, said),) = told("new.json", tmp_path / "new.json")
    assert (severity, "not named here" in said) == ("notice", True)
    lab.run("check", "--document", tmp_path / "none").refused(1, "cannot be read")
