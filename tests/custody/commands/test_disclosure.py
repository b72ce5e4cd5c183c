"""`evikit bundle create` with rules, periods and nothing opened; `evikit ledger erase`; what is no bundle at all."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import pytest

from custody.ledger.disclosure import compose_bundle
from custody.ledger.store import Ledger
from custody.opened import values_of
from tests.console import EXAMINER, Lab

RULES = """
[[withhold]]
name = "names of staff"
fields = ["names"]
types = ["access.begin", "access.end"]

[[withhold]]
name = "paths on AH/2"
fields = ["paths", "purposes"]
exhibits = ["AH/2"]
"""


def stranger(lab: Lab, *words: str | Path) -> Any:
    return lab.run(*words, EVIKIT_CASE=None, EVIKIT_HOME=str(lab.folder / "nothing"), EVIKIT_PASSPHRASE=None)


def made(lab: Lab, *words: str | Path, name: str = "b.json") -> tuple[Any, Path]:
    out = lab.folder / name
    told = lab.run("bundle", "create", "-o", out, "--for", "the defence", "--json", *words)
    assert told.code == 0, told
    return told.json, out


def verdict_of(lab: Lab, path: Path) -> Any:
    told = stranger(lab, "bundle", "verify", path, "--json")
    assert told.code == 0, told
    return told.json


def test_a_rule_file_withholds_where_it_says_and_is_counted(case: Lab) -> None:
    rules = case.put("rules.toml", RULES.encode())
    facts, out = made(case, "--rules", rules)
    lines = stranger(case, "bundle", "show", out, "--json").lines
    staff = [line for line in lines if line["type"].startswith("access")]
    assert staff
    assert not any("actor" in line["fields"] for line in staff)
    assert any("actor" in line["fields"] for line in lines)
    purposes = [line["fields"].get("purpose") for line in lines if line["type"] == "access.begin"]
    assert purposes[0] == "find the couriers"
    assert purposes[-1] is None
    verdict = verdict_of(case, out)
    secrets = sum("manifest_secret" in line["withheld"] for line in lines)
    assert verdict["checked"]["fields withheld"] == sum(map(int, facts["withheld"].values())) + secrets
    assert set(facts["withheld"]) == {"names of staff", "paths on AH/2"}
    told = stranger(case, "bundle", "verify", out).out
    assert "for the defence, as a bundle" in told
    assert "withheld by rule 'names of staff': actor, " in told
    assert verdict["disclosure"]["recipient"] == "the defence"
    exports = [values["document"] for values in exported(case)]
    assert [rule["rule"] for rule in exports[-2]["withheld"]["rules"]] == ["names of staff", "paths on AH/2"]
    assert {item["rule"]: item["fields"] for item in exports[-1]["withheld"]} == facts["withheld"]


def exported(lab: Lab) -> list[Any]:
    """The fields of the case's export entries, oldest first."""
    with Ledger.open(lab.case / "ledger.sqlite", writable=False) as ledger:
        return [values_of(row) for row in ledger.rows_of("export")]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"[[withhold", "is not TOML"),
        (b"", "not a list of [[withhold]] tables"),
        (b"withhold = 3", "not a list of [[withhold]] tables"),
        (b"withhold = [3]", "rule 1 has other keys"),
        (b'[[withhold]]\nname = "a"\nfeilds = ["actor"]', "rule 1 has other keys"),
        (b'[[withhold]]\nfields = ["actor"]', "rule 1 has no name"),
        (b'[[withhold]]\nname = "a"', "names no field"),
        (b'[[withhold]]\nname = "a"\nfields = "actor"', "fields is no list of texts"),
        (b'[[withhold]]\nname = "a"\nfields = ["secrets"]', "no field is called 'secrets'"),
        (b'[[withhold]]\nname = "a"\nfields = ["names"]\ntypes = ["x"]', "no entry is of type 'x'"),
        (b'[[withhold]]\nname = "a"\nfields = ["names"]\nexhibits = ["Z"]', "there is no exhibit 'Z'"),
        (b'[[withhold]]\nname = "a"\nfields = ["names"]\n' * 2, "two rules are called 'a'"),
        (b"\xff", "cannot be read"),
    ],
)
def test_a_rule_file_that_says_nothing_clear_is_refused_unrecorded(written: bytes, said: str, case: Lab) -> None:
    before = len(case.log())
    rules = case.put("rules.toml", written)
    case.run("bundle", "create", "-o", case.folder / "b.json", "--for", "x", "--rules", rules).refused(1, said)
    assert len(case.log()) == before
    assert not (case.folder / "b.json").exists()


