"""What became of a deleted file's blocks: whole, partly there, overwritten."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from forensics.filesystems.allocation import merged
from forensics.filesystems.overwritten import OVERWRITTEN, PARTLY, WHOLE, fate

SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=6)


@given(SPANS, SPANS)
def test_fate(held: list[tuple[int, int]], spans: list[tuple[int, int]]) -> None:
    free = list(merged(sorted(spans)))
    bytes_free = {at for start, length in free for at in range(start, start + length)}
    mine = [at for start, length in held for at in range(start, start + length)]
    left = sum(at in bytes_free for at in mine)
    expected = None if not mine else WHOLE if left == len(mine) else PARTLY if left else OVERWRITTEN
    assert fate(held, free) == expected
