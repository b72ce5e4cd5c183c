"""`evikit timeline`: everything that has a time, in one order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from custody.commands.screen import Settings, with_settings
from forensics.commands.listings import Row, answer, json_lines, shared, times


@click.command()
@shared
@times
@click.option("--format", "form", type=click.Choice(["table", "csv", "jsonl", "bodyfile"]), default="table")
@with_settings
def timeline(settings: Settings, **options: Any) -> None:
    """List everything that has a time, in order. Times are UTC; ~ marks local times of an unknown zone."""
    from forensics.results import queries
    from forensics.results.listing import EVENT_COLUMNS, bodyfile_event, csv_line, event_csv, event_json

    lines = json_lines(event_json)
    if settings.json:
        pass  # --json goes before any --format
    elif options["form"] == "bodyfile":
        lines = lambda rows: map(bodyfile_event, rows)  # noqa: E731 - one of three shapes of the same thing
    elif options["form"] == "csv":
        lines = lambda rows: (  # noqa: E731
            line for part in ([csv_line(EVENT_COLUMNS)], map(event_csv, rows)) for line in part
        )
    columns = [("time (UTC)", 19), ("", 1), ("exhibit", 8), ("what", 18), ("path", 30), ("message", 1)]
    answer(settings, options, queries.timeline, lines, columns, _event_cells)


def _event_cells(row: Row) -> Sequence[object]:
    from forensics.results.listing import event_json

    shown = event_json(row)
    mark = "~" if row["clock"] == "unknown" else ""
    return shown["at"][:19].replace("T", " "), mark, row["exhibit"], row["meaning"], row["path"], row["message"]
