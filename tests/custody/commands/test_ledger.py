"""`evikit ledger` and `evikit note`: the record read, verified, lodged, copied; and what befalls its file."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path
from unittest import mock

import pytest

from tests.console import EXAMINER, Lab, finished, wait_for

FIELDS = {"index", "entry", "type", "at", "actor", "exhibit", "purpose", "outcome", "tool"}


def ledger_file(lab: Lab) -> Path:
    return lab.case / "ledger.sqlite"


# --- reading -----------------------------------------------------------------------------------------------


def test_log_has_the_fields_of_the_contract(furnished: Lab) -> None:
    lines = furnished.log()
    assert all(line.keys() >= FIELDS for line in lines)
    assert [line["index"] for line in lines] == list(range(len(lines)))
    begin = next(line for line in lines if line["type"] == "access.begin")
    assert begin["purpose"] == "find the couriers"
    assert begin["actor"] == EXAMINER
    assert begin["exhibit"] == "AH/1"
    assert begin["at"].endswith("Z")
    assert begin["tool"].startswith("evikit ")
    assert next(line for line in lines if line["type"] == "access.end")["outcome"] == "completed"


def test_log_of_one_exhibit(furnished: Lab) -> None:
    assert {line["exhibit"] for line in furnished.log("--exhibit", "AH/2")} == {"AH/2"}
    furnished.run("ledger", "log", "--exhibit", "ZZ/1").refused(1, "there is no exhibit 'ZZ/1'", "AH/1, AH/2")


def test_the_table_fits_and_shows_controls(lab: Lab) -> None:
    assert lab.run("note", "see\x1b[31m\nred \u202eabc").code == 0
    told = lab.run("ledger", "log")
    assert "see\\x1b[31m\\x0ared \\u202eabc" in told.out
    assert "\x1b" not in told.out


def test_verify_with_and_without_an_anchor(furnished: Lab) -> None:
    alone = furnished.run("ledger", "verify", "--json")
    assert alone.code == 0
    assert alone.json["verdict"] == "INTACT WITH NOTES"
    assert any("no anchor" in line for line in alone.json["not_checked"])
    assert alone.json["checked"]["signatures"] == alone.json["checked"]["entries"] > 0
    assert alone.json["problems"] == []
    people = furnished.run("ledger", "verify").out
    assert people.splitlines()[0] == "INTEGRITY  INTACT WITH NOTES"
    assert people.splitlines()[2].startswith("HANDLING ")


def test_a_kept_checkpoint_is_an_anchor_and_so_is_its_fingerprint(lab: Lab) -> None:
    told = lab.run("ledger", "checkpoint", "-o", lab.folder / "kept.txt", "--json").json
    lab.run("note", "later")
    for anchor in (str(lab.folder / "kept.txt"), told["fingerprint"], told["fingerprint"].upper()):
        verdict = lab.run("ledger", "verify", "--anchor", anchor, "--json")
        assert (verdict.code, verdict.json["verdict"], verdict.json["anchored"]) == (0, "INTACT", True)


def test_checkpoints_are_not_written_over(lab: Lab) -> None:
    target = lab.folder / "kept.txt"
    assert lab.run("ledger", "checkpoint", "-o", target).code == 0
    lab.run("ledger", "checkpoint", "-o", target).refused(1, "exists already")
    told = lab.run("ledger", "checkpoint", "--json").json
    assert Path(told["file"]).read_text("utf-8") == told["checkpoint"]


def test_a_ledger_made_anew_does_not_match_the_anchor(lab: Lab, tmp_path: Path) -> None:
    other = Lab(tmp_path / "other")
    other.begin()
    kept = lab.run("ledger", "checkpoint", "--json").json
    told = other.run("ledger", "verify", "--anchor", kept["file"], "--json")
    assert (told.code, told.json["verdict"]) == (3, "BROKEN")
    told = other.run("ledger", "verify", "--anchor", kept["fingerprint"])
    assert told.code == 3
    assert "Failed" in told.out


@pytest.mark.parametrize("anchor", ["nowhere.txt", "00", "."])
def test_anchors_that_are_none(anchor: str, furnished: Lab) -> None:
    furnished.run("ledger", "verify", "--anchor", anchor).refused(1, "cannot be read")


def test_files_that_are_no_anchor(case: Lab) -> None:
    junk = case.put("junk", b"\x00\xff" * 100)
    case.run("ledger", "verify", "--anchor", junk).refused(1, "unusable", "which file you named")
    case.run("ledger", "verify", "--trust", junk).refused(1, "unusable", "which file you named")


def test_backup_is_verified_and_never_written_over(furnished: Lab, tmp_path: Path) -> None:
    target = tmp_path / "copy.sqlite"
    told = furnished.run("ledger", "backup", target, "--json")
    assert told.code == 0
    assert told.json["verdict"] == "INTACT WITH NOTES"
    furnished.run("ledger", "backup", target).refused(1, "exists already")
    furnished.run("ledger", "backup", tmp_path / "no" / "folder").refused(1, "cannot be opened")


# --- the file ----------------------------------------------------------------------------------------------


def broken(lab: Lab, reason: str) -> None:
    """`ledger verify` ends with 3 and the reason, whether as a verdict or because nothing could be opened at all."""
    told = lab.run("ledger", "verify")
    assert told.code == 3, told
    assert "Traceback" not in told.err
    assert "BROKEN" in told.out or told.err.startswith("evikit: ")
    assert reason in told.out + told.err


def test_a_truncated_ledger(case: Lab) -> None:
    with ledger_file(case).open("r+b") as file:
        file.truncate(5000)
    for words in (["files"], ["note", "x"], ["ledger", "log"]):
        case.run(*words).refused(3, "damaged", "Restore it from a backup")
    broken(case, "damaged")


@pytest.mark.parametrize("offset", [16, 100, 4096, 20000])
def test_overwritten_pages_are_no_crash(offset: int, case: Lab) -> None:
    with ledger_file(case).open("r+b") as file:
        file.seek(offset)
        file.write(b"\xa5" * 600)
    told = case.run("ledger", "verify")
    assert told.code in (1, 3), told
    assert "Traceback" not in told.err


def test_a_file_that_is_no_database(case: Lab) -> None:
    ledger_file(case).write_bytes(b"not a database, but long enough to be looked at" * 100)
    broken(case, "damaged")
    case.run("ledger", "log").refused(3, "damaged")
    ledger_file(case).unlink()
    case.run("ledger", "verify").refused(1, "there is no ledger")
    with sqlite3.connect(ledger_file(case)) as other:
        other.execute("CREATE TABLE something (else_ TEXT)")
    broken(case, "another database")
    case.run("ledger", "log").refused(3, "another database")


def test_a_changed_entry_is_broken(case: Lab) -> None:
    with sqlite3.connect(ledger_file(case)) as file:
        file.execute("DROP TRIGGER entry_never_changes")
        (payload,) = file.execute("SELECT payload FROM entry WHERE idx = 4").fetchone()
        file.execute("UPDATE entry SET payload = ? WHERE idx = 4", (payload.replace(b"access", b"excess"),))
    told = case.run("ledger", "verify", "--json")
    assert (told.code, told.json["verdict"]) == (3, "BROKEN")
    assert told.json["problems"]


@pytest.mark.parametrize(("revision", "said"), [("9999", "newer"), ("0001", "older"), ("0000", "no evikit wrote")])
def test_ledgers_of_other_revisions(revision: str, said: str, case: Lab) -> None:
    with sqlite3.connect(ledger_file(case)) as file:
        file.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    for words in (["ledger", "log"], ["files"], ["note", "x"]):
        case.run(*words).refused(1, said)


def test_an_older_copy_put_back_is_noticed(case: Lab) -> None:
    older = case.folder / "older.sqlite"
    shutil.copyfile(ledger_file(case), older)
    assert case.run("note", "what will be taken away").code == 0
    for path in case.case.glob("ledger.sqlite*"):
        path.unlink()
    shutil.copyfile(older, ledger_file(case))
    broken(case, "")
    case.run("note", "x").refused(3)


def test_case_toml_that_cannot_be_read(case: Lab) -> None:
    (case.case / "case.toml").write_bytes(b"\xff\xfe = [")
    case.run("files").refused(1, "case.toml cannot be read", "Repair the file")


# --- others at the same time, and media that cannot be written -----------------------------------------------


def test_two_processes_write_in_one_case(lab: Lab) -> None:
    both = [lab.start("note", f"by process {number}", "--json") for number in range(2)]
    told = [finished(process) for process in both]
    assert [one.code for one in told] == [0, 0], told
    assert {one.json["entry"] for one in told} < {"2", "3", "4"}
    assert lab.run("ledger", "verify").code == 0
    assert sum(line["type"] == "note" for line in lab.log()) == 2


def test_a_ledger_that_is_held_is_said_to_be_busy(lab: Lab) -> None:
    holder = sqlite3.connect(ledger_file(lab), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    real = sqlite3.connect
    with mock.patch("sqlite3.connect", lambda *args, **options: real(*args, **{**options, "timeout": 0.1})):
        lab.run("note", "x").refused(1, "another process is writing", "then try again")
        assert lab.run("ledger", "log").code == 0
    holder.close()


def _read_only(lab: Lab) -> Lab:
    """The case folder bind-mounted read-only: root ignores modes."""
    done = subprocess.run(["mount", "--bind", lab.case, lab.case], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("mount is not permitted here")
    subprocess.run(["mount", "-o", "remount,bind,ro", lab.case], check=True)
    return lab


@pytest.fixture
def read_only(case: Lab):  # type: ignore[no-untyped-def]
    try:
        yield _read_only(case)
    finally:
        subprocess.run(["umount", case.case], capture_output=True, check=False)


READING = (
    ["volumes"],
    ["files", "--json"],
    ["timeline"],
    ["artefacts"],
    ["ledger", "log"],
    ["ledger", "verify"],
)


def test_a_case_on_read_only_media_is_read(read_only: Lab) -> None:
    for words in READING:
        told = read_only.run(*words)
        assert told.code == 0, told
        assert "cannot be written" in told.err
    for words in (["note", "x"], ["verify", "--all"], ["timeline", "-o", str(read_only.folder / "list")]):
        told = read_only.run(*words)
        told.refused(1)
        assert "readonly" in told.err or "cannot be" in told.err or "could not" in told.err


def test_a_leftover_wal_on_read_only_media_is_read_too(case: Lab) -> None:
    process = case.start("note", "stands in the log only")
    assert finished(process).code == 0
    holder = sqlite3.connect(ledger_file(case))  # a reader that was there: the log is not folded back
    holder.execute("SELECT count(*) FROM entry").fetchall()
    holder.execute("BEGIN")
    holder.execute("SELECT count(*) FROM entry").fetchall()
    assert case.run("note", "stands in the log only").code == 0
    kept = case.folder / "kept"
    kept.mkdir()
    for path in case.case.glob("ledger.sqlite*"):
        shutil.copyfile(path, kept / path.name)
    holder.close()
    for path in kept.iterdir():
        if not path.name.endswith("-shm"):
            shutil.copyfile(path, case.case / path.name)
    (case.case / "ledger.sqlite-shm").unlink(missing_ok=True)
    assert (case.case / "ledger.sqlite-wal").stat().st_size > 0
    real = os.access
    with mock.patch("os.access", lambda path, mode: False if mode == os.W_OK else real(path, mode)):
        told = case.run("ledger", "log", "--json")
    assert told.code == 0, told
    assert "copied aside" in told.err
    assert sum(line["purpose"] == "stands in the log only" for line in told.lines) == 2


# --- notes -------------------------------------------------------------------------------------------------


def test_notes_and_corrections(case: Lab) -> None:
    photo = case.put("photo.jpg", b"invented")
    told = case.run("note", "the seal was whole", "--exhibit", "AH/1", "--attach", photo, "--kind", "opinion", "--json")
    entry = told.json["entry"]
    assert told.code == 0
    assert len(list((case.case / "receipts" / "attachments").iterdir())) == 1
    fixed = case.run("correct", entry, "text", "--new", "the seal was torn", "--reason", "slip of the pen", "--json")
    assert fixed.code == 0
    answer = next(line for line in case.log("--exhibit", "AH/1") if line["type"] == "correct")
    assert answer["answers"] == [told.json["leaf"]]
    assert case.run("correct", told.json["leaf"][:12], "text", "--new", "a", "--reason", "b").code == 0


def test_notes_that_cannot_be(case: Lab) -> None:
    case.run("note", "x", "--exhibit", "ZZ").refused(1, "there is no exhibit 'ZZ'", "Registered: AH/1")
    case.run("note", "x", "--attach", case.folder / "none").refused(1, "cannot be read")
    case.program("note", b"bad\xff").refused(1, "not valid UTF-8")
    case.run("correct", "999", "text", "--new", "a", "--reason", "b").refused(1, "names no entry", "ledger log")
    case.run("correct", "2", "nosuch", "--new", "a", "--reason", "b").refused(1, "has no field 'nosuch'", "It has:")
    case.run("note", "x", EVIKIT_PASSPHRASE="wrong").refused(1, "does not open", "Try the passphrase again")
    case.run("--as", "Nobody Known", "note", "x").refused(1, "'Nobody Known' is not acting", "--as")


def test_a_process_that_dies_holds_nothing(lab: Lab) -> None:
    process = lab.start("note", "x")
    wait_for(lambda: process.poll() is not None or (lab.case / "ledger.sqlite-wal").exists())
    process.kill()
    process.communicate()
    assert lab.run("note", "after").code == 0
    assert lab.run("ledger", "verify").code == 0


# --- growth ------------------------------------------------------------------------------------------------


def test_growth_since_a_kept_checkpoint_is_verified_and_said_to_be_that(case: Lab, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    size = case.run("ledger", "checkpoint", "-o", kept, "--json").json["size"]
    case.run("note", "later", "--exhibit", "AH/1")
    told = case.run("ledger", "verify", "--since", kept, "--json")
    assert told.code == 0, told
    assert (told.json["verdict"], told.json["since"], told.json["handling"]) == ("INTACT WITH NOTES", size, None)
    assert [problem["kind"] for problem in told.json["problems"]] == ["growth"]
    assert told.json["checked"]["entries"] == int(told.json["size"]) - int(size) == 2
    people = case.run("ledger", "verify", "--since", kept).out
    assert f"INTEGRITY  INTACT WITH NOTES (growth only: after the first {size} entries)" in people
    assert "HANDLING   NOT CHECKED: it takes the whole ledger" in people


def test_growth_from_another_beginning_is_broken(case: Lab, lab: Lab, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    other = case.copied(tmp_path / "other")
    other.run("note", "as it suits")
    other.run("ledger", "checkpoint", "-o", kept)
    case.run("note", "as it was")
    case.run("note", "and more")
    told = case.run("ledger", "verify", "--since", kept, "--json")
    assert (told.code, told.json["verdict"]) == (3, "BROKEN")
    assert [problem["kind"] for problem in told.json["problems"]] == ["anchor"]
    verify = ("ledger", "verify", "--since")
    case.run(*verify, tmp_path / "none").refused(1, "cannot be read")
    case.run(*verify, case.case / "case.toml").refused(1, "is no checkpoint")
    assert case.run(*verify, kept, "--anchor", kept).code == 2
