"""`evikit exhibit` from registration to disposal, as an exhibits officer meets it."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path
from typing import Any

import pytest

from custody.registration import BY_NAME, FIELDS, NONE_VISIBLE, form_of
from tests.console import CONSOLE, EXAMINER, Lab, Told, finished

FORM = """
kind = "laptop"
description = "Grey laptop"
quantity = 1
storage = "Evidence room 2, shelf B"
photographs = ["front.jpg"]
[identification]
make = "Invented Maker"
serial = "PF-1234"
[condition]
condition = "scratches on the lid"
power = "on"
[seizure]
seized_by = "Бојан Петровић"
seized_at = 2026-03-10T08:15:00
place = "Rruga e Shpikur 12"
[authority]
authority = "Search warrant KP-17/2026"
issued_on = 2026-03-01
expires_on = 2026-03-31
[clock]
clock_shown = "2026-03-10 08:17:05"
clock_reference = "2026-03-10T07:15:00+00:00"
[seal]
seal = "B-0017"
"""


def form(lab: Lab, text: str = FORM) -> Path:
    (lab.folder / "front.jpg").write_bytes(b"a picture")
    path = lab.folder / "form.toml"
    path.write_text(text, "utf-8")
    return path


def registered(lab: Lab, ref: str, *words: str) -> Told:
    told = lab.run("exhibit", "register", ref, "--no-prompt", "--json", *words)
    assert told.code == 0, told
    return told


def shown(lab: Lab, ref: str) -> Any:
    return lab.run("exhibit", "show", ref, "--json").json


def test_a_form_says_all_there_is_to_say(lab: Lab) -> None:
    told = registered(lab, "AH/1", "--from", str(form(lab)), "--model", "T14")
    assert told.json["n"] == 1
    facts = shown(lab, "AH/1")
    assert (facts["kind"], facts["state"], facts["seal"]) == ("laptop", "original", "B-0017")
    assert facts["storage"] == "Evidence room 2, shelf B"
    values = facts["registered"]
    assert values["serial"] == {
        "make": "Invented Maker", "model": "T14", "serial": "PF-1234", "quantity": "1",
    }  # fmt: skip
    assert values["condition"] == {"condition": "scratches on the lid", "power": "on"}
    assert values["seizure"]["seized_at"] == {
        "text": "2026-03-10T08:15:00", "zone": "UTC", "utc": "2026-03-10T08:15:00Z",
    }  # fmt: skip
    assert values["seizure"]["clock"]["clock_offset"] == "+3725 s"
    assert values["authority"] == "Search warrant KP-17/2026, 2026-03-01"
    (picture,) = values["photographs"]
    assert (lab.case / "receipts" / "attachments" / picture["sha256"]).read_bytes() == b"a picture"
    assert [item["what"] for item in facts["history"]] == ["exhibit.register", "exhibit.move"]
    assert lab.run("ledger", "verify").code == 0


def test_what_is_not_given_has_its_default(lab: Lab) -> None:
    registered(lab, "AH/1")
    values = shown(lab, "AH/1")["registered"]
    assert values["serial"]["serial"] == NONE_VISIBLE
    assert (values["kind"], "seal" in values) == ("item", False)


def test_a_reference_is_registered_once(lab: Lab) -> None:
    registered(lab, "AH/1")
    lab.run("exhibit", "register", "AH/1", "--no-prompt").refused(1, "AH/1 is registered already")
    lab.run("exhibit", "register", " AH", "--no-prompt").refused(1, "no exhibit reference")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seized-at", "tomorrow"], "'tomorrow' is no time"),
        (["--issued-on", "1 March"], "is no day"),
        (["--state", "fresh"], "no state 'fresh'"),
        (["--power", "half"], "no power state"),
        (["--parent", "AH/9"], "no exhibit 'AH/9'"),
        (["--description", "x" * 10_001], "10,001 characters"),
        (["--photograph", "/nowhere/a.jpg"], "cannot be read"),
        (["--from", "/nowhere/form.toml"], "cannot be read"),
    ],
)
def test_what_no_field_can_hold_is_refused_before_anything_is_written(lab: Lab, words: list[str], said: str) -> None:
    before = lab.log()
    lab.run("exhibit", "register", "AH/1", "--no-prompt", *words).refused(1, said)
    assert lab.log() == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind = [", "not TOML"),
        ("colour = 'grey'", "no field 'colour'"),
        ("[seal]\nmake = 'x'", "no field 'seal.make'"),
        ("[conditions]\npower = 'on'", "no field 'conditions'"),
        ("kind = true", "'kind' of the form is no text"),
        ("photographs = 'a.jpg'", "no list of file names"),
        ("\udcff", "not UTF-8"),
    ],
)
def test_a_form_that_is_none_says_why(lab: Lab, text: str, said: str) -> None:
    path = lab.folder / "bad.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    lab.run("exhibit", "register", "AH/1", "--no-prompt", "--from", path).refused(1, said)


def test_an_expired_authority_and_a_known_serial_are_recorded_and_told(lab: Lab) -> None:
    registered(lab, "AH/1", "--serial", "S1", "--seal", "B-1")
    words = ["--seized-at", "2026-03-10 08:00", "--authority", "Warrant 1", "--serial", "S1", "--seal", "B-1"]
    told = lab.run("exhibit", "register", "AH/2", "--no-prompt", *words, "--expires-on", "2026-03-09", "--json")
    assert told.code == 4
    assert told.json["remarks"] == [
        "the authority expired on 2026-03-09, before the seizure on 2026-03-10",
        "AH/1 bears the same serial number, S1",
        "the seal number B-1 was used before (entry 2)",
    ]
    late = lab.run("exhibit", "register", "AH/3", "--no-prompt", *words[:4], "--issued-on", "2026-03-11", "--json")
    assert late.json["remarks"] == ["the authority was issued on 2026-03-11, after the seizure on 2026-03-10"]


def test_children_stand_below_what_they_came_from(lab: Lab) -> None:
    registered(lab, "AH/1")
    registered(lab, "AH/2")
    registered(lab, "AH/3", "--parent", "AH/1", "--state", "derived")
    assert [line["ref"] for line in lab.run("exhibit", "list", "--json").lines] == ["AH/1", "AH/3", "AH/2"]
    told = lab.run("exhibit", "list")
    assert "\n  AH/3 " in told.out
    assert "3 exhibits" in told.err


def test_a_seal_is_opened_by_its_number_and_a_new_one_put_on(lab: Lab) -> None:
    registered(lab, "AH/1", "--seal", "B-1")
    lab.run("exhibit", "seal", "AH/1", "--seal", "B-2").refused(1, "bears the seal B-1 already")
    lab.run("exhibit", "open", "AH/1", "--seal", "B-9", "--reason", "look").refused(1, "found is B-9, on record is B-1")
    lab.run("exhibit", "open", "AH/1", "--seal", "B-1", "--reason", " ").refused(1, "reason is empty")
    assert lab.run("exhibit", "open", "AH/1", "--seal", "B-1", "--reason", "take out the disk").code == 0
    lab.run("exhibit", "open", "AH/1", "--seal", "none", "--reason", "again").refused(1, "bears no seal")
    lab.run("exhibit", "seal", "AH/1", "--seal", "B-1").refused(1, "B-1 was used before")
    lab.run("exhibit", "seal", "AH/1", "--seal", "none").refused(1, "without a number")
    assert lab.run("exhibit", "seal", "AH/1", "--seal", "B-2", "--condition", "as before").code == 0
    assert shown(lab, "AH/1")["seal"] == "B-2"


def test_what_does_not_fit_is_recorded_despite_that_with_the_reason(lab: Lab) -> None:
    registered(lab, "AH/1", "--seal", "B-1")
    told = lab.run("exhibit", "open", "AH/1", "--seal", "B-9", "--reason", "look", "--despite", "bag torn", "--json")
    assert told.code == 4
    assert told.json["remarks"] == ["the seal found is B-9, on record is B-1: bag torn"]
    lab.run("exhibit", "seal", "AH/1", "--seal", "B-1", "--despite", " ").refused(1, "reason is empty")
    again = lab.run("exhibit", "seal", "AH/1", "--seal", "B-1", "--despite", "no other bag")
    assert again.code == 4
    assert "used before (entry 2): no other bag" in again.err


def test_storage_moves_once(lab: Lab) -> None:
    registered(lab, "AH/1")
    assert lab.run("exhibit", "move", "AH/1", "--to", "Court store", "--reason", "trial").code == 0
    lab.run("exhibit", "move", "AH/1", "--to", "Court store").refused(1, "is kept there already")
    lab.run("exhibit", "move", "AH/1", "--to", " ").refused(1, "place is empty")
    assert shown(lab, "AH/1")["storage"] == "Court store"


ENDS = {
    "return": ["--to", "the owner", "--authority", "Decision 5", "--reason", "closed"],
    "dispose": ["--method", "shredded", "--authority", "Decision 6", "--reason", "forfeited"],
}


@pytest.mark.parametrize("verb", ENDS)
def test_what_left_is_gone_for_good(lab: Lab, verb: str) -> None:
    registered(lab, "AH/1")
    assert lab.run("exhibit", verb, "AH/1", *ENDS[verb], "--witness", "Çağla").code == 0
    assert not lab.run("exhibit", "list", "--json").lines
    (line,) = lab.run("exhibit", "list", "--all", "--json").lines
    assert line["gone"]
    for words in (["move", "AH/1", "--to", "x"], ["seal", "AH/1", "--seal", "B-7"], [verb, "AH/1", *ENDS[verb]]):
        lab.run("exhibit", *words).refused(1, "AH/1 was ")
    ingest = ["ingest", lab.stick(), "--exhibit", "AH/1", "--purpose", "look once more"]
    lab.run(*ingest).refused(1, "AH/1 was ")
    lab.run("verify", "AH/1").refused(1, "AH/1 was ")
    lab.run("extract", "AH/1", "HELLO.TXT", "--purpose", "x").refused(1, "AH/1 was ")
    assert "access.begin" not in {entry["type"] for entry in lab.log()}


def test_an_ending_without_witness_or_with_copies_left_is_told(lab: Lab) -> None:
    registered(lab, "AH/1")
    registered(lab, "AH/2", "--parent", "AH/1")
    told = lab.run("exhibit", "dispose", "AH/1", *ENDS["dispose"], "--json")
    assert told.code == 4
    assert told.json["remarks"] == ["no witness was named", "AH/2 came from it and is not accounted for"]


def test_re_hashing_all_leaves_out_what_has_no_media(lab: Lab) -> None:
    registered(lab, "AH/1")
    lab.run("verify", "--all").refused(1, "no exhibits with media")
    lab.ingest("AH/2", lab.stick())
    assert [line["exhibit"] for line in lab.run("verify", "--all", "--json").lines] == ["AH/2"]


def test_a_part_of_a_field_is_corrected_in_the_open(lab: Lab) -> None:
    registered(lab, "AH/1", "--serial", "PF-1", "--make", "Maker")
    assert lab.run("correct", "2", "serial.serial", "--new", "PF-2", "--reason", "misread").code == 0
    told = lab.run("exhibit", "show", "AH/1")
    assert "corrected in entry" in told.out
    assert "PF-1" in told.out
    assert "serial PF-2" in told.out
    lab.run("correct", "2", "serial.colour", "--new", "x", "--reason", "y").refused(1, "no part 'colour'", "make")
    lab.run("correct", "2", "ref.x", "--new", "x", "--reason", "y").refused(1, "no part 'x'", "none")


def test_hostile_words_are_shown_as_words(lab: Lab) -> None:
    registered(lab, "AH/1", "--description", "<b>\u202egpj.exe\x1b[31m", "--kind", "телефон")
    for words in (["list"], ["show", "AH/1"]):
        out = lab.run("exhibit", *words).out
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert "телефон" in out


def test_every_field_has_one_name_and_says_what_it_is() -> None:
    assert len({field.name for field in FIELDS}) == len(FIELDS)
    assert all(field.help.endswith(".") for field in FIELDS)


def typed(lab: Lab, *words: str, answers: list[str]) -> Told:
    """The command on a terminal, where somebody types these lines."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "wb", buffering=0) as keyboard:
        process = subprocess.Popen(
            [*CONSOLE, *words], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=lab.environment({})
        )
        os.close(theirs)
        keyboard.write("".join(f"{line}\n" for line in answers).encode())
        return finished(process)


