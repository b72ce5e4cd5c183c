"""The key store: outside every case, sealed, and loud when it is not what it should be."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.ledger.errors import CustodyError, KeyLockedError
from custody.ledger.signing import key_id, public_key_of
from custody.people import Home, Person, quoted

PASSPHRASE = "three invented words"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def person(home: Home) -> Person:
    return home.make_person('Ana "Anči" Kovač\\', "Lab of Examples", "examiner", PASSPHRASE)


def test_a_person_is_found_again_and_their_key_opens(home: Home, person: Person) -> None:
    assert home.people() == [person]
    key = home.entry_key(person.key, PASSPHRASE)
    assert key.key == person.key == key_id(*public_key_of(key.private))


def test_nothing_in_the_store_is_open_to_others_or_in_clear(home: Home, person: Person) -> None:
    assert (home.path / "keys").stat().st_mode & 0o077 == 0
    for path in (home.path / "keys").iterdir():
        assert path.stat().st_mode & 0o077 == 0
        assert PASSPHRASE.encode() not in path.read_bytes()
    (sealed,) = (home.path / "keys").glob("*.pem")
    assert b"ENCRYPTED" in sealed.read_bytes()
    assert sealed.name == f"{person.key.hex()[:32]}.pem"


def test_a_wrong_passphrase_or_an_absent_key_is_one_clear_line(home: Home, person: Person) -> None:
    with pytest.raises(KeyLockedError, match="does not open"):
        home.entry_key(person.key, "other words")
    with pytest.raises(KeyLockedError, match="is not in"):
        home.entry_key(bytes(32), PASSPHRASE)


def test_a_key_file_exchanged_for_another_is_noticed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first, second = (home.make_person(name, "Lab", "examiner", PASSPHRASE) for name in ("Ana", "Besa"))
    home._file(first.key, "pem").write_bytes(home._file(second.key, "pem").read_bytes())
    with pytest.raises(KeyLockedError, match="holds another key"):
        home.entry_key(first.key, PASSPHRASE)
    assert [person.name for person in home.people()] == ["Ana", "Besa"]


def test_the_keys_of_a_ledger(tmp_path: Path) -> None:
    home = Home(tmp_path)
    keys = home.make_ledger_keys(PASSPHRASE)
    first, second = key_id(*public_key_of(keys.ed25519)), key_id(*public_key_of(keys.mldsa))
    assert home.people() == []
    found = home.ledger_keys(first, second, PASSPHRASE)
    assert found is not None
    assert found.records() == keys.records()
    assert home.ledger_keys(first, bytes(32), PASSPHRASE) is None
    assert home.ledger_keys(bytes(32), second, PASSPHRASE) is None
    with pytest.raises(KeyLockedError, match="not of the kinds"):
        home.ledger_keys(second, first, PASSPHRASE)
    with pytest.raises(KeyLockedError, match="not one that signs entries"):
        home.entry_key(second, PASSPHRASE)


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\xff",
        b"not TOML",
        b'name = "A"\nagency = "B"\nrole = "C"\nkey = "xy"\n',
        b'name = "A"\nagency = "B"\nrole = "C"\nkey = 7\n',
    ],
)
def test_a_damaged_record_is_one_clear_line(tmp_path: Path, record: bytes) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "ab.toml").write_bytes(record)
    with pytest.raises(CustodyError, match="unreadable") as caught:
        Home(tmp_path).people()
    assert "\n" not in str(caught.value)


def test_a_name_that_is_not_text_makes_no_key(tmp_path: Path) -> None:
    with pytest.raises(CustodyError):
        Home(tmp_path).make_person("Ana \udcff", "Lab", "examiner", PASSPHRASE)
    assert not list(tmp_path.iterdir())


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_reads_back_from_toml(text: str) -> None:
    assert tomllib.loads(f"value = {quoted(text)}\n") == {"value": text}


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({"EVIKIT_HOME": "/keys/of/ana"}, "/keys/of/ana"),
        ({"EVIKIT_HOME": "", "XDG_DATA_HOME": "/data"}, "/data/evikit"),
        ({"EVIKIT_HOME": "~/keys"}, "/home/ana/keys"),
        ({}, "/home/ana/.local/share/evikit"),
    ],
)
def test_where_the_store_is(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], place: str) -> None:
    for name in ("EVIKIT_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/ana", **variables}.items():
        monkeypatch.setenv(name, value)
    assert Home.default().path == Path(place)
