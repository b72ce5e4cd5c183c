"""`evikit init`: a case begins, or is refused without leaving anything behind."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from tests.console import EXAMINER, PASSPHRASE, Lab

WHO = ("--number", "C-1", "--agency", "Invented Agency", "--examiner", EXAMINER)


def test_a_case_is_its_folders_its_ledger_and_a_fingerprint_to_write_down(empty_lab: Lab) -> None:
    told = empty_lab.run("init", empty_lab.case, *WHO, "--zone", "Europe/Belgrade", "--kind", "exercise", "--json")
    assert told.code == 0, told
    assert told.json["number"] == "C-1"
    assert told.json["kind"] == "exercise"
    assert told.json["key_was_here"] is False
    assert len(told.json["fingerprint"]) == 64
    folders = {path.name for path in empty_lab.case.iterdir() if path.is_dir()}
    assert folders == {"evidence", "derived", "extracted", "reports", "receipts"}
    verdict = empty_lab.run("ledger", "verify", "--json", "--anchor", told.json["fingerprint"])
    assert verdict.json["verdict"] == "INTACT"


def test_no_private_key_lies_open_or_in_the_case(empty_lab: Lab) -> None:
    empty_lab.begin()
    keys = list((empty_lab.home / "keys").glob("*.pem"))
    assert len(keys) == 3  # the examiner's, and the ledger's two
    for path in keys:
        assert b"ENCRYPTED" in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0
    assert not list(empty_lab.case.rglob("*.pem"))


def test_the_second_case_uses_the_same_key(empty_lab: Lab) -> None:
    first = empty_lab.begin()
    told = empty_lab.run("init", empty_lab.folder / "second", *WHO, "--json")
    assert told.json["key_was_here"] is True
    assert first.code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--zone", "Mars/Base"], "there is no time zone 'Mars/Base'"),
        (["--domain", "Not A Domain"], "is no domain name"),
        (["--role", "wizard"], "there is no role 'wizard'"),
        (["--examiner", " "], "examiner's name is empty"),
        (["--number", "C\n1"], "control characters"),
        (["--agency", "\x1b[31m"], "control characters"),
    ],
)
def test_what_cannot_stand_is_refused_before_anything_is_made(words: list[str], said: str, empty_lab: Lab) -> None:
    empty_lab.run("init", empty_lab.case, *WHO, *words).refused(1, said)
    assert not empty_lab.case.exists()
    assert not empty_lab.home.exists()


def test_a_case_is_never_written_over(lab: Lab) -> None:
    before = (lab.case / "ledger.sqlite").read_bytes()
    lab.run("init", lab.case, *WHO).refused(1, "there is a case in", "Choose another folder")
    assert (lab.case / "ledger.sqlite").read_bytes() == before


def test_keys_are_never_inside_the_case(empty_lab: Lab) -> None:
    for place in (empty_lab.case / "keys", empty_lab.case / ".." / "case" / "keys"):
        told = empty_lab.run("init", empty_lab.case, *WHO, EVIKIT_HOME=str(place))
        told.refused(1, "the key store would be inside the case", "EVIKIT_HOME")


def test_the_passphrase_comes_from_the_environment_a_file_or_a_terminal(empty_lab: Lab) -> None:
    start = ("init", empty_lab.case, *WHO)
    empty_lab.run(*start, EVIKIT_PASSPHRASE=None).refused(1, "no terminal to ask on", "EVIKIT_PASSPHRASE")
    empty_lab.run(*start, EVIKIT_PASSPHRASE="").refused(1, "the passphrase is empty")
    missing = empty_lab.folder / "none"
    empty_lab.run(*start, EVIKIT_PASSPHRASE=None, EVIKIT_PASSPHRASE_FILE=str(missing)).refused(1, "cannot be read")
    assert not empty_lab.case.exists()
    file = empty_lab.folder / "passphrase"
    file.write_text(PASSPHRASE + "\n", "utf-8")
    assert empty_lab.run(*start, EVIKIT_PASSPHRASE=None, EVIKIT_PASSPHRASE_FILE=str(file)).code == 0
    assert empty_lab.run("note", "the same words open the key").code == 0


def test_a_wrong_passphrase_for_a_key_that_is_here(lab: Lab) -> None:
    second = lab.folder / "second"
    lab.run("init", second, *WHO, EVIKIT_PASSPHRASE="wrong").refused(1, "does not open this private key")
    assert not second.exists()


def test_a_folder_that_cannot_be_made(empty_lab: Lab) -> None:
    file = empty_lab.put("a-file", b"x")
    empty_lab.run("init", file / "case", *WHO).refused(1, "cannot be made", "Choose another folder")


def test_a_full_disk_leaves_no_half_case(lab: Lab) -> None:
    second = lab.folder / "second"

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    lab.program("init", second, *WHO, prepare=no_room).refused(1, "could not be written")
    assert not (second / "case.toml").exists()
    assert lab.run("init", second, *WHO).code == 0


def test_a_damaged_key_record_is_named(lab: Lab) -> None:
    record = next((lab.home / "keys").glob("*.toml"))
    record.chmod(0o600)
    record.write_text("not = [toml", "utf-8")
    lab.run("note", "x").refused(1, "key record", "Restore it from a backup")


def test_another_key_store_cannot_act(lab: Lab, tmp_path: Path) -> None:
    told = lab.run("note", "x", EVIKIT_HOME=str(tmp_path / "other"))
    told.refused(1, "nobody is acting", "EVIKIT_HOME")
    assert lab.run("ledger", "verify", EVIKIT_HOME=str(tmp_path / "other")).code == 0
    assert not os.path.lexists(tmp_path / "other" / "keys")
