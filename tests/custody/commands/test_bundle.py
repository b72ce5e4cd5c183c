"""`evikit bundle` and `evikit report`: what leaves the case, and what whoever receives it can find out."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from custody.ledger.store import Ledger
from custody.opened import values_of
from tests.console import Lab


@pytest.fixture(scope="module")
def released(furnished: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A case out of which a bundle and a report were made."""
    lab = furnished.copied(tmp_path_factory.mktemp("released"))
    lab.run("ledger", "checkpoint", "-o", lab.folder / "kept.txt")
    made = lab.run("bundle", "create", "-o", lab.folder / "bundle.json", "--for", "the defence", "--json")
    assert made.code == 0, made
    (lab.folder / "fingerprint.txt").write_text(made.json["fingerprint"], "utf-8")
    told = lab.run("report", "-o", lab.folder / "report", "--for", "the court")
    assert told.code == 0, told
    return lab


def stranger(lab: Lab, *words: str | Path) -> Any:
    """Someone with the bundle and nothing else: no case, no key store, no passphrase."""
    return lab.run(*words, EVIKIT_CASE=None, EVIKIT_HOME=str(lab.folder / "nothing"), EVIKIT_PASSPHRASE=None)


def bundle_of(lab: Lab) -> Path:
    return lab.folder / "bundle.json"


# --- verify and show ---------------------------------------------------------------------------------------


def test_a_stranger_verifies_with_and_without_an_anchor(released: Lab) -> None:
    alone = stranger(released, "bundle", "verify", bundle_of(released), "--json")
    assert (alone.code, alone.json["verdict"]) == (0, "INTACT WITH NOTES")
    assert any("no anchor" in line for line in alone.json["not_checked"])
    fingerprint = (released.folder / "fingerprint.txt").read_text("utf-8")
    held = stranger(released, "bundle", "verify", bundle_of(released), "--anchor", fingerprint, "--json")
    assert (held.code, held.json["verdict"]) == (0, "INTACT")
    assert {"verdict", "checked", "problems", "not_checked"} <= held.json.keys()
    assert held.json["problems"] == [] or {"index", "kind", "explanation"} <= held.json["problems"][0].keys()
    assert not (released.folder / "nothing").exists()


def test_a_trust_file(released: Lab) -> None:
    fingerprint = (released.folder / "fingerprint.txt").read_text("utf-8")
    ledger = stranger(released, "bundle", "verify", bundle_of(released), "--json").json["ledger"]
    since = released.folder / "report" / "bundle.json"
    trust = released.put("trust.json", json.dumps({"ledgers": [ledger]}, indent=2).encode())
    words = ("bundle", "verify", bundle_of(released), "--trust", trust, "--json")
    assert stranger(released, *words).json["verdict"] == "INTACT WITH NOTES"
    assert stranger(released, *words, "--anchor", fingerprint).json["verdict"] == "INTACT"
    other = released.put("other.json", json.dumps({"ledgers": ["0" * 64]}).encode())
    told = stranger(released, "bundle", "verify", bundle_of(released), "--trust", other, "--json")
    assert (told.code, told.json["verdict"]) == (3, "BROKEN")
    wrong = released.put("wrong.json", json.dumps({"ledgers": "all"}).encode())
    stranger(released, "bundle", "verify", since, "--trust", wrong).refused(1, "not a trust file", "which file")


def test_an_anchor_of_another_ledger(released: Lab, empty_lab: Lab) -> None:
    empty_lab.begin()
    other = empty_lab.run("ledger", "checkpoint", "--json").json
    for anchor in (other["fingerprint"], other["file"]):
        told = stranger(released, "bundle", "verify", bundle_of(released), "--anchor", anchor, "--json")
        assert (told.code, told.json["verdict"]) == (3, "BROKEN"), anchor


def test_show_lists_entries_and_what_is_withheld(released: Lab) -> None:
    lines = stranger(released, "bundle", "show", bundle_of(released), "--json").lines
    assert [line["type"] for line in lines[:2]] == ["genesis", "closing"]
    assert any(line["fields"].get("purpose") == "find the couriers" for line in lines)
    assert "withheld" in stranger(released, "bundle", "show", bundle_of(released)).out.splitlines()[0]


