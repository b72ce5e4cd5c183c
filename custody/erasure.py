"""Erasure of fields by approval (R31): the openings go, the commitments stay, so everything still verifies."""

from __future__ import annotations

from collections.abc import Collection

from custody.case import Case, Recorded
from custody.enrolment import need_governor
from custody.ledger.errors import CustodyError
from custody.ledger.store import Row
from custody.opened import text, values_of

KEPT = frozenset(
    {
        "ref",
        "case",
        "claimed_at",
        "outcome",
        "basis",
        "match",
        "expected",
        "computed",
        "fresh",
        "digest",
        "output_digest",
    }
    | {"media_digests", "container_digests", "result_digests", "manifest_root", "manifest_size", "manifest_digest"}
    | {"manifest_secret", "to_key", "challenge", "bundle_digest", "checkpoint_size", "identity", "identity_after"}
)
"""What a case cannot do without, and what proves: references, claimed times, digests, outcomes. They name nobody."""


def record_erasure(case: Case, row: Row, names: Collection[str], reason: str) -> Recorded:
    """Ask for the erasure of these fields of an entry, in its own sequence; it waits for the approvals of R26.

    Where it is in force at once the openings are gone on return. CustodyError, with nothing recorded, for fields the
    entry does not have, those erased already, and those that a case cannot do without.
    """
    if not reason.strip():
        raise CustodyError("the reason is empty", "Say by what duty or order: it is recorded.")
    _validate(row, names)
    x = row.entry.x
    recorded = case.record(
        "erase",
        x.n if x is not None else 0,
        {"reason": reason},
        re=[row.leaf],
        pub={"names": sorted(set(names))},
        examine=lambda: need_governor(case),
    )
    apply_erasure(case, row)
    return recorded


def _validate(row: Row, names: Collection[str]) -> None:
    open_now = sorted(row.openings)
    for name in names:
        if name in KEPT:
            raise CustodyError(
                f"the field {name!r} is not erased: the case, or what it proves, rests on it", "Withhold it."
            )
        if name not in row.entry.commits:
            raise CustodyError(f"entry {row.index} has no field {name!r}", f"It has: {', '.join(open_now)}.")
        if name not in row.openings:
            raise CustodyError(f"the field {name!r} of entry {row.index} is erased already", "Nothing is left of it.")


def apply_erasure(case: Case, row: Row) -> frozenset[str]:
    """Take away the openings of an entry whose erasure is in force; the fields that went. May be repeated."""
    names = frozenset(case.roster().governance.erased.get(row.leaf, set()) & row.openings.keys())
    case.ledger.drop_openings(row, names)
    return names


def copies_of(case: Case, row: Row, names: Collection[str]) -> list[int]:
    """Entries that correct one of these fields and so hold its text as well."""
    return [
        found.index
        for found in case.ledger.rows_of("correct")
        if found.entry.re[0] == row.leaf and text(values_of(found).get("name")).partition(".")[0] in names
    ]
