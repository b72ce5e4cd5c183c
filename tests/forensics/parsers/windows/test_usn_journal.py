"""The change journal of NTFS: a public one, made ones with holes, damage and both versions of records."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from forensics.parsers import parser_for
from forensics.parsers.windows.usn_journal import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

AT = 133_500_000_000_000_000


def record(name: str, *, version: int = 2, reason: int = 0x80000102, usn: int = 7) -> bytes:
    text = name.encode("utf-16-le", "surrogatepass")
    references: tuple[Any, ...] = (5 << 48 | 1234, 5 << 48 | 5)
    layout = "<IHHQQQQIIIIHH"
    if version == 3:
        references = tuple(reference.to_bytes(16, "little") for reference in references)
        layout = "<IHH16s16sQQIIIIHH"
    head = struct.calcsize(layout)
    length = (head + len(text) + 7) // 8 * 8
    fixed = struct.pack(layout, length, version, 0, *references, usn, AT, reason, 0, 0, 32, len(text), head)
    return (fixed + text).ljust(length, b"\0")


def test_a_public_journal(corpus: Fetch, read: Any) -> None:
    data = corpus("ntfs-meta/plaso/UsnJrnl.raw").read_bytes()
    found = artefacts(read(PARSER, data, name="UsnJrnl.raw"), "usn.record")
    assert len(found) == 19
    assert found[0].fields["reason"]
    assert [item.location.offset for item in found] == sorted(item.location.offset or 0 for item in found)
    assert parser_for(data[:4096], "UsnJrnl.raw") is PARSER


@pytest.mark.parametrize("version", [2, 3])
def test_records_behind_a_hole(version: int, read: Any) -> None:
    data = bytes(3 << 20) + record("доказ.txt", version=version) + record("b", version=version) + bytes(64)
    first, second = artefacts(read(PARSER, data, name="$UsnJrnl:$J"), "usn.record")
    wanted = {"name": "доказ.txt", "reason": "data extended, created, closed", "mft_entry": "1234", "mft_sequence": "5"}
    assert {name: first.fields[name] for name in wanted} == wanted
    assert (second.fields["name"], second.fields["version"]) == ("b", str(version))
    assert first.raw == {"recorded": str(AT)}
    assert first.location.offset == 3 << 20


def test_a_record_across_two_readings(read: Any) -> None:
    one = record("x" * 100)
    data = one * ((1 << 20) // len(one) + 3)
    assert len(artefacts(read(PARSER, data, name="$J"), "usn.record")) == len(data) // len(one)


def test_what_is_no_record_is_a_problem_with_its_place(read: Any) -> None:
    data = record("a") + b"\xff" * 64 + record("b") + b"\x40\0\0\0" + b"\x02"
    found = read(PARSER, data, name="$J")
    assert [item.fields["name"] for item in artefacts(found, "usn.record")] == ["a", "b"]
    assert problems(found)[0] == "64 bytes of the journal are no record"


def test_a_name_that_is_no_text_and_reasons_that_nobody_knows(read: Any) -> None:
    (found,) = artefacts(read(PARSER, record("\ud800", reason=0x1000200), name="$J"), "usn.record")
    assert found.fields["name"] == "\\x00\\xd8"
    assert found.fields["reason"] == "deleted, 0x1000000"


def test_damaged_journals_give_values(read: Any) -> None:
    for data in damaged(b"".join(record(f"file {number}") for number in range(40)), 120):
        read(PARSER, data, name="$J")
    assert parser_for(b"text", "usnjrnl.txt") is None
