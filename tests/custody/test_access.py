"""The gate: nothing opened before the intent stands, nothing handed out but what was announced, every end told."""

from __future__ import annotations

import errno
import os
import signal
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from custody import access
from custody.access import FoundFile, Part, Source, open_beneath, open_evidence, walk_beneath
from custody.ledger.entry import Json
from custody.ledger.errors import CustodyError, IntegrityError
from custody.manifest import read_manifest
from custody.target import Target


@dataclass
class Entry:
    leaf: bytes
    seen_root: bytes


@dataclass
class Notebook:
    """A recorder that keeps what it is told, and can fail."""

    entries: list[tuple[str, int, dict[str, Json], tuple[bytes, ...]]] = field(default_factory=list)
    fails_at: str = ""

    def record(self, kind: str, n: int, values: Mapping[str, Json], re: Sequence[bytes] = ()) -> Entry:
        if kind == self.fails_at:
            raise CustodyError("the disk is full")
        self.entries.append((kind, n, dict(values), tuple(re)))
        return Entry(bytes([len(self.entries)]) * 32, bytes(32))

    @property
    def end(self) -> dict[str, Any]:
        kind, _, values, re = self.entries[-1]
        assert kind == "access.end"
        assert re == (b"\1" * 32,)
        assert [entry[0] for entry in self.entries] == ["access.begin", "access.end"]
        return values


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    folder.mkdir()
    (folder / "disk.E01").write_bytes(b"first segment")
    (folder / "disk.E02").write_bytes(b"second")
    return folder


@contextmanager
def gate(notebook: Notebook, *paths: Path, target: Target | None = None) -> Iterator[Source]:
    place = target or Target.locate(paths)
    with open_evidence(
        notebook, 1, place, purpose="test", object_="media", settings={"a": "b"}, manifests=paths[0].parent / "receipts"
    ) as source:
        yield source


def held() -> set[str]:
    """Names of the evidence files this process has open."""
    links = [Path("/proc/self/fd") / name.name for name in Path("/proc/self/fd").iterdir()]
    return {path.resolve().name for path in links} & {"disk.E01", "disk.E02"}


# --- the way it should go --------------------------------------------------------------------------------


def test_the_intent_stands_before_and_the_outcome_after(notebook: Notebook, evidence: Path) -> None:
    with gate(notebook, evidence / "disk.E01") as source:
        ((kind, n, begin, _),) = notebook.entries
        assert (kind, n) == ("access.begin", 1)
        assert begin["purpose"] == "test"
        assert begin["settings"] == {"a": "b"}
        facts = os.lstat(evidence / "disk.E01")
        assert begin["identity"] == [
            {
                "name": "disk.E01", "device": str(facts.st_dev), "inode": str(facts.st_ino), "type": "-",
                "size": "13", "mtime_ns": str(facts.st_mtime_ns), "ctime_ns": str(facts.st_ctime_ns),
            }
        ]  # fmt: skip
        (first,) = source.parts
        assert first.read_at(6, 100) == b"segment"
        assert source.open("disk.E02").read_at(0, 6) == b"second"
        assert source.open("disk.E02") is source.open("disk.E02")
        assert source.open("disk.E01") is first
        assert source.names() == ["disk.E01", "disk.E02"]
        assert source.challenge == bytes(32)
        source.outcome.basis, source.outcome.read_bytes = "whole", 13
        source.outcome.values["media_digests"] = {"md5": "00"}
    end = notebook.end
    assert end["outcome"] == "completed"
    assert end["error"] is None
    assert (end["basis"], end["read_bytes"]) == ("whole", "13")
    assert end["parts"] == [{"name": "disk.E01", "size": "13"}, {"name": "disk.E02", "size": "6"}]
    assert [part["name"] for part in end["identity_after"]] == ["disk.E01", "disk.E02"]
    assert end["media_digests"] == {"md5": "00"}
    assert not held()


