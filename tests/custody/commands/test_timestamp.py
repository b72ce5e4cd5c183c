"""`evikit ledger timestamp` as its users type it, against a real authority: by carried files and over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from custody.case import Case
from custody.ledger.entry import b64
from custody.ledger.errors import CustodyError
from custody.moment import claimed, nanoseconds_of
from custody.people import Home
from custody.timestamp.fetch import fetch
from custody.timestamp.token import MAX_REPLY, Request, token_of
from tests.authority import DAY, SECOND, Authority, granted, openssl, refused, served, trust_file
from tests.console import PASSPHRASE, Lab, Told

STAMP = ("ledger", "timestamp")


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa"))


@pytest.fixture
def trust(lab: Lab, tsa: Authority) -> Iterator[Path]:
    return trust_file(lab.folder / "trust.json", tsa)  # type: ignore[return-value]


def asked(lab: Lab, name: str = "request.tsq") -> Path:
    path = lab.folder / name
    told = lab.run(*STAMP, "request", "-o", path, "--json")
    assert told.code == 0, told
    return path


def answered(lab: Lab, reply: bytes, name: str = "reply.tsr") -> Path:
    path = lab.folder / name
    path.write_bytes(reply)
    return path


def carried(lab: Lab, tsa: Authority, trust: Path) -> Told:
    request = asked(lab, f"request-{time.monotonic_ns()}")
    reply = answered(lab, tsa.answer(request.read_bytes()))
    return lab.run(*STAMP, "add", reply, "--request", request, "--trust", trust, "--json")


# --- carried files -----------------------------------------------------------------------------------------


def test_a_carried_reply_is_taken_in_and_every_entry_has_its_interval(lab: Lab, tsa: Authority, trust: Path) -> None:
    lab.run("note", "before")
    begin = time.time_ns()
    told = carried(lab, tsa, trust)
    end = time.time_ns()
    assert told.code == 0, told
    assert begin - SECOND <= moment(told.json["at"]) <= end
    assert told.json["authority"] == "CN=Invented Authority"
    lab.run("note", "after")
    lines = lab.log("--trust", str(trust))
    assert lines == lab.run("ledger", "log", "--json", EVIKIT_TRUST=str(trust)).lines
    at, anchor = moment(told.json["at"]), told.json["entry"]
    for line in lines:
        after, before = line["not_before"], line["not_after"]
        assert before == (claimed(at + 2 * SECOND) if line["index"] < int(told.json["size"]) else None)
        assert after == (claimed(at - 2 * SECOND) if line["index"] >= anchor else None)
        assert after is None or after <= line["at"]
        assert before is None or line["at"] <= before
    assert lines[anchor]["type"] == "anchor"
    assert {line["not_after"] for line in lab.log()} == {None}, "nobody's time-stamps are trusted unasked"
    people = lab.run("ledger", "log", "--trust", trust).out
    assert "proved after" in people
    assert claimed(at - 2 * SECOND)[:19].replace("T", " ") in people
    assert "proved" not in lab.run("ledger", "log").out


def moment(written: str) -> int:
    found = nanoseconds_of(written)
    assert found is not None
    return found


def test_ledger_and_bundle_say_what_is_proved(lab: Lab, tsa: Authority, trust: Path) -> None:
    lab.run("note", "before")
    at = carried(lab, tsa, trust).json["at"]
    told = lab.run("ledger", "verify", "--trust", trust, "--json").json
    assert told["verdict"] == "INTACT WITH NOTES", "a time-stamp says when, and not which ledger is the right one"
    assert told["problems"] == []
    assert told["checked"]["time-stamps"] == 1
    assert [stamp["at"] for stamp in told["time_stamps"]] == [at]
    bundle = lab.folder / "bundle.json"
    lab.run("bundle", "create", "-o", bundle, "--for", "the court")
    shown = lab.run("bundle", "verify", bundle, "--trust", trust, "--json", EVIKIT_CASE=None).json
    assert [stamp["at"] for stamp in shown["time_stamps"]] == [at]
    log = {line["index"]: line for line in lab.log("--trust", str(trust))}
    assert shown["times"]
    for line in shown["times"]:
        same = log[line["index"]]
        assert (line["claimed_at"], line["not_before"], line["not_after"]) == (
            same["at"], same["not_before"], same["not_after"],
        )  # fmt: skip
    people = lab.run("bundle", "verify", bundle, "--trust", trust).out
    assert "Proved times" in people
    assert "were there before" in people
    listed = lab.run("bundle", "show", bundle, "--trust", trust, "--json").lines
    assert [line["not_after"] for line in listed] == [line["not_after"] for line in shown["times"]]
    assert "before (UTC)" in lab.run("bundle", "show", bundle, "--trust", trust).out
    blind = lab.run("bundle", "verify", bundle, "--json").json
    assert "times" not in blind
    assert "1 time-stamps: your trust file names no authority (tsa_roots)" in blind["not_checked"]


def test_an_honest_clock_gives_no_note(lab: Lab, tsa: Authority, trust: Path) -> None:
    for _ in range(3):
        lab.run("note", "as usual")
        carried(lab, tsa, trust)
    assert lab.run("ledger", "verify", "--trust", trust, "--json").json["problems"] == []


def test_whoever_has_the_fingerprint_can_ask_an_authority_without_us(lab: Lab, tsa: Authority, trust: Path) -> None:
    kept = lab.folder / "kept.txt"
    fingerprint = lab.run("ledger", "checkpoint", "-o", kept, "--json").json["fingerprint"]
    openssl(tsa.folder, "ts", "-query", "-digest", fingerprint, "-sha256", "-cert", "-out", "asked")
    request = (tsa.folder / "asked").read_bytes()
    lab.run("note", "written while the request was on its way")
    told = lab.run(*STAMP, "add", answered(lab, tsa.answer(request)), "--trust", trust, "--json")
    assert told.code == 0, told
    assert told.json["size"] == kept.read_text().splitlines()[1]
    bare = tsa.answer(request.replace(b"\x01\x01\xff", b"", 1).replace(request[:2], bytes([0x30, request[1] - 3]), 1))
    lab.run(*STAMP, "add", answered(lab, bare), "--trust", trust).refused(
        1, "does not carry its authority's certificate"
    )


def test_the_list_tells_each_time_stamp_and_whether_it_holds(lab: Lab, tsa: Authority, trust: Path) -> None:
    assert lab.run(*STAMP, "list", "--json").lines == []
    told = carried(lab, tsa, trust).json
    (line,) = lab.run(*STAMP, "list", "--trust", trust, "--json").lines
    assert {name: line[name] for name in told} == told
    assert line["holds"] is True
    assert "CN=Invented Authority" in lab.run(*STAMP, "list", "--trust", trust).out
    (line,) = lab.run(*STAMP, "list", "--json").lines
    assert (line["entry"], line["at"], line["holds"]) == (told["entry"], None, None)
    assert "not verified" in lab.run(*STAMP, "list").out


# --- what is refused ---------------------------------------------------------------------------------------


def wrong_replies(lab: Lab, tsa: Authority, request: bytes) -> Iterator[tuple[str, bytes]]:
    good = tsa.answer(request)
    now = time.time_ns()
    yield "answers another request", tsa.answer(Request.make(b"another ledger").data)
    yield "granted no time-stamp: rejection (no time today)", refused(2)
    yield "no reply of a time-stamping authority", b"junk"
    yield "no reply of a time-stamping authority", b""
    yield "no reply of a time-stamping authority", request
    yield "no time-stamp is that long", good + bytes(MAX_REPLY)
    yield "another hash", tsa.signed(request, now, hash=bytes.fromhex("300d06096086480165030402030500"))
    yield "signature", granted(_flipped(good))
    ended = Authority(lab.folder / "ended", end=datetime.now(UTC) - DAY)
    yield "do not name", Authority(lab.folder / "stranger", "Stranger").answer(request)
    yield "certificate", ended.answer(request)


def _flipped(reply: bytes) -> bytes:
    token = bytearray(token_of(reply))
    token[-1] ^= 1
    return bytes(token)


def test_what_is_no_time_stamp_of_this_ledger_is_refused_in_one_line(lab: Lab, tsa: Authority, trust: Path) -> None:
    request = asked(lab)
    before = lab.log()
    for words, reply in wrong_replies(lab, tsa, request.read_bytes()):
        path = answered(lab, reply)
        told = lab.run(*STAMP, "add", path, "--request", request, "--trust", trust)
        told.refused(1, "no time-stamp is taken in: ", words)
    path = answered(lab, tsa.answer(Request.make(b"another ledger").data))
    lab.run(*STAMP, "add", path, "--trust", trust).refused(1, "over no checkpoint of this ledger")
    assert lab.log() == before, "nothing of it stands in the ledger"


def test_a_reply_with_another_nonce_answers_another_request(lab: Lab, tsa: Authority, trust: Path) -> None:
    first, second = asked(lab, "first"), asked(lab, "second")
    reply = answered(lab, tsa.answer(first.read_bytes()))
    add = (*STAMP, "add", reply, "--trust", trust, "--request")
    lab.run(*add, second).refused(1, "answers another request")
    lab.run(*add, reply).refused(1, "no time-stamp request")
    lab.run(*add, lab.folder / "none").refused(1, "cannot be read")
    assert lab.run(*add, first).code == 0
    lab.run(*add, first).refused(1, "stands in the ledger already")


@pytest.mark.parametrize("wrong", ["end", "usage"])
def test_an_authority_whose_certificate_does_not_hold_is_refused(lab: Lab, wrong: str) -> None:
    over: dict[str, Any] = {"end": datetime.now(UTC) - DAY, "usage": ExtendedKeyUsageOID.CODE_SIGNING}
    bad = Authority(lab.folder / "bad", **{wrong: over[wrong]})
    trust, request = trust_file(lab.folder / "t.json", bad), asked(lab)
    reply = answered(lab, bad.signed(request.read_bytes(), time.time_ns()))
    words = {"end": "certificate has expired", "usage": "certificate purpose"}[wrong]
    lab.run(*STAMP, "add", reply, "--trust", trust).refused(1, words)


def test_without_a_named_authority_nothing_is_taken_in(lab: Lab, tsa: Authority, trust: Path) -> None:
    request = asked(lab)
    reply = answered(lab, tsa.answer(request.read_bytes()))
    lab.run(*STAMP, "add", reply).refused(1, "no authority is named", "tsa_roots")
    lab.run(*STAMP, "fetch", "--url", "http://127.0.0.1:9/").refused(1, "no authority is named")
    trust.write_text(json.dumps({"tsa_roots": ["no certificate"]}))
    lab.run(*STAMP, "add", reply, "--trust", trust).refused(1, "trust file is unusable", "tsa_roots")
    trust.write_text("{")
    lab.run(*STAMP, "add", reply, "--trust", trust).refused(1, "trust file is unusable")
    lab.run(*STAMP, "add", reply, "--trust", lab.folder / "none").refused(1, "cannot be read")
    lab.run(*STAMP, "request", "-o", request).refused(1, "exists already")


def test_a_token_that_was_written_past_the_command_breaks_the_verdict(lab: Lab, tsa: Authority, trust: Path) -> None:
    """By somebody who holds the ledger's key: the command would have refused it."""
    with Case.open(lab.case, Home(lab.home), writable=True) as case:
        case.unlock(None, lambda: PASSPHRASE)
        token = token_of(tsa.answer(Request.make(b"another").data))
        pub = {"size": str(case.covered()), "root": b64(case.ledger.root_at(case.covered())), "token": b64(token)}
        index = case.anchor(pub)
        case.checkpoint()
    for words in ((), ("--trust", trust)):
        told = lab.run("ledger", "verify", *words, "--json")
        assert told.code == 3
        assert [(item["index"], item["kind"]) for item in told.json["problems"]] == [(index, "token")]
    assert "not one of this history" in lab.run("ledger", "log", "--trust", trust).err
    assert "not one of this history" in lab.run(*STAMP, "list", "--trust", trust).err
    bundle = lab.folder / "bundle.json"
    lab.run("bundle", "create", "-o", bundle, "--for", "the court")
    assert lab.run("bundle", "verify", bundle).code == 3
    lab.run("bundle", "show", bundle).refused(3, "does not verify")


