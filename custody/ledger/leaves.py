"""Which entries were met, found again by their leaf hash, in few bytes."""

from __future__ import annotations

from array import array

from custody.ledger.entry import Entry


def _appended(column: array[int], value: int) -> array[int]:
    """The column with one more value below 2^63: narrow while all values are small, for most ledgers are."""
    if value >> 8 * column.itemsize:
        column = array("Q", column)
    column.append(value)
    return column


class Leaves:
    """Leaf hashes already met, and what is needed of their entries: about 60 bytes each.

    An open-addressing table over arrays: a dictionary would take three times the memory.
    """

    def __init__(self) -> None:
        self._hashes = bytearray()
        self.index, self.n, self.code, self.key = array("I"), array("H"), array("B"), array("B")
        self._slots = array("I", bytes(4 * 64))
        self._keys: dict[bytes, int] = {}
        self._types: list[str] = []

    def add(self, leaf: bytes, index: int, entry: Entry) -> None:
        if 4 * (len(self.index) + 1) > 3 * len(self._slots):
            self._grow()
        if entry.type not in self._types:
            self._types.append(entry.type)
        self._hashes += leaf
        self.index = _appended(self.index, index)
        self.n = _appended(self.n, entry.x.n if entry.x else 0)
        self.code.append(self._types.index(entry.type))
        self.key = _appended(self.key, self._keys.setdefault(entry.key, len(self._keys)))
        self._slots[self._slot(leaf)] = len(self.index)

    def find(self, leaf: bytes) -> int | None:
        """Position (order of adding) of a leaf, or None."""
        position = self._slots[self._slot(leaf)]
        return position - 1 if position else None

    def type_at(self, position: int) -> str:
        return self._types[self.code[position]]

    def signed_by(self, key: bytes) -> list[int]:
        """Indices of the entries signed with `key`, rising."""
        ordinal = self._keys.get(key, -1)
        return [index for index, owner in zip(self.index, self.key, strict=True) if owner == ordinal]

    def _slot(self, leaf: bytes) -> int:
        mask = len(self._slots) - 1
        slot = int.from_bytes(leaf[:8], "little") & mask
        while position := self._slots[slot]:
            if self._hashes[32 * position - 32 : 32 * position] == leaf:
                break
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        self._slots = array("I", bytes(4)) * (2 * len(self._slots))
        for position in range(len(self.index)):
            self._slots[self._slot(bytes(self._hashes[32 * position : 32 * position + 32]))] = position + 1
