"""One file out of an exhibit, as the examination listed it: from a volume of its image, or out of its folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from custody.access import Source
from forensics.examine.extraction import Extracted, extract_entry
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
    # a folder's file, or a log: its bytes as they are, opened below the evidence root
    part = source.open(os.fsdecode(row["raw_path"]) if row["raw_path"] else row["path"])
    digest, done = hashlib.sha256(), 0
    with output.open("xb") as file:
        while block := part.read_at(done, _BLOCK):
            digest.update(block)
            file.write(block)
            done += len(block)
        file.flush()
        os.fsync(file.fileno())
    return Extracted(done, digest.hexdigest(), "" if done == part.size else "the file became shorter while being read")
