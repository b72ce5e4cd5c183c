"""One file out of an exhibit, as the examination listed it: from a volume of its image, or out of its folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from custody.access import FoundFile, Part, Source
from forensics.archives import ArchiveTree, Member, open_archive
from forensics.examine.extraction import Extracted, extract_entry
from forensics.model import ExaminationError
from forensics.results import Run
from forensics.results.queries import volumes

_BLOCK = 1 << 20


def read_out(source: Source, run: Run, row: dict[str, Any], output: Path, secrets: tuple[bytes, ...]) -> Extracted:
    """Write the contents of the file that a row of the files table stands for to the new file `output`.

    Raises `ExaminationError` where medium or volume cannot be opened, and what the gate raises.
    """
    if row["volume"]:
        volume = next(found for found in volumes([run]) if found["volume"] == row["volume"])
        return extract_entry(source.parts[0], source.open, volume, row, output, secrets=secrets)
    if len(source.parts) == 1 and (archive := open_archive(source.parts[0])) is not None:
        with archive.reading(_member(archive, row)) as part:
            return _written(part, output)
    # a folder's file, or a log: its bytes as they are, opened below the evidence root
    return _written(source.open(os.fsdecode(row["raw_path"]) if row["raw_path"] else row["path"]), output)


def _member(archive: ArchiveTree, row: dict[str, Any]) -> FoundFile:
    """The member that the row stands for: by its number, which is its meta address."""
    for found in archive.files():
        if isinstance(found, Member) and str(found.number) == row["meta"]:
            return found
    raise ExaminationError(f"{row['path']} is not in the archive any more", "Take the archive in again.")


def _written(part: Part, output: Path) -> Extracted:
    digest, done = hashlib.sha256(), 0
    with output.open("xb") as file:
        while block := part.read_at(done, _BLOCK):
            digest.update(block)
            file.write(block)
            done += len(block)
        file.flush()
        os.fsync(file.fileno())
    return Extracted(done, digest.hexdigest(), "" if done == part.size else "the file became shorter while being read")
