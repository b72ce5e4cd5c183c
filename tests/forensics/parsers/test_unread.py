"""Formats that are named and not read."""

from __future__ import annotations

from typing import Any

from forensics.parsers import parser_for
from forensics.parsers.unread import PARSER
from tests.forensics.parsers.found import problems

TRACE = b"\0\x10\0\0\x11\0\0\0\xd0\0\0\0\0\0\0\0" + bytes(100)


def test_the_unified_log_is_a_problem(read: Any) -> None:
    assert parser_for(TRACE, "0000000000000001.tracev3") is PARSER
    assert problems(read(PARSER, TRACE, name="a.tracev3")) == ["the unified log of macOS and iOS (tracev3) is not read"]
    assert parser_for(TRACE, "other") is None
