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
