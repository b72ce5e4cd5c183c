"""The recycle bin: public files of both kinds, made ones in every state."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from forensics.parsers import parser_for
from forensics.parsers.windows.recycle_bin import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

FILETIME = 133_500_000_000_000_000
INFO2_HEAD = struct.pack("<5I", 5, 0, 0, 800, 0)


def test_public_files(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    new = artefacts(read(PARSER, corpus("recycle/plaso/recycler/$I103S5F.jpg").read_bytes()), "recycle.item")
    assert [(item.fields["path"], item.fields["size"]) for item in new] == [
        (r"C:\Users\random\Downloads\bunnies.jpg", "222255")
    ]
    assert new[0].times == {"deleted": at("2016-06-29T21:37:45.618000+00:00")}
    old = artefacts(read(PARSER, corpus("recycle/plaso/recycler/INFO2").read_bytes(), name="INFO2"), "recycle.item")
    assert [item.fields["index"] for item in old] == ["1", "2", "3", "4"]
    assert old[0].fields["path"] == r"C:\Documents and Settings\Mr. Evil\Desktop\lalsetup250.exe"
    assert old[0].times == {"deleted": at("2004-08-25T16:18:25.237000+00:00")}


def item(version: int, path: str, *, claimed: int | None = None) -> bytes:
    text = path.encode("utf-16-le", "surrogatepass") + b"\0\0"
    head = struct.pack("<QQQ", version, 1234, FILETIME)
    if version == 1:
        return head + text.ljust(520, b"\0")
    return head + struct.pack("<I", len(text) // 2 if claimed is None else claimed) + text


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("path", [r"C:\Папка\доказ.txt", "D:\\Çığ\\şifre \ud800.doc"])
def test_an_item_of_either_version(version: int, path: str, read: Any) -> None:
    (found,) = read(PARSER, item(version, path), name="$IABCDEF.txt")
    assert found.fields["path"] == path.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "backslashreplace")
    assert found.fields["version"] == str(version)
    assert found.raw == {"deleted": str(FILETIME)}
    assert parser_for(item(version, path), "$IABCDEF.txt") is PARSER
    assert parser_for(item(version, path), "other.txt") is None


def test_a_path_that_goes_beyond_the_file_is_a_problem(read: Any) -> None:
    found = read(PARSER, item(2, r"C:\a.txt", claimed=200), name="$IABCDEF.txt")
    assert artefacts(found, "recycle.item")[0].fields["path"] == r"C:\a.txt"
    assert problems(found) == ["the path says it has 200 characters, the file ends after 9"]


def test_a_file_cut_before_its_path_is_a_problem(read: Any) -> None:
    assert problems(read(PARSER, item(2, "x")[:20], name="$IA.txt")) == [
        "the file ends before the path of what was deleted"
    ]


def record(path: str, *, first: bytes = b"C", drive: int = 2) -> bytes:
    short = first + path.encode("cp1252")[1:]
    fixed = struct.pack("<260sIIQI", short, 7, drive, FILETIME, 99)
    return fixed + path.encode("utf-16-le").ljust(520, b"\0")


def test_records_of_info2(read: Any) -> None:
    data = INFO2_HEAD + record(r"C:\a") + bytes(800) + record(r"C:\b", first=b"\0", drive=30) + record("C")[:50]
    found = read(PARSER, data, name="INFO2")
    items = artefacts(found, "recycle.item")
    assert [(i.fields["path"], i.fields["drive"], i.fields.get("removed")) for i in items] == [
        (r"C:\a", "C:", None),
        (r"C:\b", "30", "true"),
    ]
    assert problems(found) == ["the record is damaged: the file ends after 50 of its 800 bytes"]
    assert parser_for(data, "INFO2") is PARSER


def test_a_record_without_a_path_and_lengths_that_cannot_be(read: Any) -> None:
    nameless = struct.pack("<260sIIQI", b"", 1, 2, FILETIME, 9) + bytes(520)
    assert problems(read(PARSER, INFO2_HEAD + nameless, name="INFO2")) == ["the record is damaged: it names no path"]
    wrong = struct.pack("<5I", 5, 0, 0, 0, 0)
    assert problems(read(PARSER, wrong, name="INFO2")) == ["the file says its records have 0 bytes: they are not read"]


def test_the_short_records_of_windows_95(read: Any) -> None:
    data = struct.pack("<5I", 0, 0, 0, 280, 0) + record(r"C:\Dès.txt")[:280]
    assert artefacts(read(PARSER, data, name="INFO2"), "recycle.item")[0].fields["path"] == "C:\\Dès.txt"


def test_damaged_files_give_values(read: Any) -> None:
    for data in damaged(INFO2_HEAD + 3 * record(r"C:\a")):
        read(PARSER, data, name="INFO2")
    for data in damaged(item(2, r"C:\Users\a\b.txt")):
        read(PARSER, data, name="$IA.txt")
