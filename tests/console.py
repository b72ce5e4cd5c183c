"""The command line as its users meet it: a lab with a key store, a case, and small invented evidence.

lab = Lab(tmp_path)
lab.begin()
told = lab.run("ingest", lab.stick(), "--exhibit", "AH/1", "--purpose", "find the couriers")
assert told.code == 0

`run` goes through `cli.main` in this process, `start` and `program` start the console script as a program.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import cli
from custody import keys
from tests.forensics.images import fat12

PASSPHRASE = "four invented words here"
EXAMINER = "Vesa Markoviq-Shembulli"
CONSOLE = (sys.executable, "-c", "import cli; cli.main()")

_stretched = cache(keys._stretched)
"""Passphrases are slow to try by design; the same one for the same key is stretched once a test run."""

AUTH = (
    b"Mar  9 02:02:11 mx01 sshd[7000]: Failed password for invalid user test from 203.0.113.45 port 42000 ssh2\n"
    b"Mar 10 07:15:00 mx01 sshd[9120]: Accepted publickey for operator from 192.0.2.5 port 50122 ssh2\n"
)
ACCESS = b'203.0.113.45 - - [10/Mar/2026:07:16:02 +0100] "GET /kit_fatura.zip HTTP/1.1" 200 4711\n'


@dataclass(frozen=True, slots=True)
class Told:
    """What a command said: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout."""
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def lines(self) -> list[Any]:
        """JSON lines on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]

    def refused(self, code: int, *words: str) -> None:
        """One clear line, the right exit code, something to do next, and no traceback."""
        assert self.code == code, self
        assert "Traceback" not in self.err, self
        said = [line for line in self.err.splitlines() if line.startswith("evikit: ")]
        assert len(said) == 1, self
        assert any(line.startswith("  ") for line in self.err.splitlines()), f"nothing to do next: {self}"
        for word in words:
            assert word in self.err, self


class Lab:
    """A folder with a key store, a case (`begin`) and evidence made when it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home, self.case = folder / "keys", folder / "case"
        self.evidence = folder / "evidence"
        self.evidence.mkdir(parents=True, exist_ok=True)

    def environment(self, over: Mapping[str, str | None]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EVIKIT_")}
        ours = {"EVIKIT_HOME": str(self.home), "EVIKIT_CASE": str(self.case), "EVIKIT_PASSPHRASE": PASSPHRASE}
        whole = {**kept, **ours, "COLUMNS": "120", "EVIKIT_JOBS": "1", **over}
        return {name: value for name, value in whole.items() if value is not None}

    def run(self, *words: str | Path, **over: str | None) -> Told:
        """A command in this process; `over` changes the environment (None takes a variable away)."""
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "strict", write_through=True) for _ in range(2))
        arguments = ["evikit", *map(str, words)]
        code: object = 0
        with (
            mock.patch.dict(os.environ, self.environment(over), clear=True),
            mock.patch.object(sys, "argv", arguments),
            mock.patch.object(sys, "stdin", io.StringIO()),
            mock.patch.object(keys, "_stretched", _stretched),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                cli.main()
            except SystemExit as ended:
                code = ended.code
        said = [stream.buffer.getvalue().decode("utf-8", "backslashreplace") for stream in (out, err)]  # type: ignore[attr-defined]
        return Told(code if isinstance(code, int) else 1, *said)

    def start(
        self, *words: str | Path | bytes, prepare: Callable[[], None] | None = None, **over: str | None
    ) -> subprocess.Popen[bytes]:
        """The console script as a program of its own; `prepare` runs in it before it begins."""
        arguments = [os.fsencode(word) for word in (*CONSOLE, *words)]
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # a limit on files also hits what measures coverage, which then complains in the program's name
            env={name: value for name, value in self.environment(over).items() if not (prepare and "COV" in name)},
            cwd=self.folder,
            preexec_fn=prepare,  # noqa: PLW1509 - limits and signals, nothing that could hang
        )

    def program(
        self, *words: str | Path | bytes, prepare: Callable[[], None] | None = None, **over: str | None
    ) -> Told:
        """As `start`, to its end."""
        return finished(self.start(*words, prepare=prepare, **over))

    # --- a case and its evidence ---------------------------------------------------------------------------

    def begin(self) -> Told:
        """The case, begun by its examiner."""
        told = self.run("init", self.case, "--number", "C-1", "--agency", "Invented Agency", "--examiner", EXAMINER)
        assert told.code == 0, told
        return told

    def put(self, name: str, data: bytes) -> Path:
        path = self.evidence / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (1_773_500_000, 1_773_500_000))  # 2026-03-14: a log without years takes its year from here
        return path

    def stick(self, name: str = "stick.raw") -> Path:
        """A FAT12 image of 64 KiB: HELLO.TXT, the deleted _ONE.TXT, SUB/DEEP.BIN."""
        return self.put(name, fat12())

    def logs(self, name: str = "logs") -> Path:
        """A folder with two logs."""
        self.put(f"{name}/auth.log", AUTH)
        return self.put(f"{name}/web/access.log", ACCESS).parent.parent

    def ingest(self, ref: str, *paths: Path, code: int = 0, **over: str | None) -> Any:
        """`ingest --json` of paths under a reference; its object."""
        told = self.run("ingest", *paths, "--exhibit", ref, "--purpose", "find the couriers", "--json", **over)
        assert told.code == code, told
        return told.json

    def log(self, *words: str) -> list[Any]:
        return self.run("ledger", "log", "--json", *words).lines

    def copied(self, folder: Path) -> Lab:
        """The same lab elsewhere; its ledger still names the evidence where it was read."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True, symlinks=True)
        return Lab(folder)


def finished(process: subprocess.Popen[bytes], seconds: float = 60) -> Told:
    out, err = process.communicate(timeout=seconds)
    return Told(process.returncode, out.decode("utf-8", "backslashreplace"), err.decode("utf-8", "backslashreplace"))


def wait_for(what: Callable[[], bool], seconds: float = 30) -> None:
    """Until it is so; fails when it never is."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


# --- fixtures, for the conftest of every folder of command tests: one lab made once, a copy for each test to spoil


@pytest.fixture
def empty_lab(tmp_path: Path) -> Lab:
    """A lab before its first case."""
    return Lab(tmp_path / "lab")


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("begun"))
    lab.begin()
    return lab


@pytest.fixture
def lab(begun: Lab, tmp_path: Path) -> Lab:
    """A case without exhibits."""
    return begun.copied(tmp_path / "lab")


@pytest.fixture(scope="session")
def furnished(begun: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """AH/1 a stick (FAT12, raw), AH/2 a folder of logs; not to be written to."""
    lab = begun.copied(tmp_path_factory.mktemp("furnished"))
    lab.ingest("AH/1", lab.stick())
    lab.ingest("AH/2", lab.logs())
    return lab


@pytest.fixture
def case(furnished: Lab, tmp_path: Path) -> Lab:
    """A copy of `furnished` to write in."""
    return furnished.copied(tmp_path / "lab")
