"""Commands of `evikit ledger` that govern: approve, policy, rotate, freeze, erase."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from custody.commands.screen import Settings, passphrase, put_facts, put_json, remark, with_settings, writing

if TYPE_CHECKING:
    from custody.case import Case, Recorded


def _tell(settings: Settings, case: Case, recorded: Recorded, answered: bytes | None = None) -> None:
    """The entry, and whether what it asks for is in force."""
    waiting = {item.row.leaf: item.missing for item in case.roster().waiting()}
    missing = waiting.get(answered or recorded.leaf, 0)
    facts = {"entry": str(recorded.index), "in_force": "no" if missing else "yes", "approvals_missing": str(missing)}
    if settings.json:
        put_json({**facts, "in_force": not missing})
        return
    put_facts({name.replace("_", " "): value for name, value in facts.items()})
    if missing and answered is None:
        remark(settings, f"It waits for another governor: `evikit ledger approve {recorded.index}`.")


@click.command()
@click.argument("entry", required=False)
@with_settings
def approve(settings: Settings, entry: str | None) -> None:
    """Add your governing signature to ENTRY (its number, or the beginning of its hash); without ENTRY to the only one
    that waits.
    """
    from custody.enrolment import need_governor
    from custody.erasure import apply_erasure
    from custody.ledger.errors import CustodyError

    with writing(settings) as case:
        waiting = [item.row for item in case.roster().waiting()]
        rows = waiting if entry is None else [case.find_entry(entry)]
        listed = ", ".join(f"{row.index} ({row.entry.type})" for row in waiting) or "none"
        if entry is None and len(rows) > 1:
            raise CustodyError(f"{len(rows)} entries wait for approval", f"Name one of them: {listed}.")
        if len(rows) != 1 or rows[0].leaf not in {row.leaf for row in waiting}:
            raise CustodyError("that is no entry that waits for approval", f"Waiting: {listed}.")
        (row,) = rows

        def examine() -> None:
            need_governor(case)
            still = {item.row.leaf: item for item in case.roster().waiting()}
            if row.leaf not in still:
                raise CustodyError(f"entry {row.index} is in force already", "Nothing is left to approve.")
            if case.key_id in still[row.leaf].approvers:
                raise CustodyError(f"you have approved entry {row.index} already", "Another governor must.")

        recorded = case.record("approve", 0, {}, re=[row.leaf], examine=examine)
        if row.entry.type == "erase":
            apply_erasure(case, case.find_entry(row.entry.re[0].hex()))
        _tell(settings, case, recorded, row.leaf)


@click.command()
@click.argument("entry")
@click.argument("fields", nargs=-1, required=True, metavar="FIELD...")
@click.option("--reason", required=True, help="By what duty or order.")
@with_settings
def erase(settings: Settings, entry: str, fields: tuple[str, ...], reason: str) -> None:
    """Erase FIELDs of ENTRY (its number, or the beginning of its hash) once the governors approve. Never undone.

    What was signed stays and verifies; what the fields said is gone from the ledger.
    """
    from custody.erasure import apply_erasure, copies_of, record_erasure

    with writing(settings) as case:
        row = case.find_entry(entry)
        if apply_erasure(case, row):  # approved before, and stopped in between
            row = case.find_entry(entry)
        recorded = record_erasure(case, row, fields, reason)
        copies = copies_of(case, row, fields)
        _tell(settings, case, recorded)
    if copies:
        remark(settings, f"Corrections hold the text as well: entries {', '.join(map(str, copies))}.")
    remark(settings, "Backups, bundles and reports made before still hold what they showed.")


@click.command()
@click.option(
    "--governor", "names", multiple=True, required=True, metavar="NAME|KEY", help="Every governor there shall be."
)
@click.option("--need", type=click.IntRange(1), required=True, help="How many of them must sign what governs.")
@click.option("--reason", required=True, help="Why the policy is changed.")
@with_settings
def policy(settings: Settings, names: tuple[str, ...], need: int, reason: str) -> None:
    """Name the governors of the case, and how many of them enrol, rotate, revoke and change this policy."""
    from custody.enrolment import need_governor
    from custody.ledger.entry import b64

    with writing(settings) as case:
        roster = case.roster()
        keys = {**roster.governance.persons, **roster.governance.governors}
        chosen = [keys[roster.find(name).key] for name in names]
        records = [{"alg": key.alg, "key": b64(key.id), "pk": b64(key.pk)} for key in chosen]
        pub = {"governors": records, "need": str(need)}
        recorded = case.record("policy", 0, {"reason": reason}, pub=pub, examine=lambda: need_governor(case))
        _tell(settings, case, recorded)


@click.command()
@click.option("--reason", required=True, help="Why the ledger's own keys are replaced.")
@with_settings
def rotate(settings: Settings, reason: str) -> None:
    """Replace the ledger's own keys by new ones, kept in your key store under your passphrase."""
    from custody.enrolment import need_governor

    secret = passphrase()
    with writing(settings, lambda: secret) as case:
        need_governor(case)
        _tell(settings, case, case.rotate_ledger_keys(secret, reason))


@click.command()
@click.option("--reason", required=True, help="Why nothing more may be written.")
@click.option("--yes", is_flag=True, help="Do not ask: it is never undone.")
@with_settings
def freeze(settings: Settings, reason: str, yes: bool) -> None:
    """End the ledger: after it only checkpoints, exports and approvals may be written. It is never undone."""
    from custody.enrolment import need_governor
    from custody.ledger.errors import CustodyError

    if not yes and not sys.stdin.isatty():
        raise CustodyError("freezing is never undone, and there is no terminal to ask on", "Say so with --yes.")
    if not yes:
        click.confirm("Freeze the ledger? This is never undone.", abort=True, err=True)
    with writing(settings) as case:
        recorded = case.record("freeze", 0, {"reason": reason}, examine=lambda: need_governor(case))
        _tell(settings, case, recorded)
