"""`evikit person`: request, enrol, confirm, list, rotate, revoke, export-key, import-key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from custody.commands.files import read_small, write_outside
from custody.commands.screen import (
    Settings,
    passphrase,
    put_facts,
    put_json,
    put_table,
    reading,
    remark,
    settled,
    with_settings,
    writing,
)

if TYPE_CHECKING:
    from custody.case import Case, Recorded
    from custody.roster import Member

_output = click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The file to write; it must not exist."
)


@click.group()
@settled
def person() -> None:
    """People of a case and their keys: who may write in the ledger, and under which name."""


@person.command()
@click.option("--name", required=True, help="Your name, as it will stand on every entry you make.")
@click.option("--agency", required=True, help="Your agency.")
@click.option("--role", default="examiner", show_default=True, help="Your role.")
@click.option("--rank", default="", help="Rank or service number.")
@click.option("--competence", default="", help="Qualification and training, for certificates.")
@click.option("--contact", default="", help="How to reach you.")
@click.option("--ledger", default=None, metavar="ID", help="The id of the case's ledger; else that of the case here.")
@click.option("--founder", is_flag=True, help="For a case that is yet to begin: see `evikit init --governor`.")
@click.option("--new-key", is_flag=True, help="Make a new key although one of yours is here (a revoked one, say).")
@_output
@with_settings
def request(  # noqa: PLR0917 - one parameter an option
    settings: Settings, name: str, agency: str, role: str, rank: str, competence: str, contact: str,
    ledger: str | None, founder: bool, new_key: bool, output: Path,
) -> None:  # fmt: skip
    """Ask to be enrolled: a file that proves you hold your key. It is no secret; carry it to a governor of the case.

    Your key is taken from the key store ($EVIKIT_HOME) or made there. Read its id out to the governor by another way.
    """
    from custody.enrolment import compose_request, validate_facts
    from custody.people import Home

    facts = {"name": name, "agency": agency, "role": role, "rank": rank, "competence": competence, "contact": contact}
    validate_facts(facts)
    asked = None if founder else _ledger_id(settings, ledger)
    home = Home.default()
    known = None if new_key else home.find(name, agency)
    secret = passphrase(confirm=known is None)
    one = known or home.make_person(name, agency, role, secret)
    write_outside(output, compose_request(home.entry_key(one.key, secret), facts, asked))
    said = {"request": str(output), "name": name, "key": one.key.hex(), "ledger": asked.hex() if asked else ""}
    if settings.json:
        put_json({**said, "key_was_here": known is not None})
        return
    put_facts(said)
    remark(settings, "Carry the file to a governor of the case, and read the key out to them by another way.")


def _ledger_id(settings: Settings, given: str | None) -> bytes:
    from custody.ledger.errors import CustodyError

    if given is None:
        with reading(settings) as case:
            return case.ledger.id
    try:
        found = bytes.fromhex(given)
    except ValueError:
        found = b""
    if len(found) != 32:
        raise CustodyError("a ledger's id is 64 hex digits", "`evikit init` and every bundle show it.")
    return found


@person.command()
@click.argument("file", metavar="REQUEST", type=click.Path(path_type=Path))
@with_settings
def enrol(settings: Settings, file: Path) -> None:
    """Enrol the person who made REQUEST. Compare the key's id with what they read out to you."""
    from custody.enrolment import enrol as record
    from custody.enrolment import read_request

    asked = read_request(read_small(file))
    with writing(settings) as case:
        recorded = record(case, asked)
        member = case.roster().member(asked.public.id)
    _tell(settings, recorded, member)


def _tell(settings: Settings, recorded: Recorded, member: Member | None) -> None:
    status = member.status if member else ""
    facts = {
        "entry": str(recorded.index),
        "name": member.name if member else "",
        "key": member.key.hex() if member else "",
        "status": status,
    }
    if settings.json:
        put_json(facts)
        return
    put_facts(facts)
    if status == "waiting":
        remark(settings, f"It waits for another governor: `evikit ledger approve {recorded.index}`.")


@person.command()
@click.argument("name", metavar="NAME|KEY")
@_output
@with_settings
def enrolment(settings: Settings, name: str, output: Path) -> None:
    """Write the file that tells NAME they are enrolled: who governs the case, and the ledger's head, provably."""
    from custody.disclose import Disclosure, disclose
    from custody.ledger.errors import CustodyError

    with writing(settings) as case:
        member = case.roster().find(name)
        if not member.acts:
            raise CustodyError(f"{member.name} is not enrolled: {member.status}", "`evikit person list` says why.")
        disclose(case, Disclosure(member.name, exhibits=()), output, kind="enrolment")
        facts = {"enrolment": str(output), "name": member.name, "fingerprint": case.fingerprint()}
    if settings.json:
        put_json(facts)
    else:
        put_facts(facts)


