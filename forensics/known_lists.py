"""Lists of known files, read where they lie: NSRL's RDSv3 (SQLite), CSV, JSON, and plain lines of digests.

A list is asked for the digests of an examination and nothing is imported. RDSv3: NIST's table or view FILE (sha256,
sha1, md5, file_name, file_size, package_id), PKG and VERSION.
"""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from forensics.model import ExaminationError

LENGTHS = {"sha256": 64, "md5": 32}
"""The digests that an examination has of every file, the surer one first, and how many hex digits they are."""
_OTHER = {"sha1": 40}
_COLUMNS = {"sha256": "sha256", "sha2": "sha256", "md5": "md5", "sha1": "sha1"}
_PRODUCT = ("product", "productname", "name", "packagename", "package", "filename", "file")
_SQLITE = b"SQLite format 3\0"
_MOST_JSON = 512 << 20
_HEX = re.compile(r"[0-9a-fA-F]+")
_SOME = 500  # digests asked for in one statement

Wanted = Mapping[str, frozenset[str]]
"""Lower-case hex digests by algorithm."""
Found = dict[tuple[str, str], str]
"""(algorithm, digest) of what is on a list, and what it says it is."""


class ListError(ExaminationError):
    """A list cannot be used: one clear line that says why."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(
            message, advice or "It needs a column md5 or sha256: CSV with a first row of names, JSON, or RDSv3."
        )


def found_in(path: Path, wanted: Wanted) -> Found:
    """Which of the wanted digests a list holds; raises `ListError`."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
        if head.startswith(_SQLITE):
            return _in_database(path, wanted)
        return _in_rows(_rows(path, head), wanted, path.name)
    except OSError as error:
        raise ListError(f"{path.name} cannot be read: {error.strerror}", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise ListError(f"{path.name} is not UTF-8: {error.reason}", "Save it as UTF-8.") from error
    except csv.Error as error:
        raise ListError(f"{path.name} is no CSV: {error}") from error


def origin_of(path: Path) -> str:
    """What an RDSv3 database says of itself, or ""."""
    try:
        with path.open("rb") as file:
            if file.read(16) != _SQLITE:
                return ""
        with closing(_opened(path)) as database:
            row = database.execute("SELECT version, description FROM VERSION ORDER BY release_date DESC").fetchone()
    except (OSError, sqlite3.Error):  # a database of another kind: it does not say
        return ""
    return f"NSRL RDS {row[0]}: {row[1]}" if row else ""


# --- SQLite --------------------------------------------------------------------------------------------------


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)


def _in_database(path: Path, wanted: Wanted) -> Found:
    try:
        with closing(_opened(path)) as database:
            table, algorithm = _table(database, path.name)
            if _indexed(database, table, algorithm):
                return _looked_up(database, table, algorithm, wanted[algorithm])
            return _scanned(database, table, algorithm, wanted[algorithm])
    except sqlite3.Error as error:
        raise ListError(f"{path.name} cannot be read: {error}", "Check the copy against its digest.") from error


def _table(database: sqlite3.Connection, name: str) -> tuple[str, str]:
    """The table (RDSv3's FILE before others), and the digest to ask it for."""
    rows = database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name != 'FILE'")
    tables = [str(row[0]) for row in rows]
    for table in tables:
        columns = {str(row[1]).lower() for row in database.execute(f"PRAGMA table_info({_quoted(table)})")}
        for algorithm in LENGTHS:
            if algorithm in columns:
                return table, algorithm
    raise ListError(f"{name} has no table with a column md5 or sha256 (it has {', '.join(tables[:6]) or 'none'})")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _indexed(database: sqlite3.Connection, table: str, algorithm: str) -> bool:
    """Whether a digest is found without reading the whole table."""
    plan = database.execute(f"EXPLAIN QUERY PLAN SELECT 1 FROM {_quoted(table)} WHERE {algorithm} = ?", ("",))  # noqa: S608
    return not any(str(row[3]).startswith("SCAN") for row in plan)


def _package(database: sqlite3.Connection, table: str) -> str:
    """SQL for what a row is said to be: its package in RDSv3, else nothing."""
    columns = {str(row[1]).lower() for row in database.execute(f"PRAGMA table_info({_quoted(table)})")}
    packages = {str(row[1]).lower() for row in database.execute("PRAGMA table_info(PKG)")}
    if "package_id" in columns and {"package_id", "name", "version"} <= packages:
        return "(SELECT PKG.name || ' ' || PKG.version FROM PKG WHERE PKG.package_id = t.package_id LIMIT 1)"
    return "file_name" if "file_name" in columns else "''"


def _looked_up(database: sqlite3.Connection, table: str, algorithm: str, wanted: frozenset[str]) -> Found:
    found: Found = {}
    product = _package(database, table)
    values = sorted(wanted)
    for at in range(0, len(values), _SOME):
        some = values[at : at + _SOME]
        both = [*(value.upper() for value in some), *some]
        marks = ", ".join("?" * len(both))
        sql = f"SELECT {algorithm}, {product} FROM {_quoted(table)} AS t WHERE {algorithm} IN ({marks})"  # noqa: S608
        for value, said in database.execute(sql, both):
            found.setdefault((algorithm, str(value).lower()), str(said or ""))
    return found


