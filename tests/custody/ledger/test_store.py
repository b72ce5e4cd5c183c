"""Appending and reading: durable when it returns, nothing written when it raises, one writer at a time."""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from custody.ledger.audit import audit
from custody.ledger.entry import MAX_OPENED, Entry
from custody.ledger.errors import CustodyError, IntegrityError, LedgerBusyError, MalformedError
from custody.ledger.merkle import EMPTY_ROOT
from custody.ledger.note import parse_note
from custody.ledger.store import NEW, Draft, Ledger
from custody.ledger.verdict import Trust
from tests.kit import World, entry_key, kinds

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def intact(path: Path) -> int:
    """The size of a ledger that its own audit finds nothing wrong with."""
    with Ledger.open(path, writable=False) as ledger:
        verdict = audit(ledger, Trust())
        assert not verdict.failed, verdict.failed
        assert verdict.size == ledger.size
        return ledger.size


# --- what is written and read --------------------------------------------------------------------------------


def test_what_was_appended_is_read_by_others_as_it_was(world: World) -> None:
    n = world.exhibit("AH/1")
    begin, end = world.access(n)
    world.close()
    with Ledger.open(world.path, writable=False) as other:
        rows = list(other.rows())
        assert [row.index for row in rows] == list(range(5))
        assert rows[2:4] == [begin, end]
        assert rows[1].openings["ref"].value == "AH/1"
        assert (other.size, other.root, other.id, other.exhibits) == (5, world.ledger.root, world.genesis.leaf, 1)
        assert other.chain(n) == (3, end.leaf)
        assert other.root_at(0) == EMPTY_ROOT
        assert other.root_at(5) == other.root
        assert list(other.rows(2, 4)) == rows[2:4]
        assert list(other.rows(4, 99)) == rows[4:]
        assert list(other.rows(99)) == []
        assert [row.index for row in other.rows_of("access.begin")] == [2]
        assert other.rows_of("freeze") == []
        assert parse_note(other.notes()[0]).checkpoint.root == other.root


def test_a_type_named_in_another_entrys_text_is_not_that_type(world: World) -> None:
    world.add("erase", 0, re=[world.genesis.leaf], pub={"names": ['"type":"note"', "type"]})
    assert world.ledger.rows_of("note") == []


def test_more_rows_than_one_block_are_streamed(world: World) -> None:
    for _ in range(505):
        world.add("note", 0)
    assert [row.index for row in world.ledger.rows()] == list(range(506))


def test_every_size_on_the_way_gives_the_same_ledger_opened_anew(tmp_path: Path) -> None:
    world = World(tmp_path)
    for i in range(9):
        world.add("note", world.exhibit(f"AH/{i}"))
        with Ledger.open(world.path, writable=False) as other:
            assert (other.size, other.root) == (world.ledger.size, world.ledger.root)
            assert other.map_proof(1) == world.ledger.map_proof(1)
    world.close()
    assert not kinds(world.verify())


@pytest.mark.parametrize(
    ("draft", "kind"),
    [
        (Draft("note", {}, n=7), CustodyError),
        (Draft("note", {"seal": "x"}, n=0), CustodyError),
        (Draft("note", {"text": 7}, n=0), CustodyError),  # type: ignore[dict-item]
        (Draft("note", {"text": "x" * (MAX_OPENED - 2), "kind": "x" * (MAX_OPENED - 2)}, n=0), CustodyError),
        (Draft("exhibit.register", {}, n=0), MalformedError),
        (Draft("access.end", {}, n=0), MalformedError),
        (Draft("note", {}), MalformedError),
        (Draft("note", {}, n=0, pub={"more": None}), MalformedError),
        (Draft("note", {}, n=0, id=b"short"), MalformedError),
    ],
)
def test_what_cannot_be_an_entry_leaves_nothing_behind(world: World, draft: Draft, kind: type[CustodyError]) -> None:
    root = world.ledger.root
    with pytest.raises(kind):
        world.ledger.append(draft, world.examiner)
    row = world.add("note", 0)
    assert (row.index, row.entry.seen_root) == (1, root)
    world.close()
    assert not kinds(world.verify())


def test_a_signer_that_fails_leaves_nothing_behind(world: World) -> None:
    class Broken:
        key = entry_key(1).key

        def sign_entry(self, payload: bytes) -> bytes:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        world.ledger.append(Draft("note", {}, n=0), Broken())
    assert world.add("note", 0).index == 1
    assert intact(world.path) == 2


def test_an_entry_that_is_not_wanted_leaves_nothing_behind(world: World) -> None:
    """It is asked with the entry as it would be signed; what it raises is raised."""

    def examine(entry: Entry) -> None:
        raise CustodyError(f"no {entry.type} at {entry.seen_size}")

    before = (world.ledger.size, world.ledger.root)
    with pytest.raises(CustodyError, match="no note at 1"):
        world.ledger.append(Draft("note", {"text": "x"}, n=0), entry_key(1), examine)
    world.ledger.refresh()
    assert (world.ledger.size, world.ledger.root) == before
    assert intact(world.path) == 1


