"""A working copy: read once through the gate, written into the case, verified by reading it back."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from custody.access import Part, open_evidence
from custody.case import Case
from custody.durable import sync_folder
from custody.ledger.entry import Json
from custody.ledger.errors import CustodyError, IntegrityError
from custody.target import Target, shown
from forensics.commands.rehash import all_parts

_BLOCK = 1 << 20


def copy_of(case: Case, n: int, ref: str, purpose: str, target: Target) -> Target:
    """Copy the exhibit's files into the case (mode 0444), verify the copy, and return it as the new target."""
    if target.is_folder:
        raise CustodyError("--copy makes working copies of images and files, not of folders", "Leave --copy out.")
    slug = re.sub(r"[^A-Za-z0-9]+", "-", ref).strip("-") or "exhibit"
    folder = case.path / "evidence" / f"{slug}-{n}"
    if folder.exists():
        raise CustodyError(
            f"there is a working copy of {ref} in {folder} already", "Examine that one: leave --copy out."
        )
    copy_parts(case, n, purpose, target, folder, "working-copy")
    return Target.locate([folder / name for name in target.names])


def copy_parts(  # noqa: PLR0917 - whose, what for, from where, to where, as what
    case: Case, n: int, purpose: str, target: Target, folder: Path, kind: str
) -> None:
    """Copy the exhibit's files into a new folder (mode 0444), verified by reading them back, as one access."""
    if target.is_folder:
        raise CustodyError("the exhibit is a folder: only images and files are copied", "Carry it by itself.")
    with open_evidence(
        case, n, target, purpose=purpose, object_="copying", settings={"copy": kind}, manifests=case.receipts
    ) as source:
        parts = all_parts(source)
        folder.mkdir(parents=True)
        digests: list[Json] = [{"name": shown(part.name), "sha256": _copy(part, folder)} for part in parts]
        sync_folder(folder)
        source.outcome.basis = "whole"
        source.outcome.read_bytes = sum(part.size for part in parts)
        source.outcome.values |= {"output_digest": digests, "match": True}


def _copy(part: Part, folder: Path) -> str:
    """Copy one file; SHA-256 of what was read, which is also that of what was written."""
    path, read = folder / part.name, hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)  # a parent's name may lead into a folder below
    with path.open("xb") as file:
        for offset in range(0, part.size, _BLOCK):
            block = part.read_at(offset, min(_BLOCK, part.size - offset))
            read.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o444)
    with path.open("rb") as file:
        written = hashlib.file_digest(file, "sha256").hexdigest()
    if written != read.hexdigest():
        raise IntegrityError(f"the copy {path} differs from what was read", "Check that disk; copy again.")
    return written
