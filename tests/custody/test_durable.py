"""Files that survive a power cut: whole or as before, never in between."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from custody.durable import sync_folder, write_durably


def test_a_file_is_replaced_in_one_step_after_its_bytes_are_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, order = tmp_path / "head", list[str]()
    write_durably(path, b"first")
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(descriptor: int) -> None:
        order.append("sync")
        fsync(descriptor)

    def noted_replace(self: Path, target: Path) -> Path:
        order.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    write_durably(path, b"second")
    assert order == ["sync", "rename", "sync"]  # the bytes, the name, the folder that holds it
    assert path.read_bytes() == b"second"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "head"
    write_durably(path, b"first")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_durably(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_the_mode_can_be_chosen(tmp_path: Path) -> None:
    write_durably(tmp_path / "case.toml", b"", 0o644)
    assert (tmp_path / "case.toml").stat().st_mode & 0o777 == 0o644 & ~current_umask()


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_only_folders_are_synced(tmp_path: Path) -> None:
    sync_folder(tmp_path)
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(NotADirectoryError):
        sync_folder(path)
