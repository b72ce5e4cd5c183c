"""apt's history: the public one against plaso's count, transactions that are not whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers.unix.apt_history import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

WHOLE = b"""
Start-Date: 2024-03-01  10:00:00
Commandline: apt install nmap
Requested-By: ada (1000)
Install: nmap:amd64 (7.93), liblua:amd64 (5.3, automatic)
Upgrade: libc6 (2.36-1, 2.36-2)
End-Date: 2024-03-01  10:00:07
"""


def test_the_public_history(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    found = read(PARSER, corpus("textlog/plaso/apt_history.log").read_bytes())
    transactions = artefacts(found, "apt.transaction")
    assert len(transactions) == 10  # as plaso counts
    assert transactions[0].times == {
        "started": at("2019-07-10T16:38:08+00:00"),
        "ended": at("2019-07-10T16:38:10+00:00"),
    }
    assert len(artefacts(found, "apt.package")) == 797
    assert problems(found) == []


def test_a_transaction_and_its_packages(read: Any, at: Callable[[str], int]) -> None:
    assert parser_for(WHOLE, "history.log.1") is PARSER
    transaction, nmap, lua, libc = read(PARSER, WHOLE, zone="Europe/Belgrade")
    assert transaction.fields == {
        **{"command": "apt install nmap", "requested_by": "ada (1000)"},
        **{"install": "2 packages", "upgrade": "1 packages"},
    }
    assert transaction.clock is Clock.DECLARED
    assert nmap.times == {"changed": at("2024-03-01T09:00:00+00:00")}
    assert (lua.fields["automatic"], lua.fields["version"], lua.fields["architecture"]) == ("true", "5.3", "amd64")
    assert (libc.fields["old_version"], libc.fields["version"]) == ("2.36-1", "2.36-2")


def test_transactions_that_are_not_whole(read: Any) -> None:
    cut = b"Start-Date: 2024-03-01  10:00:00\nInstall: a:amd64 (1), b\n"
    data = cut + b"Start-Date: never\nEnd-Date: 2024-03-01  10:00:01\nxx\n"
    assert problems(read(PARSER, data)) == [
        "a transaction without its start or its end",
        "not all of the packages could be read: a:amd64 (1), b",
        "not a line of apt's history: xx",
        "'never' is no time",
    ]


def test_a_line_longer_than_others_are_read(read: Any) -> None:
    packages = ", ".join(f"package-{number}:amd64 (1.{number}, 2.{number})" for number in range(5000))
    data = f"Start-Date: 2024-03-01  10:00:00\nUpgrade: {packages}\nEnd-Date: 2024-03-01  10:00:01\n".encode()
    found = read(PARSER, data)
    assert len(artefacts(found, "apt.package")) == 5000
    assert problems(found) == []


def test_sessions_of_the_terminal(read: Any) -> None:
    data = b"\nLog started: 2024-03-01  10:00:00\nSelecting package\nLog ended: 2024-03-01  10:00:09\nLog ended: x\n"
    found = read(PARSER, data, name="term.log")
    assert [sorted(item.times) for item in artefacts(found, "apt.session")] == [["started"], ["ended"]]
    assert problems(found) == ["'x' is no time"]
    assert parser_for(data, "term.log") is PARSER


def test_damaged_histories_give_values(read: Any) -> None:
    for data in damaged(WHOLE * 2):
        read(PARSER, data)
