"""`evikit note` and `evikit correct`: observations, opinions, corrections; where on an exhibit; attachments."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from custody.ledger.store import Ledger
from custody.opened import values_of
from tests.console import Lab


def told(lab: Lab, *words: str) -> dict[str, Any]:
    """The note that this command recorded."""
    said = lab.run("note", *words, "--json")
    assert said.code == 0, said
    with Ledger.open(lab.case / "ledger.sqlite", writable=False) as ledger:
        (row,) = ledger.rows(int(said.json["entry"]), int(said.json["entry"]) + 1)
        return values_of(row) | {"re": row.entry.re, "leaf": row.leaf, "n": row.entry.x.n if row.entry.x else None}


def shown(lab: Lab, ref: str = "AH/1") -> list[Any]:
    notes: list[Any] = lab.run("exhibit", "show", ref, "--json").json["notes"]
    return notes


def test_a_place_is_named_as_the_examination_knows_it(case: Lab) -> None:
    note = told(case, "A greeting", "--exhibit", "AH/1", "--path", "HELLO.TXT", "--offset", "5")
    place = note["location"]
    assert (place["path"], place["offset"], place["volume"]) == ("HELLO.TXT", "5", "0")
    assert len(place["sha256"]) == 64
    assert place["meta"]
    assert place["run"] == "0001-AH-1"
    (found,) = shown(case)
    assert (found["kind"], found["text"], found["location"]) == ("observation", "A greeting", place)
    assert "at path HELLO.TXT, volume 0, meta " in case.run("exhibit", "show", "AH/1").out


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["--location", "on the lid"], "on the lid"),
        (["--offset", "512"], {"offset": "512"}),
        (["--event", "4624", "--location", "first logon"], {"event": "4624", "words": "first logon"}),
        (["--volume", "1"], {"volume": "1"}),
        ([], None),
    ],
)
def test_a_place_may_be_less(case: Lab, words: list[str], place: object) -> None:
    assert told(case, "seen", "--exhibit", "AH/1", *words)["location"] == place


def test_a_record_of_a_log_is_a_place(case: Lab) -> None:
    place = told(case, "A logon", "--exhibit", "AH/2", "--path", "auth.log", "--event", "line 2")["location"]
    assert (place["path"], place["event"]) == ("auth.log", "line 2")
    assert "volume" not in place


def test_a_result_is_a_place_by_its_id(case: Lab) -> None:
    (request,) = case.run("artefacts", "--kind", "access", "--json").lines
    place = told(case, "The kit was fetched", "--of", request["id"])["location"]
    assert (place["id"], place["run"], place["path"]) == (request["id"], "0002-AH-2", "web/access.log")
    assert (place["offset"], place["kind"], place["length"]) == ("0", "access.request", request["length"])
    (file,) = case.run("files", "--text", "access.log", "--kind", "file", "--json").lines
    assert place["sha256"] == file["sha256"]
    event = next(line for line in case.run("timeline", "--json").lines if line["path"] == "HELLO.TXT")
    note = told(case, "Written then", "--of", event["id"], "--location", "as the listing shows it")
    place = note["location"]
    assert (place["at"], place["meaning"], place["path"]) == (event["at"], event["meaning"], "HELLO.TXT")
    assert (len(place["sha256"]), place["words"], note["n"]) == (64, "as the listing shows it", 1)
    assert told(case, "A file", "--of", event["source"], "--exhibit", "AH/1")["location"]["path"] == "HELLO.TXT"


def test_an_id_that_leads_nowhere_is_refused(case: Lab) -> None:
    case.run("note", "x", "--of", "e9.1").refused(1, "no complete run 9")
    case.run("note", "x", "--of", "nonsense").refused(1, "no id of a result")
    case.run("note", "x", "--of", "e1.1", "--exhibit", "AH/2").refused(1, "of AH/1")
    case.run("note", "x", "--of", "e1.1", "--path", "HELLO.TXT").refused(2, "--of")


def test_an_opinion_names_what_it_rests_on(case: Lab) -> None:
    first = told(case, "The clock was ahead", "--exhibit", "AH/1")
    alone = case.run("note", "Somebody set the clock", "--kind", "opinion", "--exhibit", "AH/1")
    assert (alone.code, "--about" in alone.err) == (0, True)
    opinion = told(
        case, "Somebody set it", "--kind", "opinion", "--exhibit", "AH/1", "--about", first["leaf"].hex()[:12]
    )
    assert opinion["re"] == (first["leaf"],)
    observed, _, drawn = shown(case)
    assert (drawn["kind"], drawn["about"]) == ("opinion", [observed["entry"]])
    out = case.run("exhibit", "show", "AH/1").out
    assert f"on entry {observed['entry']}" in out
    assert case.run("ledger", "verify").code == 0


def test_a_document_is_kept_by_digest(case: Lab) -> None:
    picture = case.put("photo.jpg", b"a picture")
    (kept,) = told(case, "as found", "--exhibit", "AH/1", "--attach", str(picture))["attachments"]
    assert kept == {"name": "photo.jpg", "size": "9", "sha256": hashlib.sha256(b"a picture").hexdigest()}
    assert (case.case / "receipts" / "attachments" / kept["sha256"]).read_bytes() == b"a picture"
    assert "with photo.jpg" in case.run("exhibit", "show", "AH/1").out


def test_what_is_no_note_is_refused_before_anything_is_kept(case: Lab) -> None:
    before, picture = len(case.log()), str(case.put("photo.jpg", b"another picture"))
    here = ["--exhibit", "AH/1", "--attach", picture]
    case.run("note", " ", *here).refused(1, "the text is empty")
    case.run("note", "x", *here, "--path", "NOWHERE").refused(1, "lists no 'NOWHERE'")
    case.run("note", "x", *here, "--about", "999").refused(1, "names no entry")
    case.run("note", "x", *here, "--offset", "-1").refused(2, "invalid value for '--offset'")
    case.run("note", "x", "--path", "HELLO.TXT").refused(2, "name the exhibit")
    case.run("note", "x", "--exhibit", "AH/9").refused(1, "no exhibit 'AH/9'")
    case.run("note", "x", "--exhibit", "AH/1", "--attach", "/nowhere").refused(1, "cannot be read")
    assert len(case.log()) == before
    assert not (case.case / "receipts" / "attachments").exists()


def test_a_note_is_corrected_in_the_open(case: Lab) -> None:
    number = str(told(case, "Seal AA-117", "--exhibit", "AH/1")["leaf"].hex())
    assert case.run("correct", number, "text", "--new", "Seal AA-171", "--reason", "swapped").code == 0
    assert case.run("correct", number, "text", "--new", "Seal AA-177", "--reason", "again").code == 0
    (found,) = shown(case)
    assert (found["text"], found["corrected"]) == ("Seal AA-177", True)
    steps = case.run("exhibit", "show", "AH/1", "--json").json["history"]
    assert [step["said"] for step in steps if step["what"] == "correct"] == [
        "text is Seal AA-171, not Seal AA-117: swapped",
        "text is Seal AA-177, not Seal AA-171: again",
    ]
    case.run("correct", number, "text", "--new", "Seal AA-177", "--reason", "x").refused(1, "says that already")
    case.run("correct", number, "text", "--new", "x", "--reason", " ").refused(1, "reason is empty")


def test_a_correction_that_was_wrong_is_corrected_itself(case: Lab) -> None:
    number = told(case, "Seal AA-117", "--exhibit", "AH/1")["leaf"].hex()
    first = case.run("correct", number, "text", "--new", "Seal AA-711", "--reason", "swapped", "--json").json["entry"]
    assert case.run("correct", first, "new", "--new", "Seal AA-171", "--reason", "mistyped").code == 0
    assert shown(case)[0]["text"] == "Seal AA-171"


def test_parts_of_a_registration_are_corrected_one_after_the_other_and_added(lab: Lab) -> None:
    words = ["--serial", "PF-1", "--model", "T14", "--seized-at", "2026-03-10 08:15"]
    assert lab.run("exhibit", "register", "AH/1", "--no-prompt", *words).code == 0
    for field, new in {
        "serial.serial": "PF-2",
        "serial.model": "T15",
        "serial.capacity": "1 TB",
        "seizure.seized_at": "2026-03-10 09:15",
        "seizure.clock.clock_shown": "2026-03-10 09:16",
        "seal.number": "B-1",
    }.items():
        assert lab.run("correct", "2", field, "--new", new, "--reason", "misread").code == 0, field
    with Ledger.open(lab.case / "ledger.sqlite", writable=False) as ledger:
        said = [values_of(row)["new"] for row in ledger.rows_of("correct")]
    assert {"serial": "PF-2", "model": "T15", "capacity": "1 TB"}.items() <= said[2].items()  # type: ignore[union-attr]
    seizure: Any = said[4]
    assert seizure["seized_at"] == {"text": "2026-03-10 09:15", "zone": "UTC", "utc": "2026-03-10T09:15:00Z"}
    assert seizure["clock"]["clock_shown"]["utc"] == "2026-03-10T09:16:00Z"
    assert said[5] == {"number": "B-1"}
    lab.run("correct", "2", "serial", "--new", "PF-3", "--reason", "x").refused(1, "no single value", "with a dot")
    lab.run("correct", "2", "seizure.seized_at", "--new", "noon", "--reason", "x").refused(1, "is no time")
    lab.run("correct", "2", "seizure.weather", "--new", "rain", "--reason", "x").refused(1, "no part 'weather'")
    lab.run("correct", "2", "colour", "--new", "grey", "--reason", "x").refused(1, "no field 'colour'")