@pytest.mark.parametrize("length", [0, 1, 1000, -2])
def test_truncated_bundles(length: int, released: Lab, tmp_path: Path) -> None:
    data = bundle_of(released).read_bytes()
    cut = tmp_path / "cut.json"
    cut.write_bytes(data[:length])
    told = stranger(released, "bundle", "verify", cut, "--json")
    assert (told.code, told.json["verdict"]) == (3, "BROKEN")
    assert stranger(released, "bundle", "verify", cut).out.startswith("INTEGRITY  BROKEN")
    stranger(released, "bundle", "show", cut).refused(3, "does not verify", "bundle verify")


@pytest.mark.parametrize("junk", [b"\x00", b"[", b"\xff", b'{"a":'])
def test_a_hundred_megabytes_of_junk(junk: bytes, released: Lab, tmp_path: Path) -> None:
    path = tmp_path / "junk"
    path.write_bytes(junk * (100_000_000 // len(junk)))
    told = stranger(released, "bundle", "verify", path, "--json")
    assert (told.code, told.json["verdict"]) == (3, "BROKEN")


def test_no_bundle_at_all(released: Lab, tmp_path: Path) -> None:
    stranger(released, "bundle", "verify", tmp_path / "none").refused(1, "cannot be read", "Check the path")
    stranger(released, "bundle", "verify", tmp_path).refused(1, "cannot be read")
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(1 << 40)
    stranger(released, "bundle", "verify", huge).refused(1, "larger than any bundle")


def test_every_change_is_found(released: Lab, tmp_path: Path) -> None:
    data = bundle_of(released).read_bytes()
    path = tmp_path / "changed.json"
    for place in range(100, len(data), len(data) // 25):
        changed = bytearray(data)
        changed[place] ^= 1
        path.write_bytes(changed)
        told = stranger(released, "bundle", "verify", path, "--json")
        assert (told.code, told.json["verdict"]) == (3, "BROKEN"), place


# --- create ------------------------------------------------------------------------------------------------


def test_the_verifier_lies_beside_the_bundle_and_verifies_it(released: Lab, tmp_path: Path) -> None:
    beside = released.folder / "verify.py"
    words = [sys.executable, "-I", str(beside), str(bundle_of(released)), "--json"]
    told = json.loads(subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path).stdout)
    assert told["verdict"] == stranger(released, "bundle", "verify", bundle_of(released), "--json").json["verdict"]
    assert "python verify.py bundle.json" in (released.folder / "VERIFY.txt").read_text("utf-8")
    with Ledger.open(released.case / "ledger.sqlite", writable=False, refresh=False) as ledger:
        documents = [values_of(row).get("document") for row in ledger.rows_of("export")]
    recorded = {item["name"]: item["sha256"] for document in documents for item in document.get("beside", ())}
    for name in ("verify.py", "VERIFY.txt"):
        assert recorded[name] == hashlib.sha256((released.folder / name).read_bytes()).hexdigest()


def test_the_verifier_is_written_with_its_digest(released: Lab, tmp_path: Path) -> None:
    told = stranger(released, "bundle", "verifier", "-o", tmp_path / "verify.py", "--json").json
    data = (tmp_path / "verify.py").read_bytes()
    assert told["sha256"] == hashlib.sha256(data).hexdigest()
    assert data == (released.folder / "verify.py").read_bytes()
    stranger(released, "bundle", "verifier", "-o", tmp_path / "verify.py").refused(1, "exists already")
    stranger(released, "bundle", "verifier", "-o", tmp_path / "no" / "verify.py").refused(1, "cannot be written")
    shown = stranger(released, "bundle", "verifier", "-o", tmp_path / "again.py")
    assert "Lodge" in shown.err


def test_another_file_of_the_verifiers_name_is_not_overwritten(released: Lab, tmp_path: Path) -> None:
    lab = released.copied(tmp_path / "lab")
    before = len(lab.log())
    (tmp_path / "verify.py").write_text("mine", "utf-8")
    for name in ("new.json", "verify.py"):
        told = lab.run("bundle", "create", "-o", tmp_path / name, "--for", "the court")
        assert told.code == 1
    told.refused(1, "exists already")
    assert (tmp_path / "verify.py").read_text("utf-8") == "mine"
    assert len(lab.log()) == before


def test_one_exhibit_with_a_field_withheld(case: Lab) -> None:
    out = case.folder / "one.json"
    told = case.run("bundle", "create", "-o", out, "--for", "the defence", "--exhibit", "AH/2", "--withhold", "purpose")
    assert told.code == 0, told
    assert b"find the couriers" not in out.read_bytes()
    lines = stranger(case, "bundle", "show", out, "--json").lines
    shown = {line["index"] for line in lines if line["type"].startswith("access")}
    assert shown == {line["index"] for line in case.log("--exhibit", "AH/2")} & shown
    assert not any("purpose" in line["fields"] for line in lines)
    verdict = stranger(case, "bundle", "verify", out, "--json").json
    assert verdict["verdict"] == "INTACT WITH NOTES"
    assert sum(line["type"] == "export" for line in case.log()) == 2  # what is disclosed, and the file


def test_the_reading_of_a_single_file_is_proved(case: Lab) -> None:
    out = case.folder / "file.json"
    told = case.run("bundle", "create", "-o", out, "--for", "x", "--file", "AH/1:HELLO.TXT", "--file", "AH/2:auth.log")
    assert told.code == 0, told
    assert b"HELLO.TXT" in out.read_bytes()
    assert b"DEEP.BIN" not in out.read_bytes()
    assert stranger(case, "bundle", "verify", out).code == 0


def test_an_older_checkpoint_is_proved_to_be_part(released: Lab, tmp_path: Path) -> None:
    lab = released.copied(tmp_path / "lab")
    kept, out = released.folder / "kept.txt", lab.folder / "since.json"
    assert lab.run("bundle", "create", "-o", out, "--for", "x", "--since", kept).code == 0
    told = stranger(lab, "bundle", "verify", out, "--anchor", kept, "--json")
    assert (told.code, told.json["verdict"]) == (0, "INTACT")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--exhibit", "ZZ/9"], "there is no exhibit 'ZZ/9'"),
        (["--file", "AH/1:no/such"], "no recorded reading of this exhibit names 'no/such'"),
        (["--file", "nothing"], "there is no exhibit 'nothing'"),
        (["--since", "nowhere.txt"], "cannot be read"),
        (["--withhold", "no-such-field"], "no field is called 'no-such-field'"),
        (["--for", " "], "the recipient is empty"),
    ],
)
def test_what_cannot_be_disclosed_is_refused_unrecorded(words: list[str], said: str, case: Lab) -> None:
    before = len(case.log())
    case.run("bundle", "create", "-o", case.folder / "b.json", "--for", "x", *words).refused(1, said)
    assert len(case.log()) == before
    assert not (case.folder / "b.json").exists()


