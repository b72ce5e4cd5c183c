"""A ledger in PostgreSQL when things fail: killed writers, a killed server, lost connections, wrong settings."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, create_engine

from custody.ledger import migrations, postgres, store
from custody.ledger.audit import audit
from custody.ledger.database import ConnectionLostError, database_at
from custody.ledger.entry import Entry
from custody.ledger.errors import CustodyError, IntegrityError, LedgerBusyError, LedgerVersionError
from custody.ledger.postgres import PostgresSchema
from custody.ledger.store import Draft, Ledger
from custody.ledger.upgrade import Change, revision_at, upgrade
from custody.ledger.verdict import Trust
from tests.console import wait_for
from tests.kit import World, entry_key, kinds
from tests.postgres_ledger import as_writer, filled, intact, name_of
from tests.postgres_server import OWNER, WRITER, Server

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def world(world_there: World) -> World:
    return world_there


# --- many writers, and those that die ----------------------------------------------------------------------------


APPENDER = """
import os, sys
from custody.ledger.store import Draft, Ledger
from tests.kit import entry_key
ledger, key, number = Ledger.open(sys.argv[1], writable=True), entry_key(1), 0
while True:
    row = ledger.append(Draft("note", {"text": f"{os.getpid()} {number}"}, n=0), key)
    print(row.index, row.leaf.hex(), flush=True)
    number += 1
