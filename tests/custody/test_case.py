"""A case: one folder, one ledger, the people who write in it; and the history this machine saw last."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from custody.case import Case, find_case, zone_of
from custody.exhibits import exhibits, find_exhibit, media_digests, need_exhibit, outcomes
from custody.ledger.audit import audit
from custody.ledger.entry import Json
from custody.ledger.errors import CustodyError, IntegrityError, KeyLockedError
from custody.ledger.note import fingerprint, parse_note
from custody.ledger.verdict import Trust
from custody.moment import claimed
from custody.opened import values_of
from custody.people import Home, Person

PASSPHRASE = "three invented words"
NOON = 1_700_000_000_123_456_789


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def person(home: Home) -> Person:
    return home.make_person("Ana Kovač", "Lab of Examples", "examiner", PASSPHRASE)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, home: Home, person: Person) -> Path:
    """A case just begun: made once, copied for every test. Its head is kept in `home`."""
    path = tmp_path_factory.mktemp("made") / "case"
    with Case.create(
        path,
        home,
        person,
        PASSPHRASE,
        number='C "1"',
        agency="Lab",
        zone="Europe/Belgrade",
        title="Rasti",
        clock=lambda: NOON,
    ) as case:
        assert case.ledger.size == 2
    return path


@pytest.fixture
def own_home(home: Home, tmp_path: Path, made: Path) -> Home:
    """The key store with heads of its own: the copies of `made` share one ledger id."""
    shutil.copytree(home.path, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture
def case(made: Path, own_home: Home, tmp_path: Path) -> Iterator[Case]:
    shutil.copytree(made, tmp_path / "case")
    with Case.open(tmp_path / "case", own_home, writable=True, clock=lambda: NOON) as case:
        case.unlock(None, lambda: PASSPHRASE)
        yield case


def test_a_new_case_has_its_folders_and_a_ledger_that_holds(case: Case) -> None:
    names = {path.name for path in case.path.iterdir()} - {"ledger.sqlite-wal", "ledger.sqlite-shm"}
    assert names == {"case.toml", "ledger.sqlite", "evidence", "derived", "extracted", "reports", "receipts"}
    facts = tomllib.loads((case.path / "case.toml").read_text())
    assert (facts["number"], facts["title"], case.zone) == ('C "1"', "Rasti", "Europe/Belgrade")
    assert case.receipts == case.path / "receipts"
    verdict = audit(case.ledger, Trust())
    assert not verdict.failed
    assert verdict.kind == "live"
    genesis = next(case.ledger.rows(0, 1))
    opened = values_of(genesis)
    assert opened["case"] == {"number": 'C "1"', "agency": "Lab", "title": "Rasti", "zone": "Europe/Belgrade"}
    assert opened["actor"] == "Ana Kovač"
    assert opened["claimed_at"] == "2023-11-14T22:13:20.123456789Z"


def test_what_is_recorded_says_who_when_and_with_what(case: Case) -> None:
    n = case.register({"ref": "AH/1"})
    recorded = case.record("note", n, {"text": "seal renewed"})
    row = case.find_entry(str(recorded.index))
    assert row.leaf == recorded.leaf
    assert row.entry.seen_root == recorded.seen_root
    opened = values_of(row)
    assert {opened[name] for name in ("actor", "agency", "role", "text") if isinstance(opened[name], str)} == {
        "Ana Kovač", "Lab of Examples", "examiner", "seal renewed",
    }  # fmt: skip
    assert isinstance(opened["tool"], dict)
    assert opened["tool"]["name"] == "evikit"
    assert isinstance(opened["clock"], dict)
    assert opened["clock"]["zone"] == "Europe/Belgrade"


def test_an_entry_is_found_by_number_or_the_beginning_of_its_leaf(case: Case) -> None:
    row = next(case.ledger.rows(1, 2))
    assert case.find_entry("1") == case.find_entry(row.leaf.hex()) == case.find_entry(row.leaf.hex()[:8]) == row
    for given in ("9", "", "-1", "x", row.leaf.hex()[:7], "0" * 64, "٣", "²"):
        with pytest.raises(CustodyError, match="names no entry"):
            case.find_entry(given)


def test_checkpoints_cover_what_stands_and_are_not_made_twice(case: Case) -> None:
    before = case.fingerprint()
    size = case.ledger.size
    case.seal()
    assert case.ledger.size == size  # nothing new to cover
    case.record("note", 0, {})
    assert case.seal()
    assert case.fingerprint() != before
    assert case.fingerprint() == fingerprint(parse_note(case.ledger.notes()[-1]).checkpoint)


def test_without_the_ledgers_keys_entries_wait_for_a_checkpoint(case: Case) -> None:
    pub = case.genesis.pub["policy"]["ledger_keys"]
    assert len(pub) == 2
    for sealed in (case.home.path / "keys").glob("*.pem"):
        if case.person is not None and not sealed.name.startswith(case.person.key.hex()[:32]):
            sealed.unlink()
    case.unlock(None, lambda: PASSPHRASE)
    case.record("note", 0, {})
    assert case.checkpoint() is None
    assert not audit(case.ledger, Trust()).failed


def test_nobody_writes_without_a_key(made: Path, own_home: Home) -> None:
    with Case.open(made, own_home, writable=True) as case, pytest.raises(KeyLockedError, match="no key is open"):
        case.record("note", 0, {})


def test_who_acts_must_be_clear(case: Case, own_home: Home) -> None:
    with pytest.raises(KeyLockedError, match="'Besa' is not acting"):
        case.unlock("Besa", lambda: PASSPHRASE)
    own_home.make_person("Besa", "Lab", "examiner", PASSPHRASE)
    assert case.unlock(None, lambda: PASSPHRASE).name == "Ana Kovač"  # Besa's key is here, but not enrolled
    with pytest.raises(KeyLockedError, match="does not open"):
        case.unlock("Ana Kovač", lambda: "other words")
    empty = Case(case.path, case.ledger, Home(own_home.path / "none"))
    with pytest.raises(KeyLockedError, match="nobody is acting"):
        empty.unlock(None, lambda: PASSPHRASE)


# --- 8: put back ----------------------------------------------------------------------------------------


def test_8_a_case_put_back_whole_is_refused(case: Case, tmp_path: Path) -> None:
    case.ledger.copy_to(tmp_path / "older.sqlite")
    case.record("note", 0, {"text": "the seal was found broken"})
    case.seal()
    case.close()
    (tmp_path / "older.sqlite").replace(case.path / "ledger.sqlite")
    for writable in (True, False):
        with pytest.raises(IntegrityError, match="saw last") as caught:
            Case.open(case.path, case.home, writable=writable)
        assert caught.value.advice


# --- wrong use ------------------------------------------------------------------------------------------


def test_a_folder_that_is_no_case_is_told_in_one_line(tmp_path: Path, own_home: Home, case: Case) -> None:
    with pytest.raises(CustodyError, match="has no case"):
        Case.open(tmp_path, own_home, writable=False)
    for content, said in ((None, "no case.toml"), ("= nothing", "cannot be read")):
        path = case.path / "case.toml"
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_text(content)
        with pytest.raises(CustodyError, match=said) as caught:
            Case.open(case.path, own_home, writable=False)
        assert "\n" not in str(caught.value)


def refused(path: Path, home: Home, person: Person, said: str, **changes: str) -> None:
    facts: dict[str, Any] = {"number": "C-2", "agency": "Lab", "zone": "UTC", **changes}
    with pytest.raises(CustodyError, match=said) as caught:
        Case.create(path, home, person, PASSPHRASE, **facts)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_begun_leaves_no_half_a_case(tmp_path: Path, own_home: Home, person: Person, made: Path) -> None:
    new = tmp_path / "new"
    refused(made, own_home, person, "there is a case", domain="lab.example")
    refused(new, own_home, person, "no time zone", zone="Mars/Base")
    refused(new, own_home, person, "no domain name", domain="a b")
    refused(tmp_path, own_home, person, "inside the case")
    (tmp_path / "file").touch()
    refused(tmp_path / "file", own_home, person, "cannot be made")
    assert not new.exists()
    refused(new, own_home, person, "UTF-8", title="\udcff")
    assert not (new / "case.toml").exists()
    assert not (new / "ledger.sqlite").exists()
    with Case.create(
        new, own_home, person, PASSPHRASE, number="C-2", agency="Lab", zone="UTC", kind="exercise"
    ) as case:
        assert audit(case.ledger, Trust()).kind == "exercise"


def test_a_beginning_that_fails_leaves_nothing_in_the_way(
    tmp_path: Path, own_home: Home, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Case) -> None:
        raise CustodyError("the disk is full")

    new = tmp_path / "new"
    with monkeypatch.context() as patched:
        patched.setattr(Case, "checkpoint", fail)
        refused(new, own_home, person, "disk is full")
    assert not [path for path in new.iterdir() if path.is_file()]
    with Case.create(new, own_home, person, PASSPHRASE, number="C-2", agency="Lab", zone="UTC") as case:
        assert case.ledger.size == 2


def test_the_nearest_case_upward_is_found(case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(case.path / "reports")
    assert find_case(None) == case.path
    assert find_case("elsewhere") == case.path / "reports" / "elsewhere"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CustodyError, match="no case here"):
        find_case(None)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (NOON, "2023-11-14T22:13:20.123456789Z"),
        (999_999_999, "1970-01-01T00:00:00.999999999Z"),
    ],
)
def test_claimed_times_have_nine_digits(nanoseconds: int, text: str) -> None:
    assert claimed(nanoseconds) == text


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../UTC", "Europe", "\0", "Europe/Belgrad"])
def test_other_names_are_no_time_zone(name: str) -> None:
    with pytest.raises(CustodyError, match="no time zone"):
        zone_of(name)


# --- exhibits -------------------------------------------------------------------------------------------


def test_exhibits_are_what_their_registrations_say(case: Case) -> None:
    first = case.register(
        {"ref": "AH/1", "kind": "image", "description": "disk", "state": "best-evidence", "parent": None}
    )
    second = case.register({"ref": "AH/2"})
    assert [(item.n, item.ref, item.kind, item.parent) for item in exhibits(case)] == [
        (first, "AH/1", "image", ""), (second, "AH/2", "", ""),
    ]  # fmt: skip
    assert find_exhibit(case, "AH/2") == need_exhibit(case, "AH/2")
    assert find_exhibit(case, "AH/9") is None
    with pytest.raises(CustodyError, match="no exhibit 'AH/9'") as caught:
        need_exhibit(case, "AH/9")
    assert "AH/1, AH/2" in caught.value.advice


def test_digests_of_an_exhibit_are_those_of_its_first_whole_reading(case: Case) -> None:
    n, other = case.register({"ref": "AH/1"}), case.register({"ref": "AH/2"})

    def read(exhibit: int, **values: Json) -> None:
        begin = case.record("access.begin", exhibit, {})
        case.record("access.end", exhibit, values, re=[begin.leaf])

    assert media_digests(case, n) == {}
    read(n, basis="chunks", media_digests={"md5": "00"})
    read(n, basis="whole")
    read(other, basis="whole", media_digests={"md5": "22"})
    assert media_digests(case, n) == {}
    read(n, basis="whole", media_digests={"md5": "33"}, match=False)  # a mismatch does not change what was there
    read(n, basis="whole", media_digests={"md5": "44"})
    assert media_digests(case, n) == {"md5": "33"}
    assert len(list(outcomes(case, n))) == 4


def test_a_case_folder_is_known_to_be_writable_or_not(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    from custody.case import writable

    assert writable(case.path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert not writable(case.path)