# --- over the network --------------------------------------------------------------------------------------


def test_authorities_are_asked_over_http_over_one_head(lab: Lab, tsa: Authority) -> None:
    other = Authority(lab.folder / "other", "Another")
    trust = trust_file(lab.folder / "both.json", tsa, other)
    lab.run("note", "before")
    with served(tsa.answer) as one, served(other.answer) as two:
        told = lab.run(*STAMP, "fetch", "--url", one, "--url", two, "--trust", trust, "--json")
    assert told.code == 0, told
    first, second = told.lines
    assert (first["size"], first["entry"] + 1) == (second["size"], second["entry"])
    assert {first["authority"], second["authority"]} == {"CN=Invented Authority", "CN=Another"}
    assert lab.run("ledger", "verify", "--trust", trust, "--json").json["checked"]["time-stamps"] == 2


def test_what_one_authority_grants_stands_whatever_the_other_does(lab: Lab, tsa: Authority, trust: Path) -> None:
    fetch = (*STAMP, "fetch", "--trust", trust, "--url")
    with served(tsa.answer) as one, served(lambda _: refused(2)) as two:
        told = lab.run(*fetch, one, "--url", two)
    told.refused(1, "granted no time-stamp: rejection", "(1 of 2 time-stamps were taken in)")
    assert len(lab.run(*STAMP, "list", "--trust", trust, "--json").lines) == 1


