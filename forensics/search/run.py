"""A search from end to end: every file with its slack, what is free, what is left, and the borders between them.

Every byte of the medium is got through at least once, and every file as a whole: what no file, no slack and no
free space is, is searched as the rest. The units' tables are merged in the units' order, so results do not depend on
who was quick.
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from custody.access import FoundFile, Part, PartOpener
from forensics import results
from forensics.archives import ArchiveTree
from forensics.engine import STALL_SECONDS, Limits, UnitFailedError, WorkerPool, preparation
from forensics.examine.batch_groups import BatchGroups
from forensics.examine.extraction import volume_of
from forensics.examine.findings import Groups, Job
from forensics.examine.folder import Tree, file_entry_of, refusal
from forensics.examine.groups import ContentsRun, Work, lost_problems
from forensics.examine.request import Listener, Watch
from forensics.examine.units import Lent, prepare_image
from forensics.examine.unlocking import unlocked_for
from forensics.filesystems.allocation import Span, between, merged
from forensics.media import open_medium
from forensics.model import Location, Problem, Volume
from forensics.results import Run
from forensics.results.columns import PROBLEMS, WALKED, problem_batch
from forensics.results.searches import complete_search
from forensics.search.hits import FREE, HITS, OUTSIDE, REST, Place
from forensics.search.patterns import Patterns
from forensics.search.scanner import SECONDS_A_WINDOW
from forensics.search.sweep import READ, SPANS
from forensics.search.units import (
    Task,
    border_unit,
    files_unit,
    free_unit,
    read_laid,
    stream_unit,
    tree_unit,
    write_laid,
)

PART = 256 << 20
"""Bytes of a stream that one unit searches."""
MOST_HITS = 1_000_000
_TREE_ROWS = 128


@dataclass(frozen=True, slots=True)
class Ask:
    """What to search for in which exhibit. `run` is its examination, `folder` where the results go."""

    exhibit: str
    run: Run
    folder: Path
    patterns: Patterns
    jobs: int = 1
    listener: Listener | None = None
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    most: int = MOST_HITS
    seconds: int = SECONDS_A_WINDOW


@dataclass
class _Search:
    """A search under way: its units in order, and what went wrong outside of them."""

    ask: Ask
    task: Task
    watch: Watch
    units: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    hits: int = 0
    read: int = 0

    def run(self, works: Iterable[Work]) -> None:
        """Run units; those that had to be given up are problems."""
        contents = ContentsRun(self.watch, 2 * self.ask.jobs)
        contents.run(self._bounded(works))
        self.problems += [
            Problem(problem.location, "search", problem.reason.replace("examined", "searched"))
            for problem in lost_problems(self.ask.exhibit, "", contents.lost)
        ]

    def _bounded(self, works: Iterable[Work]) -> Iterator[Work]:
        for work in works:
            if self.hits >= self.ask.most:
                reason = f"over {self.ask.most:,} hits: the search was ended before {work.group}"
                self.problems.append(Problem(Location(self.ask.exhibit), "search", reason))
                return
            self.units.append(work.group)
            yield work

    def sent(self, future: Future[dict[str, Any]]) -> Future[dict[str, Any]]:
        """A unit that was sent: what it finds is counted when it ends."""
        future.add_done_callback(self._count)
        return future

    def _count(self, future: Future[dict[str, Any]]) -> None:
        if not future.cancelled() and future.exception() is None:
            answer = future.result()
            self.hits += answer["hits"]
            self.read += answer["bytes"]

    @property
    def parts(self) -> Path:
        """Where the units' tables go."""
        return self.task.job.parts_folder


def search_image(first: Part, open_part: PartOpener, ask: Ask) -> dict[str, Any]:
    """Search an image. Answers with counts: {"hits", "problems", "read_bytes"} and "digests" of the results' files.

    Raises `MediumError` for what is no readable container, `ExaminationError` where a volume was unlocked and no
    passphrase is given, and `results.ResultsError` where results cannot be written.
    """
    medium = open_medium(first, open_part)
    volumes = _volumes(ask.run)
    unlocked = unlocked_for(volumes, medium.parts, ask.secrets)
    hidden = {one.index for one in unlocked}
    task = Task(_job(ask), ask.patterns, ask.seconds, frozenset(hidden))
    prepare = preparation(prepare_image, tuple(medium.parts), unlocked)
    with WorkerPool(ask.jobs, prepare, limits=Limits(stall_seconds=_patience(ask))) as pool:
        watch = Watch(ask.listener, pool.beats)
        search = _Search(ask, task, watch)
        watch.total = medium.size
        image = _Image(search, pool, volumes, medium.size)
        watch.enter("files")
        search.run(image.files())
        watch.enter("free and other space")
        search.run(image.streams())
        watch.enter("borders")
        search.run(image.borders())
        return _conclude(search)


