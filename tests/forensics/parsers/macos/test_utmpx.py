"""macOS's login records: the public file, records that are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from forensics.parsers import parser_for
from forensics.parsers.macos.utmpx import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

PUBLIC = "utmp/plaso/utmpx_mac"


def test_the_public_records(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    data = corpus(PUBLIC).read_bytes()
    assert parser_for(data[:4096], "x") is PARSER
    found = artefacts(read(PARSER, data), "utmpx.record")
    assert len(found) == 6  # as plaso counts
    assert found[1].fields == {"type": "USER_PROCESS", "user": "moxilo", "line": "console", "pid": "67", "id": "/"}
    assert found[1].times == {"logged": at("2013-11-13T17:52:41.736713+00:00")}


def test_records_that_are_none(corpus: Fetch, read: Any) -> None:
    data = corpus(PUBLIC).read_bytes()
    assert problems(read(PARSER, data[:-8])) == ["620 bytes are no whole record of 628"]
    assert problems(read(PARSER, data[:628] + b"\xff" * 628)) == ["no login record: type -1, 4294967295 microseconds"]
    assert problems(read(PARSER, bytes(628))) == ["not the first record of utmpx"]


def test_damaged_files_give_values(corpus: Fetch, read: Any) -> None:
    for data in damaged(corpus(PUBLIC).read_bytes(), 30):
        read(PARSER, data)
