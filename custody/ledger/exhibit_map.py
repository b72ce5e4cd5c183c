"""The map every closing entry signs: how many entries each exhibit has, and which is its last (R16).

An RFC 6962 tree whose leaf k speaks of exhibit ordinal k (0 = governance): position IS the ordinal, so one exhibit
cannot stand twice, and whoever shows all entries of an exhibit can prove that they are all.
"""

from __future__ import annotations

from custody.ledger.entry import b64, canonical
from custody.ledger.merkle import EMPTY_ROOT, leaf_hash, node_hash


def map_leaf(ordinal: int, count: int, last: bytes) -> bytes:
    """Leaf hash of JCS(["evikit/map/v1", k, count, last leaf]), 32 bytes."""
    return leaf_hash(canonical(["evikit/map/v1", str(ordinal), str(count), b64(last)]))


class ExhibitMap:
    """The map, updated in O(log exhibits) for each touched exhibit; about 64 bytes of hashes an exhibit."""

    def __init__(self) -> None:
        self._rows: list[list[bytes]] = [[]]

    @property
    def size(self) -> int:
        return len(self._rows[0])

    @property
    def root(self) -> bytes:
        return self._rows[-1][0] if self.size else EMPTY_ROOT

    def put(self, ordinal: int, count: int, last: bytes) -> None:
        """Set the leaf of `ordinal`, at most one past the highest so far (else IndexError)."""
        level, index, value = 0, ordinal, map_leaf(ordinal, count, last)
        while True:
            row = self._rows[level]
            if index > len(row):
                raise IndexError("ordinals leave no gap")
            row[index : index + 1] = [value]
            if len(row) == 1:
                del self._rows[level + 1 :]
                return
            index //= 2
            left, right = row[2 * index], row[2 * index + 1 : 2 * index + 2]
            value = node_hash(left, right[0]) if right else left  # an odd last hash is lifted unchanged
            if len(self._rows) == level + 1:
                self._rows.append([node_hash(row[0], row[1])] if index else [])
            level += 1

    def proof(self, ordinal: int) -> list[bytes]:
        """Inclusion proof of `ordinal`'s leaf (RFC 6962 section 2.1.1)."""
        siblings: list[bytes] = []
        for row in self._rows[:-1]:
            siblings += row[ordinal ^ 1 : (ordinal ^ 1) + 1]
            ordinal //= 2
        return siblings
