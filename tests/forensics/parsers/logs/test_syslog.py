"""Syslog in its three forms."""

from __future__ import annotations

import time
from typing import Any

import pytest

from forensics.model import Artefact, Clock, Problem
from forensics.parsers import parser_for
from forensics.parsers.logs.syslog import PARSER


def one(found: list[Any]) -> Artefact:
    (artefact,) = found
    assert isinstance(artefact, Artefact), artefact
    return artefact


def test_rfc3164_with_a_declared_zone(read: Any, at: Any) -> None:
    line = b"Mar  5 07:08:09.25 web sshd[77]: Accepted password for ana from 192.0.2.1 port 4 ssh2"
    artefact = one(read(PARSER, line + b"\n", zone="Europe/Belgrade"))
    assert artefact.kind == "syslog.line"
    assert artefact.times == {"logged": at("2026-03-05T07:08:09.25+01:00")}
    assert artefact.raw == {"logged": "Mar  5 07:08:09.25"}
    assert artefact.clock is Clock.DECLARED
    assert (artefact.location.offset, artefact.location.length) == (0, len(line))
    assert artefact.location.meta == "12"
    assert dict(artefact.fields) == {
        "year_inferred": "true",
        "host": "web",
        "program": "sshd",
        "pid": "77",
        "message": "Accepted password for ana from 192.0.2.1 port 4 ssh2",
        "action": "login accepted",
        "method": "password",
        "user": "ana",
        "source_ip": "192.0.2.1",
        "port": "4",
    }


def test_rfc3164_without_a_zone_stands_as_if_utc(read: Any, at: Any) -> None:
    artefact = one(read(PARSER, b"Mar  5 07:08:09 web kernel: [0.1] up\n"))
    assert artefact.times["logged"] == at("2026-03-05T07:08:09+00:00")
    assert artefact.clock is Clock.UNKNOWN
    assert artefact.fields["message"] == "[0.1] up"


def test_a_written_year_is_taken(read: Any, at: Any) -> None:
    artefact = one(read(PARSER, b"<189>Mar  5 2019 07:08:09: %SYS-5-CONFIG_I: Configured", reference=None))
    assert artefact.times["logged"] == at("2019-03-05T07:08:09+00:00")
    assert "year_inferred" not in artefact.fields
    assert (artefact.fields["facility"], artefact.fields["severity"]) == ("local7", "notice")


def test_years_roll_over_and_leap(read: Any, at: Any) -> None:
    lines = b"Feb 29 10:00:00 h p: a\nDec 31 23:59:59 h p: b\nJan  1 00:00:00 h p: c\n"
    logged = [artefact.times["logged"] for artefact in read(PARSER, lines)]
    assert logged == [
        at("2024-02-29T10:00:00+00:00"),  # 2025 has no such day
        at("2024-12-31T23:59:59+00:00"),  # of the same stretch
        at("2026-01-01T00:00:00+00:00"),
    ]


def test_times_of_the_clock_changes_say_so(read: Any, at: Any) -> None:
    lines = b"Mar 30 02:30:00 h p: never\nOct 26 02:30:00 h p: twice\n"
    never, twice = read(PARSER, lines, zone="Europe/Belgrade", reference="2025-11-01T00:00:00+00:00")
    assert never.fields["skipped"] == "true"
    assert "ambiguous" not in never.fields
    assert twice.fields["ambiguous"] == "true"
    assert twice.times["logged"] == at("2025-10-26T02:30:00+02:00")


def test_without_a_reference_there_is_no_time(read: Any) -> None:
    artefact, problem = read(PARSER, b"Mar  5 07:08:09 web p: m\n", reference=None)
    assert artefact.times == {}
    assert artefact.raw == {"logged": "Mar  5 07:08:09"}
    assert artefact.fields["year_inferred"] == "unknown"
    assert isinstance(problem, Problem)
    assert "no year" in problem.reason


