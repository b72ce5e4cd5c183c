"""Closing, and the heads this machine keeps outside the case."""

from __future__ import annotations

from pathlib import Path

import pytest

from custody.ledger.checkpoint import KeptHeads, close, origin
from custody.ledger.entry import b64
from custody.ledger.errors import CustodyError, IntegrityError
from custody.ledger.note import parse_note, verify_checkpoint
from custody.ledger.signing import key_id, public_key_of, verify_entry
from tests.kit import DOMAIN, World, entry_key, ledger_keys


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "case")


@pytest.fixture
def heads(tmp_path: Path) -> KeptHeads:
    return KeptHeads(tmp_path / "home" / "heads")


def test_a_checkpoint_is_of_the_closing_entry_and_all_before_it(world: World) -> None:
    n = world.exhibit("AH/1")
    note = parse_note(close(world.ledger, world.keys, DOMAIN, {"claimed_at": "t"}, 1_700_000_000))
    head, closing = note.checkpoint, list(world.ledger.rows())[-1]
    assert head.origin == origin(DOMAIN, world.genesis.leaf) == f"lab.example/evikit/{world.genesis.leaf.hex()}"
    assert (head.size, head.root) == (3, world.ledger.root)
    assert closing.entry.type == "closing"
    assert closing.entry.seen_size == closing.index == 2
    assert closing.entry.pub["map_size"] == str(n + 1)
    assert closing.openings["claimed_at"].value == "t"
    assert verify_checkpoint(note, public_key_of(world.keys.ed25519)[1], public_key_of(world.keys.mldsa)[1]) == []
    assert world.ledger.notes() == [world.ledger.notes()[0]]


def test_keys_say_who_they_are() -> None:
    key = entry_key(1)
    algorithm, public = public_key_of(key.private)
    assert key.key == key_id(algorithm, public)
    assert verify_entry(algorithm, public, b"payload", key.sign_entry(b"payload"))
    records = [record for record in ledger_keys(1).records() if isinstance(record, dict)]
    assert [record["alg"] for record in records] == ["ed25519", "ml-dsa-44"]


def test_a_ledger_never_met_is_accepted_and_then_remembered(world: World, heads: KeptHeads) -> None:
    heads.validate(world.ledger)
    assert heads.load(world.ledger.id) is None
    heads.keep(world.ledger)
    assert heads.load(world.ledger.id) == (1, world.ledger.root)
    world.add("note", 0)
    heads.validate(world.ledger)
    assert heads.folder.stat().st_mode & 0o077 == 0


def test_an_older_head_never_replaces_a_newer_one(world: World, heads: KeptHeads) -> None:
    """Two processes append; the slower one keeps its head last."""
    from custody.ledger.store import Ledger

    with Ledger.open(world.path, writable=False) as slower:
        world.add("note", 0)
        heads.keep(world.ledger)
        heads.keep(slower)
    assert heads.load(world.ledger.id) == (2, world.ledger.root)


def test_a_ledger_put_back_is_refused(world: World, heads: KeptHeads, tmp_path: Path) -> None:
    from custody.ledger.store import Ledger

    world.ledger.copy_to(tmp_path / "older.sqlite")
    world.add("note", 0)
    heads.keep(world.ledger)
    with Ledger.open(tmp_path / "older.sqlite", writable=True) as older:
        with pytest.raises(IntegrityError, match="2 entries") as caught:
            heads.validate(older)
        assert "Keep both copies" in caught.value.advice
        world.ledger = older
        world.add("note", 0, {"text": "written after the restore"})
        with pytest.raises(IntegrityError):  # as long as before, but another history
            heads.validate(older)


UNREADABLE = [b"", b"[]", b"null", b"7", b"{}", b"\xff\xfe", b"[" * 99999, b'{"size": 1, "root": ""}']


@pytest.mark.parametrize("content", [*UNREADABLE, b'{"size": "1", "root": "QQ=="}'])
def test_a_kept_head_that_is_unreadable_stops_everything_in_one_line(
    world: World, heads: KeptHeads, content: bytes
) -> None:
    heads.keep(world.ledger)
    (heads.folder / world.ledger.id.hex()).write_bytes(content)
    with pytest.raises(CustodyError, match="unreadable") as caught:
        heads.validate(world.ledger)
    assert "\n" not in str(caught.value)


def test_a_kept_head_that_is_a_folder_is_unreadable(world: World, heads: KeptHeads) -> None:
    (heads.folder / world.ledger.id.hex()).mkdir(parents=True)
    with pytest.raises(CustodyError, match="unreadable"):
        heads.validate(world.ledger)


def test_what_is_kept_is_small_and_plain(world: World, heads: KeptHeads) -> None:
    heads.keep(world.ledger)
    text = (heads.folder / world.ledger.id.hex()).read_text()
    assert b64(world.ledger.root) in text
    assert len(text) < 200
