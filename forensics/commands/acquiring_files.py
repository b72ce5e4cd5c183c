"""Acquiring the files of a folder into an AFF4-L container, from the gate's begin to its end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from custody.access import Source, open_evidence
from custody.case import Case
from custody.exhibits import find_exhibit, media_digests, open_accesses
from custody.holding import refuse_gone
from custody.ledger.errors import CustodyError, IntegrityError
from custody.moment import claimed
from custody.opened import text
from custody.target import Target, shown
from forensics.acquire.files import ImageFiles
from forensics.acquire.logical import Gathered, full, gather, verified
from forensics.acquire.logical_writer import LogicalWriter
from forensics.acquire.patient import AcquisitionError
from forensics.commands.acquire_journal import Journal
from forensics.commands.acquiring import AcquireOrder, keep_log, refuse_present, register
from forensics.commands.intake import refuse_own_files
from forensics.commands.source_state import SourceState, folder_state
from forensics.examine.request import Listener, Progress

_SHOWN = 20


@dataclass(slots=True)
class FilesAcquired:
    """What came of it."""

    ref: str
    gathered: Gathered
    containers: list[str]
    state: SourceState
    begun_anew: bool
    log: Path | None = None

    @property
    def incomplete(self) -> bool:
        """Whether something could not be read."""
        return bool(self.gathered.problems)

    def facts(self) -> dict[str, object]:
        """As people are told it."""
        done = self.gathered
        what = f"{done.files:,} files ({done.size:,} bytes), {done.folders:,} folders, {done.others:,} links and others"
        return {
            "exhibit": f"{self.ref} ({what}; source {self.state.said})",
            "container": ", ".join(self.containers),
            **done.digests,
            "verified": "every file was read again from it and has its digests",
            "unreadable": f"{len(done.problems):,}" + (" (listed)" if done.problems else ""),
            "log": str(self.log),
        }

    def remarks(self) -> list[str]:
        """What else should be known."""
        found = [f"{path}: {reason}" for path, reason in self.gathered.problems[:5]]
        if len(self.gathered.problems) > len(found):
            found.append(f"and {len(self.gathered.problems) - len(found):,} more, which the log lists")
        return found + (["begun anew: a container that was stopped is not gone on with"] if self.begun_anew else [])

    def json_object(self) -> dict[str, Any]:
        """As `--json` prints it."""
        done = self.gathered
        return {
            "exhibit": self.ref,
            "files": done.files,
            "folders": done.folders,
            "others": done.others,
            "size": str(done.size),
            **done.digests,
            "images": [[name] for name in self.containers],
            "unreadable": [{"path": path, "reason": reason} for path, reason in done.problems],
            "begun_anew": self.begun_anew,
            "source": {"kind": self.state.kind, "state": self.state.said, **self.state.facts},
            "log": str(self.log) if self.log else None,
        }


class _Made:
    """The files of one container, as the journal knows images."""

    def __init__(self, files: ImageFiles) -> None:
        self.files = files


def acquire_files(case: Case, order: AcquireOrder, listener: Listener) -> FilesAcquired:
    """The whole of `evikit acquire` of a folder, on an open, unlocked case."""
    target = Target.locate([order.source])
    if not target.is_folder:
        raise CustodyError(f"{shown(str(order.source))} is no folder", "Name a folder, or choose another --format.")
    refuse_own_files(case, target)
    known = find_exhibit(case, order.ref)
    if known is not None:
        refuse_gone(case, known.n)
        if media_digests(case, known.n):
            raise CustodyError(
                f"{order.ref} has media on record already", "Acquire the folder under a reference of its own."
            )
    state = folder_state(target.root)
    places = _places(case, order, target)
    settings = order.settings(state, places)
    begun = {"source": [str(target.root)], "settings": settings, "ref": order.ref, "ledger": case.ledger.id.hex()}
    journal = Journal(places[0] / f"{order.stem}.acquiring.json", begun)
    if not journal.earlier:
        refuse_present(order, places)
    n = known.n if known is not None else register(case, order, state)
    with open_evidence(
        case,
        n,
        target,
        purpose=order.purpose,
        object_="acquisition",
        settings=settings,
        manifests=case.receipts,
        resumes=open_accesses(case, n) if journal.earlier else (),
    ) as source:
        done = _copied(case, order, source, places, journal, listener)
        acquired = FilesAcquired(order.ref, done[0], done[1], state, journal.earlier)
        _record(source, acquired, done[2])
    said = _log_text(order, acquired, settings, claimed(journal.when * 1_000_000_000))
    acquired.log = keep_log(case, n, places[0] / f"{order.stem}.acquired.txt", said)
    journal.remove()
    return acquired


def _places(case: Case, order: AcquireOrder, target: Target) -> list[Path]:
    """The folders the containers go to; none of them inside what is copied."""
    places = list(order.folders) or [case.path / "evidence" / f"{order.stem}-image"]
    for place in places:
        if place.resolve().is_relative_to(target.root):
            raise CustodyError(
                f"{shown(str(place))} is inside the folder that is copied", "Name a place on another disk with --to."
            )
        place.mkdir(parents=True, exist_ok=True)
    return [place.resolve() for place in places]


def _copied(  # noqa: PLR0917 - whose, what, from where, to where, and who is told
    case: Case, order: AcquireOrder, source: Source, places: list[Path], journal: Journal, listener: Listener
) -> tuple[Gathered, list[str], list[str]]:
    """Copy and read again: what came of it, the containers, and what is wrong with them."""
    name, done = f"{order.stem}.aff4", Gathered()
    source.outcome.basis = "chunks"

    def tell(stage: str, size: int, files: int) -> None:
        listener(Progress(stage, "", size, size if stage == "copying" else done.size, files, len(done.problems)))

    with _made(places, journal) as files:
        for one in files:
            one.begin(name)
        try:
            with LogicalWriter(_append_to(files), places[0], f"aff4://{_urn(journal)}") as writer:
                gather(source, writer, done, tell)
                writer.finish(_about(case, order), f"evikit {version('evikit')}")
        except AcquisitionError as error:
            raise full(error) from error
        finally:
            source.outcome.read_bytes = done.size
        for one in files:
            one.close()
        wrong = verified(files, done, tell)
        for one in files:
            one.lock()
    return done, [str(place / name) for place in places], wrong


@contextmanager
def _made(places: list[Path], journal: Journal) -> Iterator[list[ImageFiles]]:
    """The containers' files; what a stopped acquisition left of them is removed first."""
    files: list[ImageFiles] = []
    try:
        for number, place in enumerate(places):
            _, announced = journal.image(number)
            files.append(ImageFiles(place, journal.announce, [], announced))
            journal.writers.append(_Made(files[-1]))
        yield files
    finally:
        for one in files:
            one.close()