def test_evidence_is_opened_for_reading_only_and_not_inherited(notebook: Notebook, evidence: Path) -> None:
    with gate(notebook, evidence / "disk.E01") as source:
        descriptor = source.parts[0].descriptor
        assert not os.get_inheritable(descriptor)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(descriptor, b"x")


def test_what_was_not_read_is_said(notebook: Notebook, evidence: Path) -> None:
    with gate(notebook, evidence / "disk.E01"):
        pass
    assert (notebook.end["basis"], notebook.end["read_bytes"]) == ("none", None)


def test_a_partial_reading_is_said(notebook: Notebook, evidence: Path) -> None:
    with gate(notebook, evidence / "disk.E01") as source:
        source.outcome.partial = "bad sectors"
    assert (notebook.end["outcome"], notebook.end["error"]) == ("partial", "bad sectors")


def test_a_link_on_the_command_line_is_resolved_once_and_recorded(
    notebook: Notebook, evidence: Path, tmp_path: Path
) -> None:
    link = tmp_path / "by-id"
    link.symlink_to(evidence / "disk.E01")
    with gate(notebook, link) as source:
        assert source.parts[0].read_at(0, 5) == b"first"
    assert notebook.entries[0][2]["parts"] == [
        {"given": str(link), "path": str(evidence / "disk.E01"), "name": "disk.E01"}
    ]


def test_reading_across_the_end_is_short_and_reads_are_whole(
    notebook: Notebook, evidence: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, length, offset: pread(fd, min(length, 4), offset))  # short reads
    with gate(notebook, evidence / "disk.E01") as source:
        part = source.parts[0]
        assert part.read_at(0, 13) == b"first segment"
        assert part.read_at(13, 5) == part.read_at(99, 5) == part.read_at(0, 0) == b""


def test_access_times_are_left_alone_where_the_system_lets_us(evidence: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flags: list[int] = []
    true_open = os.open

    def denying_open(path: Any, flag: int, *args: Any, **named: Any) -> int:
        flags.append(flag)
        if flag & os.O_NOATIME:
            raise PermissionError(errno.EPERM, "not the owner")
        return true_open(path, flag, *args, **named)

    monkeypatch.setattr(os, "open", denying_open)
    root = true_open(evidence, os.O_RDONLY)
    descriptor, _ = open_beneath(root, "disk.E01")
    os.close(descriptor)
    os.close(root)
    assert [bool(flag & os.O_NOATIME) for flag in flags] == [True, False]
    assert all(flag & os.O_NOFOLLOW and flag & os.O_NONBLOCK and flag & os.O_CLOEXEC for flag in flags)
    assert all(flag & os.O_ACCMODE == os.O_RDONLY for flag in flags)


# --- nothing without a record ----------------------------------------------------------------------------


def test_a_begin_that_cannot_be_written_opens_nothing(evidence: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target.locate([evidence / "disk.E01"])
    opened: list[object] = []
    monkeypatch.setattr(os, "open", lambda *args, **_: opened.append(args))
    notebook = Notebook(fails_at="access.begin")
    with pytest.raises(CustodyError, match="disk is full"), gate(notebook, evidence / "disk.E01", target=target):
        pytest.fail("handed out")
    assert not opened
    assert not notebook.entries


def test_an_end_that_cannot_be_written_fails_loudly_and_leaves_nothing_open(evidence: Path) -> None:
    notebook = Notebook(fails_at="access.end")
    with pytest.raises(CustodyError, match="disk is full"), gate(notebook, evidence / "disk.E01"):
        pass
    assert not held()


def test_an_end_whose_values_cannot_be_held_still_ends_the_access(notebook: Notebook, evidence: Path) -> None:
    """An access left open reads "may have read everything" for ever: better say less."""
    refusals = [CustodyError("a field's value is too long")]
    record = notebook.record

    def refusing_once(kind: str, n: int, values: Mapping[str, Json], re: Sequence[bytes] = ()) -> Entry:
        if kind == "access.end" and refusals:
            raise refusals.pop()
        return record(kind, n, values, re)

    notebook.record = refusing_once  # type: ignore[method-assign]
    with pytest.raises(CustodyError, match="too long"), gate(notebook, evidence / "disk.E01"):
        pass
    assert notebook.end["outcome"] == "failed"
    assert "too long" in notebook.end["error"]
    assert not held()


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ValueError("a\nb"), "failed"),
        (KeyboardInterrupt(), "partial"),
        (SystemExit(3), "failed"),
        (ValueError("\udc80"), "failed"),
    ],
)
def test_whatever_stops_the_reading_the_end_is_told(
    notebook: Notebook, evidence: Path, error: BaseException, outcome: str
) -> None:
    def read() -> None:
        with gate(notebook, evidence / "disk.E01") as source:
            source.outcome.basis = "chunks"
            raise error

    with pytest.raises(type(error)):
        read()
    assert (notebook.end["outcome"], notebook.end["basis"]) == (outcome, "chunks")
    assert "\n" not in notebook.end["error"]
    notebook.end["error"].encode()
    assert not held()


