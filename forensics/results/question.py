"""A query over the tables of complete runs, put together from conditions. DuckDB over Parquet.

Rows come as plain dicts in a stable order, a bounded number at a time. Every value of a filter is bound, none is
written into SQL. DuckDB is loaded only when a question is asked, and never in a worker.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from forensics.results import ResultsError, Run

if TYPE_CHECKING:
    import duckdb

MEMORY_LIMIT = "512MB"
"""Ten million events need over 192 to be put in order."""
_ROWS = 2048
LETTERS: Mapping[str, str] = {"files": "f", "artefacts": "a", "events": "e"}
"""The tables whose rows have an identity that people can write down, and its first letter."""


class Question:
    """A query being put together: conditions with their values."""

    def __init__(self, runs: Sequence[Run], table: str) -> None:
        self.table = table
        self._numbers = {str(run.table(table)): run.number for run in runs}
        self._source = "read_parquet(?, filename = true, file_row_number = true, union_by_name = true)"
        self._values: list[object] = [list(self._numbers)]
        self._conditions: list[str] = []

    def replace(self, column: str, expression: str, *values: object) -> None:
        """From here on `column` holds `expression`; what it held before is in `stated`."""
        again = f'* REPLACE ({expression} AS "{column}"), "{column}" AS stated'
        self._source = f"(SELECT {again} FROM {self._source})"  # noqa: S608 - our own words; values are bound
        self._values = [*values, *self._values]

    def where(self, condition: str, *values: object) -> None:
        """Add a condition with its values, in the order of its question marks."""
        self._conditions.append(f"({condition})")
        self._values += values

    def _text(self, selected: str) -> str:
        where = f" WHERE {' AND '.join(self._conditions)}" if self._conditions else ""
        return f"SELECT {selected} FROM {self._source}{where}"  # noqa: S608 - our own words; values are bound

    def rows(self, order: str = "", most: int = 0) -> Iterator[dict[str, Any]]:
        """Run it, for all rows or the first `most`. Raises `ResultsError` when a table cannot be read.

        Rows of a table in `LETTERS` have their identity as `id`: letter, number of the run, number of the row.
        """
        sql = f"{self._text('*')}{f' ORDER BY {order}' if order else ''}"
        sql += f" LIMIT {most:d}" if most else ""
        return map(self._identified, answer(sql, self._values)) if self._numbers else iter(())

    def aggregate(self, selected: str, rest: str = "") -> list[dict[str, Any]]:
        """Run it for what `selected` makes of all rows (SQL), grouped or ordered as `rest` says."""
        return list(answer(f"{self._text(selected)} {rest}", self._values)) if self._numbers else []

    def _identified(self, row: dict[str, Any]) -> dict[str, Any]:
        number, run = row.pop("file_row_number"), self._numbers[row.pop("filename")]
        if self.table in LETTERS:
            row["id"] = f"{LETTERS[self.table]}{run}.{number}"
        return row


def _connect(spill: str) -> duckdb.DuckDBPyConnection:
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "temp_directory": spill,
        "threads": 2,
        "autoinstall_known_extensions": "false",  # no network, ever
        "autoload_known_extensions": "false",
        "preserve_insertion_order": "true",
    }
    return duckdb.connect(":memory:", config=settings)


def answer(sql: str, values: list[object] | dict[str, object]) -> Iterator[dict[str, Any]]:
    """The rows of one statement with its bound values. Raises `ResultsError` when a table cannot be read."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="evikit-") as spill, _connect(spill) as connection:
        try:
            result = connection.sql(sql, params=values)
            for batch in result.to_arrow_reader(_ROWS):
                yield from batch.to_pylist()
        except (duckdb.Error, OSError) as error:  # what fails while rows are fetched is an OSError of Arrow's
            line = str(error).splitlines()[0]
            raise ResultsError(f"the results cannot be read: {line}", "run the examination again") from error
