"""The system's zone: the public file, a zone's name, files without a rule."""

from __future__ import annotations

from typing import Any

from forensics.parsers import parser_for
from forensics.parsers.unix.time_zone import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import damaged, problems

PUBLIC = "macos/plaso/localtime.tzif"


def test_zones(corpus: Fetch, read: Any) -> None:
    data = corpus(PUBLIC).read_bytes()
    assert parser_for(data[:4096], "localtime") is PARSER
    assert parser_for(data[:4096], "Belgrade") is None
    (found,) = read(PARSER, data)
    assert (found.fields, found.times) == ({"rule": "CET-1CEST,M3.5.0,M10.5.0/3"}, {})
    assert parser_for(b"Europe/Belgrade\n", "timezone") is PARSER
    (named,) = read(PARSER, b"Europe/Belgrade\n")
    assert named.fields == {"name": "Europe/Belgrade"}


def test_zones_without_a_rule(read: Any) -> None:
    assert problems(read(PARSER, b"TZif" + bytes(40))) == [
        "a zone without a rule at its end (version 1 of the format, or a zone without one)"
    ]
    assert problems(read(PARSER, b"!")) == ["no zone's name"]


def test_damaged_files_give_values(corpus: Fetch, read: Any) -> None:
    for data in damaged(corpus(PUBLIC).read_bytes()):
        read(PARSER, data)
