"""A report in the forms of other programs, beside it: each is written, then recorded with its digest. Bags of it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

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
    from forensics.results import current_runs, queries

    return map(listed_file, queries.files(current_runs(derived)))


def listed_file(row: Mapping[str, Any]) -> ListedFile:
    """A row of the files table as exports take it."""
    from custody.report.exports import ListedFile
    from forensics.results.listing import file_json

    shown = file_json(row)
    return ListedFile(
        exhibit=shown["exhibit"],
        volume=shown["volume"] or "",
        path=f"{shown['path']}:{shown['stream']}" if shown["stream"] else shown["path"],
        type=shown["type"] or "",
        allocated=bool(shown["allocated"]),
        meta=shown["meta"] or "",
        size=shown["size"] or "",
        times={name: shown[name] or "" for name in _TIMES},
        digests={name: shown[name] for name in _DIGESTS if shown[name]},
    )


@dataclass(frozen=True)
class Bag:
    """Exhibits to be handed out with the documents in one bag, and why their bytes are read for it."""

    refs: tuple[str, ...]
    purpose: str

    def copy_exhibits(self, case: Case, folder: Path) -> None:
        """Read the exhibits into the new bag, each as an access of its own; the bundle, made later, shows it."""
        from custody.holding import need_present
        from forensics.commands.copying import copy_parts
        from forensics.commands.places import place_of

        found = {exhibit.n: exhibit for exhibit in (need_present(case, ref) for ref in self.refs)}
        places = {n: place_of(case, exhibit) for n, exhibit in found.items()}
        for n, place in places.items():
            copy_parts(case, n, self.purpose, place, folder / "bag" / "data" / "exhibits" / str(n), "bag")

    def discard(self, folder: Path) -> None:
        """Take the copies away again: nothing is handed out. That the exhibits were read stays on record."""
        shutil.rmtree(folder / "bag")

    def finish(self, case: Case, folder: Path, recipient: str, report: Report) -> str:
        """Add the documents and close the bag; the ledger keeps the digest of its manifest."""
        from custody.disclose import register_digest
        from custody.report.bag import MANIFEST, fill_bag
        from custody.report.phrase import plain

        info = {
            "Source-Organization": str(case.facts.get("agency", "")),
            "External-Identifier": report.reference,
            "External-Description": f"{report.title}, for {recipient}. Exhibits: {', '.join(self.refs)}. Digests prove "
            f"nothing by themselves: bundle.json does, by verify.py. Integrity: {report.integrity.headline}.",
            "Bagging-Date": plain(report.dated)[:10],
        }
        documents = sorted(path for path in folder.iterdir() if path.is_file())
        digest = fill_bag(folder / "bag", documents, {name: value for name, value in info.items() if value})
        register_digest(case, recipient, "bag", f"bag/{MANIFEST}", digest)
        return str(folder / "bag")


def bag_from(options: Mapping[str, Any]) -> Bag | None:
    """What --bag and --purpose ask for; None: no bag."""
    if not options["bag"]:
        if options["purpose"]:
            raise click.UsageError("--purpose says why exhibits are read: name them with --bag")
        return None
    if not (options["purpose"] or "").strip():
        raise click.UsageError("--bag reads evidence: --purpose says why")
    return Bag(tuple(dict.fromkeys(options["bag"])), options["purpose"])
