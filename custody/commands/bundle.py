"""`evikit bundle`: the disclosed part of a ledger as one file that proves itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from custody.commands.screen import (
    INTEGRITY,
    Settings,
    put_facts,
    put_json,
    put_table,
    settled,
    trust_from,
    with_settings,
    writing,
)
from custody.commands.verdicts import put_verdict

if TYPE_CHECKING:
    from custody.case import Case
    from custody.ledger.disclosure import ShownRow


@click.group()
@settled
def bundle() -> None:
    """Make, verify or show a bundle. Verifying needs no case, no key and no network."""


@bundle.command()
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option("--for", "recipient", required=True, help="Who it is for: it is recorded.")
@click.option("--exhibit", "refs", multiple=True, metavar="REF", help="Only these exhibits (and governance).")
@click.option("--withhold", multiple=True, metavar="FIELD", help="A field to keep closed; it is counted as withheld.")
@click.option("--file", "shown_files", multiple=True, metavar="REF:PATH", help="Prove that this one file was read.")
@click.option("--since", multiple=True, metavar="CHECKPOINT", type=click.Path(path_type=Path),
              help="Also prove that this older checkpoint is part of the history.")  # fmt: skip
@with_settings
def create(  # noqa: PLR0917 - one parameter an option
    settings: Settings, output: Path, recipient: str, refs: tuple[str, ...],
    withhold: tuple[str, ...], shown_files: tuple[str, ...], since: tuple[Path, ...],
) -> None:  # fmt: skip
    """Write a bundle; that it was made, and for whom, is an entry of its own."""
    from custody.disclose import Disclosure, disclose, kept_size
    from custody.exhibits import need_exhibit
    from custody.ledger.note import parse_note

    with writing(settings) as case:
        numbers = [need_exhibit(case, ref).n for ref in refs] if refs else None
        disclosure = Disclosure(
            recipient, numbers, frozenset(withhold), rows=_rows(case, shown_files), since=[kept_size(p) for p in since]
        )
        data = disclose(case, disclosure, output)
        covered = parse_note(case.ledger.notes()[-1]).checkpoint.size
        facts = {"bundle": str(output), "bytes": str(len(data)), "entries": str(covered)}
        facts["fingerprint"] = case.fingerprint()
    if settings.json:
        put_json(facts)
    else:
        put_facts(facts)


def _rows(case: Case, files: tuple[str, ...]) -> list[ShownRow]:
    from custody.disclose import row_of
    from custody.exhibits import need_exhibit

    rows: list[ShownRow] = []
    for item in files:
        ref, _, path = item.partition(":")
        rows += row_of(case, need_exhibit(case, ref).n, path)
    return rows


@bundle.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--anchor", "anchors", multiple=True, metavar="FILE|FINGERPRINT",
              help="A checkpoint you kept, or its fingerprint (64 hex digits).")  # fmt: skip
@click.option("--trust", metavar="FILE", help="Your own trust file: ledger ids and kept heads.")
@with_settings
def verify(settings: Settings, file: Path, anchors: tuple[str, ...], trust: str | None) -> None:
    """Verify a bundle by itself. Trust comes from your anchor, never from the bundle."""
    from custody.disclose import read_bundle
    from custody.ledger.bundle import verify_bundle

    verdict, _ = verify_bundle(read_bundle(file), trust_from(anchors, trust))
    put_verdict(settings, verdict)
    if verdict.failed:
        click.get_current_context().exit(INTEGRITY)


@bundle.command()
@click.argument("file", type=click.Path(path_type=Path))
@with_settings
def show(settings: Settings, file: Path) -> None:
    """Show what a bundle discloses. It is verified first; what does not verify is not shown."""
    from custody.disclose import read_bundle
    from custody.ledger.bundle import verify_bundle
    from custody.ledger.errors import IntegrityError
    from custody.ledger.verdict import Trust

    verdict, found = verify_bundle(read_bundle(file), Trust())
    if found is None or verdict.failed:
        raise IntegrityError("the bundle does not verify", f"evikit bundle verify {file} says why.")
    for item in found.entries if settings.json else ():
        fields = {name: opening.value for name, opening in item.openings.items()}
        put_json({"index": item.index, "entry": item.leaf.hex(), "type": item.entry.type, "fields": fields})
    if not settings.json:
        put_table(
            ["entry", "what", "claimed (UTC)", "who", "fields shown", "withheld"],
            (
                (
                    item.index,
                    item.entry.type,
                    str(opened.get("claimed_at") or "")[:19].replace("T", " "),
                    opened.get("actor") or "",
                    sum(value is not None for value in opened.values()),
                    len(item.entry.commits) - len(opened),
                )
                for item in found.entries
                for opened in [{name: opening.value for name, opening in item.openings.items()}]
            ),
            right=["entry", "fields shown", "withheld"],
        )
