"""Acquiring an exhibit, from the gate's begin to its end: check the source, copy, verify, record."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from custody.access import Part, Source, open_evidence
from custody.attachments import keep_attachment
from custody.case import Case
from custody.durable import write_durably
from custody.exhibits import STATES, find_exhibit, open_accesses, validate_ref
from custody.holding import refuse_gone
from custody.ledger.entry import Json
from custody.ledger.errors import CustodyError
from custody.moment import claimed
from custody.opened import text
from custody.target import Target, shown
from forensics.acquire.ata import ask_hidden
from forensics.acquire.copying import Copy, Writer
from forensics.acquire.ewf_writer import LEVELS, SMALLEST_SEGMENT, EwfFacts, EwfWriter
from forensics.acquire.files import ImageFiles
from forensics.acquire.patient import PatientReader
from forensics.acquire.raw_writer import RawWriter
from forensics.commands.acquire_journal import Journal
from forensics.commands.acquired import FILLED, Acquisition, log_text, record_outcome
from forensics.commands.intake import refuse_own_files
from forensics.commands.source_state import (
    SourceState,
    refuse_on_source,
    refuse_writable,
    source_state,
    temperature,
)
from forensics.examine.request import Listener, Progress

FORMATS = ("raw", "split", "e01", "aff4-l")
LOGICAL = "aff4-l"
_DEFAULT_SEGMENT = {"raw": 0, "split": 2 << 30, "e01": 1536 << 20}
_LOOK_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class AcquireOrder:
    """What the examiner asked for, as on the command line."""

    source: Path
    ref: str
    purpose: str
    format: str = "e01"
    folders: tuple[Path, ...] = ()
    description: str = ""
    notes: str = ""
    method: str = ""
    write_blocker: str = ""
    writable: bool = False
    hidden_areas: bool = False
    compression: str = "fast"
    segment_size: int = 0
    retries: int = 2
    jobs: int = 1

    def validate(self) -> None:
        """Refuse what cannot be carried out, before anything is written."""
        validate_ref(self.ref)
        if not self.purpose.strip():
            raise CustodyError("the purpose is empty", "Say why the evidence is read: it stands in the ledger.")
        if self.segment and self.segment < SMALLEST_SEGMENT:
            raise CustodyError(f"segments of {self.segment} bytes are too small", f"At least {SMALLEST_SEGMENT}.")
        if len(set(self.folders)) < len(self.folders):
            raise CustodyError("a folder is named twice with --to", "Name each place once.")

    @property
    def segment(self) -> int:
        """Bytes of a segment at most; 0 for one file."""
        return 0 if self.format in ("raw", LOGICAL) else self.segment_size or _DEFAULT_SEGMENT[self.format]

    @property
    def stem(self) -> str:
        """What the image files are called, without their suffix."""
        return re.sub(r"[^A-Za-z0-9]+", "-", self.ref).strip("-") or "exhibit"

    def settings(self, state: SourceState, places: list[Path]) -> dict[str, str]:
        """What stands in the ledger of how it was done."""
        chosen = {
            "format": self.format,
            "segment_size": str(self.segment or ""),
            "compression": self.compression if self.format == "e01" else "",
            "method": self.method,
            "write_blocker": self.write_blocker,
            "source_state": state.said,
            "writable_permitted": "yes" if self.writable else "",
            "hidden_areas": "asked for" if self.hidden_areas else "",
            "retries": "" if self.format == LOGICAL else str(self.retries),
            "unreadable_sectors_are": "" if self.format == LOGICAL else FILLED,
            "to": "; ".join(shown(str(place)) for place in places),
        }
        return {name: value for name, value in chosen.items() if value}


@dataclass(slots=True)
class _Work:
    """One acquisition under way."""

    case: Case
    order: AcquireOrder
    target: Target
    state: SourceState
    places: list[Path]
    listener: Listener
    settings: dict[str, str]
    journal: Journal

    @classmethod
    def prepare(cls, case: Case, order: AcquireOrder, target: Target, listener: Listener) -> _Work:
        """Check the source and the places; refuse what would be written over."""
        state = source_state(target)
        refuse_writable(target, state, permitted=order.writable)
        places = list(order.folders) or [case.path / "evidence" / f"{order.stem}-image"]
        for place in places:
            refuse_on_source(state, next(folder for folder in (place, *place.absolute().parents) if folder.exists()))
            place.mkdir(parents=True, exist_ok=True)
        settings = order.settings(state, places)
        begun = {"source": _lasting(target, state), "settings": settings, "ref": order.ref}
        journal = Journal(places[0] / f"{order.stem}.acquiring.json", {**begun, "ledger": case.ledger.id.hex()})
        if not journal.earlier:
            refuse_present(order, places)
        return cls(case, order, target, state, places, listener, settings, journal)

    def facts(self, size: int) -> EwfFacts:
        """What an E01 says of the source."""
        words = {
            "a": self.order.description,
            "c": text(self.case.facts.get("number")),
            "n": self.order.ref,
            "e": self.case.person.name if self.case.person else "",
            "t": self.order.notes,
            "md": self.state.facts.get("model", ""),
            "sn": self.state.facts.get("serial", ""),
            "av": "evikit",
        }
        return EwfFacts(
            size,
            self.state.sector_size,
            words,
            self.journal.when,
            self.journal.identifier,
            removable=self.state.facts.get("removable") == "1",
            physical=self.state.kind == "device",
        )

    @contextmanager
    def writers(self, size: int) -> Iterator[list[Writer]]:
        """An image in every place, gone on with where it was stopped."""
        order, made = self.order, list[Writer]()
        with ThreadPoolExecutor(order.jobs) as pool:
            try:
                for number, place in enumerate(self.places):
                    files = ImageFiles(place, self.journal.announce, *self.journal.image(number))
                    if order.format == "e01":
                        shape = {"level": LEVELS[order.compression], "segment_size": order.segment}
                        made.append(EwfWriter(files, order.stem, self.facts(size), pool=pool, **shape))
                    else:
                        made.append(RawWriter(files, order.stem, order.segment))
                    self.journal.writers.append(made[-1])
                yield made
            finally:
                for writer in made:
                    writer.files.close()

    def copy(self, source: Source) -> Acquisition:
        """Copy, verify, and fill in the access's outcome."""
        (part,) = source.parts
        journal, reader = self.journal, PatientReader(part, self.state.sector_size, self.order.retries)
        reader.bad.ranges = [(first, count) for first, count in journal.saved["bad"]]
        source.outcome.basis = "chunks"

        warmth = _Warmth(self.state)
        if self.order.hidden_areas:
            self._ask(part)

        def tell(stage: str, done: int) -> None:
            name = part.name + warmth.now()
            self.listener(Progress(stage, name, done, part.size, 0, reader.bad.count))

        resumed = int(journal.saved["done"])
        with self.writers(part.size) as writers:
            copy = Copy(reader, part.size, writers, journal.durable, tell, done=resumed)
            try:
                copy.run()
            finally:
                source.outcome.read_bytes = copy.done
            wrong = copy.verify()
        for writer in writers:
            writer.files.lock()
        images = [
            [str(place.resolve() / name) for name in writer.files.names]
            for place, writer in zip(self.places, writers, strict=True)
        ]
        done = Acquisition(self.order.ref, part.size, copy.digests, images, reader.bad.ranges, resumed, self.state)
        record_outcome(source, done, wrong)
        return done

    def _ask(self, part: Part) -> None:
        """Ask the disk for areas it hides; what it says stands among the facts of the source."""
        answer = ask_hidden(part.descriptor) if self.state.kind == "device" else None
        if answer is None:
            self.state.facts["hidden_areas"] = (
                "not told: no ATA disk, or what it is behind does not pass the question on"
            )
            return
        known, hidden = answer
        self.state.facts.update(known.facts() | hidden.facts())


