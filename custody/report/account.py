"""What a report says around the exhibits: summary, authority and questions, author, times, methods, disclosure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from custody.ledger.entry import Json
from custody.ledger.verdict import Verdict
from custody.report import words_account
from custody.report.language import _, when
from custody.report.model import Exhibit, Fact, Line
from custody.report.phrase import Absent, Phrase, joined, phrase, quote
from custody.report.record import Record, entry_numbers
from custody.report.track import moment

LISTED = 40
"""Different purposes, clocks or settings that are listed; the custody tables have all."""


@dataclass(frozen=True, slots=True)
class Account:
    """What stands around the exhibits. Phrases carry the numbers of the entries that they are taken from."""

    summary: tuple[Phrase, ...]
    scope: tuple[Fact, ...]
    questions: tuple[Phrase, ...]
    author: tuple[Fact, ...]
    times: tuple[Fact, ...]
    hosts: tuple[Phrase, ...]
    settings: tuple[Phrase, ...]
    disclosure: tuple[Fact, ...]
    erasures: tuple[Line, ...]


def account(records: Sequence[Record], exhibits: Sequence[Exhibit], verdict: Verdict) -> Account:
    """All of it, from the entries shown."""
    return Account(
        summary=_summary(records, exhibits),
        scope=_scope(records),
        questions=_distinct(records, "purpose"),
        author=_author(records),
        times=_times(records),
        hosts=_distinct(records, "host"),
        settings=_distinct(records, "settings"),
        disclosure=_disclosure(records, verdict),
        erasures=tuple(Line(r.index, _erasure(r)) for r in records if r.type == "erase"),
    )


def _summary(records: Sequence[Record], exhibits: Sequence[Exhibit]) -> tuple[Phrase, ...]:
    if not records:
        return ()
    people = len({record.text("actor") for record in records if record.text("actor")})
    accesses = [read for exhibit in exhibits for read in exhibit.track.accesses]
    unended = sum(read.ended is None for read in accesses)
    closed = sum(record.withheld for record in records)
    known = [record for record in records if moment(record).seconds is not None]
    first, last = (min(known, key=_second), max(known, key=_second)) if known else (records[0], records[-1])
    counts = {
        "exhibits": str(len(exhibits)),
        "entries": str(len(records)),
        "people": str(people),
        "accesses": str(len(accesses)),
        "unended": str(unended),
        "closed": str(closed),
    }
    lines = [
        phrase(words_account.SUMMARY_SCOPE, {**counts, "first": first.at(), "last": last.at()}),
        phrase(words_account.SUMMARY_ACCESSES, counts),
    ]
    return (*lines, *((phrase(words_account.SUMMARY_CLOSED, counts),) if closed else ()))


def _second(record: Record) -> int:
    return moment(record).seconds or 0


def _scope(records: Sequence[Record]) -> tuple[Fact, ...]:
    """The legal authority of each seizure, then what entries name as theirs."""
    facts: list[Fact] = []
    for record in records:
        if record.type == "exhibit.register":
            authority = record.mapping("seizure").get("authority")
            said = quote(authority) if "seizure" in record.values else record.said("seizure")
            facts.append(Fact("Authority to seize", phrase("{ref}: {said}", ref=record.said("ref"), said=said)))
    named = [record for record in records if record.type != "exhibit.register"]
    facts += [Fact("Named by entries", value) for value in _distinct(named, "authority")]
    return tuple(facts)


def _distinct(records: Sequence[Record], name: str) -> tuple[Phrase, ...]:
    """The different values of a field in the order in which they appear, each with the entries that have it."""
    found: dict[Phrase, list[int]] = {}
    for record in records:
        if record.values.get(name):
            found.setdefault((record.said(name),), []).append(record.index)
    lines = [
        phrase("{value} ({entries})", value=value, entries=entry_numbers(indices)) for value, indices in found.items()
    ]
    rest = len(lines) - LISTED
    return (*lines[:LISTED], *((phrase("and {rest} more in the custody tables", rest=str(rest)),) if rest > 0 else ()))


def _author(records: Sequence[Record]) -> tuple[Fact, ...]:
    """Who had this report made, by the newest entry that hands one out, and what enrolments say of them."""
    made = _export(records)
    if made is None:
        return (Fact("Made by", (Absent.NOT_STATED,)),)
    facts = [Fact("Made by", made.who()), Fact("Key", (quote(made.source.entry.key.hex(), code=True),))]
    name = made.text("actor")
    for record in records:
        person = record.mapping("person")
        if name and person.get("name") == name:
            facts.append(Fact("As enrolled", phrase("{who}, entry {n}", who=quote(dict(person)), n=str(record.index))))
    return tuple(facts)


def _export(records: Sequence[Record]) -> Record | None:
    return next((record for record in reversed(records) if record.type == "export"), None)


def _times(records: Sequence[Record]) -> tuple[Fact, ...]:
    genesis = next((record for record in records if record.type == "genesis"), None)
    zone = genesis.mapping("case").get("zone") if genesis is not None else None
    facts = [Fact("Time zone of the case", (quote(zone),))]
    facts += [Fact("In that zone", line) for line in _local(records, zone)]
    facts += [Fact("Clock of the writer", value) for value in _distinct(records, "clock")]
    for record in records:
        clock = record.mapping("seizure").get("clock")
        if clock:
            facts.append(
                Fact("Clock of the exhibit", phrase("{ref}: {clock}", ref=record.said("ref"), clock=quote(clock)))
            )
    back = list(_backwards(records))
    said = (
        phrase(words_account.TIMES_BACK, entries=", ".join(map(str, back[:LISTED])))
        if back
        else (_(words_account.TIMES_FORWARD),)
    )
    return (*facts, Fact("Order of the times claimed", said))


def _local(records: Sequence[Record], zone: Json) -> Iterator[Phrase]:
    """First and last time in both spellings, so that nobody has to convert to see what the zone does."""
    seconds = [at for record in records if (at := moment(record).seconds) is not None]
    try:
        place = ZoneInfo(zone) if isinstance(zone, str) and zone else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        place = None
    if place is None or not seconds:
        return
    for at in dict.fromkeys((min(seconds), max(seconds))):
        utc, local = datetime.fromtimestamp(at, ZoneInfo("UTC")), datetime.fromtimestamp(at, place)
        there = f"{when(f'{local:%Y-%m-%d %H:%M:%S}')} (UTC{local:%z})"
        yield phrase("{utc} UTC is {local}", utc=when(f"{utc:%Y-%m-%d %H:%M:%S}"), local=there)


def _backwards(records: Sequence[Record]) -> Iterator[int]:
    """Entries that claim an earlier time than one before them."""
    latest = None
    for record in records:
        at = record.text("claimed_at")
        if latest is not None and at and at < latest:
            yield record.index
        latest = max(latest or "", at)


def _disclosure(records: Sequence[Record], verdict: Verdict) -> tuple[Fact, ...]:
    made = _export(records)
    document: Mapping[str, Json] = made.mapping("document") if made is not None else {}
    facts = [Fact("Made for", (made.said("recipient"),))] if made is not None else []
    withheld = document.get("withheld")
    if isinstance(withheld, dict):
        facts.append(Fact("Kept closed by", _rules(withheld)))
    if document.get("supersedes"):
        facts.append(Fact("Supersedes", (quote(document["supersedes"]),)))
    facts.append(Fact("Fields not shown", (str(sum(record.withheld for record in records)),)))
    facts.append(Fact("Fields erased by approval", (str(verdict.checked.get("fields erased", 0)),)))
    return tuple(facts)


def _rules(withheld: Mapping[str, Json]) -> Phrase:
    rules = withheld.get("rules")
    told = [(quote(rule),) for rule in rules] if isinstance(rules, list) else []
    if withheld.get("blind") is True:
        told.append((_("blind: no field is opened"),))
    return joined(told, "; ") or (_(words_account.NO_RULE),)


def _erasure(record: Record) -> Phrase:
    names = quote(record.source.entry.pub.get("names"))
    return phrase(words_account.ERASURE, names=names, reason=record.said("reason"))
