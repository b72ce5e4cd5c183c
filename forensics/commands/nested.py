"""A file inside an exhibit as an exhibit of its own: taken out through the gate, with what belongs to it, registered.

The parts of an image that lie beside it (segments, extents, parents) are found by name in the same directory of the
same volume, as far as the image asks for them.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from custody.access import Part, Source, open_evidence
from custody.case import Case
from custody.durable import sync_folder
from custody.exhibits import Exhibit, find_exhibit, outcomes
from custody.holding import refuse_gone
from custody.ledger.entry import Json
from custody.ledger.errors import CustodyError, IntegrityError
from custody.opened import mapping, text
from forensics.archives import is_archive
from forensics.commands.intake import Order
from forensics.commands.places import listed, path_of, place_of, recorded_parts, run_of, state_read
from forensics.commands.reading_out import read_out
from forensics.examine.pipeline import is_log
from forensics.media import open_medium
from forensics.results import Run
from forensics.results.queries import file_named, volumes

_STATE = "derived"


def taken_out(case: Case, order: Order, parent: Exhibit, inside: str) -> Order:
    """The order to examine what lies at `inside` (PATH or VOLUME:PATH) in `parent`, taken out unless it was before.

    CustodyError where the examination lists no such file; IntegrityError where its bytes are not those of then.
    """
    refuse_gone(case, parent.n)
    run = run_of(case, parent)
    row = _meant(run, inside)
    if row["type"] not in ("file", "virtual"):
        raise CustodyError(f"{row['path']!r} is a {row['type']}, not a file", "Only files are examined further.")
    known = _earlier(case, parent, row)
    ref = order.ref or known or _free_ref(case, parent)
    if known and order.ref not in ("", known):
        raise CustodyError(f"{row['path']!r} was taken out of {parent.ref} as {known}", "Leave --exhibit out.")
    exhibit = find_exhibit(case, ref)
    if exhibit is None:
        folder = case.path / "evidence" / (re.sub(r"[^A-Za-z0-9]+", "-", ref).strip("-") + "-inner")
        _clear(folder, stopped=bool(known))
        first = _Taking(case, parent, run, order, folder).take(row, ref)
        case.register(_registration(order, parent, row, ref))
        return replace(order, ref=ref, paths=(first,), parent="")
    if not known:
        raise CustodyError(f"{ref} is an exhibit already", "Give what is inside a reference of its own.")
    return replace(order, ref=ref, paths=tuple(map(path_of, recorded_parts(case, exhibit)[:1])))


def _meant(run: Run, inside: str) -> dict[str, Any]:
    """The row that PATH or VOLUME:PATH means: what stands before the colon is a volume where there is one."""
    volume, colon, path = inside.partition(":")
    if colon and volume in {found["volume"] for found in volumes([run])}:
        return listed(run, path, volume)
    return listed(run, inside)


def _settings(row: dict[str, Any], ref: str) -> dict[str, str]:
    return {"exhibit": ref, "volume": row["volume"], "meta": row["meta"]}


def _earlier(case: Case, parent: Exhibit, row: dict[str, Any]) -> str:
    """The reference under which the file was taken out before, or ""."""
    found = ""
    for _, values in outcomes(case, parent.n, "access.begin"):
        settings = mapping(values.get("settings"))
        ref = text(settings.get("exhibit"))
        asked = _settings(row, ref).items()
        if values.get("object") == f"image {row['path']}" and ref and asked <= settings.items():
            found = ref
    return found


def _free_ref(case: Case, parent: Exhibit) -> str:
    number = 1
    while find_exhibit(case, f"{parent.ref}/{number}") is not None:
        number += 1
    return f"{parent.ref}/{number}"


def _clear(folder: Path, *, stopped: bool) -> None:
    """What a stop left behind, of an exhibit that was never registered, goes; anything else is not written over."""
    if stopped and folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
    if os.path.lexists(folder):
        raise CustodyError(f"{folder} is there already, and is not written over", "Choose another --exhibit REF.")


def _registration(order: Order, parent: Exhibit, row: dict[str, Any], ref: str) -> dict[str, Json]:
    slip = order.slip()
    return {
        "ref": ref,
        "kind": "image or file",
        "description": order.description or f"{row['path']} in {parent.ref}",
        "state": _STATE,
        "parent": parent.ref,
        "media_digests": {slip.algorithm: slip.value} if slip else None,
    }


@dataclass(slots=True)
class _Taking:
    """One file, and what belongs to it, on the way into a new folder of the case."""

    case: Case
    parent: Exhibit
    run: Run
    order: Order
    folder: Path
    taken: dict[str, Json] = field(default_factory=dict)
    read: int = 0

    def take(self, row: dict[str, Any], ref: str) -> Path:
        """Take out `row` and its further parts as one access of the parent; where the first one is now."""
        with open_evidence(
            self.case,
            self.parent.n,
            place_of(self.case, self.parent),
            purpose=self.order.purpose,
            object_=f"image {row['path']}",
            settings=_settings(row, ref) | state_read(self.case, self.parent),
            manifests=self.case.receipts,
        ) as source:
            try:
                self.folder.mkdir(parents=True)
                first = self._take_parts(source, row)
                sync_folder(self.folder)
            except BaseException:
                shutil.rmtree(self.folder, ignore_errors=True)  # what is not recorded must not lie among what is
                raise
            outcome = source.outcome
            outcome.basis, outcome.read_bytes = "chunks", self.read
            outcome.values |= {
                "path": row["path"],
                "meta": row["meta"],
                "stream": row["stream"] or None,
                "output_digest": [{"name": name, "sha256": value} for name, value in self.taken.items()],
                "match": True if row["sha256"] else None,
            }
        return first

    def _take_parts(self, source: Source, row: dict[str, Any]) -> Path:
        """The file; and, where it is an image, each part that opening it asks for."""
        first = self._take_one(source, row, _file_name(row["path"]))
        with ExitStack() as held:
            part = held.enter_context(_opened(first, self.folder))

            def open_part(name: str) -> Part:
                path = self.folder / name
                if not path.is_file():
                    self._take_one(source, self._beside(row, name), name)
                return held.enter_context(_opened(path, self.folder))

            if not is_log(part) and not is_archive(part):
                open_medium(part, open_part)
        return first

    def _beside(self, row: dict[str, Any], name: str) -> dict[str, Any]:
        """The listed file of that name in the directory of `row`; FileNotFoundError where there is none."""
        folder = row["path"][: row["path"].rfind("/") + 1]
        found = [one for one in file_named([self.run], row["volume"], folder + name) if one["type"] == "file"]
        if not found or ".." in name.split("/"):
            raise FileNotFoundError(name)
        return next((one for one in found if one["allocated"]), found[0])

    def _take_one(self, source: Source, row: dict[str, Any], name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        found = read_out(source, self.run, row, path, self.order.secrets)
        self.read += found.size
        if found.problem:
            raise CustodyError(f"{row['path']} cannot be taken out whole: {found.problem}", "It is not examined.")
        if row["sha256"] not in (None, found.sha256):
            raise IntegrityError(
                f"{row['path']} is not what the examination read: its SHA-256 is {found.sha256}",
                "It is recorded. Find out what changed the evidence.",
            )
        path.chmod(0o444)
        self.taken[name] = found.sha256
        return path


def _file_name(path: str) -> str:
    """A name for the file that cannot leave its folder, and keeps the suffix that segments are found by."""
    return re.sub(r"[\x00-\x1f\x7f/\\:]+", "_", path.rpartition("/")[2]).strip().lstrip(".") or "file"


@contextmanager
def _opened(path: Path, folder: Path) -> Iterator[Part]:
    """A file that was taken out, as a part to look into."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield Part(str(path.relative_to(folder)), os.fstat(descriptor).st_size, descriptor)
    finally:
        os.close(descriptor)
