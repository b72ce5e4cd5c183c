"""`evikit exhibit label`: labels to print, recorded."""

from __future__ import annotations

import hashlib

from custody.commands import exhibit_label
from custody.ledger.store import Ledger
from custody.opened import values_of
from custody.report import label
from tests.console import Lab


def test_a_label_says_what_stands_now_and_is_recorded(lab: Lab) -> None:
    words = ["--seal", "B-1", "--serial", "PF-1", "--owner", "محمد عبد الله", "--kind", "телефон"]
    assert lab.run("exhibit", "register", "AH/1", "--no-prompt", *words).code == 0
    assert lab.run("correct", "2", "serial.serial", "--new", "PF-2", "--reason", "misread").code == 0
    assert lab.run("exhibit", "open", "AH/1", "--seal", "B-1", "--reason", "look").code == 0
    assert lab.run("exhibit", "seal", "AH/1", "--seal", "B-2").code == 0
    head = lab.run("ledger", "checkpoint", "--json").json["fingerprint"]
    output = lab.folder / "label.html"
    told = lab.run("exhibit", "label", "AH/1", "-o", output, "--json")
    assert told.code == 0, told
    assert (told.json["size"], told.json["exhibits"], told.json["fingerprint"]) == ("a4", ["AH/1"], head)
    page = output.read_text("utf-8")
    for said in ("PF-2", "B-2", "محمد عبد الله", "телефон", head[:8]):
        assert said in page
    assert "PF-1" not in page
    assert lab.log()[-2]["type"] == "export"
    lab.run("exhibit", "label", "AH/1", "-o", output).refused(1, "exists already")
    with Ledger.open(lab.case / "ledger.sqlite", writable=False) as ledger:
        (document,) = (values_of(row)["document"] for row in ledger.rows_of("export"))
    assert document == {
        "kind": "label", "name": "label.html", "sha256": hashlib.sha256(output.read_bytes()).hexdigest(),
    }  # fmt: skip


def test_several_in_one_file_and_none_for_what_has_left(lab: Lab) -> None:
    for ref in ("AH/1", "AH/2"):
        assert lab.run("exhibit", "register", ref, "--no-prompt").code == 0
    output = lab.folder / "two.html"
    assert lab.run("exhibit", "label", "AH/2", "AH/1", "--size", "roll", "-o", output).code == 0
    page = output.read_text("utf-8")
    assert page.index("<bdi>AH/2") < page.index("<bdi>AH/1")
    other = lab.folder / "other.html"
    lab.run("exhibit", "label", "AH/1", "AH/1", "-o", other).refused(2, "named twice")
    lab.run("exhibit", "label", "AH/9", "-o", other).refused(1, "no exhibit 'AH/9'")
    lab.run("exhibit", "label", "AH/1", "--size", "a5", "-o", other).refused(2, "invalid value for '--size'")
    ending = ["--to", "the owner", "--authority", "Decision 5", "--reason", "closed", "--witness", "Ana"]
    assert lab.run("exhibit", "return", "AH/1", *ending).code == 0
    lab.run("exhibit", "label", "AH/1", "-o", other).refused(1, "was returned")
    assert not other.exists()


def test_an_exhibit_beyond_the_newest_checkpoint_is_told(lab: Lab) -> None:
    request, store = lab.folder / "request.json", str(lab.folder / "other")
    words = ("--name", "Çağla", "--agency", "Police", "--role", "exhibits-officer")
    assert lab.run("person", "request", *words, "-o", request, EVIKIT_HOME=store).code == 0
    assert lab.run("person", "enrol", request).code == 0
    assert lab.run("exhibit", "register", "ÇI/1", "--no-prompt", EVIKIT_HOME=store).code == 0
    told = lab.run("exhibit", "label", "ÇI/1", "-o", lab.folder / "label.html", EVIKIT_HOME=store)
    assert told.code == 0, told
    assert "the fingerprint does not cover ÇI/1 yet" in told.err


def test_the_command_offers_the_sizes_there_are() -> None:
    assert exhibit_label.SIZES == label.SIZES
