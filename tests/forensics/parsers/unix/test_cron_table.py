"""Tables of cron: whose jobs they are, what is no table."""

from __future__ import annotations

from typing import Any

import pytest

from forensics.model import Artefact, Location
from forensics.parsers import parser_for
from forensics.parsers.unix.cron_table import PARSER
from tests.forensics.parsers.found import damaged, problems

SYSTEM = b"""# m h dom mon dow user command
SHELL=/bin/sh
DB_PASSWORD=hunter2
17 *\t* * *\troot    cd / && run-parts --report /etc/cron.hourly
*/5,30 0-6/2 1 jan-MAR sun,tue  www-data /tmp/.x/a
@reboot root /opt/start
"""


def jobs(source: Any, data: bytes, path: str) -> list[tuple[str, ...]]:
    given = source(data, name=path.rpartition("/")[2])
    object.__setattr__(given, "location", Location("AH/1", path=path))
    found = [item for item in PARSER.parse(given) if isinstance(item, Artefact) and item.kind == "cron.job"]
    return [(item.fields["schedule"], item.fields.get("user", ""), item.fields["command"]) for item in found]


def test_a_table_of_the_system_names_users(source: Any) -> None:
    expected = [
        ("17 * * * *", "root", "cd / && run-parts --report /etc/cron.hourly"),
        ("*/5,30 0-6/2 1 jan-MAR sun,tue", "www-data", "/tmp/.x/a"),
        ("@reboot", "root", "/opt/start"),
    ]
    assert jobs(source, SYSTEM, "/etc/crontab") == expected
    assert jobs(source, SYSTEM, "/mnt/etc/cron.d/backup") == expected


def test_a_users_table_is_named_for_the_user(source: Any) -> None:
    data = b"0 5 * * 1 tar -zcf /tmp/a.tgz /home\n"
    expected = [("0 5 * * 1", "ada", "tar -zcf /tmp/a.tgz /home")]
    assert jobs(source, data, "/var/spool/cron/crontabs/ada") == expected
    assert jobs(source, data, "/var/spool/cron/ada") == expected
    assert jobs(source, data, "/private/var/spool/cron/tabs/x/ada") == [("0 5 * * 1", "unknown", expected[0][2])]


def test_variables_and_secrets(read: Any) -> None:
    found = read(PARSER, SYSTEM, name="crontab")
    assert [item.fields for item in found if item.kind == "cron.variable"] == [
        {"name": "SHELL", "value": "/bin/sh"},
        {"name": "DB_PASSWORD", "withheld": "true"},
    ]
    assert "hunter2" not in repr(found)


def test_anacron(read: Any) -> None:
    data = b"PATH=/bin\n7\t10\tcron.weekly\trun-parts /etc/cron.weekly\n@monthly 15 m x\nnonsense\n"
    found = read(PARSER, data, name="anacrontab")
    assert found[1].fields == {
        **{"schedule": "every 7 days", "delay_minutes": "10", "job": "cron.weekly", "user": "root"},
        "command": "run-parts /etc/cron.weekly",
    }
    assert problems(found) == ["neither a job nor a variable of cron: nonsense"]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"/* * * * * text */\nint a;\n", "a.c"),
        (b"60 * * * * root x\n", "t"),
        (b"* * * 13 * root x\n", "t"),
        (b"1 2 3 4 5 6\n", "numbers"),
        (b"A=b\n", "settings"),
        (SYSTEM + b"\0", "crontab"),
    ],
)
def test_what_is_no_table(data: bytes, name: str) -> None:
    assert parser_for(data, name) is None


def test_known_by_content() -> None:
    assert parser_for(SYSTEM, "certbot") is PARSER


def test_damaged_tables_give_values(read: Any) -> None:
    for data in damaged(SYSTEM):
        read(PARSER, data, name="crontab")
