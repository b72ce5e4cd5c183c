"""What `evikit ingest` reads when no file is named: an exhibit where it stands, or a file inside an exhibit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from custody.exhibits import Exhibit, exhibits, find_exhibit, need_exhibit
from custody.holding import refuse_gone
from custody.ledger.errors import CustodyError
from forensics.commands.places import path_of, place_of, recorded_parts

if TYPE_CHECKING:
    from custody.case import Case
    from forensics.commands.intake import Order


def needs_case(paths: Sequence[Path]) -> bool:
    """Whether the ledger has to say what is meant: nothing is named, or one thing that is no file."""
    return not paths or (len(paths) == 1 and not os.path.lexists(paths[0]))


def found_in_case(case: Case, order: Order) -> Order:
    """The order with the files that it means. What lies inside an exhibit is taken out, and recorded, first.

    CustodyError where the words name nothing that is known.
    """
    from forensics.commands.nested import taken_out

    named = str(order.paths[0]) if order.paths else order.ref
    if (exhibit := find_exhibit(case, named)) is not None:
        if order.ref not in ("", named):
            raise CustodyError(f"{named} is an exhibit already, and is not {order.ref}", "Leave --exhibit out.")
        return _where_it_stands(case, order, exhibit)
    if not order.paths:
        need_exhibit(case, named)
    parent = _holder(case, named)
    if parent is None:
        raise CustodyError(
            f"there is no {named}",
            "Check the path. An exhibit is named by its reference, a file inside it by REF:PATH as listed.",
        )
    order.validate_words()
    return taken_out(case, order, parent, named[len(parent.ref) + 1 :])


def _where_it_stands(case: Case, order: Order, exhibit: Exhibit) -> Order:
    refuse_gone(case, exhibit.n)
    place_of(case, exhibit)  # says what to do where the files are gone
    found = replace(order, ref=exhibit.ref, paths=tuple(map(path_of, recorded_parts(case, exhibit))))
    found.validate()
    return found


def _holder(case: Case, named: str) -> Exhibit | None:
    """The exhibit whose reference the words begin with; references may hold a colon, too: the longest wins."""
    fitting = [exhibit for exhibit in exhibits(case) if named.startswith(f"{exhibit.ref}:")]
    return max(fitting, key=lambda exhibit: len(exhibit.ref), default=None)
