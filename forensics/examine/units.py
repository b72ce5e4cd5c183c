"""The units of an examination, as children run them: list volumes, list names, examine a group of files.

Each writes its own tables (see `findings`) and returns a few counts as JSON. A unit that is run again
writes the same tables again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa

from custody.access import Part
from forensics import results
from forensics.direct.extents import DirectContents, direct_contents
from forensics.direct.layout import Layouts, recoverable
from forensics.direct.reading import DIRECT, LIBTSK, Reading, Sink, read_directly, read_through_library
from forensics.engine.worker import board
from forensics.examine.batch_groups import BatchGroups
from forensics.examine.contents import Content, ReadAt, examine_entry, parser_input
from forensics.examine.findings import Findings, Job, entries_of, readable
from forensics.examine.unrepeated import Unrepeated
from forensics.filesystems import FileSystem, open_entry, open_filesystem
from forensics.filesystems.allocation import Span, free_spans
from forensics.media import Medium, open_medium
from forensics.model import ExaminationError, FileEntry, Location, Problem, Volume
from forensics.parsers import ParserInput
from forensics.results.columns import CONTENTS, integers, texts
from forensics.volumes.layout import lay_out, source_of
from forensics.volumes.shadow import ShadowView
from forensics.volumes.views import Source, Unlocked, unlocked_medium

CLAIM_FLOOR = 1 << 30
"""A file that claims more than this and more than its medium holds is not read: it can only be sparse."""


class WatchedMedium:
    """A medium whose every reading shows on the board, so that slow is told from stuck."""

    def __init__(self, medium: Medium) -> None:
        self._medium = medium
        self.format, self.size, self.sector_size = medium.format, medium.size, medium.sector_size
        self.parts, self.stored, self.header = medium.parts, medium.stored, medium.header
        self.problems = medium.problems

    def read_at(self, offset: int, length: int) -> bytes:
        """As the medium's own."""
        data = self._medium.read_at(offset, length)
        board().read(length)
        return data


class _Prepared:
    """What `prepare_image` opened, for the child's life."""

    medium: Medium
    unlocked: tuple[Unlocked, ...]
    volumes: dict[str, tuple[FileSystem, Source]]
    direct: dict[str, DirectContents | None]
    free: dict[str, tuple[Layouts, list[Span] | None]]
    sources: dict[str, Source]


def prepare_image(parts: tuple[Part, ...], unlocked: tuple[Unlocked, ...] = ()) -> None:
    """Open the medium once for a child, from the descriptors it was given; `unlocked` volumes are read in the plain."""
    granted = {part.name: part for part in parts}

    def open_part(name: str) -> Part:
        if name not in granted:
            raise FileNotFoundError(name)
        return granted[name]

    _Prepared.medium = WatchedMedium(unlocked_medium(open_medium(parts[0], open_part), unlocked))
    _Prepared.unlocked = unlocked
    _Prepared.volumes, _Prepared.direct, _Prepared.free, _Prepared.sources = {}, {}, {}, {}
    board().allowance = 2 * _Prepared.medium.size + (64 << 20)


def prepared_medium() -> Medium:
    """The medium of this child."""
    return _Prepared.medium


def prepared_volume(job: Job, volume: Volume) -> tuple[FileSystem, Source]:
    """A volume's file system, open for this child, and where its bytes are; raises `FileSystemError`."""
    if volume.index not in _Prepared.volumes:
        source = _Prepared.sources.get(volume.index)
        if source is None:
            source = source_of(_Prepared.medium, volume, _Prepared.unlocked, _Prepared.sources)
        fs = open_filesystem(source.medium, source.volume, job.zone)
        _Prepared.volumes = {volume.index: (fs, source)}  # one at a time
    return _Prepared.volumes[volume.index]


def _direct(fs: FileSystem, medium: Medium) -> DirectContents | None:
    index = fs.volume.index
    if index not in _Prepared.direct:
        _Prepared.direct = {index: direct_contents(fs, medium)}
    return _Prepared.direct[index]