"""


def appender(url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", APPENDER, url], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def told_by(child: subprocess.Popen[str]) -> list[tuple[int, str]]:
    """What a writer was told stands, until it was killed, or gave up on a server that was slow to come back."""
    out, err = child.communicate()
    assert not err or err.splitlines()[-1].startswith("custody.ledger.database.ConnectionLostError"), err
    return [(int(index), leaf) for index, _, leaf in (line.partition(" ") for line in out.splitlines())]


def size_of(url: str) -> int:
    with Ledger.open(url, writable=False) as ledger:
        return ledger.size


def test_nothing_acknowledged_is_lost_or_doubled(server: Server, world: World, url: str) -> None:
    """Eight write to one ledger; some are killed, then, twice, the whole server under those that are left."""
    theirs = as_writer(server, url)
    chance, told = random.Random(6), []  # which moments are tried; any will do
    children = [appender(theirs) for _ in range(8)]
    try:
        for child in children:
            assert child.stdout is not None
            index, _, leaf = child.stdout.readline().strip().partition(" ")
            told.append((int(index), leaf))
        for child in children[:3]:
            time.sleep(chance.uniform(0.05, 0.3))
            child.kill()
        for _ in range(2):
            time.sleep(0.3)
            server.kill()
            server.start()
        before = size_of(theirs)
        wait_for(lambda: size_of(theirs) > before or all(child.poll() is not None for child in children))
    finally:
        for child in children:  # none goes on writing while other tests look at what is on disk
            child.kill()
            child.wait()
    for child in children:
        told += told_by(child)
    row = world.add("note", 0, {"text": "the next one goes on"})
    assert row.index > max(told)[0] >= before
    with Ledger.open(url, writable=False) as ledger:
        assert not audit(ledger, Trust()).failed
        rows = list(ledger.rows())
    assert len(told) == len({index for index, _ in told})
    assert [(index, rows[index].leaf.hex()) for index, _ in told] == told
    texts = [row.openings["text"].value for row in rows if row.entry.type == "note"]
    assert len(texts) == len(set(texts))


def test_what_is_acknowledged_or_shown_is_on_disk(server: Server, world: World, url: str) -> None:
    with server.writing_nothing_by_itself(), pytest.MonkeyPatch.context() as patch:
        world.add("note", 0)
        assert server.on_disk()
        patch.setattr(PostgresSchema, "settle", lambda *_: None)
        world.add("note", 0)
        assert not server.on_disk()
        with Ledger.open(url, writable=False) as reader:
            assert reader.size == 3
        assert server.on_disk()


def test_what_was_not_waited_for_may_go_and_nothing_else(server: Server, world: World, url: str) -> None:
    """Why nothing is acknowledged before that."""
    world.add("note", 0)
    with pytest.MonkeyPatch.context() as patch:
        for each in server.writers():
            each.suspend()
        patch.setattr(PostgresSchema, "settle", lambda *_: None)
        world.add("note", 0)
        server.kill()
    server.start()
    assert intact(url) == 2
    with pytest.raises(IntegrityError, match="became shorter"):
        world.ledger.refresh()


# --- connections that are lost -----------------------------------------------------------------------------------


def cut(server: Server, url: str) -> None:
    """End every connection of the owner's but this one."""
    server.do(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{OWNER}'")


def test_a_connection_lost_while_idle_is_made_again(server: Server, world: World, url: str) -> None:
    cut(server, url)
    assert world.ledger.rows_of("freeze") == []
    cut(server, url)
    assert world.add("note", 0).index == 1
    assert intact(url) == 2


def test_a_connection_lost_before_the_commit_appends_once(server: Server, world: World, url: str) -> None:
    asked = []

    def examine(entry: Entry) -> None:
        asked.append(entry.id)
        if len(asked) == 1:
            cut(server, url)

    row = world.ledger.append(Draft("note", {"text": "once"}, n=0), world.examiner, examine)
    assert (row.index, len(asked), len(set(asked))) == (1, 2, 1)
    assert intact(url) == 2


@pytest.fixture
def lost_after_commit(server: Server, url: str) -> Iterator[list[int]]:
    """The first answer to a commit never arrives."""
    settle, calls = PostgresSchema.settle, []

    def lose(self: PostgresSchema, connection: Connection) -> None:
        calls.append(1)
        if len(calls) == 1:
            cut(server, url)
        settle(self, connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PostgresSchema, "settle", lose)
        yield calls


def test_a_connection_lost_after_the_commit_doubles_nothing(
    world: World, url: str, lost_after_commit: list[int]
) -> None:
    row = world.add("note", 0, {"text": "once"})
    assert (row.index, len(lost_after_commit), world.ledger.size) == (1, 2, 2)
    assert next(world.ledger.rows(1)) == row
    assert world.add("note", 0).index == 2
    assert intact(url) == 3


def test_a_checkpoint_whose_answer_is_lost_is_made_once(world: World, url: str, lost_after_commit: list[int]) -> None:
    assert world.close() == world.ledger.newest_note()
    assert (world.ledger.size, len(world.ledger.notes()), intact(url)) == (2, 1, 2)


def test_a_server_that_stays_away_is_one_clear_line(server: Server, world: World, url: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_PAUSES", (0.01, 0.01))
        patch.setattr(PostgresSchema, "_conninfo", "host=/nowhere", raising=False)
        world.ledger.database._conninfo = f"host={url[-8:]}-nowhere"  # type: ignore[attr-defined]
        cut(server, url)
        with pytest.raises(ConnectionLostError, match="does not let us in"):
            world.add("note", 0)
    world.ledger.database._conninfo = url.partition("#")[0]  # type: ignore[attr-defined]
    assert world.add("note", 0).index == 1
    assert intact(url) == 2


def test_a_batch_is_lost_as_a_whole(server: Server, world: World, url: str) -> None:
    def batch() -> None:
        with world.ledger.together():
            world.add("note", 0)
            assert len(list(world.ledger.rows())) == 2  # it sees its own
            world.add("note", 0)
            cut(server, url)

    with pytest.raises(ConnectionLostError, match="was lost"):
        batch()
    assert intact(url) == 1
    with world.ledger.together():
        assert [world.add("note", 0).index for _ in range(3)] == [1, 2, 3]
    assert intact(url) == 4


def test_a_reader_sees_one_moment(world: World, url: str) -> None:
    with Ledger.open(url, writable=False) as reader, reader.snapshot():
        reader.refresh()
        world.add("note", 0)
        assert len(list(reader.rows(0, 9))) == 1
    with Ledger.open(url, writable=False) as reader:
        assert len(list(reader.rows())) == 2


# --- refused ------------------------------------------------------------------------------------------------------


def test_a_writer_that_waits_too_long_is_told_so(server: Server, world: World, url: str) -> None:
    with world.ledger.together(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgres, "_SET_UP", postgres._SET_UP.replace("10s", "50ms"))
        with pytest.raises(LedgerBusyError, match="another process is writing"):
            Ledger.open(url, writable=True)
        with Ledger.open(url, writable=False) as reader:  # a reader waits for nobody
            assert reader.size == 1
    with Ledger.open(url, writable=True) as other:
        assert other.size == 1


def test_a_writer_that_was_refused_the_lock_may_try_again(world: World, url: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgres, "_SET_UP", postgres._SET_UP.replace("10s", "50ms"))
        other = Ledger.open(url, writable=True)
    with world.ledger.together(), pytest.raises(LedgerBusyError):
        other.append(Draft("note", {}, n=0), entry_key(1))
    assert other.append(Draft("note", {}, n=0), entry_key(1)).index == 1
    other.close()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("postgresql://ada:hunter2@localhost/evidence#k17", "holds a password"),
        ("postgresql://localhost/evidence?password=hunter2#k17", "holds a password"),
        ("postgresql://localhost/evidence?sslpassword=hunter2#k17", "holds a password"),
        ("postgresql://localhost/evidence?what=hunter2#k17", "cannot be used"),
        ("postgresql://localhost/evidence", "no name for a ledger's schema"),
        ("postgresql://localhost/evidence#K 17", "no name for a ledger's schema"),
        ("postgresql://localhost/evidence#pg_catalog", "no name for a ledger's schema"),
        ("postgresql:///evidence?host=/nowhere#k17", "does not let us in"),
        ("postgresql:///nothing?host={folder}&user=keeper#k17", "does not exist"),
        ("postgresql:///evidence?host={folder}&user=nobody#k17", "does not exist"),
        ("postgresql:///evidence?host={folder}&user=keeper#nothing", "there is no ledger at"),
    ],
)
@pytest.mark.parametrize("writable", [True, False])
def test_what_cannot_be_opened_is_one_clear_line(server: Server, address: str, words: str, writable: bool) -> None:
    with pytest.raises(CustodyError, match=words) as caught:
        Ledger.open(address.format(folder=server.folder), writable=writable)
    assert "hunter2" not in f"{caught.value} {caught.value.advice}".replace("what=hunter2", "") or "what" in address
    assert "\n" not in str(caught.value)
    assert caught.value.advice