def test_a_period_opens_its_entries_and_shows_that_none_is_missing(case: Lab) -> None:
    lines = case.log("--exhibit", "AH/2")
    first, last = lines[0]["at"], lines[-1]["at"]
    facts, out = made(case, "--from", last[:29] + "Z")
    shown = stranger(case, "bundle", "show", out, "--json").lines
    of_two = [line for line in shown if line["index"] in {item["index"] for item in lines}]
    assert len(of_two) == len(lines), "all of the exhibit's entries are there"
    assert of_two[-1]["fields"]
    assert not of_two[0]["fields"]
    assert not any(line["index"] in {item["index"] for item in case.log("--exhibit", "AH/1")} for line in shown)
    assert facts["withheld"].keys() == {"outside the period"}
    assert f"a period: from {last} to the end" in stranger(case, "bundle", "verify", out).out
    assert verdict_of(case, out)["verdict"] == "INTACT WITH NOTES"
    words = ("bundle", "create", "-o", case.folder / "c.json", "--for", "x")
    case.run(*words, "--from", "2001-01-01", "--to", "2001-01-02").refused(1, "no exhibit has an entry in this period")
    case.run(*words, "--from", last, "--to", first).refused(1, "ends before it begins")
    case.run(*words, "--from", "yesterday").refused(1, "is no time")


def test_one_of_two_exhibits_reveals_nothing_of_the_other(case: Lab) -> None:
    _, out = made(case, "--exhibit", "AH/1")
    body = json.loads(out.read_bytes())
    others = {line["index"] for line in case.log("--exhibit", "AH/2")}
    assert others
    assert not others & {int(entry["index"]) for entry in body["entries"]}
    assert b"AH/2" not in out.read_bytes()
    assert "all entries of 1 of 2 exhibits are shown" in verdict_of(case, out)["proved"]
    lines = stranger(case, "bundle", "show", out, "--json").lines
    assert lines[-2]["type"] == "export", "what is disclosed, and to whom, is inside it"
    assert lines[-2]["fields"]["recipient"] == "the defence"


def test_a_correction_does_not_tell_what_is_withheld(case: Lab) -> None:
    for index in [line["index"] for line in case.log() if line["purpose"] == "find the couriers"]:
        assert case.run("correct", str(index), "purpose", "--new", "find them", "--reason", "mistyped").code == 0
    typed = b'[[withhold]]\nname = "why"\nfields = ["purpose"]\ntypes = ["access.begin"]\n'
    for words in (("--withhold", "purpose"), ("--rules", case.put("rules.toml", typed))):
        _, out = made(case, *words, name=f"{words[0][2:]}.json")
        assert b"find the" not in out.read_bytes()
        assert verdict_of(case, out)["verdict"] == "INTACT WITH NOTES"


def test_names_are_withheld_wherever_people_stand(case: Lab) -> None:
    _, out = made(case, "--withhold", "names")
    assert EXAMINER.encode() not in out.read_bytes()
    assert verdict_of(case, out)["verdict"] == "INTACT WITH NOTES"


def test_a_blind_audit_has_all_entries_and_no_opening(case: Lab) -> None:
    facts, out = made(case, "--blind")
    body = json.loads(out.read_bytes())
    assert all(entry["openings"] == {} for entry in body["entries"])
    assert len(body["entries"]) == int(facts["entries"])
    verdict = verdict_of(case, out)
    assert verdict["checked"].get("openings", 0) == 0
    assert "disclosure" not in verdict
    assert verdict["checked"]["signatures"] == int(facts["entries"])
    case.run("bundle", "create", "-o", case.folder / "c.json", "--for", "x", "--blind", "--exhibit", "AH/1").refused(
        2, "--blind"
    )


def test_what_a_bundle_supersedes_is_named_by_its_bytes(case: Lab) -> None:
    _, first = made(case)
    made(case, "--supersedes", first, name="second.json")
    assert "it supersedes an earlier one" in stranger(case, "bundle", "verify", case.folder / "second.json").out
    named = exported(case)[-2]["document"]["supersedes"]
    registered = next(values for values in exported(case) if values["document"].get("sha256") == named["sha256"])
    assert registered["document"]["name"] == "b.json"
    words = ("bundle", "create", "-o", case.folder / "c.json", "--for", "x", "--supersedes")
    case.run(*words, case.put("other", b"x")).refused(1, "no document that this case made")
    case.run(*words, case.folder / "none").refused(1, "cannot be read")


