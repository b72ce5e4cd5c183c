"""A case handled as it should be, step by step, to be told with one thing wrong in it.

told = Told()                     # nothing to find
told["offer"].values["seal"] = "B9"
assert told.found() == {("CU-07", "serious", "AH/1")}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from custody.handling import Finding, Record, Settings, examine
from custody.ledger.bundle import Disclosed
from custody.ledger.entry import Entry, Json, b64
from custody.ledger.note import parse_note
from custody.ledger.store import NEW
from custody.ledger.verdict import Trust
from tests.kit import Chronicle, entry_key

START = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
ANA, BORA, CARL = 1, 7, 8
NAMES = {ANA: "Ana Horvat", BORA: "Bora Ilić", CARL: "Carl Novak"}
MEDIA = {"md5": "a" * 32, "sha256": "5" * 64}
FILE = "e" * 64


def moment(text: str) -> dict[str, Json]:
    return {"text": text[:16], "zone": "UTC+01:00", "utc": text}


@dataclass
class Step:
    """One entry: by whom, how many minutes after the beginning, about which exhibit, what it says and answers."""

    name: str
    kind: str
    by: int
    minute: float
    n: int
    values: dict[str, Any] = field(default_factory=dict)
    re: Sequence[str] = ()

    def opened(self) -> dict[str, Json]:
        at = START + timedelta(minutes=self.minute)
        common: dict[str, Json] = {
            "actor": NAMES[self.by], "agency": "Lab", "role": "examiner",
            "claimed_at": f"{at:%Y-%m-%dT%H:%M:%S}.000000000Z",
            "host": {"name": f"desk{self.by}"}, "clock": {"source": "system", "synchronised": "yes", "zone": "UTC"},
            "tool": {"name": "evikit", "version": "1.0"},
        }  # fmt: skip
        return {**common, **self.values}


def _laptop() -> list[Step]:
    seizure = {
        "seized_by": "Ana Horvat", "seized_at": moment("2026-03-10T08:30:00Z"), "place": "Riverside 1", "owner": "X",
        "coordinates": "45.2671, 19.8335",
        "authority": {"authority": "K 12/26", "issued_on": "2026-03-09", "expires_on": "2026-04-30"},
        "clock": {"clock_shown": moment("2026-03-10T08:31:00Z"), "clock_reference": moment("2026-03-10T08:30:00Z")},
    }  # fmt: skip
    registered = {
        "ref": "AH/1", "kind": "laptop", "description": "grey", "state": "original", "seizure": seizure,
        "serial": {"make": "Dell", "model": "X1", "serial": "S-77", "capacity": "1 TB"}, "condition": {"power": "on"},
        "seal": {"number": "B1"}, "authority": "K 12/26",
    }  # fmt: skip
    blocker = {"write_blocker": "WB 7, tested 2026-03-01", "source_state": "read-only", "format": "e01"}
    read = {"outcome": "completed", "basis": "whole", "media_digests": MEDIA, "computed": MEDIA, "match": True}
    return [
        Step("laptop", "exhibit.register", ANA, 0, NEW, registered),
        Step("shelf", "exhibit.move", ANA, 1, 1, {"storage_to": "Room 1"}),
        Step("offer", "transfer.offer", ANA, 60, 1, {"seal": "B1", "to_person": NAMES[BORA], "condition": "good"}),
        Step("accept", "transfer.accept", BORA, 70, 1, {"seal": "B1", "condition": "good"}, ["offer"]),
        Step("safe", "exhibit.move", BORA, 75, 1, {"storage_from": "Room 1", "storage_to": "Safe 2"}),
        Step("open", "exhibit.open", BORA, 80, 1, {"seal": {"number": "B1"}, "reason": "to copy the disk"}),
        Step("copying", "access.begin", BORA, 81, 1,
             {"purpose": "Copy the disk of the laptop", "object": "acquisition", "settings": blocker}),
        Step("copied", "access.end", BORA, 140, 1, {**read, "read_bytes": "1000204886016"}, ["copying"]),
        Step("reseal", "exhibit.seal", BORA, 145, 1, {"seal": {"number": "B2"}}),
    ]  # fmt: skip


def _image() -> list[Step]:
    parts = [{"name": "AH-2.E01", "sha256": FILE}, {"name": "AH-2.E02", "sha256": "f" * 64}]
    header = [{"name": "case_number", "value": "C-1"}, {"name": "evidence_number", "value": "AH/1"},
              {"name": "acquiry_date", "value": "2026-03-10T11:20:00Z"}]  # fmt: skip
    examined = {
        "outcome": "completed", "basis": "whole", "media_digests": MEDIA, "computed": MEDIA, "match": True,
        "expected": {"slip": {"sha256": MEDIA["sha256"]}, "container": {"md5": MEDIA["md5"]}}, "parts": parts,
        "header": header, "read_bytes": "1000204886016",
        "result_digests": [{"name": "manifest.json", "sha256": "1" * 64}],
    }  # fmt: skip
    begun = {"purpose": "Find the invoice that was changed", "object": "whole exhibit",
             "settings": {"zone": "Europe/Belgrade"}}  # fmt: skip
    checked = {"outcome": "completed", "basis": "whole", "computed": MEDIA, "expected": MEDIA, "match": True}
    verifying = {"purpose": "integrity verification", "object": "media", "settings": {}}
    registered = {"ref": "AH/2", "kind": "image or file", "state": "working-copy", "parent": "AH/1"}
    return [
        Step("image", "exhibit.register", BORA, 150, NEW, registered),
        Step("reading", "access.begin", BORA, 151, 2, begun),
        Step("read", "access.end", BORA, 180, 2, examined, ["reading"]),
        Step("verifying", "access.begin", CARL, 190, 2, verifying),
        Step("verified", "access.end", CARL, 200, 2, checked, ["verifying"]),
        Step("saw", "note", BORA, 210, 2, {"kind": "observation", "text": "changed on 2026-02-03 10:00 UTC"}),
        Step("thinks", "note", BORA, 211, 2, {"kind": "opinion", "text": "by the owner"}, ["saw"]),
    ]  # fmt: skip


def _end() -> list[Step]:
    gone = {"recipient": "X", "authority": "K 12/26", "witness": "Dana", "copies": "AH/2 is kept", "reason": "closed"}
    document = {"kind": "report", "name": "report.html", "sha256": "9" * 64}
    return [
        Step("made", "export", BORA, 220, 0, {"recipient": "the court", "document": {"kind": "report"},
                                             "bundle_digest": {"sha256": "8" * 64}, "checkpoint_size": "20"}),
        Step("report", "export", BORA, 221, 0, {"recipient": "the court", "document": document}),
        Step("returned", "exhibit.return", BORA, 1440, 1, gone),
    ]  # fmt: skip


class Told:
    """The steps by name; change, drop or add some, then ask what the rules find."""

    def __init__(self) -> None:
        self.steps = [*_laptop(), *_image(), *_end()]
        self.case: dict[str, Json] = {"number": "C-1", "agency": "Lab", "zone": "Europe/Belgrade"}
        self.settings = Settings()

    def __getitem__(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)

    def drop(self, *names: str) -> Told:
        self.steps = [step for step in self.steps if step.name not in names]
        return self

    def after(self, name: str, *steps: Step) -> Told:
        place = self.steps.index(self[name]) + 1
        self.steps[place:place] = steps
        return self

    def chronicle(self) -> Chronicle:
        first = Step("genesis", "genesis", ANA, -10, 0, {"case": self.case})
        history = Chronicle(opened=first.opened())
        for number in (BORA, CARL):
            person: dict[str, Json] = {"name": NAMES[number], "agency": "Lab"}
            history.enrol(number, opened=Step("", "", ANA, -5, 0, {"person": person}).opened())
        leaves: dict[str, bytes] = {}
        for step in self.steps:
            values = step.opened()
            if step.kind == "transfer.offer":
                to = next(number for number, name in NAMES.items() if name == values["to_person"])
                values |= {"to_key": b64(entry_key(to).key), "challenge": b64(bytes(32))}
            settings = values.get("settings")
            if isinstance(settings, dict) and settings.get("offer") in leaves:  # a step's name: salts differ every time
                values["settings"] = {"offer": leaves[str(settings["offer"])].hex()}
            n = None if step.kind == "export" else step.n
            re = [leaves[name] for name in step.re]
            leaves[step.name] = history.add(step.kind, n, values, re=re, key=entry_key(step.by))
        history.close()
        return history

    def record(self, *, closed: Mapping[str, Sequence[str]] | None = None, anchored: bool = False) -> Record:
        """The record as verified. `closed`: names of fields not shown, by type of entry ("*": of all)."""
        history = self.chronicle()
        trust = Trust().with_anchor(parse_note(history.notes[-1])) if anchored else Trust()
        verdict = history.verify(trust)
        assert not verdict.failed, verdict.failed
        rows = []
        for index, (payload, _, leaf, openings) in enumerate(history.rows):
            entry = Entry.parse(payload)
            hidden = {*(closed or {}).get("*", ()), *(closed or {}).get(entry.type, ())}
            rows.append(Disclosed(index, leaf, entry, {k: v for k, v in openings.items() if k not in hidden}))
        return Record.read(rows, verdict, self.settings, complete=not closed)

    def findings(self, **given: Any) -> list[Finding]:
        return [finding for finding in examine(self.record(**given)) if not finding.rule.unbuilt]

    def found(self, **given: Any) -> set[tuple[str, str, str]]:
        """(code, severity, exhibit) of everything found."""
        return {(item.code, str(item.severity), item.exhibit) for item in self.findings(**given) if item.checked}