@pytest.mark.parametrize(
    ("line", "host", "program", "pid", "message"),
    [
        ("kernel: [997.390602] sda2", None, "kernel", None, "[997.390602] sda2"),
        ("host kernel: x", "host", "kernel", None, "x"),
        ("host /sbin/anacron[12]: y: z", "host", "/sbin/anacron", "12", "y: z"),
        ("host gdm-password]: pam", "host", "gdm-password]", None, "pam"),
        ("host Job `cron.daily' terminated", "host", None, None, "Job `cron.daily' terminated"),
        ("host last message repeated 5 times", "host", None, None, "last message repeated 5 times"),
        ("fe80::1 sshd[1]: m", "fe80::1", "sshd", "1", "m"),
        ("host p[1]:m", "host", "p", "1", "m"),
        ("host p:", "host", "p", None, ""),
    ],
)
def test_tags(line: str, host: str | None, program: str | None, pid: str | None, message: str, read: Any) -> None:
    fields = one(read(PARSER, f"Nov 18 08:30:20 {line}\n".encode())).fields
    assert (fields.get("host"), fields.get("program"), fields.get("pid")) == (host, program, pid)
    assert fields["message"] == message


def test_a_colon_after_the_time_means_no_host(read: Any) -> None:
    fields = one(read(PARSER, b"Nov 18 01:15:43: --- last message repeated 5 times ---")).fields
    assert "host" not in fields
    assert fields["message"] == "--- last message repeated 5 times ---"


def test_macos_levels(read: Any) -> None:
    fields = one(read(PARSER, b"Nov  2 04:07:35 mac.local fw[112] (com.apple.x[1]) <Error>: gone\n")).fields
    assert (fields["program"], fields["pid"], fields["severity"], fields["message"]) == ("fw", "112", "error", "gone")


def test_rfc5424(read: Any, at: Any) -> None:
    line = (
        '<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 ID47 [ex@32473 iut="3" q="a\\"b\\]c\\\\"][two] '
        "\ufeffan event — ë"
    ).encode()
    artefact = one(read(PARSER, line))
    assert artefact.times == {"logged": at("2003-08-24T05:14:15.000003-07:00")}
    assert artefact.clock is Clock.UTC
    assert dict(artefact.fields) == {
        "facility": "local4",
        "severity": "notice",
        "host": "192.0.2.1",
        "program": "myproc",
        "pid": "8710",
        "message_id": "ID47",
        "data.ex@32473.iut": "3",
        "data.ex@32473.q": 'a"b]c\\',
        "message": "an event — ë",
    }


def test_rfc5424_without_values(read: Any) -> None:
    artefact = one(read(PARSER, b"<0>1 - - - - - -"))
    assert artefact.times == {}
    assert dict(artefact.fields) == {"facility": "kern", "severity": "emerg", "message": ""}


def test_rsyslog_high_precision(read: Any, at: Any) -> None:
    artefact = one(read(PARSER, b"2025-03-01T10:00:00.123456+01:00 host prog[9]: msg\r\n", zone="Asia/Tokyo"))
    assert artefact.times == {"logged": at("2025-03-01T10:00:00.123456+01:00")}
    assert artefact.clock is Clock.UTC
    assert (artefact.fields["host"], artefact.fields["message"]) == ("host", "msg")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"Feb 30 25:61:61 h p: m", "no day 30"),
        (b"Mar 10 25:00:00 h p: m", "time of day 25:00"),
        (b"Mar 10 10:00:60 h p: m", "no second 60"),
        (b"<192>Mar 10 10:00:00 h p: m", "priority 192"),
        (b"2025-03-01T10:00:00+99:99 h p: m", "no UTC offset"),
        (b"1600-12-31T10:00:00Z h p: m", "year 1600"),
        (b"2501-01-01T10:00:00Z h p: m", "year 2501"),
        (b"Mar 10 2501 10:00:00 h p: m", "year 2501"),
        (b"<1>1 2025-13-01T10:00:00Z h p - - - m", "no month 13"),
        (b"<1>1 2025-03-01 h p - - - m", "without an RFC 3339 time"),
        (b'<1>1 2025-03-01T10:00:00Z h p - - [a b="c] m', "not whole"),
        (b"\tsecond line of a message", "may go on from the line above"),
        (b"MMM 22 07:54:32 h p: m", "not a syslog line"),
    ],
)
def test_what_is_no_line_is_a_problem_with_its_place(line: bytes, reason: str, read: Any) -> None:
    good = b"Mar 10 10:00:00 h p: m\n"
    before, problem, after = read(PARSER, good + line + b"\n" + good)
    assert isinstance(problem, Problem)
    assert reason in problem.reason
    assert (problem.location.offset, problem.location.length) == (len(good), len(line))
    assert isinstance(before, Artefact)
    assert isinstance(after, Artefact)
    assert before.times == after.times


