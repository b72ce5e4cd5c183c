"""Logs of one pattern each: the public ones against plaso's counts, made entries of every other form."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from forensics.meanings import ARTEFACT_MEANINGS
from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers.logs.text_log import FORMS, PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

PUBLIC = {
    "vsftpd.log": ("ftp.action", 25),
    "android_logcat.log": ("android.log_line", 8),
    "ios_lockdownd.log": ("ios.lockdown_line", 153),
    "santa.log": ("macos.santa", 191),
    "wifi.log": ("macos.wifi_line", 10),
    "googlelog_test.INFO": ("glog.line", 4),
    "aws_elb_access.log": ("aws.request", 16),
}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_logs(name: str, corpus: Fetch, read: Any) -> None:
    data = corpus(f"textlog/plaso/{name}").read_bytes()
    assert parser_for(data[:4096], "any") is PARSER
    found = read(PARSER, data)
    kind, count = PUBLIC[name]
    assert len(artefacts(found, kind)) == count  # as plaso counts
    assert problems(found) == []
    for copy in damaged(data, 20):
        read(PARSER, copy)


def test_what_they_say(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    def all_of(name: str, **settings: str) -> list[Any]:
        return list(read(PARSER, corpus(f"textlog/plaso/{name}").read_bytes(), **settings))

    ftp = all_of("vsftpd.log", zone="Europe/Belgrade")[3]
    assert (ftp.fields["action"], ftp.fields["bytes"], ftp.fields["user"]) == ("UPLOAD", "1884648", "jean")
    assert (ftp.times["logged"], ftp.clock) == (at("2016-06-06T16:43:59+00:00"), Clock.DECLARED)
    logcat = all_of("android_logcat.log")
    assert logcat[-1].times["logged"] == at("2022-01-02T01:44:23.183801+00:00")
    assert logcat[0].fields["year_inferred"] == "true"
    glog = all_of("googlelog_test.INFO")
    assert glog[0].times["logged"] == at("2019-12-31T23:59:59.000001+00:00")  # the year is that of the log's head
    assert glog[2].fields["message"] == "Interesting Stuff\n    that spans two lines"
    assert all_of("santa.log")[0].fields["action"] == "DISKAPPEAR"
    assert all_of("aws_elb_access.log")[15].fields["type"] == "tls"


def test_transfers(read: Any, at: Callable[[str], int]) -> None:
    data = b"Fri Mar  1 10:00:00 2024 3 10.0.0.7 4711 /home/ada/a b.zip b _ o r ada ftp 0 * c\n"
    assert parser_for(data, "xferlog") is PARSER
    (found,) = read(PARSER, data)
    assert found.fields == {
        **{"seconds": "3", "client": "10.0.0.7", "bytes": "4711", "path": "/home/ada/a b.zip", "type": "b"},
        **{"special": "_", "direction": "o", "access": "r", "user": "ada", "service": "ftp", "authentication": "0"},
        **{"authenticated": "*", "result": "c"},
    }
    assert found.times == {"logged": at("2024-03-01T10:00:00+00:00")}


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (
            b"[Fri Mar 01 10:00:00.000000 2024] [core:error] [pid 7:tid 8] [client 10.0.0.7:99] AH00128: no file\n",
            {"module": "core", "level": "error", "pid": "7", "thread": "8", "client": "10.0.0.7:99"},
        ),
        (b"[Fri Mar  1 10:00:00 2024] [error] [client 10.0.0.7] no file\n", {"level": "error", "client": "10.0.0.7"}),
        (b"[Fri Mar  1 10:00:00 2024] [notice] caught SIGTERM\n", {"level": "notice", "message": "caught SIGTERM"}),
        (
            b"2024/03/01 10:00:00 [error] 7#8: *9 open() failed, client: ::1, server: _, "
            b'request: "GET / HTTP/1.1", host: "h"\n',
            {
                "connection": "9",
                "message": "open() failed",
                "client": "::1",
                "request": "GET / HTTP/1.1",
                "server": "_",
            },
        ),
        (b"2024/03/01 10:00:00 [notice] 7#8: start\n", {"pid": "7", "message": "start"}),
        (
            b"2024-03-01 10:00:00,000 fail2ban.actions [7]: NOTICE [sshd] Ban 10.0.0.7\n",
            {"module": "actions", "jail": "sshd", "action": "Ban", "client": "10.0.0.7"},
        ),
        (b"2024-03-01 10:00:00,000 fail2ban.server [7]: INFO Starting\n", {"message": "Starting", "level": "INFO"}),
    ],
)
def test_a_line_of_each_server(line: bytes, fields: dict[str, str], read: Any, at: Callable[[str], int]) -> None:
    assert parser_for(line, "any") is PARSER
    (found,) = read(PARSER, line)
    assert fields.items() <= found.fields.items()
    assert found.times == {"logged": at("2024-03-01T10:00:00+00:00")}


def test_a_log_that_goes_over_the_year(read: Any, at: Callable[[str], int]) -> None:
    data = b"Log file created at: 2019/12/31 00:00:00\n"
    data += b"I1231 23:59:59.000001 1 a.cc:1] x\nI0101 00:00:01.000000 1 a.cc:1] y\nI0229 00:00:01.000000 1 a.cc:1] z\n"
    assert [item.times["logged"] for item in read(PARSER, data)] == [
        at("2019-12-31T23:59:59.000001+00:00"),
        at("2020-01-01T00:00:01+00:00"),
        at("2020-02-29T00:00:01+00:00"),
    ]
    (undated,) = read(PARSER, b"I1231 23:59:59.000001 1 a.cc:1] x\n", reference=None)
    assert (undated.fields["year_inferred"], undated.times) == ("unknown", {})


def test_lines_that_cannot_be_read(read: Any) -> None:
    data = b'Mon Jun  6 18:43:28 2016 [pid 2] CONNECT: Client "a"\nnothing\n'
    data += b'Mon Jxx  6 18:43:28 2016 [pid 2] CONNECT: Client "a"\n'
    data += b'Mon Feb 30 18:43:28 2016 [pid 2] CONNECT: Client "a"\n'
    assert [reason.partition(": ")[0] for reason in problems(read(PARSER, data))] == [
        "not an entry of this log (ftp.action)",
        "there is no month 0",
        "there is no day 30 in month 2 of 2016",
    ]
    assert problems(read(PARSER, b"x")) == ["it does not begin as any known log does"]


def test_every_form_has_a_meaning() -> None:
    assert all((form.kind, "logged") in ARTEFACT_MEANINGS for form in FORMS)


@pytest.mark.parametrize(
    "start",
    [
        b"01-01 01:02:03.123 I/",
        b"01-01 01:02:03.123 1 1 D ",
        b"Fri Mar  1 10:00:00 2024 3 h 4 ",
        b'Mon Jun  6 18:43:28 2016 [pid 2] A: Client "',
        b"https 2020-01-11T16:55:20.356586Z a ",
        b"[Fri Mar  1 10:00:00 2024] [error] [client ",
        b"2024/03/01 10:00:00 [error] 7#8: , client: 1, request: ",
    ],
)
@pytest.mark.parametrize("piece", [b" ", b"a b", b": ", b"("])
def test_hostile_lines_take_no_time(start: bytes, piece: bytes, read: Any) -> None:
    started = time.process_time()
    read(PARSER, start + b"x\n" + start + (piece * 65536)[:65536])
    assert time.process_time() - started < 2
