"""What an examination is asked and what it answers, and how it tells how far it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq

from forensics.engine import STALL_SECONDS, Beat, Limits, UnitPool, WorkerPool
from forensics.engine.worker import Call
from forensics.examine.tools import tool_versions
from forensics.hashing import PartDigest
from forensics.model import Volume

if TYPE_CHECKING:
    from forensics.parsers import LogMapping

_TELL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an examination is: bytes `done` of `total` (reading for digests and contents together)."""

    stage: str
    path: str
    done: int
    total: int
    files: int
    problems: int


Listener = Callable[[Progress], None]
"""Hears of progress a few times a second, in the thread that called the examination."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to examine as, and how. `run` is the folder `results.start_run` made.

    `zone` is the one the examiner declared for local times (FAT, logs), or None. `jobs` children work at
    once; a child that gets nowhere for `stall_seconds` is stopped. With `resume` the units that an earlier attempt
    completed in this very folder stand. `mappings` say how logs of the examiner's own kinds are read, and
    `mapping_digest` is the SHA-256 (hex) of the file they came from. `secrets` are passphrases to try on
    encrypted volumes; they are written nowhere. `cluster` is the address of a scheduler whose workers do the units.
    """

    exhibit: str
    run: Path
    zone: ZoneInfo | None = None
    jobs: int = 1
    stall_seconds: float = STALL_SECONDS
    listener: Listener | None = None
    resume: bool = False
    mappings: tuple[LogMapping, ...] = ()
    mapping_digest: str = ""
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    cluster: str = ""

    def pool(self, prepare: Call | None = None) -> UnitPool:
        """Where the units run: children of this process, or workers of the cluster."""
        limits = Limits(stall_seconds=self.stall_seconds)
        if not self.cluster:
            return WorkerPool(self.jobs, prepare, limits=limits)
        from forensics.engine.cluster import ClusterPool

        return ClusterPool(self.cluster, prepare, limits, shared=self.run, versions=tool_versions)

    def settings(self) -> dict[str, str]:
        """What the results depend on, besides the evidence and the tools."""
        zone = self.zone.key if self.zone is not None and self.zone.key else ""
        told = {"mapping": self.mapping_digest, "passphrases": "given" if self.secrets else ""}
        return {"zone": zone} | {name: value for name, value in told.items() if value}


@dataclass(frozen=True, slots=True)
class Media:
    """The bytes that were examined. `digests` by algorithm, empty where a byte could not be read.

    `basis` says what the digests are of: "stream" (the medium's bytes, one file's bytes) or "listing"
    (a folder, several files): then there is only a SHA-256, of the lines `sha256sum` prints for the files
    in the order of the files table. `stored` are the digests the container claims, `header` its header.
    """

    format: str
    size: int
    sector_size: int
    digests: Mapping[str, str]
    basis: str = "stream"
    stored: Mapping[str, str] = field(default_factory=dict)
    header: Mapping[str, str] = field(default_factory=dict)

    def mismatches(self) -> list[tuple[str, str, str]]:
        """(algorithm, stored, computed) of every stored digest that the computed one does not equal."""
        return [
            (name, stored, self.digests[name])
            for name, stored in sorted(self.stored.items())
            if name in self.digests and stored.lower() != self.digests[name]
        ]

    def json_object(self) -> dict[str, Any]:
        """As `ingest --json` prints it; a digest there is none of is ""."""
        sizes = {"size": str(self.size), "sector_size": str(self.sector_size)}
        digests = {name: self.digests.get(name, "") for name in ("md5", "sha1", "sha256")}
        described = {"format": self.format, "basis": self.basis, "header": dict(self.header)}
        return {**described, **sizes, **digests, "stored": dict(self.stored)}


@dataclass(frozen=True, slots=True)
class Examination:
    """A completed run: what was examined, how much was found, and the SHA-256 of every result file.

    `contradictions` are digests that an archive stores of its members and that are not theirs, one line each.
    """

    exhibit: str
    run: Path
    media: Media
    container: tuple[PartDigest, ...]
    volumes: tuple[Volume, ...]
    counts: Mapping[str, int]
    result_digests: Mapping[str, str]
    units_kept: int = 0
    contradictions: tuple[str, ...] = ()

    def json_object(self) -> dict[str, Any]:
        """As `ingest --json` prints it."""
        container = [{"name": part.name, "size": str(part.size), "sha256": part.sha256} for part in self.container]
        described = {"exhibit": self.exhibit, "media": self.media.json_object(), "container": container}
        return {**described, **self.counts, "run": self.run.name}


def manifest_rows(run: Path) -> Iterator[tuple[str, ...]]:
    """What became of every file, one row each, re-derived from the run's files table in its order.

    (volume, path, meta address, stream, outcome, bytes read, SHA-256 or ""). Outcome: content (every byte
    read), partial, metadata (contents not asked for), failed (not one byte), unknown (a worker died of it).
    """
    names = ["volume", "path", "meta", "stream", "outcome", "read_bytes", "sha256"]
    with pq.ParquetFile(run / "files.parquet") as table:
        for batch in table.iter_batches(batch_size=4096, columns=names, use_threads=False):
            columns = [batch[name].to_pylist() for name in names]
            for row in zip(*columns, strict=True):
                yield tuple("" if value is None else str(value) for value in row)


class Watch:
    """Waits for units and tells the listener how far things are."""

    def __init__(self, listener: Listener | None, beats: Callable[[], Collection[Beat]]) -> None:
        self._listener = listener
        self._beats = beats
        self._stage, self._files_before = "", 0
        self.hashed = 0
        self.total = 0
        self.problems = 0

    def enter(self, stage: str) -> None:
        """Begin a stage; objects are counted anew."""
        self._stage, self._files_before = stage, sum(beat.files for beat in self._beats())

    def first_done(self, futures: Collection[Future[Any]]) -> set[Future[Any]]:
        """The futures that are done, as soon as there is one."""
        while True:
            done, _ = wait(futures, _TELL_SECONDS, FIRST_COMPLETED)
            self.tell()
            if done:
                return done

    def result(self, future: Future[Any]) -> Any:
        """The result of one future, or its exception."""
        self.first_done([future])
        return future.result()

    def tell(self, path: str = "") -> None:
        """Tell the listener now."""
        if self._listener is None:
            return
        beats = self._beats()
        done = self.hashed + sum(beat.done for beat in beats)
        shown = path or next((beat.path for beat in beats if beat.path), "")
        files = sum(beat.files for beat in beats) - self._files_before
        # a group that is read a second time counts twice: never show more than all
        self._listener(Progress(self._stage, shown, min(done, self.total), self.total, files, self.problems))
