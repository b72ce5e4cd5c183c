"""A ledger in a real PostgreSQL server: the same as in a file, kept by triggers and roles."""

from __future__ import annotations

import secrets
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from custody.ledger import postgres_layout
from custody.ledger.audit import audit
from custody.ledger.database import ExistsError
from custody.ledger.errors import CustodyError, IntegrityError
from custody.ledger.move import move
from custody.ledger.store import Draft, Ledger
from custody.ledger.verdict import Trust
from tests.kit import World, entry_key, kinds
from tests.postgres_ledger import as_writer, filled, intact, name_of
from tests.postgres_server import OWNER, WRITER, Server


@pytest.fixture
def world(world_there: World) -> World:
    return world_there


def everything(address: Path | str) -> list[Any]:
    with Ledger.open(address, writable=False) as ledger:
        return [*ledger.rows(), ledger.notes(), ledger.root, [ledger.chain(n) for n in range(ledger.exhibits + 1)]]


# --- the same ledger ------------------------------------------------------------------------------------------


def test_what_was_appended_is_read_by_others_as_it_was(world: World, url: str) -> None:
    filled(world)
    with Ledger.open(url, writable=False) as other:
        rows = list(other.rows())
        assert [row.index for row in rows] == list(range(7))
        assert rows[6].openings["text"].value == "a name"
        assert (other.size, other.root, other.id, other.exhibits) == (7, world.ledger.root, world.genesis.leaf, 2)
        assert [row.index for row in other.rows_of("access.begin")] == [2]
        assert [row.index for row in other.rows_in(1)] == [1, 2, 3]
        assert [row.index for row in other.rows_in(0)] == [0, 6]
        assert other.map_proof(1) == world.ledger.map_proof(1)
        assert other.closed_sizes() == [5]
        assert other.newest_note() == other.note_at(5) == world.ledger.notes()[0]
        assert other.root_at(5) == rows[5].entry.seen_root
    assert not kinds(world.verify())
    assert intact(url) == 7


def test_more_rows_than_one_block_are_streamed_and_refreshed(world: World, url: str) -> None:
    with Ledger.open(url, writable=False) as other:
        with world.ledger.together():
            for _ in range(505):
                world.add("note", 0)
        assert other.size == 1
        other.refresh()
        assert (other.size, other.root) == (506, world.ledger.root)
        world.add("note", world.exhibit("AH/1"))
        other.refresh()
        assert (other.size, other.root, other.map_proof(1)) == (508, world.ledger.root, world.ledger.map_proof(1))
        assert [row.index for row in other.rows()] == list(range(508))
    assert intact(url) == 508


def test_many_cases_in_one_database_know_nothing_of_each_other(server: Server, world: World, url: str) -> None:
    other = World(server.url(OWNER, f"c{secrets.token_hex(4)}"))
    assert (world.exhibit("AH/1"), other.exhibit("AH/1")) == (1, 1)
    other.add("note", 1)
    assert (world.ledger.size, other.ledger.size, intact(url)) == (2, 3, 2)
    assert world.ledger.id != other.ledger.id
    other.ledger.close()


def test_a_name_is_used_once(world: World, url: str) -> None:
    with pytest.raises(ExistsError, match="exists already"):
        Ledger.create(url)


@pytest.mark.parametrize("way", ["from a file", "from a schema"])
def test_a_ledger_moves_with_every_byte(tmp_path: Path, url: str, server: Server, way: str) -> None:
    file = tmp_path / "ledger.sqlite"
    source, target = (file, url) if way == "from a file" else (url, file)
    world = filled(World(tmp_path if source == file else url))
    world.ledger.close()
    before = everything(source)
    moved = move(source, target)
    assert (moved.size, moved.root) == (7, before[-2])
    assert everything(target) == before
    assert intact(target) == 7
    with pytest.raises(CustodyError, match="there is no ledger"):
        Ledger.open(source, writable=True)
    kept = tmp_path / moved.kept if source == file else server.url(OWNER, moved.kept)
    assert everything(kept) == before
    with Ledger.open(target, writable=True) as ledger:
        ledger.append(Draft("note", {"text": "goes on"}, n=1), entry_key(1))
    back = move(target, source)
    assert back.size == 8
    assert intact(source) == 8


