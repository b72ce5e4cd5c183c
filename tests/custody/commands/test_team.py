# ruff: noqa: RUF001 - names and places in Cyrillic and Turkish
"""A case played by five persons on three key stores, from the search to the court, with what goes wrong on the way."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.console import Lab, Told
from tests.forensics.images import fat12

ANA, CAGLA = "Ana Kovač", "Çağla Işık"
BOJAN, DRITA = "Бојан Петровић", "Drita Gjoçaj"
MUHAMMAD = "محمد عبد الله"
STORES = {ANA: "lab", CAGLA: "lab", BOJAN: "police", DRITA: "police", MUHAMMAD: "court"}
AGENCIES = {"lab": "Invented Laboratory", "police": "Измислена полиција", "court": "محكمة مخترعة"}
ROLES = {CAGLA: "exhibits-officer", DRITA: "investigator", MUHAMMAD: "court"}

FORM = """
kind = "laptop"
description = "Сив лаптоп"
storage = "car 7"
[identification]
make = "Invented Maker"
serial = "PF-1"
[condition]
power = "on"
screen = "locked"
[seizure]
seized_by = "Бојан Петровић"
witness = "Drita Gjoçaj"
seized_at = 2026-03-10T08:15:00+01:00
place = "Rruga e Shpikur 12"
owner = "محمد أحمد"
[authority]
authority = "Warrant 17/2026"
issued_on = 2026-03-01
expires_on = 2026-03-31
[clock]
clock_shown = "2026-03-10T08:17:00+01:00"
clock_reference = "2026-03-10T08:15:00+01:00"
[seal]
seal = "B-1"
"""


class Team:
    """Five persons who act by name, each from the key store that holds their key."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def __call__(self, who: str, *words: str | Path) -> Told:
        return self.lab.run(*words, "--as", who, EVIKIT_HOME=str(self.lab.folder / STORES[who]))

    def ok(self, who: str, *words: str | Path, code: int = 0) -> Told:
        told = self(who, *words)
        assert told.code == code, (words, told)
        return told

    def request(self, who: str, *words: str) -> Path:
        file = self.lab.folder / f"request-{len(list(self.lab.folder.glob('request-*')))}.json"
        facts = ["--name", who, "--agency", AGENCIES[STORES[who]], "--role", ROLES.get(who, "examiner")]
        self.ok(who, "person", "request", *facts, "-o", file, *words)
        return file

    def enrol(self, file: Path) -> None:
        """Enrolled by Ana, approved by Bojan."""
        entry = self.ok(ANA, "person", "enrol", file, "--json").json["entry"]
        self.ok(BOJAN, "ledger", "approve", entry)

    def stands(self, ref: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ok(MUHAMMAD, "exhibit", "show", ref, "--json").json
        return found

    def verdict(self, *words: str | Path) -> dict[str, Any]:
        told = self(MUHAMMAD, "ledger", "verify", "--json", *words)
        found: dict[str, Any] = told.json
        assert (told.code, found["verdict"]) == (0, "INTACT WITH NOTES" if not words else found["verdict"]), told
        assert found["verdict"] != "BROKEN", told
        return found


@pytest.fixture
def team(empty_lab: Lab) -> Team:
    return Team(empty_lab)


def gather(team: Team) -> None:
    """Two governors begin the case; three more persons are enrolled, none of them twice."""
    founder = team.request(BOJAN, "--founder")
    words = ("--number", "17/2026", "--agency", AGENCIES["lab"], "--examiner", ANA, "--governor", founder)
    team.ok(ANA, "init", team.lab.case, *words)
    requests = {who: team.request(who) for who in (CAGLA, DRITA, MUHAMMAD)}
    team.ok(ANA, "person", "enrol", requests[CAGLA])
    team(CAGLA, "note", "too early").refused(1, "waits for approval")
    team.ok(BOJAN, "ledger", "approve")
    for who in (DRITA, MUHAMMAD):
        team.enrol(requests[who])
    team(ANA, "person", "enrol", requests[DRITA]).refused(1, "is enrolled already")
    team(ANA, "person", "enrol", team.request(DRITA, "--new-key")).refused(1, DRITA, "is enrolled already")
    team(DRITA, "person", "enrol", requests[CAGLA]).refused(1, "only a governor")


def seize(team: Team) -> None:
    """Bojan takes a laptop by a form, a phone by options, and later the laptop's disk."""
    form = team.lab.folder / "laptop.toml"
    form.write_text(FORM, "utf-8")
    team.ok(BOJAN, "exhibit", "register", "БП/1", "--from", form, "--no-prompt")
    late = ["--kind", "телефон", "--seized-at", "2026-03-10 08:40", "--seal", "B-2", "--authority", "Warrant 3/2026"]
    told = team.ok(BOJAN, "exhibit", "register", "БП/2", "--no-prompt", *late, "--expires-on", "2026-02-28", code=4)
    assert "the authority expired on 2026-02-28" in told.err
    team(BOJAN, "exhibit", "register", "БП/1", "--no-prompt").refused(1, "is registered already")
    team.ok(BOJAN, "exhibit", "label", "БП/1", "БП/2", "--size", "roll", "-o", team.lab.folder / "labels.html")
    assert team.stands("БП/1")["registered"]["seizure"]["clock"]["clock_offset"] == "+120 s"


def bring_in(team: Team) -> None:
    """The laptop goes to the exhibits officer: another person takes it, and a bag with another number is offered."""
    offer = ("exhibit", "offer", "БП/1", "--to", CAGLA)
    accept = ("exhibit", "accept", "БП/1", "--condition", "dry", "--no-media", "the bag stays sealed", "--seal")
    team(ANA, *offer).refused(1, f"is held by {BOJAN}")
    team.ok(BOJAN, *offer)
    team(DRITA, *accept, "B-1").refused(1, f"offered to {CAGLA}", "not to your key")
    team(CAGLA, *accept, "B-7").refused(1, "the seal found is B-7, on record is B-1")
    team.ok(CAGLA, "exhibit", "refuse", "БП/1", "--reason", "the bag bears B-7")
    team(CAGLA, *accept, "B-1").refused(1, "is offered to nobody")
    team.ok(BOJAN, *offer)
    team.ok(BOJAN, "exhibit", "withdraw", "БП/1", "--reason", "the bag is looked for")
    team.ok(BOJAN, *offer)
    team.ok(CAGLA, *accept, "B-1")
    team.ok(CAGLA, "exhibit", "move", "БП/1", "--to", "Kanıt odası 2")
    now = team.stands("БП/1")
    assert (now["holder"], now["seal"], now["storage"]) == (CAGLA, "B-1", "Kanıt odası 2")


def take_apart(team: Team) -> None:
    """The disk is taken out of the laptop, which is sealed again; an image of the disk comes from the disk."""
    team(CAGLA, "exhibit", "open", "БП/1", "--seal", "B-2", "--reason", "take out the disk").refused(
        1, "on record is B-1"
    )
    team.ok(CAGLA, "exhibit", "open", "БП/1", "--seal", "B-1", "--reason", "take out the disk")
    disk = ("--kind", "disk", "--parent", "БП/1", "--serial", "D-9", "--seal", "B-3")
    team.ok(CAGLA, "exhibit", "register", "БП/3", "--no-prompt", *disk)
    team(CAGLA, "exhibit", "seal", "БП/1", "--seal", "B-1").refused(1, "B-1 was used before")
    team.ok(CAGLA, "exhibit", "seal", "БП/1", "--seal", "B-4")
    team.lab.stick("disk.raw")
    image = ("--exhibit", "AK/1", "--parent", "БП/3", "--purpose", "find the couriers")
    team.ok(ANA, "ingest", team.lab.evidence / "disk.raw", *image)
    copy = ("--parent", "AK/1", "--state", "working-copy", "--kind", "image")
    team.ok(ANA, "exhibit", "register", "AK/2", "--no-prompt", *copy)
    tree = [line["ref"] for line in team.ok(DRITA, "exhibit", "list", "--json").lines]
    assert tree == ["БП/1", "БП/3", "AK/1", "AK/2", "БП/2"]


def examine(team: Team) -> None:
    """What Ana saw, what she makes of it, and a mistake put right."""
    here = ("--exhibit", "AK/1")
    seen = team.ok(ANA, "note", "A greeting", *here, "--path", "HELLO.TXT", "--json").json["entry"]
    team.ok(ANA, "note", "They met", *here, "--kind", "opinion", "--about", seen)
    team.ok(ANA, "correct", seen, "text", "--new", "A greeting in Albanian", "--reason", "language left out")
    team.ok(ANA, "extract", "AK/1", "HELLO.TXT", "--purpose", "read the greeting")
    notes = team.stands("AK/1")["notes"]
    assert [(note["kind"], note["who"]) for note in notes] == [("observation", ANA), ("opinion", ANA)]
    assert notes[0]["text"] == "A greeting in Albanian"


def relocate(team: Team) -> None:
    """The image goes to other storage; something else lies there first."""
    place = team.lab.put("nas/disk.raw", fat12()[:-1] + b"!")
    team(ANA, "exhibit", "relocate", "AK/1", place).refused(3, "is not AK/1")
    shutil.copyfile(team.lab.evidence / "disk.raw", place)
    (team.lab.evidence / "disk.raw").unlink()
    team.ok(ANA, "exhibit", "relocate", "AK/1", place)
    team.ok(ANA, "verify", "AK/1")


def hand_on(team: Team) -> None:
    """Drita takes the image over by her own reading; other media are not taken."""
    team.ok(ANA, "exhibit", "offer", "AK/1", "--to", DRITA)
    other = team.lab.put("copy/disk.raw", fat12()[::-1])
    accept = ("exhibit", "accept", "AK/1", "--seal", "none", "--condition", "a copy on a stick")
    team(DRITA, *accept, other).refused(3, "not the media that were offered")
    team.ok(DRITA, *accept)
    assert team.stands("AK/1")["holder"] == DRITA


def lose_a_key(team: Team) -> None:
    """Drita's key is revoked: what a kept head covers stands, the rest is disputed; with a new key she goes on."""
    early = team.ok(DRITA, "note", "early", "--exhibit", "AK/1", "--json").json["entry"]
    head = team.lab.folder / "head.txt"
    size = team.ok(ANA, "ledger", "checkpoint", "-o", head, "--json").json["size"]
    late = team.ok(DRITA, "note", "late", "--exhibit", "AK/1", "--json").json["entry"]
    doubt = ("person", "revoke", DRITA, "--from", str(size), "--reason", "laptop stolen", "--json")
    entry = team.ok(ANA, *doubt).json["entry"]
    team.ok(DRITA, "note", "still in force")  # one signature of two
    team.ok(BOJAN, "ledger", "approve", entry)
    team(DRITA, "note", "with a stolen key").refused(1, "is revoked")
    found = team.verdict("--anchor", head)
    disputed = {item["index"] for item in found["problems"] if item["kind"] == "disputed"}
    assert int(late) in disputed
    assert int(early) not in disputed
    team.enrol(team.request(DRITA, "--new-key"))
    team.ok(DRITA, "exhibit", "offer", "AK/1", "--to", ANA)  # what she took with the old key is still hers
    team.ok(ANA, "exhibit", "accept", "AK/1", "--seal", "none", "--condition", "as given")


def end(team: Team) -> None:
    """The laptop goes back, the phone is destroyed; nobody reads, seals or offers what has left."""
    go = ("--authority", "Decision 5/2026", "--reason", "closed", "--witness", MUHAMMAD)
    team(BOJAN, "exhibit", "return", "БП/1", "--to", "the owner", *go).refused(1, f"held by {CAGLA}, not by you")
    told = team.ok(CAGLA, "exhibit", "return", "БП/1", "--to", "محمد أحمد", *go, code=4)
    assert "БП/3 came from it and is not accounted for" in told.err
    team.ok(BOJAN, "exhibit", "dispose", "БП/2", "--method", "shredded", *go)
    for words in (
        ["ingest", team.lab.evidence / "nas" / "disk.raw", "--exhibit", "БП/2", "--purpose", "once more"],
        ["verify", "БП/2"],
        ["exhibit", "seal", "БП/2", "--seal", "B-9"],
        ["exhibit", "offer", "БП/2", "--to", CAGLA],
        ["exhibit", "label", "БП/2", "-o", team.lab.folder / "late.html"],
        ["exhibit", "dispose", "БП/2", "--method", "shredded", *go],
    ):
        team(BOJAN, *words).refused(1, "БП/2 was disposed of (shredded)")
    assert [line["ref"] for line in team.ok(ANA, "exhibit", "list", "--json").lines] == ["БП/3", "AK/1", "AK/2"]


def go_to_court(team: Team) -> None:
    """The report, and the bundle held against an anchor of the court's own."""
    folder = team.lab.folder / "report"
    team.ok(ANA, "report", "-o", folder, "--for", MUHAMMAD)
    anchor = (folder / "fingerprint.txt").read_text().strip()
    told = team.ok(MUHAMMAD, "bundle", "verify", folder / "bundle.json", "--anchor", anchor, "--json")
    assert told.json["verdict"] != "BROKEN"
    page = (folder / "report.html").read_text("utf-8")
    assert all(name in page for name in STORES)


ACTS: tuple[Callable[[Team], None], ...] = (
    gather, seize, bring_in, take_apart, examine, relocate, hand_on, lose_a_key, end, go_to_court,
)  # fmt: skip


def test_five_persons_play_a_case_on_three_key_stores(team: Team) -> None:
    for act in ACTS:
        act(team)
        team.verdict()
