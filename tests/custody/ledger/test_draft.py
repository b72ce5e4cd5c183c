"""Composing entries: what can be committed, what cannot."""

from __future__ import annotations

from typing import Any

import pytest

from custody.ledger.draft import compose, dump_openings, validate_value
from custody.ledger.entry import MAX_DEPTH, MAX_OPENED, TYPES, ChainPosition, Entry, Opening, decode, load_openings
from custody.ledger.errors import CustodyError

ENTRY = Entry(bytes(32), bytes(16), "note", bytes(32), 1, bytes(32), ChainPosition(1, 2, bytes(32)), (), {}, {})


def test_fields_not_given_are_committed_as_null_and_all_are_there() -> None:
    payload, openings = compose(ENTRY, {"text": "seal broken"})
    entry = Entry.parse(payload)
    assert entry.commits.keys() == openings.keys() == TYPES["note"].commits
    assert all(entry.opens(name, opening) for name, opening in openings.items())
    assert {name for name, opening in openings.items() if opening.value is not None} == {"text"}
    assert len({opening.salt for opening in openings.values()}) == len(openings)


def test_salts_are_fresh_each_time() -> None:
    assert compose(ENTRY, {})[1]["text"].salt != compose(ENTRY, {})[1]["text"].salt


def test_a_field_the_type_does_not_have_is_refused() -> None:
    with pytest.raises(CustodyError, match="note has no field 'seal'"):
        compose(ENTRY, {"seal": "123"})


@pytest.mark.parametrize(
    "value",
    [
        1,
        0.5,
        b"bytes",
        {"Upper": None},
        {1: None},
        "\udc80",
        ["\ud800"],
        {"a": float("nan")},
        "x" * MAX_OPENED,
        eval("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)),
    ],
)
def test_values_a_ledger_cannot_hold_are_refused_in_one_line(value: Any) -> None:
    with pytest.raises(CustodyError) as caught:
        compose(ENTRY, {"text": value})
    assert "\n" not in str(caught.value)


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(CustodyError, match="value"):
        validate_value(value)


def test_openings_read_back() -> None:
    openings = {"text": Opening(bytes(16), "seal broken"), "kind": Opening(b"\1" * 16, None)}
    assert load_openings(decode(dump_openings(openings), 1000)) == openings


def test_openings_that_no_reader_would_take_are_never_written() -> None:
    """Each field is within bounds; together they would make a ledger that cannot be read."""
    openings = {name: Opening(bytes(16), "x" * (MAX_OPENED - 2)) for name in ("a", "b", "c")}
    with pytest.raises(CustodyError, match="above"):
        dump_openings(openings)
