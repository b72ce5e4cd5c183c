"""How an application's database is read: which tables tell what, as a table of questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from forensics.parsers._clock import SECOND
from forensics.parsers._facts import Moment

_1601 = 11_644_473_600 * SECOND
_2001 = 978_307_200 * SECOND

Epoch = Callable[[object], Moment]
"""Makes a moment of a column's value."""


def _since(nanoseconds: int, unit: int) -> Epoch:
    def moment(value: object) -> Moment:
        if not isinstance(value, int | float | str) or not value:
            return Moment(None, "")
        try:  # through decimal: the binary fraction of a float would give digits that nobody wrote
            at = int(Decimal(str(value)) * unit) + nanoseconds
        except (InvalidOperation, OverflowError, ValueError):
            return Moment(None, "")
        return Moment(at if at != nanoseconds else None, str(value))

    return moment


WEBKIT = _since(-_1601, 1_000)
"""Microseconds since 1601."""
SECONDS = _since(0, SECOND)
MILLISECONDS = _since(0, 1_000_000)
MICROSECONDS = _since(0, 1_000)
COCOA = _since(_2001, SECOND)
"""Seconds since 2001."""
_COCOA_NANOSECONDS = _since(_2001, 1)
_LEAST_NANOSECONDS = 10**11


def COCOA_EITHER(value: object) -> Moment:  # noqa: N802 - one of the epochs
    """Seconds since 2001, or nanoseconds (iOS 11 and later): told by the size of the number."""
    large = isinstance(value, int) and abs(value) > _LEAST_NANOSECONDS
    return (_COCOA_NANOSECONDS if large else COCOA)(value)


@dataclass(frozen=True, slots=True)
class Query:
    """One kind of artefact from one database.

    `needs` maps the tables that must be there to the columns that must be (separated by spaces). `source` is
    what stands after FROM. `moments` and `fields` map our names to SQL expressions; one that ends with "?" is a
    single `table.column` and left out where the column is missing. `codes` gives words for a field's values.
    """

    kind: str
    needs: Mapping[str, str]
    source: str
    moments: Mapping[str, tuple[str, Epoch]]
    fields: Mapping[str, str]
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def fits(self, tables: Mapping[str, frozenset[str]]) -> bool:
        """Whether a database with these tables and columns can be asked."""
        return all(set(columns.split()) <= tables.get(table, frozenset()) for table, columns in self.needs.items())

    def columns(self, tables: Mapping[str, frozenset[str]]) -> dict[str, str]:
        """Names and expressions, times first, without those whose column is missing."""
        told = {name: expression for name, (expression, _) in self.moments.items()} | dict(self.fields)
        return {name: found for name, expression in told.items() if (found := _present(expression, tables))}

    def sql(self, columns: Mapping[str, str]) -> str:
        """The statement; texts come as the bytes they are stored as, for they may be no UTF-8."""
        names = [f'"{name}"' for name in columns]
        inner = ", ".join(f"{expression} AS {name}" for name, expression in zip(names, columns.values(), strict=True))
        outer = ", ".join(
            f"CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) ELSE {name} END, typeof({name})"
            for name in names
        )
        return f"SELECT {outer} FROM (SELECT {inner} FROM {self.source})"  # noqa: S608 - ours, not the evidence's


def _present(expression: str, tables: Mapping[str, frozenset[str]]) -> str:
    if not expression.endswith("?"):
        return expression
    table, _, column = expression[:-1].partition(".")
    return f"{table}.{column}" if column in tables.get(table, frozenset()) else ""


def values(row: tuple[object, ...]) -> Iterator[object]:
    """The values of a row of `Query.sql`: texts decoded, blobs in hexadecimal (the first 256 bytes)."""
    for value, kind in zip(row[::2], row[1::2], strict=True):
        if not isinstance(value, bytes):
            yield value
        elif kind == "text":
            yield value.decode("utf-8", "backslashreplace")
        else:
            yield value[:256].hex()
