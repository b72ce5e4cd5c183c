"""index.dat: public ones of each kind against libmsiecf's tools and plaso, damaged ones."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from forensics.model import Artefact, Clock
from forensics.parsers import parser_for
from forensics.parsers.windows._headers import shown_headers
from forensics.parsers.windows.index_dat import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

CONTENT, DAILY = "browser/plaso/msiecf/Content.IE5/index.dat", "browser/plaso/MSHist012013031020130311-index.dat"


@pytest.mark.parametrize("name", [CONTENT, DAILY])
def test_records_of_public_files(name: str, corpus: Fetch, read: Any) -> None:
    oracle = json.loads(corpus(f"oracles/artefact/{name.replace('/', '__')}.json").read_text())
    data = corpus(name).read_bytes()
    found = read(PARSER, data, name="index.dat")
    places = {item.location.offset for item in found if isinstance(item, Artefact)}
    assert len(places) == oracle["msiecfexport_locations"]
    kinds = Counter(item.kind for item in found if item.clock is Clock.UTC)
    assert kinds["msie.content"] + kinds["msie.visit"] == oracle["msiecfexport_record_types"]["URL"]
    assert problems(found) == []
    assert parser_for(data[:4096], "index.dat") is PARSER


def test_a_cached_file(corpus: Fetch, read: Any, at: Any) -> None:
    """plaso counts 35 records as well."""
    found = read(PARSER, corpus(CONTENT).read_bytes())
    assert len(found) == 35
    first = artefacts(found, "msie.content")[0]
    assert first.fields["url"] == "http://static-hp-neu.s-msn.com/sc/54/4f1880.ico"
    assert first.fields["file"] == "ENG3X4ZR\\4f1880[1].ico"
    assert (first.fields["size"], first.fields["hits"]) == ("4286", "1")
    assert first.fields["headers"].startswith("HTTP/1.1 200 OK; Content-Type: image/x-icon")
    assert first.times == {
        "accessed": at("2015-08-25T11:05:20.262000+00:00"),
        "modified": at("2015-03-06T09:24:44+00:00"),
        "checked": at("2015-08-25T11:05:22+00:00"),
        "expires": at("2016-03-11T20:10:00+00:00"),
    }
    assert artefacts(found, "msie.redirect")[0].fields["url"] == "http://go.microsoft.com/fwlink/?LinkId=299196"


@pytest.mark.parametrize(("zone", "clock", "hour"), [(None, Clock.UNKNOWN, 10), ("Europe/Belgrade", Clock.DECLARED, 9)])
def test_visits_of_a_day_have_a_local_time(
    zone: str | None, clock: Clock, hour: int, corpus: Fetch, read: Any, at: Any
) -> None:
    utc, local = artefacts(read(PARSER, corpus(DAILY).read_bytes(), zone=zone), "msie.visit")[:2]
    assert {utc.clock, local.clock} == {Clock.UTC, clock}
    assert utc.times["visited"] == at("2013-03-10T09:38:51.619000+00:00")
    assert local.times == {"visited_local": at(f"2013-03-10T{hour:02}:38:51.619000+00:00")}


def test_headers_without_the_values_of_cookies() -> None:
    data = b"HTTP/1.0 200 OK\r\nset-cookie: sid=abc=d; path=/\r\nA: b\r\n\r\n\0rest"
    assert shown_headers(data) == "HTTP/1.0 200 OK; set-cookie: sid=(not shown); A: b"


def test_a_file_that_is_none_is_a_problem(read: Any) -> None:
    assert problems(read(PARSER, b"Client UrlCache MMF Ver 5.2\0"))[0].startswith("the cache file cannot be read: ")


@pytest.mark.parametrize("name", [CONTENT, DAILY])
def test_damaged_files_give_values(name: str, corpus: Fetch, read: Any) -> None:
    for data in damaged(corpus(name).read_bytes(), 60):
        read(PARSER, data)