def volumes_unit(job: Job) -> dict[str, Any]:
    """List the volumes: {"volumes": [...]}; what was wrong goes to volumes.problems."""
    layout = lay_out(_Prepared.medium, _Prepared.unlocked)
    with Findings(job, "volumes") as findings:
        for problem in layout.problems:
            findings.problem(problem._replace(location=problem.location._replace(exhibit=job.exhibit)))
    return {"volumes": [asdict(volume) for volume in layout.volumes]}


class _Listing:
    """Where the names of one walk go; shows on the board how far it is."""

    def __init__(self, job: Job, unit: str, findings: Findings) -> None:
        self._job, self._unit = job, unit
        self.count = 0
        self.groups = BatchGroups(job, unit)
        self.problem = findings.problem

    def begin(self) -> None:
        """Forget the rows that were taken."""
        self.count = 0
        self.groups = BatchGroups(self._job, self._unit)

    def take(self, batch: pa.RecordBatch) -> None:
        """Rows of `WALKED`."""
        self.groups.add(batch)
        if not self.count:  # the fast reader: a crash there is no name's, the volume is then libtsk's alone
            board().mark(-1, batch.column("path")[-1].as_py())

    def reached(self, count: int, path: str) -> None:
        """Say which name libtsk is at."""
        self.count = count
        board().mark(count, path)


def _new_in(job: Job, listing: Sink, fs: FileSystem, source: Source) -> Unrepeated | None:
    """Takes what a shadow copy has otherwise than the state after it; None for a volume that is no copy."""
    newer = source.newer
    if newer is None or not isinstance(source.medium, ShadowView):
        return None
    later = open_filesystem(newer.medium, newer.volume, job.zone)
    return Unrepeated(listing, (fs, source.medium), (later, newer.medium), source.medium.changed)


def walk_unit(job: Job, volume: Volume, limit: int | None = None, direct: bool = True) -> dict[str, Any]:
    """List a volume's names, at most `limit`, through libtsk alone unless `direct`; of a shadow copy what changed.

    {"groups": [...], "problems": n, "reader": which, "remark": why not the fast one, "left_out": names not repeated}
    """
    unit = f"walk-{volume.index}"
    reading, changes = Reading(LIBTSK), None
    with Findings(job, unit) as findings:
        listing = _Listing(job, unit, findings)
        try:
            fs, source = prepared_volume(job, volume)
            reading = Reading(fs.reader)
            changes = _new_in(job, listing, fs, source)
            sink: Sink = changes or listing
            if (missing := fs.missing(source.medium.size)) and limit is None and direct:
                reason = f"the file system goes on for {missing:,} bytes behind the end of its medium: it is cut"
                findings.problem(Problem(Location(job.exhibit, volume.index), "names", reason))
            if direct and limit is None:
                reading = read_directly(fs, source.medium, job.exhibit, sink)
            if reading.reader != DIRECT:
                read_through_library(fs, job.exhibit, sink, limit)
        except ExaminationError as error:
            place = Location(job.exhibit, volume.index)
            reason = f"the listing ended after {listing.count} names: {error}"
            findings.problem(Problem(place, "walk", reason))
        listing.groups.flush()
    facts = {"reader": reading.reader, "remark": reading.remark, "left_out": changes.left_out if changes else None}
    return {"groups": listing.groups.done, "problems": findings.counts["problems"], **facts}


def _content_batch(rows: list[Content]) -> pa.RecordBatch:
    columns = [
        *(texts([getattr(row, name) for row in rows]) for name in ("md5", "sha256", "mime", "outcome")),
        integers([row.read_bytes for row in rows]),
        texts([row.problem for row in rows]),
        pa.array([row.extension_mismatch for row in rows], pa.bool_()),
        *(texts([getattr(row, name) for row in rows]) for name in ("encryption", "recoverable")),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=CONTENTS)