@pytest.mark.parametrize(
    ("state", "kind", "words"),
    [
        ("53100", CustodyError, "could not be written"),
        ("25006", CustodyError, "is read-only"),
        ("57P01", ConnectionLostError, "was lost"),
        ("40P01", LedgerBusyError, "another process"),
        ("57014", CustodyError, "refuses"),
        ("25P03", ConnectionLostError, "was lost"),
        ("XX001", IntegrityError, "is damaged"),
        ("42704", CustodyError, "refuses"),
    ],
)
def test_what_the_server_says_is_one_clear_line(state: str, kind: type[CustodyError], words: str) -> None:
    told = psycopg.errors.DatabaseError("first line\nsecond")
    told.sqlstate = state
    with pytest.raises(CustodyError, match=words) as caught, PostgresSchema("postgresql://h/d#k").translated():
        raise told
    assert type(caught.value) is kind
    assert "first line second" in str(caught.value) or kind is LedgerBusyError


def test_a_server_that_does_not_wait_for_its_disk_is_refused(server: Server, world: World, url: str) -> None:
    theirs = as_writer(server, url)
    server.do(f"ALTER ROLE {WRITER} SET synchronous_commit = off")
    try:
        with pytest.raises(CustodyError, match="does not wait for its disk"):
            Ledger.open(theirs, writable=True)
        with Ledger.open(theirs, writable=False) as reader:
            assert reader.size == 1
    finally:
        server.do(f"ALTER ROLE {WRITER} RESET synchronous_commit")


def test_a_role_that_may_only_read_reads(server: Server, world: World, url: str) -> None:
    server.do(f"ALTER ROLE {WRITER} SET default_transaction_read_only = on")
    try:
        with (
            Ledger.open(as_writer(server, url), writable=True) as ledger,
            pytest.raises(CustodyError, match="read-only"),
        ):
            ledger.append(Draft("note", {}, n=0), entry_key(1))
    finally:
        server.do(f"ALTER ROLE {WRITER} RESET default_transaction_read_only")
    assert intact(url) == 1


