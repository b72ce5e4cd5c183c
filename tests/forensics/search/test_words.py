"""Words in every encoding and case: what is one word, and what is not."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.search.patterns import Patterns
from forensics.search.scanner import Match, Scanner
from forensics.search.words import ENCODINGS, fold, readings, spellings

ALL = tuple(ENCODINGS)
DOTTED, DOTLESS = "\u0130", "\u0131"


def found(word: str, data: bytes, **how: object) -> list[Match]:
    patterns = Patterns(words=(word,), **how)  # type: ignore[arg-type]
    patterns.validate()
    return Scanner(patterns).scan(data).matches


SAME = [
    ("strasse", ["Straße", "STRASSE", "strasse", "STRA\u1e9eE"]),
    ("straße", ["Strasse", "STRASSE", "STRAßE"]),
    ("istanbul", [f"{DOTTED}STANBUL", f"{DOTTED}stanbul", "ISTANBUL", f"{DOTLESS}stanbul", "\u0130stanbul"]),
    (f"{DOTTED}ZM{DOTTED}R", ["izmir", f"{DOTTED}zmir", "IZMIR"]),
    (f"d{DOTLESS}{DOTLESS}", ["DII", f"D{DOTTED}I"]),
    ("Наркотики", ["НАРКОТИКИ", "наркотики", "нАркотики"]),
    ("Žižek", ["ŽIŽEK", "žižek", unicodedata.normalize("NFD", "Žižek")]),
    ("ΣΊΣΥΦΟΣ", ["σίσυφος", "Σίσυφος"]),
    ("Đorđe", ["ĐORĐE", "đorđe"]),
    ("ﬁsch", ["FISCH", "fisch"]),
]


@pytest.mark.parametrize(("word", "written"), SAME)
@pytest.mark.parametrize("encoding", ALL)
def test_one_word_however_it_is_written(word: str, written: list[str], encoding: str) -> None:
    for text in written:
        try:
            raw = text.encode(ENCODINGS[encoding])
        except UnicodeEncodeError:
            continue
        pad = b"\x01\x02"  # not zeros: between letters and zeros both byte orders of UTF-16 are the same
        (match,) = found(word, pad + raw + pad)
        assert (match.offset, match.length) == (2, len(raw))
        expected = "ascii" if raw.isascii() and not encoding.startswith("utf-16") else encoding
        assert expected in match.encoding.split("/")


DIFFERENT = [("Strase", "Straße"), ("cesta", "česta"), ("muller", "müller"), ("Иван", "Ивак"), ("ss", "s")]


@pytest.mark.parametrize(("word", "other"), DIFFERENT)
def test_another_word_is_not_found(word: str, other: str) -> None:
    for codec in ENCODINGS.values():
        assert not found(word, other.encode(codec, "ignore"))


def test_match_case_takes_a_word_as_it_is_written() -> None:
    data = b"Bitcoin bitcoin " + "Bitcoin".encode("utf-16-be")
    assert [match.offset for match in found("Bitcoin", data, match_case=True)] == [0, 16]
    assert [match.offset for match in found("Bitcoin", data, match_case=True, encodings=("utf-8",))] == [0]
    assert len(found("Bitcoin", data)) == 3


def test_an_encoding_is_named_where_it_can_be_told() -> None:
    assert found("Žarko", "Žarko".encode("iso8859-2"))[0].encoding == "iso-8859-2"
    assert found("Đorđe", "Đorđe".encode("cp1250"))[0].encoding == "windows-1250/iso-8859-2"  # it cannot be told
    assert found("Đorđe", "Đorđe".encode("cp852"))[0].encoding == "cp852"
    assert found("uber", b"uber")[0].encoding == "ascii"


def test_utf_16_is_found_once_although_the_zeros_fit_both_orders() -> None:
    for codec, name in (("utf-16-le", "utf-16le"), ("utf-16-be", "utf-16be")):
        data = "see the passport here".encode(codec)
        (match,) = found("passport", data)
        assert (match.encoding, match.offset, match.length) == (name, 16, 16)


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12))
def test_every_reading_of_a_spelling_is_the_word(word: str) -> None:
    for spelling in spellings(word, ALL, match_case=False):
        first = b"".join(ways[-1] for ways in spelling.form)
        names = readings(first, word, spelling.encodings, match_case=False)
        assert names, (word, first, spelling.encodings)


@given(st.text(max_size=20))
def test_folding_is_done_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
