"""A PostgreSQL server of the tests' own: a fresh cluster in a temporary folder, on a Unix socket alone.

It may not run as root: it then runs as `postgres`, or `nobody`. What it keeps is on disk as on a real one (fsync on).
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

WRITER = "ada"
"""A role that owns nothing."""
OWNER = "keeper"
"""A role that may make schemas in the database `evidence`."""


_STILL = "autovacuum = off\ncheckpoint_timeout = 1d\n"
"""Nothing is written but what is asked for: tests look at what is on disk, and when."""


def programs() -> Path | None:
    """The folder of initdb and pg_ctl: Debian's, or where PATH has them."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    there = found[-1] if found else shutil.which("initdb")
    return Path(there).parent if there else None


def _user() -> str | None:
    if os.geteuid():
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


class Server:
    """One cluster; `start` and `kill` it as often as you like."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.binaries, self.folder, self.data = binaries, folder, folder / "data"
        self.user = _user()
        if self.user is not None:
            shutil.chown(folder, self.user)
        self.run("initdb", "-D", self.data, "-A", "trust", "-U", "admin", "-E", "UTF8", "--locale=C", "-N")
        # -N: a new cluster that a power cut spoils is made again; the server itself runs with fsync
        (self.data / "postgresql.auto.conf").write_text(
            f"listen_addresses = ''\nunix_socket_directories = '{folder}'\nshared_buffers = 16MB\n{_STILL}"
        )

    def run(self, program: str, *words: str | Path) -> None:
        command = [str(self.binaries / program), *map(str, words)]
        done = subprocess.run(
            command, user=self.user, cwd=self.folder, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)

    def start(self) -> None:
        """Until it answers, also when children of a killed one are still there."""
        end = time.monotonic() + 30
        while True:
            with suppress(AssertionError):
                self.run("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-w", "start")
                return
            assert time.monotonic() < end, (self.folder / "log").read_text()
            time.sleep(0.1)

    def kill(self) -> None:
        """The whole server, at once and without a last word: what was in its memory alone is gone."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def processes(self) -> list[psutil.Process]:
        """The postmaster, which comes first and so starts nothing anew, and its children."""
        postmaster = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
        return [postmaster, *postmaster.children()]

    @contextmanager
    def writing_nothing_by_itself(self) -> Iterator[None]:
        """What writes in the background stands still: what nobody waits for is not on disk."""
        still = self.writers()
        for each in still:
            each.suspend()
        try:
            yield
        finally:
            for each in still:
                with suppress(psutil.NoSuchProcess):
                    each.resume()

    def writers(self) -> list[psutil.Process]:
        """The processes that write to the log or the data files unasked."""
        names = ("walwriter", "background writer", "checkpointer")
        found = []
        for each in self.processes():
            with suppress(psutil.NoSuchProcess):
                found += [each] if any(name in " ".join(each.cmdline()) for name in names) else []
        return found

    def on_disk(self) -> bool:
        """Whether all that was ever committed is."""
        return bool(self.do("SELECT pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()")[0][0])

    def url(self, user: str, schema: str = "", database: str = "evidence") -> str:
        return f"postgresql:///{database}?host={self.folder}&user={user}" + (f"#{schema}" if schema else "")

    def connect(self, user: str = "admin", database: str = "evidence") -> psycopg.Connection[Any]:
        return psycopg.connect(self.url(user, database=database), autocommit=True)

    def do(self, *statements: str, user: str = "admin", database: str = "evidence") -> list[Any]:
        """Statements, in a transaction each; the rows of the last one."""
        with self.connect(user, database) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A running server with a database `evidence` and the roles of this file."""
    binaries = programs()
    if binaries is None:
        if os.environ.get("EVIKIT_NO_SKIP") == "1":
            pytest.fail("no PostgreSQL server is installed, and EVIKIT_NO_SKIP is 1")
        pytest.skip("no PostgreSQL server is installed")
    folder = Path(tempfile.mkdtemp(prefix="evikit-pg-"))  # short: a socket's path has 107 bytes
    try:
        made = Server(binaries, folder)
        made.start()
        made.do(f"CREATE ROLE {OWNER} LOGIN", f"CREATE ROLE {WRITER} LOGIN", database="postgres")
        made.do(f"CREATE DATABASE evidence OWNER {OWNER}", database="postgres")
        yield made
        made.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
