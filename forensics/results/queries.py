"""Questions to the results of complete runs: volumes, files, artefacts, one timeline. DuckDB over Parquet.

Rows come as plain dicts in a stable order, a bounded number at a time. Every value of a filter is bound,
none is written into SQL. DuckDB is loaded only when a question is asked, and never in a worker.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from forensics.results import ResultsError, Run

if TYPE_CHECKING:
    import duckdb

MEMORY_LIMIT = "192MB"
_ROWS = 2048
_TIMES = ("modified", "accessed", "changed", "created")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows: all that meet every condition given.

    `start` (inclusive) and `end` (exclusive) are nanoseconds since 1970: a file or an artefact is
    within when one of its times is. `kind` is an artefact kind or its first part ("syslog"). `text`
    is looked for in paths, messages, field values and digests, without regard to case.
    """

    exhibit: str = ""
    start: int | None = None
    end: int | None = None
    kind: str = ""
    text: str = ""


class _Question:
    """A query being put together: conditions with their values."""

    def __init__(self, runs: Sequence[Run], table: str) -> None:
        self.files = [str(run.table(table)) for run in runs]
        self._conditions: list[str] = []
        self._values: list[object] = [self.files]

    def where(self, condition: str, *values: object) -> None:
        """Add a condition with its values, in the order of its question marks."""
        self._conditions.append(f"({condition})")
        self._values += values

    def exhibit(self, ref: str) -> None:
        """Only rows of one exhibit."""
        if ref:
            self.where("exhibit = ?", ref)

    def text(self, sought: str, *columns: str) -> None:
        """Only rows where one of the columns holds the text, in whatever case."""
        if sought:
            held = " OR ".join(f"contains(lower(coalesce({column}, '')), lower(?))" for column in columns)
            self.where(held, *[sought] * len(columns))

    def kind(self, kind: str, column: str = "kind") -> None:
        """Only rows of a kind, or of the kinds that begin with it and a dot."""
        if kind:
            self.where(f"{column} = ? OR starts_with({column}, ?)", kind, f"{kind}.")

    def within(self, chosen: Filter, times: str) -> None:
        """Only rows where one of `times`, an SQL list, lies in the filter's span."""
        if chosen.start is None and chosen.end is None:
            return
        bounds = [("t >= ?", chosen.start), ("t < ?", chosen.end)]
        condition = " AND ".join(text for text, value in bounds if value is not None)
        values = [value for _, value in bounds if value is not None]
        self.where(f"len(list_filter({times}, lambda t: {condition})) > 0", *values)

    def rows(self, order: str = "", most: int = 0) -> Iterator[dict[str, Any]]:
        """Run it, for all rows or the first `most`. Raises `ResultsError` when a table cannot be read."""
        where = f" WHERE {' AND '.join(self._conditions)}" if self._conditions else ""
        sql = f"SELECT * FROM read_parquet(?){where}{f' ORDER BY {order}' if order else ''}"  # noqa: S608
        sql += f" LIMIT {most:d}" if most else ""
        return answer(sql, self._values) if self.files else iter(())


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
        except duckdb.Error as error:
            line = str(error).splitlines()[0]
            raise ResultsError(f"the results cannot be read: {line}", "run the examination again") from error


def volumes(runs: Sequence[Run], chosen: Filter = Filter()) -> Iterator[dict[str, Any]]:
    """Rows of volumes.parquet, in the order of the runs and of the medium."""
    question = _Question(runs, "volumes")
    question.exhibit(chosen.exhibit)
    question.text(chosen.text, "description", "filesystem", "label", "problem")
    return question.rows()


def files(runs: Sequence[Run], chosen: Filter = Filter()) -> Iterator[dict[str, Any]]:
    """Rows of files.parquet, in the order of the runs and of the walk. `kind` is a file's type here."""
    question = _Question(runs, "files")
    question.exhibit(chosen.exhibit)
    question.kind(chosen.kind, "type")
    question.text(chosen.text, "path", "link_target", "mime", "md5", "sha256", "problem")
    question.within(chosen, f"list_concat([{', '.join(_TIMES)}], map_values(extra_times))")
    return question.rows()


def file_named(runs: Sequence[Run], volume: str, path: str) -> list[dict[str, Any]]:
    """All rows with this very path on this volume (or "" for whichever): a name may stand there twice."""
    question = _Question(runs, "files")
    question.where("path = ?", path)
    if volume:
        question.where("volume = ?", volume)
    return list(question.rows())


def artefacts(runs: Sequence[Run], chosen: Filter = Filter()) -> Iterator[dict[str, Any]]:
    """Rows of artefacts.parquet, in the order of the runs and of where they were found."""
    question = _Question(runs, "artefacts")
    question.exhibit(chosen.exhibit)
    question.kind(chosen.kind)
    question.text(chosen.text, "path", "array_to_string(map_values(fields), chr(10))")
    question.within(chosen, "map_values(times)")
    return question.rows()


def timeline(runs: Sequence[Run], chosen: Filter = Filter()) -> Iterator[dict[str, Any]]:
    """Rows of events.parquet in the order of time, then exhibit, volume, path, meaning and source row."""
    question = _Question(runs, "events")
    question.exhibit(chosen.exhibit)
    question.kind(chosen.kind)
    question.text(chosen.text, "path", "message", "meaning")
    if chosen.start is not None:
        question.where('"at" >= ?', chosen.start)
    if chosen.end is not None:
        question.where('"at" < ?', chosen.end)
    return question.rows('"at", exhibit, volume, path, meaning, kind, row')


def excerpt(run: Run, most: int) -> list[dict[str, Any]]:
    """The first and the last events of a run, `most` in all: of logs and other traces, else of files."""
    order = ("at", "volume", "path", "meaning", "kind", "row")
    for kinds in ("kind <> 'file'", "kind = 'file'"):
        ends: list[list[dict[str, Any]]] = []
        for direction in ("ASC", "DESC"):
            question = _Question([run], "events")
            question.where(kinds)
            ends.append(list(question.rows(", ".join(f'"{name}" {direction}' for name in order), most)))
        first, last = ends
        if len(first) < most and first:
            return first
        if first:
            return first[: most // 2] + last[: most // 2][::-1]
    return []


def problems(runs: Sequence[Run], chosen: Filter = Filter()) -> Iterator[dict[str, Any]]:
    """Rows of problems.parquet, in the order of the runs and of the examination."""
    question = _Question(runs, "problems")
    question.exhibit(chosen.exhibit)
    question.text(chosen.text, "path", "stage", "reason")
    return question.rows()
