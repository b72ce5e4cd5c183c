"""Times that documents, pictures and archives state in a calendar's words, with an offset from UTC or without."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from forensics.model import Artefact, Clock
from forensics.parsers._clock import SECOND, CivilTime, ImpossibleTimeError, LocalClock, nanoseconds, offset_seconds
from forensics.parsers._facts import Facts, Moment

_ISO = re.compile(
    r"\s*(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?\s*(Z|z|[+-]\d\d:?\d\d)?\s*", re.ASCII
)


class Stated(NamedTuple):
    """A moment and the clock it is told by; `ambiguous` and `skipped` as of `LocalTime`."""

    moment: Moment
    clock: Clock
    ambiguous: bool = False
    skipped: bool = False


def stated(
    time: CivilTime, zone: ZoneInfo | None, written: str, *, nanos: int = 0, offset: str | None = None
) -> Stated:
    """A calendar's time `offset` east of UTC ("Z", "+01:00"), else of the declared `zone`, else as if UTC.

    Raises ImpossibleTimeError for what no calendar has.
    """
    if offset is not None:
        at = time.epoch_seconds() - offset_seconds(offset)
        return Stated(Moment(at * SECOND + nanos, written), Clock.UTC)
    if time.second > 59:
        raise ImpossibleTimeError(f"there is no second {time.second}")
    local = LocalClock(zone)
    minute = local.minute(time._replace(second=0))
    moment = Moment((minute.seconds + time.second) * SECOND + nanos, written)
    return Stated(moment, local.clock, minute.ambiguous, minute.skipped)


def iso_time(text: str, zone: ZoneInfo | None) -> Stated | None:
    """A date with a time of ISO 8601; None for other text (a date alone among it). Raises ImpossibleTimeError."""
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    *parts, fraction, offset = found.groups()
    time = CivilTime(*(int(part or 0) for part in parts))
    return stated(time, zone, text.strip(), nanos=nanoseconds(fraction), offset=offset)


def local_moment(moment: Moment, zone: ZoneInfo | None) -> Stated:
    """A moment that was counted in local time as if it were UTC, by the declared `zone`."""
    if moment.at is None:
        return Stated(moment, Clock.UTC)
    seconds, nanos = divmod(moment.at, SECOND)
    try:
        day = datetime(1970, 1, 1) + timedelta(seconds=seconds)  # noqa: DTZ001 - of no zone yet
        return stated(CivilTime(*day.timetuple()[:6]), zone, moment.written, nanos=nanos)
    except (OverflowError, ImpossibleTimeError):
        return Stated(Moment(None, moment.written), Clock.UTC)


def by_clock(
    facts: Facts,
    kind: str,
    times: Mapping[str, Stated],
    fields: Mapping[str, object],
    place: tuple[int, int] | None = None,
) -> Iterator[Artefact]:
    """An artefact for each clock that the times are told by, at least one: an artefact has a single clock."""
    for clock in sorted({time.clock for time in times.values()} or {Clock.UTC}):
        mine = {name: time for name, time in times.items() if time.clock is clock}
        more = {
            "ambiguous": ", ".join(name for name, time in mine.items() if time.ambiguous),
            "skipped": ", ".join(name for name, time in mine.items() if time.skipped),
        }
        moments = {name: time.moment for name, time in mine.items()}
        yield facts.artefact(kind, moments, {**fields, **more}, place=place, clock=clock)
