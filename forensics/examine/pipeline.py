"""An examination from end to end: evidence in, a folder of results out, and what became of every file.

The parent reads the medium's stream for its digests while children walk and read the files; every
child's tables are merged in the order of the units, so the results do not depend on who was quick.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib.metadata import version
from itertools import chain, pairwise
from typing import Any

import pyarrow.parquet as pq

from custody.access import FoundFile, Part, PartOpener, shown
from forensics import results
from forensics.engine import UnitFailedError, WorkerPool
from forensics.examine.findings import Groups, Job
from forensics.examine.folder import Tree, companions, file_entry_of, refusal
from forensics.examine.groups import ContentsRun, Work, lost_problems, merge_files, merge_findings
from forensics.examine.request import Examination, Media, Request, Watch
from forensics.examine.resume import UnitLog
from forensics.examine.units import Lent, contents_unit, prepare_image, tree_unit, volumes_unit, walk_unit
from forensics.hashing import PartDigest, StreamDigests, hash_medium, hash_stream
from forensics.media import Medium, open_medium, read_part
from forensics.model import Location, Problem, Volume
from forensics.parsers import HEAD_BYTES, parser_for
from forensics.results.columns import EVENTS, PROBLEMS, VOLUMES, problem_batch, volume_batch
from forensics.timeline import write_events
from forensics.volumes.unlocked import Unlocked, unlock_volumes

_TREE_ROWS = 128  # so many files are open at once for one worker
_CLAIM_FACTOR, _CLAIM_FLOOR = 64, 64 << 30
"""A volume's files may claim this many times the medium, and this much, before contents are left unread."""
_TOOLS = ("evikit", "evtx", "pyarrow", "pylibmagic", "python-magic", "pytsk3", "tzdata")


class _StoppedError(Exception):
    """The examination ends early: the hashing thread must, too."""


@dataclass
class _Found:
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
    """Whether a single file is to be examined as a log: a parser knows it, or it is text; else an image."""
    head = part.read_at(0, HEAD_BYTES)
    text = bool(head) and not any(byte < 32 and byte not in b"\t\n\r\x0b\x0c\x1b" for byte in head)
    return text or parser_for(head, part.name) is not None


def _job(request: Request) -> Job:
    folder = request.run / "parts"
    if not request.resume:
        shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True, exist_ok=request.resume)
    except OSError as error:
        raise results.ResultsError(f"{folder} cannot be made: {error.strerror}") from error
    return Job(request.exhibit, request.zone, folder.absolute(), request.mappings)


def _hasher(stack: ExitStack, watch_hashed: Callable[[int], None]) -> tuple[ThreadPoolExecutor, Callable[[int], None]]:
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
    job = _job(request)
    media = Media(
        medium.format, medium.size, medium.sector_size, {}, stored=dict(medium.stored), header=dict(medium.header)
    )
    found = _Found(job, media)
    with ExitStack() as stack:
        parts = tuple(medium.parts)
        unlocked = _unlock(request, medium, found)
        pool = WorkerPool(request.jobs, prepare_image, (parts, unlocked), stall_seconds=request.stall_seconds)
        stack.enter_context(pool)
        watch = Watch(request.listener, pool.beats)
        watch.total = medium.size
        thread, progress = _hasher(stack, partial(_add_hashed, watch))
        hashing = thread.submit(hash_medium, medium, progress=progress, jobs=request.jobs)
        _Image(pool, watch, medium, found).examine(2 * request.jobs)
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
    return _conclude(found, request, watch)


def _unlock(request: Request, medium: Medium, found: _Found) -> tuple[Unlocked, ...]:
    """The volumes that a passphrase opens. Where they lie, a child tells: libtsk may hang."""
    if not request.secrets:
        return ()
    with WorkerPool(1, prepare_image, (tuple(medium.parts),), stall_seconds=request.stall_seconds) as pool:
        try:
            listed = pool.submit(volumes_unit, found.job).result()["volumes"]
        except UnitFailedError:  # it is said when the volumes are listed
            return ()
    opened, problems = unlock_volumes(medium, [Volume(**volume) for volume in listed], request.secrets)
    for problem in problems:
        found.problems.append(problem._replace(location=Location(request.exhibit, problem.location.volume)))
    return tuple(opened)


def _add_hashed(watch: Watch, length: int) -> None:
    watch.hashed += length


@dataclass(frozen=True, slots=True)
class _Image:
    """One image under examination: volumes, then their names, then the contents of their files."""

    pool: WorkerPool
    watch: Watch
    medium: Medium
    found: _Found

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
        found.readers[volume.index] = " ".join(filter(None, (listed.get("reader"), listed.get("remark"))))
        claimed, most = 0, _CLAIM_FACTOR * self.medium.size + _CLAIM_FLOOR
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


