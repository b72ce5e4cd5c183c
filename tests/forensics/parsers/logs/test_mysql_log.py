"""MySQL and MariaDB: the three logs, of old and new servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers.logs.mysql_log import PARSER
from tests.forensics.parsers.found import artefacts, damaged, problems

NEW_ERRORS = b"""2024-03-01T10:00:00.123456Z 0 [System] [MY-010116] [Server] /usr/sbin/mysqld (mysqld 8.0.36) starting
2024-03-01T10:00:01.000000Z 8 [Warning] [MY-010057] [Server] Access denied for user 'ada'@'10.0.0.7'
goes on here
"""
OLD_ERRORS = b"""240301 10:00:00 mysqld_safe Starting mysqld daemon
240301  9:00:00 [Note] /usr/sbin/mysqld: ready for connections.
2024-03-01 10:00:02 139876 [ERROR] InnoDB: cannot open
2024-03-01 10:00:03 7f3c4 InnoDB: Warning: purge
"""
BANNER = b"""/usr/sbin/mysqld, Version: 5.5.62-log (Ubuntu). started with:
Tcp port: 3306  Unix socket: /var/run/mysqld/mysqld.sock
Time                 Id Command    Argument
"""
OLD_GENERAL = (
    BANNER
    + b"""240301 10:00:00\t    5 Connect\tada@localhost on shop
\t\t    5 Query\tSELECT *
FROM orders
\t\t    5 Init DB\tshop
240301 10:00:09\t    5 Quit\t
"""
)
NEW_GENERAL = b"2024-03-01T10:00:00.5Z\t    9 Query\tCREATE USER a IDENTIFIED BY 'geheim'\n"
SLOW = (
    BANNER
    + b"""# Time: 240301 11:00:00
# User@Host: ada[ada] @ localhost [10.0.0.7]  Id:    42
# Query_time: 12.5  Lock_time: 0.0 Rows_sent: 1  Rows_examined: 900
use shop;
SET timestamp=1709287200;
SELECT *
FROM orders;
# User@Host: root[root] @ localhost []
# Query_time: 3.0  Lock_time: 0.0 Rows_sent: 0  Rows_examined: 0
DELETE FROM orders;
"""
)


def test_errors_of_new_servers(read: Any, at: Callable[[str], int]) -> None:
    first, second = read(PARSER, NEW_ERRORS, name="error.log")
    assert first.times == {"logged": at("2024-03-01T10:00:00.123456+00:00")}
    assert (first.clock, first.fields["level"], first.fields["code"]) == (Clock.UTC, "System", "MY-010116")
    assert second.fields["message"].endswith("'10.0.0.7'\ngoes on here")
    assert second.fields["thread"] == "8"


def test_errors_of_old_servers(read: Any, at: Callable[[str], int]) -> None:
    found = read(PARSER, OLD_ERRORS, name="mysqld.log", zone="Europe/Belgrade")
    assert [item.fields["message"] for item in found] == [
        "mysqld_safe Starting mysqld daemon",
        "/usr/sbin/mysqld: ready for connections.",
        "InnoDB: cannot open",
        "InnoDB: Warning: purge",
    ]
    assert found[1].times == {"logged": at("2024-03-01T08:00:00+00:00")}
    assert {item.clock for item in found} == {Clock.DECLARED}


def test_statements_have_the_time_above_them(read: Any, at: Callable[[str], int]) -> None:
    connect, query, database, left = artefacts(read(PARSER, OLD_GENERAL), "mysql.statement")
    assert (connect.fields["connection"], connect.fields["command"]) == ("5", "Connect")
    assert query.fields["statement"] == "SELECT *\nFROM orders"
    assert query.fields["time_from_above"] == "true"
    assert query.times == connect.times == {"logged": at("2024-03-01T10:00:00+00:00")}
    assert database.fields["command"] == "Init DB"
    assert left.times == {"logged": at("2024-03-01T10:00:09+00:00")}
    assert problems(read(PARSER, OLD_GENERAL)) == []


def test_statements_of_new_servers(read: Any) -> None:
    (found,) = read(PARSER, NEW_GENERAL)
    assert found.fields["statement"] == "CREATE USER a IDENTIFIED BY [withheld]"
    assert found.clock is Clock.UTC
    (untimed,) = read(PARSER, b"\t\t    5 Query\tSELECT 1\n")
    assert untimed.times == {}


def test_slow_statements(read: Any, at: Callable[[str], int]) -> None:
    found = read(PARSER, SLOW, name="mysql-slow.log")
    first, second = artefacts(found, "mysql.slow")
    assert first.times == {"stamped": at("2024-03-01T10:00:00+00:00")}
    assert first.fields == {
        **{"user": "ada", "host": "localhost", "address": "10.0.0.7", "connection": "42", "database": "shop"},
        **{"query_seconds": "12.5", "lock_seconds": "0.0", "rows_sent": "1", "rows_examined": "900"},
        "statement": "SELECT *\nFROM orders;",
    }
    assert second.times == {"logged": at("2024-03-01T11:00:00+00:00")}
    assert (second.fields["time_from_above"], second.clock) == ("true", Clock.UNKNOWN)
    assert problems(found) == []


@pytest.mark.parametrize("data", [NEW_ERRORS, OLD_ERRORS, OLD_GENERAL, SLOW, SLOW[len(BANNER) :]])
def test_known_by_the_first_line(data: bytes) -> None:
    assert parser_for(data, "any") is PARSER


def test_known_by_name() -> None:
    assert parser_for(b"goes on\n" + NEW_ERRORS, "mysqld.log") is PARSER
    assert parser_for(NEW_GENERAL, "general.log") is PARSER
    assert parser_for(b"2024-03-01 10:00:00 hello\n", "mysqld.log") is None


def test_impossible_times_are_problems(read: Any) -> None:
    data = b"2024-02-30T10:00:00Z 0 [Note] x\n240230 10:00:00 [Note] x\n"
    assert [reason.partition(":")[0] for reason in problems(read(PARSER, data))] == 2 * [
        "there is no day 30 in month 2 of 2024"
    ]


def test_damaged_logs_give_values(read: Any) -> None:
    for whole in (NEW_ERRORS + OLD_ERRORS, OLD_GENERAL, SLOW):
        for data in damaged(whole, 30):
            read(PARSER, data)
