"""Container logs: Docker and CRI, whole and partial lines, whose they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from forensics.model import Location
from forensics.parsers import parser_for
from forensics.parsers.logs.container_log import PARSER
from tests.forensics.parsers.found import damaged, problems

DOCKER = (
    b'{"log":"start\\n","stream":"stdout","attrs":{"tag":"web"},"time":"2024-03-01T10:00:00.123456789Z"}\n'
    b'{"log":"half","stream":"stderr","time":"2024-03-01T10:00:01Z"}\n'
)
CRI = b"2024-03-01T10:00:00.5+01:00 stdout P half\n2024-03-01T10:00:01Z stderr F rest --token geheim\n"


def test_docker(read: Any, at: Callable[[str], int]) -> None:
    first, second = read(PARSER, DOCKER)
    assert first.times == {"logged": at("2024-03-01T10:00:00.123456+00:00") + 789}
    assert first.fields == {"stream": "stdout", "message": "start", "attribute.tag": "web"}
    assert second.fields == {"stream": "stderr", "message": "half", "partial": "true"}


def test_cri(read: Any, at: Callable[[str], int]) -> None:
    first, second = read(PARSER, CRI)
    assert first.times == {"logged": at("2024-03-01T09:00:00.500000+00:00")}
    assert first.fields == {"stream": "stdout", "partial": "true", "message": "half"}
    assert second.fields == {"stream": "stderr", "message": "rest --token [withheld]"}


def test_whose_a_line_is(source: Any) -> None:
    def whose(path: str) -> dict[str, str]:
        given = source(CRI, name=path.rpartition("/")[2])
        object.__setattr__(given, "location", Location("AH/1", path=path))
        fields: dict[str, str] = dict(next(PARSER.parse(given)).fields)
        return {name: fields[name] for name in ("namespace", "pod", "container") if name in fields}

    identity = "0123456789abcdef" * 4
    expected = {"namespace": "shop", "pod": "web-1", "container": "app"}
    assert whose("/var/log/pods/shop_web-1_0a1b2c3d-1111/app/0.log") == expected
    assert whose(f"/var/log/containers/web-1_shop_app-{identity}.log") == expected
    assert whose(f"/var/lib/docker/containers/{identity}/{identity}-json.log") == {"container": identity}


def test_lines_that_cannot_be_read(read: Any) -> None:
    data = b'{"log":1}\n{"log":"x"}\n{\nnothing\n2024-02-30T10:00:00Z stdout F x\n'
    assert [reason.rpartition(": ")[0] for reason in problems(read(PARSER, data))] == [
        "no JSON object of a container",
        "a line of a container without a time",
        "no JSON object",
        "not a line of a container",
        "there is no day 30 in month 2 of 2024",
    ]


def test_known_by_content() -> None:
    assert parser_for(DOCKER, "any") is PARSER
    assert parser_for(CRI, "0.log") is PARSER
    assert parser_for(b'{"log":"', "a-json.log") is PARSER
    assert parser_for(b'{"logs":[]}', "a.json") is None


def test_damaged_logs_give_values(read: Any) -> None:
    for data in damaged(DOCKER + CRI):
        read(PARSER, data)
