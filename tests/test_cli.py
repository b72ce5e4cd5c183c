"""The root command: what --help says, how errors become one line and an exit code, where global options stand."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from cli import COMMANDS
from tests.console import CONSOLE, Lab


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_help_lists_every_command_with_what_it_is_for(lab: Lab) -> None:
    told = lab.run("--help")
    assert told.code == 0
    for name, (_, summary) in COMMANDS.items():
        assert f"\n  {name} " in told.out
        assert summary in told.out


def test_help_loads_nothing_heavy(lab: Lab) -> None:
    code = "import sys, cli\ntry:\n cli.main()\nfinally:\n print(*sorted(sys.modules), file=sys.stderr)"
    told = subprocess.run([CONSOLE[0], "-c", code, "--help"], capture_output=True, text=True, check=True)
    heavy = {"sqlalchemy", "cryptography", "pyarrow", "duckdb", "pytsk3", "rich", "alembic"}
    assert heavy.isdisjoint(told.stderr.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, lab: Lab) -> None:
    told = lab.run(name, "--help")
    assert told.code == 0
    assert told.out.startswith("Usage: evikit " + name)


def test_without_a_command_the_help_and_exit_2(lab: Lab) -> None:
    told = lab.run()
    assert told.code == 2
    assert told.err.startswith("Usage: evikit")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nosuch"], "no such command 'nosuch'"),
        (["files", "--bogus"], "no such option '--bogus'"),
        (["ingest", "x"], "missing option '--purpose'"),
        (["ingest", "--purpose", "p"], "name the exhibit with --exhibit"),
        (["ingest", "x", "--exhibit", "A", "--purpose", "p", "--state", "fresh"], "invalid value for '--state'"),
        (["ingest", "x", "--exhibit", "A", "--purpose", "p", "--jobs", "0"], "invalid value for '--jobs'"),
        (["timeline", "--format", "xml"], "invalid value for '--format'"),
        (["verify"], "name exhibits, or --all"),
        (["verify", "AH/1", "--all"], "name exhibits, or --all"),
        (["bundle", "nosuch"], "no such command 'nosuch'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(words: list[str], said: str, lab: Lab) -> None:
    lab.run(*words).refused(2, said, "--help` shows how")


def test_no_case(lab: Lab) -> None:
    elsewhere = lab.folder / "elsewhere"
    elsewhere.mkdir()
    before = Path.cwd()
    os.chdir(elsewhere)
    try:
        lab.run("files", EVIKIT_CASE=None).refused(1, "no case here", "EVIKIT_CASE")
    finally:
        os.chdir(before)
    lab.run("--case", elsewhere, "files").refused(1, "is not a case", "evikit init")


def test_the_case_is_found_upward(lab: Lab) -> None:
    lab.begin()
    before = Path.cwd()
    os.chdir(lab.case / "derived")
    try:
        assert lab.run("ledger", "log", EVIKIT_CASE=None).code == 0
    finally:
        os.chdir(before)


def test_json_stands_before_or_after_the_command(lab: Lab) -> None:
    lab.begin()
    before, after = lab.run("--json", "ledger", "log"), lab.run("ledger", "log", "--json")
    between = lab.run("ledger", "--json", "log")
    assert before.out == after.out == between.out
    assert [line["type"] for line in before.lines] == ["genesis", "closing"]


def test_what_is_typed_goes_before_the_environment(lab: Lab) -> None:
    lab.begin()
    typed, wrong = str(lab.case), str(lab.folder / "no-case")
    assert lab.run("--case", typed, "ledger", "log", EVIKIT_CASE=wrong).code == 0
    assert lab.run("ledger", "log", "--case", typed, EVIKIT_CASE=wrong).code == 0
    assert lab.run("ledger", "--case", wrong, "log", "--case", typed, EVIKIT_CASE=None).code == 0
    assert lab.run("--case", wrong, "ledger", "log").code == 1
    assert lab.run("--as", "Nobody", "note", "x", EVIKIT_ACTOR=None).code == 1
    assert lab.run("--as", "Vesa Markoviq-Shembulli", "note", "x", EVIKIT_ACTOR="Nobody").code == 0


def test_json_is_utf_8_whatever_the_terminal(lab: Lab) -> None:
    lab.begin()
    assert lab.run("note", "Ödeme 💶 IŞIK").code == 0
    told = lab.program("ledger", "log", "--json", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert told.code == 0, told.err
    assert json.loads(told.out.splitlines()[2])["purpose"] == "Ödeme 💶 IŞIK"
    table = lab.program("ledger", "log", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert table.code == 0, table.err
    assert "deme " in table.out


def test_quiet_says_nothing_on_stderr(lab: Lab) -> None:
    lab.begin()
    assert lab.run("note", "x", "--quiet").err == ""
    assert "fingerprint" in lab.run("note", "x").err


def test_the_reader_may_leave_and_the_disk_of_the_output_may_be_full(lab: Lab) -> None:
    lab.begin()
    for _ in range(3):
        lab.run("note", "word " * 2000)
    process = lab.start("ledger", "log", "--json")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait(30) == 1
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*CONSOLE, "ledger", "log"], stdout=full, stderr=subprocess.PIPE, env=lab.environment({}), check=False
        )
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"evikit: No space left on device\n  Make room")
