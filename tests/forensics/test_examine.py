"""An examination from end to end: images, folders, logs, and what goes wrong with them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custody.access import FoundFile, Part, walk_beneath
from forensics import results
from forensics.engine import UnitFailedError, WorkerPool
from forensics.examine import contents as examine
from forensics.examine import folder, pipeline, trees, units
from forensics.examine.findings import Findings, Job, readable
from forensics.examine.request import Examination, Media, Progress, Request, manifest_rows
from forensics.model import Artefact, ExaminationError, FileEntry, Location, Problem, Volume
from forensics.parsers import ParserInput
from forensics.results import listing, queries
from forensics.results.queries import Filter

from .fat12 import File, image

LOG = b"".join(
    b"Mar  1 10:00:%02d srv sshd[7]: Accepted password for anna from 192.0.2.7 port 22 ssh2\n" % second
    for second in range(20)
)
FILES = [
    File("AUTH.LOG", LOG),
    File("LETTER.TXT", b"Nobody here is real.\n" * 100),
    File("EMPTY.TXT", b""),
    File("GONE.TXT", b"deleted, but still there " * 40, deleted=True),
]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextmanager
def opened(*paths: Path) -> Iterator[list[Part]]:
    parts = [Part(path.name, path.stat().st_size, os.open(path, os.O_RDONLY)) for path in paths]
    try:
        yield parts
    finally:
        for part in parts:
            os.close(part.descriptor)


def no_more(name: str) -> Part:
    raise FileNotFoundError(name)


def examine_image(path: Path, derived: Path, **settings: Any) -> Examination:
    run = results.start_run(derived, "AH/1", {})
    with opened(path) as (part,):
        return pipeline.examine_image(part, no_more, Request("AH/1", run, **settings))


class Tree:
    """A folder as the gate gives it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def files(self) -> Iterator[FoundFile | OSError]:
        descriptor = os.open(self._root, os.O_RDONLY)
        try:
            yield from walk_beneath(descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def reading(self, found: FoundFile) -> Iterator[Part]:
        if found.name.endswith("denied.txt"):
            raise PermissionError(13, "Permission denied")
        with opened(self._root / found.name) as (part,):
            yield Part(found.name, part.size, part.descriptor)


def examine_folder(root: Path, derived: Path, **settings: Any) -> Examination:
    run = results.start_run(derived, "AH/1", {})
    return trees.examine_tree(Tree(root), Request("AH/1", run, **settings))


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk.dd"
    path.write_bytes(image(FILES))
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "logs"
    (root / "old").mkdir(parents=True)
    (root / "auth.log").write_bytes(LOG)
    (root / "old" / "notes.txt").write_bytes(b"plain text\n")
    return root


def rows(query: Callable[..., Iterator[dict[str, Any]]], derived: Path, **chosen: Any) -> list[dict[str, Any]]:
    return list(query(results.current_runs(derived), Filter(**chosen)))


def by_path(derived: Path) -> dict[str, dict[str, Any]]:
    return {row["path"]: row for row in rows(queries.files, derived)}


def test_an_image_is_hashed_walked_typed_and_parsed(disk: Path, tmp_path: Path) -> None:
    found = examine_image(disk, tmp_path / "derived")
    whole = disk.read_bytes()
    assert found.media.digests == {name: hashlib.new(name, whole).hexdigest() for name in ("md5", "sha1", "sha256")}
    assert [(part.name, part.sha256) for part in found.container] == [("disk.dd", sha256(whole))]
    files = by_path(tmp_path / "derived")
    assert files["LETTER.TXT"]["sha256"] == sha256(FILES[1].content)
    assert files["LETTER.TXT"]["md5"] == hashlib.md5(FILES[1].content).hexdigest()
    assert files["LETTER.TXT"]["mime"] == "text/plain"
    assert files["EMPTY.TXT"]["sha256"] == sha256(b"")
    gone = files["_ONE.TXT"]
    assert (gone["allocated"], gone["sha256"]) == (False, sha256(FILES[3].content))
    assert found.counts["artefacts"] == 20
    assert len(rows(queries.timeline, tmp_path / "derived", kinds=("syslog",))) == 20
    assert not (found.run / "parts").exists()


def test_the_same_image_gives_the_same_bytes(disk: Path, tmp_path: Path) -> None:
    first, *others = (
        examine_image(disk, tmp_path / name, jobs=jobs) for name, jobs in (("a", 1), ("b", 1), ("c", 2), ("d", 4))
    )
    for other in others:
        for name in (*(f"{table}.parquet" for table in results.TABLES), results.MANIFEST):
            assert (first.run / name).read_bytes() == (other.run / name).read_bytes(), name
        assert first.result_digests == other.result_digests
    assert first.result_digests["files.parquet"] == sha256((first.run / "files.parquet").read_bytes())


def test_every_file_has_a_row_for_the_custody_manifest(disk: Path, tmp_path: Path) -> None:
    found = examine_image(disk, tmp_path / "derived")
    outcomes = {row[1]: (row[4], row[5], row[6]) for row in manifest_rows(found.run)}
    assert outcomes["AUTH.LOG"] == ("content", str(len(LOG)), sha256(LOG))
    assert outcomes["$OrphanFiles"] == ("metadata", "0", "")
    assert len(outcomes) == found.counts["files"]


def test_a_declared_zone_moves_local_times_and_says_so(disk: Path, tmp_path: Path) -> None:
    examine_image(disk, tmp_path / "plain")
    examine_image(disk, tmp_path / "zoned", zone=ZoneInfo("Europe/Belgrade"))
    plain, zoned = (by_path(tmp_path / name)["LETTER.TXT"] for name in ("plain", "zoned"))
    assert listing.file_json(plain)["modified"] == "2026-03-01T10:20:30.000000000Z"
    assert listing.file_json(zoned)["modified"] == "2026-03-01T09:20:30.000000000Z"
    assert (plain["clock"], zoned["clock"]) == ("unknown", "declared")
    lines = rows(queries.timeline, tmp_path / "zoned", kinds=("syslog",))
    assert listing.event_json(lines[0])["at"] == "2026-03-01T09:00:00.000000000Z"


def test_an_image_cut_off_has_problems_and_no_digest_of_what_is_missing(disk: Path, tmp_path: Path) -> None:
    data = image([File("BIG.BIN", b"x" * 40_000)])
    disk.write_bytes(data[: 512 * 40])
    found = examine_image(disk, tmp_path / "derived")
    cut = by_path(tmp_path / "derived")["BIG.BIN"]
    assert cut["outcome"] in ("partial", "failed")
    assert cut["sha256"] is None
    assert cut["problem"]
    assert found.counts["problems"] >= 1
    assert "BIG.BIN" in {row["path"] for row in rows(queries.problems, tmp_path / "derived")}


def test_bytes_that_are_no_file_system_are_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "raw.bin").write_bytes(b"\0" * 4096)
    found = examine_image(tmp_path / "raw.bin", tmp_path / "derived")
    assert [volume.filesystem for volume in found.volumes] == [""]
    assert found.volumes[0].problem
    assert [row["reason"] for row in rows(queries.problems, tmp_path / "derived")] == [found.volumes[0].problem]
    assert found.counts["files"] == 0


