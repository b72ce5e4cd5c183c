"""Upgrading: the same entries under a newer schema, in one step, whatever happens; nothing acknowledged is lost."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from custody.ledger import migrations, schema, upgrade
from custody.ledger.audit import audit
from custody.ledger.errors import CustodyError, IntegrityError, LedgerBusyError, LedgerVersionError
from custody.ledger.note import parse_note
from custody.ledger.store import Draft, Ledger, Row
from custody.ledger.upgrade import Change
from custody.ledger.verdict import Trust
from tests.kit import World, aged, entry_key, kinds

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "tests" / "data" / "ledgers"
OLDER = sorted(path.name for path in FIXTURES.iterdir() if path.is_dir())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed ledger of revision 0001: 0 genesis, 1 exhibit, 2 begin, 3 end, 4 closing."""
    world = World(tmp_path / "case")
    world.access(world.exhibit("AH/1"))
    world.close()
    world.ledger.close()
    return aged(world.path)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite waits a twentieth of a second for others."""
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **named: connect(*args, **{**named, "timeout": 0.05}))


def nothing(_ledger: Ledger, _change: Change) -> None:
    """An upgrade that is not recorded."""


def note(ledger: Ledger, change: Change) -> None:
    ledger.append(Draft("note", {"text": change.old}, n=0), entry_key(1))


def content(path: Path) -> list[Row]:
    with Ledger.open(path, writable=False, older=True) as ledger:
        assert not kinds(audit(ledger, Trust()))
        return list(ledger.rows())


def names(path: Path) -> set[str]:
    return {each.name for each in path.parent.iterdir()}


# --- what it does ---------------------------------------------------------------------------------------------


def test_there_is_a_ledger_of_every_revision_before_ours() -> None:
    known = [script.revision for script in ScriptDirectory(str(migrations.scripts())).walk_revisions()]
    assert sorted(OLDER) == sorted(set(known) - {schema.REVISION})


@pytest.mark.parametrize("revision", OLDER)
def test_a_ledger_of_every_revision_is_upgraded_and_verified(tmp_path: Path, revision: str) -> None:
    """Written by the evikit of its time (tests/data/ledgers), never by this one."""
    path = tmp_path / "ledger.sqlite"
    shutil.copyfile(FIXTURES / revision / "case" / "ledger.sqlite", path)
    with Ledger.open(path, writable=False, older=True) as old:
        before, notes, head = list(old.rows()), old.notes(), (old.size, old.root)
        assert (old.revision, kinds(audit(old, Trust().with_anchor(parse_note(notes[0]))))) == (revision, set())
        assert [row for row in before if row.entry.type == "note"] == old.rows_of("note")
        assert [row for row in before if row.entry.x and row.entry.x.n == 2] == list(old.rows_in(2))
    change = upgrade.upgrade(path, nothing)
    assert (change.old, change.new, change.size, change.root) == (revision, schema.REVISION, *head)
    with Ledger.open(path, writable=False) as new:
        assert (list(new.rows()), new.notes(), new.root) == (before, notes, head[1])
        assert not kinds(audit(new, Trust().with_anchor(parse_note(notes[0]))))
    kept = path.with_name(change.kept)
    assert kept.name == f"ledger.sqlite.{revision}"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o444
    assert content(kept) == before
    assert names(path) == {"ledger.sqlite", kept.name}


def test_the_record_is_in_the_new_ledger_alone(path: Path) -> None:
    before = content(path)
    change = upgrade.upgrade(path, note)
    assert [row.entry.type for row in content(path)[len(before) :]] == ["note"]
    assert content(path.with_name(change.kept)) == before


def test_mode_of_the_file_is_kept(path: Path) -> None:
    path.chmod(0o600)
    upgrade.upgrade(path, nothing)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_owner_of_the_file_is_kept_where_the_system_lets_us(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    def refuse(_path: Path, owner: int, group: int) -> None:
        asked.append((owner, group))
        raise PermissionError

    monkeypatch.setattr(os, "chown", refuse)
    upgrade.upgrade(path, nothing)
    assert asked == [(path.stat().st_uid, path.stat().st_gid)]


def test_a_link_to_the_ledger_stays_one(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.sqlite"
    link.symlink_to(path)
    upgrade.upgrade(link, nothing)
    assert link.is_symlink()
    assert upgrade.revision_at(path) == schema.REVISION


def test_entries_in_a_leftover_log_are_carried_over(path: Path, tmp_path: Path) -> None:
    left = tmp_path / "left"
    left.mkdir()
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("UPDATE opening SET body = x'7B7D' WHERE idx = 9")  # nothing: but the log is there
        writer.execute("CREATE TABLE t (x)")
        writer.execute("DROP TABLE t")
        writer.commit()
        for name in ("ledger.sqlite", "ledger.sqlite-wal"):
            shutil.copyfile(path.with_name(name), left / name)
    assert (left / "ledger.sqlite-wal").stat().st_size > 0
    before = content(left / "ledger.sqlite")
    upgrade.upgrade(left / "ledger.sqlite", nothing)
    assert content(left / "ledger.sqlite") == before
    assert not (left / "ledger.sqlite-wal").exists()


def test_another_ledger_under_the_name_to_keep_it_is_not_written_over(path: Path) -> None:
    other = path.with_name("ledger.sqlite.0001")
    other.write_bytes(b"something else")
    another = World(path.parent / "b")
    another.ledger.copy_to(path.with_name("ledger.sqlite.0001.2"))
    assert upgrade.upgrade(path, nothing).kept == "ledger.sqlite.0001.3"
    assert other.read_bytes() == b"something else"


def test_the_same_ledger_kept_before_is_replaced(path: Path, tmp_path: Path) -> None:
    shutil.copyfile(path, tmp_path / "again.sqlite")
    upgrade.upgrade(path, nothing)
    shutil.copyfile(tmp_path / "again.sqlite", path)
    assert upgrade.upgrade(path, nothing).kept == "ledger.sqlite.0001"


# --- what is refused, and leaves everything as it was ----------------------------------------------------------


SIDE = {"ledger.sqlite-wal", "ledger.sqlite-shm"}


def rows_of(path: Path) -> list[object]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def refused(path: Path, kind: type[CustodyError], said: str) -> CustodyError:
    before = rows_of(path), names(path) - SIDE
    with pytest.raises(kind, match=said) as caught:
        upgrade.upgrade(path, note)
    assert (rows_of(path), names(path) - SIDE) == before
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        ("UPDATE entry SET sig = zeroblob(64) WHERE idx = 2", "entry 2: "),
        ("UPDATE opening SET body = x'7B7D' WHERE idx = 3", "entry 3: "),
        ("DELETE FROM checkpoint", "checkpoints are not those"),
        ("CREATE TABLE more (x)", "more in the database is missing, foreign or changed"),
        ("CREATE INDEX entry_by_type ON entry (leaf)", "entry_by_type in the database"),
    ],
)
def test_a_broken_ledger_is_not_upgraded(path: Path, attack: str, said: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(attack)
        for _, statement in triggers:
            connection.execute(statement)
        connection.commit()
    error = refused(path, IntegrityError, f"the ledger does not verify: .*{said}")
    assert "Nothing was changed" in error.advice


def test_missing_triggers_are_found_before_and_after(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = migrations.upgrade

    def forgetful(connection: schema.Connection, revision: str = "head") -> None:
        original(connection, revision)
        connection.exec_driver_sql("DROP TRIGGER chain_keeps_rows")

    monkeypatch.setattr(migrations, "upgrade", forgetful)
    refused(path, IntegrityError, "the upgraded ledger does not verify: chain_keeps_rows")


def test_an_upgrade_that_would_change_the_head_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = upgrade._describe
    monkeypatch.setattr(upgrade, "_describe", lambda *paths: replace(original(*paths), size=3))
    refused(path, IntegrityError, "another head")


@pytest.mark.parametrize(("found", "said"), [("0777", "newer than this evikit"), ("0000", "which no evikit wrote")])
def test_revisions_we_do_not_know_are_refused(path: Path, found: str, said: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (found,))
        connection.commit()
    refused(path, LedgerVersionError, said)
    with pytest.raises(LedgerVersionError):
        upgrade.revision_at(path)


def test_a_ledger_of_the_newest_revision_is_left_alone(path: Path) -> None:
    upgrade.upgrade(path, nothing)
    refused(path, CustodyError, "newest revision already")


def test_a_record_that_fails_leaves_the_old_ledger(path: Path) -> None:
    def fail(_ledger: Ledger, _change: Change) -> None:
        raise CustodyError("the key does not open")

    before = rows_of(path)
    with pytest.raises(CustodyError, match="does not open"):
        upgrade.upgrade(path, fail)
    assert rows_of(path) == before
    assert names(path) == {"ledger.sqlite"}


@pytest.mark.parametrize("room", [0.0, 0.5, 1.0])
def test_a_full_disk_leaves_the_old_ledger(path: Path, room: float) -> None:
    """No file may grow beyond so much of the ledger's size: the first copy does not fit, or the indexes do not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before, rows = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), content(path)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(path.stat().st_size * room), hard))
        with pytest.raises(CustodyError, match=r"could not be written|cannot be opened"):
            upgrade.upgrade(path, note)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert content(path) == rows
    assert names(path) - SIDE == {"ledger.sqlite"}
    upgrade.upgrade(path, note)


