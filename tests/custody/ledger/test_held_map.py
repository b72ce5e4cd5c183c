"""The writer's map is the map: built in one go, put exhibit by exhibit, and as it stood before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from custody.ledger.exhibit_map import ExhibitMap
from custody.ledger.held_map import HeldMap
from custody.ledger.merkle import EMPTY_ROOT

states = st.lists(st.tuples(st.integers(1, 9), st.binary(min_size=32, max_size=32)), max_size=40)


def put(among: ExhibitMap, listed: list[tuple[int, bytes]]) -> ExhibitMap:
    for n, (count, last) in enumerate(listed):
        among.put(n, count, last)
    return among


@given(states, states)
def test_it_is_the_map_and_goes_on_as_it(first: list[tuple[int, bytes]], more: list[tuple[int, bytes]]) -> None:
    held, plain = HeldMap.of(first), put(ExhibitMap(), first)
    assert (held.size, held.root, held._rows) == (plain.size, plain.root, plain._rows)
    assert [held.proof(n) for n in range(held.size)] == [plain.proof(n) for n in range(plain.size)]
    for n, (count, last) in enumerate(more):
        held.put(min(n, held.size), count, last)
        plain.put(min(n, plain.size), count, last)
    assert held._rows == plain._rows


@given(states.filter(bool), st.data())
def test_it_can_be_rewound(listed: list[tuple[int, bytes]], data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(listed)))
    before = list(listed[:size])
    for n in data.draw(st.sets(st.integers(0, size - 1))):
        before[n] = (1, bytes(32))
    whole = HeldMap.of(listed)
    kept = whole.root
    earlier = whole.rewound(size)
    for n, state in enumerate(before):
        if state != listed[n] or n == size - 1:
            earlier.put(n, *state)
    assert earlier._rows == put(ExhibitMap(), before)._rows
    assert whole.root == kept, "the map it was made of stays as it is"


def test_nothing_is_rewound_to_nothing() -> None:
    assert HeldMap.of([(1, bytes(32))]).rewound(0).root == HeldMap.of([]).root == EMPTY_ROOT


def test_rewound_to_more_than_there_is_it_stays_as_it_is() -> None:
    made = HeldMap.of([(1, bytes(32))])
    assert made.rewound(5).root == made.root