# --- erasure -----------------------------------------------------------------------------------------------


def begin_of(lab: Lab) -> int:
    return next(line["index"] for line in lab.log("--exhibit", "AH/1") if line["type"] == "access.begin")


def test_an_erased_field_is_gone_and_everything_verifies(case: Lab) -> None:
    target = begin_of(case)
    case.run("correct", str(target), "purpose", "--new", "find the kit", "--reason", "mistyped")
    told = case.run("ledger", "erase", str(target), "purpose", "actor", "--reason", "Art. 17, order 4/26", "--json")
    assert (told.code, told.json["in_force"]) == (0, True), told
    assert "hold the text as well" in told.err
    verdict = case.run("ledger", "verify", "--json")
    assert verdict.code == 0, verdict
    assert verdict.json["checked"]["fields erased"] == 2
    assert verdict.json["checked"].get("fields withheld", 0) == 0
    _, out = made(case)
    line = next(line for line in stranger(case, "bundle", "show", out, "--json").lines if line["index"] == target)
    assert line["erased"] == ["actor", "purpose"]
    assert line["withheld"] == []
    assert verdict_of(case, out)["checked"]["fields erased"] == 2
    assert case.run("report", "-o", case.folder / "r").code == 0
    assert "erased by approval" in (case.folder / "r" / "report.html").read_text("utf-8")
    assert case.run("exhibit", "list").code == 0


def test_no_byte_of_an_erased_text_stays_in_the_ledgers_file(case: Lab) -> None:
    target = begin_of(case)
    others = [line for line in case.log() if line["purpose"] == "find the couriers" and line["index"] != target]
    for line in (*others, {"index": target}):
        assert case.run("ledger", "erase", str(line["index"]), "purpose", "--reason", "order").code == 0
    for path in case.case.glob("ledger.sqlite*"):
        assert b"find the couriers" not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (["no_such"], "has no field 'no_such'"),
        (["claimed_at"], "rests on it"),
        (["identity"], "rests on it"),
        (["purpose"], "is erased already"),
    ],
)
def test_what_cannot_be_erased_is_refused_unrecorded(fields: list[str], said: str, case: Lab) -> None:
    target = str(begin_of(case))
    assert case.run("ledger", "erase", target, "purpose", "--reason", "order").code == 0
    before = len(case.log())
    case.run("ledger", "erase", target, *fields, "--reason", "order").refused(1, said)
    case.run("ledger", "erase", target, "actor", "--reason", " ").refused(1, "reason is empty")
    assert len(case.log()) == before


# --- no bundle ---------------------------------------------------------------------------------------------


def test_a_newer_format_says_so(case: Lab) -> None:
    _, out = made(case)
    out.write_bytes(out.read_bytes().replace(b'"format":"evikit-bundle-1"', b'"format":"evikit-bundle-2"'))
    told = stranger(case, "bundle", "verify", out)
    assert told.code == 3
    assert "made by a newer evikit (its format is evikit-bundle-2)" in told.out


@pytest.mark.parametrize("head", [b"\x00", b"{", b'{"checkpoint":"'])
def test_half_a_gigabyte_of_junk_costs_nobody_its_memory(head: bytes, case: Lab, tmp_path: Path) -> None:
    path = tmp_path / "junk"
    with path.open("wb") as file:
        file.write(head)
        file.truncate(500_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = stranger(case, "bundle", "verify", path, "--json")
    assert (told.code, told.json["verdict"]) == (3, "BROKEN")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kilobytes"


def test_hostile_words_are_shown_as_text(case: Lab) -> None:
    hostile = "</script><img src=x onerror=alert(1)> \u202egnp.exe\x1b[2J"
    assert case.run("note", hostile, "--exhibit", "AH/1").code == 0
    out = case.folder / "b.json"
    assert case.run("bundle", "create", "-o", out, "--for", hostile).code == 0
    for words in (("show",), ("verify",)):
        told = stranger(case, "bundle", *words, out)
        assert told.code == 0
        assert "\x1b" not in told.out
        assert "\u202e" not in told.out


def test_the_same_ledger_gives_the_same_bytes(case: Lab) -> None:
    with Ledger.open(case.case / "ledger.sqlite", writable=False) as ledger:
        assert compose_bundle(ledger) == compose_bundle(ledger)
