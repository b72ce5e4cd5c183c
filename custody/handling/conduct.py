"""CU-05 to CU-12 without seals: purposes, places, lateness, order, a second person, disposal."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from custody.handling._contract import LESSER, SERIOUS, Rule, Seen
from custody.handling._record import VERIFICATION, Act, Chain, Record, apart, utc_of
from custody.opened import mapping, text

_BOILERPLATE = re.compile(
    r"(a|access|anal[yi]s(e|is|ing)|analy[sz](e|ing)|case|check(ing)?|data|do|evidence|exam(ination|ine|ining)?|files?"
    r"|forensics?|general|image|investigat(e|ion)|job|look|n|na|none|nothing|of|on|for|purpose|reason|review|routine|run|see"
    r"|standard|task|test(ing)?|the|to|todo|various|view|work|x+|\d+)"
)
"""Words that fit any access to anything, and so say nothing of this one."""


def _purposes(_record: Record, chain: Chain) -> Iterator[Seen]:
    """A purpose that is empty, or made of words that fit any case."""
    for act in chain.of("access.begin"):
        purpose = act.text("purpose")
        if purpose == VERIFICATION:
            continue
        words = re.findall(r"\w+", purpose.lower())
        if all(map(_BOILERPLATE.fullmatch, words)):
            yield Seen((act.index,), f"the purpose is {purpose!r}: it fits any access to anything")


def _no_authority(record: Record, chain: Chain) -> Iterator[Seen]:
    """Images and files that nobody says on whose authority they are here. (Of things that were seized: LE-01.)"""
    read = next((access for access in chain.accesses if access.examines), None)
    if read is None or chain.is_thing or authority_of(record, chain) or read.begin.text("authority"):
        return
    yield Seen((chain.registered.index, read.begin.index), "examined, and no authority for it is on record")


def authority_of(record: Record, chain: Chain) -> str:
    """The authority for an exhibit: its own, or that of the exhibit it was made from."""
    seen: set[str] = set()
    where: Chain | None = chain
    while where is not None and where.ref not in seen:
        seen.add(where.ref)
        own = where.registered.text("authority") or text(mapping(where.seizure.get("authority")).get("authority"))
        if own or where.seizure.get("ledger"):  # from another agency: the authority stands in their record
            return own or "of the agency it came from"
        where = next(iter(record.named.get(where.registered.text("parent"), [])), None)
    return ""


def _storage(_record: Record, chain: Chain) -> Iterator[Seen]:
    """A thing that is kept nowhere, or changed hands and stayed in its place."""
    if not chain.is_thing:
        return
    moves = [act for act in chain.of("exhibit.move") if act.text("storage_to")]
    if not moves:
        yield Seen((chain.registered.index,), "no entry says where it is kept")
        return
    taken = next(chain.of("transfer.accept"), None)
    if taken is not None and moves[-1].index < taken.index:
        place = moves[-1].text("storage_to")
        yield Seen(
            (moves[-1].index, taken.index), f"it changed hands, and is kept in the same place ({place}) as before"
        )


def _late(record: Record, chain: Chain) -> Iterator[Seen]:
    """Told long after it happened, and nobody says why."""
    limit = timedelta(hours=record.settings.late_hours)
    for act in chain.of("exhibit.register", "exhibit.seal"):
        for name, at in _events(act):
            late = apart(at, act.at)
            if late is not None and late > limit and not act.text("note"):
                hours = late.total_seconds() / 3600
                yield Seen(
                    (act.index,), f"{name} {at:%Y-%m-%d %H:%M} UTC, recorded {hours:.0f} hours later without a reason"
                )


def _events(act: Act) -> Iterator[tuple[str, datetime]]:
    """The times of events that an entry tells of, beside its own."""
    for name, table, part in (("seized", "seizure", "seized_at"), ("sealed", "seal", "sealed_at")):
        at = utc_of(text(mapping(act.mapping(table).get(part)).get("utc")))
        if at is not None:
            yield name, at


def _at_once(record: Record) -> Iterator[Seen]:
    """Notes of several days written by one person within one minute."""
    told: dict[bytes, list[tuple[datetime, int, datetime]]] = {}
    for act in record.every("exhibit.register", "exhibit.seal"):
        if act.at is not None:
            told.setdefault(act.key, []).extend((act.at, act.index, at) for _, at in _events(act))
    for key, written in told.items():
        written.sort()
        for first, (begun, _, _) in enumerate(written):
            last = begun + timedelta(minutes=1)
            batch = []
            for item in islice(written, first, None):
                if item[0] > last:
                    break
                batch.append(item)
            span = max(at for _, _, at in batch) - min(at for _, _, at in batch)
            if len({index for _, index, _ in batch}) >= 3 and span > timedelta(days=1):
                said = f"{record.who(key)} wrote within one minute of events that are {span.days} days apart"
                yield Seen(tuple(sorted({index for _, index, _ in batch})), said)
                return


def _backwards(record: Record) -> Iterator[Seen]:
    """Times that run against the order of the entries, for one person or one exhibit."""
    last: dict[object, Act] = {}
    slack = timedelta(seconds=record.settings.clock_seconds)
    for act in (item for item in record.acts if item.at is not None):
        told = False
        for what, allowed in ((act.key, timedelta(seconds=2)), (act.n or None, slack)):
            before = last.get(what) if what is not None else None
            gap = apart(before.at, act.at) if before is not None else None
            if before is not None and gap is not None and gap < -allowed and not told:
                told = True
                form = "%Y-%m-%d %H:%M:%S"
                said = f"says {act.at:{form}} UTC, and stands after an entry of {before.at:{form}} UTC"
                yield Seen((before.index, act.index), said)
            if what is not None:
                last[what] = act


def _travel(record: Record) -> Iterator[Seen]:
    """One person in two places, faster than anybody travels (1,000 km/h)."""
    last: dict[str, tuple[Act, datetime, tuple[float, float]]] = {}
    for act in record.every("exhibit.register"):
        seizure = act.mapping("seizure")
        at, where = (
            utc_of(text(mapping(seizure.get("seized_at")).get("utc"))),
            _coordinates(text(seizure.get("coordinates"))),
        )
        person = text(seizure.get("seized_by")) or record.who(act.key)
        if at is None or where is None:
            continue
        if person in last:
            before, then, there = last[person]
            hours, kilometres = abs((at - then).total_seconds()) / 3600, _distance(there, where)
            if kilometres > 10 and kilometres > 1000 * hours:
                yield Seen(
                    (before.index, act.index),
                    f"{person} seized things {kilometres:.0f} km apart within {hours:.1f} hours",
                )
        last[person] = (act, at, where)


def _coordinates(written: str) -> tuple[float, float] | None:
    """Latitude and longitude in degrees, as "45.2671, 19.8335" or "45.2671° N 19.8335° E"."""
    found = re.fullmatch(
        r"(-?\d{1,2}(?:\.\d+)?)°?\s*([NS]?)[\s,;]\s*(-?\d{1,3}(?:\.\d+)?)°?\s*([EW]?)", written.strip()
    )
    if found is None:
        return None
    return float(found[1]) * (-1 if found[2] == "S" else 1), float(found[3]) * (-1 if found[4] == "W" else 1)


def _distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Kilometres along the great circle (haversine)."""
    (y1, x1), (y2, x2) = ((math.radians(y), math.radians(x)) for y, x in (a, b))
    h = math.sin((y2 - y1) / 2) ** 2 + math.cos(y1) * math.cos(y2) * math.sin((x2 - x1) / 2) ** 2
    return 12742 * math.asin(math.sqrt(min(1.0, h)))