class _Neighbours:
    """Finds the files that belong to another by name (a database's write-ahead log): of its group, or of `others`."""

    def __init__(
        self,
        job: Job,
        group: str,
        opener: Callable[[int, FileEntry], tuple[int, ReadAt]],
        others: Mapping[str, Part],
    ) -> None:
        self._job, self._group, self._opener, self._others = job, group, opener, others
        self._places: dict[str, int] | None = None

    def beside(self, entry: FileEntry, name: str) -> ParserInput | None:
        """As `contents.Beside`. The group is looked through once, when first asked for."""
        if self._places is None:
            listed = enumerate(entries_of(self._job, self._group))
            self._places = {
                found.location.path: number for number, found in listed if readable(found) and found.allocated
            }
        folder = entry.location.path[: entry.location.path.rfind("/") + 1]
        if (part := self._others.get(folder + name)) is not None:
            return ParserInput(name, part.size, part.read_at, entry.location._replace(path=folder + name))
        number = self._places.get(folder + name)
        if number is None:
            return None
        found = next(islice(entries_of(self._job, self._group), number, None))
        size, read_at = self._opener(number, found)
        return parser_input(self._job, found, size, read_at, self.beside)


def _group(
    job: Job,
    group: str,
    skip: Mapping[int, str],
    opener: Callable[[int, FileEntry], tuple[int, ReadAt]],
    others: Mapping[str, Part] = MappingProxyType({}),
    *,
    fate: Callable[[FileEntry], str | None] = lambda _: None,
) -> dict[str, Any]:
    """Contents of one group's files. Rows of `skip` are not touched again: a worker died of them."""
    rows: list[Content] = []
    neighbours = _Neighbours(job, group, opener, others)
    with Findings(job, group) as findings:
        for number, entry in enumerate(entries_of(job, group)):
            if number in skip:
                rows.append(Content(outcome="unknown", problem=skip[number]))
                findings.problem(Problem(entry.location, "contents", skip[number]))
            elif not readable(entry):
                rows.append(Content())
            else:
                board().mark(number, entry.location.path)
                content = examine_entry(job, entry, partial(opener, number), neighbours.beside, findings)
                content.recoverable = None if entry.allocated else fate(entry)
                rows.append(content)
    with results.table(job.parts_folder / f"{group}.contents", CONTENTS) as writer:
        writer.write(_content_batch(rows))
    return findings.counts


def contents_unit(job: Job, volume: Volume, group: str, skip: Mapping[int, str]) -> dict[str, Any]:
    """Contents of a group of a volume's files: {"artefacts": n, "problems": n}."""

    def opener(_: int, entry: FileEntry) -> tuple[int, ReadAt]:
        if entry.size > max(_Prepared.medium.size, CLAIM_FLOOR):
            raise ExaminationError(f"it claims {entry.size} bytes, more than its medium holds: not read")
        fs, source = prepared_volume(job, volume)
        direct, through_library = _direct(fs, source.medium), partial(open_entry, fs, entry)
        content = through_library() if direct is None else direct.open(entry, through_library)
        return content.size, content.read_at

    if (known := _Prepared.direct.get(volume.index)) is not None:
        known.begin()
    return _group(job, group, skip, opener, fate=partial(_recoverable, job, volume))


def _recoverable(job: Job, volume: Volume, entry: FileEntry) -> str | None:
    """What of a deleted file may still be there; None where what is free cannot be told."""
    fs, source = prepared_volume(job, volume)
    if volume.index not in _Prepared.free:
        try:
            free = free_spans(fs, source.medium)
        except ExaminationError:
            free = None
        _Prepared.free = {volume.index: (Layouts(fs, source.medium), free)}
    layouts, free = _Prepared.free[volume.index]
    return None if free is None else recoverable(fs, layouts, free, entry)


class Lent(NamedTuple):
    """What the gate opened for a group: files by row, why others could not be, and those of other groups, by path
    for show, that belong to one of this.
    """

    parts: Mapping[int, Part]
    failures: Mapping[int, str]
    beside: Mapping[str, Part]


def tree_unit(job: Job, group: str, skip: Mapping[int, str], lent: Lent) -> dict[str, Any]:
    """Contents of a group of a folder's files."""

    def opener(number: int, _: FileEntry) -> tuple[int, ReadAt]:
        if number not in lent.parts:
            raise ExaminationError(lent.failures.get(number, "it was not opened"))
        return lent.parts[number].size, lent.parts[number].read_at

    return _group(job, group, skip, opener, lent.beside)
