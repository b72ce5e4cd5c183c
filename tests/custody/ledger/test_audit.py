"""The stored ledger attacked through SQL and byte by byte: the audit finds it, and never falls over."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from custody.ledger import schema
from custody.ledger.audit import audit
from custody.ledger.entry import b64
from custody.ledger.errors import CustodyError, LedgerBusyError
from custody.ledger.note import parse_note
from custody.ledger.store import NEW, Draft, Ledger
from custody.ledger.verdict import Trust, Verdict
from tests.kit import World, kinds


def small(folder: Path) -> World:
    """0 genesis, 1 AH/1, 2-3 access, 4 closing, 5 AH/2, 6 note, 7 closing; closed, no log left."""
    world = World(folder)
    world.access(world.exhibit("AH/1"))
    world.close()
    world.add("note", world.exhibit("AH/2"))
    world.close()
    return world


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    world = small(tmp_path_factory.mktemp("audit"))
    world.ledger.close()
    assert not list(world.path.parent.glob("*-wal"))
    return world.path.read_bytes()


def audited(path: Path, trust: Trust | None = None) -> Verdict:
    with Ledger.open(path, writable=False) as ledger:
        return audit(ledger, trust or Trust())


def attacked(folder: Path, pristine: bytes, *statements: str, triggers: bool = True) -> Path:
    """The ledger after SQL of someone who can write the file and knows how to drop triggers."""
    path = folder / "ledger.sqlite"
    path.write_bytes(pristine)
    with closing(sqlite3.connect(path)) as connection:
        saved = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in saved:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _, statement in saved if triggers else ():
            connection.execute(statement)
        connection.commit()
    return path


def test_an_untouched_ledger_has_nothing_to_find(tmp_path: Path, pristine: bytes) -> None:
    verdict = audited(attacked(tmp_path, pristine))
    assert not verdict.failed
    assert verdict.checked["entries"] == verdict.size == 8


def test_without_openings_the_verdict_says_so(tmp_path: Path, pristine: bytes) -> None:
    with Ledger.open(attacked(tmp_path, pristine), writable=False) as ledger:
        verdict = audit(ledger, Trust(), openings=False)
    assert not verdict.failed
    assert "openings" not in verdict.checked
    assert any("commitments" in line for line in verdict.not_checked)


Found = set[tuple[int | None, str]]
STORED: Found = {(None, "stored")}
REFUSED: Found = {(None, "does not open")}
SWAP = "UPDATE entry SET {0} = (SELECT b.{0} FROM entry b WHERE b.idx = 9 - entry.idx) WHERE idx IN (4, 5)"

ATTACKS: Mapping[str, tuple[tuple[str, ...], Found]] = {
    "an entry deleted": (("DELETE FROM entry WHERE idx = 3",), {(3, "stored")}),
    "the last entry deleted": (("DELETE FROM entry WHERE idx = 7",), STORED | {(None, "checkpoint")}),
    "an entry moved to the end": (("UPDATE entry SET idx = 8 WHERE idx = 6",), REFUSED),
    "an entry put in": (("INSERT INTO entry SELECT 8, payload, sig, leaf FROM entry WHERE idx = 6",), REFUSED),
    "an entry put in, with its node": (
        (
            "INSERT INTO entry SELECT 8, payload, sig, leaf FROM entry WHERE idx = 6",
            "INSERT INTO opening SELECT 8, body FROM opening WHERE idx = 6",
            "INSERT INTO node SELECT 0, 8, leaf FROM entry WHERE idx = 6",
        ),
        {(8, "duplicate")},
    ),
    "entries exchanged": (
        tuple(SWAP.format(column) for column in ("payload", "sig", "leaf")),
        {(4, "seen"), (4, "opening"), (5, "duplicate")},
    ),
    "a payload exchanged": (
        ("UPDATE entry SET payload = (SELECT payload FROM entry WHERE idx = 6) WHERE idx = 5",),
        {(5, "leaf"), (5, "signature")},
    ),
    "a signature replaced": (("UPDATE entry SET sig = zeroblob(64) WHERE idx = 2",), {(2, "signature"), (2, "leaf")}),
    "a leaf replaced": (("UPDATE entry SET leaf = zeroblob(32) WHERE idx = 2",), STORED | {(2, "leaf")}),
    "an opening deleted": (("DELETE FROM opening WHERE idx = 2",), {(2, "stored")}),
    "all fields deleted": (("UPDATE opening SET body = x'7B7D' WHERE idx = 2",), {(2, "opening")}),
    "an opening torn": (("UPDATE opening SET body = substr(body, 1, 40) WHERE idx = 2",), {(2, "stored")}),
    "the openings of another entry": (
        ("UPDATE opening SET body = (SELECT body FROM opening WHERE idx = 6) WHERE idx = 5",),
        {(5, "opening")},
    ),
    "openings without an entry": (("INSERT INTO opening VALUES (8, x'7B7D')",), STORED),
    "a node changed": (("UPDATE node SET hash = zeroblob(32) WHERE level = 1 AND pos = 0",), STORED),
    "a top node changed": (("UPDATE node SET hash = zeroblob(32) WHERE level = 3",), STORED),
    "a node missing": (("DELETE FROM node WHERE level = 1 AND pos = 1",), STORED),
    "a level missing": (("DELETE FROM node WHERE level = 2",), STORED),
    "a node too many": (("INSERT INTO node VALUES (0, 8, zeroblob(32))",), STORED),
    "a level too many": (("INSERT INTO node VALUES (4, 0, zeroblob(32))",), STORED),
    "a level far away": (("INSERT INTO node VALUES (40, 7, zeroblob(32))",), STORED),
    "a count changed": (("UPDATE chain SET count = 9 WHERE n = 1",), STORED),
    "a last entry changed": (("UPDATE chain SET last = zeroblob(32) WHERE n = 2",), STORED),
    "a place changed": (("UPDATE chain SET idx = 0 WHERE n = 1",), STORED),
    "an exhibit invented": (("INSERT INTO chain VALUES (3, 1, zeroblob(32), 7)",), STORED),
    "a checkpoint deleted": (("DELETE FROM checkpoint WHERE size = 5",), STORED),
    "the last checkpoint deleted": (("DELETE FROM checkpoint WHERE size = 8",), STORED),
    "a checkpoint under another size": (("UPDATE checkpoint SET size = 6 WHERE size = 5",), STORED),
    "a checkpoint torn": (
        ("UPDATE checkpoint SET note = substr(note, 1, 90) WHERE size = 5",),
        STORED | {(None, "checkpoint")},
    ),
    "the mark taken away": (("PRAGMA application_id = 0",), {(None, "schema")}),
    "a table put in": (("CREATE TABLE notes (text)",), {(None, "schema")}),
    "an index put in": (("CREATE INDEX fast ON entry (leaf)",), {(None, "schema")}),
    "a view put in": (("CREATE VIEW v AS SELECT 1",), {(None, "schema")}),
    "a trigger put in": (
        ("CREATE TRIGGER forget AFTER INSERT ON entry BEGIN DELETE FROM opening WHERE idx = NEW.idx; END",),
        {(None, "schema")},
    ),
    "a table made lax": (
        (
            "CREATE TABLE lax (idx INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (idx))",
            "INSERT INTO lax SELECT * FROM opening",
            "DROP TABLE opening",
            "ALTER TABLE lax RENAME TO opening",
        ),
        {(None, "schema")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_what_sql_can_do_is_found(tmp_path: Path, pristine: bytes, name: str) -> None:
    statements, found = ATTACKS[name]
    verdict = fate(attacked(tmp_path, pristine, *statements))
    assert found <= (REFUSED if verdict is None else kinds(verdict))


def test_dropped_triggers_are_found(tmp_path: Path, pristine: bytes) -> None:
    verdict = audited(attacked(tmp_path, pristine, triggers=False))
    assert {kind for _, kind in kinds(verdict)} == {"schema"}
    assert len(verdict.failed) == 11


def test_replaced_rows_are_found(tmp_path: Path, pristine: bytes) -> None:
    """INSERT OR REPLACE asks no delete trigger unless the connection wants it to."""
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(pristine)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT OR REPLACE INTO checkpoint SELECT 5, note FROM checkpoint WHERE size = 8")
        connection.execute("INSERT OR REPLACE INTO node VALUES (0, 3, zeroblob(32))")
        connection.commit()
    assert (None, "stored") in kinds(audited(path))


def rewrite_schema(path: Path, expression: str) -> None:
    """What `sqlite_master` says of four tables, changed behind SQLite's back."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            f"UPDATE sqlite_master SET sql = {expression} WHERE name IN ('entry', 'opening', 'chain', 'checkpoint')"
        )
        connection.commit()


