"""An examination from end to end: evidence in, a folder of results out, and what became of every file.

The parent reads the medium's stream for its digests while children walk and read the files; every
child's tables are merged in the order of the units, so the results do not depend on who was quick.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import pyarrow.parquet as pq

from custody.access import Part, PartOpener
from forensics import results
from forensics.engine import UnitFailedError, UnitPool, preparation
from forensics.examine.findings import Job
from forensics.examine.groups import ContentsRun, Work, lost_problems, merge_files, merge_findings
from forensics.examine.request import Examination, Media, Request, Watch
from forensics.examine.resume import UnitLog
from forensics.examine.tools import tool_versions
from forensics.examine.units import contents_unit, prepare_image, volumes_unit, walk_unit
from forensics.examine.unlocking import try_passphrases
from forensics.hashing import PartDigest, hash_medium
from forensics.media import MEDIA, Medium, open_medium, raw, split
from forensics.model import Location, Problem, Volume
from forensics.parsers import HEAD_BYTES, parser_for
from forensics.results.columns import EVENTS, PROBLEMS, VOLUMES, problem_batch, volume_batch
from forensics.timeline import write_events

CLAIM_FACTOR, CLAIM_FLOOR = 64, 64 << 30
"""A volume's files may claim this many times the medium, and this much, before contents are left unread."""


class _StoppedError(Exception):
    """The examination ends early: the hashing thread must, too."""


@dataclass
class Found:
    """What the stages of one examination gather for its results."""

    job: Job
    media: Media
    container: tuple[PartDigest, ...] = ()
    volumes: list[Volume] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    readers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.log = UnitLog(self.job.parts_folder)


def is_log(part: Part) -> bool:
    """Whether a single file is to be examined as a log: a parser knows it, or it is text; else an image.

    A container known by its signature is an image, whatever else it is (AFF4 is a ZIP archive).
    """
    head = part.read_at(0, HEAD_BYTES)
    if head and not any(byte < 32 and byte not in b"\t\n\r\x0b\x0c\x1b" for byte in head):
        return True
    known = parser_for(head, part.name) is not None
    return known and not any(media.recognises(part) for media in MEDIA if media not in (split, raw))


def job_of(request: Request) -> Job:
    """What the units share; the folder of their tables is made, or taken up again."""
    folder = request.run / "parts"
    if not request.resume:
        shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True, exist_ok=request.resume)
    except OSError as error:
        raise results.ResultsError(f"{folder} cannot be made: {error.strerror}") from error
    return Job(request.exhibit, request.zone, folder.absolute(), request.mappings)


def hasher(stack: ExitStack, watch_hashed: Callable[[int], None]) -> tuple[ThreadPoolExecutor, Callable[[int], None]]:
    """A thread for digests that ends when `stack` is left early, and the progress it must report to."""
    stopping = threading.Event()
    thread = stack.enter_context(ThreadPoolExecutor(1, "digests"))
    stack.callback(stopping.set)

    def progress(length: int) -> None:
        if stopping.is_set():
            raise _StoppedError
        watch_hashed(length)

    return thread, progress


def examine_image(first: Part, open_part: PartOpener, request: Request) -> Examination:
    """Examine an image: digests of its stream, volumes, every name, every readable file's contents.

    Further segments are opened through `open_part`. Raises `MediumError` for what is no readable container
    and `results.ResultsError` where results cannot be written; everything else that is wrong is a
    `Problem` in the results. On KeyboardInterrupt the children end and no run is completed.
    """
    medium = open_medium(first, open_part)
    job = job_of(request)
    media = Media(
        medium.format, medium.size, medium.sector_size, {}, stored=dict(medium.stored), header=dict(medium.header)
    )
    found = Found(job, media)
    with ExitStack() as stack:
        parts = tuple(medium.parts)
        unlocked, problems = try_passphrases(parts, request.secrets, request.stall_seconds)
        found.problems += [one._replace(location=one.location._replace(exhibit=request.exhibit)) for one in problems]
        pool = stack.enter_context(request.pool(preparation(prepare_image, parts, unlocked)))
        watch = Watch(request.listener, pool.beats)
        watch.total = medium.size
        thread, progress = hasher(stack, partial(add_hashed, watch))
        hashing = thread.submit(hash_medium, medium, progress=progress, jobs=request.jobs)
        _Image(pool, watch, medium, found).examine(2 * pool.places)
        watch.enter("digests")
        digests = watch.result(hashing)
    found.container = digests.container
    found.media = replace(media, digests=dict(digests.media.digests))
    place = Location(request.exhibit)
    found.problems += [Problem(place, "media", line) for line in digests.problems]
    found.problems += [
        Problem(place, "media", f"the container's stored {name} is {stored}, the medium's is {computed}")
        for name, stored, computed in found.media.mismatches()
    ]
    return conclude(found, request, watch)


def add_hashed(watch: Watch, length: int) -> None:
    """Count bytes that were read for digests."""
    watch.hashed += length


