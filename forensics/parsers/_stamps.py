"""Times of the ISO kind as the logs of servers write them, with an offset, a zone's letters or neither."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from forensics.model import Clock
from forensics.parsers._clock import SECOND, CivilTime, LocalClock, nanoseconds, offset_seconds
from forensics.parsers._facts import Moment

WRITTEN = (
    r"([0-9]{4})[-/]([0-9]{2})[-/]([0-9]{2})(?:[Tt]| {1,2})([ 0-9]?[0-9]):([0-9]{2})"
    r"(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r"(?: ?(Z|[+-][0-9]{2}(?::?[0-9]{2})?|[A-Z]{2,5})(?![0-9A-Za-z]))?"
)
"""A pattern of eight groups for `Stamps.read`; words of two to five capitals behind the time are a zone."""

_UTC = frozenset({"Z", "UTC", "GMT", "UCT"})


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time that was read. `fields` hold what must be said of it: `ambiguous` and `skipped` as syslog says them,
    `zone` for letters that name more than one zone.
    """

    moment: Moment
    clock: Clock
    fields: Mapping[str, str] = field(default_factory=dict)


class Stamps:
    """Reads the times of one log."""

    def __init__(self, zone: ZoneInfo | None) -> None:
        self._local = LocalClock(zone)

    def read(self, match: re.Match[str], first: int = 1) -> Stamp:
        """The time in eight groups of a match, beginning with `first`; raises ImpossibleTimeError."""
        groups = match.groups()[first - 1 : first + 7]
        year, month, day, hour, minute, second = (int(part or 0) for part in groups[:6])
        start, end = match.start(first), max(match.end(first + number) for number in range(8))
        written = match.string[start:end]
        return self.civil(CivilTime(year, month, day, hour, minute, second), written, groups[6], groups[7])

    def civil(self, civil: CivilTime, written: str, fraction: str | None = None, zone: str | None = None) -> Stamp:
        """A time in its parts; raises ImpossibleTimeError."""
        seconds, parts = civil.epoch_seconds(), nanoseconds(fraction)
        if zone in _UTC:
            return Stamp(Moment(seconds * SECOND + parts, written), Clock.UTC)
        if zone and zone[0] in "+-":
            offset = offset_seconds(zone if len(zone) > 3 else f"{zone}:00")
            return Stamp(Moment((seconds - offset) * SECOND + parts, written), Clock.UTC)
        local = self._local.minute(civil._replace(second=0))
        said = {"ambiguous": local.ambiguous, "skipped": local.skipped}
        fields = {name: "true" for name, true in said.items() if true} | ({"zone": zone} if zone else {})
        return Stamp(Moment((local.seconds + civil.second) * SECOND + parts, written), self._local.clock, fields)