def _order(record: Record) -> Iterator[Seen]:
    yield from _backwards(record)
    yield from _travel(record)


def _alone(record: Record, chain: Chain) -> Iterator[Seen]:
    """One person did all of it: taken in, copied, examined, verified."""
    keys = {
        "taken in": [chain.registered] if chain.is_thing or chain.seizure else [],
        "copied": [access.begin for access in chain.accesses if access.object == "acquisition"],
        "examined": [access.begin for access in chain.accesses if access.examines],
        "verified": [access.begin for access in chain.accesses if access.verifies],
    }
    children = record.children.get(chain.ref, [])
    for child in children:
        keys["examined"] += [access.begin for access in child.accesses if access.examines]
        keys["verified"] += [access.begin for access in child.accesses if access.verifies]
    if not all(keys.values()):
        return
    acts = [act for several in keys.values() for act in several]
    whole = [*chain.acts, *(act for child in children for act in child.acts)]
    if all(record.same(acts[0].key, act.key) for act in whole):
        name = record.who(acts[0].key)
        yield Seen(tuple(sorted({several[0].index for several in keys.values()})),
                   f"{name} alone took it in, copied, examined and verified it")  # fmt: skip


def _disposal(record: Record, chain: Chain) -> Iterator[Seen]:
    """Gone without authority, witness or recipient, or with copies left that nobody accounts for."""
    for act in chain.of("exhibit.dispose", "exhibit.return"):
        disposed = act.type == "exhibit.dispose"
        lacks = [name for name in ("authority", "witness" if disposed else "recipient") if not act.text(name)]
        if lacks:
            yield Seen(
                (act.index,), f"{'disposed of' if disposed else 'returned'} without {' and without '.join(lacks)}"
            )
        left = [
            other.ref for other in record.children.get(chain.ref, []) if other.story and not other.story[-1][2].gone
        ]  # fmt: skip
        if left and not act.text("copies"):
            yield Seen((act.index,), f"copies are left and not accounted for: {', '.join(left)}")