def test_openings_are_taken_away_for_good_and_nothing_else_of_the_entry(world: World) -> None:
    row = world.add("note", 0, {"text": "a name", "kind": "observation"})
    for names in (["nothing"], ["text", "nothing"], ["text"]):
        world.ledger.drop_openings(row, names)
        row = next(world.ledger.rows(row.index))
        assert ("text" in row.openings) is (names == ["nothing"])
    with Ledger.open(world.path, writable=False) as other:
        stands = next(other.rows(row.index))
    assert "kind" in stands.openings
    assert (stands.payload, stands.sig, stands.leaf) == (row.payload, row.sig, row.leaf)
    world.ledger.close()
    data = world.path.read_bytes()
    assert b"observation" in data
    assert b"a name" not in data


def test_the_newest_checkpoint_is_the_last_one_made(world: World) -> None:
    assert world.ledger.newest_note() is None
    for _ in range(2):
        world.close()
        assert world.ledger.newest_note() == world.ledger.notes()[-1]
    assert len(world.ledger.notes()) == 2


def test_a_checkpoint_that_fails_takes_its_closing_entry_with_it(world: World) -> None:
    def fail(size: int, root: bytes) -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        world.ledger.append_closing(world.examiner, {}, fail)
    world.close()
    assert intact(world.path) == 2


def test_a_ledger_is_made_once_and_only_where_it_can_be(world: World, tmp_path: Path) -> None:
    with pytest.raises(CustodyError, match="exists already"):
        Ledger.create(world.path)
    with pytest.raises(CustodyError, match="cannot be made"):
        Ledger.create(tmp_path / "no such folder" / "ledger.sqlite")


def test_a_ledger_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    for writable in (True, False):
        with pytest.raises(CustodyError, match="there is no ledger"):
            Ledger.open(tmp_path / "ledger.sqlite", writable=writable)
    assert not list(tmp_path.iterdir())


def test_awkward_names_of_folders_are_no_trouble(tmp_path: Path) -> None:
    world = World(tmp_path / "Rasti #7 50% ?mode=memory&x")
    world.ledger.close()
    assert intact(world.path) == 1


def test_a_ledger_without_entries_opens_and_is_no_ledger_to_believe(tmp_path: Path) -> None:
    Ledger.create(tmp_path / "ledger.sqlite").close()
    with Ledger.open(tmp_path / "ledger.sqlite", writable=False) as ledger:
        assert (ledger.size, ledger.exhibits) == (0, 0)
        assert (None, "empty") in kinds(audit(ledger, Trust()))
        with pytest.raises(IntegrityError):
            _ = ledger.id


# --- copies -----------------------------------------------------------------------------------------------


def test_a_copy_is_whole_and_overwrites_nothing(world: World, tmp_path: Path) -> None:
    world.access(world.exhibit("AH/1"))
    world.close()
    world.ledger.copy_to(tmp_path / "copy.sqlite")
    assert intact(tmp_path / "copy.sqlite") == 5
    with pytest.raises(CustodyError, match="exists already"):
        world.ledger.copy_to(tmp_path / "copy.sqlite")
    with pytest.raises(CustodyError, match="unable to open"):
        world.ledger.copy_to(tmp_path / "no such folder" / "copy.sqlite")


# --- several writers --------------------------------------------------------------------------------------


def test_two_openings_of_one_file_take_turns(world: World) -> None:
    with Ledger.open(world.path, writable=True) as other:
        for i in range(3):
            world.add("note", 0)
            other.append(Draft("exhibit.register", {"ref": f"AH/{i}"}, n=NEW), world.examiner)
    world.close()
    assert not kinds(world.verify())
    assert world.ledger.exhibits == 3


def test_a_reader_sees_the_head_it_opened_with_and_no_torn_row(world: World) -> None:
    with Ledger.open(world.path, writable=False) as reader:
        world.add("note", 0)
        assert reader.size == 1
        assert len(list(reader.rows())) == 1
        assert not kinds(audit(reader, Trust()))
        reader.refresh()
        assert (reader.size, reader.root) == (2, world.ledger.root)


def test_a_ledger_is_opened_for_its_audit_although_what_stands_beside_the_entries_is_gone(world: World) -> None:
    world.close()
    world.ledger.close()
    sql(world.path, "DELETE FROM chain", "DELETE FROM node")
    with pytest.raises(IntegrityError):
        Ledger.open(world.path, writable=False)
    with Ledger.open(world.path, writable=False, refresh=False) as ledger:
        assert kinds(audit(ledger, Trust())) == {(None, "stored")}


