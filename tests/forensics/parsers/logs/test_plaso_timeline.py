"""Timelines of Plaso in the three forms psort writes, times in each, and what is no event."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers.logs.plaso_timeline import PARSER
from tests.forensics.parsers.found import problems

MESSAGE = "Failed password for root, from 203.0.113.45"
KIND = "Content Modification Time"
DYNAMIC = (
    "datetime,timestamp_desc,source,source_long,message,parser,display_name,tag\n"
    f'2026-03-09T03:02:11.123456+00:00,{KIND},LOG,Log File,"{MESSAGE}",text/syslog,OS:/e/auth.log,-\n'
    "0000-00-00T00:00:00.000000+00:00,Not a time,FILE,File,x,filestat,OS:/e/x,-\n"
).encode()
L2T = (
    "date,time,timezone,MACB,source,sourcetype,type,user,host,short,desc,version,filename,inode,notes,format,extra\n"
    f"03/09/2026,03:02:11,UTC,M...,LOG,Log File,{KIND},-,mx01,Failed..,Failed password,2,OS:/e/auth.log,12,-,text,-\n"
    f"03/09/2026,04:02:11,Europe/Belgrade,M...,LOG,Log File,{KIND},ada,-,x,x,2,OS:/e/a,-,-,text,\n"
).encode()
EVENT = {
    "__container_type__": "event", "__type__": "AttributeContainer", "data_type": "syslog:line",
    "date_time": {"__class_name__": "TimeElements"}, "display_name": "OS:/e/auth.log", "hostname": "mx01",
    "message": MESSAGE, "parser": "text/syslog", "pid": 7000, "timestamp": 1773025331123456,
    "timestamp_desc": KIND,
}  # fmt: skip
LINES = json.dumps(EVENT).encode() + b"\n"


@pytest.mark.parametrize("data", [DYNAMIC, L2T, LINES])
def test_it_is_known_by_its_first_line(data: bytes) -> None:
    assert parser_for(data[:4096], "supertimeline") is PARSER
    assert not PARSER.accepts(data.partition(b"\n")[2] if data is not LINES else b'{"event": 1}\n', "timeline.csv")


def test_dynamic(read: Any, at: Callable[[str], int]) -> None:
    event, undated = read(PARSER, DYNAMIC)
    assert event.times == {"stated": at("2026-03-09T03:02:11.123456+00:00")}
    assert event.raw == {"stated": "2026-03-09T03:02:11.123456+00:00"}
    assert event.fields == {
        "description": KIND, "source": "LOG", "source_long": "Log File", "message": MESSAGE,
        "parser": "text/syslog", "path": "OS:/e/auth.log",
    }  # fmt: skip
    assert DYNAMIC[event.location.offset :][: event.location.length].startswith(b"2026-03-09")
    assert (undated.times, undated.fields["message"]) == ({}, "x")


def test_l2tcsv(read: Any, at: Callable[[str], int]) -> None:
    event, local = read(PARSER, L2T)
    assert event.times == {"stated": at("2026-03-09T03:02:11+00:00")}
    assert (event.fields["description"], event.fields["host"]) == (KIND, "mx01")
    assert (event.fields["inode"], event.fields["message"]) == ("12", "Failed password")
    assert (event.clock, local.clock) == (Clock.UTC, Clock.UNKNOWN)
    assert local.fields["user"] == "ada"
    _, declared = read(PARSER, L2T, zone="Europe/Belgrade")
    assert declared.times == {"stated": at("2026-03-09T03:02:11+00:00")}
    assert declared.clock is Clock.DECLARED


def test_json_lines(read: Any, at: Callable[[str], int]) -> None:
    (event,) = read(PARSER, LINES)
    assert event.times == {"stated": at("2026-03-09T03:02:11.123456+00:00")}
    assert event.fields["data_type"] == "syslog:line"
    assert event.fields["host"] == "mx01"


def test_what_is_no_event_is_said(read: Any) -> None:
    rows = DYNAMIC.splitlines(keepends=True)[0] + b"2026-02-30T00:00:00,a,b,c,d,e,f,-\nyesterday,a,b,c,d,e,f,-\nshort\n"
    assert len(problems(read(PARSER, rows))) == 3
    odd = [b"{", b"[]", *(json.dumps(EVENT | {"timestamp": value}).encode() for value in ("x", 10**19, 1.5))]
    assert len(problems(read(PARSER, LINES + b"\n".join(odd)))) == 5
