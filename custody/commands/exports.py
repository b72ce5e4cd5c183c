"""A report in the forms of other programs, as files beside it: each is written, then recorded with its digest."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from custody.case import Case
    from custody.report.exports import Export, ListedFile, Material
    from custody.report.model import Report

FORMS = ("case", "csv", "xlsx", "dfxml")
"""Words of the option: the names in `custody.report.exports.EXPORTS`, known without loading any of them."""
_TIMES, _DIGESTS = ("modified", "accessed", "changed", "created"), ("md5", "sha256")


def write_exports(case: Case, folder: Path, recipient: str, report: Report, names: Sequence[str]) -> dict[str, str]:
    """The files by the word that asked for them; DFXML lists the newest complete run of every exhibit."""
    from custody.disclose import register_digest
    from custody.report.exports import Material, named

    material = Material(report, lambda: listed_files(case.path / "derived"))
    written: dict[str, str] = {}
    for name in dict.fromkeys(names):
        export = named()[name]
        digest = _write(folder / export.FILE, export, material)
        register_digest(case, recipient, "export", export.FILE, digest)
        written[name] = str(folder / export.FILE)
    return written


def _write(path: Path, export: Export, material: Material) -> str:
    """Write it piece by piece, for a list may be of millions; its SHA-256 in hex, when it is on the disk."""
    digest = hashlib.sha256()
    with path.open("xb") as file:
        for piece in export.make(material):
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def listed_files(derived: Path) -> Iterator[ListedFile]:
    """The files of the newest complete run of every exhibit, in the order of the walk."""
    from custody.report.exports import ListedFile
    from forensics.results import current_runs, queries
    from forensics.results.listing import file_json

    for row in map(file_json, queries.files(current_runs(derived))):
        yield ListedFile(
            exhibit=row["exhibit"],
            volume=row["volume"] or "",
            path=f"{row['path']}:{row['stream']}" if row["stream"] else row["path"],
            type=row["type"] or "",
            allocated=bool(row["allocated"]),
            meta=row["meta"] or "",
            size=row["size"] or "",
            times={name: row[name] or "" for name in _TIMES},
            digests={name: row[name] for name in _DIGESTS if row[name]},
        )