def examine_tree(tree: Tree, request: Request) -> Examination:
    """Examine a folder, or log files given one by one (`folder.LooseFiles`): every file's contents.

    Links are not followed, special files not opened, unreadable files are problems. Raises what
    `examine_image` does, and what the gate raises for a file that was exchanged.
    """
    job = _job(request)
    names, regular, size = _counted(tree)
    found = _Found(job, Media("folder", size, 0, {}, "listing"))
    with ExitStack() as stack:
        lent = stack.enter_context(ExitStack())  # left after the pool, whose threads may still be sending
        pool = stack.enter_context(WorkerPool(request.jobs, stall_seconds=request.stall_seconds))
        watch = Watch(request.listener, pool.beats)
        watch.total = size
        watch.enter("contents")
        contents = ContentsRun(watch, 2 * request.jobs)
        contents.run(_Folder(pool, tree, found, lent).works())
        found.problems += lost_problems(request.exhibit, "", contents.lost)
        if len(regular) == names == 1:
            watch.total += size
            watch.enter("digests")
            thread, progress = _hasher(stack, partial(_add_hashed, watch))
            _hash_single(tree, regular[0], found, lambda read: watch.result(thread.submit(read, progress)))
    return _conclude(found, request, watch)


def _counted(tree: Tree) -> tuple[int, list[FoundFile], int]:
    """How many names there are, the first regular files, and how many bytes all regular files have."""
    names, regular, size = 0, list[FoundFile](), 0
    for item in tree.files():
        names += 1
        if isinstance(item, FoundFile) and stat.S_ISREG(item.facts.st_mode):
            size += item.facts.st_size
            if len(regular) < 2:
                regular.append(item)
    return names, regular, size


@dataclass(frozen=True, slots=True)
class _Folder:
    """A tree under examination. `lent` holds what is open for groups under way."""

    pool: WorkerPool
    tree: Tree
    found: _Found
    lent: ExitStack

    def works(self) -> Iterator[Work]:
        """Groups of the tree's files in its order, each opened just before it is sent."""
        before: list[FoundFile] = []
        for (group, members), (_, after) in pairwise(chain(self._groups(), [("", [])])):
            yield self._work(group, members, companions(members, [*before, *after]))
            before = members

    def _groups(self) -> Iterator[tuple[str, list[FoundFile]]]:
        groups = Groups(self.found.job, "tree", _TREE_ROWS)
        members: list[FoundFile] = []
        for item in self.tree.files():
            if isinstance(item, OSError):
                self.found.problems.append(refusal(self.found.job.exhibit, item))
                continue
            members.append(item)
            if groups.add(file_entry_of(self.found.job.exhibit, item)):
                yield groups.done[-1]["name"], members
                members = []
        if groups.flush():
            yield groups.done[-1]["name"], members

    def _work(self, group: str, members: Sequence[FoundFile], others: Sequence[FoundFile]) -> Work:
        held = self.lent.enter_context(ExitStack())
        parts: dict[int, Part] = {}
        failures: dict[int, str] = {}
        for row, member in enumerate(members):
            if stat.S_ISREG(member.facts.st_mode):
                try:
                    parts[row] = held.enter_context(self.tree.reading(member))
                except OSError as error:
                    failures[row] = error.strerror or str(error)
        beside: dict[str, Part] = {}
        for other in others:
            with suppress(OSError):  # a problem of its own group, where it is listed
                beside[shown(other.name)] = held.enter_context(self.tree.reading(other))
        lent = Lent(parts, failures, beside)
        self.found.groups.append(group)
        self.found.units.append(group)

        def submit(skip: Any) -> Future[dict[str, Any]]:
            job = self.found.job
            listed = job.parts_folder / f"{group}.walked"
            return self.found.log.submit(self.pool, group, listed, tree_unit, job, group, skip, lent)

        return Work(group, submit, held.close)


def _hash_single(
    tree: Tree, file: FoundFile, found: _Found, run: Callable[[Callable[..., StreamDigests]], StreamDigests]
) -> None:
    """The three digests of evidence that is one file."""
    try:
        with tree.reading(file) as part:
            digests = run(lambda progress: hash_stream(partial(read_part, part), part.size, progress=progress))
            found.container = (PartDigest(shown(part.name), part.size, digests.digests.get("sha256", "")),)
            found.media = Media("file", part.size, 0, dict(digests.digests))
    except OSError:
        found.media = Media("file", file.facts.st_size, 0, {})  # why, is said with the file itself


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


def _conclude(found: _Found, request: Request, watch: Watch) -> Examination:
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


def tool_versions() -> dict[str, str]:
    """The versions that results depend on."""
    return {name: version(name) for name in _TOOLS} | {"python": platform.python_version()}


def _facts(found: _Found, request: Request, counts: dict[str, int]) -> dict[str, Any]:
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
