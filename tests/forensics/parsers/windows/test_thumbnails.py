"""Thumbs.db: a public one of Windows Vista and later, the catalogue of older ones, damaged ones."""

from __future__ import annotations

import struct
from typing import Any

from forensics.parsers import parser_for
from forensics.parsers._facts import Moment
from forensics.parsers.windows.thumbnails import PARSER, _catalogue, _Entry, _picture
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

NAME = "exif/bulk_extractor/Data/ExifPhotos/Iphone/Thumbs.db"
FILETIME = 116_444_736_010_000_000


def test_pictures_of_a_public_file(corpus: Fetch, read: Any) -> None:
    """olecfinfo lists the same two streams."""
    data = corpus(NAME).read_bytes()
    found = read(PARSER, data, name="Thumbs.db")
    first, second = artefacts(found, "thumbs.picture")
    assert first.fields == {
        "stream": "256_8af375c39d65d23f", "bytes": "4840", "format": "JPEG", "pixels": "256",
        "hash": "8af375c39d65d23f",
    }  # fmt: skip
    assert (second.fields["stream"], second.fields["bytes"]) == ("256_f23a3a8e56457bc9", "15131")
    assert problems(found) == []
    assert parser_for(data[:4096], "Thumbs.db") is PARSER
    assert parser_for(data[:4096], "a.doc") is not PARSER


def entry(number: int, name: str) -> bytes:
    body = struct.pack("<IQ", number, FILETIME) + name.encode("utf-16-le") + bytes(6)
    return (len(body) + 4).to_bytes(4, "little") + body


def test_the_catalogue_of_windows_xp() -> None:
    data = struct.pack("<HHIII", 16, 5, 3, 96, 96) + entry(1, "a.jpg") + entry(12, "бдг.jpg")
    found, stated = _catalogue(data)
    assert found == {
        1: _Entry("a.jpg", Moment(10**9, str(FILETIME))),
        12: _Entry("бдг.jpg", Moment(10**9, str(FILETIME))),
    }
    assert stated == 3
    assert _catalogue(b"") == ({}, 0)
    for length in range(len(data)):
        assert len(_catalogue(data[:length])[0]) <= 2


def test_a_streams_name_is_its_number_turned() -> None:
    entries = {12: _Entry("a.jpg", Moment(1, "1"))}
    times, fields = _picture("21", {}, entries) or ({}, {})
    assert (fields["name"], times) == ("a.jpg", {"modified": Moment(1, "1")})
    assert entries == {}
    assert _picture("Other", {}, entries) is None


def test_damaged_files_give_values(corpus: Fetch, read: Any) -> None:
    for data in damaged(corpus(NAME).read_bytes(), 60):
        read(PARSER, data, name="Thumbs.db")
    assert problems(read(PARSER, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"))[0].startswith(
        "the compound file cannot be read: "
    )