def test_an_authority_that_does_not_answer_well_is_told_in_one_line(lab: Lab, tsa: Authority, trust: Path) -> None:
    fetch = (*STAMP, "fetch", "--trust", trust)
    assert lab.run(*fetch).code == 2
    lab.run(*fetch, "--url", "file:///etc/passwd").refused(1, "no address of an authority")
    lab.run(*fetch, "--url", "http://127.0.0.1:9/").refused(1, "cannot be asked")
    lab.run(*fetch, "--url", "http://[").refused(1, "cannot be asked")
    old = tsa.answer(Request.make(b"old").data)
    answers: list[tuple[str, Any]] = [
        ("answers 503", (503, b"busy")),
        ("answers 302", (302, b"http://127.0.0.1:9/")),
        ("answers another request", old),
        ("no reply of a time-stamping authority", b"<html>"),
        ("that long", bytes(MAX_REPLY + 10)),
        ("no reply of a time-stamping authority", b""),
    ]
    for words, answer in answers:
        with served(lambda _, answer=answer: answer) as url:
            lab.run(*fetch, "--url", url).refused(1, words)
    assert lab.run(*STAMP, "list", "--json").lines == []


def test_an_authority_that_is_slow_is_not_waited_for(tsa: Authority) -> None:
    def late(_: bytes) -> bytes:
        time.sleep(1)
        return b""

    with served(late) as url, pytest.raises(CustodyError, match=r"did not answer within 0\.2 seconds"):
        fetch(url, b"request", patience=0.2)


