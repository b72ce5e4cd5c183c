"""What the rules look at: the entries of one record that verified, corrected in the open, exhibit by exhibit.

The same for a ledger and for a bundle. A field that is withheld or erased is `closed`: it is neither there nor empty,
and no rule concludes anything from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from heapq import merge

from custody.corrections import as_corrected
from custody.handling._settings import Settings
from custody.holding import Holding, seal_number, story
from custody.ledger.entry import Json
from custody.ledger.verdict import Verdict
from custody.opened import Opened, mapping, text, values_of
from custody.roster import GOVERNING, Roster

_CLAIMED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d{9}Z")
_FILES = ("image or file", "folder", "file", "files")
VERIFICATION = "integrity verification"
"""The fixed purpose of a reading that only compares digests."""


def utc_of(written: str) -> datetime | None:
    """A time as entries claim it, or an ISO time with its zone, to the second; None for anything else."""
    found = _CLAIMED.fullmatch(written)
    try:
        moment = datetime.fromisoformat(found[1] + "+00:00" if found else written)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None


@dataclass(frozen=True, slots=True)
class Act:
    """One entry as the rules read it: `values` as corrections leave them, `row` as it was signed."""

    row: Opened
    values: Mapping[str, Json]

    @property
    def index(self) -> int:
        return self.row.index

    @property
    def leaf(self) -> bytes:
        return self.row.leaf

    @property
    def type(self) -> str:
        return self.row.entry.type

    @property
    def key(self) -> bytes:
        return self.row.entry.key

    @property
    def n(self) -> int:
        """Ordinal of its exhibit; 0 for none."""
        x = self.row.entry.x
        return x.n if x is not None else 0

    @property
    def answers(self) -> tuple[bytes, ...]:
        return self.row.entry.re

    @property
    def at(self) -> datetime | None:
        """When, as the writer's clock claimed."""
        return utc_of(self.text("claimed_at"))

    def text(self, name: str) -> str:
        return text(self.values.get(name))

    def mapping(self, name: str) -> dict[str, Json]:
        return mapping(self.values.get(name))

    def items(self, name: str) -> list[Json]:
        value = self.values.get(name)
        return value if isinstance(value, list) else []

    def closed(self, names: Iterable[str]) -> list[str]:
        """Those of the named fields that this entry commits to and does not show."""
        return [name for name in names if name in self.row.entry.commits and name not in self.row.openings]


@dataclass(frozen=True)
class Access:
    """One reading of evidence: the entry before it, and the one after it (None: no outcome stands)."""

    begin: Act
    end: Act | None

    @property
    def object(self) -> str:
        return self.begin.text("object")

    @property
    def settings(self) -> dict[str, Json]:
        return self.begin.mapping("settings")

    @property
    def state(self) -> str:
        """What its reader said was read: original, best-evidence, working-copy; "" where nothing was said."""
        return text(self.settings.get("state"))

    @property
    def outcome(self) -> str:
        return self.end.text("outcome") if self.end is not None else ""

    @property
    def match(self) -> Json:
        return self.end.values.get("match") if self.end is not None else None

    @property
    def digests(self) -> dict[str, str]:
        """The digests of the media that this reading computed, by algorithm."""
        if self.end is None:
            return {}
        found = self.end.mapping("media_digests") or self.end.mapping("computed")
        return {name: text(value) for name, value in found.items()}

    @property
    def verifies(self) -> bool:
        """Whether it only compares digests."""
        return self.begin.text("purpose") == VERIFICATION or self.object == "media"

    @property
    def examines(self) -> bool:
        """Whether it looks into the evidence: ingest, extraction, search."""
        return not self.verifies and self.object not in ("acquisition", "copying", "")

    @property
    def entries(self) -> tuple[int, ...]:
        return (self.begin.index,) if self.end is None else (self.begin.index, self.end.index)


@dataclass(frozen=True)
class Chain:
    """All entries of one exhibit, in their order; the first one registers it."""

    n: int
    acts: Sequence[Act]

    @property
    def registered(self) -> Act:
        return self.acts[0]

    @property
    def ref(self) -> str:
        return self.registered.text("ref") or f"number {self.n}"

    @property
    def state(self) -> str:
        return self.registered.text("state")

    @property
    def seizure(self) -> dict[str, Json]:
        return self.registered.mapping("seizure")

    @property
    def is_thing(self) -> bool:
        """Whether it is an object that was taken or brought in, not an image or another file."""
        return self.state in ("original", "") and self.registered.text("kind") not in (
            "image or file",
            "folder",
            "file",
        )

    def of(self, *types: str) -> Iterator[Act]:
        return (act for act in self.acts if act.type in types)

    @cached_property
    def accesses(self) -> tuple[Access, ...]:
        ends = {act.answers[0]: act for act in self.of("access.end")}
        return tuple(Access(act, ends.get(act.leaf)) for act in self.of("access.begin"))

    @cached_property
    def story(self) -> tuple[tuple[Holding | None, Act, Holding], ...]:
        """How it stood before and after each entry, by what corrections leave of it."""
        acts = {act.leaf: act for act in self.acts}
        told = story((act.row for act in self.acts), lambda row: acts[row.leaf].values)
        return tuple((before, acts[row.leaf], after) for before, row, after in told)


