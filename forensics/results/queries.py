"""Questions to the results of complete runs: volumes, files, artefacts, one timeline.

Rows come as plain dicts in a stable order, a bounded number at a time (`forensics.results.question`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from forensics.meanings import USER_FIELDS
from forensics.results import ResultsError, Run
from forensics.results.noise import Noise
from forensics.results.question import LETTERS, Question

_TIMES = ("modified", "accessed", "changed", "created")
_HOMES = ("users", "home", "documents and settings")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows: all that meet every condition given.

    `start` (inclusive) and `end` (exclusive) are nanoseconds since 1970: a file or an artefact is
    within when one of its times is. `kinds` are artefact kinds or their first parts ("syslog"), any of them. `text`
    is looked for in paths, messages, field values and digests, without regard to case. `path` is a pattern with
    * (also across folders), ? and [abc], or a path: that one and what lies below it. `user` names an account.
    `hide` leaves noise out. `ahead` says by how many nanoseconds the clock of an exhibit was ahead: its events are
    taken and shown that much earlier.
    """

    exhibit: str = ""
    start: int | None = None
    end: int | None = None
    kinds: tuple[str, ...] = ()
    text: str = ""
    path: str = ""
    user: str = ""
    hide: tuple[Noise, ...] = ()
    ahead: Mapping[str, int] = field(default_factory=dict)


def _exhibit(question: Question, ref: str) -> None:
    if ref:
        question.where("exhibit = ?", ref)


def _text(question: Question, sought: str, *columns: str) -> None:
    """Only rows where one of the columns holds the text, in whatever case."""
    if not sought:
        return
    if sought.lower() == sought.upper():  # no letters, an address say: half the time
        question.where(" OR ".join(f"contains({column}, ?)" for column in columns), *[sought] * len(columns))
        return
    escaped = re.sub(r"([%_\\])", r"\\\1", sought)
    escape = (
        "" if escaped == sought else " ESCAPE '\\'"
    )  # only where it is needed: with it DuckDB goes letter by letter
    held = " OR ".join(f"{column} ILIKE ?{escape}" for column in columns)
    question.where(held, *[f"%{escaped}%"] * len(columns))


def _kinds(question: Question, kinds: Sequence[str], column: str = "kind") -> None:
    """Only rows of these kinds, or of the kinds that begin with one and a dot."""
    if kinds:
        either = " OR ".join([f"{column} = ? OR starts_with({column}, ?)"] * len(kinds))
        question.where(either, *(value for kind in kinds for value in (kind, f"{kind}.")))


def _path(question: Question, pattern: str) -> None:
    if not pattern:
        return
    if re.search(r"[*?\[]", pattern):
        question.where("lower(path) GLOB lower(?)", pattern)
    else:
        place = pattern.rstrip("/")
        question.where("lower(path) = lower(?) OR starts_with(lower(path), lower(?))", place, f"{place}/")


def _of_user(user: str) -> tuple[str, list[object]]:
    """SQL for artefacts whose fields name the account, alone or behind a domain, with its values."""
    named = "lambda e: list_contains(?, e.key) AND (lower(e.value) = ? OR ends_with(lower(e.value), ?))"
    return f"len(list_filter(map_entries(fields), {named})) > 0", [list(USER_FIELDS), user, f"\\{user}"]


def _home(user: str) -> tuple[str, list[object]]:
    """SQL for paths below the account's folder, with its values."""
    return " OR ".join(["contains('/' || lower(path), ?)"] * len(_HOMES)), [f"/{home}/{user}/" for home in _HOMES]


def _within(question: Question, chosen: Filter, times: str) -> None:
    """Only rows where one of `times`, an SQL list, lies in the filter's span."""
    if chosen.start is None and chosen.end is None:
        return
    bounds = [("t >= ?", chosen.start), ("t < ?", chosen.end)]
    condition = " AND ".join(text for text, value in bounds if value is not None)
    values = [value for _, value in bounds if value is not None]
    question.where(f"len(list_filter({times}, lambda t: {condition})) > 0", *values)


def volumes(runs: Sequence[Run], chosen: Filter = Filter()) -> Iterator[dict[str, Any]]:
    """Rows of volumes.parquet, in the order of the runs and of the medium."""
    question = Question(runs, "volumes")
    _exhibit(question, chosen.exhibit)
    _text(question, chosen.text, "description", "filesystem", "label", "problem")
    return question.rows()


def files(runs: Sequence[Run], chosen: Filter = Filter()) -> Iterator[dict[str, Any]]:
    """Rows of files.parquet, in the order of the runs and of the walk. `kinds` are files' types here."""
    question = Question(runs, "files")
    _exhibit(question, chosen.exhibit)
    _kinds(question, chosen.kinds, "type")
    _text(question, chosen.text, "path", "link_target", "mime", "md5", "sha256", "problem")
    _path(question, chosen.path)
    if chosen.user:
        condition, values = _home(chosen.user.lower())
        question.where(condition, *values)
    _within(question, chosen, f"list_concat([{', '.join(_TIMES)}], map_values(extra_times))")
    return question.rows()


