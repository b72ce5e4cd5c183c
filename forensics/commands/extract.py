"""`evikit extract`: files out of the evidence, each an access of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import (
    INTEGRITY,
    PROBLEMS,
    Settings,
    put_facts,
    put_json,
    visible,
    with_settings,
    writing,
)
from custody.ledger.errors import CustodyError

if TYPE_CHECKING:
    from custody.case import Case
    from custody.exhibits import Exhibit


@click.command()
@click.argument("ref", metavar="REF")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("--purpose", required=True, help="Why the file is read: it stands in the ledger.")
@click.option("--volume", default="", help="The volume, where a path stands on several.")
@click.option("--meta", default="", help="The meta address (inode), where a name stands twice.")
@click.option("--passphrases", metavar="FILE", type=click.Path(path_type=Path, allow_dash=True),
              help="Passphrases of an encrypted volume, one a line; - asks for one.")  # fmt: skip
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), help="A folder; else CASE/extracted.")
@with_settings
def extract(settings: Settings, ref: str, paths: tuple[str, ...], **options: Any) -> None:
    """Copy files out of exhibit REF, named as `evikit files` lists them (a stream as file:stream).

    Each is an access of its own, with digest; it is compared with the digest of the examination.
    """
    from custody.holding import need_present
    from forensics.commands.passphrases import read_passphrases

    results: list[dict[str, Any]] = []
    if not options["purpose"].strip():
        raise CustodyError("the purpose is empty", "Say why the file is read: it stands in the ledger.")
    options["secrets"] = read_passphrases(options.pop("passphrases"))
    with writing(settings) as case:
        exhibit = need_present(case, ref)
        for path in paths:
            results.append(_extract_one(case, exhibit, path, options))
            if settings.json:
                put_json(results[-1])
            else:
                put_facts(_facts(results[-1]))
    if any(result["match"] is False for result in results):
        click.get_current_context().exit(INTEGRITY)
    if any(result["problem"] for result in results):
        click.get_current_context().exit(PROBLEMS)


def _facts(result: Mapping[str, Any]) -> dict[str, object]:
    words = {True: "yes: the digest of the examination", False: "NO: the examination read other bytes here"}
    facts = {name: words.get(value, value) if name == "match" else value for name, value in result.items()}
    return {name: value for name, value in facts.items() if value not in ("", None)}


def _target(case: Case, exhibit: Exhibit, row: dict[str, Any], folder: Path | None) -> Path:
    """A new file whose name cannot leave its folder, whatever the evidence calls it."""
    place = folder or case.path / "extracted" / (re.sub(r"[^A-Za-z0-9]+", "-", exhibit.ref).strip("-") or "exhibit")
    place.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[\x00-\x1f\x7f/\\:*?\"<>|]+", "_", row["path"].rpartition("/")[2]).strip(". ")[-120:] or "file"
    prefix = "-".join(part for part in (row["volume"], row["meta"]) if part)
    for number in range(1000):
        path = place / f"{prefix}{f'-{number}' if number else ''}-{name}"
        if not path.exists():
            return path
    raise CustodyError(f"there are a thousand copies of {visible(name)!r} already", "Choose another folder with -o.")


def _extract_one(case: Case, exhibit: Exhibit, path: str, options: dict[str, Any]) -> dict[str, Any]:
    from custody.access import open_evidence
    from forensics.commands.places import listed, place_of, run_of, state_read
    from forensics.commands.reading_out import read_out

    run = run_of(case, exhibit)
    row = listed(run, path, options["volume"], options["meta"])
    if row["type"] not in ("file", "virtual"):
        raise CustodyError(f"{visible(path)!r} is a {row['type']}, not a file", "Only files are extracted.")
    output = _target(case, exhibit, row, options["folder"])
    with open_evidence(
        case,
        exhibit.n,
        place_of(case, exhibit),
        purpose=options["purpose"],
        object_=f"file {row['path']}",
        settings=state_read(case, exhibit),
        manifests=case.receipts,
    ) as source:
        try:
            found = read_out(source, run, row, output, options["secrets"])
        except BaseException:
            output.unlink(missing_ok=True)  # what is not recorded must not lie among what is
            raise
        if found.problem and not found.size:
            output.unlink(missing_ok=True)
        kept = output.exists()
        expected = row["sha256"]
        match = None if expected is None or found.problem else expected == found.sha256
        source.outcome.basis = "chunks"
        source.outcome.read_bytes = found.size
        source.outcome.partial = found.problem
        source.outcome.values |= {
            "path": row["path"],
            "meta": row["meta"],
            "stream": row["stream"] or None,
            "size": str(found.size),
            "digest": {"sha256": found.sha256} if kept else None,
            "output_digest": {"sha256": found.sha256} if kept else None,
            "expected": {"examination": {"sha256": expected}} if expected else None,
            "match": match,
        }
    if kept:
        output.chmod(0o444)
    return {
        "exhibit": exhibit.ref,
        "path": row["path"],
        "file": str(output) if kept else "",
        "size": str(found.size),
        "sha256": found.sha256 if kept else "",
        "match": match,
        "problem": found.problem,
    }