def test_nothing_slips_between_a_closing_entry_and_its_checkpoint(world: World) -> None:
    said: list[str] = []

    def other_writer(size: int, root: bytes) -> bytes:
        with closing(sqlite3.connect(world.path, timeout=0)) as connection:
            try:
                connection.execute("INSERT INTO entry VALUES (?, x'', x'', x'')", (size,))
            except sqlite3.OperationalError as error:
                said.append(str(error))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        world.ledger.append_closing(world.examiner, {}, other_writer)
    assert said == ["database is locked"]


def test_a_writer_that_waits_too_long_is_told_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **named: connect(*args, **{**named, "timeout": 0.05}))
    with closing(connect(world.path)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerBusyError, match="another process"), Ledger.open(world.path, writable=True) as other:
            other.append(Draft("note", {}, n=0), world.examiner)


def write_notes(path: str, count: int) -> None:
    with Ledger.open(Path(path), writable=True) as ledger:
        for i in range(count):
            ledger.append(Draft("note", {"text": f"{os.getpid()} {i}"}, n=1), entry_key(1))


def test_eight_writers_on_one_exhibit_leave_no_gap_and_no_fork(world: World) -> None:
    world.exhibit("AH/1")
    world.ledger.close()
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_notes, args=(str(world.path), 6)) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    with Ledger.open(world.path, writable=True) as world.ledger:
        world.close()
        assert world.ledger.size == 2 + 8 * 6 + 1
        assert not kinds(audit(world.ledger, Trust().with_anchor(parse_note(world.ledger.notes()[0]))))
        assert world.ledger.chain(1)[0] == 1 + 8 * 6


# --- interrupted, full, damaged ---------------------------------------------------------------------------

APPENDER = """
import sys
from pathlib import Path
from custody.ledger.store import Draft, Ledger
from tests.kit import entry_key
ledger, key = Ledger.open(Path(sys.argv[1]), writable=True), entry_key(1)
while True:
    row = ledger.append(Draft("note", {"text": "x" * 3000}, n=0), key)
    print(row.index, flush=True)
"""