@dataclass(frozen=True, slots=True)
class _Image:
    """One image under examination: volumes, then their names, then the contents of their files."""

    pool: UnitPool
    watch: Watch
    medium: Medium
    found: Found

    def examine(self, window: int) -> None:
        """Run all stages, at most `window` groups of files at once."""
        found, watch = self.found, self.watch
        watch.enter("volumes")
        found.volumes = self._volumes()
        for volume in found.volumes:
            if volume.problem:
                self._problem(volume.index, "volumes", volume.problem)
        found.units.append("volumes")
        watch.enter("names")
        readable = [volume for volume in found.volumes if volume.filesystem]
        walks = [(volume, self._walk(volume)) for volume in readable]
        works = [work for volume, walk in walks for work in self._works(volume, walk)]
        watch.enter("contents")
        contents = ContentsRun(watch, window)
        contents.run(works)
        found.problems += lost_problems(found.job.exhibit, "", contents.lost)

    def _problem(self, volume: str, stage: str, reason: str, path: str = "") -> None:
        self.found.problems.append(Problem(Location(self.found.job.exhibit, volume, path), stage, reason))

    def _volumes(self) -> list[Volume]:
        try:
            begun = self.found.log.submit(self.pool, "volumes", None, volumes_unit, self.found.job)
            listed = self.watch.result(begun)["volumes"]
            return [Volume(**volume) for volume in listed]
        except UnitFailedError as failure:
            reason = f"libtsk gave no answer: {failure}"
            return [Volume("0", 0, self.medium.size, "", "", problem=reason)]

    def _works(self, volume: Volume, walk: Future[dict[str, Any]]) -> Iterator[Work]:
        """Wait for a volume's names; then the groups whose contents are to be read."""
        found, watch = self.found, self.watch
        listed = self._walked(volume, walk)
        found.units.append(f"walk-{volume.index}")
        watch.problems += listed["problems"]
        if listed.get("left_out") is not None:
            told = f"{volume.description}; {listed['left_out']} names as in the state after it are left out"
            found.volumes[found.volumes.index(volume)] = replace(volume, description=told)
        found.readers[volume.index] = " ".join(filter(None, (listed.get("reader"), listed.get("remark"))))
        claimed, most = 0, CLAIM_FACTOR * self.medium.size + CLAIM_FLOOR
        for group in listed["groups"]:
            found.groups.append(group["name"])
            found.units.append(group["name"])
            claimed += group["bytes"]
            if claimed > most:
                reason = f"the volume's files claim over {most} bytes together"
                found.problems += lost_problems(found.job.exhibit, volume.index, [(group["name"], reason)])
            else:
                watch.total += group["bytes"]
                send = partial(found.log.submit, self.pool, group["name"], None, contents_unit, found.job)
                yield Work(group["name"], partial(send, volume, group["name"]))

    def _walk(self, volume: Volume) -> Future[dict[str, Any]]:
        return self.found.log.submit(self.pool, f"walk-{volume.index}", None, walk_unit, self.found.job, volume)

    def _walked(
        self, volume: Volume, walk: Future[dict[str, Any]], limit: int | None = None, *, direct: bool = True
    ) -> dict[str, Any]:
        """The groups of a volume's names. Where a worker died after some names, these are listed again alone."""
        try:
            answer: dict[str, Any] = self.watch.result(walk)
        except UnitFailedError as failure:
            if direct and failure.mark < 0:  # it died beside the fast reader: libtsk alone may get further
                again = self.pool.submit(walk_unit, self.found.job, volume, None, False)
                return self._walked(volume, again, direct=False)
            known = max(failure.mark, 0)
            known = known if limit is None or known < limit else 0  # no progress: it would go on like this for ever
            self._problem(volume.index, "names", f"libtsk gave no answer after {known} names: {failure}", failure.path)
            if not known:
                return {"groups": [], "problems": 1}
            again = self.pool.submit(walk_unit, self.found.job, volume, known)
            return self._walked(volume, again, known, direct=False)
        else:
            return answer


def _listing_digest(run: Any) -> str:
    """SHA-256 of the lines `sha256sum` would print for the files, in the order of the table."""
    digest = hashlib.sha256()
    names = ["path", "raw_path", "sha256"]
    with pq.ParquetFile(run / "files.parquet") as table:
        for batch in table.iter_batches(batch_size=4096, columns=names, use_threads=False):
            for path, raw, value in zip(*(batch[name].to_pylist() for name in names), strict=True):
                if value is not None:
                    digest.update(value.encode() + b"  " + (raw or path.encode()) + b"\n")
    return digest.hexdigest()


def conclude(found: Found, request: Request, watch: Watch) -> Examination:
    """Merge the parts in unit order, make the events, and write the manifest that completes the run."""
    job, run = found.job, request.run
    watch.enter("results")
    last = job.parts_folder / "last.problems"
    with results.table(last, PROBLEMS) as writer:
        writer.write(problem_batch(found.problems))
    with results.table(run / "volumes.parquet", VOLUMES) as writer:
        writer.write(volume_batch(job.exhibit, found.volumes))
    counts = {"volumes": len(found.volumes), "files": merge_files(job, found.groups, run, watch)}
    counts |= merge_findings(job, found.units, run, last)
    with results.table(run / "events.parquet", EVENTS) as writer:
        counts["events"] = write_events(run / "files.parquet", run / "artefacts.parquet", writer)
    if found.media.basis == "listing":
        found.media = replace(found.media, digests={"sha256": _listing_digest(run)})
    digests = results.complete(run, _facts(found, request, counts))
    shutil.rmtree(job.parts_folder, ignore_errors=True)
    volumes = tuple(found.volumes)
    return Examination(job.exhibit, run, found.media, found.container, volumes, counts, digests, found.log.kept)


def _facts(found: Found, request: Request, counts: dict[str, int]) -> dict[str, Any]:
    """What the manifest says besides the tables: nothing of when, where, or with how many workers."""
    return {
        "exhibit": request.exhibit,
        "settings": request.settings(),
        "tools": tool_versions(),
        "media": found.media.json_object(),
        "container": [asdict(part) for part in found.container],
        "counts": counts,
        "names_read_by": found.readers,
    }
