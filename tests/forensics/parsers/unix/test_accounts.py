"""Accounts, groups and the state of passwords; no hash is ever shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from forensics.parsers import parser_for
from forensics.parsers.unix.accounts import PARSER
from tests.forensics.parsers.found import damaged, problems

PASSWD = b"root:x:0:0:root:/root:/bin/bash\nada:x:1000:1000:Ada Horvat,,,:/home/ada:/bin/zsh\n+::::::\n# none\n"
GROUP = b"root:x:0:\nsudo:x:27:ada,eve\n"
SHADOW = b"""root:$6$salt$SECRETSECRET:19783:0:99999:7:::
ada:!$y$j9T$SECRET:0:0:99999:7::20000:
daemon:*:18000:0:99999:7:::
guest::18000::::::
old:SECRETSECRET.:18000:0:99999:7:::
"""


def test_accounts_and_groups(read: Any) -> None:
    _, ada = read(PARSER, PASSWD, name="passwd")
    assert ada.fields == {
        **{"user": "ada", "uid": "1000", "gid": "1000", "comment": "Ada Horvat,,,", "home": "/home/ada"},
        **{"shell": "/bin/zsh", "password": "in shadow"},
    }
    assert read(PARSER, GROUP, name="group")[1].fields["members"] == "ada,eve"


def test_passwords_are_told_by_their_state(read: Any, at: Callable[[str], int]) -> None:
    found = read(PARSER, SHADOW, name="shadow")
    assert [item.fields["password"] for item in found] == [
        "set (sha512crypt)",
        "set (yescrypt), locked",
        "locked",
        "none needed",
        "set",
    ]
    assert "SECRET" not in repr(found)
    assert "salt" not in repr(found)
    assert found[0].times == {"changed": at("2024-03-01T00:00:00+00:00")}
    assert found[1].times == {"expires": at("2024-10-04T00:00:00+00:00")}


@pytest.mark.parametrize(("data", "name"), [(PASSWD, "x"), (GROUP, "x"), (SHADOW, "x"), (b"a:x:1:1::/:/\n", "passwd-")])
def test_known_by_content(data: bytes, name: str) -> None:
    assert parser_for(data, name) is PARSER


def test_what_is_no_table_of_accounts() -> None:
    assert parser_for(b"root:x:0:0:a\n", "passwd") is None
    assert parser_for(b"key: value\n", "group") is None


def test_a_line_of_nothing_is_a_problem(read: Any) -> None:
    assert problems(read(PARSER, b"a b\n", name="passwd")) == ["not a line of accounts: a b"]


def test_damaged_tables_give_values(read: Any) -> None:
    for data in damaged(PASSWD + SHADOW):
        read(PARSER, data, name="shadow")
