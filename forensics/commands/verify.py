"""`evikit verify`: re-hash evidence and compare it with the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import INTEGRITY, PROBLEMS, Settings, put_facts, put_json, with_settings, writing
from custody.ledger.entry import b64
from custody.ledger.errors import CustodyError

if TYPE_CHECKING:
    from custody.access import Source
    from custody.case import Case
    from custody.exhibits import Exhibit
    from forensics.examination import Listener

Reader = Callable[[int, int], bytes]


@click.command()
@click.argument("refs", metavar="REF...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every exhibit whose media digests are recorded.")
@with_settings
def verify(settings: Settings, refs: tuple[str, ...], everything: bool) -> None:
    """Re-hash evidence and compare it with the digests in the ledger.

    The answer to a challenge taken from the ledger's own head stands in the outcome: it could only be computed by
    reading the media after that head was signed.
    """
    from custody.exhibits import exhibits, need_exhibit
    from forensics.commands.progress import progress

    if bool(refs) == everything:
        raise click.UsageError("name exhibits, or --all")
    results: list[dict[str, Any]] = []
    with writing(settings) as case:
        chosen = [need_exhibit(case, ref) for ref in refs] if refs else list(exhibits(case))
        if not chosen:
            raise CustodyError("there are no exhibits in this case", "Run `evikit ingest` first.")
        for exhibit in chosen:
            with progress(settings, exhibit.ref) as listener:
                results.append(_verify(case, exhibit, listener))
            _tell(settings, results[-1])
    if any(result["match"] is False for result in results):
        click.get_current_context().exit(INTEGRITY)
    if any(result["match"] is None for result in results):
        click.get_current_context().exit(PROBLEMS)


def _tell(settings: Settings, result: dict[str, Any]) -> None:
    if settings.json:
        put_json(result)
        return
    words = {True: "MATCH: the media are those of the ledger", False: "MISMATCH: the media differ from the ledger"}
    said = words.get(result["match"], f"NOT COMPARED: {result['problem']}")
    put_facts({result["exhibit"]: said, **{f"  {name}": value for name, value in result["computed"].items()}})


def _verify(case: Case, exhibit: Exhibit, listener: Listener) -> dict[str, Any]:
    from custody.access import open_evidence
    from custody.exhibits import media_digests
    from forensics.commands.places import place_of

    recorded = media_digests(case, exhibit.n)
    target = place_of(case, exhibit)
    with open_evidence(
        case,
        exhibit.n,
        target,
        purpose="integrity verification",
        object_="media",
        settings={},
        manifests=case.receipts,
    ) as source:
        fresh = hashlib.sha256(b"evikit/fresh/v1\n" + source.challenge)
        computed, size, problem = _digests(source, target.is_folder, fresh, listener)
        common = recorded.keys() & computed.keys()
        match = all(recorded[name] == computed[name] for name in common) if common else None
        source.outcome.basis = "whole" if computed else "chunks"
        source.outcome.read_bytes = size
        source.outcome.partial = problem
        source.outcome.values |= {
            "expected": dict(recorded) or None,
            "computed": dict(computed) or None,
            "match": match,
            "fresh": b64(fresh.digest()) if computed else None,
        }
    why = problem or ("" if common else "no digest of the media is recorded")
    return {"exhibit": exhibit.ref, "match": match, "expected": recorded, "computed": computed, "problem": why}


def _digests(source: Source, folder: bool, fresh: Any, listener: Listener) -> tuple[dict[str, str], int, str]:
    """Digests of the media by algorithm, bytes read, and what could not be read; `fresh` takes the same stream."""
    from forensics.examination import Progress
    from forensics.folder import LooseFiles
    from forensics.hashing import hash_stream
    from forensics.listed import listing_digest
    from forensics.media import open_medium, read_part
    from forensics.pipeline import is_log

    if folder:
        return listing_digest(source, fresh)
    first = source.parts[0]
    if len(source.parts) > 1:
        return listing_digest(LooseFiles(source.parts), fresh)
    read: Reader
    if is_log(first):
        read, size = partial(read_part, first), first.size
    else:
        medium = open_medium(first, source.open)
        read, size = medium.read_at, medium.size
    done = 0

    def teed(offset: int, length: int) -> bytes:
        data = read(offset, length)
        fresh.update(data)
        return data

    def progress(length: int) -> None:
        nonlocal done
        done += length
        listener(Progress("digests", first.name, done, size, 0, 0))

    digests = hash_stream(teed, size, progress=progress)
    return dict(digests.digests), size, "; ".join(str(bad) for bad in digests.bad[:3])
