"""Deadlines and thresholds of the rules: settings of the case, with stated defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from custody.ledger.errors import CustodyError


@dataclass(frozen=True, slots=True)
class Settings:
    """What is late, and what is long. `[handling]` in case.toml changes a value."""

    acceptance_hours: int = 72
    """After which an offer without an answer is a transfer that never happened (CU-02)."""
    late_hours: int = 24
    """Between an event and the entry that tells it, without a reason (CU-09)."""
    verify_days: int = 90
    """Between two verifications of an exhibit that is held (HA-04)."""
    anchor_days: int = 30
    """Of entries without anything from outside (CH-05)."""
    clock_seconds: int = 120
    """By which the clocks of two machines may differ, before entries are out of order (CU-10)."""

    @classmethod
    def of(cls, table: object) -> Settings:
        """From a TOML table; CustodyError names what is no setting."""
        known = {field.name for field in fields(cls)}
        if not isinstance(table, Mapping):
            raise CustodyError("[handling] of case.toml is no table", f"It may set: {', '.join(sorted(known))}.")
        for name, value in table.items():
            if name not in known:
                raise CustodyError(f"[handling] has no setting {name!r}", f"It may set: {', '.join(sorted(known))}.")
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 100_000:
                raise CustodyError(f"handling.{name} is no whole number from 0 to 100,000", "Correct case.toml.")
        return replace(cls(), **table)

    def described(self) -> dict[str, int]:
        return {field.name: getattr(self, field.name) for field in fields(self)}
