"""Login records: every layout, against utmpdump's answers, damaged, and not taken for what they are not."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.model import Artefact, Clock, Problem
from forensics.parsers import HEAD_BYTES, PARSERS, parser_for
from forensics.parsers.unix.login_records import PARSER

NARROW, WIDE = "h2xi32s4s32s256shhiIi16s20x", "h2xi32s4s32s256shhqqq16s24x"
LAYOUTS = {"little": "<" + NARROW, "big": ">" + NARROW, "wide": "<" + WIDE}
NAMES = ("type", "pid", "line", "id", "user", "host", "address")
TYPES = ["EMPTY", "RUN_LVL", "BOOT_TIME", "NEW_TIME", "OLD_TIME"]
TYPES += ["INIT_PROCESS", "LOGIN_PROCESS", "USER_PROCESS", "DEAD_PROCESS", "ACCOUNTING"]
BIG_ENDIAN = "utmp/util-linux/utmp/wtmp-b.BE"


def record(layout: str = "<" + NARROW, **given: Any) -> bytes:
    values = {"type": 7, "pid": 812, "line": b"pts/0", "id": b"ts/0", "user": b"mira", "host": b"192.0.2.7"}
    values |= {"termination": 0, "exit": 0, "session": 0, "seconds": 1_700_000_000, "microseconds": 250_000}
    values |= {"address": bytes([192, 0, 2, 7]) + bytes(12)}
    return struct.pack(layout, *(values | given).values())


def problems(found: list[Any]) -> list[str]:
    return [result.reason for result in found if isinstance(result, Problem)]


def as_dumped(line: str) -> tuple[str, ...]:
    """A line of utmpdump: type, pid, id, user, line, host, address, time."""
    cells = [cell.strip() for cell in line.strip("[]").split("] [")]
    kind, pid, short, user, terminal, host, address, time = cells
    return TYPES[int(kind)], str(int(pid)), terminal, short, user, host, "" if address == "0.0.0.0" else address, time


def as_read(found: Artefact) -> tuple[str, ...]:
    seconds, microseconds = divmod(found.times["logged"] // 1000, 1_000_000)
    return (*(found.fields.get(name, "").strip() for name in NAMES), f"{seconds}.{microseconds:06}")


@pytest.mark.parametrize(
    ("name", "dump"),
    [
        ("utmp/plaso/utmp/utmp", None),
        ("utmp/plaso/utmp/utmp_x86_64", None),
        ("utmp/util-linux/utmp/wtmp-a.LE", "utmp/util-linux/utmp/txt-a"),
        ("utmp/util-linux/utmp/wtmp-ipv6.LE", "utmp/util-linux/utmp/txt-ipv6"),
        (BIG_ENDIAN, "utmp/util-linux/utmp/txt-b"),
    ],
)
def test_records_are_those_utmpdump_prints(name: str, dump: str | None, corpus: Any, read: Any, at: Any) -> None:
    data = corpus(name).read_bytes()
    assert parser_for(data[:HEAD_BYTES], "unnamed") is PARSER
    found = read(PARSER, data)
    if dump:
        lines = [line for line in corpus(dump).read_text().splitlines() if line]
    else:
        lines = json.loads(corpus(f"oracles/artefact/{name.replace('/', '__')}.json").read_text())["utmp"]["utmpdump"]
    expected = []
    for line in lines:
        *cells, time = as_dumped(line)
        seconds, microseconds = divmod(at(time.replace(",", ".")) // 1000, 1_000_000)
        expected.append((*cells, f"{seconds}.{microseconds:06}"))
    assert [as_read(artefact) for artefact in found] == expected
    assert all(artefact.clock is Clock.UTC for artefact in found)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_record_in_full(layout: str, read: Any, at: Any) -> None:
    ended = record(layout, type=8, termination=15, exit=1, session=3, user=b"\xc4\x8dar\xff")
    data = record(layout) + ended
    assert PARSER.accepts(data, "x")
    login, end = read(PARSER, data)
    assert login.times == {"logged": at("2023-11-14T22:13:20.250000+00:00")}
    assert login.raw == {"logged": "1700000000.250000"}
    assert dict(login.fields) == {
        "type": "USER_PROCESS",
        "pid": "812",
        "line": "pts/0",
        "id": "ts/0",
        "user": "mira",
        "host": "192.0.2.7",
        "address": "192.0.2.7",
    }
    assert (end.location.offset, end.location.length) == (len(data) // 2, len(data) // 2)
    assert {name: end.fields[name] for name in ("termination", "exit", "session", "user")} == {
        "termination": "15",
        "exit": "1",
        "session": "3",
        "user": "čar\\xff",
    }


def test_times_go_on_after_2038(read: Any, at: Any) -> None:
    _, found = read(PARSER, record() + record(seconds=2**31))
    assert found.times == {"logged": at("2038-01-19T03:14:08.250000+00:00")}
    _, problem = read(PARSER, record(LAYOUTS["wide"]) + record(LAYOUTS["wide"], seconds=2**40))
    assert "outside 1970 to 2500" in problem.reason


def test_damage_is_told_with_its_place(read: Any) -> None:
    data = record() + bytes(2 * 384) + record(type=99) + record(microseconds=-5) + bytes(384) + record()[:50]
    found = read(PARSER, data)
    assert [type(result).__name__ for result in found] == ["Artefact", *["Problem"] * 2, "Artefact", *["Problem"] * 3]
    assert problems(found) == [
        "2 records of zeros: never used, or wiped",
        "there is no record type 99",
        "-5 microseconds are no part of a second",
        "1 records of zeros: never used, or wiped",
        "50 bytes are no whole record of 384",
    ]
    places = [(result.location.offset, result.location.length) for result in found]
    assert places == [(0, 384), (384, 768), (1152, 384), (1536, 384), (1536, 384), (1920, 384), (2304, 50)]
    assert found[3].times == {"logged": 1_700_000_000 * 10**9}


def test_the_corrupt_file_of_plaso(corpus: Any, read: Any) -> None:
    data = corpus("hostile/plaso/utmp/utmp_corrupted").read_bytes()
    assert parser_for(data[:HEAD_BYTES], "utmp_corrupted") is PARSER
    assert parser_for(data[:HEAD_BYTES], "unnamed") is None
    found = read(PARSER, data)  # plaso: two events, two warnings
    assert [result.fields["user"] for result in found if isinstance(result, Artefact)] == ["alice", "bob"]
    assert problems(found) == ["there is no record type 99"] * 2 + ["50 bytes are no whole record of 384"]


def test_a_flood_of_problems_is_counted(read: Any) -> None:
    found = read(PARSER, record() + record(type=77) * 1005)
    assert len(found) == 1002
    assert found[-1].reason.startswith("5 more problems")


def test_other_binary_files_are_not_taken(corpus: Any) -> None:
    assert not PARSER.accepts(bytes(HEAD_BYTES), "wtmp")
    assert not PARSER.accepts(b"\x07\0\0\0" + bytes(380), "wtmp")
    assert not PARSER.accepts(record()[:383], "wtmp")
    assert not PARSER.accepts(record() + b"\x01" * 384, "unnamed")
    root = corpus("README.md").parent
    taken = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.parts[len(root.parts)] != "utmp":
            with path.open("rb") as stream:
                if PARSER.accepts(stream.read(HEAD_BYTES), path.name):
                    taken.append(path.relative_to(root))
    assert taken == [Path("hostile/plaso/utmp/utmp_corrupted")]


def test_no_other_parser_takes_login_records(corpus: Any) -> None:
    head = corpus(BIG_ENDIAN).read_bytes()[:HEAD_BYTES]
    assert [parser.name for parser in PARSERS if parser.accepts(head, "wtmp-b.BE")] == ["login_records"]


@given(
    layout=st.sampled_from(sorted(LAYOUTS.values())),
    count=st.integers(1, 5),
    flips=st.lists(st.tuples(st.integers(0, 1999), st.integers(1, 255)), max_size=6),
    cut=st.integers(0, 400),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_gives_artefacts_or_problems(
    layout: str, count: int, flips: list[tuple[int, int]], cut: int, read: Any
) -> None:
    data = bytearray(record(layout) * count)
    for place, change in flips:
        data[place % len(data)] ^= change
    whole = bytes(data[: len(data) - cut])
    found = read(PARSER, whole)
    assert isinstance(PARSER.accepts(whole[:HEAD_BYTES], "wtmp"), bool)
    assert found or not whole
    if not flips and not cut:
        assert len(found) == count
