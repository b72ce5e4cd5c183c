"""A case's ledger brought to another place of storage: its entries stay, case.toml names where it is from now on."""

from __future__ import annotations

from pathlib import Path

from custody.case_file import address_in, address_of, facts_of, name_ledger, named_for
from custody.ledger.errors import CustodyError
from custody.ledger.move import Moved, move
from custody.ledger.store import Ledger
from custody.people import Home


def move_case(folder: Path, home: Home, target: str) -> tuple[Moved, str]:
    """Move the ledger of the case in `folder`; how it went, and what case.toml names now.

    Errors are those of `move`, and IntegrityError for a case put back.
    """
    source = address_of(folder)
    if "://" in target:
        target = named_for(target, str(facts_of(folder).get("number", "")))
    address = address_in(folder, target)
    if address == source:
        raise CustodyError("the ledger is there already", "Name another place.")
    with Ledger.open(source, writable=False) as ledger:
        home.heads.validate(ledger)
    moved = move(source, address)
    name_ledger(folder, target)
    return moved, target