def test_a_folder_is_examined_without_following_links_or_opening_pipes(tree: Path, tmp_path: Path) -> None:
    (tree / "loop").symlink_to(tree)
    os.mkfifo(tree / "pipe")
    (tree / "denied.txt").write_bytes(b"secret")
    (tree / os.fsdecode(b"bad\xff.txt")).write_bytes(b"named in no encoding")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tree / "s"))
        found = examine_folder(tree, tmp_path / "derived")
    files = by_path(tmp_path / "derived")
    assert {path: row["type"] for path, row in files.items()} == {
        "auth.log": "file",
        "bad\\xff.txt": "file",
        "denied.txt": "file",
        "loop": "link",
        "old": "directory",
        "old/notes.txt": "file",
        "pipe": "fifo",
        "s": "socket",
    }
    assert files["bad\\xff.txt"]["raw_path"] == b"bad\xff.txt"
    assert files["bad\\xff.txt"]["sha256"] == sha256(b"named in no encoding")
    assert (files["denied.txt"]["outcome"], files["pipe"]["outcome"]) == ("failed", "metadata")
    assert [row["path"] for row in rows(queries.problems, tmp_path / "derived")] == ["denied.txt"]
    assert found.counts["artefacts"] == 20
    lines = [(b"auth.log", LOG), (b"bad\xff.txt", b"named in no encoding"), (b"old/notes.txt", b"plain text\n")]
    printed = b"".join(sha256(data).encode() + b"  " + name + b"\n" for name, data in lines)
    assert (found.media.basis, found.media.digests) == ("listing", {"sha256": sha256(printed)})


