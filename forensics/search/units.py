"""The units of a search, as children run them: a group of files with their slack, a part of a stream, borders."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from custody.access import Part
from forensics import results
from forensics.direct.layout import ExtentStream, Layout, Layouts
from forensics.engine.worker import board
from forensics.examine.findings import Job, entries_of, readable
from forensics.examine.units import CLAIM_FLOOR, Lent, prepared_medium, prepared_volume
from forensics.filesystems import Content, FileSystemError, open_entry
from forensics.filesystems.allocation import Span, free_spans
from forensics.media import MediumError, read_part
from forensics.model import ExaminationError, FileEntry, Location, Volume
from forensics.search.hits import BORDER, FILE, SLACK, Place
from forensics.search.patterns import Patterns
from forensics.search.scanner import Scanner, ScanTimeoutError
from forensics.search.sweep import Sheet, Stream, Sweep, across

LAID = pa.schema([("start", pa.int64()), ("length", pa.int64())])
_BORDERS_AT_ONCE = 256
_BORDER_REACH = 1024
"""Bytes on either side of a border that an expression's match may take."""


@dataclass(frozen=True, slots=True)
class Task:
    """What all units of one search share. `hidden` are volumes whose bytes stand on the medium in cipher only."""

    job: Job
    patterns: Patterns
    seconds: int
    hidden: frozenset[str] = frozenset()


@lru_cache(maxsize=2)
def _scanner(patterns: Patterns, seconds: int) -> Scanner:
    return Scanner(patterns, seconds)


class _Unplaced:
    """A stream whose places on the medium are not known."""

    def __init__(self, stream: Content | Stream | Part) -> None:
        self.size = stream.size
        self.read_at = partial(read_part, stream) if isinstance(stream, Part) else stream.read_at

    def pieces(self, _: int, length: int) -> Iterator[tuple[int | None, int]]:
        """One, of unknown place."""
        yield None, length

    def is_hole(self, _offset: int, _length: int) -> bool:
        """Never known."""
        return False


class _Read:
    """Content that libtsk reads, with its places on the medium where they are known."""

    def __init__(self, content: Content, places: ExtentStream) -> None:
        self.size, self.read_at = content.size, content.read_at
        self.pieces, self.is_hole = places.pieces, places.is_hole


def free_unit(task: Task, volume: Volume) -> dict[str, Any]:
    """What the volume's file system calls free, into free-N.laid: {"known": whether it is told, "reason": why not}."""
    unit = f"free-{volume.index}"
    try:
        fs, source = prepared_volume(task.job, volume)
        spans = free_spans(fs, source.medium) if source.medium is prepared_medium() else None
    except ExaminationError as error:
        return {"known": False, "reason": str(error)}
    if spans is None:
        return {"known": False, "reason": ""}
    write_laid(task.job.parts_folder / f"{unit}.laid", spans)
    return {"known": True, "reason": ""}


def write_laid(path: Path, spans: Iterable[Span]) -> None:
    """Spans of the medium as a table."""
    starts, lengths = zip(*spans, strict=True) if (spans := list(spans)) else ((), ())
    with results.table(path, LAID) as writer:
        columns = [pa.array(starts, pa.int64()), pa.array(lengths, pa.int64())]
        writer.write(pa.RecordBatch.from_arrays(columns, schema=LAID))


def read_laid(path: Path) -> list[Span]:
    """Spans out of a table of `write_laid`."""
    table = pq.read_table(path, use_threads=False)
    return list(zip(table["start"].to_pylist(), table["length"].to_pylist(), strict=True))


def files_unit(task: Task, volume: Volume, group: str, skip: Mapping[int, str]) -> dict[str, Any]:
    """Contents and slack of a group of a volume's files."""
    with Sheet(task.job.parts_folder, group) as sheet:
        fs, source = prepared_volume(task.job, volume)
        placed = source.medium is prepared_medium()
        search = _Files(task, sheet, Layouts(fs, source.medium if placed else None))
        for number, entry in enumerate(entries_of(task.job, group)):
            if _skipped(sheet, entry, skip.get(number)) or sheet.full:
                continue
            board().mark(number, entry.location.path)
            try:
                layout = search.layout(entry)
                through_libtsk = None if layout.content is not None and layout.exact else open_entry(fs, entry)
                search.file(entry, layout, through_libtsk)
            except ExaminationError as error:
                search.failed(entry, str(error))
    return sheet.counts


def _skipped(sheet: Sheet, entry: FileEntry, reason: str | None) -> bool:
    """Whether an entry has no contents of its own, or a worker died of it before."""
    if reason is not None:
        sheet.problem(Place(entry.location, FILE), reason)
        sheet.read.append(_row(entry, "unknown", 0))
    return reason is not None or not readable(entry)


def _row(entry: FileEntry, outcome: str, done: int) -> tuple[Any, ...]:
    where = entry.location
    return where.volume, where.path, where.meta, where.stream, outcome, done