QUESTIONS = [field for field in FIELDS if field.question and not field.live]


def test_enter_alone_registers_with_the_defaults(lab: Lab) -> None:
    told = typed(lab, "exhibit", "register", "AH/1", answers=[""] * len(QUESTIONS))
    assert told.code == 0, told
    assert all(f"{field.question}" in told.err for field in QUESTIONS)
    assert not any(field.question in told.err for field in FIELDS if field.live)
    assert shown(lab, "AH/1")["registered"]["seizure"] == {"seized_by": EXAMINER}


def test_what_is_typed_is_recorded_what_is_wrong_is_asked_again_what_is_given_never(lab: Lab) -> None:
    registered(lab, "AH/1")
    said = {"kind": "телефон", "make": "Прва", "power": "on", "screen": "locked", "seized_by": "Çağla", "seal": "B-1"}
    answers = []
    for field in FIELDS:
        if field.question and field.name not in ("description", "quantity"):
            wrong = {"parent": ["AH/9", "AH/1"], "seized_at": ["noon", "2026-03-10 08:15"], "power": ["half", "on"]}
            answers += wrong.get(field.name, [said.get(field.name, "")])
    words = ("exhibit", "register", "AH/2", "--description", "black", "--quantity", "2", "--json")
    told = typed(lab, *words, answers=answers)
    assert told.code == 0, told
    for problem in ("there is no exhibit 'AH/9'", "'noon' is no time", "no power state 'half'"):
        assert problem in told.err
    assert "How many" not in told.err
    values = shown(lab, "AH/2")["registered"]
    assert (values["parent"], values["kind"], values["serial"]["make"]) == ("AH/1", "телефон", "Прва")
    assert values["condition"]["screen"] == "locked"
    assert (values["seizure"]["seized_by"], values["seal"]["number"]) == ("Çağla", "B-1")