def test_lines_longer_than_is_read(read: Any) -> None:
    data = b"Mar 10 10:00:00 h p: " + b"x" * 100_000 + b"\nMar 10 10:00:01 h p: next\n"
    artefact, problem, following = read(PARSER, data)
    assert artefact.fields["cut"] == "true"
    assert (problem.location.offset, problem.location.length) == (65536, 100_021 - 65536)
    assert following.fields["message"] == "next"


@pytest.mark.parametrize(
    ("head", "name", "accepted"),
    [
        (b"Mar 10 10:00:00 h p: m\n", "whatever", True),
        (b"junk\njunk\nMar 10 10:00:00 h p: m\n", "notes.txt", False),
        (b"junk\njunk\nMar 10 10:00:00 h p: m\n", "auth.log.1", True),
        (b"\0" * 4096, "syslog", True),
        (b"\0" * 4096, "notes", False),
        (b"no log at all\n", "syslog", False),
        (b"2025-03-01T10:00:00Z host prog[9]: msg\n", "x", True),
        (b"\xff\xfe" + "Mar 10 10:00:00 h p: m\n".encode("utf-16-le"), "x", True),
    ],
)
def test_acceptance(head: bytes, name: str, accepted: bool) -> None:
    assert PARSER.accepts(head, name) is accepted


@pytest.mark.parametrize(
    ("name", "lines", "problems"),
    [("syslog", 16, 2), ("syslog_cron.log", 9, 0), ("syslog_rsyslog", 5, 0), ("syslog_ssh.log", 9, 0)],
)
def test_counts_of_other_readers(name: str, lines: int, problems: int, corpus: Any, read: Any) -> None:
    data = corpus(f"textlog/plaso/syslog/{name}").read_bytes()
    assert parser_for(data[:4096], name) is PARSER
    found = read(PARSER, data)
    assert sum(isinstance(result, Artefact) for result in found) == lines
    assert sum(isinstance(result, Problem) for result in found) == problems
    if name == "syslog_ssh.log":
        assert all("action" in result.fields for result in found)


def test_a_hostile_log(corpus: Any, read: Any) -> None:
    data = corpus("hostile/made/utf8-bad-syslog.log").read_bytes()
    found = read(PARSER, data)
    assert [type(result).__name__ for result in found] == ["Artefact", "Problem", "Problem", "Artefact", "Problem"]
    assert found[0].fields["host"] == "h\\xff\\xfe"
    assert found[1].location.length == 1_048_576
    assert "impossible date" in found[2].reason
    assert found[4].reason.endswith("\\x1b[2J<script>alert(1)</script>")


@pytest.mark.parametrize("unit", ["a ", "[", "]", "a[", "x:", '[a b="', '"', "\\", "<a", "(", " ("])
@pytest.mark.parametrize(
    "start", ["Mar 10 10:00:00 ", "<1>1 - h p - - ", "<1>1 - h p - - [a ", "2025-03-01T10:00:00Z "]
)
def test_hostile_lines_take_no_time(start: str, unit: str, read: Any) -> None:
    begun = time.process_time()
    read(PARSER, (start + unit * 65536)[:65536].encode())
    assert time.process_time() - begun < 2
