"""Compound files: public documents held against olecfinfo, property sets built by their description, damaged ones."""

from __future__ import annotations

import json
import struct
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.parsers import parser_for
from forensics.parsers._facts import Moment
from forensics.parsers.documents._properties import CUSTOM, DOCUMENT, SUMMARY, property_sets
from forensics.parsers.documents.compound import PARSER, _said
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

LETTER = "windows-other/plaso/Document.doc"
THUMBNAILS = "exif/bulk_extractor/Data/ExifPhotos/Iphone/Thumbs.db"
ORACLE = "oracles/artefact/windows-other__plaso__Document.doc.json"


def test_a_public_document(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    """What olecfinfo and file print of it."""
    data = corpus(LETTER).read_bytes()
    assert parser_for(data[:4096], "x.bin") is PARSER
    found = read(PARSER, data)
    assert problems(found) == []
    (document,) = artefacts(found, "ole.document")
    oracle = json.loads(corpus(ORACLE).read_text(encoding="utf-8"))
    for label, name in {
        "Title": "title",
        "Author": "author",
        "Template": "template",
        "Last Saved By": "last_modified_by",
        "Revision Number": "revision",
        "Name of Creating Application": "application",
        "Number of Words": "words",
    }.items():
        assert f"{label}: {document.fields[name]}" in oracle["file_magic"]
    assert document.times == {"created": at("2012-12-10T18:38:00+00:00"), "modified": at("2013-05-16T02:29:00+00:00")}
    assert (document.fields["contents"], document.fields["company"]) == ("Word", "KPMG")
    storages = artefacts(found, "ole.storage")
    listed = [line for line in oracle["7z_l"] if line[20:21] == "D"]
    assert len(storages) == len(listed) == 2
    assert storages[0].fields == {"path": "MsoDataStore"}
    assert storages[0].times["modified"] == at("2013-05-16T02:29:49.785000+00:00")


def test_a_file_that_says_nothing(corpus: Fetch, read: Any) -> None:
    assert read(PARSER, corpus(THUMBNAILS).read_bytes()) == []


def value(kind: int, data: bytes) -> bytes:
    return struct.pack("<I", kind) + data + bytes(-len(data) % 4)


def text(string: str, codec: str) -> bytes:
    data = string.encode(codec) + b"\0"
    return value(30, struct.pack("<I", len(data)) + data)


def stream(identifier: str, values: dict[int, bytes], count: int | None = None) -> bytes:
    head = b"\xfe\xff\0\0" + bytes(20) + struct.pack("<I", 1) + uuid.UUID(identifier).bytes_le + struct.pack("<I", 48)
    table, data, at = b"", b"", 8 + 8 * len(values)
    for number, encoded in values.items():
        table += struct.pack("<II", number, at + len(data))
        data += encoded
    return head + struct.pack("<II", len(table) + len(data) + 8, len(values) if count is None else count) + table + data


@pytest.mark.parametrize(("page", "codec"), [(1251, "cp1251"), (65001, "utf-8"), (1252, "cp1252"), (99, "cp1252")])
def test_texts_are_in_the_code_page_they_name(page: int, codec: str) -> None:
    string = "Ада" if codec in ("cp1251", "utf-8") else "Zoé"
    signed = page - 65536 if page > 32767 else page
    data = stream(SUMMARY, {1: value(2, struct.pack("<h", signed)), 4: text(string, codec)})
    _, fields = _said(property_sets(data))
    assert fields["author"] == string


def test_times_durations_and_flags(at: Callable[[str], int]) -> None:
    summary = stream(
        SUMMARY,
        {
            10: value(64, struct.pack("<Q", 90 * 10_000_000)),
            11: value(64, struct.pack("<Q", 133444736005000000)),
            12: value(64, bytes(8)),
            19: value(3, struct.pack("<i", 1)),
        },
    )
    times, fields = _said(property_sets(summary))
    assert fields == {"edited_seconds": 90, "security": 1}
    assert {name: moment.at for name, moment in times.items()} == {
        "printed": at("2023-11-14T22:13:20.500000+00:00"),
        "created": None,
    }


def test_properties_with_names_of_their_own() -> None:
    names = struct.pack("<I", 2) + struct.pack("<II", 2, 5) + b"Case\0" + struct.pack("<II", 3, 7) + b"Closed\0"
    wide = "Ž-7\0"
    values = {
        0: names + bytes(-len(names) % 4),
        1: value(2, struct.pack("<h", 1252)),
        2: value(31, struct.pack("<I", len(wide)) + wide.encode("utf-16-le")),
        3: value(11, b"\xff\xff"),
    }
    assert _said(property_sets(stream(CUSTOM, values)))[1] == {"custom.Case": "Ž-7", "custom.Closed": "true"}


def test_sets_that_lie() -> None:
    (found,) = property_sets(stream(DOCUMENT, {15: text("Lab", "cp1252")}, count=0xFFFFFFFF))
    assert found.problem
    (cut,) = property_sets(stream(DOCUMENT, {15: text("Lab", "cp1252"), 14: value(30, b"")})[:-2])
    assert (cut.values, cut.problem) == ({15: "Lab"}, "a property set is cut or damaged")
    (huge,) = property_sets(stream(DOCUMENT, {15: value(30, b"\xff\xff\xff\xff" + b"Lab\0")}))
    assert huge.values == {15: "Lab"}
    assert property_sets(b"") == property_sets(bytes(100)) == []


@given(data=st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_property_set(data: bytes) -> None:
    for found in property_sets(stream(SUMMARY, {})[:48] + data):
        assert all(isinstance(each, str | int | float | Moment) for each in found.values.values())


def test_damaged_files_give_values(corpus: Fetch, read: Any) -> None:
    for copy in damaged(corpus(LETTER).read_bytes(), 45):
        read(PARSER, copy)
