"""Access logs of Apache and nginx."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.model import Artefact, Clock, Problem
from forensics.parsers import parser_for
from forensics.parsers.logs import access_log
from forensics.parsers.logs.access_log import PARSER

WHEN = "[13/Jan/2016:19:31:16 +0100]"


def fields(read: Any, line: str) -> dict[str, str]:
    (artefact,) = read(PARSER, line.encode() + b"\n")
    assert isinstance(artefact, Artefact), artefact
    return dict(artefact.fields)


def test_combined(read: Any, at: Any) -> None:
    line = f'192.0.2.7 - ana {WHEN} "GET /a?b=c d HTTP/1.1" 200 494 "https://example.org/" "Agent \\"x\\" 1.0"'
    (artefact,) = read(PARSER, line.encode() + b"\r\n")
    assert artefact.kind == "access.request"
    assert artefact.times == {"requested": at("2016-01-13T19:31:16+01:00")}
    assert artefact.raw == {"requested": WHEN[1:-1]}
    assert artefact.clock is Clock.UTC
    assert (artefact.location.offset, artefact.location.length) == (0, len(line))
    assert dict(artefact.fields) == {
        "client": "192.0.2.7",
        "user": "ana",
        "method": "GET",
        "target": "/a?b=c d",
        "protocol": "HTTP/1.1",
        "status": "200",
        "bytes": "494",
        "referrer": "https://example.org/",
        "agent": 'Agent \\"x\\" 1.0',
    }


def test_common_leaves_out_what_is_not_given(read: Any) -> None:
    assert fields(read, f'::1 - - {WHEN} "GET / HTTP/1.0" 304 -') == {
        "client": "::1",
        "method": "GET",
        "target": "/",
        "protocol": "HTTP/1.0",
        "status": "304",
    }


def test_a_virtual_host_in_front(read: Any) -> None:
    found = fields(read, f'www.example.org:443 192.0.2.7 id ana {WHEN} "GET / HTTP/1.1" 200 1')
    assert (found["vhost"], found["client"], found["ident"], found["user"]) == (
        "www.example.org:443",
        "192.0.2.7",
        "id",
        "ana",
    )


def test_a_user_with_a_space_is_no_virtual_host(read: Any) -> None:
    found = fields(read, f'client.example.org - Ana Anić {WHEN} "GET / HTTP/1.1" 200 1')
    assert "vhost" not in found
    assert (found["client"], found["user"]) == ("client.example.org", "Ana Anić")


def test_what_is_no_request_line_is_kept_whole(read: Any) -> None:
    assert fields(read, f'192.0.2.7 - - {WHEN} "\\x16\\x03\\x01" 400 226 "-" "-"')["request"] == "\\x16\\x03\\x01"
    assert "request" not in fields(read, f'192.0.2.7 - - {WHEN} "-" 408 - "-" "-"')
    assert fields(read, f'192.0.2.7 - - {WHEN} "GET /old" 200 5')["target"] == "/old"


def test_more_columns_after_the_agent(read: Any) -> None:
    assert (
        fields(read, f'192.0.2.7 - - {WHEN} "GET / HTTP/2.0" 200 5 "-" "a" "203.0.113.1" 0.01')["rest"]
        == '"203.0.113.1" 0.01'
    )


def test_quotes_nobody_escaped(read: Any) -> None:
    found = fields(read, f'192.0.2.7 - - {WHEN} "GET /x?<a b="c" d="e"> HTTP/1.0" 404 1164 "-" "agent"')
    assert found["target"] == '/x?<a b="c" d="e">'
    assert (found["status"], found["agent"], found["unescaped_quotes"]) == ("404", "agent", "true")


def test_a_request_cannot_forge_the_result(read: Any) -> None:
    found = fields(read, f'192.0.2.7 - - {WHEN} "GET /\\" 200 1 \\"-\\" HTTP/1.1" 404 9 "-" "-"')
    assert (found["status"], found["bytes"]) == ("404", "9")


def test_a_cut_agent_is_an_artefact_and_a_problem(read: Any) -> None:
    artefact, problem = read(PARSER, f'192.0.2.7 - - {WHEN} "GET / HTTP/1.1" 200 235 "-" "Mozilla/5.0 (comp'.encode())
    assert (artefact.fields["status"], artefact.fields["incomplete"]) == ("200", "true")
    assert isinstance(problem, Problem)
    assert problem.location == artefact.location


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("not a request", "not an access log line"),
        (f'192.0.2.7 - - {WHEN} "GET / HT', "not whole"),
        (f'192.0.2.7 - - {WHEN} "a "b" c" 200 1 "x', "not whole"),
        ('192.0.2.7 - - [31/Feb/2016:19:31:16 +0100] "GET / HTTP/1.1" 200 1', "no day 31"),
        ('192.0.2.7 - - [13/Xyz/2016:19:31:16 +0100] "GET / HTTP/1.1" 200 1', "no month Xyz"),
        ('192.0.2.7 - - [13/Jan/2016:19:31:16 +9999] "GET / HTTP/1.1" 200 1', "no UTC offset"),
        ('192.0.2.7 - - [13/Jan/1600:19:31:16 +0000] "GET / HTTP/1.1" 200 1', "year 1600"),
        ('192.0.2.7 - - [13/Jan/2501:19:31:16 +0000] "GET / HTTP/1.1" 200 1', "year 2501"),
        ('192.0.2.7 - - [13/Jan/2016:24:31:16 +0000] "GET / HTTP/1.1" 200 1', "time of day"),
    ],
)
def test_what_is_no_line_is_a_problem(line: str, reason: str, read: Any) -> None:
    (problem,) = read(PARSER, line.encode())
    assert isinstance(problem, Problem)
    assert reason in problem.reason
    assert (problem.location.offset, problem.location.length) == (0, len(line))


def test_acceptance() -> None:
    line = f'192.0.2.7 - - {WHEN} "GET / HTTP/1.1" 200 1\n'.encode()
    assert PARSER.accepts(line, "x")
    assert PARSER.accepts(b"junk\n" * 3 + line, "access.log.1")
    assert not PARSER.accepts(b"junk\n" * 3 + line, "x")
    assert not PARSER.accepts(b"junk\n", "access.log")


def test_a_log_other_readers_know(corpus: Any, read: Any) -> None:
    data = corpus("textlog/plaso/apache_access.log").read_bytes()
    assert parser_for(data[:4096], "x") is PARSER
    found = read(PARSER, data)
    assert sum(isinstance(result, Artefact) for result in found) == 15
    assert [result.location.offset for result in found if isinstance(result, Problem)] == [1589]  # the unclosed quote
    assert isinstance(found[-1], Artefact)
    assert found[-1].fields["user"].endswith("@EXAMPLE.COM")


@pytest.mark.parametrize(
    "unit", ['" 200 1', '"', '\\"', " [", f" {WHEN} ", f' {WHEN} "', '" "', 'a "b" 200 1 "c" "d" ']
)
@pytest.mark.parametrize("start", ["", "a b c", f'a b c {WHEN} "', f'a b c {WHEN} "GET / HTTP/1.1" 200 1 "'])
def test_hostile_lines_take_no_time(start: str, unit: str, read: Any) -> None:
    begun = time.process_time()
    read(PARSER, (start + unit * 65536)[:65536].encode())
    assert time.process_time() - begun < 2


WORDS = st.text('a-"\\[]: ', max_size=4) | st.sampled_from(
    ["-", "::1", "GET", "/p?q=1", "HTTP/1.1", "200", "5", "v:80"]
)


PLAIN = ("192.0.2.1", "-", "ana", "GET", "/a", "HTTP/1.1", "200", "5", "-", "agent")


@given(
    words=st.tuples(*(st.just(word) | st.just(word) | WORDS for word in PLAIN)), end=st.sampled_from(["", " x", '"'])
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_the_pattern_of_plain_lines_changes_nothing(words: tuple[str, ...], end: str, read: Any) -> None:
    client, ident, user, method, target, protocol, status, size, referrer, agent = words
    line = (
        f"{client} {ident} {user} [13/Jan/2016:19:31:16 +0000] "
        f'"{method} {target} {protocol}" {status} {size} "{referrer}" "{agent}"{end}\n'
    ).encode()
    found = read(PARSER, line)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access_log, "_PLAIN", re.compile("(?!)"))
        assert found == read(PARSER, line)


def test_plain_lines_keep_the_order_of_their_fields(read: Any) -> None:
    line = b'192.0.2.1 - ana [13/Jan/2016:19:31:16 +0000] "GET /a HTTP/1.1" 200 5 "http://r/" "agent"\n'
    (plain,) = read(PARSER, line)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access_log, "_PLAIN", re.compile("(?!)"))
        (general,) = read(PARSER, line)
    assert list(plain.fields.items()) == list(general.fields.items())
    assert list(plain.fields) == [
        "client",
        "user",
        "method",
        "target",
        "protocol",
        "status",
        "bytes",
        "referrer",
        "agent",
    ]