def _scanned(database: sqlite3.Connection, table: str, algorithm: str, wanted: frozenset[str]) -> Found:
    found: Found = {}
    sql = f"SELECT {algorithm}, {_package(database, table)} FROM {_quoted(table)} AS t"  # noqa: S608 - quoted names
    for value, said in database.execute(sql):
        if (digest := str(value).lower()) in wanted:
            found.setdefault((algorithm, digest), str(said or ""))
    return found


# --- text ----------------------------------------------------------------------------------------------------

Row = tuple[int, Mapping[str, str]]
"""The number of a row or line, and its values by the name of their column."""


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _rows(path: Path, head: bytes) -> Iterator[Row]:
    """Rows of a text list, whatever its form."""
    start = head.decode("utf-8-sig", "replace").lstrip()
    if start.startswith(("{", "[")):
        yield from _json_rows(path, start)
        return
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = start.split("\n", 1)[0].strip()
        word = re.split(r"[\s,;*]+", first)[0].strip('"')
        if _HEX.fullmatch(word) and _algorithm(word):
            yield from _line_rows(file)
        else:
            yield from _csv_rows(file, first)


def _algorithm(digest: str) -> str:
    lengths = {length: name for name, length in (LENGTHS | _OTHER).items()}
    return lengths.get(len(digest), "")


def _line_rows(file: Any) -> Iterator[Row]:
    """Lines as `sha256sum` prints them, or digests alone."""
    for number, line in enumerate(file, 1):
        digest, _, name = line.strip().partition(" ")
        if digest:
            yield number, {_algorithm(digest) or "digest": digest, "name": name.strip(" *")}


def _csv_rows(file: Any, first: str) -> Iterator[Row]:
    separator = max(",;\t|", key=first.count)
    for number, row in enumerate(csv.DictReader(file, delimiter=separator), 2):
        yield number, {_plain(name): value or "" for name, value in row.items() if isinstance(name, str)}


def _json_rows(path: Path, start: str) -> Iterator[Row]:
    """An array of objects, an object whose `value` is one (Project VIC), or an object a line."""
    if path.stat().st_size > _MOST_JSON and not start.startswith("{"):
        raise ListError(f"{path.name} is over {_MOST_JSON >> 20} MiB", "Write it as JSON lines: an object a line.")
    try:
        for number, item in enumerate(_json_items(path, start), 1):
            named = item if isinstance(item, dict) else {}
            yield number, {_plain(name): str(each) for name, each in named.items() if each is not None}
    except (json.JSONDecodeError, RecursionError) as error:
        raise ListError(f"{path.name} is no JSON that is read: {error}", "Check the file.") from error


def _json_items(path: Path, start: str) -> Iterator[Any]:
    try:
        value = json.loads(path.read_text("utf-8-sig"))
    except json.JSONDecodeError:
        if not start.startswith("{"):
            raise
        with path.open(encoding="utf-8-sig") as file:
            yield from (json.loads(line) for line in file if line.strip())
        return
    items = value.get("value", [value]) if isinstance(value, dict) else value
    yield from items if isinstance(items, list) else []


def _in_rows(rows: Iterator[Row], wanted: Wanted, name: str) -> Found:
    """Look rows through; a list whose digests are none, or of kinds that no examination has, is refused."""
    found: Found = {}
    seen, columns = 0, dict[str, None]()
    for number, row in rows:
        columns |= dict.fromkeys(row)
        digests = {_COLUMNS[column]: value.strip().lower() for column, value in row.items() if column in _COLUMNS}
        for algorithm, digest in digests.items():
            if digest and not (_HEX.fullmatch(digest) and len(digest) == (LENGTHS | _OTHER)[algorithm]):
                raise ListError(f"{name}, row {number}: {digest[:40]!r} is no {algorithm.upper()}")
        usable = {algorithm: digest for algorithm, digest in digests.items() if algorithm in LENGTHS and digest}
        seen += bool(usable)
        for algorithm in LENGTHS:
            if usable.get(algorithm, "") in wanted[algorithm] and algorithm in usable:
                found.setdefault((algorithm, usable[algorithm]), _product(row))
                break
    if not seen:
        raise ListError(_nothing(name, list(columns)))
    return found


def _nothing(name: str, columns: Sequence[str]) -> str:
    if "sha1" in columns:
        return f"{name} has SHA-1 alone, and an examination has MD5 and SHA-256 of every file"
    if not columns:
        return f"{name} has no rows"
    return f"{name} has no column md5 or sha256 (it has {', '.join(columns[:6])})"


def _product(row: Mapping[str, str]) -> str:
    return next((row[name] for name in _PRODUCT if row.get(name)), "")[:200]
