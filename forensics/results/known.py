"""Which files of a run are on a list of known files: a folder each beside the runs, for these are never changed."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from forensics import results
from forensics.known_lists import LENGTHS, found_in
from forensics.results import MANIFEST, Run, new_folder, read_json, write_json

FOLDER = "known"
FORMAT = "evikit-known-1"
GOOD, BAD = "good", "bad"
KNOWN = pa.schema([("row", pa.int64()), *((name, pa.string()) for name in ("mark", "list", "product", "algorithm"))])


@dataclass(frozen=True, slots=True)
class KnownList:
    """A list, and what being on it means: GOOD or BAD. `sha256` (hex) is the list's own."""

    path: Path
    name: str
    mark: str
    sha256: str
    origin: str = ""


def compare(run: Run, known: KnownList) -> dict[str, Any]:
    """Compare the files of a run with a list; counts, and the digests of what was written.

    Opens no evidence. Raises `ListError` before anything is written.
    """
    table = pq.read_table(run.table("files"), columns=list(LENGTHS), use_threads=False)
    columns = {name: table[name].to_pylist() for name in LENGTHS}
    wanted = {name: frozenset(value for value in values if value) for name, values in columns.items()}
    found = found_in(known.path, wanted)
    rows = []
    for number, digests in enumerate(zip(*columns.values(), strict=True)):
        pair = next((pair for pair in zip(columns, digests, strict=True) if pair in found), None)
        if pair is not None:
            rows.append((number, known.mark, known.name, found[pair], pair[0]))
    folder = new_folder(run.path.parent.parent / FOLDER, run.exhibit)
    with results.table(folder / "known.parquet", KNOWN) as writer:
        columns_ = zip(*rows, strict=True) if rows else [()] * len(KNOWN)
        arrays = [pa.array(list(values), field.type) for values, field in zip(columns_, KNOWN, strict=True)]
        writer.write(pa.RecordBatch.from_arrays(arrays, schema=KNOWN))
    counts = {"compared": sum(any(pair) for pair in zip(*columns.values(), strict=True)), "known": len(rows)}
    digest = results.file_digest(folder / "known.parquet")
    described = {"name": known.name, "sha256": known.sha256, "origin": known.origin, "mark": known.mark}
    facts: Mapping[str, Any] = {"format": FORMAT, "exhibit": run.exhibit, "run": run.name, "list": described}
    write_json(folder / MANIFEST, {**facts, "files": {"known.parquet": {"sha256": digest}}, "counts": counts})
    return {**counts, "results": results.file_digest(folder / MANIFEST)}


class Marks:
    """What lists say of the files of runs: two bytes a row, for there may be millions. Bad goes before good."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self._said: list[tuple[str | None, str | None]] = [(None, None)]
        self._rows: dict[int, array[int]] = {}
        by_name = {run.name: run for run in runs}
        folders = {run.path.parent.parent / FOLDER for run in by_name.values()}
        for place in sorted(place for folder in folders if folder.is_dir() for place in folder.iterdir()):
            if (place / MANIFEST).is_file() and (run := by_name.get(read_json(place / MANIFEST)["run"])):
                self._take(run, read_json(place / MANIFEST)["list"], place / "known.parquet")

    def _take(self, run: Run, known: Mapping[str, str], path: Path) -> None:
        self._said.append((known["mark"], known["name"]))
        number = len(self._said) - 1
        if run.number not in self._rows:
            self._rows[run.number] = array("H", bytes(2 * pq.read_metadata(run.table("files")).num_rows))
        rows = self._rows[run.number]
        for row in pq.read_table(path, columns=["row"], use_threads=False)["row"].to_pylist():
            if self._said[rows[row]][0] != BAD:
                rows[row] = number

    def of(self, identity: str) -> tuple[str | None, str | None]:
        """(mark, name of the list) of the file with this id (f1.42); None twice where no list knows it."""
        run, _, row = identity[1:].partition(".")
        rows = self._rows.get(int(run))
        return self._said[rows[int(row)]] if rows is not None else self._said[0]


def marked(rows: Iterable[dict[str, Any]], runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """Rows of files with what lists say of them: `known` and `known_list`."""
    marks = Marks(runs)
    for row in rows:
        row["known"], row["known_list"] = marks.of(row["id"])
        yield row
