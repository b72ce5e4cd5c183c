"""`evikit ledger witness` and `evikit ledger fraud` as their users type them."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

from tests.console import Lab


def court(lab: Lab, *words: str | Path) -> Any:
    """Someone outside the laboratory, with a key store of their own and no case."""
    return lab.run(*words, EVIKIT_CASE=None, EVIKIT_HOME=str(lab.folder / "court"))


def released(lab: Lab, name: str, *words: str | Path) -> Path:
    out = lab.folder / name
    assert lab.run("bundle", "create", "-o", out, "--for", "the witness", *words).code == 0
    return out


def test_a_head_is_signed_checked_and_a_fork_is_proved(lab: Lab, tmp_path: Path) -> None:
    other = lab.copied(tmp_path / "fork")
    lab.run("note", "as it was")
    signed = lab.folder / "signed.txt"
    words = ("ledger", "witness", "sign")
    told = court(lab, *words, released(lab, "a.json"), "-o", signed, "--name", "court.example", "--json")
    assert told.code == 0, told
    key = told.json["key"]
    checked = court(lab, "ledger", "witness", "check", signed, "--key", key, "--json")
    assert checked.json["signed_at"].endswith("Z")
    assert court(lab, "bundle", "verify", released(lab, "b.json"), "--anchor", signed, "--json").json["anchored"]
    assert court(lab, "ledger", "fraud", signed, lab.folder / "b.json").code == 0

    other.run("note", "as it suits")
    other.run("note", "and more")
    false = released(other, "false.json", "--since", signed)
    refused = court(lab, *words, false, "-o", lab.folder / "second.txt", "--name", "court.example")
    refused.refused(3, "two histories", "Keep the proof")
    assert not (lab.folder / "second.txt").exists()
    proof = lab.folder / "second.txt.fraud.json"
    for asked in ((proof,), (signed, false)):
        told = court(lab, "ledger", "fraud", *asked)
        assert told.code == 3
        assert "TWO HISTORIES" in told.out
    again = court(lab, "ledger", "fraud", signed, false, "-o", lab.folder / "proof.json", "--json")
    assert (again.code, again.json["two_histories"]) == (3, True)
    assert (lab.folder / "proof.json").read_bytes() == proof.read_bytes()


def test_what_a_witness_cannot_do_is_said_in_one_line(lab: Lab) -> None:
    data, signed = released(lab, "a.json"), lab.folder / "signed.txt"
    words = ("ledger", "witness", "sign", data, "-o", signed, "--name")
    court(lab, *words, "the court").refused(1, "a witness's name")
    assert "was not known before" in court(lab, *words, "court.example").err
    court(lab, *words, "court.example").refused(1, "exists already")
    check = ("ledger", "witness", "check", signed, "--key")
    court(lab, *check, "court.example").refused(1, "no witness's key")
    court(lab, *check, "court.example+" + "A" * 42 + "I=").refused(1)
    court(lab, "ledger", "fraud", lab.folder / "none").refused(1, "cannot be read")
    court(lab, "ledger", "fraud", data).refused(1, "no proof of two histories")


def test_a_witness_serves_and_is_asked(lab: Lab) -> None:
    data, signed = released(lab, "blind.json", "--blind"), lab.folder / "signed.txt"
    words = ("ledger", "witness", "serve", "--name", "court.example", "--json")
    process = lab.start(*words, EVIKIT_CASE=None, EVIKIT_HOME=str(lab.folder / "court"))
    try:
        assert process.stdout is not None
        facts = json.loads(process.stdout.readline())
        told = lab.run("ledger", "witness", "ask", data, "-o", signed, "--url", facts["url"], "--key", facts["key"])
        assert told.code == 0, told
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert court(lab, "ledger", "witness", "check", signed, "--key", facts["key"]).code == 0
    lab.run("ledger", "witness", "ask", data, "-o", lab.folder / "no" / "x", "--url", "x", "--key", "x").refused(
        1, "no folder"
    )


def test_a_head_that_a_quorum_of_ones_witnesses_signed_is_an_anchor(lab: Lab, tmp_path: Path) -> None:
    data = released(lab, "a.json")
    keys = []
    for name in ("court.example", "bar.example"):
        out = lab.folder / f"{name}.txt"
        home = str(lab.folder / name)
        told = lab.run("ledger", "witness", "sign", data, "-o", out, "--name", name, "--json", EVIKIT_HOME=home)
        keys.append(told.json["key"])
    signed, trust = lab.folder / "court.example.txt", lab.folder / "trust.json"

    def verified(
        quorum: object, witnesses: object = keys, *, where: tuple[str | Path, ...] = ("bundle", "verify")
    ) -> Any:
        trust.write_text(json.dumps({"witnesses": witnesses, "quorum": quorum}), "utf-8")
        files = (data,) if where[0] == "bundle" else ()
        return lab.run(*where, *files, "--trust", trust, "--cosigned", signed, "--json")

    told = verified(1).json
    assert (told["verdict"], told["anchored"]) == ("INTACT", True)
    assert any("is signed by your witnesses: court.example at 2" in line for line in told["proved"])
    assert not any("witnesses of the trust file" in line for line in told["not_checked"])
    assert verified(1, where=("ledger", "verify")).json["anchored"]
    verified(2).refused(1, "1 of your 2 witnesses", "your quorum is 2")
    verified(1, keys[1:]).refused(1, "0 of your 1 witnesses")
    verified(3).refused(1, "quorum is a number from 1")
    verified(True).refused(1, "quorum is a number from 1")
    verified(1, "court").refused(1, "witnesses is a list")
    verified(1, []).refused(1, "names witnesses")
    text = signed.read_text("utf-8").split("\n")
    signed.write_text("\n".join([text[0], text[1], "A" * 43 + "=", *text[3:]]), "utf-8")
    verified(1).refused(1, "0 of your 2 witnesses")
    assert lab.run("bundle", "verify", data, "--trust", trust, "--cosigned", tmp_path / "no").code == 1
