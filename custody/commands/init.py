"""`evikit init`: begin a case."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from custody.commands.screen import Settings, passphrase, put_facts, put_json, with_settings

if TYPE_CHECKING:
    from custody.case import Founders


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--number", required=True, help="The case number.")
@click.option("--agency", required=True, help="The agency that keeps the case.")
@click.option("--examiner", required=True, help="Your name: it stands on every entry you make.")
@click.option("--role", default="examiner", show_default=True, help="Your role.")
@click.option("--title", default="", help="What the case is about.")
@click.option("--zone", default="UTC", show_default=True, help="The case's time zone (IANA name), for showing times.")
@click.option("--domain", default=None, help="A domain of the agency, for the name of the ledger.")
@click.option(
    "--governor",
    "governors",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="REQUEST",
    help="A further governor, by a request made with --founder. May be given several times.",
)
@click.option(
    "--need",
    type=click.IntRange(1),
    default=None,
    help="How many governors must sign what governs. Default: 2 with a further governor, else 1.",
)
@click.option(
    "--ledger",
    "url",
    default=None,
    metavar="URL",
    help="Keep the ledger in PostgreSQL: postgresql://HOST/DATABASE#NAME. Default: a file in DIR.",
)
@click.option("--kind", type=click.Choice(["live", "exercise"]), default="live", show_default=True)
@with_settings
def init(  # noqa: PLR0917 - one parameter an option
    settings: Settings, folder: Path, number: str, agency: str, examiner: str,
    role: str, title: str, zone: str, domain: str | None, governors: tuple[Path, ...], need: int | None,
    url: str | None, kind: str,
) -> None:  # fmt: skip
    """Begin a case in DIR: its folders, its ledger, and you as its first examiner.

    Your key is taken from the key store ($EVIKIT_HOME) or made there; one passphrase opens it and the ledger's
    key. The key store is never inside the case: back it up.
    """
    from custody.case import NO_DOMAIN, Case, validate_domain, validate_folder, zone_of
    from custody.case_file import LEDGER_FILE, address_in, named_for
    from custody.ledger.database import database_at
    from custody.ledger.errors import CustodyError
    from custody.people import ROLES, Home

    if role not in ROLES:
        raise CustodyError(f"there is no role {role!r}", f"Roles: {', '.join(ROLES)}.")
    zone_of(zone)
    validate_domain(domain or NO_DOMAIN)
    ledger = LEDGER_FILE if url is None else named_for(url, number)
    database_at(address_in(folder, ledger))  # refused before anybody types a passphrase
    for what, value in (("case number", number), ("agency", agency), ("examiner's name", examiner)):
        if not value.strip() or not value.isprintable():
            raise CustodyError(f"the {what} is empty or holds control characters", "Write it as on paper.")
    founders = _founders(governors, need)
    home = Home.default()
    validate_folder(folder, home)
    known = home.find(examiner, agency)
    secret = passphrase(confirm=known is None)
    person = known or home.make_person(examiner, agency, role, secret)
    with Case.create(
        folder, home, person, secret,
        number=number, agency=agency, zone=zone, domain=domain or NO_DOMAIN, kind=kind, title=title,
        founders=founders, ledger=ledger,
    ) as case:  # fmt: skip
        facts = {
            "case": str(case.path),
            "number": number,
            "agency": agency,
            "examiner": person.name,
            "ledger": case.ledger.id.hex(),
            **({"stored": ledger} if url else {}),
            "kind": kind,
            "fingerprint": case.fingerprint(),
            "keys": str(home.path),
        }
    if settings.json:
        put_json({**facts, "key": person.key.hex(), "key_was_here": known is not None})
        return
    put_facts(facts)
    if not settings.quiet:
        click.echo(
            "\nWrite the fingerprint down outside the lab (the court's file): it is what later shows that the\n"
            "ledger was not replaced as a whole. Ledger and examiner keys have the same keeper here: the ledger's\n"
            "own signature adds no independence.",
            err=True,
        )


def _founders(files: tuple[Path, ...], need: int | None) -> Founders:
    """Further governors from their requests; one who is named twice, or a need nobody can meet, is refused."""
    from custody.case import Founders
    from custody.commands.files import read_small
    from custody.enrolment import read_request
    from custody.ledger.entry import b64
    from custody.ledger.errors import CustodyError

    asked = [read_request(read_small(file)) for file in files]
    if any(request.ledger is not None for request in asked):
        raise CustodyError(
            "a request is for a case that exists", "A founder asks with `evikit person request --founder`."
        )
    keys = {request.public.id for request in asked}
    wanted = (2 if asked else 1) if need is None else need
    if len(keys) != len(asked) or wanted > len(asked) + 1:
        raise CustodyError(
            f"{wanted} governing signatures cannot be had from {len(keys) + 1} governors", "Name more with --governor."
        )
    records = [{"key": b64(r.public.id), "pk": b64(r.public.pk), "alg": r.public.alg} for r in asked]
    facts = [{"key": r.public.id.hex(), **r.described()} for r in asked]
    return Founders(records, facts, wanted)