def _patience(ask: Ask) -> float:
    return max(STALL_SECONDS, 2.0 * ask.seconds)


def _volumes(run: Run) -> list[Volume]:
    table = pq.read_table(run.table("volumes"), use_threads=False)
    return [volume_of(row) for row in table.to_pylist()]


def _job(ask: Ask) -> Job:
    parts = ask.folder / "parts"
    try:
        parts.mkdir(parents=True)
    except OSError as error:
        raise results.ResultsError(f"{parts} cannot be made: {error.strerror}") from error
    return Job(ask.exhibit, None, parts.absolute())


@dataclass(frozen=True, slots=True)
class _Image:
    """The units of an image."""

    search: _Search
    pool: WorkerPool
    volumes: Sequence[Volume]
    size: int

    def files(self) -> Iterator[Work]:
        """Groups of the files that the examination listed, volume by volume."""
        for volume in self.volumes:
            if volume.filesystem:
                for group in self._groups(volume):
                    yield self._work(group, files_unit, volume, group)

    def _work(self, unit: str, function: Any, *args: Any) -> Work:
        def submit(skip: Mapping[int, str]) -> Future[dict[str, Any]]:
            more = (skip,) if function is files_unit else ()
            return self.search.sent(self.pool.submit(function, self.search.task, *args, *more))

        return Work(unit, submit)

    def _groups(self, volume: Volume) -> Iterator[str]:
        groups = BatchGroups(self.search.task.job, f"files-{volume.index}")
        given = 0
        for batch in _walked(self.search.ask.run, volume.index):
            groups.add(batch)
            yield from (group["name"] for group in groups.done[given:])
            given = len(groups.done)
        groups.flush()
        yield from (group["name"] for group in groups.done[given:])

    def streams(self) -> Iterator[Work]:
        """What is free; what is left of each volume; what no volume is, or none that is read."""
        taken = _spans(self.search)
        # what lies inside a volume is part of that one's bytes
        volumes = [volume for volume in self.volumes if "." not in volume.index]
        outside = list(between(sorted((volume.offset, volume.length) for volume in volumes), 0, self.size))
        for volume in volumes:
            end = min(volume.offset + volume.length, self.size)
            if not volume.filesystem:
                outside += between(merged(sorted(taken)), volume.offset, end)
                continue
            free = self._free(volume)
            yield from self._stream(FREE, volume.index, free)
            taken += free
            rest = list(between(merged(sorted(taken)), volume.offset, end))
            yield from self._stream(REST, volume.index, rest)
            taken += rest
        yield from self._stream(OUTSIDE, "", sorted(outside))

    def _free(self, volume: Volume) -> list[Span]:
        """What the file system calls free; where it cannot be told, nothing: then it is the rest."""
        search = self.search
        try:
            answer = search.watch.result(self.pool.submit(free_unit, search.task, volume))
        except UnitFailedError as failure:
            answer = {"known": False, "reason": f"libtsk gave no answer: {failure}"}
        if answer["reason"]:
            search.problems.append(Problem(Location(search.ask.exhibit, volume.index), "search", answer["reason"]))
        return read_laid(search.parts / f"free-{volume.index}.laid") if answer["known"] else []

    def _stream(self, area: str, volume: str, spans: Sequence[Span]) -> Iterator[Work]:
        name = "-".join(filter(None, (area, volume)))
        size = sum(length for _, length in spans)
        if not size:
            return
        write_laid(self.search.parts / f"{name}.stream", spans)
        rows = [(*span, volume, area, "", None, "", "") for span in spans]
        with results.table(self.search.parts / f"{name}.spans", SPANS) as writer:
            columns = [
                pa.array(list(column), field.type) for column, field in zip(zip(*rows, strict=True), SPANS, strict=True)
            ]
            writer.write(pa.RecordBatch.from_arrays(columns, schema=SPANS))
        self.search.units.append(name)
        place = Place(Location(self.search.ask.exhibit, volume), area)
        for number, start in enumerate(range(0, size, PART)):
            unit, part = f"{name}-{number:06d}", (start, min(PART, size - start))
            yield self._work(unit, stream_unit, unit, place, f"{name}.stream", part)

    def borders(self) -> Iterator[Work]:
        """Where one thing ends and another begins: words and expressions alone, for YARA rules are about files."""
        patterns = self.search.ask.patterns
        if not (patterns.words or patterns.regexes):
            return
        tables = [pq.read_table(path, use_threads=False) for path in _tables(self.search, "spans")]
        spans = pa.concat_tables(tables).sort_by("start") if tables else None
        if spans is not None and spans.num_rows:
            pq.write_table(spans, self.search.parts / "all.spans")
            yield self._work("borders", border_unit, "borders", "all.spans")


