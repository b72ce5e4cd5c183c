"""The time basis: between which moments an entry was signed, and the time-stamps from outside that prove it."""

from __future__ import annotations

from custody.moment import claimed
from custody.report import words
from custody.report.language import _, when
from custody.report.model import Mark, StampLine
from custody.report.phrase import Phrase, quote
from custody.report.record import Record
from custody.timestamp.interval import Placed, Times


def _moment(nanoseconds: int) -> str:
    return f"{when(claimed(nanoseconds)[:19].replace('T', ' '))} UTC"


def proved(record: Record, times: Times) -> Phrase:
    """After and before which moments; empty where nothing is proved."""
    interval = times.of(record.source)
    sides = ((words.AFTER, interval.not_before), (words.BEFORE, interval.not_after))
    said = ", ".join(_(word).format(moment=_moment(side)) for word, side in sides if side is not None)
    return (said,) if said else ()


def stamp_lines(times: Times) -> tuple[StampLine, ...]:
    """The verified time-stamps, by entry."""
    return tuple(_line(placed, placed in times.alive) for placed in times.stamps)


def _line(placed: Placed, holds: bool) -> StampLine:
    stamp = placed.stamp
    return StampLine(
        entry=placed.index,
        at=(_moment(stamp.at),),
        accuracy=f"± {stamp.accuracy / 1_000_000_000:g} s",
        authority=(quote(stamp.authority),),
        covers=_(words.COVERS).format(size=placed.size),
        state=_(words.HOLDS).format(until=_moment(placed.until)) if holds else _(words.LAPSED),
        mark=Mark.GOOD if holds else Mark.CAUTION,
    )
