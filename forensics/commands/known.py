"""`evikit known`: files compared with a list of known files, without opening the evidence again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import Settings, put_facts, put_json, with_settings, writing
from custody.ledger.errors import CustodyError

if TYPE_CHECKING:
    from custody.case import Case
    from custody.exhibits import Exhibit
    from forensics.results.known import KnownList


@click.command()
@click.argument("ref", metavar="REF")
@click.option("--list", "path", metavar="FILE", required=True, type=click.Path(path_type=Path),
              help="The list: NSRL RDSv3 (SQLite), CSV, JSON, or digests one a line.")  # fmt: skip
@click.option("--mark", type=click.Choice(["good", "bad"]), required=True, help="What being on the list means.")
@click.option("--name", default="", help="What the list is called. Default: the file's name.")
@click.option("--origin", default="", help="Where it came from. Default: what an RDSv3 database says of itself.")
@with_settings
def known(settings: Settings, ref: str, path: Path, **options: Any) -> None:
    """Compare the files of exhibit REF, as examined, with a list of known files. Opens no evidence.

    The list is read where it lies. Its name, digest and origin, and how many files are on it, stand in the ledger as
    an observation; `evikit files` shows the marks and can hide what is known and good.
    """
    from custody.exhibits import need_exhibit

    listed = _list(path, options)
    with writing(settings) as case:
        found = _compared(case, need_exhibit(case, ref), listed)
    (put_json if settings.json else put_facts)(found)


def _list(path: Path, options: dict[str, Any]) -> KnownList:
    from forensics.known_lists import origin_of
    from forensics.results.known import KnownList

    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CustodyError(f"{path} cannot be read: {error.strerror}", "Check --list.") from error
    return KnownList(path, options["name"] or path.name, options["mark"], digest, options["origin"] or origin_of(path))


def _compared(case: Case, exhibit: Exhibit, listed: KnownList) -> dict[str, Any]:
    from custody.notes import Note, record_note
    from forensics.commands.places import run_of
    from forensics.results.known import compare

    run = run_of(case, exhibit)
    found = compare(run, listed)
    origin = f", from {listed.origin}" if listed.origin else ""
    text = (
        f"Run {run.name} was compared with the list of known files {listed.name} (SHA-256 {listed.sha256}{origin}),"
        f" whose files count as {listed.mark}: {found['known']} of {found['compared']} files with a digest are on it"
        f" (results: SHA-256 {found['results']})."
    )
    record_note(case, exhibit.n, Note("observation", text, {"run": run.name}))
    told = {"list": listed.name, "sha256": listed.sha256, "origin": listed.origin, "mark": listed.mark}
    return {"exhibit": exhibit.ref, "run": run.name, **told, **{name: found[name] for name in ("compared", "known")}}
