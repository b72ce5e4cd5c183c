"""`evikit ledger` schema, grant, move: where a ledger is stored, and who may add to it there."""

from __future__ import annotations

import click

from custody.commands.screen import Settings, put_facts, put_json, put_text, remark, with_settings

_role = click.option(
    "--role", "roles", multiple=True, metavar="ROLE", help="A role that reads and appends. May be given several times."
)


@click.command()
@click.argument("name")
@_role
@with_settings
def schema(settings: Settings, name: str, roles: tuple[str, ...]) -> None:
    """Print the SQL that prepares PostgreSQL for a ledger NAME, for an administrator to run (psql).

    The tables belong to who runs it; the roles given may read and append, and nothing else. Then `evikit init
    --ledger postgresql://HOST/DATABASE#NAME` begins a case in them, as one of the roles.
    """
    from custody.ledger.postgres_layout import script

    statements = list(script(name, roles))
    if settings.json:
        put_json({"name": name, "roles": list(roles), "statements": statements})
        return
    for statement in statements:
        put_text(f"{statement};")


@click.command()
@_role
@with_settings
def grant(settings: Settings, roles: tuple[str, ...]) -> None:
    """Let roles of PostgreSQL read the case's ledger and append to it, and nothing else.

    You must be the owner of its tables there.
    """
    from custody.case import find_case
    from custody.case_file import address_of
    from custody.ledger.errors import CustodyError

    address = address_of(find_case(settings.case))
    if not isinstance(address, str):
        raise CustodyError("this ledger is a file: roles are of PostgreSQL", "Use the permissions of the case folder.")
    if not roles:
        raise click.UsageError("name a role with --role")
    from custody.ledger.postgres import PostgresSchema

    for role in roles:
        PostgresSchema(address).grant(role)
    if settings.json:
        put_json({"ledger": address, "roles": list(roles)})
    else:
        put_facts({"ledger": address, "may read and append": ", ".join(roles)})


@click.command()
@click.argument("target", metavar="URL|ledger.sqlite")
@with_settings
def move(settings: Settings, target: str) -> None:
    """Move the case's ledger into PostgreSQL, or back into the case folder, and prove that it is the same.

    It is verified, copied, and verified to the same root; then the old one is put out of use and kept, and case.toml
    names the new one. Nobody can append meanwhile. Its entries, and what was signed, do not change.
    """
    from custody.case import find_case
    from custody.people import Home
    from custody.relocation import move_case

    done, ledger = move_case(find_case(settings.case), Home.default(), target)
    facts = {"ledger": ledger, "entries": str(done.size), "root": done.root.hex(), "old ledger": done.kept}
    if settings.json:
        put_json({"ledger": ledger, "size": str(done.size), "root": done.root.hex(), "kept": done.kept})
        return
    put_facts(facts)
    remark(settings, "The root is the same before and after: the same entries, byte by byte.")
