"""`evikit note` and `evikit correct`: what the examiner has to say, and mistakes put right in the open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from custody.commands.screen import Settings, put_facts, put_json, with_settings, writing

if TYPE_CHECKING:
    from custody.case import Recorded
    from custody.ledger.entry import Json


def _tell(settings: Settings, recorded: Recorded) -> None:
    facts = {"entry": str(recorded.index), "leaf": recorded.leaf.hex()}
    if settings.json:
        put_json(facts)
    else:
        put_facts(facts)


@click.command()
@click.argument("text")
@click.option("--exhibit", metavar="REF", help="The exhibit it is about; else it is about the case.")
@click.option("--kind", type=click.Choice(["observation", "opinion"]), default="observation", show_default=True)
@click.option("--location", default=None, help="Where on the exhibit: volume, path, offset, as you would cite it.")
@click.option("--attach", "files", multiple=True, type=click.Path(path_type=Path), help="A document, kept by digest.")
@with_settings
def note(  # noqa: PLR0917 - one parameter an option
    settings: Settings, text: str, exhibit: str | None, kind: str, location: str | None, files: tuple[Path, ...]
) -> None:
    """Record TEXT as an observation (what is there) or an opinion (what you make of it), signed by you."""
    from custody.attachments import keep_attachment
    from custody.exhibits import need_exhibit

    with writing(settings) as case:
        n = need_exhibit(case, exhibit).n if exhibit is not None else 0
        kept: list[Json] = [keep_attachment(case.receipts, path).described() for path in files]
        recorded = case.record("note", n, {"kind": kind, "text": text, "location": location, "attachments": kept})
    _tell(settings, recorded)


@click.command()
@click.argument("entry")
@click.argument("field")
@click.option("--new", required=True, help="What the field should have said.")
@click.option("--reason", required=True, help="Why it was wrong.")
@with_settings
def correct(settings: Settings, entry: str, field: str, new: str, reason: str) -> None:
    """Correct FIELD of ENTRY (its number, or the beginning of its hash): a new entry that names the old one.

    A part of a field is named with a dot, as `evikit exhibit show` does: serial.model.
    """
    from custody.ledger.errors import CustodyError
    from custody.opened import values_of

    with writing(settings) as case:
        row = case.find_entry(entry)
        values = values_of(row)
        base, _, part = field.partition(".")
        if base not in values:
            known = ", ".join(sorted(name for name, value in values.items() if value is not None))
            raise CustodyError(f"entry {row.index} ({row.entry.type}) has no field {field!r}", f"It has: {known}.")
        x = row.entry.x
        old = values[base]
        answer = {"name": base, "old": old, "new": _replaced(old, part, new) if part else new, "reason": reason}
        recorded = case.record("correct", x.n if x is not None else 0, answer, re=[row.leaf])
    _tell(settings, recorded)


def _replaced(old: Json, part: str, new: str) -> Json:
    """The value with one part of it exchanged; CustodyError lists the parts there are."""
    from custody.ledger.errors import CustodyError

    name, _, rest = part.partition(".")
    if not isinstance(old, dict) or name not in old:
        known = ", ".join(sorted(old)) if isinstance(old, dict) else "none"
        raise CustodyError(f"that field has no part {name!r}", f"It has: {known}.")
    return {**old, name: _replaced(old[name], rest, new) if rest else new}
