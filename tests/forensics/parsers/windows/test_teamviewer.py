"""TeamViewer's connections: the public list, incoming ones, lines that are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from forensics.parsers import parser_for
from forensics.parsers.windows.teamviewer import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import damaged, problems

PUBLIC = "textlog/plaso/teamviewer/Connections.txt"
INCOMING = (
    b"1660360496\tADA PC\t01-03-2024 10:00:00\t01-03-2024 10:05:00\tada\tRemoteControl\t{b35110b2-7dc5}\t\r\n"
    b"1660360496\tADA PC\t30-02-2024 10:00:00\t01-03-2024 10:05:00\tada\tRemoteControl\t{b35110b2-7dc5}\nx\n"
)


def test_the_public_list(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    data = corpus(PUBLIC).read_bytes()
    assert parser_for(data, "Connections.txt") is PARSER
    assert parser_for(data, "other.txt") is None
    (found,) = read(PARSER, data)
    assert found.fields == {
        **{"partner": "1660360496", "direction": "outgoing", "user": "IEUser", "mode": "RemoteControl"},
        "identifier": "{b35110b2-7dc5-4bb9-8d54-ca80953f65f8}",
    }
    assert found.times == {"began": at("2024-02-20T13:10:33+00:00"), "ended": at("2024-02-20T13:11:52+00:00")}


def test_incoming_connections(read: Any) -> None:
    found = read(PARSER, INCOMING)
    assert (found[0].fields["direction"], found[0].fields["partner_name"]) == ("incoming", "ADA PC")
    assert [reason.partition(":")[0] for reason in problems(found)] == [
        "there is no day 30 in month 2 of 2024",
        "not a connection of TeamViewer",
    ]


def test_damaged_lists_give_values(read: Any) -> None:
    for data in damaged(INCOMING):
        read(PARSER, data)