def test_a_replica_is_read_and_not_written(server: Server, world: World, url: str) -> None:
    filled(world)
    replica = Server.__new__(Server)
    replica.binaries, replica.folder, replica.user = server.binaries, server.folder / "replica", server.user
    replica.data = replica.folder / "data"
    replica.folder.mkdir()
    if server.user:
        shutil.chown(replica.folder, server.user)
    replica.run("pg_basebackup", "-h", server.folder, "-U", "admin", "-D", replica.data, "-R", "-c", "fast")
    with (replica.data / "postgresql.auto.conf").open("a") as file:
        file.write(f"unix_socket_directories = '{replica.folder}'\n")
    replica.start()
    try:
        there = replica.url(OWNER, name_of(url))
        assert intact(there) == 7
        with pytest.raises(CustodyError, match="read-only replica"):
            Ledger.open(there, writable=True)
    finally:
        replica.kill()


def test_without_the_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "custody.ledger.postgres", None)
    with pytest.raises(CustodyError, match="psycopg") as caught:
        database_at("postgresql://localhost/evidence#k17")
    assert "evikit[postgres]" in caught.value.advice


# --- revisions ------------------------------------------------------------------------------------------------------


def test_the_migrations_make_what_the_code_makes(server: Server, url: str) -> None:
    there = PostgresSchema(url)
    server.do(f"CREATE SCHEMA {name_of(url)}", user=OWNER)
    engine = create_engine("postgresql+psycopg://", creator=lambda: there.connect(writable=True))
    for revision in ("0001", "0002"):
        with engine.begin() as connection:
            migrations.upgrade(connection, revision)
            assert there.findings(connection, revision) == []
            assert there.revision_of(connection) == revision
    engine.dispose()
    World(url).ledger.close()  # in the empty tables
    assert intact(url) == 1


@pytest.fixture
def aged(world: World, server: Server, url: str) -> str:
    """A ledger of revision 0001, with all kinds of entries."""
    filled(world)
    world.ledger.close()
    name = name_of(url)
    functions = ", ".join(f"{name}.{function}(bytea)" for function in ("entry_type", "entry_sequence"))
    server.do(f"DROP FUNCTION {functions} CASCADE", f"UPDATE {name}.alembic_version SET version_num = '0001'")
    return url


def test_an_older_ledger_is_upgraded_in_one_transaction(aged: str) -> None:
    with pytest.raises(LedgerVersionError, match="older than this"):
        Ledger.open(aged, writable=False)
    done: list[Change] = []

    def record(ledger: Ledger, change: Change) -> None:
        done.append(change)
        ledger.append(Draft("note", {"kind": "upgrade"}, n=0), entry_key(1))

    assert revision_at(aged) == "0001"
    change = upgrade(aged, record)
    assert (change.old, change.new, change.size, change.kept) == ("0001", "0002", 7, "")
    assert (revision_at(aged), intact(aged)) == ("0002", 8)
    with Ledger.open(aged, writable=False) as ledger:
        assert [row.index for row in ledger.rows_of("note")] == [6, 7]
        assert ledger.root_at(7) == change.root
    with pytest.raises(CustodyError, match="newest revision already"):
        upgrade(aged, record)


def test_an_upgrade_that_fails_changes_nothing(aged: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def record(ledger: Ledger, change: Change) -> None:
        ledger.append(Draft("note", {}, n=0), entry_key(1))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        upgrade(aged, record)
    heads = iter([(7, b"a"), (7, b"b")])
    monkeypatch.setattr("custody.ledger.upgrade.verified", lambda *_: next(heads))
    with pytest.raises(IntegrityError, match="another head"):
        upgrade(aged, record)
    with Ledger.open(aged, writable=False, refresh=False, older=True) as ledger:
        assert (ledger.revision, kinds(audit(ledger, Trust()))) == ("0001", set())


def test_who_does_not_own_the_tables_upgrades_nothing(server: Server, aged: str) -> None:
    with pytest.raises(CustodyError, match="your role may not"):
        upgrade(as_writer(server, aged), lambda *_: None)
