"""RFC 6962: the public vectors, another implementation, and the definition written out."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.ledger import merkle, proofs
from custody.ledger.errors import MalformedError

LARGEST = 130
LEAVES = [merkle.leaf_hash(str(number).encode()) for number in range(LARGEST)]


def definition(leaves: list[bytes]) -> bytes:
    """MTH as RFC 6962 section 2.1 writes it: slow, recursive, and nothing of ours in it."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + definition(leaves[:k]) + definition(leaves[k:])).digest()


ROOTS = [definition(LEAVES[:size]) for size in range(LARGEST + 1)]


class Store:
    """Complete nodes of the first LARGEST leaves, kept as `Frontier.append` yields them; counts its reads."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.reads = 0
        frontier = merkle.Frontier()
        for leaf in LEAVES:
            for level, index, value in frontier.append(leaf):
                assert (level, index) not in self.nodes, "a complete node never changes"
                self.nodes[level, index] = value

    def __call__(self, level: int, index: int) -> bytes:
        self.reads += 1
        return self.nodes[level, index]


STORE = Store()

sizes = st.integers(1, LARGEST)
ordered = st.tuples(sizes, sizes).map(lambda pair: (min(pair), max(pair)))


def flipped(value: bytes, bit: int) -> bytes:
    number = int.from_bytes(value, "big") ^ (1 << bit % (8 * len(value)))
    return number.to_bytes(len(value), "big")


def test_leaf_and_node_prefixes() -> None:
    # The empty leaf's hash and the empty root as Certificate Transparency logs publish them.
    assert merkle.leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.node_hash(b"a" * 32, b"b" * 32) == sha256(b"\x01" + b"a" * 32 + b"b" * 32).digest()


def test_every_size_has_the_defined_root_at_once_and_grown() -> None:
    frontier = merkle.Frontier()
    for size in range(LARGEST + 1):
        assert frontier.size == size
        assert frontier.root() == merkle.root(LEAVES[:size]) == ROOTS[size]
        assert proofs.frontier_at(size, STORE).root() == ROOTS[size]
        if size < LARGEST:
            frontier.append(LEAVES[size])


def test_a_resumed_frontier_grows_like_the_first() -> None:
    resumed = proofs.frontier_at(77, STORE)
    for leaf in LEAVES[77:]:
        for level, index, value in resumed.append(leaf):
            assert STORE.nodes[level, index] == value
    assert resumed.root() == ROOTS[LARGEST]


def test_every_stored_node_is_the_root_of_its_leaves() -> None:
    for (level, index), value in STORE.nodes.items():
        assert value == definition(LEAVES[index << level : (index + 1) << level])
    assert len(STORE.nodes) == sum(LARGEST >> level for level in range(8))


@pytest.mark.parametrize("bad", [b"", b"x" * 31, b"x" * 33])
def test_a_malformed_leaf_hash_is_refused_and_changes_nothing(bad: bytes) -> None:
    frontier = merkle.Frontier()
    frontier.append(LEAVES[0])
    with pytest.raises(MalformedError, match="32 bytes"):
        frontier.append(bad)
    assert (frontier.size, frontier.root()) == (1, LEAVES[0])
    with pytest.raises(MalformedError, match="32 bytes"):
        merkle.root([LEAVES[0], bad])


def test_every_inclusion_proof_up_to_the_largest_size_verifies_with_few_reads() -> None:
    for size in range(1, LARGEST + 1):
        for index in range(size):
            STORE.reads = 0
            proof = proofs.inclusion_proof(index, size, STORE)
            assert STORE.reads <= 2 * size.bit_length()
            assert merkle.verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])


def test_every_consistency_proof_up_to_the_largest_size_verifies_with_few_reads() -> None:
    for new in range(1, LARGEST + 1):
        for old in range(1, new + 1):
            STORE.reads = 0
            proof = proofs.consistency_proof(old, new, STORE)
            assert STORE.reads <= 2 * new.bit_length()
            assert merkle.verify_consistency(old, ROOTS[old], new, ROOTS[new], proof)


def test_another_implementation_agrees() -> None:
    other = pymerkle.InmemoryTree(algorithm="sha256")
    for number in range(LARGEST):
        other.append_entry(str(number).encode())
    for size in (1, 2, 3, 64, 65, 100, LARGEST):
        assert other.get_root(size) == ROOTS[size]
        for index in range(size):
            theirs = other.prove_inclusion(index + 1, size)  # it counts leaves from one
            ours = proofs.inclusion_proof(index, size, STORE)
            assert [LEAVES[index], *ours] == theirs.path
            assert merkle.verify_inclusion(LEAVES[index], index, size, theirs.path[1:], ROOTS[size])
        for old in range(1, size):
            theirs = other.prove_consistency(old, size)
            pymerkle.verify_consistency(ROOTS[old], ROOTS[size], theirs)


@given(ordered, st.data())
def test_an_altered_inclusion_claim_is_false(pair: tuple[int, int], data: st.DataObject) -> None:
    index, size = pair[0] - 1, pair[1]
    proof = proofs.inclusion_proof(index, size, STORE)
    leaf, bit = LEAVES[index], data.draw(st.integers(0, 255))
    assert not merkle.verify_inclusion(flipped(leaf, bit), index, size, proof, ROOTS[size])
    assert not merkle.verify_inclusion(leaf, index, size, proof, flipped(ROOTS[size], bit))
    assert not merkle.verify_inclusion(leaf, index, size, [*proof, LEAVES[0]], ROOTS[size])
    assert not merkle.verify_inclusion(leaf, index, size, [LEAVES[0], *proof], ROOTS[size])
    other = data.draw(st.integers(-2, LARGEST).filter(lambda number: number != index))
    assert not merkle.verify_inclusion(leaf, other, size, proof, ROOTS[size])
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        changed = [*proof[:place], flipped(proof[place], bit), *proof[place + 1 :]]
        assert not merkle.verify_inclusion(leaf, index, size, changed, ROOTS[size])
        assert not merkle.verify_inclusion(leaf, index, size, proof[:-1], ROOTS[size])
        cut = [*proof[:place], proof[place][:-1], *proof[place + 1 :]]
        assert not merkle.verify_inclusion(leaf, index, size, cut, ROOTS[size])


@given(ordered, st.data())
def test_an_altered_consistency_claim_is_false(pair: tuple[int, int], data: st.DataObject) -> None:
    old, new = pair
    proof = proofs.consistency_proof(old, new, STORE)
    bit = data.draw(st.integers(0, 255))
    assert not merkle.verify_consistency(old, flipped(ROOTS[old], bit), new, ROOTS[new], proof)
    assert not merkle.verify_consistency(old, ROOTS[old], new, flipped(ROOTS[new], bit), proof)
    assert not merkle.verify_consistency(old, ROOTS[old], new, ROOTS[new], [*proof, LEAVES[0]])
    assert not merkle.verify_consistency(old, ROOTS[old], new, ROOTS[new], [LEAVES[0], *proof])
    other = data.draw(st.integers(-2, LARGEST).filter(lambda number: number != old))
    assert not merkle.verify_consistency(other, ROOTS[old], new, ROOTS[new], proof)
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        changed = [*proof[:place], flipped(proof[place], bit), *proof[place + 1 :]]
        assert not merkle.verify_consistency(old, ROOTS[old], new, ROOTS[new], changed)
        assert not merkle.verify_consistency(old, ROOTS[old], new, ROOTS[new], proof[:-1])
        assert not merkle.verify_consistency(old, ROOTS[old], new, ROOTS[new], [])


@given(
    st.integers(-(2**70), 2**70),
    st.integers(-(2**70), 2**70),
    st.lists(st.binary(max_size=40) | st.just(LEAVES[0]), max_size=70),
    st.binary(max_size=40) | st.just(LEAVES[1]),
)
def test_any_numbers_and_bytes_are_answered_false(first: int, second: int, proof: list[bytes], value: bytes) -> None:
    assert merkle.verify_inclusion(value, first, second, proof, LEAVES[2]) is False
    assert merkle.verify_consistency(first, value, second, LEAVES[2], proof) is False


def test_the_empty_tree_proves_nothing() -> None:
    assert not merkle.verify_inclusion(LEAVES[0], 0, 0, [], LEAVES[0])
    assert not merkle.verify_consistency(0, merkle.EMPTY_ROOT, 0, merkle.EMPTY_ROOT, [])
    assert not merkle.verify_consistency(0, merkle.EMPTY_ROOT, 1, LEAVES[0], [])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3), (4, 3)])
def test_no_inclusion_proof_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(MalformedError, match=f"no leaf {index} in a tree of size {size}"):
        proofs.inclusion_proof(index, size, STORE)


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 3), (-1, 3), (4, 3)])
def test_no_consistency_proof_backwards_or_from_nothing(old: int, new: int) -> None:
    with pytest.raises(MalformedError, match=f"from size {old} to size {new}"):
        proofs.consistency_proof(old, new, STORE)


def hashes(values: list[str] | None) -> list[bytes]:
    return [b64decode(value) for value in values or []]


def outcomes(folder: Path, accepts: Callable[[dict[str, object]], bool]) -> tuple[int, dict[str, str]]:
    """(count, {vector: what went wrong}) over every vector below the folder."""
    wrong: dict[str, str] = {}
    files = sorted(folder.rglob("*.json"))
    for file in files:
        vector = json.loads(file.read_text(encoding="utf-8"))
        if accepts(vector) is vector["wantErr"]:
            wrong[f"{file.parent.name}/{file.name}"] = vector["desc"]
    return len(files), wrong


def test_all_inclusion_vectors(vectors: Callable[[str], Path]) -> None:
    def accepts(v: dict[str, object]) -> bool:
        leaf, root = hashes([v["leafHash"], v["root"]])  # type: ignore[list-item]
        return merkle.verify_inclusion(leaf, v["leafIdx"], v["treeSize"], hashes(v["proof"]), root)  # type: ignore[arg-type]

    assert outcomes(vectors("rfc6962/inclusion"), accepts) == (98, {})


def test_all_consistency_vectors(vectors: Callable[[str], Path]) -> None:
    def accepts(v: dict[str, object]) -> bool:
        old, new = hashes([v["root1"], v["root2"]])  # type: ignore[list-item]
        return merkle.verify_consistency(v["size1"], old, v["size2"], new, hashes(v["proof"]))  # type: ignore[arg-type]

    # That vector's two equal roots are twelve bytes of prose. We are stricter: a root is 32 bytes.
    stricter = {"additional/sizes-are-equal-one-and-proof-is-empty.json": "sizes are equal (one) and proof is empty"}
    assert outcomes(vectors("rfc6962/consistency"), accepts) == (98, stricter)
