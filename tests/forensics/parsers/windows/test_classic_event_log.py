"""Event logs before Vista: a public one against libevt's and plaso's counts, made ones in every state of the ring."""

from __future__ import annotations

import json
import struct
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.model import Artefact, Clock, Problem
from forensics.parsers import HEAD_BYTES, PARSERS, parser_for
from forensics.parsers.windows.classic_event_log import PARSER

SID = bytes([1, 2, 0, 0, 0, 0, 0, 5]) + struct.pack("<2I", 32, 544)
FIXED = "<I4s4IHHHHIIIIII"


def record(number: int, *, texts: tuple[str, ...] = ("mira", "LAB"), data: bytes = b"", written: int = 0) -> bytes:
    names = "Security\0WS-07\0".encode("utf-16-le")
    strings = "".join(f"{text}\0" for text in texts).encode("utf-16-le", "surrogatepass")
    sid_at = 56 + len(names)
    strings_at = sid_at + len(SID)
    data_at = strings_at + len(strings)
    length = (data_at + len(data) + 3) // 4 * 4 + 4
    at = 1_100_000_000 + number
    numbers = (number, at, at + written, 0x40000210, 8, len(texts), 2, 0, 0, strings_at, len(SID), sid_at)
    fixed = struct.pack(FIXED, length, b"LfLe", *numbers, len(data), data_at)
    whole = (fixed + names + SID + strings + data).ljust(length - 4, b"\0")
    return whole + struct.pack("<I", length)


def end(start: int, place: int, current: int, oldest: int) -> bytes:
    return struct.pack("<10I", 40, 0x11111111, 0x22222222, 0x33333333, 0x44444444, start, place, current, oldest, 40)


def header(start: int, place: int, current: int, oldest: int, size: int = 65536) -> bytes:
    return struct.pack("<I4s10I", 48, b"LfLe", 1, 1, start, place, current, oldest, size, 0, 0, 48)


def log(*records: bytes, first: int = 1, tail: bytes = bytes(400)) -> bytes:
    """A log that was closed, whose ring does not wrap."""
    body = b"".join(records)
    ring = (48, 48 + len(body), first + len(records), first)
    return header(*ring) + body + end(*ring) + tail


def artefacts(found: list[Any]) -> list[tuple[str, int]]:
    return [(result.kind, int(result.fields["record_id"])) for result in found if isinstance(result, Artefact)]


def problems(found: list[Any]) -> list[str]:
    return [result.reason for result in found if isinstance(result, Problem)]


CURRENT = [("evt.record", 1), ("evt.record", 2), ("evt.record", 3)]
THREE = (record(1), record(2), record(3))


def test_a_public_log_that_wrapped_and_was_not_closed(corpus: Any, read: Any, at: Any) -> None:
    data = corpus("evt/plaso/SysEvent.Evt").read_bytes()
    assert parser_for(data[:HEAD_BYTES], "x") is PARSER
    found = read(PARSER, data)
    known = json.loads(corpus("oracles/artefact/evt__plaso__SysEvent.Evt.json").read_text())
    kinds = [kind for kind, _ in artefacts(found)]
    assert kinds.count("evt.record") == known["evtexport_events"] == 6063
    assert kinds.count("evt.recovered") == 437  # libevt: 438 with the one below
    (problem,) = [result for result in found if isinstance(result, Problem)]
    assert (problem.location.offset, "two lengths differ" in problem.reason) == (1965840, True)
    current = sorted(number for kind, number in artefacts(found) if kind == "evt.record")
    assert current == list(range(1392, 7455))
    (wrapped,) = [result for result in found if isinstance(result, Artefact) and "wrapped" in result.fields]
    assert (wrapped.location.offset, wrapped.location.length) == (2031376, 2031616 - 2031376)
    assert wrapped.fields["string.3"].endswith('logon request.\r\n (0xc000005e)"')
    assert wrapped.times == {"generated": at("2011-07-30T16:59:46+00:00")}


def test_a_record_in_full(read: Any, at: Any) -> None:
    data = log(record(1, data=b"\x01\xff", written=2, texts=("mira", "", "\ud800x")))
    (found,) = read(PARSER, data)
    assert found.kind == "evt.record"
    assert found.times == {"generated": at("2004-11-09T11:33:21+00:00"), "written": at("2004-11-09T11:33:23+00:00")}
    assert found.clock is Clock.UTC
    assert dict(found.fields) == {
        "event_id": "528",
        "qualifiers": "16384",
        "type": "audit success",
        "category": "2",
        "record_id": "1",
        "provider": "Security",
        "computer": "WS-07",
        "user_sid": "S-1-5-32-544",
        "string.1": "mira",
        "string.3": "\\x00\\xd8x",
        "data": "01ff",
    }
    assert (found.location.offset, found.location.length) == (
        48,
        len(record(1, data=b"\0\0", texts=("mira", "", "xx"))),
    )


def test_what_is_left_over_behind_the_end_is_told_apart(read: Any) -> None:
    found = read(PARSER, log(*THREE, first=1, tail=record(9) + bytes(20)))
    assert artefacts(found) == [*CURRENT, ("evt.recovered", 9)]
    assert problems(found) == []


def test_a_log_that_was_not_closed_has_a_stale_header(read: Any) -> None:
    whole = log(*THREE)
    assert artefacts(read(PARSER, header(48, 48, 1, 0) + whole[48:])) == CURRENT
    found = read(PARSER, bytes(48) + whole[48:])
    assert (artefacts(found), problems(found)) == (CURRENT, ["the file header is damaged"])


