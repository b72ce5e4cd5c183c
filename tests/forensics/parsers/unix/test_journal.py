"""Journals: regular and compact, every compression, against journalctl's answers, damaged, cut, and hostile."""

from __future__ import annotations

import json
import lzma
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lz4.block
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.model import Artefact, Clock, Problem
from forensics.parsers import HEAD_BYTES, parser_for
from forensics.parsers.unix.journal import PARSER

NOON = 1_772_000_000_000_000
BOOT = bytes(range(16))
ENTRIES = [
    [b"MESSAGE=one", b"PRIORITY=6", b"_PID=7"],
    [b"MESSAGE=two", b"_PID=7", b"_SOURCE_REALTIME_TIMESTAMP=1771999999000000"],
    ["MESSAGE=три \U0001f50d".encode(), b"_PID=8", b"MESSAGE=again"],
]
PACKED: dict[int, Callable[[bytes], bytes]] = {
    0: lambda data: data,
    1: lambda data: lzma.compress(data, check=lzma.CHECK_NONE),
    2: lambda data: struct.pack("<Q", len(data)) + lz4.block.compress(data, store_size=False),
    4: zstandard.ZstdCompressor().compress,
}
NAMES = {0: "plain", 1: "xz", 2: "lz4", 4: "zstd"}


def journal(
    entries: Sequence[Sequence[bytes]] = ENTRIES, *, compact: bool = False, packed: int = 0, extra: int = 0,
    realtime: int = NOON, incompatible: int = 0, room: int = 4096,
) -> bytes:  # fmt: skip
    """A journal file with these entries, one second apart, each field a data object of its own."""
    body = bytearray()
    size = 256

    def add(kind: int, flags: int, content: bytes) -> int:
        place = size + len(body)
        body.extend(struct.pack("<BB6xQ", kind, flags, 16 + len(content)) + content)
        body.extend(bytes(-len(body) % 8))
        return place

    add(4, 0, bytes(64))  # a hash table: passed over
    for number, fields in enumerate(entries):
        places = [
            add(1, packed, bytes(48) + (bytes(8) if compact else b"") + PACKED.get(packed, bytes)(field))
            for field in fields
        ]
        items = b"".join(
            struct.pack("<I", place) if compact else struct.pack("<QQ", place, 0x9E3779B97F4A7C15) for place in places
        )
        head = struct.pack("<QQQ16sQ", number + 1, realtime + number * 1_000_000, 5 + number, BOOT, 9)
        add(3, 0, head + items)
    body.extend(bytes(room))
    flags = incompatible | (16 if compact else 0) | packed
    head = struct.pack("<8sIIB7x16s16s16s16s2Q", b"LPKSHHRH", 0, flags, 1, *[BOOT] * 4, size, len(body) + extra)
    return head.ljust(size, b"\0") + bytes(body)


def artefacts(found: list[Artefact | Problem]) -> list[Artefact]:
    return [item for item in found if isinstance(item, Artefact)]


def reasons(found: list[Artefact | Problem]) -> list[str]:
    return [item.reason for item in found if isinstance(item, Problem)]


@pytest.mark.parametrize("compact", [False, True], ids=["regular", "compact"])
@pytest.mark.parametrize("packed", PACKED, ids=NAMES.get)
def test_every_form_of_a_journal_gives_the_same_entries(read: Any, packed: int, compact: bool) -> None:
    found = read(PARSER, journal(compact=compact, packed=packed))
    assert not reasons(found)
    one, two, three = artefacts(found)
    assert (one.times, one.raw, one.clock) == ({"logged": NOON * 1000}, {"logged": str(NOON)}, Clock.UTC)
    assert one.fields == {
        "seqnum": "1", "boot_id": BOOT.hex(), "monotonic": "5", "machine_id": BOOT.hex(),
        "message": "one", "priority": "6", "_pid": "7",
    }  # fmt: skip
    assert two.times["sent"] == 1_771_999_999_000_000_000
    assert three.fields["message"] == "три \U0001f50d"
    assert [value for name, value in three.fields.items() if name.startswith("message#")] == ["again"]


def test_a_journal_is_known_by_its_signature() -> None:
    assert parser_for(journal()[:HEAD_BYTES], "anything") is PARSER
    assert parser_for(b"LPKSHHR", "system.journal") is not PARSER


def test_an_entry_stands_where_it_was_read(read: Any) -> None:
    data = journal()
    location = artefacts(read(PARSER, data))[0].location
    assert data[location.offset] == 3
    assert struct.unpack_from("<Q", data, location.offset + 8)[0] == location.length


def test_a_cut_journal_says_so_and_gives_what_is_there(read: Any) -> None:
    data = journal(room=0)
    found = read(PARSER, data[:-8])
    assert [item.fields["message"] for item in artefacts(found)] == ["one", "two"]
    assert any("cut short: 8 bytes" in reason for reason in reasons(found))
    assert any("ends inside" in reason for reason in reasons(read(PARSER, data[:60])))


