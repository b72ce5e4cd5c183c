"""How many events fell into each hour, day, month or year, by source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from forensics.results import Run
from forensics.results.queries import Filter, events_chosen
from forensics.timeline import iso

PERIODS: Mapping[str, int] = {"hour": 13, "day": 10, "month": 7, "year": 4}
"""Lengths of time, and how many letters of a time in ISO 8601 tell them apart."""
_HOUR, _DAY = 3_600_000_000_000, 86_400_000_000_000


@dataclass(frozen=True, slots=True)
class Bar:
    """The events of one period: `period` as ISO 8601 says it (2026-03-09), events by source, the most first.

    A source is the first part of a kind: file, syslog, evtx, chrome.
    """

    period: str
    sources: Mapping[str, int]

    @property
    def events(self) -> int:
        """All of them."""
        return sum(self.sources.values())


def histogram(runs: Sequence[Run], chosen: Filter, period: str = "day") -> list[Bar]:
    """The periods that have events, in order. Times beyond 1677 to 2262 are left out: they have no exact place."""
    step = _HOUR if period == "hour" else _DAY
    question = events_chosen(runs, chosen)
    question.where("far_at IS NULL")
    for noise in chosen.hide:
        question.where(f"NOT ({noise.condition})")
    begun = f'("at"::HUGEINT - (("at" % {step}) + {step}) % {step}) // {step}'  # exact, and right before 1970
    selected = f"{begun} AS step, split_part(kind, '.', 1) AS source, count(*) AS events"
    rows = question.aggregate(selected, "GROUP BY ALL ORDER BY ALL")
    named = [(iso(int(row["step"]) * step)[: PERIODS[period]], row["source"], row["events"]) for row in rows]
    return [Bar(name, _added(list(group))) for name, group in groupby(named, key=lambda item: item[0])]


def _added(group: Sequence[tuple[str, str, int]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for _, source, events in group:
        counts[source] = counts.get(source, 0) + events
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
