"""RAR archives: public ones held against 7-Zip, RAR 5 built by its description, damaged ones."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers.archives._rar import _old_name
from forensics.parsers.archives.rar import PARSER
from forensics.timeline import iso
from tests.conftest import Fetch
from tests.forensics.parsers.found import damaged, problems

PUBLIC = "archive/bulk_extractor/Data/jpegs.rar"
ENCRYPTED = "hostile/bulk_extractor/Data/jpegs.rar-encrypted"
ORACLE = "oracles/artefact/archive__bulk_extractor__Data__jpegs.rar.json"


def test_the_listing_is_that_of_7zip(corpus: Fetch, read: Any) -> None:
    data = corpus(PUBLIC).read_bytes()
    assert parser_for(data[:4096], "x.bin") is PARSER
    found = read(PARSER, data)
    assert problems(found) == []
    ours = [
        (iso(m.times["modified"])[:19].replace("T", " "), m.fields["size"], m.fields["packed_size"], m.fields["name"])
        for m in found
    ]
    lines = json.loads(corpus(ORACLE).read_text(encoding="utf-8"))["7z_l"]
    assert ours == [(line[:19], *line[25:].split()) for line in lines]
    assert found[-1].fields["type"] == "directory"
    assert found[0].clock is Clock.UNKNOWN


def test_encrypted_members_are_listed(corpus: Fetch, read: Any) -> None:
    found = read(PARSER, corpus(ENCRYPTED).read_bytes())
    assert [member.fields.get("encrypted") for member in found] == ["true"] * 4 + [None]


def test_a_declared_zone(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    found = read(PARSER, corpus(PUBLIC).read_bytes(), zone="Europe/Belgrade")
    assert (found[0].clock, found[0].times["modified"]) == (Clock.DECLARED, at("2014-07-18T12:27:16+02:00"))


def number(value: int) -> bytes:
    found = b""
    while value > 0x7F:
        found, value = found + bytes((value & 0x7F | 0x80,)), value >> 7
    return found + bytes((value,))


def block(kind: int, flags: int, rest: bytes, extra: bytes = b"", packed: int | None = None) -> bytes:
    flags |= (1 if extra else 0) | (2 if packed is not None else 0)
    body = number(kind) + number(flags) + (number(len(extra)) if extra else b"")
    body += (number(packed) if packed is not None else b"") + rest + extra
    sized = number(len(body)) + body
    return struct.pack("<I", zlib.crc32(sized)) + sized


def record(kind: int, data: bytes) -> bytes:
    return number(1 + len(data)) + bytes((kind,)) + data


def member(name: str, extra: bytes = b"", flags: int = 4, method: int = 0) -> bytes:
    fixed = number(flags) + number(5) + number(0o100644) + (struct.pack("<I", 1_600_000_000) if flags & 2 else b"")
    fixed += struct.pack("<I", 0xCAFEF00D) + number(method << 7) + number(1)
    return block(2, 2, fixed + number(len(name.encode())) + name.encode(), extra, 5) + b"12345"


RAR5 = b"Rar!\x1a\x07\1\0" + block(1, 0, b"\0")


def test_rar_5(read: Any, at: Callable[[str], int]) -> None:
    times = record(3, number(0x13 | 4 | 8) + struct.pack("<3I3I", 1_700_000_000, 1_600_000_000, 1, 5, 6, 7))
    filetimes = record(3, number(2) + struct.pack("<Q", 133444736005000000))
    link = record(5, number(1) + number(0) + number(5) + b"a.txt")
    locked = record(1, number(0) + number(0) + bytes(33))
    data = (
        RAR5
        + member("\u0431.txt", times, method=3)
        + member("w.txt", filetimes)
        + member("l", link)
        + member("p", locked)
    )
    data += member("seconds", flags=6) + block(5, 0, b"\0")
    found = read(PARSER, data)
    assert problems(found) == []
    assert found[0].times == {
        "modified": 1_700_000_000_000_000_005,
        "created": 1_600_000_000_000_000_006,
        "accessed": 1_000_000_007,
    }
    assert (found[0].clock, found[0].fields["name"], found[0].fields["crc32"]) == (Clock.UTC, "\u0431.txt", "cafef00d")
    assert (found[0].fields["method"], found[0].fields["mode"]) == ("RAR level 3", "0644")
    assert found[1].times == {"modified": at("2023-11-14T22:13:20.500000+00:00")}
    assert (found[2].fields["type"], found[2].fields["link_target"]) == ("link", "a.txt")
    assert found[3].fields["encrypted"] == "true"
    assert found[4].times == {"modified": at("2020-09-13T12:26:40+00:00")}


def test_encrypted_headers_and_broken_sums(corpus: Fetch, read: Any) -> None:
    locked = "the headers are encrypted: names cannot be listed without the password"
    assert problems(read(PARSER, RAR5[:8] + block(4, 0, bytes(20)))) == [locked]
    old = bytearray(corpus(PUBLIC).read_bytes()[:100])
    old[10] |= 0x80
    old[7:9] = struct.pack("<H", zlib.crc32(old[9:20]) & 0xFFFF)
    assert problems(read(PARSER, bytes(old))) == [locked]
    broken = bytearray(RAR5 + member("a") + member("b"))
    broken[-20] ^= 1
    found = read(PARSER, bytes(broken))
    assert found[0].fields["name"] == "a"
    assert problems(found) == ["a header is damaged: its checksum is wrong"]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"b.txt\0\4\x40\x31.tx\0t", "\u0431.txt"),  # the first with the high byte, the rest without
        (b"b.txt\0\4\x70\x31\2", "\u0431.txt"),  # the rest copied from the plain name
        (b"b.txt\0\4\xb0\x31\4\x82\1", "\u0431\u042f\u0475\u0479\u0475"),  # copied with a shift and the high byte
        ("ž.txt".encode(), "ž.txt"),
    ],
)
def test_names_of_the_old_format(data: bytes, name: str) -> None:
    assert _old_name(data, True) == name


def test_damaged_archives_give_values(corpus: Fetch, read: Any) -> None:
    for data in (corpus(PUBLIC).read_bytes()[:200], RAR5 + member("a") + member("b", record(3, bytes(9)))):
        for copy in damaged(data, 120):
            read(PARSER, copy)
