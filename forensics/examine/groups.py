"""Groups of files through the workers: what a failed group costs, and how their tables become one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from forensics import results
from forensics.engine import UnitFailedError
from forensics.examine.findings import Job, entries_of, readable
from forensics.examine.request import Watch
from forensics.model import FileEntry, Location, Problem
from forensics.results.columns import ARTEFACTS, CONTENTS, FILES, PROBLEMS

_FILES_GIVEN_UP = 4
"""So many files of one group may each cost a worker its life before the rest of the group is given up."""


@dataclass(frozen=True, slots=True)
class Work:
    """One group to be examined. `submit(skip)` sends it off without the rows of `skip`; `settled` frees it."""

    group: str
    submit: Callable[[Mapping[int, str]], Future[dict[str, Any]]]
    settled: Callable[[], None] = lambda: None


class ContentsRun:
    """Sends groups to the workers, few at a time, and isolates the files that workers die of."""

    def __init__(self, watch: Watch, window: int) -> None:
        self._watch, self._window = watch, window
        self._running: dict[Future[dict[str, Any]], tuple[Work, dict[int, str]]] = {}
        self.lost: list[tuple[str, str]] = []

    def run(self, works: Iterable[Work]) -> None:
        """Examine all groups; groups that had to be given up stand in `lost` with the reason."""
        for work in works:
            self._send(work, {})
            if len(self._running) >= self._window:
                self._collect()
        while self._running:
            self._collect()

    def _send(self, work: Work, skip: dict[int, str]) -> None:
        self._running[work.submit(skip)] = work, skip

    def _collect(self) -> None:
        for future in self._watch.first_done(list(self._running)):
            work, skip = self._running.pop(future)
            try:
                self._watch.problems += future.result()["problems"]
            except UnitFailedError as failure:
                again = {**skip, failure.mark: f"a worker died or hung at it: {failure}"}
                if failure.mark >= 0 and failure.mark not in skip and len(again) <= _FILES_GIVEN_UP:
                    self._send(work, again)
                    continue
                self.lost.append((work.group, str(failure)))
                self._watch.problems += 1
            work.settled()


def _lost_contents(entries: Iterator[FileEntry]) -> pa.Table:
    outcomes = ["unknown" if readable(entry) else "metadata" for entry in entries]
    columns = {name: pa.nulls(len(outcomes), CONTENTS.field(name).type) for name in CONTENTS.names}
    columns["outcome"] = pa.array(outcomes, pa.string())
    columns["read_bytes"] = pa.array([0] * len(outcomes), pa.int64())
    return pa.table(columns, schema=CONTENTS)


def _group_table(job: Job, group: str) -> pa.Table:
    """A group's rows of files.parquet: what the walk said beside what became of the contents."""
    walked = pq.read_table(job.parts_folder / f"{group}.walked", use_threads=False)
    path = job.parts_folder / f"{group}.contents"
    contents = pq.read_table(path, use_threads=False) if path.exists() else _lost_contents(entries_of(job, group))
    return pa.Table.from_arrays([*walked.columns, *contents.columns], schema=FILES)


def merge_files(job: Job, groups: Sequence[str], run: Path, watch: Watch) -> int:
    """Write files.parquet from the groups in order; how many rows."""
    with results.table(run / "files.parquet", FILES) as writer:
        for group in groups:
            for batch in _group_table(job, group).combine_chunks().to_batches():
                writer.write(batch)
            watch.tell(group)
    return writer.rows


def merge_findings(job: Job, units: Sequence[str], run: Path, last: Path) -> dict[str, int]:
    """Write artefacts.parquet and problems.parquet from the units in order, then the problems of `last`."""
    counts = {}
    for kind, schema, more in (("artefacts", ARTEFACTS, []), ("problems", PROBLEMS, [last])):
        with results.table(run / f"{kind}.parquet", schema) as writer:
            results.merge([*(job.parts_folder / f"{unit}.{kind}" for unit in units), *more], writer)
        counts[kind] = writer.rows
    return counts


def lost_problems(exhibit: str, volume: str, lost: Iterable[tuple[str, str]]) -> list[Problem]:
    """The groups that were given up, as problems."""
    return [
        Problem(Location(exhibit, volume), "contents", f"files of group {group} were not examined: {reason}")
        for group, reason in lost
    ]
