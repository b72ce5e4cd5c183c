"""Databases: read where they lie, with their write-ahead log, whatever they hold and however they are damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from forensics.model import Artefact, Problem
from forensics.parsers import ParserInput, parser_for
from forensics.parsers.sqlite import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

Found = list[Artefact | Problem]


def made(path: Path, *statements: str) -> bytes:
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()
    return path.read_bytes()


def beside(source: Callable[..., ParserInput], **files: bytes) -> Callable[[str], ParserInput | None]:
    named = {name.replace("_", "-"): data for name, data in files.items()}
    return lambda name: source(named[name], name=name) if name in named else None


def rows(found: Found) -> dict[str, str]:
    (overview,) = artefacts(found, "sqlite.database")
    return {name.removeprefix("rows."): value for name, value in overview.fields.items() if name.startswith("rows.")}


def test_any_database_is_summed_up(tmp_path: Path, read: Any) -> None:
    data = made(
        tmp_path / "a",
        'CREATE TABLE "odd "" name" (x)',
        'INSERT INTO "odd "" name" VALUES (1), (2)',
        "CREATE VIEW v AS SELECT 1",
        "CREATE VIRTUAL TABLE w USING fts5(text)",
    )
    found = read(PARSER, data)
    assert rows(found)['odd " name'] == "2"
    assert "v" not in rows(found)
    assert "w" not in rows(found)
    assert problems(found) == []
    assert parser_for(data[:4096], "any name") is PARSER


def test_the_write_ahead_log_counts_and_nothing_is_written(tmp_path: Path, source: Any) -> None:
    path = tmp_path / "db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=wal")
        database.execute("CREATE TABLE t (a)")
        database.execute("INSERT INTO t VALUES (1)")
        database.commit()
        database.execute("PRAGMA wal_checkpoint(truncate)")
        database.execute("INSERT INTO t VALUES (2)")
        database.commit()
        data, log = path.read_bytes(), (tmp_path / "db-wal").read_bytes()
    alone = list(PARSER.parse(source(data, name="db")))
    assert rows(alone) == {"t": "1"}
    whole = list(PARSER.parse(replace(source(data, name="db"), beside=beside(source, db_wal=log))))
    assert rows(whole) == {"t": "2"}
    assert artefacts(whole, "sqlite.database")[0].fields["write_ahead_log"] == "applied"
    torn = list(PARSER.parse(replace(source(data, name="db"), beside=beside(source, db_wal=log[:-2000]))))
    assert rows(torn) == {"t": "1"}


def test_a_log_without_its_database_is_a_problem(source: Any) -> None:
    log = b"\x37\x7f\x06\x82" + bytes(40)
    assert parser_for(log, "db-wal") is PARSER
    assert problems(list(PARSER.parse(source(log, name="db-wal")))) == [
        "a write-ahead log whose database is not at hand: it is not read"
    ]
    assert list(PARSER.parse(replace(source(log, name="db-wal"), beside=beside(source, db=b"x")))) == []


def test_a_rollback_journal_beside_it_is_named(tmp_path: Path, source: Any) -> None:
    data = made(tmp_path / "a", "CREATE TABLE t (a)")
    hot = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(504)
    found = list(PARSER.parse(replace(source(data, name="db"), beside=beside(source, db_journal=hot))))
    assert problems(found) == [
        "a rollback journal stands beside the database: what it would undo is shown as it stands"
    ]
    assert rows(found) == {"t": "0"}
    empty = replace(source(data, name="db"), beside=beside(source, db_journal=bytes(512)))
    assert problems(list(PARSER.parse(empty))) == []


def test_text_that_is_no_utf_8_and_values_of_other_kinds(tmp_path: Path, read: Any) -> None:
    data = made(
        tmp_path / "a",
        "CREATE TABLE calls (_id INTEGER PRIMARY KEY, number, date, duration, type, name)",
        "INSERT INTO calls VALUES (1, CAST(x'66ff' AS TEXT), 'soon', x'0102', 9, NULL)",
        "INSERT INTO calls VALUES (2, 'Şükrü', 1383772636690, 1.5, 2, 'Ђорђе')",
    )
    broken, whole = artefacts(read(PARSER, data), "android.call")
    assert (broken.fields["number"], broken.fields["duration_seconds"], broken.fields["direction"]) == (
        "f\\xff",
        "0102",
        "9",
    )
    assert broken.times == {}
    assert (whole.fields["number"], whole.fields["name"]) == ("Şükrü", "Ђорђе")
    assert whole.times == {"began": 1_383_772_636_690_000_000}
    assert whole.raw == {"began": "1383772636690"}


def test_a_schema_that_never_ends_is_stopped(tmp_path: Path, read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.parsers.sqlite._STEPS_LIMIT", 50)
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
    many = f"{numbers} INSERT INTO calls SELECT i, 1, 1, 1, 1 FROM n"
    data = made(tmp_path / "a", "CREATE TABLE calls (_id INTEGER PRIMARY KEY, number, date, duration, type)", many)
    found = read(PARSER, data)
    assert len(artefacts(found, "android.call")) < 100_000
    assert any(reason.startswith("android.call: the database cannot be read on after") for reason in problems(found))


def test_what_is_no_database_is_a_problem(read: Any) -> None:
    assert problems(read(PARSER, b"SQLite format 3\0" + b"\xff" * 2000))[0].startswith("SQLite refuses the database: ")


def test_damaged_databases_give_values(tmp_path: Path, read: Any, corpus: Fetch) -> None:
    for data in damaged(corpus("browser/plaso/chrome/History").read_bytes(), 90):
        read(PARSER, data)


def test_an_error_of_the_evidence_in_the_middle_goes_through(tmp_path: Path, source: Any) -> None:
    data = made(tmp_path / "a", "CREATE TABLE t (a)")

    def read_at(offset: int, length: int) -> bytes:
        if offset >= 4096:
            raise OSError(5, "Input/output error")
        return data[offset : offset + length]

    broken = source(data)
    object.__setattr__(broken, "read_at", read_at)
    with pytest.raises(OSError, match="Input/output error"):
        list(PARSER.parse(broken))