# --- others at the same time -----------------------------------------------------------------------------------

OPENED = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute(sys.argv[2]).fetchall()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=["SELECT count(*) FROM entry", "BEGIN IMMEDIATE"])
def somebody(request: pytest.FixtureRequest, path: Path) -> Iterator[None]:
    """Another process has the ledger open: it has read and waits, or is about to write."""
    with subprocess.Popen(
        [sys.executable, "-c", OPENED, str(path), request.param], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield
        child.kill()


@pytest.mark.usefixtures("impatient", "somebody")
def test_while_others_have_it_open_it_is_refused(path: Path) -> None:
    before = content(path)
    with pytest.raises(LedgerBusyError, match="another process"):
        upgrade.upgrade(path, note)
    assert content(path) == before
    assert upgrade.revision_at(path) == "0001"


@pytest.mark.usefixtures("impatient")
def test_nobody_can_open_it_between_copy_and_exchange(path: Path) -> None:
    def look(_ledger: Ledger, _change: Change) -> None:
        run = subprocess.run(
            [
                sys.executable,
                "-c",
                OPENED.replace("isolation_level", "timeout=0.05, isolation_level"),
                path,
                "SELECT 1",
            ],
            capture_output=True,
            check=False,
        )
        assert b"database is locked" in run.stderr

    upgrade.upgrade(path, look)


@pytest.mark.usefixtures("impatient")
def test_who_opens_it_just_before_the_lock_is_noticed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(sqlite3.Connection):
        def execute(self, sql: str, *rest: object) -> sqlite3.Cursor:
            if sql.endswith("EXCLUSIVE") and "locking" in sql:
                with closing(sqlite3.connect(path)) as other:
                    other.execute("PRAGMA journal_mode = WAL")
            return super().execute(sql, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(schema, "connect", lambda where, mode="rw": sqlite3.connect(where, factory=Late))
    refused_bytes = content(path)
    with pytest.raises(LedgerBusyError):
        upgrade.upgrade(path, note)
    assert content(path) == refused_bytes


def test_two_upgrades_at_once_are_one(path: Path) -> None:
    said: list[str] = []

    def run() -> None:
        try:
            said.append(upgrade.upgrade(path, note).kept)
        except CustodyError as error:
            said.append(type(error).__name__)

    both = [threading.Thread(target=run) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join(60)
    assert len(said) == 2
    if "ledger.sqlite.0001" not in said:  # they met at the door, and each was told that the other is there
        assert said == ["LedgerBusyError"] * 2
        run()
    assert len(content(path)) == 6
    assert "ledger.sqlite.0001" in said


def test_who_waited_at_the_door_is_told_and_writes_nothing(path: Path) -> None:
    """It holds the old file, which has no name any more; SQLite refuses to write to it."""
    waiting = schema.engine_for(path, writable=True)
    connection = schema.connect(path)
    upgrade.upgrade(path, note)
    with pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    assert caught.value.sqlite_errorname == "SQLITE_READONLY_DBMOVED"
    with pytest.raises(CustodyError, match="was exchanged") as told, upgrade.translated(path):
        raise caught.value
    assert told.value.advice == "Run it again."
    connection.close()
    waiting.dispose()


WRITER = """
import sys, time
from pathlib import Path
from custody.ledger import schema
from custody.ledger.errors import CustodyError
from custody.ledger.store import Draft, Ledger
from tests.kit import entry_key
schema.REVISION, schema.INDEXES = "0001", ()  # as the evikit of that time
while True:
    try:
        with Ledger.open(Path(sys.argv[1]), writable=True) as ledger:
            for _ in range(3):
                print(ledger.append(Draft("note", {"text": "x"}, n=0), entry_key(1)).leaf.hex(), flush=True)
        time.sleep(0.2)  # another command is typed
    except CustodyError as error:
        if "newer" in str(error):
            break
"""


def test_a_writer_of_the_older_evikit_loses_nothing_it_acknowledged(path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert writers[0].stdout is not None
    acknowledged = [writers[0].stdout.readline().strip() for _ in range(4)]
    for _ in range(200):
        try:
            upgrade.upgrade(path, note)
            break
        except LedgerBusyError:
            continue
    for writer in writers:
        acknowledged += writer.communicate(timeout=60)[0].split()
        assert writer.returncode == 0
    rows = content(path)
    assert set(acknowledged) <= {row.leaf.hex() for row in rows}
    assert [row.entry.type for row in rows].count("note") == len(set(acknowledged)) + 1


# --- killed at any moment --------------------------------------------------------------------------------------

KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from custody.ledger import upgrade
from tests.custody.ledger.test_upgrade import note
pristine, folder = Path(sys.argv[1]), Path(sys.argv[2])

def run(path, last):
    seen = 0
    def line(frame, event, _):
        nonlocal seen
        if event == "line":
            seen += 1
            if seen == last:
                os.kill(os.getpid(), signal.SIGKILL)
        return line
    sys.settrace(lambda frame, event, _: line if frame.f_code.co_filename == upgrade.__file__ else None)
    upgrade.upgrade(path, note)
    sys.settrace(None)
    return seen

path = folder / "all" / "ledger.sqlite"
path.parent.mkdir()
shutil.copyfile(pristine, path)
lines = run(path, -1)
exchange = lines - 30  # about where it begins
for last in [*range(1, exchange, 13), *range(exchange, lines + 1, 3)]:
    path = folder / str(last) / "ledger.sqlite"
    path.parent.mkdir()
    shutil.copyfile(pristine, path)
    child = os.fork()
    if child == 0:
        run(path, last)
        os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1]), last
"""


def test_killed_anywhere_either_ledger_stands_and_the_same_command_completes(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    folder.mkdir()
    child = [sys.executable, "-c", KILLED, str(path), str(folder)]
    environment = {name: value for name, value in os.environ.items() if "COV" not in name}  # it traces lines itself
    run = subprocess.run(child, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == 0, run.stderr
    before, found = content(path), set()
    for case in folder.iterdir():
        ledger = case / "ledger.sqlite"
        with Ledger.open(ledger, writable=False, older=True) as stands:
            found.add(stands.revision)
            assert not kinds(audit(stands, Trust()))
            assert list(stands.rows())[:5] == before
            assert stands.size == (6 if stands.revision == schema.REVISION else 5)
        if upgrade.revision_at(ledger) != schema.REVISION:
            upgrade.upgrade(ledger, note)
        assert len(content(ledger)) == 6
        assert content(case / "ledger.sqlite.0001") == before
        assert names(ledger) == {"ledger.sqlite", "ledger.sqlite.0001"}
    assert found == {"0001", schema.REVISION}
    assert len(list(folder.iterdir())) > 15