def test_no_question_is_asked_where_nobody_can_answer(lab: Lab) -> None:
    told = lab.program("exhibit", "register", "AH/1")  # standard input is no terminal
    assert told.code == 0, told
    assert "What is it" not in told.err


def test_every_field_of_the_form_comes_back_as_it_was_given(lab: Lab) -> None:
    """By options and by a form: nothing that can be given is lost, and `label` prints all of it."""
    registered(lab, "AH/1")
    special = {"state": "derived", "parent": "AH/1", "power": "sleep", "seal": "B-7"}
    forms = {"time": "2026-03-10 08:15", "date": "2026-03-11"}
    given = {field.name: special.get(field.name) or forms.get(field.form, f"{field.name} ж") for field in FIELDS}
    options = [word for name, value in given.items() for word in (BY_NAME[name].option, value)]
    lab.run("exhibit", "register", "AH/2", "--no-prompt", *options)
    tables: dict[str, list[str]] = {"": []}
    for field in FIELDS:
        tables.setdefault(field.table, []).append(f'{field.name} = "{given[field.name]}"')
    path = lab.folder / "whole.toml"
    lines = [*tables.pop(""), *(line for table, rows in tables.items() for line in (f"[{table}]", *rows))]
    path.write_text("\n".join(lines), "utf-8")
    lab.run("exhibit", "register", "AH/3", "--no-prompt", "--from", path)
    first, second = shown(lab, "AH/2"), shown(lab, "AH/3")
    own = {"ref", "claimed_at", "host", "tool"}
    assert {k: v for k, v in first["registered"].items() if k not in own} == {
        k: v for k, v in second["registered"].items() if k not in own
    }
    for field, said in form_of(first["registered"], first["storage"]):
        assert said.startswith(given[field.name]), field.name


