"""What SQLite says, in our words, with the right exit code."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from custody.ledger.errors import CustodyError, IntegrityError, LedgerBusyError
from custody.ledger.faults import blob, number, translated

PATH = Path("/case/ledger.sqlite")


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (sqlite3.OperationalError("database is locked"), LedgerBusyError, "another process"),
        (sqlite3.OperationalError("database or disk is full"), CustodyError, "could not be written"),
        (sqlite3.OperationalError("disk I/O error"), CustodyError, "could not be written"),
        (sqlite3.OperationalError("attempt to write a readonly database"), CustodyError, "cannot be opened"),
        (sqlite3.OperationalError("unable to open database file"), CustodyError, "cannot be opened"),
        (sqlite3.IntegrityError("a ledger never forgets"), IntegrityError, "refused a change: a ledger never forgets"),
        (sqlite3.DatabaseError("database disk image is malformed"), IntegrityError, "is damaged"),
        (OperationalError("SELECT 1", {}, sqlite3.OperationalError("no\nsuch table")), IntegrityError, "no such table"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), IntegrityError, "garbled text"),
    ],
)
def test_what_sqlite_says_becomes_one_line_of_ours(error: Exception, kind: type[CustodyError], said: str) -> None:
    with pytest.raises(kind, match=said) as caught, translated(PATH):
        raise error
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is error


def test_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), translated(PATH):
        raise ZeroDivisionError


def test_values_of_the_right_kind_pass_and_others_are_damage() -> None:
    assert (blob(b"x"), number(0), number(7)) == (b"x", 0, 7)
    no_bytes: list[object] = [None, "text", 7, 1.5]
    no_counts: list[object] = [None, "7", b"7", 7.0, -1]
    for value in no_bytes:
        with pytest.raises(IntegrityError, match="not bytes"):
            blob(value)
    for value in no_counts:
        with pytest.raises(IntegrityError, match="not a count"):
            number(value)
