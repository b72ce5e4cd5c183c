"""SQLite databases: what each holds, and what the known applications wrote in theirs (`databases`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import apsw

from forensics.model import Artefact, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._sqlite import opened_database
from forensics.parsers.databases import QUERIES, Query, values

_NAME, _VERSION, _DATABASE = "sqlite", "1", "sqlite.database"
_MAGIC = b"SQLite format 3\0"  # https://www.sqlite.org/fileformat.html, section 1.3
_LOG_MAGIC = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")  # section 4.1
_JOURNAL_MAGIC = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"  # section 3
_TABLES_SHOWN = 512
_STEPS = 1000
_STEPS_LIMIT = 4_000_000
"""How often SQLite may go `_STEPS` steps of its machine for one statement: some minutes."""

Tables = dict[str, frozenset[str]]


class _Budget:
    """Ends a statement that goes on without end (a hostile schema can ask for that)."""

    def __init__(self) -> None:
        self.left = _STEPS_LIMIT

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _decoded(name: object) -> str:
    return name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else str(name)


def _tables(database: apsw.Connection) -> Tables:
    """The ordinary tables and their columns; views and virtual tables run code of the database's choosing."""
    statement = "SELECT CAST(name AS BLOB) FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
    names = [_decoded(name) for (name,) in database.execute(statement)]
    columns = "SELECT CAST(name AS BLOB) FROM pragma_table_info(?)"
    return {name: frozenset(_decoded(found) for (found,) in database.execute(columns, (name,))) for name in names}


def _overview(facts: Facts, database: apsw.Connection, tables: Tables, log: bool) -> Iterator[Artefact | Problem]:
    fields: dict[str, object] = {"tables": len(tables), "write_ahead_log": "applied" if log else ""}
    problem = None
    for name in sorted(tables)[:_TABLES_SHOWN]:
        try:
            fields[f"rows.{name}"] = database.execute(f"SELECT count(*) FROM {_quoted(name)}").get  # noqa: S608
        except apsw.Error as error:
            problem = problem or facts.problem(f"the rows of {name} cannot be counted: {error}")
    yield facts.artefact(_DATABASE, {}, fields)
    if problem:
        yield problem


def _answers(facts: Facts, database: apsw.Connection, query: Query, tables: Tables) -> Iterator[Artefact | Problem]:
    columns = query.columns(tables)
    rows = 0
    try:
        for row in database.execute(query.sql(columns)):
            told = dict(zip(columns, values(row), strict=True))
            moments = {name: epoch(told.pop(name)) for name, (_, epoch) in query.moments.items() if name in told}
            for name, words in query.codes.items():
                if name in told:
                    told[name] = words.get(str(told[name]), told[name])
            yield facts.artefact(query.kind, moments, told)
            rows += 1
    except apsw.Error as error:
        yield facts.problem(f"{query.kind}: the database cannot be read on after {rows:,} rows: {error}")


def _beside(facts: Facts) -> Iterator[Problem]:
    journal = facts.source.beside(f"{facts.source.name}-journal")
    if journal is not None and journal.read_at(0, len(_JOURNAL_MAGIC)) == _JOURNAL_MAGIC:
        reason = "a rollback journal stands beside the database: what it would undo is shown as it stands"
        yield facts.problem(reason)


def _read(facts: Facts) -> Iterator[Artefact | Problem]:
    log = facts.source.beside(f"{facts.source.name}-wal")
    with opened_database(facts.source, log) as database:
        budget = _Budget()
        database.set_progress_handler(budget, _STEPS)
        tables = _tables(database)
        yield from _overview(facts, database, tables, log is not None and log.size > 0)
        asked: set[str] = set()
        for query in QUERIES:
            if query.kind not in asked and query.fits(tables):
                asked.add(query.kind)
                budget.left = _STEPS_LIMIT
                yield from _answers(facts, database, query, tables)


@dataclass(frozen=True, slots=True)
class SqliteParser:
    """Artefact `sqlite.database`: fields tables, `rows.TABLE`, write_ahead_log ("applied"); and the artefacts of the
    known applications, one kind a `Query` of `databases`.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_DATABASE, *dict.fromkeys(query.kind for query in QUERIES))

    def accepts(self, head: bytes, name: str) -> bool:
        """By the header's string; a write-ahead log by its own, for the case that its database is missing."""
        return head.startswith(_MAGIC) or (head.startswith(_LOG_MAGIC) and name.endswith("-wal"))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The overview, then each application's rows in the order of the database; see `Parser.parse`."""
        facts = Facts(source, self.name, self.version)
        if source.name.endswith("-wal") and not source.read_at(0, len(_MAGIC)).startswith(_MAGIC):
            if source.beside(source.name.removesuffix("-wal")) is None:
                yield facts.problem("a write-ahead log whose database is not at hand: it is not read")
            return
        yield from _beside(facts)
        try:
            yield from _read(facts)
        except apsw.Error as error:
            yield facts.problem(f"SQLite refuses the database: {error}")


PARSER = SqliteParser()
