"""Whose hands an exhibit was in, when: read from its entries, for the drawing and for its text.

What counts is what was signed by both sides: an acceptance by the key that the offer names. Everything else that
happens stands in the custody table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from custody.ledger.entry import b64
from custody.report import words_account
from custody.report.language import _
from custody.report.phrase import Phrase, phrase
from custody.report.record import Record

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")


@dataclass(frozen=True, slots=True)
class Moment:
    """An entry and the time it claims: seconds since 1970, None where it claims none that can be read."""

    entry: int
    at: Phrase
    seconds: int | None


@dataclass(frozen=True, slots=True)
class Hold:
    """A stretch in one person's hands, or in nobody's of this record (`away`). `until` None: up to the end shown."""

    who: Phrase
    since: Moment
    until: Moment | None
    away: bool = False


@dataclass(frozen=True, slots=True)
class Transfer:
    """A hand-over: signed by who gives, and, where it came to that, by who takes. `said`: how it ended."""

    offered: Moment
    answered: Moment | None
    giver: Phrase
    taker: Phrase
    accepted: bool
    said: str


@dataclass(frozen=True, slots=True)
class Read:
    """An access, from its begin to its end; None where no end was recorded."""

    who: Phrase
    begun: Moment
    ended: Moment | None


@dataclass(frozen=True, slots=True)
class Track:
    """All of it, in order. `events` are openings and closings of seals and moves, with their words."""

    holds: tuple[Hold, ...]
    transfers: tuple[Transfer, ...]
    accesses: tuple[Read, ...]
    events: tuple[tuple[Moment, str], ...]
    last: Moment | None


def moment(record: Record) -> Moment:
    """When an entry says it was written."""
    text = record.text("claimed_at")
    try:
        known = _TIME.fullmatch(text) and datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
    except ValueError:  # the 31st of February
        known = None
    return Moment(record.index, record.at(), int(known.timestamp()) if known else None)


@dataclass(slots=True)
class _Walk:
    """The state while the entries pass."""

    holds: list[Hold] = field(default_factory=list)
    transfers: dict[bytes, Transfer] = field(default_factory=dict)
    offers: dict[bytes, Record] = field(default_factory=dict)
    now: Hold | None = None

    def change(self, who: Phrase, record: Record, *, away: bool = False) -> None:
        at = moment(record)
        if self.now is not None:
            self.holds.append(Hold(self.now.who, self.now.since, at, self.now.away))
        self.now = Hold(who, at, None, away)

    def offer(self, record: Record) -> None:
        self.offers[record.leaf] = record
        self.transfers[record.leaf] = Transfer(
            moment(record),
            None,
            record.who(),
            (record.said("to_person"),),
            accepted=False,
            said=_(words_account.TRACK_WAITING),
        )

    def answer(self, record: Record) -> None:
        offer = self.offers.pop(record.target or b"", None)
        if offer is None:
            return
        accepted = record.type == "transfer.accept" and _is_named(offer, record)
        gone = record.type == "transfer.receipt" and record.text("outcome") == "accepted"
        taker = record.who() if accepted else (offer.said("to_person"),)
        said = _(words_account.TRACK_GONE if gone else words_account.TRACK_ANSWER.get(record.type, ""))
        self.transfers[offer.leaf] = Transfer(
            moment(offer), moment(record), offer.who(), taker, accepted=accepted or gone, said=said
        )
        if accepted:
            self.change(record.who(), record)
        elif gone:
            self.change(phrase(words_account.TRACK_AWAY, who=record.said("receiver")), record, away=True)


def _is_named(offer: Record, answer: Record) -> bool:
    """Whether the key that accepts is the one the offer names; a withheld name is taken as it."""
    named = offer.text("to_key")
    return not named or named == b64(answer.source.entry.key)


def custody_track(records: Sequence[Record]) -> Track:
    """The track of one exhibit's sequence."""
    walk = _Walk()
    for record in records:
        _step(walk, record)
    holds = [*walk.holds, walk.now] if walk.now is not None else walk.holds
    ends = {record.target: moment(record) for record in records if record.type == "access.end"}
    accesses = [Read(r.who(), moment(r), ends.get(r.leaf)) for r in records if r.type == "access.begin"]
    events = [(moment(r), _(words_account.TRACK_EVENT[r.type])) for r in records if r.type in words_account.TRACK_EVENT]
    last = moment(records[-1]) if records else None
    return Track(tuple(holds), tuple(walk.transfers.values()), tuple(accesses), tuple(events), last)


def _step(walk: _Walk, record: Record) -> None:
    kind = record.type
    if kind == "exhibit.register":
        origin = record.mapping("seizure").get("offer")
        walk.change((_(words_account.TRACK_ANNOUNCED),) if origin else record.who(), record, away=bool(origin))
    elif kind == "transfer.receive" and record.text("outcome") == "accepted":
        walk.change(record.who(), record)
    elif kind in ("exhibit.return", "exhibit.dispose"):
        where = record.said("recipient") if kind == "exhibit.return" else record.said("method")
        walk.change(phrase(words_account.TRACK_LEFT[kind], where=where), record, away=True)
    elif kind == "transfer.offer":
        walk.offer(record)
    elif kind in ("transfer.accept", "transfer.refuse", "transfer.withdraw", "transfer.receipt"):
        walk.answer(record)
