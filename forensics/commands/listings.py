"""What listings of results share: options, the question they make, formats, and writing to a file."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import (
    Settings,
    columned,
    put_facts,
    put_json,
    put_text,
    reading,
    remark,
    writing,
)
from custody.ledger.errors import CustodyError

if TYPE_CHECKING:
    from custody.case import Case
    from forensics.results import Run
    from forensics.results.queries import Filter

Row = Mapping[str, Any]
Lines = Callable[[Iterable[Row]], Iterator[str]]

_STAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))?\s*(Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)


def parse_time(given: str | None) -> int | None:
    """ISO 8601 as nanoseconds since 1970; without an offset it is UTC. CustodyError for anything else."""
    if given is None:
        return None
    found = _STAMP.fullmatch(given.strip())
    if found is None:
        raise CustodyError(f"{given!r} is no time", "Write 2026-03-01, 2026-03-01T10:00:00 or with an offset, +01:00.")
    day, clock, fraction, offset = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{(offset or 'Z').replace('Z', '+00:00')}")
    except ValueError as error:
        raise CustodyError(f"{given!r} is no time: {error}", "Write it as 2026-03-01T10:00:00Z.") from error
    seconds = int((moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    return seconds * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))


def shared(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(
        (
            click.option("--exhibit", "ref", metavar="REF", default="", help="Only this exhibit."),
            click.option("--run", "run_name", metavar="RUN", default="", help="This run; else the newest complete."),
            click.option("--text", default="", help="Only rows that hold this text, in whatever case."),
            click.option(
                "-o", "--output", type=click.Path(path_type=Path), help="Write to a new file, and record its digest."
            ),
        )
    ):
        function = option(function)
    return function


def times(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(
        (
            click.option("--from", "start", metavar="TIME", help="From this time on (ISO 8601; UTC unless it says)."),
            click.option("--to", "end", metavar="TIME", help="Before this time."),
            click.option(
                "--kind",
                "kinds",
                multiple=True,
                help="Only this kind, or all that begin with it (syslog); for files, the type. May be given again.",
            ),
            click.option(
                "--path",
                default="",
                metavar="PATTERN",
                help="Only this path and what lies below it; or a pattern with *, ? and [abc].",
            ),
            click.option(
                "--user", default="", metavar="NAME", help="Only what lies in this account's folder or names it."
            ),
        )
    ):
        function = option(function)
    return function


def _filter(options: Mapping[str, Any]) -> Filter:
    from forensics.results.noise import NOISE
    from forensics.results.queries import Filter

    return Filter(
        exhibit=options.get("ref", ""),
        start=parse_time(options.get("start")),
        end=parse_time(options.get("end")),
        kinds=tuple(options.get("kinds", ())),
        text=options.get("text", ""),
        path=options.get("path", ""),
        user=options.get("user", ""),
        hide=tuple(noise for noise in NOISE if noise.name in options.get("hide", ())),
    )


def _runs(case: Case, options: Mapping[str, Any]) -> Sequence[Run]:
    from custody.exhibits import need_exhibit
    from forensics.results import current_runs

    if options["ref"]:
        need_exhibit(case, options["ref"])
    runs = current_runs(case.path / "derived", options["ref"], options["run_name"])
    if not runs:
        raise CustodyError("nothing has been examined yet", "Run `evikit ingest` first.")
    return runs


def _export(settings: Settings, case: Case, path: Path, lines: Iterable[str]) -> None:
    """Write a listing to a new file, whole or not at all, and record its digest: it leaves the case."""
    from custody.disclose import register_digest

    digest, count = hashlib.sha256(), 0
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            for count, line in enumerate(lines, 1):  # noqa: B007 - the last one counts
                file.write(line + "\n")
                digest.update(line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        register_digest(case, case.person.name if case.person else "", "listing", path.name, digest.hexdigest())
    except FileExistsError:
        raise CustodyError(f"{path} exists already", "Choose another name: nothing is overwritten.") from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    facts = {"file": str(path), "lines": str(count), "sha256": digest.hexdigest()}
    (put_json if settings.json else put_facts)(facts)


@dataclass(frozen=True, slots=True)
class Listing:
    """A listing: the question, its table of `cells`, and other forms by the word that asks for them.

    `forms` has "jsonl", which is what --json prints. `sources` says what is asked: runs, unless it is told.
    """

    ask: Callable[[Sequence[Any], Filter], Iterator[Row]]
    columns: Sequence[tuple[str, int]]
    cells: Callable[[Row], Sequence[object]]
    forms: Mapping[str, Lines]
    sources: Callable[[Case, Mapping[str, Any]], Sequence[Any]] = _runs


def answer(settings: Settings, options: Mapping[str, Any], listing: Listing) -> None:
    """Ask the results and print, or write to a file, in the form that was chosen."""
    form, output = "jsonl" if settings.json else options.get("form", "table"), options["output"]
    if output is not None and output.exists():
        raise CustodyError(f"{output} exists already", "Choose another name: nothing is overwritten.")
    chosen = _filter(options)
    with writing(settings) if output else reading(settings) as case:
        if options.get("corrected"):
            chosen = replace(chosen, ahead=clocks_ahead(case))
        rows = listing.ask(listing.sources(case, options), chosen)
        table = form == "table"
        shaped = columned(listing.columns, map(listing.cells, rows)) if table else listing.forms[form](rows)
        if output is not None:
            _export(settings, case, output, shaped)
            return
        count = 0
        for count, line in enumerate(shaped, 1):  # noqa: B007 - the last one counts
            put_text(line)
        if table:
            remark(settings, f"{count - 1:,} row{'' if count == 2 else 's'}")


def clocks_ahead(case: Case) -> dict[str, int]:
    """By how many nanoseconds each exhibit's clock was ahead when it was seized, as registered and corrected since."""
    from custody.corrections import as_corrected
    from custody.opened import mapping
    from custody.registration import clock_ahead

    found = {}
    for row in case.ledger.rows_of("exhibit.register"):
        x = row.entry.x
        values = as_corrected(row, case.ledger.rows_in(x.n if x is not None else 0))
        seconds = clock_ahead(mapping(mapping(values.get("seizure")).get("clock")))
        if seconds is not None:
            found[str(values.get("ref"))] = seconds * 1_000_000_000
    return found


def json_lines(shape: Callable[[Row], Mapping[str, Any]]) -> Lines:
    from forensics.results.listing import json_line

    return lambda rows: (json_line(shape(row)) for row in rows)


def second(at: int | None) -> str:
    from forensics.timeline import iso

    return "" if at is None else iso(at)[:19].replace("T", " ")


def csv_lines(shape: Callable[[Row], Mapping[str, Any]]) -> Lines:
    from forensics.results.listing import csv_line

    def lines(rows: Iterable[Row]) -> Iterator[str]:
        names: list[str] = []
        for row in rows:
            values = shape(row)
            if not names:
                names = [name for name, value in values.items() if not isinstance(value, dict)]
                yield csv_line(names)
            yield csv_line([values.get(name) for name in names])

    return lines


_SPAN = re.compile(r"(\d{1,6})\s*([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_span(given: str) -> int:
    """A length of time as nanoseconds: 90s, 15m, 6h, 2d. CustodyError for anything else."""
    found = _SPAN.fullmatch(given.strip())
    if found is None:
        raise CustodyError(f"{given!r} is no length of time", "Write a number and s, m, h or d: 6h.")
    return int(found[1]) * _UNITS[found[2]] * 1_000_000_000
