"""Batches of walked rows cut into groups of bounded rows and bytes: what `findings.Groups` does for entries."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from forensics import results
from forensics.examine.findings import GROUP_BYTES, GROUP_ROWS, Job
from forensics.results.columns import WALKED


def readable_sizes(batch: pa.RecordBatch) -> list[int | None]:
    """The size of every row whose contents are to be read, None for the others: `findings.readable` in columns."""
    kind = batch.column("type")
    stream = pc.and_(
        pc.and_(pc.equal(kind, "directory"), pc.not_equal(batch.column("stream"), "")),
        pc.starts_with(batch.column("attribute"), "128-"),
    )
    there = pc.or_(batch.column("allocated"), pc.greater(batch.column("size"), 0))
    mine = pc.and_(pc.invert(batch.column("reallocated")), there)
    wanted = pc.and_(pc.or_(pc.equal(kind, "file"), stream), mine)
    sizes: list[int | None] = pc.if_else(wanted, batch.column("size"), pa.scalar(None, pa.int64())).to_pylist()
    return sizes


class BatchGroups:
    """Cuts a stream of batches into groups, one table and one later unit each."""

    def __init__(self, job: Job, unit: str, rows: int = GROUP_ROWS) -> None:
        self._job, self._unit, self._rows = job, unit, rows
        self._waiting: list[pa.RecordBatch] = []
        self._count = self._bytes = self._readable = 0
        self.done: list[dict[str, Any]] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Take a batch; groups that are full are written."""
        first = 0
        for row, size in enumerate(readable_sizes(batch)):
            self._count += 1
            if size is not None:
                self._bytes += size
                self._readable += 1
            if self._count >= self._rows or self._bytes >= GROUP_BYTES:
                self._waiting.append(batch.slice(first, row + 1 - first))
                first = row + 1
                self.flush()
        if first < batch.num_rows:
            self._waiting.append(batch.slice(first))

    def flush(self) -> None:
        """Write the group that was begun, if one was."""
        if not self._count:
            return
        name = f"{self._unit}-{len(self.done):06d}"
        with results.table(self._job.parts_folder / f"{name}.walked", WALKED) as writer:
            for batch in self._waiting:
                writer.write(batch)
        self.done.append({"name": name, "rows": self._count, "readable": self._readable, "bytes": self._bytes})
        self._waiting = []
        self._count = self._bytes = self._readable = 0
