"""Composing bundles: what goes in, how small it stays, when it is refused."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest

from custody.ledger.bundle import manifest_leaf, verify_bundle
from custody.ledger.disclosure import RECENT_HEADS, compose_bundle, row_salt
from custody.ledger.entry import decode
from custody.ledger.errors import CustodyError
from custody.ledger.note import fingerprint, parse_note
from custody.ledger.verdict import Result, Trust
from tests.kit import World


def body_of(data: bytes) -> Any:
    return decode(data.rstrip(b"\n"), len(data), 12)


def test_salts_and_leaves_of_rows_are_those_of_the_format_page() -> None:
    secret = bytes(range(32))
    salt = hmac.new(secret, bytes(7) + b"\5", hashlib.sha256).digest()[:16]
    assert row_salt(secret, 5) == salt
    assert manifest_leaf(salt, ("p", "ë")) == hashlib.sha256(b"\0" + salt + '["p","ë"]'.encode()).digest()


def test_a_ledger_that_is_not_closed_gives_no_bundle(tmp_path: Path) -> None:
    world = World(tmp_path)
    for _ in range(2):
        with pytest.raises(CustodyError, match="after its last checkpoint") as caught:
            compose_bundle(world.ledger)
        assert "checkpoint" in caught.value.advice
        world.close()
        compose_bundle(world.ledger)
        world.add("note", 0)


def test_entries_of_no_exhibit_go_only_into_a_whole_bundle(tmp_path: Path) -> None:
    world = World(tmp_path)
    n = world.exhibit("AH/1")
    world.add("export", None, {"recipient": "court"})
    world.close()
    world.close()
    assert [entry["index"] for entry in body_of(compose_bundle(world.ledger))["entries"]] == list("01234")
    assert [entry["index"] for entry in body_of(compose_bundle(world.ledger, exhibits=[n]))["entries"]] == list("014")


def test_the_same_ledger_gives_the_same_bytes(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.access(world.exhibit("AH/1"))
    world.close()
    assert compose_bundle(world.ledger) == compose_bundle(world.ledger)


def test_secrets_of_manifests_are_never_opened(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.access(world.exhibit("AH/1"))
    world.close()
    assert not any("manifest_secret" in entry["openings"] for entry in body_of(compose_bundle(world.ledger))["entries"])


def test_older_heads_thin_out_with_age_and_any_can_be_asked_for(tmp_path: Path) -> None:
    world = World(tmp_path)
    notes = [world.close() for _ in range(100)]
    data = compose_bundle(world.ledger)
    sizes = [int(head["size"]) for head in body_of(data)["older"]]
    assert len(sizes) <= RECENT_HEADS + 8
    assert sizes == sorted(set(sizes))
    assert sizes[0] == 2  # the first head stays
    assert set(range(100 - RECENT_HEADS + 1, 101)) <= set(sizes)
    old = parse_note(notes[7])
    assert old.checkpoint.size not in sizes
    assert verify_bundle(data, Trust().with_anchor(old))[0].result == Result.BROKEN
    asked = compose_bundle(world.ledger, since=[old.checkpoint.size, 0, 10**9])
    for anchor in (old, fingerprint(old.checkpoint)):
        assert verify_bundle(asked, Trust().with_anchor(anchor))[0].result == Result.INTACT
