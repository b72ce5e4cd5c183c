"""A record with everything a report has to show, and hostile strings where an opponent would put them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from custody.ledger.bundle import Bundle, verify_bundle
from custody.ledger.disclosure import compose_bundle
from custody.ledger.entry import Json
from custody.ledger.store import NEW, Row
from custody.ledger.verdict import Trust, Verdict
from custody.report.build import build
from custody.report.model import Cover, EventFound, ExhibitFindings, ProblemFound, Report, VolumeFound
from tests.kit import World

MEDIUM = {"md5": "0a" * 16, "sha1": "1b" * 20, "sha256": "2c" * 32}
OTHER = {"sha256": "3d" * 32}
RESULTS: dict[str, str] = {"files.parquet": "4e" * 32, "events.parquet": "5f" * 32}
HOSTILE = '<script>alert("x")</script> \u202egpj.exe\u202c \x00\x1b[31m &amp; {purpose} </style>'
AUTHOR: dict[str, Json] = {
    "actor": "Ana Kovač",
    "role": "examiner",
    "agency": "Laboratory North",
    "tool": {"name": "evikit", "version": "0.1.0", "python": "3.11.7"},
}


class Lab(World):
    """The small world, with entries as the commands write them."""

    def write(self, kind: str, n: int | None, values: Mapping[str, Json], *answers: Row) -> Row:
        return self.add(kind, n, {**AUTHOR, **values}, re=[row.leaf for row in answers])

    def register(self, values: Mapping[str, Json]) -> int:
        x = self.write("exhibit.register", NEW, values).entry.x
        assert x is not None
        return x.n

    def begin(self, n: int, purpose: str, object_: str) -> Row:
        parts: list[Json] = [{"given": "disk.E01", "path": "/evidence/disk.E01", "name": "disk.E01"}]
        return self.write("access.begin", n, {"purpose": purpose, "object": object_, "parts": parts})

    def end(self, begin: Row, outcome: str, **values: Json) -> Row:
        x = begin.entry.x
        return self.write("access.end", x.n if x else 0, {"outcome": outcome, **values}, begin)


@dataclass
class Shown:
    """A verified bundle, its bytes and its verdict, with findings to go into the report."""

    data: bytes
    verdict: Verdict
    bundle: Bundle | None
    findings: list[ExhibitFindings] = field(default_factory=list)

    def report(self, cover: Cover | None = None) -> Report:
        return build(self.verdict, self.bundle, self.findings, cover or Cover("case.bundle"))


def shown(lab: World, trust: Trust | None = None, *findings: ExhibitFindings, **choice: object) -> Shown:
    data = compose_bundle(lab.ledger, **choice)  # type: ignore[arg-type]
    return Shown(data, *verify_bundle(data, trust or Trust()), findings=list(findings))


def disk_findings(ref: str = "AH/1") -> ExhibitFindings:
    return ExhibitFindings(
        exhibit_ref=ref,
        run="run-7f3a",
        media={"format": "ewf", "size": "1474560", "sector_size": "512"},
        volumes=[
            VolumeFound("1", "32256", "1048576", "NTFS / exFAT (0x07)", "NTFS", "Дневник"),
            VolumeFound("2", "1080832", "393728", "Linux (0x83)", problem="LUKS: encrypted, not read"),
        ],
        counts={"files": 1204, "events": 5310, "artefacts": 88, "problems": 3},
        problems=[
            ProblemFound("volume 1, /Users/ana/şifre.evtx", "parse", "record 7 is cut off at byte 4096"),
            ProblemFound(HOSTILE, "hash", "cannot be read"),
        ],
        timeline=[
            EventFound("2023-02-01T08:00:00.000000000Z", "file created", "/Users/ana/žurnal.txt", "", "UTC"),
            EventFound("2023-02-02T09:30:00Z", "login", "/var/log/auth.log", HOSTILE, "declared"),
            EventFound("2023-02-03T10:00:00Z", "file modified", "/FAT/старо.doc", "", "unknown"),
        ],
        result_digests=RESULTS,
    )


def take_in(lab: Lab) -> int:
    """An E01 with a hand-over slip, read whole, its results recorded."""
    n = lab.register(
        {
            "ref": "AH/1",
            "kind": "disk image",
            "description": "Laptop disk, 1.4 MB",
            "state": "best-evidence",
            "media_digests": {"sha256": MEDIUM["sha256"]},
            "serial": "none visible",
        }
    )
    begin = lab.begin(n, "Find the ledger of payments (order 12/23)", "disk.E01")
    parts: list[Json] = [{"name": "disk.E01", "size": "600000", "sha256": "6a" * 32}]
    lab.end(
        begin,
        "completed",
        basis="whole",
        read_bytes="1474560",
        parts=parts,
        media_digests=dict(MEDIUM),
        expected={"slip": {"sha256": MEDIUM["sha256"]}, "container": {"md5": MEDIUM["md5"]}},
        match=True,
        result_digests=[{"name": name, "sha256": value} for name, value in RESULTS.items()],
        header=[{"name": "examiner_name", "value": "A. Kovač"}, {"name": "notes", "value": HOSTILE}],
    )
    return n


def spoil(lab: Lab) -> None:
    """A second exhibit where everything went wrong."""
    n = lab.register({"ref": "AH/2", "kind": "disk image", "description": HOSTILE, "state": "working-copy"})
    lab.end(lab.begin(n, HOSTILE, "usb.raw"), "failed", error="usb.raw cannot be opened", basis="none", read_bytes="0")
    lab.begin(n, "Second attempt", "usb.raw")
    begin = lab.begin(n, "Third attempt", "usb.raw")
    lab.end(begin, "completed", basis="whole", media_digests=dict(MEDIUM), expected=dict(OTHER), match=False)


def furnished(folder: Path) -> Lab:
    """Two exhibits, notes of both kinds, corrections, verifications, extraction, a failed and an open access."""
    lab = Lab(folder)
    n = take_in(lab)
    seen = lab.write(
        "note", n, {"kind": "observation", "text": "The case is open.\nTwo screws lack.", "location": "lid"}
    )
    lab.write("note", n, {"kind": "opinion", "text": "The disk was taken out before."})
    lab.write("correct", n, {"name": "text", "old": seen.openings["text"].value, "new": "One screw lacks.",
                             "reason": "miscounted"}, seen)  # fmt: skip
    begin = lab.begin(n, "integrity verification", "disk.E01")
    lab.end(begin, "completed", basis="whole", expected=dict(MEDIUM), computed=dict(MEDIUM), match=True)
    begin = lab.begin(n, "Print the letter", "disk.E01")
    lab.end(begin, "completed", basis="chunks", path="/Users/ana/писмо.txt", digest={"sha256": "7b" * 32})
    spoil(lab)
    registered = next(row for row in lab.ledger.rows() if row.entry.type == "exhibit.register")
    lab.write("correct", 1, {"name": "description", "old": "Laptop disk, 1.4 MB", "new": "Floppy image, 1.4 MB",
                             "reason": "mistyped"}, registered)  # fmt: skip
    lab.write("note", 0, {"kind": "observation", "text": HOSTILE})
    lab.write(
        "export", None, {"recipient": "Court of first instance", "document": {"kind": "report", "name": "r.html"}}
    )
    lab.close()
    return lab
