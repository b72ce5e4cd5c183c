"""File system events: the public files of two versions, pages that are not whole."""

from __future__ import annotations

import gzip
import struct
from typing import Any

import pytest

from forensics.parsers import parser_for
from forensics.parsers.archives import compressed
from forensics.parsers.macos.fsevents import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems


@pytest.mark.parametrize(("name", "count"), [("fsevents-0000000002d89b58", 12), ("fsevents-00000000001a0b79", 6)])
def test_public_files(name: str, count: int, corpus: Fetch, read: Any) -> None:
    data = corpus(f"macos/plaso/fsevents/{name}").read_bytes()
    assert parser_for(data, name) is compressed.PARSER
    found = read(compressed.PARSER, data, name=name)
    assert len(artefacts(found, "fsevents.record")) == count  # as plaso counts
    assert problems(found) == []
    whole = read(PARSER, gzip.decompress(data))
    assert sum(item.location.length for item in whole) + 12 == len(gzip.decompress(data))


def page(version: int, *records: tuple[str, int, bytes]) -> bytes:
    tail = {1: b"", 2: struct.pack("<Q", 77), 3: struct.pack("<QI", 77, 5)}[version]
    body = b"".join(path.encode() + b"\0" + struct.pack("<Q", event) + flags + tail for path, event, flags in records)
    return f"{version}SLD".encode() + bytes(4) + struct.pack("<I", 12 + len(body)) + body


@pytest.mark.parametrize("version", [1, 2, 3])
def test_records_of_every_version(version: int, read: Any) -> None:
    data = page(version, ("Users/ada/Šifra.txt", 5, b"\x01\0\x80\0"), ("", 6, b"\0\0\0\x80")) + page(version)
    first, second = read(PARSER, data)
    assert first.fields["flags"] == "file event, created"
    assert first.fields["path"] == "Users/ada/Šifra.txt"
    assert first.fields.get("file_number") == (None if version == 1 else "77")
    assert (second.fields["path"], second.fields["flags"], second.times) == ("/", "0x00000080", {})


def test_pages_that_are_not_whole(read: Any) -> None:
    whole = page(1, ("a", 1, b"\0\0\0\1"))
    assert problems(read(PARSER, whole + b"xx")) == ["no page begins here: 7878"]
    assert problems(read(PARSER, whole[:-1])) == ["a record that is not whole; the rest of the page is not read"]
    longer = whole[:8] + struct.pack("<I", 2**31) + whole[12:]
    assert problems(read(PARSER, longer)) == ["the page ends 2,147,483,622 bytes before it says"]


def test_many_records_over_several_blocks(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.parsers.macos.fsevents._BLOCK", 5000)
    data = page(2, *((f"folder/{number}", number, b"\0\0\x80\1") for number in range(2000)))
    assert [item.fields["event"] for item in read(PARSER, data)] == [str(number) for number in range(2000)]


def test_damaged_files_give_values(read: Any) -> None:
    for data in damaged(page(3, ("a/b", 1, b"\0\0\0\1"), ("c", 2, b"\1\0\0\0")) * 3):
        read(PARSER, data)
