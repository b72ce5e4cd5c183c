"""The folder of a run: tables written whole or not at all, the run's manifest, and which runs stand.

A run is complete when its manifest.json stands, which is written last. Nothing in a table or a
manifest depends on when, where or how often the run was made: the same evidence, version and settings
give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from forensics.model import ExaminationError
from forensics.results.columns import ARTEFACTS, EVENTS, FILES, PROBLEMS, VOLUMES

pa.set_memory_pool(pa.system_memory_pool())  # arrow's own pool keeps tens of MiB that nobody uses any more

ROWS_A_GROUP = 65_536
TABLES: Mapping[str, Any] = {
    "volumes": VOLUMES,
    "files": FILES,
    "artefacts": ARTEFACTS,
    "events": EVENTS,
    "problems": PROBLEMS,
}
MANIFEST = "manifest.json"
STARTED = "started.json"
_RUN_FORMAT = "evikit-run-1"


class ResultsError(ExaminationError):
    """Results cannot be written or read; the line says which and why."""

    final = True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears under `path` complete and durable when the block ends, and not at all before.

    Raises `ResultsError` when the file system refuses (full, read-only).
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        with draft.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ResultsError(
            f"{path.name} could not be written: {reason}", "make room in the case folder and run it again"
        ) from error
    finally:
        draft.unlink(missing_ok=True)


class TableWriter:
    """Writes one Parquet table in row groups of a fixed size, whatever the batches it is given."""

    def __init__(self, file: IO[bytes], schema: Any) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(file, schema, compression="zstd", compression_level=3)
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self.rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch of any number of rows."""
        self._waiting.append(batch)
        self._waiting_rows += batch.num_rows
        self.rows += batch.num_rows
        if self._waiting_rows >= ROWS_A_GROUP:
            table = pa.Table.from_batches(self._waiting, self._schema)
            whole = table.num_rows - table.num_rows % ROWS_A_GROUP
            self._writer.write_table(table.slice(0, whole), row_group_size=ROWS_A_GROUP)
            self._waiting = table.slice(whole).combine_chunks().to_batches()
            self._waiting_rows = table.num_rows - whole

    def close(self) -> None:
        """Write what waits and the footer."""
        if self._waiting_rows:
            self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema))
        self._writer.close()

    def abandon(self) -> None:
        """Let go of the file, closed or to be thrown away: the writer must not touch it later."""
        with suppress(OSError):
            self._writer.close()


@contextmanager
def table(path: Path, schema: Any) -> Iterator[TableWriter]:
    """A table that appears under `path` whole and durable when the block ends without an exception."""
    with written_whole(path) as file:
        writer = TableWriter(file, schema)
        try:
            yield writer
            writer.close()
        finally:
            writer.abandon()


def batches(path: Path, rows: int = 8192) -> Iterator[pa.RecordBatch]:
    """The rows of a table in order, a bounded number at a time."""
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=rows, use_threads=False)


def times_without_zone(run: Path) -> int:
    """How many events of a complete run are in the local time of a source whose zone nobody declared."""
    with pq.ParquetFile(run / "events.parquet") as file:
        columns = (batch["clock"] for batch in file.iter_batches(columns=["clock"], use_threads=False))
        return sum(pc.sum(pc.equal(column, "unknown")).as_py() or 0 for column in columns)


