"""One file out of an image, in a child process: libtsk may hang or crash, the command may not."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custody.access import Part, PartOpener
from forensics.engine import UnitFailedError, WorkerPool
from forensics.engine.worker import board
from forensics.examine.unlocking import unlocked_for
from forensics.filesystems import open_entry, open_filesystem
from forensics.media import open_medium
from forensics.model import ExaminationError, FileEntry, Volume
from forensics.results.columns import file_entry
from forensics.volumes.layout import source_of
from forensics.volumes.views import Unlocked, unlocked_medium

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Extracted:
    """What was written: bytes and SHA-256 (hex); `problem` says why it is not the whole file."""

    size: int
    sha256: str
    problem: str


def extract_unit(
    parts: tuple[Part, ...], volume: Volume, entry: FileEntry, target: str, unlocked: tuple[Unlocked, ...] = ()
) -> dict[str, Any]:
    """Write the entry's contents to the new file `target`: {"size", "sha256", "problem"}."""
    granted = {part.name: part for part in parts}

    def open_part(name: str) -> Part:
        if name not in granted:
            raise FileNotFoundError(name)
        return granted[name]

    digest, written, problem = hashlib.sha256(), 0, ""
    with Path(target).open("xb") as file:
        try:
            medium = unlocked_medium(open_medium(parts[0], open_part), unlocked)
            source = source_of(medium, volume, unlocked)
            content = open_entry(open_filesystem(source.medium, source.volume), entry)
            if content.size > max(medium.size, 1 << 30):
                raise ExaminationError(f"it claims {content.size} bytes, more than its medium holds")  # noqa: TRY301
            while written < content.size:
                block = content.read_at(written, min(_BLOCK, content.size - written))
                if not block:
                    raise ExaminationError(f"its contents end after {written} of {content.size} bytes")  # noqa: TRY301
                digest.update(block)
                file.write(block)
                written += len(block)
                board().advance(len(block))
        except (ExaminationError, OSError) as error:
            problem = str(error)
        file.flush()
        os.fsync(file.fileno())
    return {"size": str(written), "sha256": digest.hexdigest(), "problem": problem}


def extract_entry(
    first: Part,
    open_part: PartOpener,
    volume: Mapping[str, Any],
    row: Mapping[str, Any],
    target: Path,
    *,
    secrets: Sequence[bytes] = (),
) -> Extracted:
    """Extract the file that a row of files.parquet stands for, on the volume a row of volumes.parquet stands for.

    `secrets` are passphrases for a volume that was unlocked.
    Raises `ExaminationError` when the medium or the volume cannot be opened or libtsk gives no answer.
    """
    medium = open_medium(first, open_part)
    where = volume_of(volume)
    unlocked = unlocked_for([where], medium.parts, secrets)
    try:
        with WorkerPool(1) as pool:
            answer = pool.submit(
                extract_unit, tuple(medium.parts), where, file_entry(row), str(target.absolute()), unlocked
            ).result()
    except UnitFailedError as error:
        raise ExaminationError(f"{row['path']} could not be extracted: {error}") from error
    return Extracted(int(answer["size"]), answer["sha256"], answer["problem"])


def volume_of(row: Mapping[str, Any]) -> Volume:
    """The volume that a row of volumes.parquet stands for."""
    names = ("offset", "length", "scheme", "description", "filesystem", "label", "problem")
    return Volume(index=row["volume"], **{name: row[name] for name in names})