class _Warmth:
    """The temperature of a device, looked at every few seconds; the highest stands among the facts of the source."""

    def __init__(self, state: SourceState) -> None:
        self._state, self._at, self._shown, self._highest = state, 0.0, "", -1000

    def now(self) -> str:
        """For people, behind the device's name; "" where nothing tells."""
        moment = time.monotonic()
        if "temperature" in self._state.facts and self._state.place is not None and moment > self._at + _LOOK_SECONDS:
            self._at = moment
            if said := temperature(self._state.place):
                self._shown, degrees = f", {said}", int(said.split()[0])
                if degrees > self._highest:
                    self._highest = degrees
                    self._state.facts["highest_temperature"] = said
        return self._shown


def acquire_exhibit(case: Case, order: AcquireOrder, listener: Listener) -> Acquisition:
    """The whole of `evikit acquire` on an open, unlocked case."""
    target = Target.locate([order.source])
    if target.is_folder:
        raise CustodyError(f"{shown(str(order.source))} is a folder", "Its files go into a container: --format aff4-l.")
    refuse_own_files(case, target)
    known = find_exhibit(case, order.ref)
    if known is not None:
        refuse_gone(case, known.n)
    work = _Work.prepare(case, order, target, listener)
    n = known.n if known is not None else register(case, order, work.state)
    with open_evidence(
        case,
        n,
        target,
        purpose=order.purpose,
        object_="acquisition",
        settings=work.settings,
        manifests=case.receipts,
        resumes=open_accesses(case, n) if work.journal.earlier else (),
    ) as source:
        done = work.copy(source)
    said = log_text(order.source, done, work.settings, claimed(work.journal.when * 1_000_000_000))
    done.log = keep_log(case, n, work.places[0] / f"{order.stem}.acquired.txt", said)
    work.journal.remove()
    return done


def keep_log(case: Case, n: int, path: Path, said: str) -> Path:
    """Write the acquisition in words beside its images, and let the ledger name it by its digest."""
    write_durably(path, said.encode("utf-8", "backslashreplace"), 0o444)
    kept: list[Json] = [keep_attachment(case.receipts, path).described()]
    case.record("note", n, {"kind": "attachment", "text": "log of the acquisition", "attachments": kept})
    return path


def _lasting(target: Target, state: SourceState) -> Json:
    """What a source is known by when it is connected again: a device's node is another one then."""
    if state.kind == "file":
        return target.identities()
    (facts,) = target.identities()
    size = facts.get("bytes") if isinstance(facts, dict) else None
    return {"bytes": size, **{name: state.facts.get(name, "") for name in ("model", "serial", "wwid")}}


def refuse_present(order: AcquireOrder, places: list[Path]) -> None:
    """A place where files of these names are is not used: nothing is ever written over."""
    for place in places:
        found = sorted(path.name for path in place.iterdir() if path.name.startswith(f"{order.stem}."))
        if found:
            raise CustodyError(
                f"{shown(str(place / found[0]))} is there already, and is not written over",
                "Name another place with --to.",
            )


def register(case: Case, order: AcquireOrder, state: SourceState) -> int:
    """Register what is acquired, as an original; its ordinal."""
    return case.register(
        {
            "ref": order.ref,
            "kind": state.kind,
            "description": order.description or None,
            "serial": state.facts.get("serial") or None,
            "state": STATES[0],
        }
    )