def test_an_interrupt_from_the_keyboard_is_partial(notebook: Notebook, evidence: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is begun without it
    try:
        with pytest.raises(KeyboardInterrupt), gate(notebook, evidence / "disk.E01"):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (notebook.end["outcome"], notebook.end["error"]) == ("partial", "KeyboardInterrupt")


# --- exchanged between announcement and opening ----------------------------------------------------------


def refused(notebook: Notebook, target: Target, kind: type[CustodyError], said: str) -> None:
    with pytest.raises(kind, match=said) as caught, gate(notebook, target.root / "x", target=target):
        pytest.fail("handed out")
    assert "\n" not in str(caught.value)
    assert notebook.end["outcome"] == "failed"
    assert (notebook.end["read_bytes"], notebook.end["basis"]) == ("0", "none")
    assert said in notebook.end["error"]


def test_9_a_parent_folder_exchanged_between_begin_and_open(notebook: Notebook, evidence: Path, tmp_path: Path) -> None:
    target = Target.locate([evidence / "disk.E01"])
    other = tmp_path / "other"
    other.mkdir()
    (other / "disk.E01").write_bytes(b"first segment")
    evidence.rename(tmp_path / "aside")
    evidence.symlink_to(other)
    refused(notebook, target, CustodyError, "cannot be opened")
    evidence.unlink()
    other.rename(evidence)
    refused(Notebook(), target, IntegrityError, "exchanged or changed")


def test_9_a_folder_above_exchanged_for_a_link(notebook: Notebook, tmp_path: Path) -> None:
    """O_NOFOLLOW speaks of the last name only; the inode tells."""
    for name in ("case", "other"):
        (tmp_path / name / "evidence").mkdir(parents=True)
        (tmp_path / name / "evidence" / "disk.E01").write_bytes(b"first segment")
    target = Target.locate([tmp_path / "case" / "evidence" / "disk.E01"])
    (tmp_path / "case").rename(tmp_path / "aside")
    (tmp_path / "case").symlink_to(tmp_path / "other")
    refused(notebook, target, IntegrityError, "exchanged or changed")


@pytest.mark.parametrize("change", ["content", "size", "link", "fifo", "folder", "gone"])
def test_9_a_file_exchanged_between_begin_and_open(notebook: Notebook, evidence: Path, change: str) -> None:
    path = evidence / "disk.E01"
    target = Target.locate([path])
    if change == "content":
        path.rename(evidence / "aside")
        path.write_bytes(b"FIRST SEGMENT")
        os.utime(path, ns=(0, target.facts[0].st_mtime_ns))
    elif change == "size":
        with path.open("ab") as file:
            file.write(b"!")
    else:
        path.unlink()
        if change == "link":
            path.symlink_to(evidence / "disk.E02")
        elif change == "fifo":
            os.mkfifo(path)
        elif change == "folder":
            path.mkdir()
    said = {"link": "behind a link", "gone": "cannot be opened", "fifo": "neither a file", "folder": "neither a file"}
    kind = CustodyError if change in ("link", "gone") else IntegrityError
    refused(notebook, target, kind, said.get(change, "exchanged or changed"))


def test_a_folder_exchanged_between_begin_and_open(notebook: Notebook, evidence: Path, tmp_path: Path) -> None:
    target = Target.locate([evidence])
    evidence.rename(tmp_path / "aside")
    evidence.mkdir()
    refused(notebook, target, IntegrityError, "folder is not what was announced")


# --- further parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "disk.E03",
        "../secret",
        "sub/../../secret",
        "/etc/passwd",
        "",
        ".",
        "..",
        "disk.E01/x",
        "x" * 300,
        "a\0b",
        "\ud800",
        "sub/",
        "sub//disk",
    ],
)
def test_9_parts_that_are_not_there_or_outside_are_not_found(notebook: Notebook, evidence: Path, name: str) -> None:
    (evidence.parent / "secret").write_bytes(b"not evidence")
    (evidence / "sub").mkdir()
    with pytest.raises(FileNotFoundError), gate(notebook, evidence / "disk.E01") as source:
        source.open(name)
    assert notebook.end["parts"] == [{"name": "disk.E01", "size": "13"}]


