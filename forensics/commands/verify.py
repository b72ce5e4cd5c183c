"""`evikit verify`: re-hash evidence and compare it with the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import FAILED, INTEGRITY, PROBLEMS, Settings, put_facts, put_json, with_settings, writing
from custody.ledger.errors import CustodyError, LedgerBusyError

if TYPE_CHECKING:
    from custody.case import Case
    from custody.exhibits import Exhibit
    from forensics.examine.request import Listener


@click.command()
@click.argument("refs", metavar="REF...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every exhibit that is here and has media.")
@with_settings
def verify(settings: Settings, refs: tuple[str, ...], everything: bool) -> None:
    """Re-hash evidence and compare it with the digests in the ledger.

    The answer to a challenge taken from the ledger's own head stands in the outcome: it could only be computed by
    reading the media after that head was signed.
    """
    from custody.holding import need_present
    from forensics.commands.progress import progress

    if bool(refs) == everything:
        raise click.UsageError("name exhibits, or --all for every one")
    results: list[dict[str, Any]] = []
    with writing(settings) as case:
        chosen = [need_present(case, ref) for ref in refs] if refs else _with_media(case)
        if not chosen:
            raise CustodyError("there are no exhibits with media in this case", "Run `evikit ingest` first.")
        for exhibit in chosen:
            with progress(settings, exhibit.ref) as listener:
                results.append(_result(case, exhibit, listener, alone=len(chosen) == 1))
            _tell(settings, results[-1])
    if code := _exit_code(results):
        click.get_current_context().exit(code)


def _with_media(case: Case) -> list[Exhibit]:
    """Every exhibit that is here and was read, or came with a digest: a phone in a bag has nothing to re-hash."""
    from custody.exhibits import outcomes
    from custody.holding import holdings

    here = [item.exhibit for item in holdings(case).values() if not item.gone]
    return [
        item for item in here if item.registered.get("media_digests") or any(outcomes(case, item.n, "access.begin"))
    ]


def _exit_code(results: Sequence[Mapping[str, Any]]) -> int:
    """A mismatch weighs most, then evidence that could not be read, then evidence with nothing to compare."""
    if any(result["match"] is False for result in results):
        return INTEGRITY
    if any(result["match"] is None and result["expected"] for result in results):
        return FAILED
    return PROBLEMS if any(result["match"] is None for result in results) else 0


def _result(case: Case, exhibit: Exhibit, listener: Listener, *, alone: bool) -> dict[str, Any]:
    """One exhibit's result; among several, one whose evidence is not there does not keep the others from being read."""
    from custody.exhibits import media_digests
    from forensics.model import ExaminationError

    try:
        return _verify(case, exhibit, listener)
    except (CustodyError, ExaminationError) as error:
        if alone or isinstance(error, LedgerBusyError):
            raise
        match = False if getattr(error, "exit_code", FAILED) == INTEGRITY else None
        expected = media_digests(case, exhibit.n)
        return {"exhibit": exhibit.ref, "match": match, "expected": expected, "computed": {}, "problem": str(error)}


def _tell(settings: Settings, result: Mapping[str, Any]) -> None:
    if settings.json:
        put_json(result)
        return
    words = {True: "MATCH: the media are those of the ledger", False: "MISMATCH: the media differ from the ledger"}
    facts = {result["exhibit"]: words.get(result["match"], f"NOT COMPARED: {result['problem']}")}
    if result["match"] is False:
        facts |= {f"  {name} recorded": value for name, value in result["expected"].items()}
        facts |= {f"  {name} now": value for name, value in result["computed"].items()}
        facts |= {"  problem": result["problem"]} if result["problem"] else {}
        facts |= {"  what to do": "it is recorded; keep these files as they are, and find the copy that still matches"}
    else:
        facts |= {f"  {name}": value for name, value in result["computed"].items()}
    put_facts(facts)


def _verify(case: Case, exhibit: Exhibit, listener: Listener) -> dict[str, Any]:
    from custody.exhibits import media_digests
    from forensics.commands.places import place_of
    from forensics.commands.rehash import Expected, compare_media

    recorded = media_digests(case, exhibit.n)
    read = compare_media(case, exhibit.n, place_of(case, exhibit), Expected(recorded), listener)
    why = read.problem or ("" if recorded else "no digest of the media is recorded")
    return {"exhibit": exhibit.ref, "match": read.match, "expected": recorded, "computed": read.digests, "problem": why}
