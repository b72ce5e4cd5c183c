"""Discord's messages: the public answer, lists that are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from forensics.parsers import parser_for
from forensics.parsers.logs.discord_messages import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

PUBLIC = "macos/plaso/23AAD8D4-D632-4F99-8E44-152AAB8FA9D6"


def test_the_public_answer(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    data = corpus(PUBLIC).read_bytes()
    assert parser_for(data[:4096], "x") is PARSER
    found = artefacts(read(PARSER, data), "discord.message")
    assert len(found) == 26  # as plaso counts
    assert found[0].fields == {
        **{"text": "That was painful to watch.", "from": "josh_hickman1", "from_id": "579257851646574644"},
        **{"channel": "622810296226152474", "identifier": "1100123332013199470"},
    }
    assert found[0].times == {"sent": at("2023-04-24T18:17:21.655000+00:00")}
    assert next(item.fields["attachments"] for item in found if "attachments" in item.fields) == "IMG_1953.jpg"


def test_what_is_no_answer(read: Any, monkeypatch: Any) -> None:
    assert problems(read(PARSER, b"["))[0].startswith("no JSON: ")
    assert problems(read(PARSER, b"[" * 100_000)) == ["JSON nested too deep"]
    assert read(PARSER, b'[5, {}, {"channel_id": [], "author": 5}]')[0].fields == {}
    assert problems(read(PARSER, b'[{"channel_id": "1", "timestamp": "2024-02-30T00:00:00Z"}]')) == [
        "there is no day 30 in month 2 of 2024"
    ]
    monkeypatch.setattr("forensics.parsers.logs.discord_messages.SIZE_LIMIT", 1)
    assert problems(read(PARSER, b"[]")) == ["messages of 2 bytes: no more than 1 are loaded"]
    assert parser_for(b'[{"id": 1}]', "x") is None


def test_damaged_answers_give_values(corpus: Fetch, read: Any) -> None:
    for data in damaged(corpus(PUBLIC).read_bytes(), 30):
        read(PARSER, data)
