"""`evikit timeline`: everything that has a time, in one order; how many events there are when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import Settings, remark, with_settings
from forensics.commands.listings import Lines, Listing, Row, answer, json_lines, shared, times

if TYPE_CHECKING:
    from forensics.results import Run
    from forensics.results.queries import Filter

FORMATS = ("table", "csv", "jsonl", "bodyfile", "timesketch-csv", "timesketch-jsonl")
NOISES = ("access-times", "file-name-times", "system-folders", "caches", "registry-keys", "expiries")
"""Names in `forensics.results.noise.NOISE`, known without loading it."""
_WIDEST = 40


@click.command()
@shared
@times
@click.option("--hide", multiple=True, type=click.Choice(NOISES), help="Leave this noise out; how much is said.")
@click.option("--corrected", is_flag=True, help="Times as a right clock had shown them, by the registered difference.")
@click.option(
    "--histogram",
    "period",
    type=click.Choice(["hour", "day", "month", "year"]),
    help="Count events instead, by source.",
)
@click.option("--format", "form", type=click.Choice(FORMATS), default="table")
@with_settings
def timeline(settings: Settings, period: str | None, **options: Any) -> None:
    """List everything that has a time, in order. Times are UTC; ~ marks local times of an unknown zone."""
    answer(settings, options, _counted(settings, period) if period else _listed(settings))


def _listed(settings: Settings) -> Listing:
    from forensics.results import queries
    from forensics.results.listing import bodyfile_event, event_json

    forms = {
        "jsonl": json_lines(event_json),
        "csv": _csv,
        "bodyfile": lambda rows: map(bodyfile_event, rows),
        "timesketch-csv": _timesketch(settings, _timesketch_csv),
        "timesketch-jsonl": _timesketch(settings, _timesketch_jsonl),
    }
    columns = [("id", 9), ("time (UTC)", 19), ("", 1), ("exhibit", 8), ("what", 18), ("path", 30), ("message", 1)]
    return Listing(_telling(settings, queries.timeline), columns, _event_cells, forms)


def _telling(settings: Settings, ask: Callable[..., Iterator[Row]]) -> Callable[..., Iterator[Row]]:
    """Ask, and say for people what is hidden and which clocks were put right."""

    def asked(runs: Sequence[Run], chosen: Filter) -> Iterator[Row]:
        from forensics.results.queries import hidden

        for ref, ahead in chosen.ahead.items():
            seconds = ahead // 1_000_000_000
            way = "ahead" if seconds >= 0 else "behind"
            remark(
                settings,
                f"{ref}: its clock was {abs(seconds):,} s {way} when it was seized; times are corrected by that",
            )
        counts = hidden(runs, chosen)
        for noise in chosen.hide:
            remark(settings, f"hidden: {counts.get(noise.name, 0):,} events, {noise.hides} ({noise.name})")
        return ask(runs, chosen)

    return asked


def _csv(rows: Iterable[Row]) -> Iterator[str]:
    from forensics.results.listing import EVENT_COLUMNS, csv_line, event_csv

    yield csv_line(EVENT_COLUMNS)
    yield from map(event_csv, rows)


def _timesketch_csv(rows: Iterable[Row]) -> Iterator[str]:
    from forensics.results.listing import TIMESKETCH_COLUMNS, csv_line, timesketch

    yield csv_line(TIMESKETCH_COLUMNS)
    yield from (csv_line(list(timesketch(row).values())) for row in rows)


def _timesketch_jsonl(rows: Iterable[Row]) -> Iterator[str]:
    from forensics.results.listing import json_line, timesketch

    return (json_line(timesketch(row)) for row in rows)


def _timesketch(settings: Settings, lines: Lines) -> Lines:
    """Without what Timesketch refuses: times before 1677 or after 2262. How many these were is said."""

    def shaped(rows: Iterable[Row]) -> Iterator[str]:
        left_out = 0

        def kept() -> Iterator[Row]:
            nonlocal left_out
            for row in rows:
                if row["far_at"] is None:
                    yield row
                else:
                    left_out += 1

        yield from lines(kept())
        if left_out:
            remark(settings, f"left out: {left_out:,} events before 1677 or after 2262, which Timesketch does not take")

    return shaped


def _event_cells(row: Row) -> Sequence[object]:
    from forensics.results.listing import event_json

    shown = event_json(row)
    mark = "~" if row["clock"] == "unknown" else ""
    return (
        row["id"], shown["at"][:19].replace("T", " "), mark, row["exhibit"], row["meaning"], row["path"],
        row["message"],
    )  # fmt: skip


def _counted(settings: Settings, period: str) -> Listing:
    def ask(runs: Sequence[Run], chosen: Filter) -> Iterator[Row]:
        from forensics.results.histogram import histogram

        bars = histogram(runs, chosen, period)
        most = max((bar.events for bar in bars), default=1)
        for bar in bars:
            drawn = "#" * max(1, round(_WIDEST * bar.events / most))
            yield {"period": bar.period, "events": bar.events, "sources": dict(bar.sources), "drawn": drawn}

    shape = json_lines(lambda row: {name: row[name] for name in ("period", "events", "sources")})
    columns = [(period, 13), ("events", -10), ("", _WIDEST), ("of which", 1)]
    forms = {"jsonl": shape, "csv": _counted_csv}
    return Listing(_telling(settings, ask), columns, _bar_cells, forms)


def _bar_cells(row: Row) -> Sequence[object]:
    sources = ", ".join(f"{name} {events:,}" for name, events in row["sources"].items())
    return row["period"].replace("T", " "), f"{row['events']:,}", row["drawn"], sources


def _counted_csv(rows: Iterable[Row]) -> Iterator[str]:
    from forensics.results.listing import csv_line

    yield csv_line(["period", "source", "events"])
    yield from (csv_line([row["period"], name, events]) for row in rows for name, events in row["sources"].items())