@dataclass(frozen=True)
class Record:
    """A verified ledger, or what a bundle shows of one."""

    acts: Sequence[Act]
    verdict: Verdict
    settings: Settings
    complete: bool
    documents: Sequence[tuple[str, str]] = ()
    """Documents that somebody holds and asks about: name, SHA-256 in hex."""

    @classmethod
    def read(
        cls,
        rows: Iterable[Opened],
        verdict: Verdict,
        settings: Settings,
        *,
        complete: bool,
        documents: Sequence[tuple[str, str]] = (),
    ) -> Record:
        """From entries in the order of their index. `complete`: all entries of the ledger are there."""
        kept = list(rows)
        corrections = [row for row in kept if row.entry.type == "correct"]
        wrong = {row.entry.re[0] for row in corrections}
        return cls(
            [Act(row, as_corrected(row, corrections) if row.leaf in wrong else values_of(row)) for row in kept],
            verdict,
            settings,
            complete,
            documents,
        )

    @cached_property
    def chains(self) -> tuple[Chain, ...]:
        """The exhibits, in the order of their registration."""
        found: dict[int, list[Act]] = {}
        for act in self.acts:
            if act.n:
                found.setdefault(act.n, []).append(act)
        whole = (item for item in sorted(found.items()) if item[1][0].type == "exhibit.register")
        return tuple(Chain(n, acts) for n, acts in whole)

    @cached_property
    def exhibits(self) -> dict[int, str]:
        """By the number of an entry, the reference of the exhibit that it is about."""
        return {act.index: chain.ref for chain in self.chains for act in chain.acts}

    @cached_property
    def roster(self) -> Roster:
        return Roster.of([act.row for act in self.acts if act.type in GOVERNING])

    @cached_property
    def end(self) -> datetime | None:
        """The latest time that any entry claims: what happened later, this record does not know."""
        return max((at for act in self.acts if (at := act.at) is not None), default=None)

    @cached_property
    def _by_type(self) -> dict[str, list[Act]]:
        found: dict[str, list[Act]] = {}
        for act in self.acts:
            found.setdefault(act.type, []).append(act)
        return found

    def every(self, *types: str) -> Iterator[Act]:
        """The entries of these types, in their order."""
        return merge(*(self._by_type.get(name, ()) for name in types), key=lambda act: act.index)

    @cached_property
    def reports(self) -> tuple[Act, ...]:
        """The entries that say a report was made."""
        made = (act for act in self.every("export") if act.mapping("bundle_digest"))
        return tuple(act for act in made if text(act.mapping("document").get("kind")) == "report")

    def who(self, key: bytes) -> str:
        """A person's name, or the beginning of the key where no name is shown."""
        member = self.roster.member(key)
        return member.name if member is not None and member.name else f"key {key.hex()[:16]}"

    def same(self, key: bytes, other: bytes) -> bool:
        """Whether two keys are one person's."""
        return self.roster.same_person(key, other)

    @cached_property
    def named(self) -> dict[str, list[Chain]]:
        """The exhibits by reference; one each, unless a reference was given twice."""
        found: dict[str, list[Chain]] = {}
        for chain in self.chains:
            found.setdefault(chain.ref, []).append(chain)
        return found

    @cached_property
    def children(self) -> dict[str, list[Chain]]:
        """By the reference of an exhibit, those that were part of it or were made from it."""
        found: dict[str, list[Chain]] = {}
        for chain in self.chains:
            found.setdefault(chain.registered.text("parent"), []).append(chain)
        return found

    @cached_property
    def seals(self) -> dict[str, list[int]]:
        """The entries that put a seal on, by its number."""
        found: dict[str, list[int]] = {}
        for act in self.every("exhibit.register", "exhibit.seal"):
            if number := seal_number(act.values.get("seal")):
                found.setdefault(number, []).append(act.index)
        return found


def apart(first: datetime | None, second: datetime | None) -> timedelta | None:
    """How much later the second time is; None where one is not known."""
    return second - first if first is not None and second is not None else None