@dataclass(frozen=True, slots=True)
class _Files:
    """Files of one group under search."""

    task: Task
    sheet: Sheet
    layouts: Layouts

    def layout(self, entry: FileEntry) -> Layout:
        """Where a file stands; of one that is not all on the medium nothing is known: libtsk reads what there is."""
        try:
            return self.layouts.of(entry)
        except FileSystemError:
            return Layout(None, ())

    def file(self, entry: FileEntry, layout: Layout, content: Content | None) -> None:
        """Content, then slack. A deleted file's slack is part of what is free."""
        medium = prepared_medium()
        if entry.size > max(medium.size, CLAIM_FLOOR):
            raise ExaminationError(f"it claims {entry.size} bytes, more than its medium holds: not searched")
        stream: Stream
        if content is None:
            stream = ExtentStream(medium, layout.content or [])
        elif layout.content is None:
            stream = _Unplaced(content)
        else:
            stream = _Read(content, ExtentStream(medium, layout.content))
        done = self._sweep(stream, Place(entry.location, FILE, entry.allocated))
        self.sheet.read.append(_row(entry, "content" if done >= entry.size else "partial", done))
        if not entry.allocated:
            return
        if layout.slack:
            self._sweep(ExtentStream(medium, layout.slack), Place(entry.location, SLACK, True))
        where = entry.location
        places = layout.content if layout.exact and layout.content is not None else []
        known = [(at, length) for at, length in places if at is not None]
        for area, spans in ((FILE, known), (SLACK, [*layout.slack])):
            named = where.volume, area, where.path, where.raw_path, where.meta, where.stream
            self.sheet.spans += [(*span, *named) for span in _joined(spans)]

    def _sweep(self, stream: Stream, place: Place) -> int:
        task = self.task
        hidden = place.location.volume in task.hidden
        shown = _Unplaced(stream) if hidden else stream
        counted = Sweep(shown, place, _scanner(task.patterns, task.seconds), self.sheet).run()
        self.sheet.counts["bytes"] += counted
        return counted

    def failed(self, entry: FileEntry, reason: str) -> None:
        """A file that could not be searched."""
        self.sheet.problem(Place(entry.location, FILE), reason)
        self.sheet.read.append(_row(entry, "failed", 0))


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Spans of which each that goes on where the last one ends is one with it."""
    first = length = 0
    for start, count in spans:
        if length and first + length == start:
            length += count
            continue
        if length:
            yield first, length
        first, length = start, count
    if length:
        yield first, length


def tree_unit(task: Task, group: str, skip: Mapping[int, str], lent: Lent) -> dict[str, Any]:
    """Contents of a group of a folder's files."""
    with Sheet(task.job.parts_folder, group) as sheet:
        for number, entry in enumerate(entries_of(task.job, group)):
            if _skipped(sheet, entry, skip.get(number)) or sheet.full:
                continue
            place = Place(entry.location, FILE, True)
            if number not in lent.parts:
                sheet.problem(place, lent.failures.get(number, "it was not opened"))
                sheet.read.append(_row(entry, "failed", 0))
                continue
            board().mark(number, entry.location.path)
            part = lent.parts[number]
            done = Sweep(_Unplaced(part), place, _scanner(task.patterns, task.seconds), sheet).run()
            sheet.counts["bytes"] += done
            sheet.read.append(_row(entry, "content" if done >= part.size else "partial", done))
    return sheet.counts


def stream_unit(task: Task, unit: str, place: Place, laid: str, span: Span) -> dict[str, Any]:
    """The part of a stream that `span` (first byte, bytes) names; `laid` is the table that says where it stands."""
    with Sheet(task.job.parts_folder, unit) as sheet:
        board().mark(-1, place.area)
        stream: Stream = ExtentStream(prepared_medium(), list(read_laid(task.job.parts_folder / laid)))
        if place.location.volume in task.hidden:
            stream = _Unplaced(stream)
        scanner = _scanner(task.patterns, task.seconds)
        sheet.counts["bytes"] += Sweep(stream, place, scanner, sheet).run((span[0], span[0] + span[1]))
    return sheet.counts


def border_unit(task: Task, unit: str, spans: str) -> dict[str, Any]:
    """Words and expressions across the borders between what stands side by side on the medium."""
    scanner = _scanner(replace(task.patterns, rules=()), task.seconds)
    reach = min(scanner.reach, _BORDER_REACH)
    table = pq.read_table(task.job.parts_folder / spans, use_threads=False)
    starts = table["start"].to_pylist()
    ends = [start + length for start, length in zip(starts, table["length"].to_pylist(), strict=True)]
    seen = set[str]()
    with Sheet(task.job.parts_folder, unit) as sheet:
        borders = sorted({*starts, *ends} - {0, prepared_medium().size})
        for number in range(0, len(borders), _BORDERS_AT_ONCE):
            some = borders[number : number + _BORDERS_AT_ONCE]
            board().advance(0)
            try:
                found = list(across(prepared_medium(), some, scanner, reach))
            except (MediumError, ScanTimeoutError) as error:
                place = Place(Location(task.job.exhibit), BORDER)
                sheet.problem(place, f"borders between bytes {some[0]} and {some[-1]} were not searched: {error}")
                continue
            for border, hit in found:
                before = table.slice(max(bisect_right(starts, border - 1) - 1, 0), 1).to_pylist()[0]
                owned = hit._replace(place=Place(_owner(task.job.exhibit, before), BORDER))
                if not sheet.full and (known := f"{owned.match}") not in seen:
                    seen.add(known)
                    sheet.hit(owned)
    return sheet.counts


def _owner(exhibit: str, row: Mapping[str, Any]) -> Location:
    return Location(exhibit, row["volume"], row["path"], row["raw_path"], row["meta"], row["stream"])
