"""The opened fields of entries as plain values, be they of this ledger or shown by a bundle."""

from __future__ import annotations

from typing import Protocol

from custody.ledger.entry import Entry, Json, Openings


class Opened(Protocol):
    """An entry with its openings: a `Row` of a ledger, or a `Disclosed` of a bundle."""

    @property
    def index(self) -> int: ...
    @property
    def leaf(self) -> bytes: ...
    @property
    def entry(self) -> Entry: ...
    @property
    def openings(self) -> Openings: ...


def values_of(row: Opened) -> dict[str, Json]:
    """The opened fields of an entry."""
    return {name: opening.value for name, opening in row.openings.items()}


def text(value: Json) -> str:
    """A text, or "" for anything else."""
    return value if isinstance(value, str) else ""


def mapping(value: Json) -> dict[str, Json]:
    """An object, or {} for anything else."""
    return value if isinstance(value, dict) else {}
