"""Apple System Log: the public file, records that lead nowhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from forensics.parsers import parser_for
from forensics.parsers.macos.apple_system_log import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

PUBLIC = "macos/plaso/applesystemlog.asl"


def test_the_public_log(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    data = corpus(PUBLIC).read_bytes()
    assert parser_for(data, "x") is PARSER
    found = read(PARSER, data)
    first, _ = artefacts(found, "asl.record")  # plaso counts the file's head as a third
    assert first.times == {"logged": at("2013-11-25T09:45:35.705481+00:00")}
    assert first.fields["host"] == "DarkTemplar-2.local"
    assert first.fields["data.CFLog Thread"] == "1007"
    assert (first.fields["level"], first.fields["pid"], first.fields["uid"]) == ("warning", "69", "205")
    assert problems(found) == []


def test_records_that_lead_nowhere(corpus: Fetch, read: Any) -> None:
    data = bytearray(corpus(PUBLIC).read_bytes())
    data[442 + 6 : 442 + 14] = (442).to_bytes(8, "big")
    assert problems(read(PARSER, bytes(data))) == ["the next record is said to be at 442, before this one"]
    data[442 + 6 : 442 + 14] = (10**6).to_bytes(8, "big")
    assert problems(read(PARSER, bytes(data))) == ["the record at 1,000,000 is not whole"]
    assert problems(read(PARSER, b"ASL DB")) == ["not the head of an Apple System Log"]


def test_damaged_logs_give_values(corpus: Fetch, read: Any) -> None:
    for data in damaged(corpus(PUBLIC).read_bytes()):
        read(PARSER, data)