def test_a_move_that_was_interrupted_is_finished(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = filled(World(tmp_path))
    world.ledger.close()
    monkeypatch.setattr("custody.ledger.move._retire", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        move(world.path, url)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.sqlite"]
    assert move(world.path, url).size == 7
    assert intact(url) == 7


def test_a_move_onto_another_ledger_is_refused(tmp_path: Path, world: World, url: str) -> None:
    mine = World(tmp_path)
    mine.ledger.close()
    for source, target in ((mine.path, url), (url, mine.path)):
        with pytest.raises(ExistsError, match="exists already"):
            move(source, target)
    assert (intact(mine.path), intact(url)) == (1, 1)


def test_a_moved_ledger_that_differs_is_refused(
    tmp_path: Path, world: World, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = iter([(1, world.ledger.root), (1, bytes(32))])
    monkeypatch.setattr("custody.ledger.move.verified", lambda *_: next(heads))
    with pytest.raises(IntegrityError, match="another head"):
        move(url, tmp_path / "ledger.sqlite")
    assert intact(url) == 1


def test_who_waits_while_a_ledger_is_moved_writes_to_no_copy(tmp_path: Path, world: World, url: str) -> None:
    filled(world)
    said: list[str] = []

    def append() -> None:
        try:
            world.add("note", 0)
        except CustodyError as error:
            said.append(str(error))

    waiter = threading.Thread(target=append)

    def begin(ledger: Ledger, what: str) -> tuple[int, bytes]:
        if not waiter.ident:
            waiter.start()
            time.sleep(0.3)
        return ledger.size, ledger.root

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("custody.ledger.move.verified", begin)
        move(url, tmp_path / "ledger.sqlite")
    waiter.join()
    assert "there is no ledger at" in said[0]
    assert intact(tmp_path / "ledger.sqlite") == 7


def test_a_copy_is_a_file(tmp_path: Path, world: World, url: str) -> None:
    filled(world)
    world.ledger.copy_to(tmp_path / "copy.sqlite")
    assert everything(tmp_path / "copy.sqlite") == everything(url)
    assert [path.name for path in tmp_path.iterdir()] == ["copy.sqlite"]
    assert intact(tmp_path / "copy.sqlite") == 7


# --- what keeps it ----------------------------------------------------------------------------------------------

REWRITES = (
    "DELETE FROM {s}.entry WHERE idx = 4",
    "DELETE FROM {s}.opening WHERE idx = 4",
    "DELETE FROM {s}.node",
    "DELETE FROM {s}.chain",
    "DELETE FROM {s}.checkpoint",
    "TRUNCATE {s}.entry",
    "TRUNCATE {s}.opening, {s}.checkpoint",
    "UPDATE {s}.entry SET payload = sig WHERE idx = 3",
    "UPDATE {s}.node SET hash = 'x'",
    "UPDATE {s}.chain SET count = 9",
    "UPDATE {s}.checkpoint SET note = 'x'",
    "UPDATE {s}.opening SET idx = idx + 10",
    "UPDATE {s}.opening SET body = body || 'x' WHERE idx = 2",
    "INSERT INTO {s}.entry VALUES (9, '', '', '')",
    "INSERT INTO {s}.entry VALUES (-1, '', '', '')",
    "INSERT INTO {s}.entry VALUES (4, '', '', '')",
    "INSERT INTO {s}.opening VALUES (9, '')",
    "INSERT INTO {s}.entry VALUES (4, '', '', '') ON CONFLICT (idx) DO UPDATE SET payload = ''",
    "INSERT INTO {s}.entry VALUES (7, NULL, '', '')",
    "INSERT INTO {s}.chain VALUES (1, 1, '', 99)",
)


@pytest.mark.parametrize("statement", REWRITES)
def test_the_database_refuses_to_rewrite(server: Server, world: World, url: str, statement: str) -> None:
    filled(world)
    with pytest.raises(psycopg.errors.IntegrityError):
        server.do(statement.format(s=name_of(url)))  # by the superuser
    assert intact(url) == 7


def test_a_role_that_may_only_add_does_all_that_work_needs(server: Server, world: World, url: str) -> None:
    theirs = as_writer(server, url)
    with Ledger.open(theirs, writable=True) as ledger:
        world.ledger.close()
        world.ledger = ledger
        filled(world)
        assert intact(theirs) == 7
        with pytest.raises(CustodyError, match="your role may not"):
            ledger.drop_openings(next(ledger.rows(6)), ["text"])
    for statement in REWRITES[:13]:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            server.do(statement.format(s=name_of(url)), user=WRITER)
    allowed = server.do(
        "SELECT privilege_type FROM information_schema.role_table_grants"
        f" WHERE grantee = '{WRITER}' AND table_schema = '{name_of(url)}'"
    )
    assert {row[0] for row in allowed} == {"SELECT", "INSERT"}


def test_a_search_path_of_ones_own_goes_around_no_trigger(server: Server, world: World, url: str) -> None:
    as_writer(server, url)
    with server.connect(WRITER) as connection:
        connection.execute("CREATE TEMP TABLE entry (idx bigint)")
        connection.execute("INSERT INTO entry VALUES (41)")
        with pytest.raises(psycopg.errors.IntegrityError):
            connection.execute(f"INSERT INTO {name_of(url)}.entry VALUES (42, '', '', '')".encode())


def test_an_administrator_prepares_what_a_role_begins(server: Server, url: str) -> None:
    name = name_of(url)
    with pytest.raises(CustodyError, match="your role may not"):
        World(server.url(WRITER, name))
    with server.connect() as connection:
        for statement in postgres_layout.script(name, [WRITER]):
            connection.execute(statement.encode())
    server.do(f"UPDATE {name}.alembic_version SET version_num = '0001'")
    with pytest.raises(CustodyError, match="prepared for another evikit"):
        World(server.url(WRITER, name))
    server.do(f"UPDATE {name}.alembic_version SET version_num = '0002'")
    world = filled(World(server.url(WRITER, name)))
    world.ledger.close()
    assert intact(server.url(WRITER, name)) == 7


def test_openings_are_taken_away_by_the_owner(world: World, url: str) -> None:
    filled(world)
    world.ledger.drop_openings(next(world.ledger.rows(6)), ["text"])
    assert "text" not in next(world.ledger.rows(6)).openings
    with Ledger.open(url, writable=False) as ledger:
        assert kinds(audit(ledger, Trust())) == {(6, "opening")}


@pytest.mark.parametrize(
    ("kind", "statements"),
    [
        ("schema", ["DROP TRIGGER entry_keeps_rows ON {s}.entry"]),
        ("schema", ["ALTER TABLE {s}.entry DISABLE TRIGGER entry_never_changes"]),
        ("schema", ["CREATE OR REPLACE FUNCTION {s}.refuse() RETURNS trigger LANGUAGE plpgsql"
                    " SET search_path = {s}, pg_temp AS 'BEGIN RETURN NEW; END'"]),
        ("schema", ["ALTER FUNCTION {s}.refuse() SECURITY DEFINER"]),
        ("schema", ["DROP INDEX {s}.entry_by_type"]),
        ("schema", ["CREATE TABLE {s}.more (x int)"]),
        ("schema", ["CREATE VIEW {s}.seen AS SELECT 1"]),
        ("schema", ["CREATE SEQUENCE {s}.numbers"]),
        ("schema", ["CREATE RULE quiet AS ON INSERT TO {s}.entry DO ALSO NOTHING"]),
        ("schema", ["ALTER TABLE {s}.entry ENABLE ROW LEVEL SECURITY"]),
        ("schema", ["ALTER TABLE {s}.opening ALTER body DROP NOT NULL"]),
        ("schema", ["ALTER TABLE {s}.opening ADD by_whom text"]),
        ("schema", ["ALTER TABLE {s}.chain DROP CONSTRAINT chain_idx_key"]),
        ("schema", ["ALTER TABLE {s}.node ALTER hash SET DEFAULT ''"]),
        ("leaf", ["ALTER TABLE {s}.entry DISABLE TRIGGER USER", "UPDATE {s}.entry SET leaf = sig WHERE idx = 3",
                  "ALTER TABLE {s}.entry ENABLE TRIGGER USER"]),
        ("opening", ["UPDATE {s}.opening SET body = '{{}}' WHERE idx = 2"]),
        ("stored", ["SET session_replication_role = replica; UPDATE {s}.chain SET count = 7 WHERE n = 2"]),
        ("stored", ["SET session_replication_role = replica; DELETE FROM {s}.node WHERE level = 1 AND pos = 1"]),
        ("stored", ["SET session_replication_role = replica; DELETE FROM {s}.checkpoint"]),
        ("stored", ["SET session_replication_role = replica; DELETE FROM {s}.entry WHERE idx = 6"]),
        ("seen", ["SET session_replication_role = replica; DELETE FROM {s}.entry WHERE idx = 3"]),
        ("signature", ["SET session_replication_role = replica;"
                       " UPDATE {s}.entry SET sig = substr(sig, 2) || '\\x00' WHERE idx = 6"]),
    ],
)  # fmt: skip
def test_what_gets_past_it_is_found(server: Server, world: World, url: str, kind: str, statements: list[str]) -> None:
    filled(world)
    assert intact(url) == 7
    server.do(*(statement.format(s=name_of(url)) for statement in statements))
    with Ledger.open(url, writable=False, refresh=False) as ledger:
        assert kind in {found for _, found in kinds(audit(ledger, Trust()))}
