"""The opened fields of entries as plain values."""

from __future__ import annotations

from custody.ledger.entry import Json
from custody.ledger.store import Row


def values_of(row: Row) -> dict[str, Json]:
    """The opened fields of an entry."""
    return {name: opening.value for name, opening in row.openings.items()}


def text(value: Json) -> str:
    """A text, or "" for anything else."""
    return value if isinstance(value, str) else ""
