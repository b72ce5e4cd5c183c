"""Making proofs over a stored tree: the prover's side of `merkle`, which no verifier needs to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from custody.ledger.errors import MalformedError
from custody.ledger.merkle import Frontier, join, siblings

NodeReader = Callable[[int, int], bytes]
"""`node(level, index)` returns the hash of that complete subtree; whatever it raises passes through."""


def frontier_at(size: int, node: NodeReader) -> Frontier:
    """The frontier of the first `size` leaves of a stored tree."""
    frontier = Frontier()
    frontier.size, frontier.peaks = size, [node(*place) for place in _complete(0, size)]
    return frontier


def inclusion_proof(index: int, size: int, node: NodeReader) -> list[bytes]:
    """PATH(index, D[0:size]) of RFC 6962 section 2.1.1. Raises MalformedError unless 0 <= index < size."""
    if not 0 <= index < size:
        raise MalformedError(f"no leaf {index} in a tree of size {size}")
    return [_subtree(level, sibling, size, node) for level, sibling in siblings(0, index, size)]


def consistency_proof(old: int, new: int, node: NodeReader) -> list[bytes]:
    """PROOF(old, D[0:new]) of RFC 6962 section 2.1.2; [] where old equals new.

    Raises MalformedError unless 0 < old <= new: that a tree begins with nothing needs no proof.
    """
    if not 0 < old <= new:
        raise MalformedError(f"no consistency proof leads from size {old} to size {new}")
    if old == new:
        return []
    low = (old & -old).bit_length() - 1  # the level of the old tree's last complete subtree
    start = [] if old == 1 << low else [node(low, (old - 1) >> low)]
    return start + [_subtree(level, sibling, new, node) for level, sibling in siblings(low, old - 1, new)]


def _complete(low: int, high: int) -> Iterator[tuple[int, int]]:
    """(level, index) of the largest complete subtrees of the leaves [low, high), left to right.

    `low` is a multiple of a power of two >= high - low, as where RFC 6962 cuts: only so do these line up.
    """
    width = high - low
    for level in reversed(range(width.bit_length())):
        if width >> level & 1:
            yield level, (low + width >> level) - 1


def _subtree(level: int, index: int, size: int, node: NodeReader) -> bytes:
    """The subtree's hash in a tree of `size` leaves, where the last of a level may lack leaves."""
    return join([node(*place) for place in _complete(index << level, min((index + 1) << level, size))])
