"""What a rule of handling is, and what it says.

A rule is a pure function over a verified record. It says what it saw and in which entries; what a reader should make of
it stands with the rule. Where a field it needs is withheld or erased, it is not asked, and that is said: NOT CHECKED.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from custody.handling._record import Act, Chain, Record


class Severity(StrEnum):
    """How much a defect weighs. A notice is worth knowing, and no defect."""

    SERIOUS = "serious"
    LESSER = "lesser"
    NOTICE = "notice"


SERIOUS, LESSER, NOTICE = Severity.SERIOUS, Severity.LESSER, Severity.NOTICE


@dataclass(frozen=True, slots=True)
class Seen:
    """What a rule saw: the entries, in words, and how much it weighs where that is not the rule's own severity."""

    entries: tuple[int, ...]
    explanation: str
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `exhibit` is its reference, "" for the case; `checked` False: the rule could not be asked."""

    rule: Rule
    severity: Severity
    exhibit: str
    entries: tuple[int, ...]
    explanation: str
    checked: bool = True

    @property
    def code(self) -> str:
        return self.rule.code


OfExhibit = Callable[[Record, Chain], Iterator[Seen]]
OfCase = Callable[[Record], Iterator[Seen]]


@dataclass(frozen=True)
class Rule:
    """A rule of the catalogue (docs/rules.md).

    `of_exhibit` is asked for each exhibit, `of_case` once. `needs` names the fields it reads, by type of entry ("*": of
    every type). `about` is "handling", or "integrity" for what the verification says (CH). `weaknesses` are ids of the
    SOLVE-IT knowledge base. `unbuilt` says why it cannot be asked at all yet.
    """

    code: str
    severity: Severity
    title: str
    meaning: str
    of_exhibit: OfExhibit | None = None
    of_case: OfCase | None = None
    needs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    about: str = "handling"
    weaknesses: Sequence[str] = ()
    unbuilt: str = ""

    def examine(self, record: Record) -> Iterator[Finding]:
        """All that the rule has to say of a record."""
        if self.unbuilt:
            yield Finding(self, NOTICE, "", (), self.unbuilt, checked=False)
        if self.of_case is not None:
            yield from (self._placed(record, item) for item in self._asked("", record.acts, self.of_case(record)))
        if self.of_exhibit is not None:
            for chain in record.chains:
                yield from self._asked(chain.ref, chain.acts, self.of_exhibit(record, chain))

    @staticmethod
    def _placed(record: Record, found: Finding) -> Finding:
        """The same, under its exhibit where all its entries are of one."""
        if not found.checked or found.rule.about != "handling":
            return found
        of = {record.exhibits.get(index, "") for index in found.entries}
        return replace(found, exhibit=of.pop()) if len(of) == 1 else found

    def _asked(self, ref: str, acts: Sequence[Act], seen: Iterator[Seen]) -> Iterator[Finding]:
        """What was `seen`, unless a field the rule needs is closed; the rule has not begun to look yet."""
        closed = [(act.index, name) for act in acts for name in act.closed(self._needed(act.type))]
        if closed:
            names = ", ".join(sorted({name for _, name in closed}))
            entries = tuple(dict.fromkeys(index for index, _ in closed))
            yield Finding(self, NOTICE, ref, entries, f"withheld or erased: {names}", checked=False)
            return
        for item in seen:
            yield Finding(self, item.severity or self.severity, ref, item.entries, item.explanation)

    def _needed(self, kind: str) -> Sequence[str]:
        return (*self.needs.get("*", ()), *self.needs.get(kind, ()))


class Family(Protocol):
    """A file of rules."""

    RULES: tuple[Rule, ...]


def days(count: float) -> str:
    """A span of days in words."""
    return f"{count:.0f} day{'' if round(count) == 1 else 's'}"
