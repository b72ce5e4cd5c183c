"""What one unit of work writes: tables under the run's parts folder, merged in unit order afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from forensics import results
from forensics.engine.worker import board
from forensics.model import Artefact, FileEntry, Problem
from forensics.parsers import LogMapping
from forensics.results.columns import (
    ARTEFACTS,
    PROBLEMS,
    WALKED,
    artefact_batch,
    file_batch,
    file_entries,
    problem_batch,
)

GROUP_ROWS = 4096
GROUP_BYTES = 256 << 20
_FLUSH = 8192


@dataclass(frozen=True, slots=True)
class Job:
    """What all units of one examination share. `parts_folder` is where their tables go."""

    exhibit: str
    zone: ZoneInfo | None
    parts_folder: Path
    mappings: tuple[LogMapping, ...] = ()


class Findings:
    """The artefacts and problems of one unit, written as they come."""

    def __init__(self, job: Job, unit: str) -> None:
        self._stack = ExitStack()
        self._files: dict[str, tuple[Path, Any, Callable[[Any], Any]]] = {
            "artefacts": (job.parts_folder / f"{unit}.artefacts", ARTEFACTS, artefact_batch),
            "problems": (job.parts_folder / f"{unit}.problems", PROBLEMS, problem_batch),
        }
        for path, _, _ in self._files.values():
            path.unlink(missing_ok=True)  # what an attempt that died had finished
        self._tables: dict[str, results.TableWriter] = {}
        self._waiting: dict[str, list[Any]] = {"artefacts": [], "problems": []}
        self.counts = {"artefacts": 0, "problems": 0}

    def artefact(self, artefact: Artefact) -> None:
        """Take an artefact."""
        self._take("artefacts", artefact)

    def problem(self, problem: Problem) -> None:
        """Take a problem."""
        self._take("problems", problem)

    def _take(self, kind: str, value: Artefact | Problem) -> None:
        self.counts[kind] += 1
        waiting = self._waiting[kind]
        waiting.append(value)
        if len(waiting) % 256 == 0:
            board().advance(0)
        if len(waiting) >= _FLUSH:
            self._flush(kind)

    def _flush(self, kind: str) -> None:
        if not self._waiting[kind]:
            return
        path, schema, batch = self._files[kind]
        if kind not in self._tables:
            self._tables[kind] = self._stack.enter_context(results.table(path, schema))
        self._tables[kind].write(batch(self._waiting[kind]))
        self._waiting[kind] = []

    def __enter__(self) -> Findings:
        return self

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        if kind is None:
            self._flush("artefacts")
            self._flush("problems")
        self._stack.__exit__(kind, value, trace)


_NTFS_DATA = "128-"  # $DATA, the attribute that holds contents


def readable(entry: FileEntry) -> bool:
    """Whether an entry has contents of its own to read.

    Not: directories (but for alternate data streams on them) and special files; a deleted name whose
    inode belongs to another file by now; a deleted name of size 0, for whether it was empty or only its
    inode was cleared cannot be told.
    """
    stream = entry.type == "directory" and bool(entry.location.stream) and entry.attribute.startswith(_NTFS_DATA)
    if entry.reallocated or not (entry.type == "file" or stream):
        return False
    return entry.allocated or entry.size > 0


class Groups:
    """Cuts a stream of entries into groups of bounded rows and bytes, one table and one later unit each."""

    def __init__(self, job: Job, unit: str, rows: int = GROUP_ROWS) -> None:
        self._job, self._unit, self._rows = job, unit, rows
        self._entries: list[FileEntry] = []
        self._bytes = self._readable = 0
        self.done: list[dict[str, Any]] = []

    def add(self, entry: FileEntry) -> bool:
        """Take an entry; when the group is full, write it and say so."""
        self._entries.append(entry)
        if readable(entry):
            self._bytes += entry.size
            self._readable += 1
        if len(self._entries) >= self._rows or self._bytes >= GROUP_BYTES:
            return self.flush()
        return False

    def flush(self) -> bool:
        """Write the group that was begun; whether there was one."""
        if not self._entries:
            return False
        name = f"{self._unit}-{len(self.done):06d}"
        with results.table(self._job.parts_folder / f"{name}.walked", WALKED) as writer:
            writer.write(file_batch(self._entries))
        self.done.append({"name": name, "rows": len(self._entries), "readable": self._readable, "bytes": self._bytes})
        self._entries, self._bytes, self._readable = [], 0, 0
        return True


def entries_of(job: Job, group: str) -> Iterator[FileEntry]:
    """The entries of a written group, in order."""
    for batch in results.batches(job.parts_folder / f"{group}.walked", 512):
        yield from file_entries(batch)