def test_a_folder_of_many_files_holds_few_open(tmp_path: Path) -> None:
    root = tmp_path / "many"
    root.mkdir()
    for number in range(700):
        (root / f"{number:04d}").write_bytes(b"%d" % number)
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    most = 0

    def listen(_: Progress) -> None:
        nonlocal most
        most = max(most, len(list(Path("/proc/self/fd").iterdir())))

    examine_folder(root, tmp_path / "derived", listener=listen)
    files = by_path(tmp_path / "derived")
    assert [files[f"{n:04d}"]["sha256"] for n in range(700)] == [sha256(b"%d" % n) for n in range(700)]
    assert most - open_before < 2 * 128 + 64
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


def test_a_single_log_has_the_three_digests_of_its_bytes(tree: Path, tmp_path: Path) -> None:
    run = results.start_run(tmp_path / "derived", "AH/1", {})
    with opened(tree / "auth.log") as parts:
        assert pipeline.is_log(parts[0])
        found = trees.examine_tree(folder.LooseFiles(parts), Request("AH/1", run))
    assert found.media == Media(
        "file", len(LOG), 0, {name: hashlib.new(name, LOG).hexdigest() for name in ("md5", "sha1", "sha256")}
    )
    assert [part.sha256 for part in found.container] == [sha256(LOG)]
    assert found.counts["events"] == 20 + 3


def test_an_image_is_no_log(disk: Path, tmp_path: Path) -> None:
    with opened(disk) as (part,):
        assert not pipeline.is_log(part)
    for name, is_archive in (("a.txt", True), ("container.description", False)):  # the second is how AFF4 begins
        with zipfile.ZipFile(tmp_path / "file.zip", "w") as archive:
            archive.writestr(name, "contents")
        with opened(tmp_path / "file.zip") as (part,):
            assert pipeline.is_log(part) is is_archive