_TIMED = {"*": ("claimed_at",)}
_EVENTS = {**_TIMED, "exhibit.register": ("seizure", "seal"), "exhibit.seal": ("seal",)}
_DOING = {"access.begin": ("purpose", "object"), "exhibit.register": ("state", "kind", "seizure", "parent", "ref")}

RULES: tuple[Rule, ...] = (
    Rule(
        "CU-05", LESSER, "A purpose that says nothing",
        "Without a purpose nobody can judge whether the access was needed, or went further than it should have.",
        of_exhibit=_purposes, needs={"access.begin": ("purpose",)},
    ),
    Rule(
        "CU-05", LESSER, "No authority for an examination",
        "Without an authority on record nobody can judge whether the examination was allowed, and how far it could go.",
        of_exhibit=_no_authority,
        needs={"access.begin": ("purpose", "object", "authority"),
               "exhibit.register": ("state", "kind", "seizure", "authority", "parent", "ref")},
    ),
    Rule(
        "CU-06", LESSER, "Taken out and not brought back",
        "",
        unbuilt="the record knows no loans: who takes an exhibit takes it over with a signature (CU-01 to CU-03)",
    ),
    Rule(
        "CU-08", LESSER, "Nobody knows where it was kept",
        "Who could get at the exhibit cannot be said without the place; ask who had the key to that room.",
        of_exhibit=_storage, needs={"exhibit.register": ("state", "kind"), "exhibit.move": ("storage_to",)},
    ),
    Rule(
        "CU-09", LESSER, "Recorded late",
        "Notes written long after the event are memory, not a record. Ask what they were written from.",
        of_exhibit=_late, needs={**_EVENTS, "*": ("claimed_at", "note")},
    ),
    Rule(
        "CU-09", LESSER, "Days of work recorded at once",
        "Notes written long after the event are memory, not a record. Ask what they were written from.",
        of_case=_at_once, needs=_EVENTS,
    ),
    Rule(
        "CU-10", SERIOUS, "Times that cannot be",
        "The times do not fit the order in which the entries were signed, or the distance between two places. One of "
        "them is not true.",
        of_case=_order, needs={**_TIMED, "exhibit.register": ("seizure",)},
    ),
    Rule(
        "CU-11", LESSER, "No second person",
        "One person did everything. Nothing is wrong for that alone, but nobody else has seen any of it.",
        of_exhibit=_alone, needs=_DOING,
    ),
    Rule(
        "CU-12", LESSER, "Disposal that cannot be followed",
        "What became of the exhibit, on whose word and before whom, cannot be shown.",
        of_exhibit=_disposal,
        needs={"exhibit.dispose": ("authority", "witness", "copies"), "exhibit.register": ("parent", "ref"),
               "exhibit.return": ("authority", "recipient", "copies")},
    ),
)  # fmt: skip
