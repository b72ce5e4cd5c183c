"""`evikit exhibit seal | open | move | return | dispose`: what happens to an exhibit, one entry each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import PROBLEMS, Settings, put_facts, put_json, remark, with_settings, writing

if TYPE_CHECKING:
    from custody.case import Case
    from custody.exhibits import Exhibit
    from custody.ledger.entry import Json
    from custody.lifecycle import Done

_condition = click.option("--condition", default="", help="The condition it is in.")
_photographs = click.option(
    "--photograph", "photographs", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
    help="A photograph, kept by digest. May be given several times.",
)  # fmt: skip
_despite = click.option("--despite", metavar="REASON", help="Record it although it does not fit what is on record.")
_authority = click.option("--authority", required=True, help="On whose authority: decision, order, number.")
_witness = click.option("--witness", default="", help="Who saw it.")
_copies = click.option("--copies", default="", help="Which copies are left, and where.")


def keep_photographs(case: Case, files: Iterable[Path]) -> list[Json]:
    """The photographs kept beside the ledger by digest, described."""
    from custody.attachments import keep_attachment

    return [keep_attachment(case.receipts, path).described() for path in files]


def tell(settings: Settings, exhibit: Exhibit, done: Done, facts: Mapping[str, Any]) -> None:
    """The entry; with remarks the exit code for what was done, but should be known."""
    whole = {**facts, "entry": str(done.recorded.index), "leaf": done.recorded.leaf.hex()}
    if settings.json:
        put_json({**whole, "remarks": list(done.remarks)})
    else:
        put_facts(whole)
    for line in done.remarks:
        remark(settings, f"note: {line}")
    if done.remarks:
        click.get_current_context().exit(PROBLEMS)


@click.command()
@click.argument("ref")
@click.option("--seal", "number", required=True, metavar="NUMBER", help="The number on the new seal.")
@_condition
@_photographs
@click.option("--reason", default="", help="Why.")
@_despite
@with_settings
def seal(  # noqa: PLR0917 - one parameter an option
    settings: Settings, ref: str, number: str, condition: str, photographs: tuple[Path, ...],
    reason: str, despite: str | None,
) -> None:  # fmt: skip
    """Put a seal on exhibit REF (again)."""
    from custody import lifecycle
    from custody.holding import need_present
    from custody.transfers import parse_seal

    typed = parse_seal(number)
    with writing(settings) as case:
        exhibit = need_present(case, ref)
        look = lifecycle.Look(condition, keep_photographs(case, photographs), reason, despite)
        done = lifecycle.seal(case, exhibit, typed, look)
    tell(settings, exhibit, done, {"exhibit": exhibit.ref, "seal": typed})


@click.command("open")
@click.argument("ref")
@click.option("--seal", "number", required=True, metavar="NUMBER|none", help="The number found on the seal.")
@click.option("--reason", required=True, help="Why it is opened.")
@_condition
@_photographs
@_despite
@with_settings
def open_(  # noqa: PLR0917 - one parameter an option
    settings: Settings, ref: str, number: str, reason: str, condition: str, photographs: tuple[Path, ...],
    despite: str | None,
) -> None:  # fmt: skip
    """Open the seal of exhibit REF. The number on it must be the one on record."""
    from custody import lifecycle
    from custody.holding import need_present
    from custody.transfers import parse_seal

    typed = parse_seal(number)
    with writing(settings) as case:
        exhibit = need_present(case, ref)
        look = lifecycle.Look(condition, keep_photographs(case, photographs), reason, despite)
        done = lifecycle.open_seal(case, exhibit, typed, look)
    tell(settings, exhibit, done, {"exhibit": exhibit.ref, "opened": typed})


@click.command()
@click.argument("ref")
@click.option("--to", "storage", required=True, metavar="PLACE", help="Where it is kept from now on.")
@click.option("--reason", default="", help="Why.")
@with_settings
def move(settings: Settings, ref: str, storage: str, reason: str) -> None:
    """Bring exhibit REF to another place of storage."""
    from custody import lifecycle
    from custody.holding import need_present

    with writing(settings) as case:
        exhibit = need_present(case, ref)
        done = lifecycle.move(case, exhibit, storage, reason)
    tell(settings, exhibit, done, {"exhibit": exhibit.ref, "storage": storage})


@click.command("return")
@click.argument("ref")
@click.option("--to", "recipient", required=True, metavar="NAME", help="Who gets it back.")
@_authority
@click.option("--reason", required=True, help="Why.")
@_witness
@_copies
@with_settings
def return_(  # noqa: PLR0917 - one parameter an option
    settings: Settings, ref: str, recipient: str, authority: str, reason: str, witness: str, copies: str
) -> None:
    """Give exhibit REF back to its owner, for good."""
    from custody.lifecycle import Ending

    _leave(settings, ref, "exhibit.return", Ending(authority, reason, witness, recipient=recipient, copies=copies))


@click.command()
@click.argument("ref")
@click.option("--method", required=True, help="How: destroyed, forfeited, archived.")
@_authority
@click.option("--reason", required=True, help="Why.")
@_witness
@_copies
@with_settings
def dispose(  # noqa: PLR0917 - one parameter an option
    settings: Settings, ref: str, method: str, authority: str, reason: str, witness: str, copies: str
) -> None:
    """Dispose of exhibit REF, for good."""
    from custody.lifecycle import Ending

    _leave(settings, ref, "exhibit.dispose", Ending(authority, reason, witness, method=method, copies=copies))


def _leave(settings: Settings, ref: str, kind: str, ending: Any) -> None:
    from custody import lifecycle
    from custody.exhibits import need_exhibit
    from custody.holding import holding_of

    with writing(settings) as case:
        exhibit = need_exhibit(case, ref)
        done = lifecycle.leave(case, exhibit, kind, ending)
        gone = holding_of(case, exhibit.n).gone
    tell(settings, exhibit, done, {"exhibit": exhibit.ref, "gone": gone})


COMMANDS = (seal, open_, move, return_, dispose)
