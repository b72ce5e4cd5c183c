"""Lines and their places: encodings, NULs, long lines, floods."""

from __future__ import annotations

import codecs
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.model import Location, Problem
from forensics.parsers import PARSERS, ParserInput, parser_for
from forensics.parsers._lines import LINE_LIMIT, UNPARSED_LIMIT, Line, head_lines, parse_lines, read_lines, shown
from forensics.parsers.logs import access_log, syslog


def refuse(line: Line, location: Location) -> str:
    return "no"


def test_places_without_line_ends(source: Any) -> None:
    assert list(read_lines(source(b"ab\r\n\ncd\rx\nlast"))) == [
        Line(0, 2, "ab"),
        Line(4, 0, ""),
        Line(5, 4, "cd\rx"),
        Line(10, 4, "last"),
    ]


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [(codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"), (codecs.BOM_UTF8, "utf-8")],
)
def test_a_byte_order_mark_decides(mark: bytes, encoding: str, source: Any) -> None:
    texts = ["ë ç ш", "਀ഀ", "x"]  # U+0A00 and U+0D00 hold the bytes of line ends across characters
    data = mark + "\r\n".join(texts).encode(encoding)
    lines = list(read_lines(source(data)))
    assert [line.text for line in lines] == texts
    for line in lines:
        assert data[line.offset : line.offset + line.length].decode(encoding) == line.text


def test_bytes_that_are_not_utf8_stay_visible(source: Any) -> None:
    assert next(read_lines(source(b"caf\xe9 \xff"))).text == "caf\\xe9 \\xff"


@pytest.mark.parametrize("size", [LINE_LIMIT - 1, LINE_LIMIT, LINE_LIMIT + 1, 3 * 1024 * 1024])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_long_lines_keep_their_range_and_are_followed_by_the_next(size: int, end: bytes, source: Any) -> None:
    lines = list(read_lines(source(b"first\n" + b"A" * size + end + (b"next" if end else b""))))
    long = lines[1]
    assert (long.offset, long.text) == (6, "A" * min(size, LINE_LIMIT))
    assert long.cut == (size > LINE_LIMIT)
    assert size <= long.length <= size + 1  # a carriage return beyond the limit is not looked for
    assert [line.text for line in lines[2:]] == (["next"] if end else [])


def test_nuls_before_a_line_are_a_problem_of_their_own(source: Any) -> None:
    for count in (1, 5000, LINE_LIMIT + 1, 2 * 1024 * 1024 + 3):
        found: list[Any] = list(parse_lines(source(b"\0" * count + b"text\n"), "stage", refuse))
        assert [problem.location.offset for problem in found][-1] == count
        assert sum(problem.location.length for problem in found[:-1]) == count
        assert all("NUL bytes" in problem.reason for problem in found[:-1])


def test_a_flood_of_problems_ends_in_a_count_with_its_range(source: Any) -> None:
    data = b"bad\n" * (UNPARSED_LIMIT + 250)
    found = list(parse_lines(source(data), "stage", refuse))
    assert len(found) == UNPARSED_LIMIT + 1
    last = found[-1]
    assert isinstance(last, Problem)
    assert last.reason.startswith("250 more problems")
    assert (last.location.offset, last.location.length) == (4 * UNPARSED_LIMIT, len(data) - 4 * UNPARSED_LIMIT - 1)


def test_what_is_shown_fits_one_printable_line() -> None:
    assert shown("a\x1b[2J\u202eя\n\\") == "a\\x1b[2J\\u202eя\\n\\"
    assert len(shown("x" * 1000)) == 200


def test_a_huge_line_takes_little_memory() -> None:
    size = 256 * 1024 * 1024
    endless = ParserInput("log", size, lambda offset, length: b"A" * min(length, size - offset), Location("X"))
    tracemalloc.start()
    (line,) = read_lines(endless)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert line.length == size
    assert peak < 8 * 1024 * 1024


@given(pieces=st.lists(st.binary(max_size=30), max_size=20), newline=st.sampled_from([b"\n", b"\r\n"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_lines_cover_every_byte_but_line_ends(pieces: list[bytes], newline: bytes, source: Any) -> None:
    data = b"." + newline.join(pieces)
    covered = bytearray(len(data))
    for line in read_lines(source(data)):
        covered[line.offset : line.offset + line.length] = b"\1" * line.length
    assert {data[place] for place, seen in enumerate(covered) if not seen} <= {10, 13}


def test_the_head_leaves_out_a_line_that_may_be_cut() -> None:
    assert head_lines(b"one\n\0two\n \nthr") == ["one", "two"]
    assert head_lines(b"only") == ["only"]


LINES = [
    *("Jan  5 12:30:01 host cron[1]: x", "<34>Feb 10 2024 01:02:03: y", "Mar 1 12:30:01.5 z", "<1>1 - host a b c - m"),
    *("<165>999 2003-08-24T05:14:15-07:00 host a b c - m", "2024-01-02T03:04:05Z host a: m", "1 - - - - - - x"),
    '192.0.2.1 - - [10/Oct/2024:13:55:36 +0000] "GET / HTTP/1.1" 200 1',
    'h - a b [10/Oct/2024:13:55:36 +0000] "" 400 -',
]


@given(
    st.lists(st.sampled_from(LINES).map(str.encode) | st.binary(max_size=20), max_size=6),
    st.sampled_from([b"\n", b"\r\n", b"\n\0\0"]),
    st.sampled_from(["x", "access.log", "auth.log"]),
)
def test_the_look_at_the_bytes_spares_no_log(pieces: list[bytes], newline: bytes, name: str) -> None:
    head = newline.join(pieces)
    looked = [parser.accepts(head, name) for parser in PARSERS]
    with pytest.MonkeyPatch.context() as patch:
        for module in (access_log, syslog):
            patch.setattr(module, "may_hold", lambda head, pattern: True)
        assert looked == [parser.accepts(head, name) for parser in PARSERS]


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_kind_of_line_is_accepted(line: str, encoding: str) -> None:
    assert parser_for((line + "\n").encode(encoding), "x") in (access_log.PARSER, syslog.PARSER)
