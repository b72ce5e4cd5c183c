"""`evikit search` and `evikit hits`: an access with its purpose, and what was found where."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from forensics.commands.demo import _samples
from forensics.search import run as run_module
from tests.conftest import Fetch
from tests.console import Lab
from tests.forensics.images import fat12
from tests.forensics.luks_images import PASSPHRASE, encrypted

WHY = ("--purpose", "find the couriers' names")


def search(lab: Lab, *words: str | Path, ref: str = "AH/1", code: int = 0) -> Any:
    told = lab.run("search", ref, *WHY, *words, "--json")
    assert told.code == code, told
    return told.json


def hits(lab: Lab, *words: str) -> list[Any]:
    told = lab.run("hits", "--json", *words)
    assert told.code == 0, told
    return told.lines


def places(found: Sequence[Any]) -> set[tuple[str, str, str, str | None]]:
    return {(hit["pattern"], hit["area"], hit["path"], hit["medium_offset"]) for hit in found}


# The table of the test image's makers (Digital Forensics Tool Testing Images, 2: FAT keyword search): sector and byte.
KEYWORDS = [
    ("first", "file", "file1.dat", 271, 167),
    ("SECOND", "file", "file2.dat", 272, 288),
    ("SECOND", "rest", "", 239, 480),
    ("1cross1", "border", "file1.dat", 271, 508),
    ("2cross2", "file", "file3.dat", 273, 508),
    ("3cross3", "unallocated", "", 283, 508),
    ("1slack1", "border", "file2.dat", 272, 396),
    ("2slack2", "border", "file3.dat", 274, 508),
    ("3slack3", "slack", "file4.dat", 277, 385),
    ("1fragment1", "file", "file4.dat", 275, 507),
    ("2fragment sentence2", "file", "file6.dat", 278, 502),
    ("deleted", "file", "_ILE5.DAT", 276, 230),
    ("deleted", "unallocated", "", 276, 230),
    (r"a?b\c*d$e#f[g^", "file", "file7.dat", 279, 160),
]
EXPRESSIONS = [
    ("f[[:alpha:]]rst", {"first"}),
    ("f[a-z]r[0-9]?s[[:space:]]*t", {"first"}),
    ("d[a-z]l.?t.?d", {"deleted"}),
    ("[r-t][[:space:]]?[j-m][[:space:]]?[a-c]{2,2}[[:space:]]?[j-m]", {"slack"}),
    ("[1572943][[:space:]]?fr.{2,3}ent[[:space:]]?", {"1fragment", "2fragment "}),
    (r"a\??[a-c]\\*[a-c]\**", {r"a?b\c*"}),
    (r"[[:alpha:]]\??x?y?Q?[a-c]\\*u*[a-c]\**d\$[0-9]*e#", {r"a?b\c*d$e#"}),
]


def test_the_keyword_image(lab: Lab, corpus: Fetch, tmp_path: Path) -> None:
    with zipfile.ZipFile(corpus("image/sleuthkit_test_data/from_brian/2-kwsrch-fat.zip")) as packed:
        image = Path(packed.extract("2-kwsrch-fat/fat-img-kw.dd", tmp_path))
    lab.ingest("AH/1", image)
    words = tmp_path / "words.txt"
    words.write_text("\ufeff" + "\n".join(dict.fromkeys(row[0] for row in KEYWORDS)) + "\n\n", "utf-8")
    told = search(lab, "--words", words, "--match-case")
    expected = {(word, area, path, str(512 * sector + byte)) for word, area, path, sector, byte in KEYWORDS}
    assert places(hits(lab)) == expected
    assert told["hits"] == len(expected)
    assert int(told["read_bytes"]) >= image.stat().st_size
    pieces = {hit["pattern"]: hit["pieces"] for hit in hits(lab) if hit["area"] == "file"}
    assert pieces["1fragment1"] == "2"  # it begins in one place of the medium and ends in another
    told = search(
        lab, *(word for row in EXPRESSIONS for word in ("--regex", row[0])), "--word", "FirSTT", "--word", "FirST"
    )
    matched: dict[str, set[str]] = {}
    for hit in hits(lab):
        matched.setdefault(hit["pattern"], set()).add(hit["match"])
    assert matched.pop("FirST") == {"first"}
    assert matched == dict(EXPRESSIONS)


def test_an_access_with_its_purpose_and_the_patterns_by_digest(case: Lab) -> None:
    before = len(case.log())
    told = search(case, "--word", "Hello", "--word", "ziggurat")
    begin, end = (line for line in case.log()[before:] if line["type"].startswith("access."))
    assert (begin["type"], begin["purpose"]) == ("access.begin", WHY[1])
    assert (end["type"], end["outcome"]) == ("access.end", "completed")
    kept = case.case / "receipts" / "attachments" / told["patterns"]
    assert json.loads(kept.read_bytes())["words"] == ["Hello", "ziggurat"]
    ledger = (case.case / "ledger.sqlite").read_bytes()
    assert told["patterns"].encode() in ledger
    assert b"ziggurat" not in ledger  # what is searched for may name people: whoever gets the ledger does not get it
    assert (case.run("ledger", "verify").code, case.run("verify", "AH/1").code) == (0, 0)
    folder = case.case / "searches" / told["search"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "hits.parquet", "manifest.json", "problems.parquet", "read.parquet", "started.json",
    ]  # fmt: skip
    read = pq.read_table(folder / "read.parquet").to_pylist()
    assert {(row["path"], row["outcome"]) for row in read} >= {("HELLO.TXT", "content"), ("_ONE.TXT", "content")}


@pytest.mark.parametrize("name", ["laptop-ntfs.img", "web01-ext4.img", "stick-fat16.img"])
def test_every_byte_of_the_medium_is_searched(lab: Lab, name: str) -> None:
    """Wherever a byte string stands on the medium, in whatever area, it is found there."""
    image = (_samples() / name).read_bytes()
    lab.ingest("AH/1", lab.put(name, image))
    written = [at for at in range(512, len(image) - 4, 4096) if image[at] and len(set(image[at : at + 4])) > 2]
    sought = sorted({b"the", *(image[at : at + 4] for at in written[:: max(len(written) // 12, 1)])})
    expressions = ["".join(f"\\x{byte:02x}" for byte in raw) for raw in sought]
    words = [word for expression in expressions for word in ("--regex", expression)]
    lab.run("search", "AH/1", *WHY, *words)
    known = {(hit["pattern"], int(hit["medium_offset"])) for hit in hits(lab) if hit["medium_offset"] is not None}
    for raw, expression in zip(sought, expressions, strict=True):
        there = [found.start() for found in re.finditer(re.escape(raw), image)]
        assert there or raw == b"the"
        assert not [at for at in there if (expression, at) not in known], expression


def test_files_of_a_folder_and_logs(case: Lab) -> None:
    big = case.put("logs/big.bin", b"x" * 2_500_000 + "Дрога".encode("cp866") + b"y" * 3_000_000)
    case.ingest("AH/3", case.evidence / "logs")
    told = search(case, "--word", "ДРОГА", "--word", "kit_fatura", ref="AH/3")
    assert (told["hits"], told["problems"]) == (2, 0)
    found = {hit["pattern"]: hit for hit in hits(case)}
    assert (found["ДРОГА"]["path"], found["ДРОГА"]["offset"]) == (big.name, "2500000")
    assert (found["ДРОГА"]["encoding"], found["ДРОГА"]["medium_offset"]) == ("cp866", None)
    assert found["kit_fatura"]["path"] == "web/access.log"
    (case.evidence / "logs" / "big.bin").unlink()
    case.ingest("AH/4", case.evidence / "logs" / "auth.log")
    assert search(case, "--word", "SSHD", ref="AH/4")["hits"] == 2


def test_a_cut_image_is_searched_as_far_as_it_goes(lab: Lab) -> None:
    whole = (_samples() / "web01-ext4.img").read_bytes()
    image = bytearray(whole[: len(whole) - (1 << 20)])
    lab.run("ingest", lab.put("cut.img", bytes(image)), "--exhibit", "AH/1", *WHY)
    told = lab.run("search", "AH/1", *WHY, "--word", "root", "--json")
    assert told.code in {0, 4}, told
    found = {int(hit["medium_offset"]) for hit in hits(lab) if hit["medium_offset"]}
    assert {at.start() for at in re.finditer(rb"(?i)root", image)} <= found
    assert told.json["problems"] < 20


def test_members_of_an_archive_are_searched_unpacked(lab: Lab) -> None:
    path = lab.evidence / "seized.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("inner/words.txt", "nothing " * 500 + "the КОНТРАБАНДА came " + "nothing " * 500)
        packed.writestr("other.txt", "no more of it" * 100)
    lab.ingest("AH/1", path)
    told = search(lab, "--word", "контрабанда")
    assert (told["hits"], told["problems"]) == (1, 0)
    (hit,) = hits(lab)
    assert (hit["path"], hit["offset"], hit["encoding"]) == ("inner/words.txt", "4004", "utf-8")


def test_yara_rules(case: Lab) -> None:
    rules = case.put("rules.yar", b'rule hello { strings: $a = "Hello" condition: $a at 0 and filesize < 100 }')
    told = search(case, "--yara", rules)
    assert told["by_pattern"] == [{"kind": "yara", "pattern": "$a", "rule": "hello", "hits": 1}]
    (hit,) = hits(case)
    assert (hit["path"], hit["rule"], hit["pattern"], hit["match"]) == ("HELLO.TXT", "hello", "$a", "Hello")


def test_hits_are_listed_filtered_and_written_out(case: Lab) -> None:
    search(case, "--word", "file", "--word", "hello")
    found = hits(case)
    assert [hit["id"] for hit in found] == [f"h1.{row}" for row in range(len(found))]
    first = {hit["key"] for hit in found}
    assert len(first) == len(found)
    search(case, "--word", "file")
    assert {hit["key"] for hit in hits(case)} < first  # the same hit has the same key in every search
    assert len(hits(case, "--search", "0001-AH-1")) == len(found)
    assert {hit["area"] for hit in hits(case, "--area", "unallocated")} == {"unallocated"}
    assert hits(case, "--text", "_one.txt", "--exhibit", "AH/1")[0]["allocated"] is False
    table = case.run("hits")
    assert "[file]" in table.out
    assert "_ONE.TXT" in table.out
    out = case.folder / "hits.csv"
    assert case.run("hits", "--format", "csv", "-o", out).code == 0
    assert out.read_text().startswith("id,key,exhibit,volume,area,path")
    assert [line["type"] for line in case.log()][-1] != "access.begin"


def test_a_note_takes_a_hit(case: Lab) -> None:
    search(case, "--word", "deleted")
    hit = hits(case)[0]
    told = case.run("note", "the parcel was thrown away", "--of", hit["id"], "--json")
    assert told.code == 0, told
    case.run("note", "nothing", "--of", "h1.999").refused(1, "there is no hit h1.999")
    case.run("note", "nothing", "--of", "h9.0").refused(1, "there is no hit h9.0")


def test_a_search_that_finds_too_much_ends(case: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "MOST_HITS", 1)
    told = case.run("search", "AH/1", *WHY, "--word", "file")
    assert told.code in {0, 4}, told


def test_an_unlocked_volume_needs_its_passphrase_again(lab: Lab, tmp_path: Path) -> None:
    image = encrypted(tmp_path, fat12())
    secret = lab.put("secrets.txt", PASSPHRASE + b"\n")
    told = lab.run("ingest", image, "--exhibit", "AH/1", *WHY, "--passphrases", secret, "--json")
    assert told.code in {0, 4}, told
    lab.run("search", "AH/1", *WHY, "--word", "Hello").refused(1, "is encrypted", "--passphrases")
    found = search(lab, "--word", "Hello", "--passphrases", secret)
    assert found["hits"] >= 1
    assert {hit["medium_offset"] for hit in hits(lab) if hit["path"] == "HELLO.TXT"} == {None}


REFUSED: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
    ((), ("nothing to search for",)),
    (("--regex", "a("), ("'a(' does not compile", "unclosed group")),
    (("--words", "nosuch.txt"), ("nosuch.txt cannot be read",)),
    (("--word", "x", "--purpose", " "), ("the purpose is empty",)),
]


@pytest.mark.parametrize(("words", "said"), REFUSED)
def test_what_is_refused_before_anything_is_read(case: Lab, words: tuple[str, ...], said: tuple[str, ...]) -> None:
    before = len(case.log())
    case.run("search", "AH/1", *WHY, *words).refused(1, *said)
    rules = case.put("wrong.yar", b"rule a { condition: $b }")
    case.run("search", "AH/1", *WHY, "--yara", rules).refused(1, "wrong.yar does not compile", "line 1")
    latin = case.put("latin.txt", "Žižek".encode("cp1250"))
    case.run("search", "AH/1", *WHY, "--words", latin).refused(1, "is not UTF-8")
    case.run("search", "AH/9", *WHY, "--word", "x").refused(1, "there is no exhibit 'AH/9'")
    case.run("hits").refused(1, "nothing has been searched for yet", "evikit search")
    assert len(case.log()) == before
    assert not (case.case / "searches").exists()


def test_a_named_search_that_is_not_there(case: Lab) -> None:
    search(case, "--word", "x")
    case.run("hits", "--search", "0009-AH-1").refused(1, "there is no complete search 0009-AH-1")
