"""`evikit volumes | files | artefacts | logs`: questions to the results, which open no evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import Settings, remark, with_settings
from forensics.commands.listings import Listing, Row, answer, csv_lines, json_lines, parse_span, second, shared, times

if TYPE_CHECKING:
    from forensics.results import Run
    from forensics.results.queries import Filter


@click.command()
@shared
@with_settings
def volumes(settings: Settings, **options: Any) -> None:
    """List the volumes found on the media: place, file system, or the reason it cannot be read."""
    from forensics.results import queries
    from forensics.results.listing import volume_json

    columns = [("exhibit", 10), ("volume", 6), ("offset", -14), ("length", -16), ("scheme", 6), ("filesystem", 10),
               ("label", 14), ("description or problem", 1)]  # fmt: skip
    listing = Listing(queries.volumes, columns, _volume_cells, {"jsonl": json_lines(volume_json)})
    answer(settings, options, listing)


def _volume_cells(row: Row) -> Sequence[object]:
    return (
        row["exhibit"], row["volume"], f"{row['offset']:,}", f"{row['length']:,}", row["scheme"], row["filesystem"],
        row["label"], row["problem"] or row["description"],
    )  # fmt: skip


@click.command()
@shared
@times
@click.option("--hint", type=click.Choice(["extension", "encryption"]), default=None,
              help="Only files of another type than their name says, or that look encrypted.")  # fmt: skip
@click.option(
    "--known", type=click.Choice(["good", "bad", "none"]), default=None, help="Only files that lists call so."
)
@click.option("--hide-known", is_flag=True, help="Leave known good files out; how many is said.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "jsonl", "bodyfile", "dfxml"]), default="table")
@with_settings
def files(settings: Settings, **options: Any) -> None:
    """List files, allocated and deleted. Times are UTC; a D marks deleted names, R reallocated ones.

    Files on a list of known files (`evikit known`) are marked k where it calls them good, ! where bad.
    """
    from forensics.results.listing import bodyfile_entry, file_json

    forms = {
        "jsonl": json_lines(file_json),
        "csv": csv_lines(file_json),
        "bodyfile": lambda rows: map(bodyfile_entry, rows),
        "dfxml": _dfxml,
    }
    columns = [("id", 9), ("exhibit", 10), ("vol", 3), ("", 2), ("meta", -8), ("size", -14), ("modified (UTC)", 19),
               ("path", 1)]  # fmt: skip
    answer(settings, options, Listing(_chosen(settings, options), columns, _file_cells, forms))


_HINTS = {"extension": "extension_mismatch", "encryption": "encryption"}


def _chosen(settings: Settings, options: Mapping[str, Any]) -> Callable[..., Iterator[Row]]:
    """Ask for files, with what lists of known files say of each; how many are hidden is said at the end."""
    known, hide, hint = options["known"], options["hide_known"], options["hint"]

    def asked(runs: Sequence[Run], chosen: Filter) -> Iterator[Row]:
        from forensics.results.known import GOOD, marked
        from forensics.results.queries import files as ask

        hidden = 0
        for row in marked(ask(runs, chosen), runs):
            if hide and row["known"] == GOOD:
                hidden += 1
            elif known in (None, row["known"] or "none") and (hint is None or row.get(_HINTS[hint])):
                yield row
        if hide:
            remark(settings, f"hidden: {hidden:,} files that lists call known and good")

    return asked


def _dfxml(rows: Iterable[Row]) -> Iterator[str]:
    from importlib.metadata import version

    from custody.commands.exports import listed_file
    from custody.report.exports.dfxml import document

    for piece in document("", version("evikit"), map(listed_file, rows)):
        yield from piece.decode().removesuffix("\n").split("\n")


def _file_cells(row: Row) -> Sequence[object]:
    mark = "" if row["allocated"] else "R" if row["reallocated"] else "D"
    mark += {"good": "k", "bad": "!"}.get(row["known"] or "", "")
    size = "" if row["size"] is None else f"{row['size']:,}"
    path = f"{row['path']}/" if row["type"] == "directory" else row["path"]
    return row["id"], row["exhibit"], row["volume"], mark, row["meta"], size, second(row["modified"]), path


@click.command()
@shared
@times
@click.option("--format", "form", type=click.Choice(["table", "jsonl"]), default="table", show_default=True)
@with_settings
def artefacts(settings: Settings, **options: Any) -> None:
    """List what was read from logs and other traces, as facts with named times."""
    from forensics.results import queries
    from forensics.results.listing import artefact_json

    columns = [("id", 9), ("exhibit", 10), ("kind", 18), ("time (UTC)", 19), ("path", 28), ("fields", 1)]
    listing = Listing(queries.artefacts, columns, _artefact_cells, {"jsonl": json_lines(artefact_json)})
    answer(settings, options, listing)


def _artefact_cells(row: Row) -> Sequence[object]:
    from forensics.results.listing import artefact_json

    shown = artefact_json(row)
    first = next((at for at in shown["times"].values() if at), "") or ""
    fields = " ".join(f"{name}={value}" for name, value in shown["fields"].items())
    return row["id"], row["exhibit"], row["kind"], first[:19].replace("T", " "), row["path"], fields


@click.command()
@shared
@click.option("--kind", "kinds", multiple=True, help="Only this kind, or all that begin with it (syslog).")
@click.option("--gap", default="24h", show_default=True, help="Longer than this without an entry is a gap.")
@click.option("--back", default="60s", show_default=True, help="Further back than this is a clock that was set back.")
@with_settings
def logs(settings: Settings, gap: str, back: str, **options: Any) -> None:
    """List the logs: what each covers, where entries are missing, and where the clock went back.

    Rotated files of one log are one series, oldest first.
    """
    from functools import partial

    from forensics.results.listing import log_json
    from forensics.results.logs import logs as ask

    columns = [("exhibit", 10), ("kind", 16), ("entries", -10), ("first (UTC)", 19), ("last (UTC)", 19), ("files", -5),
               ("gaps", -5), ("back", -5), ("path", 1)]  # fmt: skip
    asked = partial(ask, gap=parse_span(gap), back=parse_span(back))
    answer(settings, options, Listing(asked, columns, _log_cells, {"jsonl": json_lines(log_json)}))


def _log_cells(row: Row) -> Sequence[object]:
    return (
        row["exhibit"], row["kind"], f"{row['entries']:,}", second(row["first"]), second(row["last"]),
        len(row["files"]), row["gaps"] or "", row["steps_back"] or "", row["path"],
    )  # fmt: skip
