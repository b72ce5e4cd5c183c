"""`python -m tests.forensics.survey IMAGE`: what we find in an image, as JSON, in a child to be killed."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from forensics.filesystems import FileSystem, FileSystemError, open_entry, open_filesystem, walk
from forensics.media import Medium, open_medium
from forensics.model import FileEntry, Volume
from forensics.volumes import list_volumes
from tests.forensics.images import part

BLOCK = 1 << 20


def digest(fs: FileSystem, entry: FileEntry) -> str:
    """SHA-256 of a file's content, or "" where it has none to give."""
    if entry.type != "file":
        return ""
    value = hashlib.sha256()
    try:
        content = open_entry(fs, entry)
        for offset in range(0, content.size, BLOCK):
            value.update(content.read_at(offset, BLOCK))
    except FileSystemError:
        return ""
    return value.hexdigest()


def row(fs: FileSystem, entry: FileEntry) -> dict[str, Any]:
    return {
        "path": entry.location.path,
        "allocated": entry.allocated,
        "reallocated": entry.reallocated,
        "size": entry.size,
        "modified": entry.modified,
        "fn_modified": entry.extra_times.get("fn_modified"),
        "sha256": digest(fs, entry),
    }


def survey_volume(medium: Medium, volume: Volume) -> dict[str, Any]:
    found: dict[str, Any] = {
        "offset": volume.offset,
        "filesystem": volume.filesystem,
        "problem": volume.problem,
    }
    found |= {"entries": [], "problems": []}
    if not volume.filesystem:
        return found
    try:
        fs = open_filesystem(medium, volume)
    except FileSystemError as error:
        found["problems"].append(str(error))
        return found
    for one in walk(fs, "X/1"):
        if isinstance(one, FileEntry):
            found["entries"].append(row(fs, one))
        else:
            found["problems"].append(one.reason)
    return found


def survey(path: Path) -> dict[str, Any]:
    medium = open_medium(part(path), lambda name: part(path.with_name(name)))
    volumes, problems = list_volumes(medium)
    return {
        "format": medium.format,
        "size": medium.size,
        "volumes": [survey_volume(medium, volume) for volume in volumes],
        "problems": [problem.reason for problem in problems],
    }


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(json.dumps(survey(Path(name))), flush=True)
