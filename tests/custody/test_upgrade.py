"""Upgrading a case: the act is recorded by the person who does it, before the new ledger takes its place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from custody.case import Case
from custody.ledger import upgrade as files
from custody.ledger.audit import audit
from custody.ledger.errors import CustodyError, IntegrityError, KeyLockedError, LedgerVersionError
from custody.ledger.schema import REVISION
from custody.ledger.store import Ledger
from custody.ledger.verdict import Trust
from custody.opened import values_of
from custody.people import Home
from custody.upgrade import upgrade_case
from tests.custody.cases import PASSPHRASE, case_with_two
from tests.kit import aged

__all__ = ["case_with_two"]

FIXTURES = Path(__file__).resolve().parents[1] / "data" / "ledgers"


@pytest.fixture
def old(tmp_path: Path) -> tuple[Path, Home]:
    """Case and key store as the evikit of revision 0001 left them."""
    shutil.copytree(FIXTURES / "0001", tmp_path / "old")
    return tmp_path / "old" / "case", Home(tmp_path / "old" / "keys")


def secret() -> str:
    return PASSPHRASE


def test_an_upgrade_stands_in_the_ledger(old: tuple[Path, Home]) -> None:
    folder, home = old
    done = upgrade_case(folder, home, None, secret)
    assert done is not None
    with Case.open(folder, home, writable=True) as case:
        assert not audit(case.ledger, Trust()).failed
        note, closing = list(case.ledger.rows(done.change.size))
        values = values_of(note)
        assert (note.index, note.entry.type, note.entry.x and note.entry.x.n) == (done.entry, "note", 0)
        assert values["kind"] == "upgrade"
        assert values["actor"] == "Ana Kovač"
        assert values["attachments"] == [{"name": "ledger.sqlite.0001", "sha256": done.change.sha256}]
        assert closing.entry.type == "closing"
        assert case.fingerprint() == done.fingerprint
        assert home.heads.load(case.ledger.id) == (case.ledger.size, case.ledger.root)
        case.unlock(None, secret)
        case.record("note", 0, {"text": "work goes on"})
    assert upgrade_case(folder, home, None, secret) is None


def test_until_it_is_upgraded_nothing_else_is_done_with_it(old: tuple[Path, Home]) -> None:
    folder, home = old
    for writable in (True, False):
        with pytest.raises(LedgerVersionError, match="revision 0001, older") as caught:
            Case.open(folder, home, writable=writable)
        assert "evikit ledger upgrade" in caught.value.advice


def test_a_wrong_passphrase_or_person_changes_nothing(old: tuple[Path, Home]) -> None:
    folder, home = old
    before = (folder / "ledger.sqlite").read_bytes()
    for name, word in ((None, "wrong"), ("Nobody Known", PASSPHRASE)):
        with pytest.raises(KeyLockedError):
            upgrade_case(folder, home, name, lambda word=word: word)  # type: ignore[misc]
    assert (folder / "ledger.sqlite").read_bytes() == before


def test_a_case_put_back_is_not_upgraded(old: tuple[Path, Home]) -> None:
    folder, home = old
    upgrade_case(folder, home, None, secret)
    kept = folder / "ledger.sqlite.0001"
    kept.replace(folder / "ledger.sqlite")
    with pytest.raises(IntegrityError, match="does not contain the history"):
        upgrade_case(folder, home, None, secret)
    assert files.revision_at(folder / "ledger.sqlite") == "0001"


def test_stopped_before_the_exchange_the_old_case_opens_as_ever(
    old: tuple[Path, Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head with the note in it is kept only once the ledger that has the note stands."""
    folder, home = old
    before = {path: path.read_bytes() for path in (home.path / "heads").iterdir()}

    def fail(*_: object) -> None:
        raise CustodyError("stopped")

    monkeypatch.setattr(files, "_take_after", fail)
    with pytest.raises(CustodyError, match="stopped"):
        upgrade_case(folder, home, None, secret)
    assert {path: path.read_bytes() for path in (home.path / "heads").iterdir()} == before
    monkeypatch.undo()
    assert upgrade_case(folder, home, None, secret) is not None


def test_a_frozen_ledger_is_upgraded_without_a_note(case_with_two: Case) -> None:
    case = case_with_two
    case.record("freeze", 0, {"reason": "the case is closed"})
    case.checkpoint()
    size = case.ledger.size
    case.close()
    aged(case.path / "ledger.sqlite")
    done = upgrade_case(case.path, case.home, "Ana", secret)
    assert done is not None
    assert (done.entry, done.change.size) == (None, size)
    with Ledger.open(case.path / "ledger.sqlite", writable=False) as ledger:
        assert (ledger.size, ledger.revision) == (size, REVISION)
