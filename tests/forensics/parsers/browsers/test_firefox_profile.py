"""Firefox's files: extensions, log-ins without secrets, sessions."""

from __future__ import annotations

import json
from typing import Any

import lz4.block
import pytest

from forensics.parsers import parser_for
from forensics.parsers.browsers.firefox_profile import PARSER
from tests.forensics.parsers.found import artefacts, damaged, problems

WHEN = 1_709_287_200_000
ENTRIES = [{"url": "https://a.example/"}, {"url": "https://b.example/", "title": "Ђ"}]
SESSION = {
    "windows": [
        {
            "tabs": [{"entries": ENTRIES, "index": 2, "lastAccessed": WHEN}],
            "_closedTabs": [{"state": {"entries": ENTRIES[:1], "index": 1}, "closedAt": WHEN + 5}],
        }
    ]
}


def packed(value: object) -> bytes:
    data = json.dumps(value).encode()
    return b"mozLz40\0" + len(data).to_bytes(4, "little") + lz4.block.compress(data, store_size=False)


def test_sessions(read: Any) -> None:
    data = packed(SESSION)
    assert parser_for(data, "recovery.jsonlz4") is PARSER
    first, shown, closed = artefacts(read(PARSER, data, name="recovery.jsonlz4"), "firefox.tab")
    assert (first.fields, first.times) == ({"url": "https://a.example/"}, {})
    assert shown.fields == {"url": "https://b.example/", "title": "Ђ", "shown": "true"}
    assert shown.times == {"last_used": WHEN * 10**6}
    assert (closed.fields["closed"], closed.times) == ("true", {"closed": (WHEN + 5) * 10**6})


def test_extensions(read: Any) -> None:
    addon = {"id": "x@y", "version": "1", "installDate": WHEN, "active": True, "defaultLocale": {"name": "Şablon"}}
    (found,) = read(PARSER, json.dumps({"addons": [addon]}).encode(), name="extensions.json")
    assert found.fields == {"version": "1", "active": "true", "identifier": "x@y", "name": "Şablon"}
    assert found.times == {"installed": WHEN * 10**6}


def test_logins_are_told_without_secrets(read: Any) -> None:
    login = {"hostname": "https://a", "encryptedUsername": "geheim", "encryptedPassword": "geheim", "timesUsed": 3}
    (found,) = read(PARSER, json.dumps({"logins": [{**login, "timeCreated": WHEN}]}).encode(), name="logins.json")
    assert (found.fields, found.times) == ({"site": "https://a", "times_used": "3"}, {"created": WHEN * 10**6})
    (profile,) = read(PARSER, b'{"created":1709287200000,"firstUse":null}', name="times.json")
    assert profile.times == {"created": WHEN * 10**6}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (packed(SESSION)[:-5], "a session that cannot be unpacked: "),
        (b"mozLz40\0\xff\xff\xff\xff", "a session of 4,294,967,295 bytes: no more than"),
        (b"{", "no JSON: "),
    ],
)
def test_what_cannot_be_read_is_a_problem(data: bytes, reason: str, read: Any) -> None:
    (found,) = problems(read(PARSER, data))
    assert found.startswith(reason)


def test_damaged_files_give_values(read: Any) -> None:
    for data in damaged(packed(SESSION)):
        read(PARSER, data)
    for value in ("5", "[1]", '{"a": 1}', "null", "[{}]", '[{"tabs": [{"entries": 5}]}]'):
        for name in ("addons", "logins", "windows", "created"):
            read(PARSER, f'{{"{name}": {value}}}'.encode())
