"""`evikit ledger upgrade`, and what other commands say of a ledger that needs it."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.console import Lab
from tests.kit import aged

FIXTURES = Path(__file__).resolve().parents[2] / "data" / "ledgers"


@pytest.fixture
def old(tmp_path: Path) -> Lab:
    """A case and its key store as the evikit of revision 0001 left them."""
    lab = Lab(tmp_path / "lab")
    for name, folder in (("case", lab.case), ("keys", lab.home)):
        shutil.copytree(FIXTURES / "0001" / name, folder)
    return lab


def test_other_commands_name_it_and_verify_reads_on(old: Lab) -> None:
    for words in (["ledger", "log"], ["note", "x"], ["files"], ["bundle", "create", "-o", "b.json", "--for", "court"]):
        old.run(*words).refused(1, "revision 0001, older", "Run `evikit ledger upgrade`")
    told = old.run("ledger", "verify")
    assert told.code == 0
    assert "older revision 0001" in told.err
    assert "Failed" not in told.out


def test_upgrade(old: Lab) -> None:
    told = old.run("ledger", "upgrade", "--json")
    assert told.code == 0, told
    said = told.json
    assert {name: said[name] for name in ("revision", "from", "upgraded", "kept")} == {
        "revision": "0002",
        "from": "0001",
        "upgraded": True,
        "kept": "ledger.sqlite.0001",
    }
    assert said["size"] == said["entry"] == "31"
    verified = old.run("ledger", "verify", "--anchor", said["fingerprint"], "--json")
    assert (verified.code, verified.json["verdict"]) == (0, "INTACT WITH NOTES")
    assert old.log()[31]["purpose"].startswith("the ledger was upgraded from revision 0001 to 0002")
    assert old.run("note", "work goes on").code == 0
    again = old.run("ledger", "upgrade", EVIKIT_PASSPHRASE=None)
    assert (again.code, again.out.strip()) == (0, "the ledger is of the newest revision already (0002)")


def test_upgrade_for_people(old: Lab) -> None:
    told = old.run("ledger", "upgrade")
    assert told.out.splitlines()[0] == "upgraded from revision 0001 to 0002: the same 31 entries, verified"
    assert "ledger.sqlite.0001" in told.out
    assert told.err == ""


def test_what_is_not_upgraded(old: Lab) -> None:
    path = old.case / "ledger.sqlite"
    old.run("ledger", "upgrade", EVIKIT_PASSPHRASE="wrong").refused(1, "does not open", "Try the passphrase again")
    with sqlite3.connect(path) as file:
        file.execute("DROP TRIGGER entry_never_changes")
    old.run("ledger", "upgrade").refused(3, "does not verify: entry_never_changes", "Nothing was changed")
    with sqlite3.connect(path) as file:
        file.execute("UPDATE alembic_version SET version_num = '9999'")
    old.run("ledger", "upgrade").refused(1, "newer", "Install a newer evikit")
    path.unlink()
    old.run("ledger", "upgrade").refused(1, "there is no ledger")


def test_a_frozen_ledger_says_that_no_note_stands_in_it(lab: Lab) -> None:
    assert lab.run("ledger", "freeze", "--reason", "the case is closed", "--yes").code == 0
    aged(lab.case / "ledger.sqlite")
    told = lab.run("ledger", "upgrade")
    assert told.code == 0, told
    assert "frozen" in told.err
    assert lab.run("ledger", "verify").code == 0