def _walked(run: Run, volume: str) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(run.table("files")) as table:
        for batch in table.iter_batches(batch_size=8192, columns=list(WALKED.names), use_threads=False):
            mine = batch.filter(pc.equal(batch["volume"], volume))
            if mine.num_rows:
                yield mine


def _tables(search: _Search, kind: str) -> list[Path]:
    paths = [search.parts / f"{unit}.{kind}" for unit in search.units]
    return [path for path in paths if path.exists()]


def _spans(search: _Search) -> list[Span]:
    """What of the medium was got through so far."""
    return [span for path in _tables(search, "spans") for span in read_laid(path)]


def search_tree(tree: Tree, ask: Ask) -> dict[str, Any]:
    """Search a folder, the members of an archive, or files given one by one. Answers and raises as `search_image`."""
    task = Task(_job(ask), ask.patterns, ask.seconds)
    with ExitStack() as stack:
        lent = stack.enter_context(ExitStack())  # left after the pool, whose threads may still be sending
        pool = stack.enter_context(WorkerPool(ask.jobs, limits=Limits(stall_seconds=_patience(ask))))
        watch = Watch(ask.listener, pool.beats)
        search = _Search(ask, task, watch)
        watch.enter("files")
        search.run(_tree_works(search, tree, pool, lent))
        if isinstance(tree, ArchiveTree):
            search.problems += [problem._replace(stage="search") for problem in tree.problems(ask.exhibit)]
        return _conclude(search)


def _tree_works(search: _Search, tree: Tree, pool: WorkerPool, lent: ExitStack) -> Iterator[Work]:
    groups, members = Groups(search.task.job, "tree", _TREE_ROWS), list[FoundFile]()
    for item in tree.files():
        if isinstance(item, OSError):
            search.problems.append(refusal(search.ask.exhibit, item)._replace(stage="search"))
            continue
        entry = file_entry_of(search.ask.exhibit, item)
        members.append(item)
        search.watch.total += entry.size if entry.type == "file" else 0
        if groups.add(entry):
            yield _tree_work(search, tree, pool, lent.enter_context(ExitStack()), (groups.done[-1]["name"], members))
            members = []
    if groups.flush():
        yield _tree_work(search, tree, pool, lent.enter_context(ExitStack()), (groups.done[-1]["name"], members))


def _tree_work(
    search: _Search, tree: Tree, pool: WorkerPool, held: ExitStack, group: tuple[str, Sequence[FoundFile]]
) -> Work:
    name, members = group
    parts: dict[int, Part] = {}
    failures: dict[int, str] = {}
    for row, member in enumerate(members):
        if not stat.S_ISREG(member.facts.st_mode):
            continue
        try:
            parts[row] = held.enter_context(tree.reading(member))
        except OSError as error:
            failures[row] = error.strerror or str(error)
    lent = Lent(parts, failures, {})
    return Work(name, lambda skip: search.sent(pool.submit(tree_unit, search.task, name, skip, lent)), held.close)


def _conclude(search: _Search) -> dict[str, Any]:
    """Merge the units' tables in order and write the manifest that completes the search."""
    ask, counts = search.ask, dict[str, int]()
    last = search.parts / "last.problems"
    with results.table(last, PROBLEMS) as writer:
        writer.write(problem_batch(search.problems))
    for kind, schema, more in (("hits", HITS, []), ("problems", PROBLEMS, [last]), ("read", READ, [])):
        with results.table(ask.folder / f"{kind}.parquet", schema) as writer:
            results.merge([*_tables(search, kind), *more], writer)
        counts[kind] = writer.rows
    digests = complete_search(ask.folder, _facts(search, counts))
    with suppress(OSError):
        shutil.rmtree(search.parts)
    return {"hits": counts["hits"], "problems": counts["problems"], "read_bytes": search.read, "digests": digests}


def _facts(search: _Search, counts: Mapping[str, int]) -> dict[str, Any]:
    from forensics.examine.tools import tool_versions

    ask = search.ask
    chosen = {"encodings": ask.patterns.encodings, "match_case": ask.patterns.match_case}
    return {
        "exhibit": ask.exhibit,
        "run": ask.run.name,
        "patterns": {"sha256": ask.patterns.digest(), **chosen},
        "tools": tool_versions() | {name: version(name) for name in ("yara-x", "ahocorasick-rs")},
        "counts": {**counts, "read_bytes": str(search.read)},
    }
