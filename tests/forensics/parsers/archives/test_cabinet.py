"""Cabinets: made by gcab 1.5 and held against its listing, damaged ones."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from typing import Any

from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers.archives.cabinet import PARSER
from tests.forensics.parsers.found import artefacts, damaged, problems

# gcab -c -z -n made.cab a.txt empty.txt
MADE = zlib.decompress(
    base64.b85decode(
        b"c-r#~c6MU`f)WM@(1Fs-jEoFSP<9LuGXh}*On@OTeAPw;hD5!R3Wz?4%sVdzQ3Zz7+=7xyu#Bw1+gAcWIcM+F9%oOUe11wo)!lQ|BnAK_YZin"
    )
)
FIRST = 44


def test_the_listing(read: Any, at: Callable[[str], int]) -> None:
    assert parser_for(MADE, "x.bin") is PARSER
    first, second = read(PARSER, MADE)
    assert (first.fields["name"], first.fields["size"], first.fields["method"]) == ("a.txt", "600", "MSZIP")
    assert second.fields["name"] == "empty.txt"
    assert first.clock is Clock.UNKNOWN
    assert first.times == {"modified": at("2023-11-14T22:13:20+00:00")}
    (first, _) = read(PARSER, MADE, zone="Europe/Belgrade")
    assert (first.clock, first.times["modified"]) == (Clock.DECLARED, at("2023-11-14T22:13:20+01:00"))


def test_a_cut_cabinet_and_an_impossible_time(read: Any) -> None:
    assert problems(read(PARSER, MADE[:60])) == ["the cabinet says it has 2 members, 0 could be read"]
    assert problems(read(PARSER, MADE[:-3])) == ["the cabinet is said to be 116 bytes: it is cut"]
    assert problems(read(PARSER, MADE[:10])) == ["the file ends within its header"]
    wrong = MADE[: FIRST + 10] + b"\xff\xff" + MADE[FIRST + 12 :]
    found = read(PARSER, wrong)
    assert len(artefacts(found, "cab.member")) == 2
    assert "there is no month 15" in problems(found)[0]


def test_damaged_cabinets_give_values(read: Any) -> None:
    for copy in damaged(MADE, 120):
        read(PARSER, copy)