def _append_to(files: list[ImageFiles]) -> Any:
    def append(data: bytes) -> None:
        for one in files:
            one.append(data)

    return append


def _urn(journal: Journal) -> str:
    digits = journal.identifier.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _about(case: Case, order: AcquireOrder) -> dict[str, str]:
    """The acquisition by the properties of the standard."""
    return {
        "aff4:caseNumber": text(case.facts.get("number")),
        "aff4:evidenceNumber": order.ref,
        "aff4:examiner": case.person.name if case.person else "",
        "aff4:caseDescription": order.description,
        "aff4:notes": order.notes,
    }


def _record(source: Source, done: FilesAcquired, wrong: list[str]) -> None:
    """What the access came to: into its outcome."""
    outcome, found = source.outcome, done.gathered
    outcome.basis = "chunks" if found.problems else "whole"
    facts = [*done.state.facts.items(), ("files", str(found.files)), ("bytes", str(found.size))]
    outcome.values |= {
        "media_digests": {**found.digests},
        "computed": {**found.digests},
        "match": not wrong,
        "header": [{"name": name, "value": value} for name, value in facts],
        "output_digest": [
            {
                "name": shown(name),
                **({} if shown(name) == name else {"raw": os.fsencode(name).hex()}),
                "sha256": found.digests.get("sha256"),
            }
            for name in done.containers
        ],
    }
    if found.problems:
        listed = "; ".join(f"{path}: {reason}" for path, reason in found.problems[:_SHOWN])
        outcome.partial = f"{len(found.problems)} files or folders could not be read whole: {listed}"[:2000]
    if wrong:
        raise IntegrityError("; ".join(wrong[:3]), "Check that disk; acquire again to another place.")


def _log_text(order: AcquireOrder, done: FilesAcquired, settings: dict[str, str], begun: str) -> str:
    """The acquisition in words, for the file beside the container: everything that could not be read is in it."""
    found = done.gathered
    lines = [f"Acquisition of {done.ref} by evikit", f"begun: {begun}", f"source: {shown(str(order.source))}"]
    lines += [f"{name}: {value}" for name, value in (*done.state.facts.items(), *settings.items())]
    lines += [f"files: {found.files}", f"bytes: {found.size}", f"folders: {found.folders}", f"others: {found.others}"]
    lines += [f"container: {shown(name)}" for name in done.containers]
    lines += [f"{name} of the container: {value}" for name, value in found.digests.items()]
    lines.append(f"could not be read whole: {len(found.problems)}")
    lines += [f"  {path}: {reason}" for path, reason in found.problems]
    return os.linesep.join(lines) + os.linesep
