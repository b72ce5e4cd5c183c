"""Rows that were read directly and rows that libtsk gave, put into one batch in the order they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from forensics.model import FileEntry
from forensics.results.columns import file_batch


def in_order(live: pa.RecordBatch | None, others: Sequence[tuple[int, FileEntry]]) -> Iterator[pa.RecordBatch]:
    """At most one batch of `WALKED`: `live` with every other entry at the row it belongs to."""
    if not others:
        yield from [live] if live is not None else []
        return
    libtsk = file_batch([entry for _, entry in others])
    if live is None:
        yield libtsk
    else:
        yield pa.concat_batches([live, libtsk]).take(_merged(live.num_rows, [at for at, _ in others]))


def _merged(rows: int, others: list[int]) -> pa.Array:
    """Where every row of the merged batch stands in the two put one after the other."""
    order: list[int] = []
    taken = 0
    for number, at in enumerate(others):
        ahead = at - len(order)
        order += range(taken, taken + ahead)
        taken += ahead
        order.append(rows + number)
    order += range(taken, rows)
    return pa.array(order, pa.int64())
