"""Windows event logs, whole and damaged."""

from __future__ import annotations

import json
import struct
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from forensics.model import Artefact, Clock, Problem
from forensics.parsers import parser_for
from forensics.parsers.windows.event_log import PARSER

# records as the Rust evtx reads them; the files are those of its own tests, of plaso and of a sample collection
COUNTS = {
    "evtx/evtx/2-vss_0-Microsoft-Windows-RemoteDesktopServices-RdpCoreTS%4Operational.evtx": 1910,
    "evtx/evtx/Application_no_crc32.evtx": 17,
    "evtx/evtx/Microsoft-Windows-HelloForBusiness%4Operational.evtx": 6,
    "evtx/evtx/Security_short_selected.evtx": 7,
    "evtx/evtx/issue_201.evtx": 1,
    "evtx/evtx/new-user-security.evtx": 4,
    "evtx/evtx/sysmon.evtx": 358,
    "evtx/plaso/evtx/System2.evtx": 194,
    "hostile/evtx/sample_with_a_bad_chunk_magic.evtx": 270,
}
SMALL = "evtx/evtx/new-user-security.evtx"


def records(found: list[Any]) -> list[Artefact]:
    return [result for result in found if isinstance(result, Artefact) and result.kind == "evtx.record"]


def problems(found: list[Any]) -> list[Problem]:
    return [result for result in found if isinstance(result, Problem)]


def resealed(data: bytes) -> bytes:
    """The first chunk with both checksums made right again."""
    chunk = bytearray(data[4096 : 4096 + 65536])
    (end,) = struct.unpack_from("<I", chunk, 48)
    struct.pack_into("<I", chunk, 52, zlib.crc32(chunk[512:end]))
    struct.pack_into("<I", chunk, 124, zlib.crc32(chunk[128:512], zlib.crc32(chunk[:120])))
    return data[:4096] + bytes(chunk) + data[4096 + 65536 :]


def oracle(name: str, corpus: Any) -> Any:
    return json.loads(corpus(f"oracles/artefact/{name.replace('/', '__')}.json").read_text())["evtx_rs"]


@pytest.mark.parametrize("name", COUNTS)
def test_records_are_those_of_the_library_on_the_whole_file(name: str, corpus: Any, read: Any) -> None:
    data = corpus(name).read_bytes()
    assert parser_for(data[:4096], "x") is PARSER
    found = records(read(PARSER, data))
    assert len(found) == COUNTS[name]
    known = oracle(name, corpus)
    assert len(found) == known["records"]
    assert Counter(record.fields.get("event_id", "0") for record in found) == Counter(known["event_ids"])


def test_every_sample_of_the_collection(corpus: Any, read: Any) -> None:
    files: list[Path] = sorted(corpus("evtx/EVTX-ATTACK-SAMPLES").rglob("*.evtx"))
    assert len(files) >= 14
    for file in files:
        name = "evtx/" + str(file.relative_to(corpus("evtx")))
        found = read(PARSER, file.read_bytes())
        assert len(records(found)) == len(found) == oracle(name, corpus)["records"], name


def test_a_record_in_full(corpus: Any, read: Any, at: Any) -> None:
    data = corpus("evtx/evtx/Microsoft-Windows-HelloForBusiness%4Operational.evtx").read_bytes()
    record = records(read(PARSER, data))[0]
    assert record.times == {"logged": at("2018-07-06T18:45:46.966627+00:00") + 900}
    assert record.raw == {"logged": "2018-07-06T18:45:46.9666279Z UTC"}
    assert record.clock is Clock.UTC
    assert dict(record.fields) == {
        "provider": "Microsoft-Windows-HelloForBusiness",
        "event_id": "5520",
        "level": "4",
        "channel": "Microsoft-Windows-HelloForBusiness/Operational",
        "computer": "DESKTOP-1N4R894",
        "record_id": "1",
        "user_sid": "S-1-5-18",
        "provider_guid": "906B8A99-63CE-58D7-86AB-10989BBD5567",
        "version": "0",
        "task": "15",
        "opcode": "12",
        "keywords": "0x8000000000000001",
        "process_id": "1432",
        "thread_id": "4352",
    }
    place = record.location.offset
    assert place is not None
    assert data[place : place + 4] == b"**\0\0"
    assert struct.unpack_from("<I", data, place + 4)[0] == record.location.length


def test_event_data_is_flattened(corpus: Any, read: Any) -> None:
    (record,) = records(read(PARSER, corpus("evtx/evtx/issue_201.evtx").read_bytes()))
    assert record.fields["data.Data.1"] == "Set-Mailbox"
    assert record.fields["record_id"] == "3229"
    assert record.fields["stored_record_id"] == "1"
    named = records(read(PARSER, corpus(SMALL).read_bytes()))[1]
    assert named.fields["data.TargetUserName"] == "IEUser"