def test_9_a_segment_that_is_a_link_leads_nowhere(notebook: Notebook, evidence: Path) -> None:
    (evidence / "disk.E02").unlink()
    (evidence / "disk.E02").symlink_to("/etc/passwd")
    with pytest.raises(IntegrityError, match="is a link"), gate(notebook, evidence / "disk.E01") as source:
        source.open("disk.E02")
    assert notebook.end["outcome"] == "failed"
    assert notebook.end["parts"] == [{"name": "disk.E01", "size": "13"}]


def test_9_a_segment_behind_a_linked_folder_leads_nowhere(notebook: Notebook, evidence: Path) -> None:
    (evidence / "sub").symlink_to("/etc")
    with pytest.raises(FileNotFoundError), gate(notebook, evidence / "disk.E01") as source:
        source.open("sub/passwd")
    assert notebook.end["parts"] == [{"name": "disk.E01", "size": "13"}]


@pytest.mark.parametrize("kind", ["fifo", "folder", "socket"])
def test_9_a_segment_that_is_no_file_is_not_even_opened(notebook: Notebook, evidence: Path, kind: str) -> None:
    import socket

    path = evidence / "disk.E02"
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(os.path.relpath(path))
    with pytest.raises(IntegrityError, match="neither a file"), gate(notebook, evidence / "disk.E01") as source:
        source.open("disk.E02")
    assert notebook.end["outcome"] == "failed"


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`locked("disk.E02")`: from now on that name may not be opened (root could open it all the same)."""
    true_open = os.open

    def lock(name: str) -> None:
        def denying_open(path: Any, *args: Any, **named: Any) -> int:
            if path == name:
                raise PermissionError(errno.EACCES, "Permission denied", path)
            return true_open(path, *args, **named)

        monkeypatch.setattr(os, "open", denying_open)

    return lock


def test_a_segment_that_may_not_be_read_is_told_in_one_line(
    notebook: Notebook, evidence: Path, locked: Callable[[str], None]
) -> None:
    locked("disk.E02")
    said = "disk.E02 cannot be opened: Permission denied"
    with pytest.raises(CustodyError, match=said), gate(notebook, evidence / "disk.E01") as source:
        source.open("disk.E02")
    assert notebook.end["error"] == said


def test_a_first_part_that_may_not_be_read_is_told_in_one_line(
    notebook: Notebook, evidence: Path, locked: Callable[[str], None]
) -> None:
    target = Target.locate([evidence / "disk.E01"])
    locked("disk.E01")
    refused(notebook, target, CustodyError, "Permission denied")


# --- changed while being read ----------------------------------------------------------------------------


def test_a_part_changed_while_being_read_is_told_after_the_end(notebook: Notebook, evidence: Path) -> None:
    def read() -> None:
        with gate(notebook, evidence / "disk.E01") as source:
            source.open("disk.E02")
            with (evidence / "disk.E02").open("ab") as file:
                file.write(b"!")

    with pytest.raises(IntegrityError, match="changed while being read"):
        read()
    assert notebook.end["outcome"] == "failed"
    assert [part["size"] for part in notebook.end["identity_after"]] == ["13", "7"]


# --- folders ---------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "logs"
    for name in ("b/syslog", "a/x/auth.log", "a/access.log", "z"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "link").symlink_to("/etc")
    Path(os.fsdecode(os.fsencode(root) + b"/\xff\xfe.log")).write_text("raw")
    return root


def test_a_folder_is_walked_without_following_links_in_the_order_of_bytes(notebook: Notebook, folder: Path) -> None:
    with gate(notebook, folder) as source:
        assert source.parts == []
        found = [item for item in source.files() if isinstance(item, FoundFile)]
        names = [os.fsencode(item.name) for item in found]
        assert names == [
            b"a", b"b", b"link", b"z", b"\xff\xfe.log", b"a/access.log", b"a/x", b"a/x/auth.log", b"b/syslog",
        ]  # fmt: skip
        for item in found:
            if stat.S_ISREG(item.facts.st_mode):
                with source.reading(item) as part:
                    assert part.size == len(part.read_at(0, 100)) > 0
                with pytest.raises(OSError, match="Bad file descriptor"):
                    part.read_at(0, 1)
        link = next(item for item in found if item.name == "link")
        with pytest.raises(OSError, match="is a link"), source.reading(link):
            pytest.fail("followed")
    assert notebook.end["outcome"] == "completed"


def test_a_file_exchanged_since_it_was_listed_is_not_read(notebook: Notebook, folder: Path) -> None:
    with gate(notebook, folder) as source:
        found = next(item for item in source.files() if isinstance(item, FoundFile) and item.name == "z")
        (folder / "z").write_text("another")
        with pytest.raises(OSError, match="exchanged or changed"), source.reading(found):
            pytest.fail("handed out")


def test_a_folder_that_refuses_is_one_error_and_the_walk_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true_list = access._list_beneath

    def denying_list(root: int, prefix: str) -> list[tuple[str, os.stat_result, str]]:
        if prefix == "a/":
            raise PermissionError(errno.EACCES, "Permission denied")
        return true_list(root, prefix)

    monkeypatch.setattr(access, "_list_beneath", denying_list)
    root = os.open(folder, os.O_RDONLY)
    found = list(walk_beneath(root))
    os.close(root)
    errors = [item for item in found if isinstance(item, OSError)]
    assert [error.filename for error in errors] == ["a/"]
    assert "b/syslog" in [item.name for item in found if isinstance(item, FoundFile)]


def test_a_bulk_reading_signs_for_every_file(notebook: Notebook, folder: Path, tmp_path: Path) -> None:
    rows = [("", "z", "7", "", "content", "1", "ab" * 32), ("", "é\n", "8", "", "failed", "0", "")]
    with gate(notebook, folder) as source:
        manifest = source.keep_manifest(rows)
    end = notebook.end
    assert end["manifest_size"] == "2"
    assert end["manifest_digest"] == {"sha256": manifest.digest}
    assert list(read_manifest(tmp_path / "receipts", (b"\1" * 32).hex(), manifest.digest)) == rows


def test_parts_serve_several_threads_at_once(notebook: Notebook, evidence: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    (evidence / "disk.E01").write_bytes(bytes(range(256)) * 4096)
    with gate(notebook, evidence / "disk.E01") as source, ThreadPoolExecutor(4) as pool:
        part: Part = source.parts[0]
        blocks = list(pool.map(lambda i: part.read_at(i * 1000, 1000), range(1048)))
    assert b"".join(blocks) == (bytes(range(256)) * 4096)[: 1048 * 1000]


def test_more_than_there_is_can_be_asked_for(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"0123456789")
    with (tmp_path / "part").open("rb") as file:
        part = Part("part", 10, file.fileno())
        assert part.read_at(4, 1 << 62) == b"456789"
        assert part.read_at(10, 1) == part.read_at(1 << 70, 1 << 70) == b""
