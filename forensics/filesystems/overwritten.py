"""What became of the blocks of a deleted file: whether other files have them now."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from forensics.filesystems.allocation import Span

WHOLE, PARTLY, OVERWRITTEN = "whole", "partly", "overwritten"
"""No block of it belongs to another file now; some do; all do. That a block is free now does not say that it always
was: what was deleted since may have had it.
"""


def fate(held: Iterable[Span], free: Sequence[Span]) -> str | None:
    """What became of spans of the medium, out of what is free now (sorted, joined); None where there are none."""
    starts = [start for start, _ in free]
    whole = left = 0
    for start, length in held:
        whole += length
        number = max(bisect_right(starts, start) - 1, 0)
        while number < len(free) and starts[number] < start + length:
            first, count = free[number]
            left += max(0, min(first + count, start + length) - max(first, start))
            number += 1
    if not whole:
        return None
    return WHOLE if left == whole else PARTLY if left else OVERWRITTEN
