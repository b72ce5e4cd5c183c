"""Firefox's cache of both kinds: public files, files that are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from forensics.parsers import parser_for
from forensics.parsers.browsers.firefox_cache import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

ENTRY = "0FC75AE83A9F7CAEFD982F3A793D9CDE5166ECD2"


def test_an_entry_of_cache2(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    data = corpus(f"browser/plaso/firefox_cache/cache2/{ENTRY}").read_bytes()
    assert parser_for(data, ENTRY) is PARSER
    (found,) = read(PARSER, data, name=ENTRY)
    assert found.fields["url"] == "https://github.com/log2timeline/plaso/issues/counts"
    assert (found.fields["method"], found.fields["status"]) == ("GET", "200")
    assert found.times["last_fetched"] == at("2015-05-02T15:44:38+00:00")
    assert "cookie" not in repr(found).lower()


def test_block_files(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    data = corpus("browser/plaso/firefox_cache/firefox3/_CACHE_001_").read_bytes()
    assert parser_for(data[:4096], "_CACHE_001_") is PARSER
    found = artefacts(read(PARSER, data, name="_CACHE_001_"), "firefox.cached")
    assert len(found) == 25  # as plaso counts
    assert found[0].fields["url"] == "http://start.mozilla.org/en-US/"
    assert found[0].times["last_fetched"] == at("2014-05-02T14:15:03+00:00")
    assert found[13].fields["url"].startswith("http://ocsp.digicert.com")


def test_what_is_no_cache(read: Any) -> None:
    assert read(PARSER, b"x" * 100, name=ENTRY) == []
    assert problems(read(PARSER, b"x" * 100, name=f"cache2/entries/{ENTRY}")) == [
        "no description of a cached page where the file's last bytes say it is"
    ]
    assert problems(read(PARSER, bytes(9000), name="_CACHE_002_")) == [
        "no description of a cached page where the blocks begin"
    ]
    head = b"\0\0\0\0" + (9).to_bytes(4, "big") + bytes(24) + b"\0\0\0\0"
    assert problems(read(PARSER, head, name=f"cache2/{ENTRY}")) == [
        "a description of version 9 with a key of 0 bytes is not read"
    ]


def test_damaged_files_give_values(corpus: Fetch, read: Any) -> None:
    folder = "browser/plaso/firefox_cache"
    for name, path in ((ENTRY, f"{folder}/cache2/{ENTRY}"), ("_CACHE_001_", f"{folder}/firefox3/_CACHE_001_")):
        for data in damaged(corpus(path).read_bytes(), 30):
            read(PARSER, data, name=name)
