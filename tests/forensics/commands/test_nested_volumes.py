"""Volumes inside others on the command line: listed, examined and extracted from like any other."""

from __future__ import annotations

import hashlib

from tests.conftest import Fetch
from tests.console import Lab
from tests.forensics.bitlocker_images import volume as bitlocker
from tests.forensics.images import HELLO, fat12, mbr
from tests.forensics.lvm_images import EXTENT, on_both, pair
from tests.forensics.shadow_images import BLOCK, LOG, LOG_NAME, LOG_SIZE, UNDELETED, shadowed, three_states

WORDS = ("--purpose", "find the couriers")


def test_files_of_logical_volumes_are_examined_and_extracted(lab: Lab) -> None:
    first, second = pair()
    on_both(first, second, bitlocker(fat12().ljust(60 * EXTENT, b"\0"), clear=True))
    lab.put("disk.raw", bytes(mbr([(0x8E, 63, 8192), (0x8E, 8255, 8192)], 63 * 512)) + first + second)
    (lab.folder / "passphrases").write_text("another\n")
    secret = ("--passphrases", lab.folder / "passphrases")
    told = lab.run("ingest", lab.evidence / "disk.raw", "--exhibit", "AH/1", *WORDS, *secret)
    assert told.code == 4, told  # the striped volume holds nothing that is known
    rows = lab.run("volumes", "--json").lines
    assert [(row["volume"], row["filesystem"]) for row in rows] == [
        ("1", ""), ("1.root", "FAT12"), ("1.striped", ""), ("1.big", "FAT12"), ("2", ""),
    ]  # fmt: skip
    files = [row for row in lab.run("files", "--json").lines if row["path"] == "HELLO.TXT"]
    assert {row["volume"] for row in files} == {"1.root", "1.big"}
    got = lab.run("extract", "AH/1", "HELLO.TXT", "--volume", "1.big", *WORDS, *secret, "--json")
    assert got.code == 0, got
    assert (got.json["match"], got.json["size"]) == (True, str(len(HELLO)))
    lab.run("extract", "AH/1", "HELLO.TXT", "--volume", "1.big", *WORDS).refused(1, "volume 1.big is encrypted")


def test_what_did_not_change_is_not_listed_again(lab: Lab, corpus: Fetch) -> None:
    states = three_states(corpus(UNDELETED))
    untouched = LOG // BLOCK * BLOCK
    lab.put("disk.raw", shadowed(states, also=[untouched]))
    told = lab.run("ingest", lab.evidence / "disk.raw", "--exhibit", "AH/1", *WORDS)
    assert told.code in (0, 4), told
    rows = {row["volume"]: row for row in lab.run("volumes", "--json").lines}
    listed: dict[str, list[dict[str, str]]] = {index: [] for index in rows}
    for row in lab.run("files", "--json").lines:
        listed[row["volume"]].append(row)
    assert [row["path"] for row in listed["0.vss1"]] == ["$MFT", LOG_NAME]
    assert [row["path"] for row in listed["0.vss2"]] == [LOG_NAME]  # its bytes differ, nothing else of it does
    for index, state in (("0.vss1", states[0]), ("0.vss2", states[1])):
        before = hashlib.sha256(state[LOG : LOG + LOG_SIZE]).hexdigest()
        assert listed[index][-1]["sha256"] == before
        left_out = len(listed["0"]) - len(listed[index])
        assert rows[index]["description"].endswith(f"; {left_out} names as in the state after it are left out")
    assert listed["0.vss1"][-1]["modified"] != listed["0.vss2"][-1]["modified"]
    got = lab.run("extract", "AH/1", LOG_NAME, "--volume", "0.vss2", *WORDS, "--json")
    assert (got.code, got.json["match"]) == (0, True)
