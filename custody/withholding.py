"""What a bundle keeps closed: rules of a TOML file, a period, everything. It is counted rule by rule."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from custody.ledger.entry import TYPES, Json
from custody.ledger.errors import CustodyError
from custody.ledger.store import Row
from custody.opened import text, values_of

GROUPS: Mapping[str, frozenset[str]] = {
    "names": frozenset(
        {"actor", "person", "recipient", "witness", "receiver", "to_person", "host", "case", "seizure", "seal"}
    ),
    "paths": frozenset({"path", "parts", "object", "location", "attachments", "photographs", "document", "error"}),
    "purposes": frozenset({"purpose", "reason", "text", "note"}),
}
"""Fields that say of whom, of which file, and why: a rule may name a group instead of its fields."""
FIELDS = frozenset(name for kind in TYPES.values() for name in kind.commits)
PERIOD, BLIND, OPTION = "outside the period", "blind audit", "--withhold"


@dataclass(frozen=True, slots=True)
class Rule:
    """Fields kept closed in entries of these types and of these exhibits' ordinals (None: in all)."""

    name: str
    fields: frozenset[str]
    types: frozenset[str] | None = None
    exhibits: frozenset[int] | None = None

    def described(self) -> dict[str, Json]:
        """As the entry of the disclosure records it."""
        return {
            "rule": self.name,
            "fields": [*sorted(self.fields)],
            "types": None if self.types is None else [*sorted(self.types)],
            "exhibits": None if self.exhibits is None else [str(n) for n in sorted(self.exhibits)],
        }

    def closes(self, row: Row) -> frozenset[str]:
        """The fields of this entry that the rule keeps closed.

        A correction repeats the field that it corrects: it is closed with it, whatever the type of that entry.
        """
        x = row.entry.x
        if self.exhibits is not None and (x is None or x.n not in self.exhibits):
            return frozenset()
        fields = self.fields if self.types is None or row.entry.type in self.types else frozenset[str]()
        if row.entry.type == "correct" and text(values_of(row).get("name")).partition(".")[0] in self.fields:
            fields |= {"old", "new"}
        return fields & row.openings.keys()


@dataclass(slots=True)
class Withholding:
    """All that keeps fields closed in one bundle. `counts` grows by rule as entries are asked about.

    `start` and `end` (claimed times, R5; "" for open) leave entries of exhibits outside of them without any opening;
    governance stays open, or nobody could say who acted.
    """

    rules: Sequence[Rule] = ()
    start: str = ""
    end: str = ""
    blind: bool = False
    counts: dict[str, int] = field(default_factory=dict)

    def __call__(self, row: Row) -> frozenset[str]:
        """The names of the openings of this entry that stay closed; what several rules close counts for the first."""
        shut: frozenset[str] = frozenset()
        if self.blind:
            return self._counted(BLIND, frozenset(row.openings))
        if not self.within(row):
            return self._counted(PERIOD, frozenset(row.openings))
        for rule in self.rules:
            shut |= self._counted(rule.name, rule.closes(row) - shut)
        return shut

    def _counted(self, name: str, closed: frozenset[str]) -> frozenset[str]:
        if closed:
            self.counts[name] = self.counts.get(name, 0) + len(closed)
        return closed

    def within(self, row: Row) -> bool:
        """Whether an exhibit's entry claims a time of the period; entries of no exhibit always count as within."""
        x = row.entry.x
        if x is None or x.n == 0 or not (self.start or self.end):
            return True
        at = text(values_of(row).get("claimed_at"))
        return self.start <= at and (not self.end or at < self.end)

    def described(self) -> dict[str, Json]:
        """As the entry of the disclosure records it."""
        return {
            "blind": self.blind,
            "from": self.start or None,
            "to": self.end or None,
            "rules": [rule.described() for rule in self.rules],
        }

    def counted(self) -> list[Json]:
        """How many fields each rule kept closed."""
        return [{"rule": name, "fields": str(number)} for name, number in sorted(self.counts.items())]


def option_rule(names: Collection[str]) -> list[Rule]:
    """The rule that `--withhold` makes: these fields or groups everywhere."""
    return [Rule(OPTION, _fields(OPTION, list(names)))] if names else []


def read_rules(written: str, ordinal: Callable[[str], int]) -> list[Rule]:
    """The rules of a TOML file; `ordinal` gives an exhibit's by its reference. CustodyError names what is wrong."""
    try:
        body = tomllib.loads(written)
    except tomllib.TOMLDecodeError as error:
        raise CustodyError(f"the rule file is not TOML: {error}", _ADVICE) from error
    tables = body.get("withhold")
    if body.keys() != {"withhold"} or not isinstance(tables, list) or not tables:
        raise CustodyError("the rule file is not a list of [[withhold]] tables", _ADVICE)
    rules = [_rule(number, table, ordinal) for number, table in enumerate(tables, 1)]
    names = [rule.name for rule in rules]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise CustodyError(f"two rules are called {twice[0]!r}", "Each is counted by its name: give each its own.")
    return rules


_ADVICE = "docs/cli.md shows one under `evikit bundle create`."


def _rule(number: int, table: Any, ordinal: Callable[[str], int]) -> Rule:
    if not isinstance(table, dict) or not table.keys() <= {"name", "fields", "types", "exhibits"}:
        raise CustodyError(f"rule {number} has other keys than name, fields, types and exhibits", _ADVICE)
    name = table.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > 200:
        raise CustodyError(f"rule {number} has no name", "It is counted by its name: write name = ...")
    types, refs = _texts(name, table, "types"), _texts(name, table, "exhibits")
    if unknown := sorted(set(types or ()) - TYPES.keys()):
        raise CustodyError(f"rule {name!r}: no entry is of type {unknown[0]!r}", f"Types: {', '.join(sorted(TYPES))}.")
    return Rule(
        name,
        _fields(f"rule {name!r}", _texts(name, table, "fields") or []),
        None if types is None else frozenset(types),
        None if refs is None else frozenset(map(ordinal, refs)),
    )


def _texts(name: str, table: Mapping[str, Any], key: str) -> list[str] | None:
    value = table.get(key)
    if value is not None and not (isinstance(value, list) and value and all(isinstance(v, str) for v in value)):
        raise CustodyError(f"rule {name!r}: {key} is no list of texts", f'Write {key} = ["..."].')
    return value


def _fields(whose: str, given: Sequence[str]) -> frozenset[str]:
    """Fields by name or by group."""
    if not given:
        raise CustodyError(f"{whose} names no field", f"Fields: {', '.join(sorted(FIELDS))}.")
    if unknown := sorted(set(given) - FIELDS - GROUPS.keys()):
        raise CustodyError(
            f"no field is called {unknown[0]!r}, so it cannot be withheld",
            f"Groups: {', '.join(GROUPS)}. Fields: {', '.join(sorted(FIELDS))}.",
        )
    return frozenset(name for item in given for name in GROUPS.get(item, {item}))
