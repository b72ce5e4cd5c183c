"""Chrome's cache: made entries of both forms."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from forensics.parsers import parser_for
from forensics.parsers.browsers.chrome_cache import PARSER
from tests.forensics.parsers.found import damaged, problems

END = b"\xd8\x41\x0d\x97\x45\x6f\xfa\xf4"
WHEN = 13_353_724_800_000_000


def simple(key: bytes, flags: int, padding: bytes) -> bytes:
    heads = b"HTTP/1.1 200\0Content-Type: text/html\0Set-Cookie: geheim\0\0"
    answer = struct.pack("<IIQQI", 0, 0, WHEN, WHEN + 5, len(heads)) + heads
    head = b"\x30\x5c\x72\xa7\x1b\x6d\xfb\xfc" + struct.pack("<III4x", 5, len(key), 1) + key
    first = END + struct.pack("<III", 0, 0, 4) + padding
    last = END + struct.pack("<III", flags, 0, len(answer)) + padding
    return head + b"body" + first + answer + (bytes(32) if flags & 2 else b"") + last


@pytest.mark.parametrize("flags", [1, 3])
@pytest.mark.parametrize("padding", [b"", bytes(4)])
def test_an_entry_of_the_simple_cache(flags: int, padding: bytes, read: Any, at: Callable[[str], int]) -> None:
    data = simple(b"1/0/_dk_https://a.example https://a.example https://a.example/x", flags, padding)
    assert parser_for(data, "0123456789abcdef_0") is PARSER
    (found,) = read(PARSER, data)
    assert found.fields["url"] == "https://a.example/x"
    assert (found.fields["status"], found.fields["content_type"]) == ("200", "text/html")
    assert found.times["fetched"] == at("2024-03-01T00:00:00+00:00")
    assert found.times["answered"] == found.times["fetched"] + 5000
    assert "geheim" not in repr(found)


def test_an_entry_whose_end_is_missing(read: Any) -> None:
    (found,) = read(PARSER, simple(b"https://a.example/", 1, b"")[:60])
    assert (found.fields, found.times) == ({"url": "https://a.example/"}, {})
    assert problems(read(PARSER, simple(b"https://a.example/", 1, b"")[:30])) == [
        "the key of a cached page is said to have 18 bytes"
    ]


def entry(key: bytes, *, created: int = WHEN, long_key: int = 0) -> bytes:
    fixed = struct.pack("<3I3iQiI4i4II", 1, 0, 0, 3, 0, 0, created, len(key), long_key, 10, 2000, 0, 0, 0, 0, 0, 0, 0)
    return (fixed.ljust(96, b"\0") + key[:160]).ljust(256, b"\0")


def test_entries_of_a_block_file(read: Any, at: Callable[[str], int]) -> None:
    head = (b"\xc3\xca\x04\xc1" + struct.pack("<IhhI", 0x20000, 1, 0, 256)).ljust(8192, b"\0")
    blocks = entry(b"https://a.example/x") + b"\xff" * 256 + entry(b"h" * 300, long_key=0x90000001) + bytes(256)
    assert parser_for(head[:4096], "data_1") is PARSER
    first, second = read(PARSER, head + blocks)
    assert first.fields == {"url": "https://a.example/x", "used_times": "3", "size": "2000"}
    assert first.times == {"created": at("2024-03-01T00:00:00+00:00")}
    assert (second.fields["key_elsewhere"], second.location.offset) == ("0x90000001", 8192 + 512)
    for data in damaged(head + blocks, 30):
        read(PARSER, data)


def test_damaged_entries_give_values(read: Any) -> None:
    for data in damaged(simple(b"https://a.example/", 3, bytes(4))):
        read(PARSER, data)
