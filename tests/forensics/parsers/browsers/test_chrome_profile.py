"""Chrome's settings: the public Preferences, bookmarks, files that are no JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from forensics.parsers import parser_for
from forensics.parsers.browsers.chrome_profile import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

PUBLIC = "browser/plaso/Preferences"


def test_the_public_preferences(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    data = corpus(PUBLIC).read_bytes()
    assert parser_for(data[:4096], "Preferences") is PARSER
    assert parser_for(data[:4096], "other.json") is None
    found = read(PARSER, data)
    kinds = Counter(item.kind for item in found)
    assert kinds == {"chrome.extension": 20, "chrome.site_setting": 9, "chrome.setting": 4, "chrome.profile": 1}
    first = artefacts(found, "chrome.extension")[0]
    assert (first.fields["name"], first.times["installed"]) == (
        "Google Slides",
        at("2014-11-05T18:32:12.435651+00:00"),
    )
    place = next(item for item in artefacts(found, "chrome.site_setting") if item.fields["site"] != "any")
    assert place.fields == {"setting": "geolocation", "site": "https://rawgit.com:443"}
    assert place.times["last_used"] // 1000 == at("2016-11-14T14:12:48.934328+00:00") // 1000


def test_bookmarks_and_profiles(read: Any, at: Callable[[str], int]) -> None:
    page = {"type": "url", "url": "https://example.org/", "name": "Пример", "date_added": "13353724800000000"}
    roots = {"bookmark_bar": {"children": [{"type": "folder", "name": "a", "children": [page]}], "name": "Bar"}}
    (found,) = read(PARSER, json.dumps({"roots": roots}).encode(), name="Bookmarks")
    assert found.fields == {"url": "https://example.org/", "title": "Пример", "folder": "bookmark_bar/Bar/a"}
    assert found.times == {"added": at("2024-03-01T00:00:00+00:00")}
    cache = {"Profile 1": {"name": "Ada", "user_name": "ada@example.org", "active_time": 1709287200.5}}
    (profile,) = read(PARSER, json.dumps({"profile": {"info_cache": cache}}).encode(), name="Local State")
    assert profile.fields == {"profile": "Profile 1", "name": "Ada", "account": "ada@example.org"}
    assert profile.times == {"last_used": at("2024-03-01T10:00:00.500000+00:00")}


def test_folders_in_folders_end(read: Any) -> None:
    deep: dict[str, Any] = {"type": "url", "url": "u"}
    for _ in range(200):
        deep = {"children": [deep]}
    assert read(PARSER, json.dumps({"roots": {"a": deep}}).encode()) == []


def test_what_is_no_json(read: Any, monkeypatch: Any) -> None:
    assert problems(read(PARSER, b"{")) == [
        "no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
    ]
    assert problems(read(PARSER, b"[]")) == ["JSON that is no object"]
    assert problems(read(PARSER, b'{"a":' + b"[" * 100_000)) == ["JSON nested too deep"]
    monkeypatch.setattr("forensics.parsers._json_files.SIZE_LIMIT", 1)
    assert problems(read(PARSER, b"{}")) == ["a file of 2 bytes: no more than 1 are loaded"]


def test_damaged_files_give_values(corpus: Fetch, read: Any) -> None:
    for data in damaged(corpus(PUBLIC).read_bytes(), 20):
        read(PARSER, data)
    for value in ("5", "[1]", '{"a": 1}', "null", '"x"', "[{}]"):
        for name in ("extensions", "profile", "roots", "account_info", "session", "browser"):
            read(PARSER, f'{{"{name}": {value}}}'.encode())
