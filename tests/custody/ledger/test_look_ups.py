"""Entries found by type and by sequence: the indexes say what the payloads say, for any entry that can be one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from custody.ledger import schema
from custody.ledger import statements as sql
from custody.ledger.audit import audit
from custody.ledger.draft import compose
from custody.ledger.entry import TYPES, ChainPosition, Entry
from custody.ledger.store import Ledger
from custody.ledger.verdict import Trust
from tests.kit import World, kinds

NASTY: Any = {"a": {"z": "b", "type": "note", "v": "evikit-entry-1", "x": {"n": "7", "prev": None, "seq": "1"}}}
"""What a `pub` may hold: the very words that are looked for."""
PLACES = (
    None,
    ChainPosition(0, 1, None),
    ChainPosition(3, 2, b"\xff" * 32),
    ChainPosition(10**12 - 1, 10**12 - 1, b"\x00" * 32),
)


def payloads() -> Iterator[bytes]:
    """Every type in every place, after the shortest and the longest of what stands before it."""
    for kind in TYPES:
        for x in PLACES:
            for re, seen in (((), 0), ((b"\x01" * 32,) * 64, 2**63 - 1)):
                for pub in ({}, NASTY, {"names": ['"type":"note","v":"', '"x":{"n":"7","prev":']}):
                    entry = Entry(
                        ledger=b"\x02" * 32, id=b"\x03" * 16, type=kind, key=b"\x04" * 32, seen_size=seen,
                        seen_root=b"\x05" * 32, x=x, re=re, pub=pub, commits={},
                    )  # fmt: skip
                    yield compose(entry, {})[0]


def test_type_and_sequence_are_read_out_of_any_payload() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("CREATE TABLE entry (payload BLOB)")
        connection.executemany("INSERT INTO entry VALUES (?)", [(payload,) for payload in payloads()])
        rows = connection.execute(f"SELECT payload, {schema.TYPE}, {schema.SEQUENCE} FROM entry").fetchall()
    assert len(rows) == len(TYPES) * len(PLACES) * 6
    for payload, kind, n in rows:
        body = json.loads(payload)
        assert kind == body["type"].encode()
        assert n == (body["x"]["n"].encode() if body["x"] else None), payload[-200:]


def test_types_are_as_long_as_the_look_up_can_take() -> None:
    assert min(map(len, TYPES)) >= 4
    assert max(map(len, TYPES)) <= 31


@pytest.mark.parametrize(
    "payload", [b"", b"x", b"null}", b'"type":"', b'","v":"', b'"x":{"n":"', b'","prev":', b"\xff" * 999]
)
def test_what_is_no_payload_is_no_fault(tmp_path: Path, payload: bytes) -> None:
    """A file of somebody else's making: it is the audit that says so, entry by entry."""
    world = World(tmp_path)
    world.ledger.close()
    with closing(sqlite3.connect(world.path)) as connection:
        connection.execute("DROP TRIGGER entry_never_changes")
        connection.execute("UPDATE entry SET payload = ?", (payload,))
        connection.execute(next(trigger for trigger in schema.TRIGGERS if "entry_never_changes" in trigger))
        connection.commit()
    with Ledger.open(world.path, writable=False) as ledger:
        assert {(0, "malformed"), (0, "leaf")} <= kinds(audit(ledger, Trust()))


@pytest.mark.parametrize(
    ("statement", "index"), [(sql.ROWS_OF_TYPE, "entry_by_type"), (sql.ROWS_IN_SEQUENCE, "entry_by_sequence")]
)
@pytest.mark.parametrize("writable", [True, False])
def test_look_ups_use_their_index_and_sort_nothing(tmp_path: Path, statement: Any, index: str, writable: bool) -> None:
    world = World(tmp_path)
    wanted = {"b_type": b"note", "b_n": b"1", "b_start": 0, "b_stop": 9}
    with Ledger.open(world.path, writable=writable) as ledger, ledger.snapshot() as connection:
        compiled = statement.compile(connection.engine)
        values = tuple(wanted.get(name, 500) for name in compiled.positiontup)
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values).all()
    said = " ".join(str(row[-1]) for row in plan)
    assert f"USING INDEX {index}" in said
    assert "TEMP B-TREE" not in said
    assert "SCAN" not in said


def test_an_index_that_hides_an_entry_is_found(tmp_path: Path) -> None:
    """Whoever can write the file can make a look-up miss an entry; SQLite's own examination compares the two."""
    world = World(tmp_path)
    world.access(world.exhibit("AH/1"))
    world.close()
    world.ledger.close()
    true = {name: text for text in schema.INDEXES for name in ("entry_by_type", "entry_by_sequence") if name in text}

    def say(text: str) -> None:
        with closing(sqlite3.connect(world.path)) as connection:
            connection.execute("PRAGMA writable_schema = ON")
            connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'entry_by_type'", (text,))
            connection.commit()

    say("CREATE INDEX entry_by_type ON entry (CASE WHEN idx <> 1 THEN x'616263' END)")
    with closing(sqlite3.connect(world.path)) as connection:
        connection.execute("REINDEX entry_by_type")
        connection.commit()
    say(true["entry_by_type"])
    with Ledger.open(world.path, writable=False) as ledger:
        assert ledger.rows_of("exhibit.register") == []
        assert {kind for _, kind in kinds(audit(ledger, Trust()))} == {"file"}


def test_one_sequence_is_streamed_up_to_the_known_head(tmp_path: Path) -> None:
    world = World(tmp_path)
    first, second = world.exhibit("AH/1"), world.exhibit("AH/2")
    for i in range(sql.BLOCK + 3):
        world.add("note", first if i % 2 else second)
    with Ledger.open(world.path, writable=False) as reader:
        for n in (0, first, second, 3):
            assert list(reader.rows_in(n)) == [row for row in reader.rows() if row.entry.x and row.entry.x.n == n]
        world.add("note", first)
        assert len(list(reader.rows_in(first))) == reader.chain(first)[0]
        reader.refresh()
        assert len(list(reader.rows_in(first))) == reader.chain(first)[0] == world.ledger.chain(first)[0]
    for _ in range(sql.BLOCK):
        world.add("note", first)
    assert len(list(world.ledger.rows_in(first))) == world.ledger.chain(first)[0] > sql.BLOCK
