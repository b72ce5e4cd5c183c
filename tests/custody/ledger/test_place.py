"""Where a ledger lies: what the system says of a disk, and a ledger that several machines may write."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from custody.ledger import place
from custody.ledger.audit import audit
from custody.ledger.errors import LedgerBusyError
from custody.ledger.store import Draft, Ledger
from custody.ledger.verdict import Trust
from tests.kit import World, entry_key

ROOT = Path(__file__).resolve().parents[3]
MOUNTS = """\
22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /srv rw - nfs4 server:/export rw
31 30 0:41 / /srv/scratch\\040disk rw - tmpfs tmpfs rw
32 30 0:42 / /srv/share rw - ext4 /dev/sdb1 rw
33 30 0:43 / /srv/share rw - cifs //server/share rw
34 22 0:44 / /media rw - fuse.sshfs host: rw
35 22 0:45 / /disk rw - fuseblk /dev/sdc1 rw
36 22 0:46 / /any rw - fuse something rw
"""


@pytest.mark.parametrize(
    ("path", "kind", "shared"),
    [
        ("/home/a/ledger.sqlite", "ext4", False),
        ("/srv/case/ledger.sqlite", "nfs4", True),
        ("/srv/scratch disk/l", "tmpfs", False),
        ("/srv/share/l", "cifs", True),
        ("/media/l", "fuse.sshfs", True),
        ("/disk/l", "fuseblk", False),
        ("/any/l", "fuse", True),
    ],
)
def test_the_type_of_a_disk(
    path: str, kind: str, shared: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = tmp_path / "mountinfo"
    listed.write_text(MOUNTS)
    monkeypatch.setattr(place, "MOUNTS", listed)
    assert place.filesystem_of(Path(path)) == kind
    assert place.is_shared(Path(path)) is shared


def test_a_system_that_does_not_say_has_its_own_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "MOUNTS", Path("/nonexistent"))
    assert not place.is_shared(Path("/srv/x"))


@pytest.fixture
def on_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "is_shared", lambda _: True)


def mode(path: Path) -> str:
    with closing(sqlite3.connect(path)) as database:
        return str(database.execute("PRAGMA journal_mode").fetchone()[0])


def size_of(path: Path) -> int:
    with Ledger.open(path, writable=False) as ledger:
        verdict = audit(ledger, Trust())
        assert not verdict.failed, verdict.failed
        return ledger.size


def test_a_ledger_made_on_a_share_has_a_rollback_journal_and_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "is_shared", lambda _: True)
    world = World(tmp_path)
    world.add("note", 0, {"text": "x"})
    world.ledger.close()
    assert mode(world.path) == "delete"
    monkeypatch.setattr(place, "is_shared", lambda _: False)
    with Ledger.open(world.path, writable=True) as ledger:
        ledger.append(Draft("note", {"text": "y"}, n=0), entry_key(1))
    assert mode(world.path) == "delete"
    assert size_of(world.path) == 3


def test_a_ledger_from_a_local_disk_gives_up_its_wal_on_a_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    world.ledger.close()
    assert mode(world.path) == "wal"
    monkeypatch.setattr(place, "is_shared", lambda _: True)
    assert size_of(world.path) == 1
    assert mode(world.path) == "wal"
    with Ledger.open(world.path, writable=True) as ledger:
        ledger.append(Draft("note", {"text": "y"}, n=0), entry_key(1))
    assert mode(world.path) == "delete"
    assert size_of(world.path) == 2


def test_a_wal_that_another_holds_is_said_to_be_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    real = sqlite3.connect
    monkeypatch.setattr("sqlite3.connect", lambda *given, **named: real(*given, **{**named, "timeout": 0.1}))
    monkeypatch.setattr(place, "is_shared", lambda _: True)
    with pytest.raises(LedgerBusyError):
        Ledger.open(world.path, writable=True)
    world.ledger.close()


@pytest.mark.usefixtures("on_a_share")
def test_what_a_wal_on_a_share_holds_is_read_from_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "is_shared", lambda _: False)
    world = World(tmp_path)
    world.add("note", 0, {"text": "in the log"})
    aside = tmp_path / "aside"
    aside.mkdir()
    for name in (world.path.name, f"{world.path.name}-wal"):
        shutil.copy(world.path.with_name(name), aside / name)
    world.ledger.close()
    monkeypatch.setattr(place, "is_shared", lambda _: True)
    with Ledger.open(aside / world.path.name, writable=False) as ledger:
        assert ledger.size == 2
        assert "copied aside" in ledger.notice


APPENDER = """
import sys
from pathlib import Path
from custody.ledger import place
place.is_shared = lambda _: sys.argv[2] == "share"
from custody.ledger.store import Draft, Ledger
from tests.kit import entry_key
key = entry_key(1)
with Ledger.open(Path(sys.argv[1]), writable=True) as ledger:
    for number in range(int(sys.argv[3])):
        row = ledger.append(Draft("note", {"text": f"{sys.argv[4]}.{number}"}, n=0), key)
        print(row.index, row.leaf.hex(), flush=True)
"""


def start(path: Path, where: str, count: int, name: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", APPENDER, str(path), where, str(count), name]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("where", ["local", "share"])
def test_eight_processes_append_while_some_are_killed(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was acknowledged stands at its index, nothing forks, and nobody waits for the dead."""
    monkeypatch.setattr(place, "is_shared", lambda _: where == "share")
    world = World(tmp_path)
    world.ledger.close()
    told: dict[int, str] = {}
    for turn in range(2):
        running = [start(world.path, where, 12, f"{turn}.{number}") for number in range(8)]
        for number, process in enumerate(running):
            assert process.stdout is not None
            if number % 3 == 0:  # killed in the middle of its appends, each after another number of them
                lines = [process.stdout.readline() for _ in range(1 + number + turn)]
                process.kill()
                lines += process.stdout.readlines()
                process.wait()
            else:
                out, err = process.communicate(timeout=60)
                assert process.returncode == 0, err
                lines = out.splitlines()
            for line in filter(None, (line.strip() for line in lines)):
                index, _, leaf = line.partition(" ")
                if len(leaf) == 64:
                    assert int(index) not in told, "two processes were told the same place"
                    told[int(index)] = leaf
    assert size_of(world.path) > max(told)
    assert len(told) >= 2 * 5 * 12
    with Ledger.open(world.path, writable=False) as ledger:
        stands = {row.index: row.leaf.hex() for row in ledger.rows()}
    assert all(stands[index] == leaf for index, leaf in told.items())
    assert mode(world.path) == ("delete" if where == "share" else "wal")


def test_a_journal_left_by_a_killed_writer_is_rolled_back_by_readers_of_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "is_shared", lambda _: True)
    world = World(tmp_path)
    world.add("note", 0, {"text": "x"})
    world.ledger.close()
    with closing(sqlite3.connect(world.path, isolation_level=None)) as writer:
        writer.execute("PRAGMA cache_spill = ON")
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("BEGIN IMMEDIATE")
        for number in range(200):
            writer.execute("INSERT INTO node VALUES (50, ?, zeroblob(32))", (number,))
        aside = tmp_path / "aside"
        aside.mkdir()
        for name in (world.path.name, f"{world.path.name}-journal"):
            shutil.copy(world.path.with_name(name), aside / name)
        writer.execute("ROLLBACK")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with Ledger.open(aside / world.path.name, writable=False) as ledger:
        assert ledger.size == 2
        assert "copied aside" in ledger.notice
        assert not audit(ledger, Trust()).failed
