"""Jump lists of both kinds: public ones held against plaso's counts, damaged ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from forensics.parsers import parser_for
from forensics.parsers._facts import Facts
from forensics.parsers.windows.jump_list import PARSER, _destinations
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

AUTOMATIC = "1b4dd67f29cb1962.automaticDestinations-ms"
CUSTOM = "5afe4de1b92fc382.customDestinations-ms"


def data(corpus: Fetch, name: str) -> bytes:
    return corpus(f"jumplist/plaso/{name.partition('.')[2]}/{name}").read_bytes()


def test_automatic_destinations(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    found = read(PARSER, data(corpus, AUTOMATIC), name=AUTOMATIC)
    entries = artefacts(found, "jumplist.destination")
    links = artefacts(found, "jumplist.shortcut")
    assert problems(found) == []
    assert {entry.fields["entry"] for entry in entries} == {link.fields["entry"] for link in links}
    assert len(entries) == len(links) == 7
    newest = entries[0]
    assert newest.fields["path"] == r"C:\Users\bperry\Downloads"
    assert newest.fields["machine"] == "student-pc1"
    assert newest.times == {"opened": at("2015-08-29T15:32:44.034300+00:00") + 800}


def test_custom_destinations(corpus: Fetch, read: Any) -> None:
    found = read(PARSER, data(corpus, CUSTOM), name=CUSTOM)
    links = artefacts(found, "jumplist.shortcut")
    assert len(links) == 9
    assert len(artefacts(found, "jumplist.item")) == 27
    assert links[0].fields["local_path"] == r"C:\Windows\System32\GettingStarted.exe"
    assert [link.location.offset for link in links] == sorted(link.location.offset or 0 for link in links)
    assert problems(found) == []


def test_a_list_cut_short_says_so(corpus: Fetch, read: Any) -> None:
    found = read(PARSER, data(corpus, CUSTOM)[:-200], name=CUSTOM)
    assert problems(found)[-1] == "the end of the list is missing: the file is cut or damaged"


def entries(version: int, count: int, *paths: str) -> bytes:
    start = {1: 112, 3: 128}[version]
    end = bytes(0 if version == 1 else 4)
    rows = [bytes(start) + len(path).to_bytes(2, "little") + path.encode("utf-16-le") + end for path in paths]
    return version.to_bytes(4, "little") + count.to_bytes(4, "little") + bytes(24) + b"".join(rows)


@pytest.mark.parametrize("version", [1, 3])
def test_the_order_of_each_version(version: int, source: Any) -> None:
    facts = Facts(source(b""), PARSER.name, PARSER.version)
    found = list(_destinations(facts, entries(version, 2, r"C:\a", r"D:\бдг")))
    assert [entry.fields["path"] for entry in artefacts(found, "jumplist.destination")] == [r"C:\a", r"D:\бдг"]
    assert problems(found) == []


def test_entries_that_are_missing_and_versions_not_known(source: Any) -> None:
    facts = Facts(source(b""), PARSER.name, PARSER.version)
    assert problems(list(_destinations(facts, entries(1, 3, "a")))) == [
        "DestList says it has 3 entries, 1 could be read"
    ]
    cut = list(_destinations(facts, entries(1, 1, "abcdef")[:-4]))
    assert artefacts(cut, "jumplist.destination")[0].fields["path"] == "abcd"
    assert problems(list(_destinations(facts, b"\x63\0\0\0"))) == [
        "DestList has the unknown version 99: its entries are not read"
    ]


def test_they_are_told_by_name_and_signature(corpus: Fetch) -> None:
    assert parser_for(data(corpus, AUTOMATIC)[:4096], AUTOMATIC) is PARSER
    assert parser_for(data(corpus, CUSTOM)[:4096], CUSTOM) is PARSER
    assert not PARSER.accepts(data(corpus, AUTOMATIC)[:4096], "letter.doc")


@pytest.mark.parametrize("name", [AUTOMATIC, CUSTOM])
def test_damaged_files_give_values(corpus: Fetch, read: Any, name: str) -> None:
    for copy in damaged(data(corpus, name)):
        read(PARSER, copy, name=name)
