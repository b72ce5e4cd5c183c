"""LE: the authority under which evidence was taken and read, and its time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from custody.handling._contract import LESSER, SERIOUS, Rule, Seen
from custody.handling._record import VERIFICATION, Act, Chain, Record, utc_of
from custody.handling.conduct import authority_of
from custody.opened import mapping, text


def _authority(record: Record, chain: Chain) -> Iterator[Seen]:
    """Seized without an authority, or seized or read outside its days."""
    if chain.is_thing and not authority_of(record, chain):
        yield Seen((chain.registered.index,), "taken, and no authority for it is on record")
    window = mapping(chain.seizure.get("authority"))
    first, last = _day(window.get("issued_on")), _day(window.get("expires_on"))
    for act, what, day in _dated(record, chain):
        if first is not None and day is not None and day < first:
            yield Seen(
                (chain.registered.index, act.index), f"{what} on {day}, before the authority was issued on {first}"
            )
        if last is not None and day is not None and day > last:
            yield Seen((chain.registered.index, act.index), f"{what} on {day}, after the authority expired on {last}")


def _dated(record: Record, chain: Chain) -> Iterator[tuple[Act, str, date | None]]:
    """What needs the authority, with its day where it happened (the case's zone)."""
    zone = _zone(record)
    seized = mapping(chain.seizure.get("seized_at"))
    at = utc_of(text(seized.get("utc")))
    if at is not None:
        yield chain.registered, "seized", at.astimezone(zone).date()
    for access in chain.accesses:
        begin = access.begin
        if begin.text("purpose") != VERIFICATION and not begin.text("authority") and begin.at is not None:
            yield begin, "read", begin.at.astimezone(zone).date()


def _zone(record: Record) -> ZoneInfo:
    genesis = next(record.every("genesis"), None)
    name = text(genesis.mapping("case").get("zone")) if genesis is not None else ""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


RULES: tuple[Rule, ...] = (
    Rule(
        "LE-01", SERIOUS, "No authority, or outside its time",
        "Evidence taken or read without a lawful basis may be inadmissible, whatever it shows. Ask for the document.",
        of_exhibit=_authority,
        needs={"exhibit.register": ("seizure", "authority", "state", "kind", "parent", "ref"),
               "access.begin": ("purpose", "authority"), "*": ("claimed_at",)},
    ),
    Rule(
        "LE-02", LESSER, "A preservation order that lapsed, or a return without a request",
        "",
        unbuilt="requests, preservation orders and returns are not recorded by this version",
    ),
)  # fmt: skip