def test_entries_behind_a_damaged_object_are_found(read: Any) -> None:
    data = bytearray(journal())
    first = artefacts(read(PARSER, bytes(data)))[0].location.offset
    data[first : first + 16] = b"\xff" * 16
    found = read(PARSER, bytes(data))
    assert [item.fields["message"] for item in artefacts(found)] == ["two", "три \U0001f50d"]
    assert any("are no object of a journal" in reason for reason in reasons(found))


def test_unused_room_is_no_problem(read: Any) -> None:
    assert not reasons(read(PARSER, journal(room=300_000)))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (journal(incompatible=32), "does not know (0x20)"),
        (journal(realtime=0), "0 microseconds since 1970 is no time"),
        (journal(realtime=2**63), "is no time of a log"),
        (journal([[b"no equals sign"]]), "is no NAME=value"),
        (journal([[b"A" * 65 + b"=x"]]), "is no NAME=value"),
        (journal(packed=1 | 2), "more than one way"),
        (journal()[:88] + struct.pack("<Q", 2**60) + journal()[96:], "claims"),
        (journal()[:16] + b"\x07" + journal()[17:], "in state 7"),
    ],
    ids=["features", "no time", "far time", "no name", "long name", "two ways", "header", "state"],
)
def test_what_is_wrong_is_said(read: Any, data: bytes, said: str) -> None:
    assert any(said in reason for reason in reasons(read(PARSER, data)))


@pytest.mark.parametrize("packed", [1, 2, 4], ids=["xz", "lz4", "zstd"])
def test_a_field_that_cannot_be_unpacked_costs_that_field(read: Any, packed: int) -> None:
    data = bytearray(journal([[b"MESSAGE=" + b"x" * 500, b"A=b"]], packed=packed))
    place = data.index(PACKED[packed](b"MESSAGE=" + b"x" * 500))
    data[place : place + 12] = b"\xff" * 12
    found = read(PARSER, bytes(data))
    assert artefacts(found)[0].fields["a"] == "b"
    assert any("1 fields are missing" in reason for reason in reasons(found))


def test_a_field_that_would_fill_memory_is_bounded(read: Any) -> None:
    long = b"MESSAGE=" + b"y" * (40 << 20)
    for packed in (1, 4):
        (entry,) = artefacts(read(PARSER, journal([[long]], packed=packed)))
        assert len(entry.fields["message"]) <= 64 * 1024
    found = read(PARSER, journal([[long, b"A=b"]], packed=2))
    assert any("claims 41943048 bytes" in reason for reason in reasons(found))


def test_an_entry_that_names_places_outside_the_file(read: Any) -> None:
    data = bytearray(journal([[b"MESSAGE=x"]]))
    place = artefacts(read(PARSER, bytes(data)))[0].location.offset + 64
    for where in (2**63, len(data) - 4, 8):
        data[place : place + 8] = struct.pack("<Q", where)
        assert any("fields are missing" in reason for reason in reasons(read(PARSER, bytes(data))))


def test_a_too_short_entry_is_a_problem(read: Any) -> None:
    data = bytearray(journal([[b"MESSAGE=x"]]))
    place = artefacts(read(PARSER, bytes(data)))[0].location.offset
    struct.pack_into("<Q", data, place + 8, 24)
    assert any("an entry of 24 bytes is too short" in reason for reason in reasons(read(PARSER, bytes(data))))


def test_common_fields_are_remembered_within_bounds(read: Any) -> None:
    entries = [[b"N=%d" % number] for number in range(4200)]
    assert len(artefacts(read(PARSER, journal(entries)))) == 4200


SEEDS = [journal(room=64), journal(compact=True, packed=4, room=0), journal(packed=1, room=8)]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_journals_give_values_and_problems(read: Any, data: st.DataObject) -> None:
    spoilt = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(8, len(spoilt) - 1))
        spoilt[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(spoilt)))
    read(PARSER, bytes(spoilt[:end] if data.draw(st.booleans()) else spoilt))


@pytest.mark.parametrize(
    ("name", "answers"), [("2004.journal", "2004.journal.xz"), ("system.journal", "system.journal")]
)
def test_the_corpus_as_journalctl_reads_it(corpus: Callable[[str], Path], read: Any, name: str, answers: str) -> None:
    oracle = json.loads(corpus(f"oracles/artefact/journald__velociraptor-zip__{answers}.json").read_text())
    found = read(PARSER, corpus(f"journald/velociraptor-zip/{name}").read_bytes())
    told = oracle["journalctl"]
    if not told["entries"]:  # cut short: journalctl refuses it, its one whole entry is read here
        assert len(artefacts(found)) == 1
        assert any("cut short" in reason for reason in reasons(found))
        return
    assert len(artefacts(found)) == told["entries"]
    for entry, ends in ((artefacts(found)[0], told["first"]), (artefacts(found)[-1], told["last"])):
        assert entry.raw["logged"] == ends["__REALTIME_TIMESTAMP"]
        plain = {key.lower(): value for key, value in ends.items() if not key.startswith("__") and value is not None}
        assert {key: entry.fields.get(key) for key in plain} == plain
