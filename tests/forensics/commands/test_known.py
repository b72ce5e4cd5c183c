"""`evikit known`: marks out of lists, in listings and in the ledger, without opening the evidence."""

from __future__ import annotations

import hashlib
import json

from tests.console import Lab
from tests.forensics.images import DEEP, GONE, HELLO


def test_known_good_files_are_hidden_and_counted_and_bad_ones_marked(case: Lab) -> None:
    sha256, md5 = hashlib.sha256(HELLO).hexdigest(), hashlib.md5(GONE).hexdigest()
    good = case.put("good.csv", f"name,SHA-256\nhello.txt,{sha256.upper()}\n".encode())
    bad = case.put("bad.json", json.dumps([{"md5": md5}, {"sha256": sha256}]).encode())
    before = [line for line in case.log() if line["type"].startswith("access.")]
    told = case.run("known", "AH/1", "--list", good, "--mark", "good", "--origin", "made up", "--json")
    assert told.code == 0, told
    assert (told.json["known"], told.json["compared"]) == (1, 3)
    files = {line["path"]: line for line in case.run("files", "--exhibit", "AH/1", "--json").lines}
    assert (files["HELLO.TXT"]["known"], files["HELLO.TXT"]["known_list"]) == ("good", "good.csv")
    assert files["SUB/DEEP.BIN"]["known"] is None
    shown = case.run("files", "--exhibit", "AH/1", "--hide-known")
    assert "HELLO.TXT" not in shown.out
    assert "hidden: 1 files that lists call known and good" in shown.err
    assert [line["path"] for line in case.run("files", "--known", "good", "--json").lines] == ["HELLO.TXT"]
    # a list of bad files goes before one of good files, whichever came first
    assert case.run("known", "AH/1", "--list", bad, "--mark", "bad", "--name", "couriers' tools").code == 0
    assert case.run("known", "AH/1", "--list", good, "--mark", "good").code == 0
    marks = {line["path"]: (line["known"], line["known_list"]) for line in case.run("files", "--json").lines}
    assert marks["HELLO.TXT"] == marks["_ONE.TXT"] == ("bad", "couriers' tools")
    assert "D!" in case.run("files", "--exhibit", "AH/1", "--known", "bad").out
    assert [line for line in case.log() if line["type"].startswith("access.")] == before
    assert case.run("ledger", "verify").code == 0
    assert hashlib.sha256(DEEP).hexdigest() == files["SUB/DEEP.BIN"]["sha256"]


def test_the_list_stands_in_the_ledger_by_name_digest_and_origin(case: Lab) -> None:
    data = f"sha256\n{hashlib.sha256(HELLO).hexdigest()}\n".encode()
    case.run("known", "AH/1", "--list", case.put("good.csv", data), "--mark", "good", "--origin", "NIST, by post")
    chosen = ("--exhibit", "AH/1", "--for", "the court")
    opened = case.run("bundle", "create", *chosen, "-o", case.folder / "b.json")
    assert opened.code == 0, opened
    said = (case.folder / "b.json").read_text()
    for word in ("good.csv", hashlib.sha256(data).hexdigest(), "NIST, by post", "1 of 3 files"):
        assert word in said


def test_what_is_refused(case: Lab) -> None:
    before = len(case.log())
    wrong = case.put("wrong.csv", b"title,author\nx,y\n")
    case.run("known", "AH/1", "--list", wrong, "--mark", "good").refused(1, "wrong.csv has no column md5 or sha256")
    case.run("known", "AH/1", "--list", "nosuch.csv", "--mark", "good").refused(1, "nosuch.csv cannot be read")
    assert case.run("known", "AH/1", "--list", wrong).code == 2
    assert len(case.log()) == before
    assert not (case.case / "known").exists()