@person.command()
@click.argument("file", metavar="ENROLMENT", type=click.Path(path_type=Path))
@with_settings
def confirm(settings: Settings, file: Path) -> None:
    """Take in the enrolment file that came back: verify it, and remember the ledger's head on this machine."""
    from custody.confirmation import confirm_enrolment
    from custody.people import Home

    said = confirm_enrolment(Home.default(), read_small(file, limit=64 << 20))
    if settings.json:
        put_json(dict(said))
    else:
        put_facts(said)


@person.command("list")
@with_settings
def list_(settings: Settings) -> None:
    """List everyone whose key is or was in the case, and what waits for approval."""
    with reading(settings) as case:
        roster = case.roster()
        need, waiting = roster.governance.need, roster.waiting()
        lines = [_line(case, member) for member in roster.members]
    if settings.json:
        for line in lines:
            put_json(line)
        return
    put_table(
        ["name", "role", "agency", "status", "since entry", "key"],
        ((x["name"], x["role"], x["agency"], x["shown"], x["index"], str(x["key"])[:16]) for x in lines),
        right=["since entry"],
    )
    for item in waiting:
        remark(settings, f"entry {item.row.index} ({item.row.entry.type}) waits for {item.missing} more approval(s)")
    alone = "one governor alone enrols and revokes in this case" if need == 1 else ""
    remark(settings, alone or f"{need} governors must sign what enrols, rotates or revokes")


def _line(case: Case, member: Member) -> dict[str, object]:
    shown = member.status
    if member.revoked_from is not None:
        shown = f"revoked, doubted from entry {member.revoked_from} on"
    return {
        "name": member.name,
        "agency": member.agency,
        "role": ", ".join(member.roles),
        "rank": str(member.facts.get("rank") or ""),
        "competence": str(member.facts.get("competence") or ""),
        "status": member.status,
        "shown": shown,
        "revoked_from": None if member.revoked_from is None else str(member.revoked_from),
        "index": member.index,
        "key": member.key.hex(),
        "here": case.home.holds(member.key),
    }


@person.command()
@click.option("--reason", required=True, help="Why the key is replaced.")
@with_settings
def rotate(settings: Settings, reason: str) -> None:
    """Replace your key by a new one, signed by the old; the same passphrase opens it."""
    from custody.enrolment import rotate as record

    secret = passphrase()
    with writing(settings, lambda: secret) as case:
        member = case.roster().member(case.key_id)
        assert member is not None  # noqa: S101 - unlock chose them from the roster
        role = case.person.role if case.person else "examiner"
        one = case.home.make_person(member.name, member.agency, role, secret)
        recorded = record(case, member, case.home.entry_key(one.key, secret), reason)
        replaced = case.roster().member(one.key)
    _tell(settings, recorded, replaced)


@person.command()
@click.argument("name", metavar="NAME|KEY")
@click.option(
    "--from", "start", required=True, type=click.IntRange(0), metavar="ENTRY",
    help="The log index from which the key is doubted: everything it signs from there on reads disputed.",
)  # fmt: skip
@click.option("--reason", required=True, help="What happened to the key.")
@with_settings
def revoke(settings: Settings, name: str, start: int, reason: str) -> None:
    """Revoke a key that was lost or stolen. It is never undone: the person gets a new key by a new request.

    What the key signed before ENTRY stands only where a head kept outside covers it; the rest reads disputed.
    """
    from custody.enrolment import revoke as record

    with writing(settings) as case:
        member = case.roster().find(name)
        recorded = record(case, member, start, reason)
        member = case.roster().member(member.key) or member
    _tell(settings, recorded, member)


@person.command("export-key")
@click.option("--ledger-keys", is_flag=True, help="The keys of the ledger itself, in place of your own.")
@_output
@with_settings
def export_key(settings: Settings, ledger_keys: bool, output: Path) -> None:
    """Write your key, sealed as it is, into a file for another key store. Only the passphrase opens it."""
    with reading(settings) as case:
        if ledger_keys:
            keys = [key.id for key in case.roster().governance.ledger_keys[-1][1]]
        else:
            keys = [case.roster().choose(case.home, settings.actor).key]
        data = case.home.export_keys(keys)
    write_outside(output, data, mode=0o600)
    facts = {"file": str(output), "keys": ", ".join(key.hex() for key in keys)}
    if settings.json:
        put_json({"file": str(output), "keys": [key.hex() for key in keys]})
    else:
        put_facts(facts)


@person.command("import-key")
@click.argument("file", type=click.Path(path_type=Path))
@with_settings
def import_key(settings: Settings, file: Path) -> None:
    """Take exported keys into the key store ($EVIKIT_HOME)."""
    from custody.people import Home

    home = Home.default()
    keys = [key.hex() for key in home.import_keys(read_small(file), passphrase())]
    if settings.json:
        put_json({"keys": keys, "home": str(home.path)})
    else:
        put_facts({"keys": ", ".join(keys), "key store": home.path})
