"""Old Opera: both public files, pages that are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from forensics.parsers import parser_for
from forensics.parsers.browsers.opera_history import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems


def test_addresses_typed(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    data = corpus("browser/plaso/typed_history.xml").read_bytes()
    assert parser_for(data, "x") is PARSER
    found = artefacts(read(PARSER, data), "opera.typed")
    assert len(found) == 4  # as plaso counts
    assert found[0].fields == {"address": "plaso.kiddaland.net", "type": "selected"}
    assert found[0].times == {"typed": at("2013-11-11T23:45:27+00:00")}


def test_pages_visited(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    data = corpus("browser/plaso/global_history.dat").read_bytes()
    assert parser_for(data[:4096], "global_history.dat") is PARSER
    found = read(PARSER, data, name="global_history.dat")
    assert len(artefacts(found, "opera.page")) == 37  # as plaso counts
    assert found[1].fields == {"title": "Welcome to Opera", "url": "http://www.opera.com/portal/startup/?fr=1"}
    assert found[1].times == {"last_visited": at("2013-11-11T22:45:22+00:00")}
    assert problems(found) == []


def test_what_cannot_be_read(read: Any) -> None:
    assert problems(read(PARSER, b"a\nb\nsoon\n-1\nc\n")) == [
        "four lines that are no page: a",
        "1 lines are no whole page of four",
    ]
    item = '<typed_history><typed_history_item content="Ş&amp;" last_typed="2013-02-30T00:00:00Z"/>'.encode()
    found = read(PARSER, item)
    assert problems(found) == ["there is no day 30 in month 2 of 2013"]
    assert artefacts(found, "opera.typed")[0].fields == {"address": "Ş&"}


def test_damaged_files_give_values(corpus: Fetch, read: Any) -> None:
    for name in ("typed_history.xml", "global_history.dat"):
        for data in damaged(corpus(f"browser/plaso/{name}").read_bytes(), 30):
            read(PARSER, data, name=name)
