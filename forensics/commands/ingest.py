"""`evikit ingest`: take evidence in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import (
    INTEGRITY,
    PROBLEMS,
    Settings,
    put_facts,
    put_json,
    remark,
    visible,
    with_settings,
    writing,
)

if TYPE_CHECKING:
    from forensics.commands.intake import Intake


def processors() -> int:
    """How many processors this process may use, at most 8: each worker takes some 100 MiB."""
    return min(len(os.sched_getaffinity(0)), 8)


PROBLEMS_SHOWN = 5
NEXT = "Rely on these media only when you know why: the slip, the copy, or the container is wrong."


@click.command()
@click.argument("paths", metavar="[PATH...]", nargs=-1, type=click.Path(path_type=Path))
@click.option("--exhibit", "ref", metavar="REF", default=None,
              help="Exhibit reference, for example AH/1. Needed, but for REF:PATH.")  # fmt: skip
@click.option("--purpose", required=True, help="Why the evidence is read: it stands in the ledger.")
@click.option("--state", type=click.Choice(["original", "best-evidence", "working-copy"]), default=None,
              help="What the files are. Default: as registered, best-evidence where that is no copy.")  # fmt: skip
@click.option("--parent", default="", metavar="REF", help="The exhibit it was made from, for its registration.")
@click.option("--description", default="", help="What the exhibit is, for its registration.")
@click.option("--expect", metavar="ALG:HEX", help="The digest on the hand-over slip, of the media stream.")
@click.option("--acquisition-log", type=click.Path(path_type=Path), help="The acquiring tool's log, kept by digest.")
@click.option("--zone", help="The time zone of local times in the evidence (FAT, logs), as an IANA name.")
@click.option("--mapping", type=click.Path(path_type=Path), help="How logs in CSV or JSON lines are read (TOML).")
@click.option("--passphrases", metavar="FILE", type=click.Path(path_type=Path, allow_dash=True),
              help="Passphrases of encrypted volumes, one a line; - asks for one. Written nowhere.")  # fmt: skip
@click.option("--copy", "copy_first", is_flag=True, help="Make and verify a working copy in the case, examine that.")
@click.option("--again", is_flag=True, help="Examine once more although a complete run exists.")
@click.option("--jobs", type=click.IntRange(1, 64), default=processors, envvar="EVIKIT_JOBS",
              help="Worker processes. Default: the processors"
              " there are, at most 8.")  # fmt: skip
@click.option("--cluster", metavar="ADDRESS", default="",
              help="Work on the workers of this Dask scheduler (tcp://HOST:PORT), over shared storage.")  # fmt: skip
@with_settings
def ingest(settings: Settings, **options: Any) -> None:
    """Take evidence in: an image (with its segments), a folder, an archive, or log files.

    Without PATH the exhibit is read where it stands, after `evikit acquire` in its image. REF:PATH, as listings print
    it (REF:VOLUME:PATH), is a file inside exhibit REF: it becomes an exhibit of its own, made from that one.

    The intent is in the ledger before the first byte is read. The media stream is digested (MD5, SHA-1,
    SHA-256), volumes and file systems are walked, every readable file is digested and typed, logs are read,
    and one timeline is made. Further segments of an image are found from its first one.
    """
    from forensics.commands.intake import Order, take_in
    from forensics.commands.named import found_in_case, needs_case
    from forensics.commands.passphrases import read_passphrases
    from forensics.commands.progress import progress

    inside = needs_case(options["paths"])
    if options["ref"] is None and not (inside and options["paths"]):
        raise click.UsageError("name the exhibit with --exhibit REF")
    options |= {name: options[name] or "" for name in ("ref", "state")}
    order = Order(secrets=read_passphrases(options.pop("passphrases")), **options)
    if not inside:
        order.validate()
    with writing(settings) as case, progress(settings, order.ref or str(order.paths[0])) as listener:
        intake = take_in(case, found_in_case(case, order) if inside else order, listener)
    if settings.json:
        put_json(intake.json_object())
    else:
        _tell(settings, intake)
    for line in intake.mismatches:  # whatever --quiet says
        click.echo(f"evikit: MISMATCH: {visible(line)}\n  It is recorded. {NEXT}", err=True)
    if intake.mismatches:
        click.get_current_context().exit(INTEGRITY)
    if intake.problems:
        click.get_current_context().exit(PROBLEMS)


def _tell(settings: Settings, intake: Intake) -> None:
    found = intake.json_object()
    media = found["media"]
    facts = {
        "exhibit": f"{found['exhibit']} ({media['format']}, {int(media['size']):,} bytes)",
        **{name: media[name] for name in ("md5", "sha1", "sha256") if media[name]},
        "volumes": ", ".join(intake.volume_names()) or "none",
        "found": f"{found['files']:,} files, {found['artefacts']:,} artefacts, {found['events']:,} events",
        "problems": f"{found['problems']:,}" + (" (recorded)" if found["problems"] else ""),
        "run": found["run"],
    }
    put_facts(facts)
    for line in (*intake.remarks, *_problems(intake)):
        remark(settings, f"note: {line}")


def _problems(intake: Intake) -> Iterator[str]:
    """The first few problems in words; the report lists all."""
    from forensics.results import Run
    from forensics.results.queries import problems

    examination = intake.examination
    if intake.problems:
        for row in islice(problems([Run(examination.run, examination.exhibit, complete=True)]), PROBLEMS_SHOWN):
            place = ":".join(part for part in (row["volume"], row["path"]) if part)
            yield f"{place}: {row['reason']}" if place else row["reason"]
    if intake.problems > PROBLEMS_SHOWN:
        yield f"and {intake.problems - PROBLEMS_SHOWN:,} more problems, which the report lists"
