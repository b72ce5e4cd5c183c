"""The fast reader's answer and libtsk's for the same volume, as lists of rows and problems."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from forensics.direct.reading import Reading, read_directly, read_through_library
from forensics.filesystems import FileSystem, open_filesystem
from forensics.media import Medium, open_medium
from forensics.model import Problem
from forensics.volumes import list_volumes
from tests.forensics.images import part


class Kept:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.problems: list[Problem] = []

    def begin(self) -> None:
        self.rows = []

    def take(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.to_pylist()

    def problem(self, problem: Problem) -> None:
        self.problems.append(problem)

    def reached(self, count: int, path: str) -> None:
        pass


def volumes(path: Path) -> tuple[Medium, list[FileSystem]]:
    medium = open_medium(part(path), lambda name: part(path.with_name(name)))
    found = [volume for volume in list_volumes(medium)[0] if volume.filesystem.startswith(("Ext", "NTFS"))]
    return medium, [open_filesystem(medium, volume) for volume in found]


def both(medium: Medium, fs: FileSystem) -> tuple[Reading, Kept, Kept]:
    """What the fast reader said of itself, its rows, and libtsk's."""
    direct, libtsk = Kept(), Kept()
    reading = read_directly(fs, medium, "X/1", direct)
    read_through_library(fs, "X/1", libtsk)
    return reading, direct, libtsk