def test_a_killed_writer_loses_nothing_it_acknowledged(world: World) -> None:
    """kill -9 at twenty moments, the log left where it was; each time the next writer goes on from there."""
    world.ledger.close()
    acknowledged = 0
    for attempt in range(20):
        with subprocess.Popen(
            [sys.executable, "-c", APPENDER, str(world.path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            for _ in range(1 + attempt % 5):
                acknowledged = int(child.stdout.readline())
            child.kill()
            acknowledged = max([acknowledged, *map(int, child.stdout.read().split())])
        with Ledger.open(world.path, writable=False) as ledger:
            assert ledger.size >= acknowledged + 1
    assert intact(world.path) >= acknowledged + 1


def test_a_full_disk_is_one_clear_line_and_loses_nothing(world: World) -> None:
    with world.ledger.transaction() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 4}")
    done = 0
    try:
        while done < 100:
            world.add("note", 0, {"text": "x" * 2000})
            done += 1
    except CustodyError as error:
        refusal = error
    assert "could not be written" in str(refusal)
    assert "Free space" in refusal.advice
    assert 0 < done < 100
    world.ledger.close()
    assert intact(world.path) == 1 + done


def test_a_file_that_may_not_grow_is_one_clear_line_and_loses_nothing(world: World) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    done = 0
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        with suppress(CustodyError):
            while done < 200:
                world.add("note", 0, {"text": "x" * 5000})
                done += 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert 0 < done < 200
    assert world.add("note", 0).index == 1 + done
    world.ledger.close()
    assert intact(world.path) == 2 + done


def sql(path: Path, *statements: str) -> None:
    """As an attacker would: with the triggers dropped and set up again."""
    with closing(sqlite3.connect(path)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _, statement in triggers:
            connection.execute(statement)
        connection.commit()


DAMAGED: dict[str, tuple[str, ...]] = {
    "no nodes": ("DELETE FROM node",),
    "a short node": ("UPDATE node SET hash = x'00' WHERE level = 0 AND pos = 0",),
    "a gap among the exhibits": ("DELETE FROM chain WHERE n = 0",),
    "a negative count": ("UPDATE chain SET count = -1 WHERE n = 1",),
    "a newer node missing": ("DELETE FROM node WHERE level = 0 AND pos = 4",),
}


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("writable", [True, False])
def test_a_ledger_that_cannot_be_continued_does_not_open(world: World, name: str, writable: bool) -> None:
    world.access(world.exhibit("AH/1"))
    world.close()
    world.ledger.close()
    sql(world.path, *DAMAGED[name])
    with pytest.raises(IntegrityError) as caught, Ledger.open(world.path, writable=writable) as ledger:
        _ = ledger.id
    assert "\n" not in str(caught.value)


def test_a_ledger_cut_shorter_while_open_is_noticed(world: World) -> None:
    world.add("note", 0)
    sql(world.path, "DELETE FROM entry WHERE idx = 1")
    with pytest.raises(IntegrityError, match="became shorter"):
        world.add("note", 0)


def test_a_sequence_that_comes_before_its_time_is_a_gap(world: World) -> None:
    with pytest.raises(IntegrityError, match="has a gap"):
        world.ledger._take([(world.ledger.exhibits + 2, 1, bytes(32), 0)])


def test_a_row_without_its_openings_has_none(world: World) -> None:
    sql(world.path, "DELETE FROM opening")
    assert [row.openings for row in world.ledger.rows()] == [{}]


def test_a_row_that_goes_while_reading_ends_the_reading(world: World) -> None:
    sql(world.path, "DELETE FROM entry")
    assert list(world.ledger.rows()) == []


@pytest.mark.parametrize("size", [0, 1, 99, 100, 4095, 4096, 4097, 8192, 20_000, 40_000])
def test_a_file_cut_off_anywhere_is_never_believed(world: World, size: int) -> None:
    world.access(world.exhibit("AH/1"))
    world.close()
    world.ledger.close()
    assert world.path.stat().st_size > size
    os.truncate(world.path, size)
    assert fate(world.path, Trust()) == "refused"


def fate(path: Path, trust: Trust) -> str:
    """refused: an error of ours or BROKEN; otherwise the verdict. Anything else escapes."""
    try:
        with Ledger.open(path, writable=False) as ledger:
            verdict = audit(ledger, trust)
            return "refused" if verdict.failed else str(verdict.result)
    except CustodyError as error:
        return "refused" if "\n" not in str(error) else f"{error}"


def test_an_older_copy_is_found_by_a_kept_head(world: World, tmp_path: Path) -> None:
    world.close()
    world.ledger.copy_to(tmp_path / "older.sqlite")
    world.add("note", 0)
    kept = parse_note(world.close())
    world.ledger.close()
    (tmp_path / "older.sqlite").replace(world.path)
    assert fate(world.path, Trust()) == "INTACT WITH NOTES"
    assert fate(world.path, Trust().with_anchor(kept)) == "refused"


# --- the write-ahead log and media that cannot be written --------------------------------------------------


def test_closing_folds_the_log_back_also_while_a_reader_is_open(world: World) -> None:
    """What an erasure takes away must not live on in the log until the last reader has gone."""
    with Ledger.open(world.path, writable=False) as reader:
        world.add("note", 0, {"text": "seal renewed"})
        assert len(list(reader.rows())) == 1
        wal = world.path.with_name("ledger.sqlite-wal")
        assert wal.stat().st_size > 0
        world.ledger.close()
        assert wal.stat().st_size == 0


def with_leftover_log(world: World, folder: Path) -> Path:
    """A copy of case files taken while a writer had them open: the last entry is in the log alone."""
    world.ledger.close()
    with Ledger.open(world.path, writable=True) as world.ledger:
        world.add("note", 0, {"text": "seal renewed"})
        folder.mkdir()
        for name in ("ledger.sqlite", "ledger.sqlite-wal"):
            shutil.copyfile(world.path.parent / name, folder / name)
    return folder / "ledger.sqlite"


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """No folder can be written, as far as this process asks; root could write all the same."""
    access = os.access
    return lambda: monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and access(path, mode))


def listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_leftover_log_is_read_also_from_media_that_cannot_be_written(
    world: World, tmp_path: Path, read_only: Callable[[], None]
) -> None:
    path = with_leftover_log(world, tmp_path / "media")
    before = listing(path.parent)
    read_only()
    with Ledger.open(path, writable=False) as ledger:
        assert ledger.size == 2
        assert "copied aside" in ledger.notice
        assert not kinds(audit(ledger, Trust()))
        scratch = ledger.database._scratch
        assert scratch is not None
        assert scratch.exists()
    assert not scratch.exists()
    assert listing(path.parent) == before


def test_media_that_cannot_be_written_are_read_in_place_without_a_log(
    world: World, read_only: Callable[[], None]
) -> None:
    world.ledger.close()
    before = listing(world.path.parent)
    read_only()
    with Ledger.open(world.path, writable=False) as ledger:
        assert ledger.size == 1
        assert ledger.notice == "read from media that cannot be written"
        assert not kinds(audit(ledger, Trust()))
        assert listing(world.path.parent) == before


def test_a_ledger_opened_for_reading_takes_no_entries(world: World) -> None:
    world.ledger.close()
    with Ledger.open(world.path, writable=False) as ledger, pytest.raises(CustodyError, match="readonly"):
        ledger.append(Draft("note", {}, n=0), world.examiner)
