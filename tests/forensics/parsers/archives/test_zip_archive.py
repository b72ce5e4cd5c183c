"""ZIP archives: public ones held against the standard library, each extra field of times, damaged and hostile ones."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

import openpyxl
import openpyxl.packaging.custom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers.archives.zip_archive import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

PUBLIC = {
    "archive/bulk_extractor/Data/jpegs.zip": "archive__bulk_extractor__Data__jpegs.zip.json",
    "archive/dfvfs/zip/syslog.zip": "archive__dfvfs__zip__syslog.zip.json",
    "windows-other/plaso/Document.docx": "windows-other__plaso__Document.docx.json",
}
At = Callable[[str], int]


def archive(name: str = "a.txt", extra: bytes = b"", comment: bytes = b"", data: bytes = b"abc" * 50) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as packed:
        member = zipfile.ZipInfo(name, (2024, 3, 31, 2, 30, 10))
        member.extra, member.comment = extra, b"note"
        packed.writestr(member, data)
        packed.comment = comment
    return sink.getvalue()


@pytest.mark.parametrize("name", PUBLIC)
def test_public_archives_are_listed_as_the_standard_library_lists_them(corpus: Fetch, read: Any, name: str) -> None:
    data = corpus(name).read_bytes()
    assert parser_for(data[:4096], "x.bin") is PARSER
    found = read(PARSER, data)
    assert problems(found) == []
    oracle = json.loads(corpus(f"oracles/artefact/{PUBLIC[name]}").read_text(encoding="utf-8"))["zip"]
    members = artefacts(found, "zip.member")
    assert [(m.fields["name"], m.fields["size"]) for m in members] == [(z["name"], str(z["size"])) for z in oracle]
    none = "1980-01-01 00:00:00"
    assert [m.fields.get("dos_time", none) for m in members] == [
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}".format(*z["dt"]) for z in oracle
    ]


def test_local_and_universal_times(corpus: Fetch, read: Any, at: At) -> None:
    """The archive was made in California: DOS says 14:45:24, the extended timestamp tells 21:45:24 UTC."""
    first, _ = read(PARSER, corpus("archive/dfvfs/zip/syslog.zip").read_bytes(), zone="Europe/Belgrade")
    assert (first.clock, first.times["modified"]) == (Clock.UTC, at("2012-07-24T21:45:24+00:00"))
    assert first.times["accessed"] == at("2012-08-06T16:26:47+00:00")
    assert first.fields["dos_time"] == "2012-07-24 14:45:24"


def test_a_local_time_of_dos(read: Any, at: At) -> None:
    (member,) = read(PARSER, archive())
    assert (member.clock, member.times) == (Clock.UNKNOWN, {"modified": at("2024-03-31T02:30:10+00:00")})
    (member,) = read(PARSER, archive(), zone="Europe/Belgrade")
    assert (member.clock, member.fields["skipped"]) == (Clock.DECLARED, "modified")
    assert (member.fields["crc32"], member.fields["comment"]) == (f"{zlib.crc32(b'abc' * 50):08x}", "note")


def field(number: int, data: bytes) -> bytes:
    return struct.pack("<HH", number, len(data)) + data


def test_every_extra_field_of_times(read: Any, at: At) -> None:
    ntfs = field(0x000A, bytes(4) + struct.pack("<HHQQQ", 1, 24, 133444736005000000, 132444736000000000, 0))
    (member,) = read(PARSER, archive(extra=ntfs))
    assert member.times == {
        "modified": at("2023-11-14T22:13:20.500000+00:00"),
        "accessed": at("2020-09-13T12:26:40+00:00"),
    }
    unix = field(0x5455, b"\7" + struct.pack("<iii", 1_700_000_000, 1_600_000_000, -5))
    (member,) = read(PARSER, archive(extra=unix))
    assert member.times == {
        "modified": at("2023-11-14T22:13:20+00:00"),
        "accessed": at("2020-09-13T12:26:40+00:00"),
        "created": at("1969-12-31T23:59:55+00:00"),
    }
    accessed = field(0x5455, b"\2" + struct.pack("<i", 1_600_000_000))
    clocks = {member.clock: set(member.times) for member in read(PARSER, archive(extra=accessed))}
    assert clocks == {Clock.UTC: {"accessed"}, Clock.UNKNOWN: {"modified"}}
    old = field(0x5855, struct.pack("<ii", 5, 7))
    assert read(PARSER, archive(extra=old))[0].times == {"modified": 7 * 10**9, "accessed": 5 * 10**9}


@pytest.mark.parametrize("extra", [field(0x5455, b"\7\1"), field(0x000A, bytes(9)), b"\x55\x54\xff\xff\1", b"\1"])
def test_cut_extra_fields_cost_only_themselves(extra: bytes, read: Any) -> None:
    (member,) = read(PARSER, archive(extra=extra))
    assert set(member.times) == {"modified"}


def test_names_in_every_encoding(read: Any) -> None:
    assert read(PARSER, archive("белешка.txt"))[0].fields["name"] == "белешка.txt"
    data = archive("aaaa.txt")
    assert read(PARSER, data.replace(b"aaaa", "žи".encode()))[0].fields["name"] == "žи.txt"  # UTF-8 without the flag
    assert read(PARSER, data.replace(b"aaaa", b"\x81aaa"))[0].fields["name"] == "üaaa.txt"
    told = field(0x7075, b"\1" + struct.pack("<I", zlib.crc32(b"aaaa.txt")) + "ж.txt".encode())
    assert read(PARSER, archive("aaaa.txt", told))[0].fields["name"] == "ж.txt"
    stale = field(0x7075, b"\1" + bytes(4) + b"other")
    assert read(PARSER, archive("aaaa.txt", stale))[0].fields["name"] == "aaaa.txt"


def test_encryption_comments_and_what_stands_before(read: Any) -> None:
    data = bytearray(archive(comment=b"for Ada Horvat"))
    central = data.index(b"PK\1\2")
    data[central + 8] |= 1
    found = read(PARSER, b"PK\3\4" + bytes(36) + bytes(data))
    assert [a.fields["comment"] for a in artefacts(found, "zip.archive")] == ["for Ada Horvat"]
    assert artefacts(found, "zip.member")[0].fields["encrypted"] == "true"
    assert problems(found) == ["40 bytes stand before the archive"]


def test_a_directory_that_contradicts_the_members(read: Any) -> None:
    data = archive("harmless.txt")
    found = read(PARSER, data.replace(b"harmless", b"terrible", 1))
    assert problems(found) == [
        "a member is called 'harmless.txt' in the directory and 'terrible.txt' in its own header"
    ]
    central = data.index(b"PK\1\2")
    moved = data[: central + 42] + b"\xff\0\0\0" + data[central + 46 :]
    assert problems(read(PARSER, moved)) == ["'harmless.txt' is not where the directory says it is"]
    end = data.index(b"PK\5\6")
    counted = data[: end + 10] + b"\7\0" + data[end + 12 :]
    assert problems(read(PARSER, counted)) == ["the archive says it has 7 members, its directory has 1"]


def test_an_archive_without_its_end_is_listed_by_its_members(read: Any, corpus: Fetch) -> None:
    data = corpus("archive/bulk_extractor/Data/jpegs.zip").read_bytes()
    found = read(PARSER, data[:20_000])
    assert [m.fields["name"] for m in artefacts(found, "zip.member")] == [f"jpegs/{n}.jpg" for n in (1, 2, 3)]
    assert "the end of the archive is missing" in problems(found)[0]


def test_zip64(read: Any) -> None:
    data = archive("big.bin")
    central, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    wide = field(1, struct.pack("<QQ", 1 << 40, 1 << 39))
    entry = bytearray(data[central:end] + wide)
    entry[20:28] = b"\xff" * 8
    entry[30:32] = struct.pack("<H", len(wide))
    entry = entry[: -4 - len(wide)] + wide + b"note"
    record = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, len(entry), central)
    locator = b"PK\6\7" + struct.pack("<IQI", 0, central + len(entry), 1)
    last = b"PK\5\6" + b"\0\0\0\0" + b"\xff" * 12 + b"\0\0"
    found = read(PARSER, data[:central] + bytes(entry) + record + locator + last)
    (member,) = artefacts(found, "zip.member")
    assert (member.fields["size"], member.fields["packed_size"]) == (str(1 << 40), str(1 << 39))
    assert "are said to be 1,099,511,627,776 bytes" in problems(found)[0]


def test_bombs_and_paths_are_only_listed(corpus: Fetch, read: Any) -> None:
    (member,) = read(PARSER, corpus("hostile/made/bomb-64m.zip").read_bytes())
    assert member.fields["size"] == str(64 << 20)
    assert len(read(PARSER, corpus("hostile/made/bomb-nested-10x4.zip").read_bytes())) == 10
    found = read(PARSER, corpus("hostile/made/traversal.zip").read_bytes())
    assert found[0].fields["name"] == "../../evil.txt"


def test_damaged_archives_give_values(corpus: Fetch, read: Any) -> None:
    for name in PUBLIC:
        for copy in damaged(corpus(name).read_bytes(), 24):
            read(PARSER, copy)
    for copy in damaged(archive(extra=field(0x5455, b"\7" + bytes(12)))):
        read(PARSER, copy)


@given(extra=st.binary(max_size=60), name=st.text("a/ž\u0431\U0001f600", min_size=1, max_size=20))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_extra_field_and_name(extra: bytes, name: str, read: Any) -> None:
    found = read(PARSER, archive(name.encode("utf-8", "replace").decode(), extra))
    assert artefacts(found, "zip.member")


def packed(members: dict[str, str]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
        archive.writestr("mimetype" if "meta.xml" in members else "[Content_Types].xml", "")
    return sink.getvalue()


def test_a_public_document(corpus: Fetch, read: Any, at: At) -> None:
    (document,) = artefacts(read(PARSER, corpus("windows-other/plaso/Document.docx").read_bytes()), "office.document")
    assert document.times == {"created": at("2012-11-07T23:29:00+00:00"), "modified": at("2013-08-25T22:18:00+00:00")}
    assert document.fields == {
        "author": "Nides",
        "last_modified_by": "Nides",
        "revision": "3",
        "template": "Normal.dotm",
        "edited_minutes": "1385",
        "pages": "1",
        "words": "2",
        "application": "Microsoft Office Word",
        "application_version": "14.0000",
    }
    assert document.clock is Clock.UTC


def test_a_workbook_of_another_writer(read: Any, at: At) -> None:
    book = openpyxl.Workbook()
    book.properties.creator, book.properties.lastModifiedBy = "Ada Horvat", "B. Ilić"
    book.properties.created = datetime(2026, 3, 1, 10, 0, 0)  # noqa: DTZ001 - openpyxl wants it so
    book.custom_doc_props.append(openpyxl.packaging.custom.StringProperty(name="Case", value="K-12"))
    sink = io.BytesIO()
    book.save(sink)
    (document,) = artefacts(read(PARSER, sink.getvalue()), "office.document")
    assert document.times["created"] == at("2026-03-01T10:00:00+00:00")
    assert (document.fields["author"], document.fields["last_modified_by"]) == ("Ada Horvat", "B. Ilić")
    assert (document.fields["custom.Case"], document.fields["application"][:15]) == ("K-12", "Microsoft Excel")


META = """<?xml version="1.0"?><office:document-meta xmlns:office="o" xmlns:meta="m" xmlns:dc="d"
 xmlns:xlink="http://www.w3.org/1999/xlink"><office:meta><meta:generator>LibreOffice/7</meta:generator>
