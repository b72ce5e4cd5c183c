"""Is this how evidence should be handled? Rules over a verified record, one family a file (docs/rules.md).

`examine` asks them all. CH rules are part of INTEGRITY and say what the verification said; all others make HANDLING.
A new rule is one entry in the `RULES` of its family, a new family one file and one line here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from custody.handling import (
    acquisition,
    conduct,
    custody,
    digests,
    documents,
    integrity,
    legal,
    privacy,
    seals,
    times,
    tools,
)
from custody.handling._contract import LESSER, NOTICE, SERIOUS, Family, Finding, Rule, Severity
from custody.handling._record import Act, Chain, Record, apart
from custody.handling._settings import Settings

__all__ = [
    "CATALOGUE", "RULES", "Act", "Chain", "Finding", "Record", "Rule", "Settings", "Severity", "Tally", "apart",
    "examine", "tally",
]  # fmt: skip

RULES: tuple[Family, ...] = (
    integrity,
    custody,
    conduct,
    seals,
    digests,
    acquisition,
    times,
    tools,
    documents,
    legal,
    privacy,
)

CATALOGUE: tuple[Rule, ...] = tuple(sorted((rule for family in RULES for rule in family.RULES), key=lambda r: r.code))

_WEIGHT = {SERIOUS: 0, LESSER: 1, NOTICE: 2}


@dataclass(frozen=True, slots=True)
class Tally:
    """HANDLING in numbers: defects that are serious, and lesser ones; rules that could not be asked, by exhibit."""

    serious: int
    lesser: int
    not_checked: int


def examine(record: Record) -> list[Finding]:
    """All findings, the weightiest first, then by code and entry.

    Of a record that does not verify only the CH rules say anything: how evidence was handled cannot be read from it.
    """
    broken = bool(record.verdict.failed)
    asked = [rule for rule in CATALOGUE if not broken or rule.about == "integrity"]
    found = [finding for rule in asked for finding in rule.examine(record)]
    return sorted(found, key=lambda item: (not item.checked, _WEIGHT[item.severity], item.code, item.entries))


def tally(findings: Sequence[Finding]) -> Tally:
    """How many defects of handling; what belongs to INTEGRITY is not counted."""
    handling = [finding for finding in findings if finding.rule.about == "handling"]
    checked = [finding.severity for finding in handling if finding.checked]
    return Tally(checked.count(SERIOUS), checked.count(LESSER), sum(not finding.checked for finding in handling))
