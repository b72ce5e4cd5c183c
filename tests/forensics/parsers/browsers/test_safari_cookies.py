"""Safari's cookies: the public file, no value ever, pages that are not whole."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from forensics.parsers import parser_for
from forensics.parsers.browsers.safari_cookies import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

PUBLIC = "browser/plaso/Cookies.binarycookies"


def test_the_public_cookies(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    data = corpus(PUBLIC).read_bytes()
    assert parser_for(data[:4096], "x") is PARSER
    found = read(PARSER, data)
    cookies = artefacts(found, "safari.cookie")
    assert len(cookies) == 91  # as the pages' own counts say; plaso's 106 count what it reads in values as well
    assert cookies[0].fields == {"host": "en.wikipedia.org", "name": "centralnotice_bucket", "path": "/"}
    assert cookies[0].times["created"] == at("2013-07-08T17:24:28+00:00")
    assert problems(found) == []


def made(expires: float, created: float) -> bytes:
    texts = b"h.example\0name\0/\0geheim\0"
    head = struct.pack("<8I", 56 + len(texts), 0, 5, 0, 56, 66, 71, 73)
    cookie = head + bytes(8) + struct.pack("<2d", expires, created) + texts
    page = b"\0\0\1\0" + struct.pack("<III", 1, 16, 0) + cookie
    return b"cook" + struct.pack(">II", 1, len(page)) + page


def test_values_are_not_read(read: Any) -> None:
    (found,) = read(PARSER, made(730_000_000.5, 0.0))
    assert "geheim" not in repr(found)
    assert found.fields == {"host": "h.example", "name": "name", "path": "/", "flags": "secure, http only"}
    assert found.times == {"expires": (730_000_000 + 978_307_200) * 10**9 + 500_000_000}
    assert read(PARSER, made(float("nan"), float("inf")))[0].times == {}


def test_pages_that_are_not_whole(read: Any) -> None:
    whole = made(1.0, 1.0)
    assert problems(read(PARSER, whole[:-30]))[0] == f"a page of {len(whole) - 12} bytes is not whole, or none"
    assert problems(read(PARSER, whole[:10]))[0] == "0 of 1 lengths of pages are there"
    assert problems(read(PARSER, whole[:20] + b"\xff\xff" + whole[22:])) == [
        f"a cookie at 65,535 of a page of {len(whole) - 12} bytes"
    ]
    assert problems(read(PARSER, b"cook\xff\xff\xff\xff"))[0].startswith("no cookies of Safari")


def test_damaged_files_give_values(corpus: Fetch, read: Any) -> None:
    for data in damaged(corpus(PUBLIC).read_bytes(), 30):
        read(PARSER, data)