def test_progress_reaches_all_of_all(disk: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    examine_image(disk, tmp_path / "derived", listener=told.append)
    assert {one.stage for one in told} >= {"names", "contents", "results"}
    assert told[-1].done == told[-1].total > disk.stat().st_size
    assert all(before.done <= after.done for before, after in pairwise(told))


def test_ctrl_c_completes_no_run(disk: Path, tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.stage == "contents":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        examine_image(disk, tmp_path / "derived", listener=interrupt)
    assert [run.complete for run in results.runs(tmp_path / "derived")] == [False]
    assert results.current_runs(tmp_path / "derived") == []


def test_results_that_cannot_be_written_end_the_run_with_one_line(disk: Path, tmp_path: Path) -> None:
    run = results.start_run(tmp_path / "derived", "AH/1", {})
    shutil.rmtree(run)
    run.write_text("in the way")
    with opened(disk) as (part,), pytest.raises(results.ResultsError, match="cannot be made"):
        pipeline.examine_image(part, no_more, Request("AH/1", run))


class _Broken:
    name, version, kinds = "broken", "1", ("broken.line",)

    def accepts(self, head: bytes, name: str) -> bool:
        return True

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        yield Artefact("broken.line", source.location, {}, {}, self.name, self.version)
        raise IndexError("list index out of range")


def one_file(tmp_path: Path, data: bytes, monkeypatch: pytest.MonkeyPatch, read_at: Any = None) -> Any:
    """Examine one file in this process with a parser that fails."""
    monkeypatch.setattr(examine, "parser_for", lambda head, name, mappings=(): _Broken())
    job = Job("AH/1", None, tmp_path)
    entry = FileEntry(Location("AH/1", "0", "a/log"), "file", True, len(data))
    with Findings(job, "unit") as findings:
        content = examine.examine_entry(
            job,
            entry,
            lambda _: (len(data), read_at or (lambda at, n: data[at : at + n])),
            lambda entry, name: None,
            findings,
        )
    return content, list(results.batches(tmp_path / "unit.problems")), tmp_path / "unit.artefacts"


def test_a_parsers_defect_costs_its_file_and_keeps_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, problems, artefacts = one_file(tmp_path, b"data", monkeypatch)
    assert content.sha256 == sha256(b"data")
    assert problems[0]["reason"].to_pylist() == ["the broken parser failed: IndexError: list index out of range"]
    assert problems[0]["path"].to_pylist() == ["a/log"]
    assert artefacts.exists()


def test_a_file_that_stops_in_the_middle_is_partial_and_has_no_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_at(offset: int, length: int) -> bytes:
        if offset >= examine.BLOCK:
            raise ExaminationError("bad sector")
        return b"x" * length

    content, problems, _ = one_file(tmp_path, b"x" * (3 << 20), monkeypatch, read_at)
    assert (content.outcome, content.read_bytes, content.sha256) == ("partial", 1 << 20, None)
    assert "read 1048576 of 3145728 bytes: bad sector" in problems[0]["reason"].to_pylist()


@pytest.mark.parametrize(
    ("kind", "allocated", "reallocated", "size", "stream", "attribute", "expected"),
    [
        ("file", True, False, 0, "", "", True),
        ("file", False, False, 9, "", "", True),
        ("file", False, False, 0, "", "", False),
        ("file", False, True, 9, "", "", False),
        ("directory", True, False, 9, "", "", False),
        ("directory", True, False, 9, "note", "128-4", True),
        ("directory", True, False, 9, "$I30", "144-2", False),
        ("link", True, False, 9, "", "", False),
        ("virtual", True, False, 9, "", "", False),
    ],
)
def test_what_has_contents_of_its_own(
    kind: str, allocated: bool, reallocated: bool, size: int, stream: str, attribute: str, expected: bool
) -> None:
    place = Location("AH/1", "0", "name", stream=stream)
    entry = FileEntry(place, kind, allocated, size, reallocated=reallocated, attribute=attribute)
    assert readable(entry) is expected


def deadly(monkeypatch: pytest.MonkeyPatch, function: Any, fails: Callable[..., UnitFailedError | None]) -> None:
    """Make units of one function fail as the engine says it when a child dies."""
    submit = WorkerPool.submit

    def failing(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        error = fails(*args) if fn is function else None
        if error is None:
            return submit(self, fn, *args, **kwargs)
        future = submit(self, dict)
        future.exception(30)
        future._exception = error  # the engine's own way is tested with the engine
        return future

    monkeypatch.setattr(WorkerPool, "submit", failing)


def test_a_file_that_workers_die_of_costs_that_file(
    disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(job: Job, volume: Volume, group: str, skip: dict[int, str]) -> UnitFailedError | None:
        return None if 1 in skip else UnitFailedError("no progress for 60 s", 1, "LETTER.TXT")

    deadly(monkeypatch, units.contents_unit, fails)
    found = examine_image(disk, tmp_path / "derived")
    files = by_path(tmp_path / "derived")
    assert files["LETTER.TXT"]["outcome"] == "unknown"
    assert "no progress for 60 s" in files["LETTER.TXT"]["problem"]
    assert files["AUTH.LOG"]["sha256"] == sha256(LOG)
    assert found.counts["problems"] == 1


def test_a_group_that_keeps_killing_workers_is_given_up_and_said(
    disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly(monkeypatch, units.contents_unit, lambda *_: UnitFailedError("ended by SIGSEGV", -1))
    examine_image(disk, tmp_path / "derived")
    files = by_path(tmp_path / "derived")
    assert {row["outcome"] for row in files.values() if row["type"] == "file"} == {"unknown"}
    assert files["$OrphanFiles"]["outcome"] == "metadata"
    assert "ended by SIGSEGV" in rows(queries.problems, tmp_path / "derived")[0]["reason"]


def test_a_listing_that_hangs_keeps_the_names_before(
    disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(job: Job, volume: Volume, limit: int | None = None) -> UnitFailedError | None:
        return UnitFailedError("no progress for 60 s", 2, "LETTER.TXT") if limit is None else None

    deadly(monkeypatch, units.walk_unit, fails)
    examine_image(disk, tmp_path / "derived")
    assert sorted(by_path(tmp_path / "derived")) == ["AUTH.LOG", "LETTER.TXT"]
    reasons = [row["reason"] for row in rows(queries.problems, tmp_path / "derived")]
    assert reasons == ["libtsk gave no answer after 2 names: no progress for 60 s"]


def test_a_medium_libtsk_hangs_on_is_one_volume_with_the_reason(
    disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly(monkeypatch, units.volumes_unit, lambda *_: UnitFailedError("no progress for 60 s"))
    found = examine_image(disk, tmp_path / "derived")
    assert found.volumes[0].problem == "libtsk gave no answer: no progress for 60 s"
    assert found.media.digests["sha256"] == sha256(disk.read_bytes())


def test_files_that_claim_more_than_the_medium_holds_are_not_read(
    disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "CLAIM_FACTOR", 0)
    monkeypatch.setattr(pipeline, "CLAIM_FLOOR", 100)
    examine_image(disk, tmp_path / "derived")
    assert "claim over 100 bytes together" in rows(queries.problems, tmp_path / "derived")[0]["reason"]


def test_stored_digests_that_differ_are_told() -> None:
    media = Media("ewf", 1, 512, {"md5": "aa", "sha1": "bb"}, stored={"md5": "AA", "sha1": "cc", "sha256": "d"})
    assert media.mismatches() == [("sha1", "cc", "bb")]
    assert json.dumps(media.json_object())


def test_units_do_their_work_in_any_process(disk: Path, tmp_path: Path) -> None:
    job = Job("AH/1", None, tmp_path)
    with opened(disk) as parts:
        units.prepare_image(tuple(parts))
        volume = Volume(**units.volumes_unit(job)["volumes"][0])
        assert (volume.offset, volume.filesystem) == (0, "FAT12")
        assert units.walk_unit(job, volume, 2)["groups"][0]["rows"] == 2
        listed = units.walk_unit(job, volume)["groups"]
        assert [group["readable"] for group in listed] == [4]
        counts = units.contents_unit(job, volume, listed[0]["name"], {1: "a worker died of it"})
    assert counts == {"artefacts": 20, "problems": 1}
    outcomes = next(iter(results.batches(tmp_path / f"{listed[0]['name']}.contents")))["outcome"].to_pylist()
    assert outcomes[:4] == ["content", "unknown", "content", "content"]


def test_a_volume_that_does_not_open_is_a_problem_of_its_listing(disk: Path, tmp_path: Path) -> None:
    disk.write_bytes(b"\0" * 4096)
    with opened(disk) as parts:
        units.prepare_image(tuple(parts))
        assert units.walk_unit(Job("AH/1", None, tmp_path), Volume("0", 0, 4096, "", "", "NTFS")) == {
            "groups": [],
            "problems": 1,
            "reader": "libtsk",
            "remark": "",
            "left_out": None,
        }
    reason = next(iter(results.batches(tmp_path / "walk-0.problems")))["reason"].to_pylist()[0]
    assert reason.startswith("the listing ended after 0 names")


def test_a_segment_that_was_not_granted_is_not_there(disk: Path) -> None:
    first = disk.with_name("disk.001")
    disk.rename(first)
    with opened(first) as parts:
        units.prepare_image(tuple(parts))


def database(folder: Path, between: int) -> None:
    """A database whose second row stands in its write-ahead log; `between` other files lie between both."""
    folder.mkdir()
    with closing(sqlite3.connect(folder / "db")) as made:
        made.execute("PRAGMA journal_mode=wal")
        made.execute("CREATE TABLE t (a)")
        made.execute("INSERT INTO t VALUES (1)")
        made.commit()
        made.execute("PRAGMA wal_checkpoint(truncate)")
        made.execute("INSERT INTO t VALUES (2)")
        made.commit()
        shutil.copy(folder / "db", folder / "kept")
        shutil.copy(folder / "db-wal", folder / "kept-wal")
    for name in ("db", "db-wal", "db-shm"):
        (folder / name).unlink(missing_ok=True)
    for number in range(between):
        (folder / f"kept {number:03d}").write_text("x")


@pytest.mark.parametrize("between", [0, 120, 127, 130])
def test_a_database_is_read_with_the_log_beside_it_also_of_another_group(between: int, tmp_path: Path) -> None:
    database(tmp_path / "files", between)
    examine_folder(tmp_path / "files", tmp_path / "derived")
    run = next((tmp_path / "derived").iterdir())
    (row,) = [row for batch in results.batches(run / "artefacts.parquet") for row in batch.to_pylist()]
    assert dict(row["fields"]) == {"tables": "1", "rows.t": "2", "write_ahead_log": "applied"}
    assert [row for batch in results.batches(run / "problems.parquet") for row in batch.to_pylist()] == []
