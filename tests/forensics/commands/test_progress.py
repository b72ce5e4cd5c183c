"""Progress on stderr: a bar on a terminal, a line now and then elsewhere, JSON when asked; silence with --quiet."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from unittest import mock

import pytest

from custody.commands.screen import Settings
from forensics.commands import progress as module
from forensics.commands.progress import progress
from forensics.examine.request import Progress
from tests.console import CONSOLE, Lab

HALF = Progress("contents", "dir/\x1bfile", 512 << 20, 1 << 30, 1234, 2)


@pytest.fixture
def clock() -> Iterator[list[float]]:
    at = [100.0]
    with mock.patch.object(module.time, "monotonic", side_effect=lambda: at[0]):
        yield at


def test_a_line_every_ten_seconds(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    with progress(Settings(), "AH/1") as listener:
        for _ in range(25):
            clock[0] += 1.0
            listener(HALF)
    lines = capsys.readouterr().err.splitlines()
    stands = "files, 2 problems, dir/\\x1bfile, nothing moved for"
    assert lines == [
        "AH/1:  50 % contents, 51 MiB/s, about 10 s left, 1234 files, 2 problems, dir/\\x1bfile",
        f"AH/1:  50 % contents, 26 MiB/s, about 20 s left, 1234 {stands} 19 s",
    ]


def test_slow_is_told_from_stuck(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    with progress(Settings(), "AH/1") as listener:
        for second in range(1, 31):
            clock[0] += 1.0
            listener(replace(HALF, done=HALF.done + (second // 5 if second < 15 else 3)))
    lines = capsys.readouterr().err.splitlines()
    assert ["nothing moved" in line for line in lines] == [False, False, True]
    assert lines[2].endswith("nothing moved for 15 s")


def test_json_lines_every_second(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    with progress(Settings(json_progress=True, quiet=True), "AH/1") as listener:
        for _ in range(4):
            clock[0] += 0.6
            listener(HALF)
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert first == {
        "stage": "contents", "path": "dir/\x1bfile", "done": str(512 << 20), "total": str(1 << 30), "files": "1234",
        "problems": "2", "seconds": 1.2, "seconds_left": 1.2, "seconds_still": 0.6,
    }  # fmt: skip
    assert second["seconds"] == 2.4


def test_no_time_left_is_guessed_from_nothing(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    with progress(Settings(json_progress=True), "AH/1") as listener:
        clock[0] += 2
        listener(Progress("volumes", "", 0, 0, 0, 0))
    assert json.loads(capsys.readouterr().err)["seconds_left"] is None


def test_quiet(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    with progress(Settings(quiet=True), "AH/1") as listener:
        clock[0] += 60
        listener(HALF)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "said"), [(9.9, "9 s"), (60, "1 min 00 s"), (3599, "59 min 59 s"), (7260, "2 h 01 min")]
)
def test_spans(seconds: float, said: str) -> None:
    assert module._span(seconds) == said


def test_a_bar_on_a_terminal_that_is_gone_at_the_end(lab: Lab) -> None:
    stick = lab.stick()
    leader, follower = pty.openpty()
    words = ["ingest", str(stick), "--exhibit", "AH/1", "--purpose", "p", "--json"]
    environment = lab.environment({"TERM": "xterm-256color", "COLUMNS": "80"})
    process = subprocess.Popen([*CONSOLE, *words], stdout=subprocess.PIPE, stderr=follower, env=environment)
    os.close(follower)
    shown = b""
    while True:
        try:
            block = os.read(leader, 4096)
        except OSError:  # the other side has gone
            break
        if not block:
            break
        shown += block
    out, _ = process.communicate(timeout=60)
    os.close(leader)
    assert process.returncode == 0
    assert json.loads(out)["exhibit"] == "AH/1"
    assert b"AH/1: " in shown
    assert b"\x1b[2K" in shown  # what was shown is cleared
    assert shown.rstrip().splitlines()[-1].startswith(b"ledger: ") or b"ledger: " in shown.splitlines()[-1]
