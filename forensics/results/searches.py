"""Searches of a case and their hits: a folder each, complete when its manifest stands. Questions open no evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from forensics.results import MANIFEST, STARTED, ResultsError, file_digest, new_folder, read_json, write_json
from forensics.results.question import answer

FORMAT = "evikit-search-1"
TABLES = ("hits", "problems", "read")
FOLDER = "searches"
"""Where they lie in the case."""
LETTER = "h"
"""What a hit's identity begins with."""


@dataclass(frozen=True, slots=True)
class Search:
    """One complete search of an exhibit."""

    path: Path
    exhibit: str

    @property
    def name(self) -> str:
        """What `--search` takes."""
        return self.path.name

    @property
    def number(self) -> int:
        """The number that the case gave it."""
        return int(self.path.name.partition("-")[0])


def start_search(searches: Path, exhibit: str, settings: Mapping[str, Any]) -> Path:
    """Make the folder of a new search, numbered after all of the case; raises `ResultsError`."""
    folder = new_folder(searches, exhibit)
    write_json(folder / STARTED, {"format": FORMAT, "exhibit": exhibit, "settings": settings})
    return folder


def complete_search(folder: Path, facts: Mapping[str, Any]) -> dict[str, str]:
    """Write the manifest that completes a search; the SHA-256 (hex) of every file of it by name."""
    digests = {f"{name}.parquet": file_digest(folder / f"{name}.parquet") for name in TABLES}
    described = {
        name: {"sha256": value, "rows": pq.read_metadata(folder / name).num_rows} for name, value in digests.items()
    }
    write_json(folder / MANIFEST, {"format": FORMAT, "files": described, **facts})
    return digests | {MANIFEST: file_digest(folder / MANIFEST)}


def complete_searches(folder: Path) -> list[Search]:
    """All of them, oldest first."""
    found: list[Search] = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if re.match(r"\d+-", path.name) and (path / MANIFEST).is_file():
            found.append(Search(path, read_json(path / MANIFEST)["exhibit"]))
    return sorted(found, key=lambda search: search.number)


def searches(folder: Path, exhibit: str = "", name: str = "") -> list[Search]:
    """The newest complete search of every exhibit (or of one), by exhibit; or the one called `name`.

    Raises `ResultsError` when the named one is not there or not complete.
    """
    found = complete_searches(folder)
    if name:
        chosen = [search for search in found if search.name == name]
        if not chosen:
            raise ResultsError(f"there is no complete search {name}", "leave --search out for the newest")
        return chosen
    newest = {search.exhibit: search for search in found}
    return [newest[ref] for ref in sorted(newest) if exhibit in ("", ref)]


def hits(chosen: Sequence[Search], exhibit: str = "", text: str = "", area: str = "") -> Iterator[dict[str, Any]]:
    """Rows of hits.parquet in the order of the searches and of their units, each with its `id` (h, search, row).

    `text` is looked for in patterns, rules and paths, without regard to case.
    """
    sql = """
        SELECT * FROM read_parquet($files, filename = true, file_row_number = true)
        WHERE ($exhibit = '' OR exhibit = $exhibit) AND ($area = '' OR area = $area)
        AND ($text = '' OR contains(lower(pattern), lower($text)) OR contains(lower(rule), lower($text))
            OR contains(lower(path), lower($text)))
    """
    numbers = {str(search.path / "hits.parquet"): search.number for search in chosen}
    values: dict[str, object] = {"files": list(numbers), "exhibit": exhibit, "text": text, "area": area}
    for row in answer(sql, values) if numbers else ():
        yield row | {"id": f"{LETTER}{numbers[row['filename']]}.{row['file_row_number']}"}


def hit_named(folder: Path, identity: str) -> tuple[Search, dict[str, Any]] | None:
    """The search and the hit that an identity means, or None where it is no hit's. Raises `ResultsError`."""
    found = re.fullmatch(rf"{LETTER}(\d{{1,9}})\.(\d{{1,12}})", identity.strip())
    if found is None:
        return None
    for search in complete_searches(folder):
        if search.number == int(found[1]):
            sql = "SELECT * FROM read_parquet($files, file_row_number = true) WHERE file_row_number = $row"
            for row in answer(sql, {"files": [str(search.path / "hits.parquet")], "row": int(found[2])}):
                return search, row | {"id": identity.strip()}
    raise ResultsError(f"there is no hit {identity}", "copy the id from `evikit hits`")


_CODECS = {"": "utf-8", "ascii": "utf-8", "utf-16": "utf-16-le", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}


def _shown(row: Mapping[str, Any]) -> dict[str, str]:
    """A hit's bytes and those around it as text in its encoding; what is none there is escaped."""
    name = row["encoding"].partition("/")[0]
    codec = _CODECS.get(name, name)
    before = row["before"][len(row["before"]) % 2 :] if codec.startswith("utf-16") else row["before"]
    shown = {"before": before, "match": row["match"], "after": row["after"]}
    return {part: _printable(data.decode(codec, "backslashreplace")) for part, data in shown.items()}


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def hit_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """A line of `hits --json`: offsets and lengths as text, null where there is none."""
    names = ("id", "key", "exhibit", "volume", "area", "path", "meta", "stream", "allocated")
    numbers = ("offset", "length", "medium_offset", "pieces")
    raw = {} if row["raw_path"] is None else {"raw_path": row["raw_path"].hex()}
    what = {name: row[name] for name in ("kind", "pattern", "rule", "encoding")} | _shown(row)
    counted = {name: None if row[name] is None else str(row[name]) for name in numbers}
    return {name: row[name] for name in names} | counted | what | {"match_hex": row["match"].hex()} | raw


def hits_by_pattern(folder: Path) -> list[tuple[str, str, str, int]]:
    """(kind, pattern, rule, hits) of one search, in the order of kind, pattern, rule."""
    sql = "SELECT kind, pattern, rule, count(*) AS hits FROM read_parquet($files) GROUP BY ALL ORDER BY ALL"
    rows = answer(sql, {"files": [str(folder / "hits.parquet")]})
    return [(row["kind"], row["pattern"], row["rule"], row["hits"]) for row in rows]


def manifest_rows(folder: Path) -> Iterator[tuple[str, ...]]:
    """What became of every file of a search, as `keep_manifest` takes it: no digest, for none was computed."""
    names = ["volume", "path", "meta", "stream", "outcome", "read_bytes"]
    with pq.ParquetFile(folder / "read.parquet") as table:
        for batch in table.iter_batches(batch_size=4096, columns=names, use_threads=False):
            for row in zip(*(batch[name].to_pylist() for name in names), strict=True):
                yield (*map(str, row), "")