# --- renewal -----------------------------------------------------------------------------------------------


def test_what_ends_soon_is_renewed_and_nothing_else(lab: Lab, tsa: Authority) -> None:
    soon = Authority(lab.folder / "soon", "Soon", end=datetime.now(UTC) + 30 * DAY)
    trust = trust_file(lab.folder / "both.json", tsa, soon)
    renew = (*STAMP, "renew", "--trust", trust)
    assert lab.run(*renew, "--url", "http://127.0.0.1:9/", "--json").json == {"renewed": False, "until": None}
    assert "no time-stamp holds" in lab.run(*renew, "-o", lab.folder / "r").out
    told = carried(lab, soon, trust)
    assert told.code == 0, told
    assert lab.run(*renew, "--url", "x", "--within", "10", "--json").json == {
        "renewed": False, "until": told.json["until"],
    }  # fmt: skip
    assert lab.run(*renew).code == 2
    assert lab.run(*renew, "--url", "x", "-o", "y").code == 2
    request = lab.folder / "renewal.tsq"
    said = lab.run(*renew, "-o", request)
    assert f"entry {told.json['entry']} holds until" in said.err
    assert Request.parse(request.read_bytes())
    with served(tsa.answer) as url:
        done = lab.run(*renew, "--url", url, "--json")
    assert done.json["authority"] == "CN=Invented Authority"
    first, second = lab.run(*STAMP, "list", "--trust", trust, "--json").lines
    assert first["until"] == second["until"] > told.json["until"]
    assert lab.run(*renew, "--url", "x", "--json").json["renewed"] is False


def test_who_does_not_keep_the_ledgers_key_cannot_take_one_in(lab: Lab, tsa: Authority, trust: Path) -> None:
    request = asked(lab)
    reply = answered(lab, tsa.answer(request.read_bytes()))
    persons = {person.key.hex()[:32] for person in Home(lab.home).people()}
    for path in lab.home.rglob("*.pem"):
        if path.stem not in persons:
            path.unlink()
    told = lab.run(*STAMP, "add", reply, "--trust", trust)
    told.refused(1, "the ledger's own key is not in this key store", "keeper")
    assert "anchor" not in {line["type"] for line in lab.log()}
