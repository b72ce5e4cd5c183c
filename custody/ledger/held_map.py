"""The map of all exhibits as a writer holds it: built in one go, and as it stood. No verifier needs to read it."""

from __future__ import annotations

from collections.abc import Iterable

from custody.ledger.exhibit_map import ExhibitMap, map_leaf
from custody.ledger.merkle import node_hash


class HeldMap(ExhibitMap):
    """An `ExhibitMap` of many exhibits at the cost of two hashes each, where `put` would ask for one a level."""

    @classmethod
    def of(cls, states: Iterable[tuple[int, bytes]]) -> HeldMap:
        """The map over (count, last leaf) of each exhibit, from ordinal 0 on."""
        row = [map_leaf(n, count, last) for n, (count, last) in enumerate(states)]
        made = cls()
        made._rows = [row]
        while len(row) > 1:
            odd = row[-1:] if len(row) % 2 else []  # lifted unchanged
            row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=False)] + odd
            made._rows.append(row)
        return made

    def rewound(self, size: int) -> HeldMap:
        """A copy with the first `size` exhibits alone: right once the last of them is `put` as it then stood."""
        earlier, rows = HeldMap(), []
        for row in self._rows:
            rows.append(row[:size])
            if size <= 1:
                break
            size = (size + 1) // 2
        earlier._rows = rows
        return earlier
