"""ESE databases (.edb, .dat, .mdb of Windows) through libesedb: what each holds, what known applications wrote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyesedb

from forensics.model import Artefact, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._windows import UnreadableError, opened, told
from forensics.parsers.windows._ese import Database
from forensics.parsers.windows.ese_databases import FAMILIES

_NAME, _VERSION, _DATABASE = "ese", "1", "ese.database"
_MAGIC, _MAGIC_AT = b"\xef\xcd\xab\x89", 4
_TYPE_AT, _STATE_AT = 12, 52
_STATES = {1: "just created", 2: "dirty shutdown", 3: "clean shutdown", 4: "being converted", 5: "force detached"}
_CLEAN = 3
_TABLES_SHOWN = 4096


def _tables(file: Any) -> dict[str, Any]:
    tables: dict[str, Any] = {}
    for number in range(min(told(getattr, file, "number_of_tables") or 0, _TABLES_SHOWN)):
        table = told(file.get_table, number)
        name = None if table is None else told(getattr, table, "name")
        if name:
            tables[name] = table
    return tables


def _overview(facts: Facts, file: Any, tables: dict[str, Any], state: int) -> Iterator[Artefact | Problem]:
    fields: dict[str, object] = {
        "tables": len(tables),
        "state": _STATES.get(state, state),
        "page_size": told(getattr, file, "page_size"),
    }
    uncounted = []
    for name in sorted(tables):
        count = told(getattr, tables[name], "number_of_records")
        fields[f"rows.{name}"] = count
        if count is None:
            uncounted.append(name)
    yield facts.artefact(_DATABASE, {}, fields)
    if state != _CLEAN:
        yield facts.problem(
            f"the database was not closed ({_STATES.get(state, state)}): what its logs hold is not shown"
        )
    if uncounted:
        yield facts.problem(f"the tables {', '.join(uncounted)} cannot be read")
    if not tables:
        yield facts.problem("the database has no table that can be read")


@dataclass(frozen=True, slots=True)
class EseParser:
    """An artefact `ese.database`: fields tables, state, page_size, rows.TABLE; and those of the families of
    `ese_databases` whose tables the database has.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_DATABASE, *(kind for family in FAMILIES for kind in family.kinds))

    def accepts(self, head: bytes, name: str) -> bool:
        """By the signature of a database (not of a streaming file)."""
        return head[_MAGIC_AT : _MAGIC_AT + 4] == _MAGIC and head[_TYPE_AT : _TYPE_AT + 4] == bytes(4)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """What the database is, then what is in it; see `Parser.parse`."""
        facts = Facts(source, self.name, self.version)
        state = int.from_bytes(source.read_at(_STATE_AT, 4), "little")
        try:
            with opened(pyesedb.file, source) as file:
                tables = _tables(file)
                yield from _overview(facts, file, tables, state)
                for family in FAMILIES:
                    if family.tables <= tables.keys():
                        yield from family.tell(Database(facts, tables))
        except UnreadableError as error:
            yield facts.problem(f"the database cannot be read: {error}")


PARSER = EseParser()
