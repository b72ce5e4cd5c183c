"""The exhibit map: updated step by step, it is the tree over its leaves."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.ledger.entry import b64
from custody.ledger.exhibit_map import ExhibitMap, map_leaf
from custody.ledger.merkle import EMPTY_ROOT, root, verify_inclusion


def test_a_leaf_is_the_hash_the_format_page_gives() -> None:
    text = f'["evikit/map/v1","7","3","{b64(bytes(32))}"]'
    assert map_leaf(7, 3, bytes(32)) == hashlib.sha256(b"\0" + text.encode()).digest()


@given(st.lists(st.integers(0, 2**16), max_size=60))
def test_any_order_of_updates_gives_the_tree_over_the_leaves(steps: list[int]) -> None:
    exhibits, counts = ExhibitMap(), list[int]()
    assert (exhibits.size, exhibits.root) == (0, EMPTY_ROOT)
    for step in steps:
        ordinal = step % (len(counts) + 1)
        if ordinal == len(counts):
            counts.append(0)
        counts[ordinal] += 1
        exhibits.put(ordinal, counts[ordinal], bytes([ordinal]) * 32)
        leaves = [map_leaf(n, count, bytes([n]) * 32) for n, count in enumerate(counts)]
        assert (exhibits.size, exhibits.root) == (len(leaves), root(leaves))
    for n, count in enumerate(counts):
        leaf = map_leaf(n, count, bytes([n]) * 32)
        assert verify_inclusion(leaf, n, len(counts), exhibits.proof(n), exhibits.root)
        assert not verify_inclusion(
            map_leaf(n, count - 1, bytes([n]) * 32), n, len(counts), exhibits.proof(n), exhibits.root
        )


def test_ordinals_leave_no_gap() -> None:
    exhibits = ExhibitMap()
    with pytest.raises(IndexError):
        exhibits.put(1, 1, bytes(32))
    assert exhibits.size == 0
