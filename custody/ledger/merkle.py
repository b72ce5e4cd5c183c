"""The Merkle tree of RFC 6962 section 2.1 over SHA-256, for the log, the exhibit map and the manifests.

A hash is 32 bytes. A complete subtree (level, index) covers the 2**level leaves from index * 2**level on;
level 0 is the leaves. It never changes, so a store may keep it; all else is computed with O(log n) reads.
To numbers and bytes that prove nothing, whatever they are, the verifying functions say False and never raise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import reduce

from custody.ledger.errors import MalformedError

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()  # MTH({}), section 2.1


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data), RFC 6962 section 2.1: the prefix keeps a leaf from passing for a node."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right), RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """MTH over these leaf hashes. Raises MalformedError for a hash that is not 32 bytes."""
    if not _are_hashes(hashes):
        raise MalformedError("a leaf hash is not 32 bytes")
    row = list(hashes) or [EMPTY_ROOT]
    while len(row) > 1:
        # Lifting an odd last hash unchanged gives RFC 6962's split at the largest power of two.
        odd = row[-1:] if len(row) % 2 else []
        row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=False)] + odd
    return row[0]


class Frontier:
    """A growing tree of `size` leaves, kept as its O(log n) largest complete subtrees, left to right."""

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes] = []

    def append(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add a leaf hash; return the complete nodes (level, index, hash) it creates, the leaf itself first.

        Raises MalformedError for a hash that is not 32 bytes; the tree is then unchanged.
        """
        if not _are_hashes([leaf]):
            raise MalformedError("a leaf hash is not 32 bytes")
        level, index, value = 0, self.size, leaf
        created = [(level, index, value)]
        while index & 1:
            level, index, value = level + 1, index >> 1, node_hash(self.peaks.pop(), value)
            created.append((level, index, value))
        self.peaks.append(value)
        self.size += 1
        return created

    def root(self) -> bytes:
        """MTH of all leaves so far."""
        return join(self.peaks)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `leaf` (a leaf hash) stands at `index` in the tree (size, root): RFC 9162 section 2.1.3.2."""
    if not 0 <= index < size or not _are_hashes([leaf, root, *proof]):
        return False
    places, value = [place for _, place in siblings(0, index, size)], leaf
    if len(proof) != len(places):
        return False
    for sibling, other in zip(places, proof, strict=True):
        value = node_hash(value, other) if sibling & 1 else node_hash(other, value)
    return value == root


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree (old_size, old_root) is a prefix of (new_size, new_root): RFC 9162 section 2.1.4.2.

    Equal sizes need equal roots and an empty proof. Size 0 is False: whoever takes an empty old tree compares
    its root with EMPTY_ROOT.
    """
    if not 0 < old_size <= new_size or not _are_hashes([old_root, new_root, *proof]):
        return False
    if old_size == new_size:
        return old_root == new_root and not proof
    low = (old_size & -old_size).bit_length() - 1  # the level of the old tree's last complete subtree
    # An old tree that is one complete subtree is itself where the path starts; its root is not sent again.
    path = [old_root, *proof] if old_size == 1 << low else list(proof)
    places = [place for _, place in siblings(low, old_size - 1, new_size)]
    if len(path) != len(places) + 1:
        return False
    old_value = new_value = path[0]
    for sibling, other in zip(places, path[1:], strict=True):
        if sibling & 1:  # to the right of all old leaves
            new_value = node_hash(new_value, other)
        else:
            old_value, new_value = node_hash(other, old_value), node_hash(other, new_value)
    return old_value == old_root and new_value == new_root


def _are_hashes(values: Sequence[bytes]) -> bool:
    return all(len(value) == HASH_SIZE for value in values)


def siblings(level: int, leaf: int, size: int) -> Iterator[tuple[int, int]]:
    """(level, index) of each sibling, odd ones on the right, up from the subtree at `level` with `leaf`."""
    while (last := (size - 1) >> level) > 0:
        index = leaf >> level
        if index & 1 or index < last:  # an even last subtree has no sibling
            yield level, index ^ 1
        level += 1


def join(peaks: Sequence[bytes]) -> bytes:
    """The root over the largest complete subtrees, left to right (RFC 6962 section 2.1)."""
    return reduce(lambda right, left: node_hash(left, right), reversed(peaks)) if peaks else EMPTY_ROOT
