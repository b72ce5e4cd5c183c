"""RTF: the group that describes the document, in every way that texts are written, damaged ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers.documents.rich_text import PARSER
from tests.forensics.parsers.found import artefacts, damaged, problems

DOCUMENT = (
    rb"{\rtf1\ansi\ansicpg1251{\fonttbl{\f0 Arial;}}{\info{\title A \{b\} \u1078?x\u-10179?\u-8704?}"
    rb"{\author \'c0\'e4\'e0}{\operator Ada}{\creatim\yr2012\mo11\dy7\hr23\min29}"
    rb"{\revtim\yr2013\mo2\dy30\hr1\min1}{\printim\yr0}{\version3}{\*\company Lab}{\nofpages1}}the text}"
)


def test_the_info_group(read: Any, at: Callable[[str], int]) -> None:
    assert parser_for(DOCUMENT, "letter.doc") is PARSER
    found = read(PARSER, DOCUMENT)
    (document,) = artefacts(found, "rtf.document")
    assert document.fields == {
        "title": "A {b} жx😀",
        "author": "Ада",
        "last_modified_by": "Ada",
        "company": "Lab",
        "revision": "3",
        "pages": "1",
    }
    assert document.clock is Clock.UNKNOWN
    assert document.times == {"created": at("2012-11-07T23:29:00+00:00")}
    assert problems(found) == [
        "the time modified is impossible: there is no day 30 in month 2 of 2013",
        "the time printed is impossible: the year 0 is outside 1601 to 2500",
    ]
    (document,) = artefacts(read(PARSER, DOCUMENT, zone="Europe/Belgrade"), "rtf.document")
    assert document.times == {"created": at("2012-11-07T23:29:00+01:00")}


def test_characters_of_two_bytes(read: Any) -> None:
    data = rb"{\rtf1\ansicpg932{\info{\title \'93\'fa\'96\'7b}}}"
    assert read(PARSER, data)[0].fields == {"title": "日本"}


def test_documents_that_say_nothing_or_end_early(read: Any) -> None:
    assert read(PARSER, rb"{\rtf1 text}") == []
    found = read(PARSER, DOCUMENT[: DOCUMENT.index(b"{\\operator")])
    assert artefacts(found, "rtf.document")[0].fields["author"] == "Ада"
    assert problems(found) == ["the group that describes the document has no end"]


def test_damaged_documents_give_values(read: Any) -> None:
    for copy in damaged(DOCUMENT, 120):
        read(PARSER, copy)


@given(inside=st.lists(st.sampled_from([b"{", b"}", rb"\title ", rb"\u99999 ", rb"\yr-5", rb"\'ff", b"a", b"\\"])))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_group(inside: list[bytes], read: Any) -> None:
    read(PARSER, rb"{\rtf1{\info" + b"".join(inside) + b"}}")