@pytest.mark.parametrize(
    ("statement", "opens"),
    [
        ("UPDATE entry SET payload = 'text' WHERE idx = 2", True),
        ("UPDATE entry SET leaf = 7 WHERE idx = 2", True),
        ("UPDATE opening SET body = 1000000000000 WHERE idx = 2", True),
        ("UPDATE checkpoint SET note = 'text' WHERE size = 5", True),
        ("UPDATE chain SET last = 1000000000000 WHERE n = 2", False),
        ("UPDATE chain SET count = 'many' WHERE n = 2", False),
    ],
)
def test_values_of_another_kind_are_found(tmp_path: Path, pristine: bytes, statement: str, opens: bool) -> None:
    """A file can hold what STRICT would not let in: bytes(1000000000000) would be a terabyte of zeros."""
    path = attacked(tmp_path, pristine)
    rewrite_schema(path, "replace(sql, ' STRICT', '')")
    attacked(tmp_path, path.read_bytes(), statement)
    rewrite_schema(path, "sql || ' STRICT'")
    verdict = fate(path)
    assert (verdict is not None) == opens
    assert verdict is None or verdict.failed


def test_a_ledger_regrown_by_an_outsider_is_found(tmp_path: Path, pristine: bytes) -> None:
    """The end cut off cleanly, in all tables, is the one thing only a kept head shows."""
    world = small(tmp_path / "own")
    kept = parse_note(world.ledger.notes()[-1])
    world.ledger.close()
    path = attacked(
        tmp_path,
        world.path.read_bytes(),
        "DELETE FROM entry WHERE idx > 4",
        "DELETE FROM opening WHERE idx > 4",
        "DELETE FROM checkpoint WHERE size > 5",
        "DELETE FROM chain WHERE n = 2",
        "DELETE FROM node WHERE level = 0 AND pos > 4 OR level = 1 AND pos > 1 OR level = 2 AND pos > 0 OR level > 2",
    )
    assert not audited(path).failed
    assert kinds(audited(path, Trust().with_anchor(kept))) == {(None, "anchor")}


