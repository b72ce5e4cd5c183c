"""W3C extended logs of IIS."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.model import Artefact, Clock, Problem
from forensics.parsers import HEAD_BYTES, PARSERS, parser_for
from forensics.parsers.logs.iis import PARSER

SOFTWARE = b"#Software: Microsoft Internet Information Services 10.0\r\n"
FIELDS = (
    b"#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query cs-username c-ip cs(User-Agent) sc-status x-own\r\n"
)
LINE = b"2025-03-01 10:00:00 192.0.2.1 GET /a.asp id=1 LAB\\mira 198.51.100.7 Mozilla/5.0+(X11) 404 z\r\n"
TIMED = b"#Fields: time c-ip\n"


def problems(found: list[Any]) -> list[str]:
    return [result.reason for result in found if isinstance(result, Problem)]


@pytest.mark.parametrize(
    ("name", "count", "first", "last"),
    [  # counts: plaso's tests; times: the lines themselves
        ("iis6.log", 12, "2013-07-30T00:00:00+00:00", "2015-10-16T13:01:02+00:00"),
        ("iis_without_date.log", 11, "2013-07-30T00:00:00+00:00", "2013-07-30T00:00:13+00:00"),
        ("iis10.log", 1, "2021-04-01T00:00:21+00:00", "2021-04-01T00:00:21+00:00"),
    ],
)
def test_public_files(name: str, count: int, first: str, last: str, corpus: Any, read: Any, at: Any) -> None:
    data = corpus(f"textlog/plaso/iis/{name}").read_bytes()
    assert parser_for(data[:HEAD_BYTES], name) is PARSER
    found = read(PARSER, data)
    assert len(found) == count
    assert (found[0].times, found[-1].times) == ({"requested": at(first)}, {"requested": at(last)})
    assert all(request.clock is Clock.UTC for request in found)
    assert {request.fields.get("date_inferred") for request in found} == {"true" if "without" in name else None}


def test_a_line_in_full(read: Any, at: Any) -> None:
    data = SOFTWARE + FIELDS + LINE
    (found,) = read(PARSER, data)
    assert found.times == {"requested": at("2025-03-01T10:00:00+00:00")}
    assert found.raw == {"requested": "2025-03-01 10:00:00"}
    assert dict(found.fields) == {
        "server": "192.0.2.1",
        "method": "GET",
        "target": "/a.asp",
        "query": "id=1",
        "user": "LAB\\mira",
        "client": "198.51.100.7",
        "agent": "Mozilla/5.0+(X11)",
        "status": "404",
        "column.x-own": "z",
    }
    assert data[found.location.offset : found.location.offset + found.location.length] == LINE.rstrip()


def test_columns_hold_until_they_are_named_again(read: Any) -> None:
    again = SOFTWARE + b"#Fields: date time sc-status\n2025-03-01 11:00:00 500\n"
    first, second = read(PARSER, FIELDS + LINE + again)
    assert (first.fields["status"], second.fields) == ("404", {"status": "500"})


def test_columns_that_would_share_a_field_are_both_kept(read: Any) -> None:
    (found,) = read(PARSER, b"#Fields: date time cs-uri cs-uri-stem x x\n2025-03-01 11:00:00 /a?b /a 1 2\n")
    assert found.fields == {"target": "/a?b", "column.4.cs-uri-stem": "/a", "column.x": "1", "column.6.x": "2"}


def test_columns_apart_by_tabs(read: Any) -> None:
    (found,) = read(PARSER, b"#Fields: date\ttime\tcs(User-Agent)\n2025-03-01\t11:00:00.25\tan agent\n")
    assert found.fields == {"agent": "an agent"}
    assert found.times["requested"] % 10**9 == 250_000_000


def test_days_pass_where_only_times_are_written(read: Any, at: Any) -> None:
    lines = b"23:59:58 192.0.2.1\n23:59:59 192.0.2.1\n00:00:01 192.0.2.1\n00:00:00 192.0.2.1\n"
    found = read(PARSER, b"#Date: 2025-02-28 23:00:00\n" + TIMED + lines + b"#Date: 2025-06-01 01:00:00\n" + lines[:19])
    days = ["2025-02-28T23:59:58", "2025-02-28T23:59:59", "2025-03-01T00:00:01", "2025-03-01T00:00:00"]
    assert [request.times["requested"] for request in found] == [
        at(f"{day}+00:00") for day in [*days, "2025-06-01T23:59:58"]
    ]
    assert {request.fields["date_inferred"] for request in found} == {"true"}


def test_no_date_at_all_is_no_time(source: Any) -> None:
    (found,) = PARSER.parse(source(TIMED + b"10:00:00 192.0.2.1\n"))
    assert isinstance(found, Artefact)
    assert found.times == {}
    assert found.fields == {"client": "192.0.2.1", "date_inferred": "unknown", "time": "10:00:00"}


def test_what_does_not_fit_is_a_problem(read: Any) -> None:
    def one(line: bytes) -> list[str]:
        return problems(read(PARSER, FIELDS + line))

    assert problems(read(PARSER, LINE))[0].startswith("a line without a #Fields directive above it: 2025")
    assert one(LINE.rstrip() + b" more\n")[0].startswith("12 values for 11 columns")
    assert one(LINE.replace(b"10:00:00", b"24:00:00"))[0].startswith("there is no time of day 24:00:00")
    assert one(LINE.replace(b"10:00:00", b"-"))[0].startswith("a line without a time")
    assert one(LINE.replace(b"2025-03-01", b"2025-02-30"))[0].startswith("there is no day 30")
    assert one(LINE.replace(b"2025-03-01", b"yesterday"))[0].startswith("a line whose date is none")
    assert one(b"#Fields: (\n")[0].startswith("a #Fields directive that names no columns")
    assert one(b"#Date: today\n")[0].startswith("a #Date directive without a date")
    assert problems(read(PARSER, b"#Fields: " + b"a " * 300 + b"\n"))[0].startswith("a #Fields directive")
    assert one(LINE) == []
    found = read(PARSER, FIELDS + LINE[:60])
    assert found[0].fields["incomplete"] == "true"
    assert problems(found)[0].startswith("not all of the line could be read")


def test_only_its_own_kin_is_taken() -> None:
    assert parser_for(SOFTWARE + FIELDS + LINE, "x") is PARSER
    assert parser_for(b"#Software: Microsoft HTTP API 2.0\n#Fields: date time c-ip\n", "x") is PARSER
    assert parser_for(FIELDS + LINE, "u_ex250301.log") is PARSER
    assert parser_for(FIELDS + LINE, "x.log") is None
    firewall = b"#Version: 1.5\n#Software: Microsoft Windows Firewall\n#Time Format: Local\n#Fields: date time action\n"
    assert not PARSER.accepts(firewall, "pfirewall.log")
    assert parser_for(SOFTWARE, "u_ex250301.log") is None
    assert [parser.name for parser in PARSERS if parser.accepts(SOFTWARE + FIELDS + LINE, "x")] == ["iis"]


@given(
    st.lists(
        st.one_of(
            st.sampled_from([SOFTWARE, FIELDS, LINE, TIMED, b"#Date: 2025-02-28\n", b"10:00:00 ::1\n", b"#\n"]),
            st.binary(max_size=40),
        ).flatmap(lambda line: st.integers(0, len(line)).map(lambda place: line[:place] + line[place + 1 :])),
        max_size=12,
    ).map(b"".join)
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_lines_give_artefacts_or_problems(source: Any, data: bytes) -> None:
    found = list(PARSER.parse(source(data)))
    assert found == list(PARSER.parse(source(data)))
    assert isinstance(PARSER.accepts(data[:HEAD_BYTES], "x"), bool)
    for result in found:
        if isinstance(result, Artefact):
            assert set(result.times) == set(result.raw)
            assert bool(result.times) != (result.fields.get("date_inferred") == "unknown")
