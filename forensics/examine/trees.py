"""A tree of files under examination: a folder, log files named one by one, the members of an archive."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, pairwise
from typing import Any

from custody.access import FoundFile, Part, shown
from forensics.archives import ArchiveTree, Member
from forensics.engine import UnitPool
from forensics.examine.findings import Groups
from forensics.examine.folder import Tree, companions, file_entry_of, refusal
from forensics.examine.groups import ContentsRun, Work, lost_problems
from forensics.examine.pipeline import Found, add_hashed, conclude, hasher, job_of
from forensics.examine.request import Examination, Media, Request, Watch
from forensics.examine.units import Lent, tree_unit
from forensics.hashing import PartDigest, StreamDigests, hash_stream
from forensics.media import read_part
from forensics.model import ExaminationError, Location, Problem

_TREE_ROWS = 128  # so many files are open at once for one worker


def examine_tree(tree: Tree, request: Request) -> Examination:
    """Examine a folder, or log files given one by one (`folder.LooseFiles`): every file's contents.

    Links are not followed, special files not opened, unreadable files are problems. Raises what
    `examine_image` does, and what the gate raises for a file that was exchanged.
    """
    job = job_of(request)
    names, regular, size = _counted(tree)
    found = Found(job, Media("folder", size, 0, {}, "listing"))
    with ExitStack() as stack:
        lent = stack.enter_context(ExitStack())  # left after the pool, whose threads may still be sending
        pool = stack.enter_context(request.pool())
        watch = Watch(request.listener, pool.beats)
        watch.total = size
        _examine(_Folder(pool, tree, found, lent), watch)
        if len(regular) == names == 1:
            watch.total += size
            watch.enter("digests")
            thread, progress = hasher(stack, partial(add_hashed, watch))
            _hash_single(tree, regular[0], found, lambda read: watch.result(thread.submit(read, progress)))
    return conclude(found, request, watch)


def examine_archive(part: Part, archive: ArchiveTree, request: Request) -> Examination:
    """Examine a collection in one file: its own digests, and every member as a folder's file.

    Members' contents lie in nameless files in the run's folder while they are read. Raises what `examine_tree` does,
    and `ExaminationError` where a cluster is asked for.
    """
    if request.cluster:  # what lies in nameless files here, no other machine can open
        raise ExaminationError("the members of an archive are read on one machine", "leave --cluster out")
    job = job_of(request)
    _, _, size = _counted(archive)
    found = Found(job, Media(archive.archive.format, part.size, 0, {}))
    with ExitStack() as stack:
        lent = stack.enter_context(ExitStack())
        pool = stack.enter_context(request.pool())
        watch = Watch(request.listener, pool.beats)
        watch.total = size + part.size
        thread, progress = hasher(stack, partial(add_hashed, watch))
        hashing = thread.submit(hash_stream, partial(read_part, part), part.size, progress=progress)
        most = archive.most(part.size)
        _examine(_Folder(pool, archive, found, lent, most), watch)
        watch.enter("digests")
        digests = watch.result(hashing)
    found.media = replace(found.media, digests=dict(digests.digests))
    found.container = (PartDigest(shown(part.name), part.size, digests.digests.get("sha256", "")),)
    found.problems += archive.problems(request.exhibit)
    found.problems += [Problem(Location(request.exhibit), "media", bad.reason) for bad in digests.bad]
    return replace(conclude(found, request, watch), contradictions=tuple(archive.contradictions()))


def _examine(folder: _Folder, watch: Watch) -> None:
    watch.enter("contents")
    contents = ContentsRun(watch, 2 * folder.pool.places)
    contents.run(folder.works())
    folder.found.problems += lost_problems(folder.found.job.exhibit, "", contents.lost)


def _counted(tree: Tree) -> tuple[int, list[FoundFile], int]:
    """How many names there are, the first regular files, and how many bytes all regular files have that are read."""
    names, regular, size = 0, list[FoundFile](), 0
    for item in tree.files():
        names += 1
        if isinstance(item, FoundFile) and stat.S_ISREG(item.facts.st_mode):
            size += 0 if isinstance(item, Member) and item.refused else item.facts.st_size
            if len(regular) < 2:
                regular.append(item)
    return names, regular, size


@dataclass(frozen=True, slots=True)
class _Folder:
    """A tree under examination. `lent` holds what is open for groups under way.

    Contents of more than `most` bytes together are left unread.
    """

    pool: UnitPool
    tree: Tree
    found: Found
    lent: ExitStack
    most: int | None = None

    def works(self) -> Iterator[Work]:
        """Groups of the tree's files in its order, each opened just before it is sent."""
        before: list[FoundFile] = []
        claimed = 0
        for (group, members), (_, after) in pairwise(chain(self._groups(), [("", [])])):
            claimed += sum(member.facts.st_size for member in members if stat.S_ISREG(member.facts.st_mode))
            if self.most is None or claimed <= self.most:
                yield self._work(group, members, companions(members, [*before, *after]))
            else:
                reason = f"the files claim over {self.most} bytes together"
                self.found.groups.append(group)
                self.found.units.append(group)
                self.found.problems += lost_problems(self.found.job.exhibit, "", [(group, reason)])
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
    tree: Tree, file: FoundFile, found: Found, run: Callable[[Callable[..., StreamDigests]], StreamDigests]
) -> None:
    """The three digests of evidence that is one file."""
    try:
        with tree.reading(file) as part:
            digests = run(lambda progress: hash_stream(partial(read_part, part), part.size, progress=progress))
            found.container = (PartDigest(shown(part.name), part.size, digests.digests.get("sha256", "")),)
            found.media = Media("file", part.size, 0, dict(digests.digests))
    except OSError:
        found.media = Media("file", file.facts.st_size, 0, {})  # why, is said with the file itself
