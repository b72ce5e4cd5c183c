"""The database itself: what its triggers refuse, how a connection is set up, which databases are none of ours."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from custody.ledger import schema
from custody.ledger.errors import CustodyError, IntegrityError, LedgerVersionError
from custody.ledger.store import Ledger
from tests.kit import World


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed ledger: 0 genesis, 1 exhibit, 2 begin, 3 end, 4 closing."""
    world = World(tmp_path)
    world.access(world.exhibit("AH/1"))
    world.close()
    world.ledger.close()
    return world.path


@pytest.mark.parametrize("recursive", ["ON", "OFF"])
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entry WHERE idx = 4",
        "DELETE FROM opening WHERE idx = 4",
        "DELETE FROM node",
        "DELETE FROM chain",
        "DELETE FROM checkpoint",
        "UPDATE entry SET payload = sig WHERE idx = 3",
        "UPDATE node SET hash = zeroblob(32)",
        "UPDATE checkpoint SET note = zeroblob(1)",
        "UPDATE opening SET idx = idx + 10",
        "UPDATE opening SET body = body || x'20' WHERE idx = 2",
        "UPDATE opening SET body = x'7B7D' || substr(body, 3) WHERE idx = 2",
        "INSERT INTO entry VALUES (9, x'', x'', x'')",
        "INSERT INTO entry VALUES (-1, x'', x'', x'')",
        "INSERT INTO entry VALUES (4, x'', x'', x'')",
        "INSERT INTO opening VALUES (9, x'')",
        "INSERT OR REPLACE INTO entry VALUES (4, x'', x'', x'')",
        "INSERT OR REPLACE INTO opening VALUES (4, x'')",
        "INSERT OR IGNORE INTO entry VALUES (4, x'', x'', x'')",
        "INSERT INTO entry VALUES (5, 'text', x'', x'')",
        "INSERT INTO entry VALUES (5, NULL, x'', x'')",
    ],
)
def test_the_database_refuses_to_rewrite(path: Path, statement: str, recursive: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA recursive_triggers = {recursive}")
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(statement)


@pytest.mark.parametrize("table", ["entry", "opening", "node", "checkpoint"])
def test_our_own_connections_refuse_replacement_everywhere(path: Path, table: str) -> None:
    """Without recursive_triggers INSERT OR REPLACE deletes a row without asking the delete trigger."""
    with schema.engine_for(path, writable=True).connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        with pytest.raises(sqlite3.IntegrityError):
            driver.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")


def test_an_opening_may_shrink(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE opening SET body = x'7B7D' WHERE idx = 2")


@pytest.mark.parametrize("writable", [True, False])
def test_connections_are_set_up_to_keep_what_they_are_given(path: Path, writable: bool) -> None:
    with schema.engine_for(path, writable=writable).connect() as connection:
        said = {
            name: str(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
            for name in ("journal_mode", "synchronous", "secure_delete", "recursive_triggers", "trusted_schema")
        }
    assert said == {
        "journal_mode": "wal",
        "synchronous": "2",  # FULL: an entry is on disk when append returns
        "secure_delete": "1",
        "recursive_triggers": "1",
        "trusted_schema": "0",
    }


def test_a_reading_connection_cannot_write(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER chain_keeps_rows")
        connection.commit()
    with (
        pytest.raises(CustodyError, match="readonly"),
        Ledger.open(path, writable=False) as ledger,
        ledger.transaction() as transaction,
    ):
        transaction.exec_driver_sql("DELETE FROM chain")


def test_the_file_says_what_it_is(path: Path) -> None:
    assert path.read_bytes()[68:72] == b"EVKT"


def test_expected_is_what_a_fresh_ledger_has(path: Path) -> None:
    with schema.engine_for(path, writable=False).begin() as connection:
        assert schema.describe(connection) == schema.expected()


# --- which databases are none of ours ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said", "advice"),
    [
        ("UPDATE alembic_version SET version_num = '0777'", "revision 0777, newer", "Install"),
        ("UPDATE alembic_version SET version_num = '0001'", "revision 0001, older", "evikit ledger upgrade"),
        ("UPDATE alembic_version SET version_num = '0000'", "revision 0000, which no evikit wrote", "Restore"),
        ("DELETE FROM alembic_version", "which revision", "backup"),
        ("INSERT INTO alembic_version VALUES ('0001')", "which revision", "backup"),
        ("UPDATE alembic_version SET version_num = 'newest'", "which revision", "backup"),
        ("DROP TABLE alembic_version", "another database", "backup"),
        ("ALTER TABLE entry RENAME TO entries", "another database", "backup"),
    ],
)
@pytest.mark.parametrize("writable", [True, False])
def test_another_revision_is_refused_in_one_line(
    path: Path, change: str, said: str, advice: str, writable: bool
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(change)
        connection.commit()
    with pytest.raises(CustodyError, match=said) as caught:
        Ledger.open(path, writable=writable)
    assert advice in caught.value.advice
    assert isinstance(caught.value, IntegrityError if advice == "backup" else LedgerVersionError)


@pytest.mark.parametrize("content", [b"", b"\0", b"not a database, but long enough to look at" * 50])
@pytest.mark.parametrize("writable", [True, False])
def test_files_that_are_no_ledger_are_refused_in_one_line(tmp_path: Path, content: bytes, writable: bool) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(content)
    with pytest.raises(IntegrityError) as caught:
        Ledger.open(path, writable=writable)
    assert "\n" not in str(caught.value)


def test_create_fills_an_empty_database_only() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        schema.create(connection)
        schema.validate_revision(schema.revision_of(connection))
