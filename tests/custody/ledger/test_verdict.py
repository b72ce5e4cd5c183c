"""What a verifier brings, and what it takes away."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.ledger.errors import MalformedError
from custody.ledger.note import Checkpoint, fingerprint, parse_note, sign_checkpoint
from custody.ledger.verdict import Finding, Result, Trust, Verdict
from tests.kit import Chronicle, ledger_keys


@pytest.mark.parametrize(
    ("failed", "notes", "anchored", "result"),
    [
        (False, False, True, Result.INTACT),
        (False, False, False, Result.WITH_NOTES),
        (False, True, True, Result.WITH_NOTES),
        (True, False, True, Result.BROKEN),
        (True, True, False, Result.BROKEN),
    ],
)
def test_the_result_follows_from_what_was_found(failed: bool, notes: bool, anchored: bool, result: Result) -> None:
    verdict = Verdict(anchored=anchored)
    if failed:
        verdict.fail(3, "seen", "why")
    if notes:
        verdict.remark(None, "pending", "why")
    assert verdict.result == result
    assert verdict.failed == ([Finding(3, "seen", "why")] if failed else [])


def test_what_was_checked_is_counted() -> None:
    verdict = Verdict()
    verdict.count("entries")
    verdict.count("entries", 4)
    assert verdict.checked == {"entries": 5}


def trust_file(**fields: Any) -> bytes:
    return json.dumps(fields, indent=2).encode() + b"\n"


def test_a_trust_file_written_by_hand_reads() -> None:
    history = Chronicle()
    note = history.close()
    ledger = (history.ledger or b"").hex()
    trust = Trust.parse(trust_file(ledgers=[ledger], heads=[note.decode()], quorum="1", witnesses=[], tsa_roots=["x"]))
    assert trust.ledgers == {history.ledger}
    assert trust.heads == (parse_note(note),)
    assert trust.unused == ("quorum",)
    assert Trust.parse(b"{}") == Trust()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not JSON",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"[]",
        b"7",
        trust_file(more=[]),
        trust_file(ledgers="x"),
        trust_file(ledgers=[7]),
        trust_file(ledgers=["AB" * 32]),
        trust_file(ledgers=["ab" * 31]),
        trust_file(heads={}),
        trust_file(heads=[7]),
        trust_file(heads=["no note"]),
        trust_file(heads=["\ud800"]),
    ],
)
def test_other_bytes_are_no_trust_file(data: bytes) -> None:
    with pytest.raises(MalformedError) as caught:
        Trust.parse(data)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_trust_file_or_malformed(data: bytes) -> None:
    with suppress(MalformedError):
        Trust.parse(data)


def test_anchors_are_added_and_nothing_is_lost() -> None:
    history = Chronicle()
    note = parse_note(history.close())
    text = fingerprint(note.checkpoint)
    trust = Trust(unused=("witnesses",)).with_anchor(note).with_anchor(text)
    assert trust.heads == (note,)
    assert trust.fingerprints == {text}
    assert trust.unused == ("witnesses",)


def test_a_head_of_nothing_is_no_anchor() -> None:
    keys = ledger_keys(1)
    empty = sign_checkpoint(Checkpoint("lab.example/evikit/00", 0, bytes(32)), keys.ed25519, keys.mldsa, 1)
    with pytest.raises(MalformedError, match="anchors nothing"):
        Trust().with_anchor(parse_note(empty))
