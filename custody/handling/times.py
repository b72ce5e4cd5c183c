"""TI: the basis of times: zones, the exhibit's own clock, the clocks of those who write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from custody.handling._contract import LESSER, SERIOUS, Rule, Seen
from custody.handling._record import Act, Chain, Record, apart, utc_of
from custody.ledger.entry import Json
from custody.opened import mapping, text

_LOCAL = re.compile(r"(\d+) times are in the local time of the source")
"""The remark of an examination that met times without a zone (`evikit ingest`)."""
_NAIVE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?")


def _zones(record: Record) -> Iterator[Seen]:
    """Times that say no zone: of entries, of events told, of the case."""
    genesis = next(record.every("genesis"), None)
    if genesis is not None and genesis.mapping("case") and not text(genesis.mapping("case").get("zone")):
        yield Seen((genesis.index,), "the case has no time zone")
    for act in record.acts:
        written = act.text("claimed_at")
        if written and utc_of(written) is None:
            yield Seen((act.index,), f"the entry's time is {written!r}: it has no zone, or is none")
        naive = sorted(set(_naive(act.values.get("seizure"))) | set(_naive(act.values.get("seal"))))
        if naive:
            yield Seen((act.index,), f"{', '.join(naive)}: the time has no zone")


def _naive(value: Json) -> Iterator[str]:
    """Names in an object whose times say no zone."""
    for name, item in mapping(value).items():
        if isinstance(item, dict) and "utc" not in item:
            yield from _naive(item)
        elif (utc_of(text(item["utc"])) is None) if isinstance(item, dict) else _NAIVE.fullmatch(text(item)):
            yield name


def _own_clock(_record: Record, chain: Chain) -> Iterator[Seen]:
    """Taken while it ran, and its clock was not compared."""
    power = text(chain.registered.mapping("condition").get("power"))
    clock = mapping(chain.seizure.get("clock"))
    if power in ("on", "sleep") and not (clock.get("clock_shown") and clock.get("clock_reference")):
        yield Seen((chain.registered.index,), f"it was {power}, and how far its clock was wrong is not recorded")


def _local_times(_record: Record, chain: Chain) -> Iterator[Seen]:
    """Times of no zone were read, and none was declared."""
    for access in chain.accesses:
        found = _LOCAL.match(access.end.text("note")) if access.end is not None else None
        if found is not None:
            yield Seen(
                access.entries, f"{found[1]} times are in the local time of the source, and no zone was declared"
            )


def _writers(record: Record) -> Iterator[Seen]:
    """The writers' own clocks: known not to be synchronised, put back between two entries of one machine, disproved."""
    unsynchronised: dict[str, list[int]] = {}
    last: dict[str, Act] = {}
    for act in record.acts:
        host = text(act.mapping("host").get("name"))
        if text(act.mapping("clock").get("synchronised")) == "no":
            unsynchronised.setdefault(host, []).append(act.index)
        if not host or act.at is None:
            continue
        before = last.get(host)
        gap = apart(before.at, act.at) if before is not None else None
        other = before is not None and before.key != act.key and (not act.n or before.n != act.n)
        if before is not None and gap is not None and other and gap < timedelta(seconds=-2):
            yield Seen(
                (before.index, act.index), f"the clock of {host} went back by {-gap.total_seconds():.0f} seconds"
            )
        last[host] = act
    for host, entries in unsynchronised.items():
        yield Seen(tuple(entries), f"the clock of {host or 'the machine'} was not synchronised")
    for finding in record.verdict.notes:
        if finding.kind == "clock" and finding.index is not None:
            yield Seen((finding.index,), finding.explanation)


RULES: tuple[Rule, ...] = (
    Rule(
        "TI-01", SERIOUS, "A time without a zone",
        "Which moment is meant cannot be said; it may be hours away from the one that is read.",
        of_case=_zones,
        needs={"*": ("claimed_at",), "genesis": ("case",), "exhibit.register": ("seizure", "seal"),
               "exhibit.seal": ("seal",)},
    ),
    Rule(
        "TI-02", LESSER, "The exhibit's own clock was not compared",
        "Times found on it may be wrong by an unknown amount. Ask whether anything else fixes them.",
        of_exhibit=_own_clock, needs={"exhibit.register": ("condition", "seizure")},
        weaknesses=("DFW-1173", "DFW-1264", "DFW-1269"),
    ),
    Rule(
        "TI-03", LESSER, "Local times, and nobody says of where",
        "The source keeps local time. Shown as if it were UTC, an event can stand hours from when it happened.",
        of_exhibit=_local_times, needs={"access.end": ("note",)},
        weaknesses=("DFW-1268",),
    ),
    Rule(
        "TI-04", LESSER, "The writer's clock cannot be relied on",
        "Times in these entries are what that clock said. The order of the entries stands; the hours may not.",
        of_case=_writers, needs={"*": ("claimed_at", "host", "clock")},
    ),
)  # fmt: skip
