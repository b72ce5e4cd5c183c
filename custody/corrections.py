"""Corrections: an entry that names another one, a field of it, what it should have said, and why.

Both the old and the new stay to be seen.
"""

from __future__ import annotations

from collections.abc import Iterable

from custody.case import Case, Recorded
from custody.ledger.entry import Json
from custody.ledger.errors import CustodyError
from custody.ledger.store import Row
from custody.opened import Opened, text, values_of
from custody.registration import PARTS, moment
from custody.transfers import validate_words


def as_corrected(row: Opened, rows: Iterable[Opened]) -> dict[str, Json]:
    """The opened fields of `row` as the corrections among `rows` (in their order) leave them.

    A correction that was itself corrected counts as corrected: its field `new` then holds what stands.
    """
    values = values_of(row)
    applied: dict[bytes, str] = {}
    for other in rows:
        if other.entry.type != "correct":
            continue
        said = values_of(other)
        name, target = text(said.get("name")), other.entry.re[0]
        if target == row.leaf and name in values:
            values[name] = said.get("new")
            applied[other.leaf] = name
        elif target in applied and name == "new":
            values[applied[target]] = said.get("new")
            applied[other.leaf] = applied[target]
    return values


def correct(case: Case, row: Row, field: str, new: str, reason: str) -> Recorded:
    """Record that `field` of an entry (a part of one by its dotted name) should have said `new`.

    What the entry says by earlier corrections is what is corrected. CustodyError lists the fields there are.
    """
    validate_words("reason", reason)
    x = row.entry.x
    n = x.n if x is not None else 0
    values = as_corrected(row, case.ledger.rows_in(n))
    name, _, part = field.partition(".")
    if name not in values:
        known = ", ".join(sorted(name for name, value in values.items() if value is not None))
        raise CustodyError(f"entry {row.index} ({row.entry.type}) has no field {field!r}", f"It has: {known}.")
    known_part = field if row.entry.type == "exhibit.register" and field in PARTS else ""
    said = _replaced(case.zone, values[name], part, new, known_part)
    if said == values[name]:
        raise CustodyError(f"{field} of entry {row.index} says that already", "Nothing needs to be corrected.")
    answer = {"name": name, "old": values[name], "new": said, "reason": reason}
    return case.record("correct", n, answer, re=[row.leaf])


def _replaced(zone: str, old: Json, part: str, new: str, known: str = "") -> Json:
    """The value with one part of it exchanged; a time stays a time. `known`: a field of the form, maybe new."""
    if not part:
        is_time = isinstance(old, dict) and "utc" in old
        if is_time or (known and old is None and PARTS[known].form == "time"):
            return dict[str, Json](moment(new, zone))
        if isinstance(old, dict | list):
            parts = ", ".join(sorted(old)) if isinstance(old, dict) else "items, which are not corrected one by one"
            raise CustodyError("that field is no single value", f"It has: {parts}. Name one with a dot.")
        return new
    name, _, rest = part.partition(".")
    within: dict[str, Json] = dict(old) if isinstance(old, dict) else {}
    if not known and name not in within:
        raise CustodyError(f"that field has no part {name!r}", f"It has: {', '.join(sorted(within)) or 'none'}.")
    return {**within, name: _replaced(zone, within.get(name), rest, new, known)}
