"""PostgreSQL's logs: text with the prefixes in use, CSV, JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers.logs.postgresql_log import PARSER
from tests.forensics.parsers.found import damaged, problems

TEXT = """2024-03-01 10:00:00.123 UTC [42] LOG:  connection received: host=10.0.0.7 port=5000
2024-03-01 10:00:01.000 UTC [42] ada@shop FATAL:  password authentication failed for user "ada"
2024-03-01 10:00:02.000 CET [42]: [3-1] user=ada,db=shop,app=psql,client=10.0.0.7 STATEMENT:  SELECT *
\tFROM orders
2024-03-01 10:00:03 UTC:10.0.0.7(5000):ada@shop:[42]:LOG:  duration
2024-03-01 10:00:04.000 +03 [42] ОШИБКА:  отношение "a" не существует
""".encode()
CSV = (
    b'2024-03-01 10:00:00.123 UTC,"ada","shop",42,"10.0.0.7:5000",65e1a3b0.2a,1,"SELECT",2024-03-01 09:59:59 UTC,3/7,0,'
    b'ERROR,42P01,"relation ""a"" does not exist",,,,,,"SELECT *\nFROM a",15,,"psql","client backend",,0\n'
)
JSON = (
    b'{"timestamp":"2024-03-01 10:00:00.123 UTC","user":"ada","dbname":"shop","pid":42,"remote_host":"10.0.0.7",'
    b'"remote_port":5000,"error_severity":"LOG","message":"ALTER ROLE a PASSWORD \'geheim\'"}\n'
)


def test_text(read: Any, at: Callable[[str], int]) -> None:
    received, failed, statement, duration, russian = read(PARSER, TEXT, zone="Europe/Belgrade")
    assert received.times == {"logged": at("2024-03-01T10:00:00.123000+00:00")}
    assert received.fields == {
        **{"pid": "42", "severity": "LOG", "action": "connection received", "client": "10.0.0.7", "port": "5000"},
        "message": "connection received: host=10.0.0.7 port=5000",
    }
    assert (failed.fields["action"], failed.fields["user"], failed.fields["database"]) == (
        "login failed",
        "ada",
        "shop",
    )
    assert statement.fields["message"] == "SELECT *\nFROM orders"
    assert (statement.fields["application"], statement.fields["client"]) == ("psql", "10.0.0.7")
    assert (statement.clock, statement.fields["zone"]) == (Clock.DECLARED, "CET")
    assert (duration.fields["client"], duration.fields["port"], duration.clock) == ("10.0.0.7", "5000", Clock.UTC)
    assert russian.fields["severity"] == "ОШИБКА"
    assert russian.times == {"logged": at("2024-03-01T07:00:04+00:00")}


def test_csv(read: Any, at: Callable[[str], int]) -> None:
    (found,) = read(PARSER, CSV)
    assert found.times == {"logged": at("2024-03-01T10:00:00.123000+00:00")}
    assert found.fields["statement"] == "SELECT *\nFROM a"
    assert found.fields["message"] == 'relation "a" does not exist'
    assert (found.fields["client"], found.fields["port"], found.fields["sql_state"]) == ("10.0.0.7", "5000", "42P01")
    assert problems(read(PARSER, CSV + b"x,y\n" + CSV.replace(b"-03-01 10", b"-02-30 10", 1))) == [
        "no row of PostgreSQL: x,y",
        problems(read(PARSER, CSV.replace(b"-03-01 10", b"-02-30 10", 1)))[0],
    ]


def test_json(read: Any) -> None:
    found = read(PARSER, JSON + b'{"timestamp":1}\n{\n')
    assert found[0].fields["message"] == "ALTER ROLE a PASSWORD [withheld]"
    assert (found[0].fields["user"], found[0].fields["pid"]) == ("ada", "42")
    assert [reason.partition(":")[0] for reason in problems(found)] == ["no JSON object with a time", "no JSON object"]


@pytest.mark.parametrize("data", [TEXT, CSV, JSON])
def test_known_by_content(data: bytes) -> None:
    assert parser_for(data, "any.log") is PARSER


def test_what_is_no_log_of_postgresql() -> None:
    assert parser_for(b"2024-03-01 10:00:00 INFO start\n2024-03-01 10:00:00 INFO end\n", "a.log") is None
    assert parser_for(b"x\n" + TEXT, "postgresql-16-main.log") is PARSER


def test_lines_that_cannot_be_read(read: Any) -> None:
    data = b"nothing\n2024-02-30 10:00:00 UTC [1] LOG:  x\n"
    assert problems(read(PARSER, data)) == [
        "not an entry of PostgreSQL: nothing",
        "there is no day 30 in month 2 of 2024: 2024-02-30 10:00:00 UTC [1] LOG:  x",
    ]


def test_damaged_logs_give_values(read: Any) -> None:
    for whole in (TEXT, CSV * 3, JSON * 3):
        for data in damaged(whole, 30):
            read(PARSER, data)
