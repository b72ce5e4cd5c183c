"""tar archives: public ones, those that the standard library writes in each format, damaged and hostile ones."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.parsers import parser_for
from forensics.parsers.archives import compressed
from forensics.parsers.archives.tar import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

LONG = "a/" * 90 + "бележка.txt"
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def archive(form: str, long_name: str = LONG) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=FORMATS[form]) as tar:
        for name, kind, size in (
            ("dir", tarfile.DIRTYPE, 0),
            ("dir/a.txt", tarfile.REGTYPE, 700),
            (long_name, tarfile.REGTYPE, 3),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.size, member.mtime, member.mode = kind, size, 1_700_000_000.25, 0o640
            member.uname, member.uid = "ahorvat", 1000
            if form == "pax":
                member.pax_headers = {"atime": "1600000000.123456789", "ctime": "-1.5", "LIBARCHIVE.creationtime": "5"}
            tar.addfile(member, io.BytesIO(bytes(size)))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "../../etc/passwd"
        tar.addfile(link)
    return sink.getvalue()


@pytest.mark.parametrize("form", FORMATS)
def test_the_members_are_those_of_the_standard_library(form: str, read: Any) -> None:
    data = archive(form, "a/" * 60 + "note.txt" if form == "ustar" else LONG)
    assert parser_for(data[:4096], "x.bin") is PARSER
    found = read(PARSER, data)
    assert problems(found) == []
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        expected = [(m.name, str(m.size), f"{m.mode:04o}", str(m.uid), m.linkname) for m in tar.getmembers()]
    names = ("name", "size", "mode", "uid", "link_target")
    assert [tuple(m.fields.get(name, "").rstrip("/") for name in names) for m in found] == expected
    assert [m.fields["type"] for m in found] == ["directory", "file", "file", "link"]


def test_times_of_extended_headers_have_their_fractions(read: Any, at: Callable[[str], int]) -> None:
    member = read(PARSER, archive("pax"))[1]
    assert member.times == {
        "modified": at("2023-11-14T22:13:20.250000+00:00"),
        "accessed": at("2020-09-13T12:26:40.123456+00:00") + 789,
        "changed": at("1969-12-31T23:59:58.500000+00:00"),
        "created": at("1970-01-01T00:00:05+00:00"),
    }
    assert member.raw["accessed"] == "1600000000.123456789"
    assert read(PARSER, archive("gnu"))[1].times == {"modified": at("2023-11-14T22:13:20+00:00")}


def test_public_archives(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    (member,) = read(PARSER, corpus("archive/dfvfs/tar/syslog.tar").read_bytes())
    assert (member.fields["name"], member.fields["size"]) == ("syslog", "1247")
    assert member.times == {"modified": at("2012-07-24T21:45:24+00:00")}
    packed = corpus("archive/dfvfs/syslog.tgz").read_bytes()
    assert parser_for(packed[:4096], "syslog.tgz") is compressed.PARSER
    (inside,) = read(compressed.PARSER, packed)
    assert inside.fields == {**member.fields, "compressed": "gzip"}
    keys = read(PARSER, corpus("hostile/bulk_extractor/Data/bitlocker.tar").read_bytes())
    assert [m.fields["size"] for m in artefacts(keys, "tar.member")] == ["0", "124", "906"]


def test_compressed_archives_are_listed(read: Any) -> None:
    plain = [m.fields["name"] for m in read(PARSER, archive("pax"))]
    for compress in (gzip.compress, lzma.compress):
        packed = compress(archive("pax"))
        assert parser_for(packed[:4096], "backup.bin") is compressed.PARSER
        assert [m.fields["name"] for m in read(compressed.PARSER, packed)] == plain


def test_links_and_devices_are_only_listed(corpus: Fetch, read: Any) -> None:
    found = read(PARSER, corpus("hostile/made/links.tar").read_bytes())
    assert [(m.fields["name"], m.fields["type"], m.fields.get("link_target")) for m in found][3:6] == [
        ("out", "link", "/etc"),
        ("out/passwd", "file", None),
        ("dev", "character device", None),
    ]


def header(**fields: bytes) -> bytes:
    places = {"name": 0, "size": 124, "mtime": 136, "type": 156, "magic": 257, "more": 482, "real": 483}
    block = bytearray(512)
    for name, value in {"magic": b"ustar  \0", **fields}.items():
        block[places[name] : places[name] + len(value)] = value
    block[148:156] = b" " * 8
    block[148:155] = b"%06o\0" % sum(block)
    return bytes(block)


def test_huge_claims(corpus: Fetch, read: Any) -> None:
    *_, problem = problems(read(PARSER, corpus("hostile/made/huge-claim.tar").read_bytes()))
    assert problem == "a member is said to be 1,152,921,504,606,846,976 bytes, the archive ends before"
    claim = header(name=b"././@LongLink", size=b"77777777777", type=b"L") + archive("gnu")
    tracemalloc.start()
    found = read(PARSER, claim)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "is said to have 8,589,934,591 bytes" in problems(found)[0]
    assert len(artefacts(found, "tar.member")) == 4
    assert peak < 4 << 20


def test_what_is_damaged_is_passed_over(read: Any) -> None:
    data = bytearray(archive("gnu"))
    data[512 + 10] ^= 0xFF  # the name of the second member
    found = read(PARSER, bytes(data))
    assert problems(found) == ["the header of a member is damaged: the header's checksum is wrong"]
    assert [m.fields["name"] for m in artefacts(found, "tar.member")] == ["dir/", LONG, "link"]
    assert problems(read(PARSER, archive("gnu")[:1024]))[-1].startswith("a member is said to be 700 bytes")
    assert "the blocks of zeros that end" in problems(read(PARSER, archive("gnu")[:512]))[-1]


def test_sparse_files_of_gnu(read: Any) -> None:
    first = header(name=b"disk.img", size=b"00000001000", type=b"S", more=b"\1", real=b"00010000000")
    more, last = bytearray(512), bytes(512)
    more[504] = 1
    data = first + bytes(more) + last + bytes(512) + header(name=b"next", type=b"0") + bytes(1024)
    sparse, following = read(PARSER, data)
    assert (sparse.fields["size"], sparse.fields["packed_size"]) == (str(0o10000000), "512")
    assert following.fields["name"] == "next"


def test_negative_and_binary_numbers(read: Any, at: Callable[[str], int]) -> None:
    old = header(name=b"old", mtime=b"\xff" * 12, type=b"0")
    (member,) = read(PARSER, old + bytes(1024))
    assert member.times == {"modified": at("1969-12-31T23:59:59+00:00")}
    late = header(name=b"late", mtime=b"\x80" + bytes(6) + b"\1\0\0\0\0", type=b"0")
    assert read(PARSER, late + bytes(1024))[0].times == {"modified": 2**32 * 10**9}


@pytest.mark.parametrize("form", FORMATS)
def test_damaged_archives_give_values(form: str, read: Any) -> None:
    for copy in damaged(archive(form, "note.txt")):
        read(PARSER, copy)


@given(records=st.binary(max_size=120), kind=st.sampled_from([b"x", b"g", b"L", b"K", b"S", b"0", b"9"]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_extended_header(records: bytes, kind: bytes, read: Any) -> None:
    first = header(name=b"pax", size=b"%011o" % len(records), type=kind)
    data = first + records + bytes(-len(records) % 512) + header(name=b"member", type=b"0") + bytes(1024)
    assert artefacts(read(PARSER, data), "tar.member")[-1:]
