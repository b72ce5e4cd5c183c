"""What rules demand: regular expressions for another engine, which match no less."""

from __future__ import annotations

import hyperscan
import pytest

from forensics.mime.candidates import _compiled
from forensics.mime.demands import Expressions, Head, Number, translated


def found(expression: bytes, text: bytes) -> bool:
    known = Expressions()
    flags = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_MULTILINE | hyperscan.HS_FLAG_PREFILTER
    known.numbers[expression, flags] = 7
    database, refused = _compiled(known)
    seen = set(refused)
    database.scan(text, match_event_handler=lambda number, *_: seen.add(number))
    return seen == {7}


@pytest.mark.parametrize(
    ("expression", "matching", "other"),
    [
        (rb"^[[:space:]]*(class|module)[[:space:]][A-Z]", b"x\n  class A", b"x  class A"),
        (rb"a\.b", b"a.b", b"a-b"),
        (rb"[]a]x", b"]x", b"bx"),
        (rb"[^]a]x", b"bx", b"]x"),
        (rb"[\]x", b"\\x", b"]x"),
        (rb"[{]", b"{", b"a"),
        (rb"a#b", b"a#b", b"a"),
        (rb"^a{2,3}$", b"x\naa\n", b"aab-----"),
        (rb"^a$", b"ba\na?", b"ab\nba"),  # libmagic leaves the last byte out
        (rb"x(a|bc)*y", b"xabcy", b"xby"),
    ],
)
def test_an_expression_finds_what_it_found(expression: bytes, matching: bytes, other: bytes) -> None:
    there = translated(expression, from_start=True, to_end=True)
    assert there is not None
    assert found(there, matching)
    assert not found(there, other)


def test_a_place_that_is_not_known_is_not_asked_for() -> None:
    assert translated(rb"^a$", from_start=False, to_end=False) == rb"\x61"
    assert translated(rb"^a$|b", from_start=True, to_end=True) == rb"^\x61|\x62"


def test_a_long_repetition_has_no_end() -> None:
    assert translated(rb"[a-z]{0,255}{1,3}x", from_start=False, to_end=False) is None
    assert translated(rb"[a-z]{0,255}x{1,3}", from_start=False, to_end=False) == rb"[a-z]{0,}\x78{1,3}"


@pytest.mark.parametrize(
    "unknown", [rb"\<a", rb"a\w", rb"a**", rb"a*?", rb"(?:a)", rb"[[.a.]]", rb"[[=a=]]", rb"[a", b"\\"]
)
def test_what_is_not_known_is_not_translated(unknown: bytes) -> None:
    assert translated(unknown, from_start=True, to_end=True) is None


def test_an_expression_that_is_refused_counts_as_found() -> None:
    known = Expressions()
    known.numbers[rb"(unclosed", 0] = 0
    known.numbers[rb"\x61", 0] = 1
    database, refused = _compiled(known)
    assert refused == {0}
    seen: list[int] = []
    database.scan(b"ba", match_event_handler=lambda number, *_: seen.append(number))
    assert seen == [1]


@pytest.mark.parametrize(
    ("relation", "signed", "value", "matching", "other"),
    [
        ("=", True, 5, b"\x05", b"\x06"),
        ("!", True, 5, b"\x06", b"\x05"),
        ("<", True, 5, b"\xff", b"\x05"),
        ("<", False, 5, b"\x04", b"\xff"),
        (">", True, 0xFE, b"\xff", b"\xfd"),
        (">", False, 0x7F, b"\x80", b"\x7f"),
        ("&", True, 0x06, b"\x0e", b"\x04"),
        ("^", True, 0x06, b"\x04", b"\x0e"),
    ],
)
def test_relations_of_numbers(relation: str, signed: bool, value: int, matching: bytes, other: bytes) -> None:
    test = Number(1, 1, "little", 0xFF, value, relation, signed).test()
    assert test(Head(b"x" + matching + bytes(8), 2))
    assert not test(Head(b"x" + other + bytes(8), 2))
    assert test(Head(b"x" + bytes(8), 1)) == (relation == "!"), "behind the end"


def test_eight_bytes_are_read_with_zeros_behind_the_end() -> None:
    test = Number(2, 8, "big", (1 << 64) - 1, 0x61 << 56, "=", True).test()
    assert test(Head(b"xxa" + bytes(8), 3))
    assert not test(Head(b"xxb" + bytes(8), 3))