<meta:initial-creator>Ada</meta:initial-creator><dc:creator>Boris</dc:creator><meta:keyword>a</meta:keyword>
<meta:keyword>b</meta:keyword><meta:creation-date>2026-03-29T02:30:00.123</meta:creation-date>
<dc:date>2026-03-01T10:00:00Z</dc:date><meta:print-date>2026-13-01T10:00:00</meta:print-date>
<meta:template xlink:href="t.ott"/><meta:user-defined meta:name="Case">K-12</meta:user-defined>
</office:meta></office:document-meta>"""


def test_an_opendocument_text(read: Any, at: At) -> None:
    found = read(PARSER, packed({"meta.xml": META, "Basic/script-lc.xml": ""}), zone="Europe/Belgrade")
    by_clock = {document.clock: document for document in artefacts(found, "odf.document")}
    assert by_clock[Clock.UTC].times == {"modified": at("2026-03-01T10:00:00+00:00")}
    assert by_clock[Clock.DECLARED].fields["skipped"] == "created"
    assert by_clock[Clock.UTC].fields == {
        "application": "LibreOffice/7",
        "author": "Ada",
        "last_modified_by": "Boris",
        "keywords": "a; b",
        "template": "t.ott",
        "custom.Case": "K-12",
        "macros": "true",
    }
    assert problems(found) == ["the time printed is '2026-13-01T10:00:00': there is no month 13"]


def test_entities_and_huge_descriptions_are_refused(read: Any) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x><creator>&b;</creator></x>'
    assert problems(read(PARSER, packed({"docProps/core.xml": bomb}))) == [
        "docProps/core.xml is damaged: it declares entities, which are not expanded"
    ]
    huge = f"<x><creator>Ada</creator>{' ' * (5 << 20)}</x>"
    assert problems(read(PARSER, packed({"docProps/core.xml": huge}))) == [
        f"docProps/core.xml cannot be read: it is said to be {len(huge):,} bytes, of which none are read"
    ]
    cut = read(PARSER, packed({"docProps/core.xml": "<x><creator>Ada</creator><title>"}))
    assert artefacts(cut, "office.document")[0].fields == {"author": "Ada"}
    assert "docProps/core.xml is damaged" in problems(cut)[0]


def test_a_member_that_holds_more_than_it_says(read: Any) -> None:
    data = bytearray(packed({"docProps/core.xml": f"<x><creator>{'A' * (6 << 20)}</creator></x>"}))
    central = data.index(b"PK\1\2")
    data[central + 24 : central + 28] = struct.pack("<I", 10)
    assert problems(read(PARSER, bytes(data))) == [
        "docProps/core.xml cannot be read: it is cut, or longer than it says"
    ]


def test_macros_and_signatures_are_told_by_their_members(read: Any) -> None:
    members = {"docProps/core.xml": "<x/>", "word/vbaProject.bin": "", "_xmlsignatures/origin.sigs": ""}
    (document,) = artefacts(read(PARSER, packed(members)), "office.document")
    assert document.fields == {"macros": "true", "signed": "true"}


@given(core=st.binary(max_size=200), name=st.sampled_from(["docProps/core.xml", "docProps/custom.xml", "meta.xml"]))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_description(core: bytes, name: str, read: Any) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr(name, core)
        archive.writestr("[Content_Types].xml", "")
    found = read(PARSER, sink.getvalue())
    assert len(artefacts(found, "zip.member")) == 2