def test_a_copy_without_what_it_was_made_from_is_told(lab: Lab) -> None:
    told = lab.run("exhibit", "register", "AH/2", "--no-prompt", "--state", "working-copy", "--json")
    assert (told.code, len(told.json["remarks"])) == (4, 1)
    assert "no exhibit is named that it was made from" in told.json["remarks"][0]


def test_an_image_is_taken_in_below_what_it_was_made_from(lab: Lab) -> None:
    stick = lab.stick()
    words = ("ingest", stick, "--exhibit", "AH/2", "--purpose", "look", "--parent")
    lab.run(*words, "AH/1").refused(1, "no exhibit 'AH/1'")
    registered(lab, "AH/1")
    registered(lab, "AH/3")
    assert lab.run(*words, "AH/1").code == 0
    assert shown(lab, "AH/2")["parent"] == "AH/1"
    lab.run(*words, "AH/3", "--again").refused(1, "was registered as made from AH/1, not from AH/3")


def test_a_mistyped_seal_place_or_kind_is_put_right_by_a_correction(lab: Lab) -> None:
    registered(lab, "AH/1", "--seal", "B-71", "--kind", "laptop", "--storage", "room 1")
    registered(lab, "AH/2")
    right = {"seal.number": "B-17", "kind": "netbook", "parent": "AH/2"}
    for field, new in right.items():
        assert lab.run("correct", "2", field, "--new", new, "--reason", "slip of the pen").code == 0
    assert lab.run("correct", "3", "storage_to", "--new", "room 7", "--reason", "slip of the pen").code == 0
    now = shown(lab, "AH/1")
    assert (now["seal"], now["kind"], now["parent"], now["storage"]) == ("B-17", "netbook", "AH/2", "room 7")
    wrong = lab.run("correct", "2", "seal.number", "--new", "B-18", "--reason", "slip", "--json").json["entry"]
    assert lab.run("correct", wrong, "new.number", "--new", "B-19", "--reason", "slip again").code == 0
    assert shown(lab, "AH/1")["seal"] == "B-19"
    assert lab.run("exhibit", "open", "AH/1", "--seal", "B-19", "--reason", "look").code == 0
    assert lab.run("correct", "2", "seal.number", "--new", "B-20", "--reason", "too late").code == 0
    assert shown(lab, "AH/1")["seal"] == ""
    assert [line["ref"] for line in lab.run("exhibit", "list", "--json").lines] == ["AH/2", "AH/1"]


def test_a_circle_of_corrected_parents_hides_no_exhibit(lab: Lab) -> None:
    registered(lab, "AH/1")
    registered(lab, "AH/2", "--parent", "AH/1")
    assert lab.run("correct", "2", "parent", "--new", "AH/2", "--reason", "wrong").code == 0
    assert {line["ref"] for line in lab.run("exhibit", "list", "--json").lines} == {"AH/1", "AH/2"}