def test_nothing_is_written_over_or_into_nowhere(case: Lab) -> None:
    taken = case.put("taken", b"mine")
    before = len(case.log())
    case.run("bundle", "create", "-o", taken, "--for", "x").refused(1, "exists already", "nothing is overwritten")
    case.run("bundle", "create", "-o", case.folder / "no" / "b.json", "--for", "x").refused(1, "no folder")
    assert taken.read_bytes() == b"mine"
    assert len(case.log()) == before


# --- report ------------------------------------------------------------------------------------------------


def test_the_report_its_bundle_and_the_fingerprint_belong_together(released: Lab) -> None:
    folder = released.folder / "report"
    assert {path.name for path in folder.iterdir()} == {
        *("report.html", "report.pdf", "bundle.json", "fingerprint.txt"),
        *("verify.py", "VERIFY.txt"),
    }
    fingerprint = (folder / "fingerprint.txt").read_text("utf-8").strip()
    told = stranger(released, "bundle", "verify", folder / "bundle.json", "--anchor", fingerprint, "--json")
    assert (told.code, told.json["verdict"]) == (0, "INTACT")
    page = (folder / "report.html").read_text("utf-8")
    assert "INTACT" in page
    assert fingerprint in page.replace(" ", "").replace("<wbr>", "")
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "find the couriers" in page


def test_a_report_needs_a_folder_of_its_own(case: Lab) -> None:
    case.run("report", "-o", case.evidence).refused(1, "is not empty", "nothing is overwritten")
    file = case.put("a-file", b"x")
    told = case.run("report", "-o", file)
    told.refused(1)
    told = case.run("report", "-o", case.folder / "r", "--json")
    assert told.code == 0, told
    assert told.json.keys() >= {"verdict", "report", "bundle", "fingerprint"}
    assert Path(told.json["report"]).is_file()


def test_a_verifier_page_holds_no_case_and_overwrites_nothing(lab: Lab, tmp_path: Path) -> None:
    page = tmp_path / "verifier.html"
    told = stranger(lab, "bundle", "page", "-o", page, "--json")
    assert told.json["sha256"] == hashlib.sha256(page.read_bytes()).hexdigest()
    assert told.json["script"].encode() in page.read_bytes()
    stranger(lab, "bundle", "page", "-o", page).refused(1, "exists already")
    stranger(lab, "bundle", "page", "-o", tmp_path / "none" / "verifier.html").refused(1, "cannot be written")