def test_without_an_end_record_the_header_is_believed_and_said_so(read: Any) -> None:
    found = read(PARSER, log(*THREE).replace(struct.pack("<I", 0x33333333), b"????"))
    assert artefacts(found) == CURRENT
    assert [reason.partition(":")[0] for reason in problems(found)] == ["there is no end record"]
    found = read(PARSER, bytes(48) + b"".join(THREE))
    assert artefacts(found) == [("evt.recovered", number) for _, number in CURRENT]
    assert problems(found) == ["neither file header nor end record: no record can be told to be current"]


def test_a_record_that_goes_on_behind_the_header(read: Any) -> None:
    last = record(2, texts=("a longer text that wraps",))
    for kept in (60, 100, len(last) - 4):
        rest = last[kept:]
        place = 48 + len(rest) + len(record(3))
        before = header(0, 0, 0, 0) + rest + record(3) + end(0, place, 4, 1)
        start = len(before) + 8
        ring = (start, place, 4, 1)
        data = header(*ring) + rest + record(3) + end(*ring) + bytes(8) + record(1) + last[:kept]
        found = read(PARSER, data)
        assert problems(found) == []
        assert artefacts(found) == [CURRENT[2], CURRENT[0], CURRENT[1]]
        assert found[2].fields["string.1"] == "a longer text that wraps"
        assert (found[2].fields["wrapped"], found[2].location.length) == ("true", kept)


def test_no_room_for_a_fixed_part_is_filled(read: Any) -> None:
    rest = record(3)
    ring = (48 + len(rest) + 40, 48 + len(rest), 4, 1)
    body = header(*ring) + rest + end(*ring) + record(1) + record(2)
    assert problems(read(PARSER, body + b"\x27\0\0\0" * 5)) == []
    assert problems(read(PARSER, body + b"\x27\0\0\1" * 5)) == ["20 bytes of the log are no record"]


def test_a_destroyed_record_is_a_problem_with_its_place(read: Any) -> None:
    size = len(THREE[0])
    for number in range(3):
        data = bytearray(log(*THREE))
        place = 48 + number * size
        data[place + 4 : place + 8] = b"????"
        found = read(PARSER, bytes(data))
        assert artefacts(found) == CURRENT[:number] + CURRENT[number + 1 :]
        (problem,) = [result for result in found if isinstance(result, Problem)]
        assert (problem.location.offset, problem.location.length) == (place, size)
        assert problem.reason == f"{size} bytes of the log are no record"


def test_lengths_that_lie(read: Any) -> None:
    data = bytearray(log(*THREE))
    size = len(THREE[0])
    struct.pack_into("<I", data, 48 + size, size + 8)
    assert "a record whose two lengths differ: damaged, cut or written over" in problems(read(PARSER, bytes(data)))
    assert artefacts(read(PARSER, bytes(data))) == [CURRENT[0], CURRENT[2]]
    struct.pack_into("<I", data, 48 + size, 0xFFFFFFF0)
    assert "a record that says it has 4,294,967,280 bytes" in problems(read(PARSER, bytes(data)))
    cut = read(PARSER, log(*THREE)[: 48 + 3 * size - 30])
    assert artefacts(cut) == CURRENT[:2]
    assert any("two lengths differ" in reason for reason in problems(cut))


def test_contents_that_point_out_of_the_record(read: Any) -> None:
    def with_value(place: int, value: int) -> tuple[list[tuple[str, int]], list[str]]:
        one = bytearray(record(1, data=b"abcd"))
        struct.pack_into("<I", one, place, value)
        found = read(PARSER, log(bytes(one)))
        return artefacts(found), problems(found)

    assert with_value(36, 10**9) == (CURRENT[:1], ["record 1: of its 2 strings 0 were read"])
    assert with_value(40, 9) == (CURRENT[:1], ["record 1: its user is no security identifier"])
    assert with_value(48, 10**9) == (CURRENT[:1], ["record 1: its data goes beyond it"])
    short = bytearray(record(1, texts=()))
    short[56:-4] = b"x\0" * ((len(short) - 60) // 2)
    reason = "record 1: its provider does not end, its computer does not end, its user is no security identifier"
    assert problems(read(PARSER, log(bytes(short)))) == [reason]
    large = read(PARSER, log(record(1, data=b"d" * 5000)))
    assert problems(large) == ["record 1: of its 5,000 bytes of data 4,096 were read"]
    assert len(large[0].fields["data"]) == 8192


def test_a_flood_of_lying_records_is_bounded(source: Any) -> None:
    data = header(48, 48, 1, 0) + struct.pack("<I4s", 400_000, b"LfLe") * 60_000
    total = 0

    def read_at(offset: int, length: int) -> bytes:
        nonlocal total
        found = data[offset : offset + length]
        total += len(found)
        return found

    counted = source(data)
    object.__setattr__(counted, "read_at", read_at)
    assert len(list(PARSER.parse(counted))) == 1001  # with the summary
    assert total < 20 * len(data)


def test_only_its_own_kin_is_taken() -> None:
    head = log(*THREE)[:HEAD_BYTES]
    assert [parser.name for parser in PARSERS if parser.accepts(head, "x")] == ["classic_event_log"]
    damaged = bytes(48) + head[48:]
    assert parser_for(damaged, "SecEvent.Evt") is PARSER
    assert parser_for(damaged, "x") is None


@given(
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=8),
    cut=st.integers(0, 200),
    tail=st.sampled_from([b"", bytes(50), record(9), record(9)[:70]]),
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_gives_artefacts_or_problems(flips: list[tuple[int, int]], cut: int, tail: bytes, read: Any) -> None:
    data = bytearray(log(*THREE, tail=tail))
    for place, change in flips:
        data[place % len(data)] ^= change
    whole = bytes(data[: len(data) - cut])
    found = read(PARSER, whole)
    assert found == read(PARSER, whole)
    assert found
    if not flips and not cut:
        assert artefacts(found)[:3] == CURRENT
