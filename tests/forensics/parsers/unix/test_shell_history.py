"""Histories: each shell's way to keep times, commands over several lines, other alphabets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from forensics.parsers import parser_for
from forensics.parsers.unix.shell_history import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

BASH = b"ls -la\n#1700000000\nid\n#1700000060\nfor a in b; do\n echo $a\ndone\n"


def commands(read: Any, data: bytes, name: str) -> list[tuple[str, int | None]]:
    found = read(PARSER, data, name=name)
    return [(item.fields["command"], item.times.get("run")) for item in artefacts(found, "shell.command")]


def test_the_public_history(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    found = commands(read, corpus("textlog/plaso/bash_history").read_bytes(), "bash_history")
    assert len(found) == 4  # as plaso counts
    assert found[0] == ("/usr/lib/plaso", at("2013-10-01T12:36:17+00:00"))
    assert found[3][0].count("\n") == 3


def test_bash_with_times_from_the_middle_on(read: Any) -> None:
    assert commands(read, BASH, ".bash_history") == [
        ("ls -la", None),
        ("id", 1_700_000_000 * 10**9),
        ("for a in b; do\n echo $a\ndone", 1_700_000_060 * 10**9),
    ]
    last = artefacts(read(PARSER, BASH, name=".bash_history"), "shell.command")[-1]
    assert (last.fields["lines"], last.fields["number"], last.fields["shell"]) == ("3", "3", "bash")


def test_a_time_without_a_command_is_a_problem(read: Any) -> None:
    assert problems(read(PARSER, b"#1700000000\n#1700000001\nls\n", name=".bash_history")) == [
        "no command stands here: #1700000000"
    ]


def test_zsh(read: Any) -> None:
    cyrillic = bytes.fromhex("d083b6d083bd")  # "ЖН" as zsh writes it: bytes from 0x83 to 0xa2 behind 0x83
    plain = bytes.fromhex("d096d09d")
    data = b": 1700000000:5;make\n: 1700000009:0;echo a \\\n b\n: 1700000010:0;echo " + cyrillic + b"\n"
    assert commands(read, data, "x") == [
        ("make", 1_700_000_000 * 10**9),
        ("echo a \n b", 1_700_000_009 * 10**9),
        ("echo " + plain.decode(), 1_700_000_010 * 10**9),
    ]
    assert artefacts(read(PARSER, data), "shell.command")[0].fields["duration_seconds"] == "5"
    assert commands(read, b"ls\nid\n", ".zsh_history") == [("ls", None), ("id", None)]


def test_fish(read: Any) -> None:
    data = b"- cmd: cat a\\\\b\\nc\n  when: 1700000000\n  paths:\n    - /tmp/a\n    - /tmp/b\n- cmd: ls\n"
    (first, second) = artefacts(read(PARSER, data, name="fish_history"), "shell.command")
    assert first.fields["command"] == "cat a\\b\nc"
    assert first.fields["paths"] == "/tmp/a; /tmp/b"
    assert first.raw == {"run": "1700000000"}
    assert second.times == {}


def test_other_programs(read: Any) -> None:
    assert commands(read, b"_HiStOrY_V2_\nSELECT\\0401;\n", ".mysql_history") == [("SELECT 1;", None)]
    assert commands(read, b"Get-Process\n", "ConsoleHost_history.txt") == [("Get-Process", None)]
    assert commands(read, b"#+1700000000\nls\n", ".history") == [("ls", 1_700_000_000 * 10**9)]


def test_passwords_are_not_shown(read: Any) -> None:
    assert commands(read, b"mysql -pgeheim\n", ".bash_history") == [("mysql -p[withheld]", None)]


@pytest.mark.parametrize(
    "name", [".bash_history", "bash_history.1", ".zsh_history~", ".python_history", "fish_history"]
)
def test_a_history_is_known_by_its_name(name: str) -> None:
    assert parser_for(b"ls\n", name) is PARSER


def test_what_is_taken_for_a_history() -> None:
    assert parser_for(b"#1700000000\nls\n", "saved.txt") is PARSER
    assert parser_for(b"#1700000000\n#include\n", "saved.txt") is None
    assert parser_for(b"ls\n\0\0", ".bash_history") is None
    assert parser_for(b"# 1\nls\n", "readme") is None


def test_damaged_histories_give_values(read: Any) -> None:
    for data in damaged(BASH * 3):
        for name in (".bash_history", ".zsh_history", "fish_history"):
            read(PARSER, data, name=name)