def test_a_forwarded_event_has_two_times(corpus: Any, read: Any, at: Any) -> None:
    (record,) = records(read(PARSER, corpus("evtx/evtx/issue_201.evtx").read_bytes()))
    assert record.times == {
        "logged": at("2021-11-19T16:52:33.833733+00:00") + 500,
        "written": at("2021-11-19T16:53:03.836551+00:00"),
    }


def test_records_of_a_chunk_the_file_ends_in_are_told_apart(corpus: Any, read: Any) -> None:
    found = read(PARSER, corpus("evtx/plaso/evtx/System2.evtx").read_bytes())
    assert Counter(result.kind for result in found if isinstance(result, Artefact)) == {
        "evtx.record": 194,
        "evtx.recovered": 89,
    }
    chunk, record = problems(found)
    assert "64,832 of 65,536" in chunk.reason
    assert (chunk.location.offset, chunk.location.length) == (135168, 64832)
    assert "cut short by the end of the file" in record.reason  # the zeros after the end are not evidence
    assert (record.location.offset, record.location.length) == (199640, 360)


def test_zeroed_chunks_and_lost_magic_are_problems(corpus: Any, read: Any) -> None:
    found = problems(read(PARSER, corpus("hostile/evtx/sample_with_a_bad_chunk_magic.evtx").read_bytes()))
    places = [problem.location.offset for problem in found if "does not start as one" in problem.reason]
    assert places == [4096 + 6 * 65536, 4096 + 10 * 65536]
    (zeros,) = [problem for problem in found if "zeros" in problem.reason]
    assert (zeros.location.offset, zeros.location.length) == (4096 + 65536, 5 * 65536)


def test_room_not_used_yet_is_no_problem(corpus: Any, read: Any) -> None:
    data = corpus(SMALL).read_bytes()
    assert read(PARSER, data + bytes(5 * 65536)) == read(PARSER, data)


def test_a_claim_of_huge_chunks(corpus: Any, read: Any) -> None:
    found = read(PARSER, corpus("hostile/made/evtx-huge-chunks.evtx").read_bytes())
    assert records(found) == []
    assert len(found) == len(problems(found)) > 0


def test_a_changed_byte_breaks_the_checksum(corpus: Any, read: Any) -> None:
    data = bytearray(corpus(SMALL).read_bytes())
    assert problems(read(PARSER, bytes(data))) == []
    data[4096 + 700] ^= 1
    assert any("checksum of its records" in problem.reason for problem in problems(read(PARSER, bytes(data))))
    data = bytearray(corpus(SMALL).read_bytes())
    data[20] ^= 1
    assert ["checksum of the file header" in problem.reason for problem in problems(read(PARSER, bytes(data)))] == [
        True
    ]
    data = bytearray(corpus(SMALL).read_bytes())
    data[4096 + 60] ^= 1
    assert any("checksum of its header" in problem.reason for problem in problems(read(PARSER, bytes(data))))


def test_a_damaged_file_header_costs_no_record(corpus: Any, read: Any) -> None:
    data = corpus(SMALL).read_bytes()
    damaged = b"\xff" * 128 + data[128:]
    assert PARSER.accepts(damaged[:4096], "Security.evtx")
    assert not PARSER.accepts(damaged[:4096], "Security.log")
    assert records(read(PARSER, damaged)) == records(read(PARSER, data))


@pytest.mark.parametrize("length", [1, 2])
def test_names_chained_in_a_circle_do_not_hang(length: int, corpus: Any, read: Any) -> None:
    data = bytearray(corpus(SMALL).read_bytes())
    whole = records(read(PARSER, bytes(data)))
    heads = [struct.unpack_from("<I", data, 4096 + place)[0] for place in range(128, 384, 4)]
    first, second = [place for place in heads if place][:2]
    struct.pack_into("<I", data, 4096 + first, second if length == 2 else first)
    if length == 2:
        struct.pack_into("<I", data, 4096 + second, first)
    found = read(PARSER, resealed(bytes(data)))
    assert any("chains of names and templates are broken" in problem.reason for problem in problems(found))
    assert [record.fields for record in records(found)] == [record.fields for record in whole]


def test_a_chain_that_leaves_the_chunk_costs_no_record(corpus: Any, read: Any) -> None:
    data = bytearray(corpus(SMALL).read_bytes())
    whole = records(read(PARSER, bytes(data)))
    struct.pack_into("<I", data, 4096 + 128, 0xFFFFFFF0)
    found = read(PARSER, resealed(bytes(data)))
    assert len(records(found)) == len(whole)
    assert len(problems(found)) == 1


def test_a_flood_of_damaged_chunks_is_counted(read: Any) -> None:
    chunk = b"?" * 65536
    found = read(PARSER, b"ElfFile\0" + bytes(4088) + chunk * 1005)
    assert len(found) == 1001
    assert found[-1].reason.startswith("6 more problems")