def file_named(runs: Sequence[Run], volume: str, path: str) -> list[dict[str, Any]]:
    """All rows with this very path on this volume (or "" for whichever): a name may stand there twice."""
    question = Question(runs, "files")
    question.where("path = ?", path)
    if volume:
        question.where("volume = ?", volume)
    return list(question.rows())


def artefacts(runs: Sequence[Run], chosen: Filter = Filter()) -> Iterator[dict[str, Any]]:
    """Rows of artefacts.parquet, in the order of the runs and of where they were found."""
    question = Question(runs, "artefacts")
    _exhibit(question, chosen.exhibit)
    _kinds(question, chosen.kinds)
    _text(question, chosen.text, "path", "array_to_string(map_values(fields), chr(10))")
    _path(question, chosen.path)
    if chosen.user:
        parts = (_of_user(chosen.user.lower()), _home(chosen.user.lower()))
        question.where(" OR ".join(part for part, _ in parts), *(value for _, values in parts for value in values))
    _within(question, chosen, "map_values(times)")
    return question.rows()


def events_chosen(runs: Sequence[Run], chosen: Filter) -> Question:
    """The question for the events that meet the conditions, but for what is noise."""
    question = Question(runs, "events")
    if chosen.ahead:
        cases = " ".join(["WHEN ? THEN ?"] * len(chosen.ahead))
        shift = f'CASE WHEN far_at IS NULL THEN "at" - CASE exhibit {cases} ELSE 0 END ELSE "at" END'
        question.replace("at", shift, *(value for pair in chosen.ahead.items() for value in pair))
    _exhibit(question, chosen.exhibit)
    _kinds(question, chosen.kinds)
    _text(question, chosen.text, "path", "message", "meaning")
    _path(question, chosen.path)
    if chosen.start is not None:
        question.where('"at" >= ?', chosen.start)
    if chosen.end is not None:
        question.where('"at" < ?', chosen.end)
    if chosen.user:
        _events_of(question, runs, chosen.user.lower())
    return question


def _events_of(question: Question, runs: Sequence[Run], user: str) -> None:
    """Only events below an account's folder, or of artefacts that name it: an event knows its artefact by its row."""
    home, values = _home(user)
    named, more = _of_user(user)
    place = "parse_dirpath(filename)"
    source = "read_parquet(?, filename = true, file_row_number = true)"
    mine = f"SELECT {place} || ':' || file_row_number FROM {source} WHERE {named}"  # noqa: S608 - values are bound
    condition = f"{home} OR (kind <> 'file' AND {place} || ':' || \"row\" IN ({mine}))"
    question.where(condition, *values, [str(run.table("artefacts")) for run in runs], *more)


def timeline(runs: Sequence[Run], chosen: Filter = Filter()) -> Iterator[dict[str, Any]]:
    """Rows of events.parquet in the order of time, then exhibit, volume, path, meaning and source row."""
    question = events_chosen(runs, chosen)
    for noise in chosen.hide:
        question.where(f"NOT ({noise.condition})")
    return question.rows('"at", exhibit, volume, path, meaning, kind, row')


def hidden(runs: Sequence[Run], chosen: Filter) -> dict[str, int]:
    """How many events each noise hides that meet the other conditions, by its name. An event may count twice."""
    if not chosen.hide:
        return {}
    counts = ", ".join(f'count(*) FILTER ({noise.condition}) AS "{noise.name}"' for noise in chosen.hide)
    found = events_chosen(runs, chosen).aggregate(counts)
    return dict(found[0]) if found else {}


def excerpt(run: Run, most: int) -> list[dict[str, Any]]:
    """The first and the last events of a run, `most` in all: of logs and other traces, else of files."""
    order = ("at", "volume", "path", "meaning", "kind", "row")
    for kinds in ("kind <> 'file'", "kind = 'file'"):
        ends: list[list[dict[str, Any]]] = []
        for direction in ("ASC", "DESC"):
            question = Question([run], "events")
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
    question = Question(runs, "problems")
    _exhibit(question, chosen.exhibit)
    _text(question, chosen.text, "path", "stage", "reason")
    return question.rows()


_IDENTITY = re.compile(r"([a-z])(\d{1,9})\.(\d{1,12})")


def identified(runs: Sequence[Run], identity: str) -> tuple[str, Run, dict[str, Any]]:
    """The table, the run and the row that an identity means, as listings show it (e3.118).

    Raises `ResultsError` where there is none.
    """
    found = _IDENTITY.fullmatch(identity.strip())
    table = next((name for name, letter in LETTERS.items() if found and letter == found[1]), "")
    if found is None or not table:
        raise ResultsError(f"{identity!r} is no id of a result", "listings show them in their first column: e3.118")
    run = next((run for run in runs if run.number == int(found[2]) and run.complete), None)
    if run is None:
        raise ResultsError(f"there is no complete run {found[2]}", "ids are those of the case they were listed in")
    question = Question([run], table)
    question.where("file_row_number = ?", int(found[3]))
    rows = list(question.rows(most=1))
    if not rows:
        raise ResultsError(f"run {run.name} has no row {found[3]} of {table}", "copy the id from a listing")
    return table, run, rows[0]