def merge(parts: Iterable[Path], writer: TableWriter) -> None:
    """Append the tables of `parts` in the order given; a part that is not there is passed over."""
    for part in parts:
        if part.exists():
            for batch in batches(part):
                writer.write(batch)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """A JSON file with sorted keys, whole and durable."""
    with written_whole(path) as file:
        file.write((json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())


def file_digest(path: Path) -> str:
    """The SHA-256 of a result file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def complete(run: Path, facts: Mapping[str, Any]) -> dict[str, str]:
    """Write the manifest that makes a run complete: `facts` and the digest, rows and bytes of every table.

    Returns the SHA-256 of every file of the run by name, the manifest's included.
    """
    digests = {}
    described = {}
    for name in sorted(f"{table}.parquet" for table in TABLES):
        path = run / name
        digests[name] = file_digest(path)
        rows = pq.read_metadata(path).num_rows
        described[name] = {"sha256": digests[name], "rows": rows, "bytes": path.stat().st_size}
    write_json(run / MANIFEST, {"format": _RUN_FORMAT, "files": described, **facts})
    return digests | {MANIFEST: file_digest(run / MANIFEST)}


@dataclass(frozen=True, slots=True)
class Run:
    """One run of an examination: its folder, the exhibit it examined, and whether it was completed."""

    path: Path
    exhibit: str
    complete: bool

    @property
    def name(self) -> str:
        """What `--run` takes."""
        return self.path.name

    @property
    def number(self) -> int:
        """The number that the case gave it."""
        return int(self.path.name.partition("-")[0])

    def table(self, name: str) -> Path:
        """The path of a table by its name in `TABLES`."""
        return self.path / f"{name}.parquet"

    def manifest(self) -> dict[str, Any]:
        """What manifest.json (of a begun run: started.json) says. Raises `ResultsError`."""
        return read_json(self.path / (MANIFEST if self.complete else STARTED))


def read_json(path: Path) -> dict[str, Any]:
    """A file of `write_json` that names its exhibit; raises `ResultsError` for anything else."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ResultsError(
            f"{path.parent.name}/{path.name} cannot be read: {error}", "run the examination again"
        ) from error
    if not isinstance(value, dict) or not isinstance(value.get("exhibit"), str):
        raise ResultsError(f"{path.parent.name}/{path.name} is no record of a run", "run the examination again")
    return value


def start_run(derived: Path, exhibit: str, settings: Mapping[str, Any]) -> Path:
    """Make the folder of a new run, numbered after all runs of the case, and note what it examines.

    Raises `ResultsError` when the folder cannot be made.
    """
    folder = new_folder(derived, exhibit)
    write_json(folder / STARTED, {"format": _RUN_FORMAT, "exhibit": exhibit, "settings": settings})
    return folder


def new_folder(derived: Path, exhibit: str) -> Path:
    """A new folder in `derived`, its name the next number and the exhibit's; raises `ResultsError`."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", exhibit).strip("-")[:40] or "exhibit"
    try:
        derived.mkdir(parents=True, exist_ok=True)
        numbers = [int(found[1]) for entry in derived.iterdir() if (found := re.match(r"(\d+)-", entry.name))]
        folder = derived / f"{max(numbers, default=0) + 1:04d}-{slug}"
        folder.mkdir()
    except OSError as error:
        raise ResultsError(
            f"no folder for results in {derived}: {error.strerror}", "make room in the case folder and run it again"
        ) from error
    return folder


def stopped_run(derived: Path, exhibit: str, settings: Mapping[str, Any]) -> Path | None:
    """The newest run of an exhibit, if it was begun with these very settings and never completed."""
    mine = [run for run in runs(derived) if run.exhibit == exhibit]
    if mine and not mine[-1].complete and mine[-1].manifest().get("settings") == settings:
        return mine[-1].path
    return None


def runs(derived: Path) -> list[Run]:
    """All runs of a case, oldest first; folders that hold no run are passed over."""
    if not derived.is_dir():
        return []
    found = []
    for folder in derived.iterdir():
        number = re.match(r"(\d+)-", folder.name)
        if number and (folder / STARTED).is_file():
            done = (folder / MANIFEST).is_file()
            exhibit = read_json(folder / (MANIFEST if done else STARTED))["exhibit"]
            found.append((int(number[1]), folder.name, Run(folder, exhibit, done)))
    return [run for _, _, run in sorted(found, key=lambda item: item[:2])]


def current_runs(derived: Path, exhibit: str = "", name: str = "") -> list[Run]:
    """The newest complete run of every exhibit (or of one), in the exhibits' order; or the run `name`.

    Raises `ResultsError` when the named run is not there or not complete.
    """
    if name:
        chosen = [run for run in runs(derived) if run.name == name and run.complete]
        if not chosen:
            raise ResultsError(f"there is no complete run {name}", "leave --run out for the newest")
        return chosen
    newest = {run.exhibit: run for run in runs(derived) if run.complete}
    return [newest[ref] for ref in sorted(newest) if exhibit in ("", ref)]
