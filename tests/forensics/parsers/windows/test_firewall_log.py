"""Logs of the Windows Firewall."""

from __future__ import annotations

from typing import Any

from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers.windows.firewall_log import PARSER
from tests.forensics.parsers.found import artefacts, damaged, problems

LOG = (
    "#Version: 1.5\r\n#Software: Microsoft Windows Firewall\r\n#Time Format: Local\r\n"
    "#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags path\r\n\r\n"
    "2024-07-15 12:00:00 DROP TCP 192.0.2.1 192.0.2.2 4000 3389 52 S RECEIVE\r\n"
    "2024-07-15 12:00:01 ALLOW UDP 192.0.2.2 192.0.2.3 5000 53 - - SEND\r\n"
)


def test_records_by_their_columns(read: Any, at: Any) -> None:
    found = read(PARSER, LOG.encode())
    drop, allow = artefacts(found, "firewall.record")
    assert drop.fields == {
        "action": "DROP", "protocol": "TCP", "source": "192.0.2.1", "destination": "192.0.2.2", "source_port": "4000",
        "destination_port": "3389", "size": "52", "tcp_flags": "S", "direction": "RECEIVE",
    }  # fmt: skip
    assert (drop.times, drop.clock) == ({"logged": at("2024-07-15T12:00:00+00:00")}, Clock.UNKNOWN)
    assert (drop.location.offset, drop.location.length) == (LOG.index("2024"), 71)
    assert allow.fields["direction"] == "SEND"
    assert problems(found) == []
    assert parser_for(LOG.encode(), "pfirewall.log") is PARSER


def test_times_of_the_declared_zone_and_of_logs_in_utc(read: Any, at: Any) -> None:
    local = artefacts(read(PARSER, LOG.encode(), zone="Europe/Belgrade"), "firewall.record")[0]
    assert (local.times["logged"], local.clock) == (at("2024-07-15T10:00:00+00:00"), Clock.DECLARED)
    utc = artefacts(read(PARSER, LOG.replace("Local", "UTC").encode(), zone="Europe/Belgrade"), "firewall.record")[0]
    assert (utc.times["logged"], utc.clock) == (at("2024-07-15T12:00:00+00:00"), Clock.UTC)
    assert utc.raw == {"logged": "2024-07-15 12:00:00"}


def test_lines_that_are_no_records(read: Any) -> None:
    found = read(PARSER, (LOG + "2024-07-15 12:00:02 DROP\r\n2024-99-15 12:00:02 DROP\r\nx y\r\n" + "a " * 20).encode())
    assert artefacts(found, "firewall.record")[2].fields["incomplete"] == "true"
    reasons = problems(found)
    assert [reason.partition(":")[0] for reason in reasons] == [
        "not all of the line could be read", "there is no month 99", "a line without date and time",
        "21 values for 11 columns",
    ]  # fmt: skip
    bare = read(PARSER, b"#Software: Microsoft Windows Firewall\n2024-07-15 12:00:02 DROP\n")
    assert problems(bare)[0].startswith("a line without a #Fields directive above it")


def test_damaged_logs_give_values(read: Any) -> None:
    for data in damaged(LOG.encode() * 20, 60):
        read(PARSER, data)
