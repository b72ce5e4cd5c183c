"""Words of the record among ours: nothing invisible, nothing that becomes a place to fill."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.ledger.entry import Json
from custody.report.markup import css_string, markup_of, tag
from custody.report.phrase import MAX_SHOWN, Absent, Quoted, joined, phrase, plain, quote, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ђорђе Şükrü Këlcyrë 山田", "Ђорђе Şükrü Këlcyrë 山田"),
        ("a\tb\x00c\x7f\x9b", "a[U+0009]b[U+0000]c[U+007F][U+009B]"),
        ("two\nlines\r", "two\nlines[U+000D]"),
        ("exe\u202egpj", "exe[U+202E]gpj"),
        ("\u2066x\u2069\ufeff\u00ad", "[U+2066]x[U+2069][U+FEFF][U+00AD]"),
        ("a\u2028b\ud800", "a[U+2028]b[U+D800]"),
        ("ad\u200dmin", "ad[U+200D]min"),
        ("م\u200cخ", "م\u200cخ"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("\u200d", "[U+200D]"),
        ("e" + "\u0301" * 6, "e" + "\u0301" * 4 + "[U+0301]" * 2),
    ],
)
def test_what_cannot_be_seen_is_made_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_what_is_too_long_is_cut_and_said_so() -> None:
    assert visible("x" * MAX_SHOWN) == "x" * MAX_SHOWN
    assert visible("x" * 9999) == "x" * MAX_SHOWN + " … [9999 characters in all; the bundle has them]"


@given(st.text())
def test_nothing_hidden_is_left(text: str) -> None:
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not {c for c in visible(text) if unicodedata.category(c) in hidden} - set("\n\u200c\u200d")


@pytest.mark.parametrize(
    ("value", "piece"),
    [
        ({"name": "Šefkat Ђурић", "agency": "Agencija"}, Quoted("Šefkat Ђурић, Agencija")),
        ("x", Quoted("x")),
        ("", Absent.NOT_STATED),
        (None, Absent.NOT_STATED),
        ([], Absent.NOT_STATED),
        (True, Quoted("yes")),
        (False, Quoted("no")),
        (["a", {"b_c": "d", "e": None}, []], Quoted("a; b c: d")),
        ({"name": "files.parquet", "sha256": "00"}, Quoted("files.parquet: 00")),
        ([{"name": "n", "value": None}], Quoted("n: ")),
    ],
)
def test_any_value_becomes_one_piece(value: Json, piece: object) -> None:
    assert quote(value) == piece


def test_braces_of_the_record_are_no_places() -> None:
    filled = phrase("{who} did {what}.", {"what": ("a ", Quoted("{who}"))}, who=Quoted("{what}"))
    assert filled == (Quoted("{what}"), " did ", "a ", Quoted("{who}"), ".")
    assert plain((*filled, Absent.WITHHELD)) == "{what} did a {who}.not shown in this bundle"


def test_joining_leaves_out_what_is_empty() -> None:
    assert joined([(), ("a",), (), ("b", "c")], "; ") == ("a", "; ", "b", "c")


def test_markup_is_escaped_and_isolated() -> None:
    page = markup_of((" & ", Quoted("<b>\n'\"", code=True), Absent.WITHHELD))
    assert page == (
        ' &amp; <code><bdi>&lt;b&gt;<br>&#x27;&quot;</bdi></code><i class="absent">not shown in this bundle</i>'
    )
    assert tag("p", tag("b", "x"), "<", data_label='"') == '<p data-label="&quot;"><b>x</b>&lt;</p>'


@given(st.text())
def test_a_css_string_cannot_end_early(text: str) -> None:
    literal = css_string(text)
    assert set(literal[1:-1]) <= set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\\ ")
    assert literal[0] == literal[-1] == '"'
