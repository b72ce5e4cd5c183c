"""CloudTrail: the public records, the form that is delivered, no parameter ever."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from forensics.parsers import parser_for
from forensics.parsers.logs.cloud_trail import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

PUBLIC = "textlog/plaso/jsonl/aws_cloudtrail.jsonl"
CALL = {
    **{"eventVersion": "1.08", "eventTime": "2024-03-01T10:00:00Z", "eventName": "CreateUser"},
    **{"requestParameters": {"password": "geheim"}, "userIdentity": {"accessKeyId": "AKIAIOSFODNN7EXAMPLE"}},
}


def test_the_public_records(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    data = corpus(PUBLIC).read_bytes()
    assert parser_for(data[:4096], "x") is PARSER
    found = artefacts(read(PARSER, data), "aws.call")
    assert len(found) == 6  # as plaso counts
    assert found[0].fields["event"] == "DescribeInstances"
    assert found[0].times == {"called": at("2022-02-07T22:23:37+00:00")}


def test_the_form_that_is_delivered(read: Any, at: Callable[[str], int]) -> None:
    data = json.dumps({"Records": [CALL, {"eventTime": "2024-02-30T10:00:00Z"}, {}]}).encode()
    assert parser_for(data, "x.json") is PARSER
    found = read(PARSER, data)
    (call,) = artefacts(found, "aws.call")
    assert call.times == {"called": at("2024-03-01T10:00:00+00:00")}
    assert call.fields == {"event": "CreateUser", "access_key": "AKIA...MPLE"}
    assert problems(found) == ["there is no day 30 in month 2 of 2024", "no record of a call with a time"]
    assert problems(read(PARSER, b'{"Records"')) != []


def test_lines_that_cannot_be_read(read: Any) -> None:
    data = b'{\n{"CloudTrailEvent":"{"}\n5\n'
    assert [reason.partition(": ")[0] for reason in problems(read(PARSER, data))] == [
        "no JSON object",
        "no JSON object in CloudTrailEvent",
        "no record of a call with a time",
    ]


def test_damaged_files_give_values(corpus: Fetch, read: Any) -> None:
    for data in damaged(corpus(PUBLIC).read_bytes(), 30):
        read(PARSER, data)
