"""Where an exhibit's evidence stands now, and which run speaks of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from custody.commands.screen import invisible, visible
from custody.exhibits import outcomes
from custody.ledger.entry import Json
from custody.ledger.errors import CustodyError
from custody.opened import mapping, text, values_of
from custody.target import Target, shown
from forensics.results import Run, current_runs

if TYPE_CHECKING:
    from custody.case import Case
    from custody.exhibits import Exhibit
    from forensics.results.searches import Search


def recorded_parts(case: Case, exhibit: Exhibit) -> list[Json]:
    """The files the exhibit stands in, as the ledger recorded them: where it was read last, or moved to since.

    Readings that failed do not count, nor those that found other media while there is one that did not. What was
    acquired stands in its image from then on, in the first of them where there are several.
    """
    ended = {leaf: values for row, values in outcomes(case, exhibit.n) for leaf in row.entry.re}
    found: list[list[Json]] = []
    doubtful: list[list[Json]] = []
    for row in case.ledger.rows_in(exhibit.n):
        values = values_of(row)
        parts = mapping(values.get("parts")).get("to") if row.entry.type == "exhibit.relocate" else values.get("parts")
        if row.entry.type not in ("access.begin", "exhibit.relocate") or not isinstance(parts, list) or not parts:
            continue
        end = ended.get(row.leaf, {})
        if values.get("object") == "acquisition":
            parts = _image_files(end) or parts
        if end.get("outcome") != "failed":
            (doubtful if end.get("match") is False else found).append(parts)
    if not found and not doubtful:
        raise CustodyError(f"{exhibit.ref} was never read here", "Take it in with `evikit ingest`.")
    return (found or doubtful)[-1]


def _image_files(end: Mapping[str, Json]) -> list[Json]:
    """The files of the first image that an acquisition made and verified; [] where there is none."""
    listed = end.get("output_digest")
    files = [mapping(item) for item in listed] if isinstance(listed, list) and end.get("match") is True else []
    made = [(item, path_of({**item, "path": item.get("name")})) for item in files]
    if not made or not made[0][1].is_absolute():  # older entries name them as they were typed
        return []
    place = made[0][1].parent
    return [{**item, "path": item["name"], "name": path.name} for item, path in made if path.parent == place]


def state_read(case: Case, exhibit: Exhibit) -> dict[str, str]:
    """{"state": what the files are that the exhibit stands in}, as they were taken in; {} where nobody said.

    Who extracts from the image of a medium does not examine the medium itself.
    """
    found = ""
    for row in case.ledger.rows_in(exhibit.n):
        values = values_of(row) if row.entry.type == "access.begin" else {}
        if values.get("object") == "acquisition":
            found = "best-evidence"
        found = text(mapping(values.get("settings")).get("state")) or found
    return {"state": found} if found else {}


def place_of(case: Case, exhibit: Exhibit) -> Target:
    """The files the exhibit stands in, located."""
    paths = [path_of(part) for part in recorded_parts(case, exhibit)]
    try:
        return Target.locate(paths)
    except CustodyError as error:
        raise CustodyError(
            f"the evidence of {exhibit.ref} is not where it was read: {error}",
            f"Put it back, or say where it is now: `evikit exhibit relocate {exhibit.ref} PATH`.",
        ) from error


def path_of(part: Json) -> Path:
    """The path of a recorded part, its very bytes."""
    facts = mapping(part)
    raw = facts.get("raw")
    return Path(os.fsdecode(bytes.fromhex(raw)) if isinstance(raw, str) else text(facts.get("path")))


def container_files(case: Case, exhibit: Exhibit) -> dict[str, str]:
    """SHA-256 by name of the files an image is kept in, as first recorded from a whole reading."""
    for _, values in outcomes(case, exhibit.n):
        parts = values.get("parts")
        if values.get("basis") == "whole" and isinstance(parts, list):
            named = {text(mapping(part).get("name")): text(mapping(part).get("sha256")) for part in parts}
            if files := {name: sha256 for name, sha256 in named.items() if sha256}:
                return files
    return {}


def run_of(case: Case, exhibit: Exhibit) -> Run:
    """The newest complete run of the exhibit."""
    runs = current_runs(case.path / "derived", exhibit.ref)
    if not runs:
        raise CustodyError(f"{exhibit.ref} has no complete examination", "Run `evikit ingest`.")
    return runs[0]


def listed(run: Run, path: str, volume: str = "", meta: str = "") -> dict[str, Any]:
    """The one row of the files table that a path, as a listing shows it, means; CustodyError says which there are."""
    from forensics.results.queries import file_named

    given = shown(path)
    for name in dict.fromkeys((given, invisible(given))):  # as it is, or as a listing shows it
        rows = [row for row in file_named([run], volume, name) if meta in ("", row["meta"])]
        if rows:
            break
    else:
        raise CustodyError(f"the examination lists no {visible(path)!r}", "Paths are as `evikit files` lists them.")
    if len(rows) > 1:
        places = ", ".join(f"volume {row['volume']} meta {row['meta']}" for row in rows[:8])
        raise CustodyError(f"{visible(path)!r} stands {len(rows)} times", f"Choose with --volume or --meta: {places}.")
    return rows[0]


def result_place(case: Case, identity: str) -> dict[str, Json]:
    """Where the result with this id stands: exhibit, run, place in the evidence, digest of the file it is in.

    An event has its time and meaning besides, and the place of the file or artefact it was made from.
    """
    from forensics.results import runs
    from forensics.results.listing import event_json
    from forensics.results.queries import file_named, identified
    from forensics.results.searches import FOLDER, hit_named

    if (named := hit_named(case.path / FOLDER, identity)) is not None:
        return _hit_place(*named)
    every = runs(case.path / "derived")
    table, run, row = identified(every, identity)
    said: dict[str, Json] = {"id": row["id"], "run": run.name, "kind": row.get("kind") or row.get("type")}
    if table == "events":
        event = event_json(row)
        said |= {"at": event["at"], "meaning": event["meaning"]}
        table, _, row = identified(every, event["source"])
    place = {name: row[name] for name in ("exhibit", "volume", "path", "stream", "meta")}
    span = {name: None if row.get(name) is None else str(row[name]) for name in ("offset", "length")}
    if "sha256" in row:
        return said | place | span | {"sha256": row["sha256"]}
    holders = file_named([run], row["volume"] or "", row["path"])
    same = {str(file["sha256"]) for file in holders if file["meta"] == row["meta"] and file["sha256"]}
    return said | place | span | {"sha256": same.pop() if len(same) == 1 else None}


def _hit_place(search: Search, row: dict[str, Any]) -> dict[str, Json]:
    """Where a hit of a search stands; a note keeps what it is by its key, which every search gives it."""
    said: dict[str, Json] = {"id": row["id"], "run": search.name, "kind": f"hit.{row['kind']}", "key": row["key"]}
    place = {name: row[name] for name in ("exhibit", "volume", "path", "stream", "meta", "area")}
    span = {name: None if row[name] is None else str(row[name]) for name in ("offset", "length", "medium_offset")}
    return said | place | span | {"sha256": None}