def test_an_opening_deleted_after_an_approved_erasure_is_no_fault(tmp_path: Path) -> None:
    world = World(tmp_path)
    target = world.add("exhibit.register", NEW, {"ref": "AH/1", "serial": "S-1"})
    erasure = Draft("erase", {"reason": "ordered"}, n=1, re=(target.leaf,), pub={"names": ["serial"]})
    world.ledger.append(erasure, world.examiner)
    world.close()
    from custody.ledger.draft import dump_openings

    rest = dump_openings({name: opening for name, opening in target.openings.items() if name != "serial"})
    with world.ledger.transaction() as connection:
        connection.exec_driver_sql("UPDATE opening SET body = ? WHERE idx = 1", (rest,))
    verdict = audit(world.ledger, Trust())
    assert not verdict.failed
    assert verdict.checked["fields erased"] == 1
    assert b64(target.openings["serial"].salt) not in rest.decode()


def test_a_writer_elsewhere_does_not_keep_an_audit_waiting(tmp_path: Path) -> None:
    """An audit reads a snapshot: who verifies in the same case neither waits for a writer nor holds one up."""
    world = small(tmp_path)
    with closing(sqlite3.connect(world.path, timeout=0.05)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        assert not audit(world.ledger, Trust()).failed
        holder.rollback()
        with world.ledger.snapshot():
            holder.execute("BEGIN IMMEDIATE")
            holder.rollback()
        with world.ledger.transaction(), pytest.raises(sqlite3.OperationalError, match="locked"):
            holder.execute("BEGIN IMMEDIATE")


def test_a_ledger_held_alone_is_busy_not_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = small(tmp_path)
    world.ledger.close()
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **named: connect(*args, **{**named, "timeout": 0.05}))
    with closing(connect(world.path, isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerBusyError):
            audited(world.path)


# --- every byte ------------------------------------------------------------------------------------------

CHUNKS = 8
SAMPLE = 2000


def content(path: Path) -> list[list[tuple[object, ...]]]:
    """Every row of every table, as SQLite reads it."""
    with closing(sqlite3.connect(path)) as connection:
        return [connection.execute(f"SELECT * FROM {table}").fetchall() for table in sorted(schema.metadata.tables)]


def fate(path: Path) -> Verdict | None:
    """None where an error of ours, in one line, refuses the file."""
    try:
        return audited(path)
    except CustodyError as error:
        if "\n" in str(error):
            raise
        return None


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_byte_of_the_file_counts_or_says_nothing(tmp_path: Path, pristine: bytes, chunk: int) -> None:
    """Flipped: an error of ours, or BROKEN, or the very same rows and verdict. 2,000 places, the whole header first."""
    chance = random.Random(chunk)
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(pristine)
    untouched, rows, found = audited(path), content(path), 0
    places = [*range(chunk, 100, CHUNKS), *chance.sample(range(100, len(pristine)), (SAMPLE - 100) // CHUNKS)]
    for place in places:
        flipped = bytearray(pristine)
        flipped[place] ^= chance.choice([0x01, 0x80, 0xFF])
        path.write_bytes(flipped)
        verdict = fate(path)
        if verdict is None or verdict.failed:
            found += 1
        else:
            assert verdict == untouched, place
            assert content(path) == rows, place
    assert found > len(places) / 4  # half of so small a file is free space inside its pages
