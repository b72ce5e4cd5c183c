"""A stopped examination goes on where it was, and its results are those of an undisturbed one, byte for byte."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from forensics import results
from forensics.examine import pipeline, trees
from forensics.examine.request import Examination, Progress, Request
from forensics.examine.resume import UnitLog
from tests.forensics.fat12 import image
from tests.forensics.test_examine import FILES, LOG, Tree, no_more, opened

STAGES = ("volumes", "names", "contents", "digests", "results")


def examined(path: Path, run: Path, **settings: Any) -> Examination:
    with opened(path) as (part,):
        return pipeline.examine_image(part, no_more, Request("AH/1", run, **settings))


def bytes_of(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.iterdir() if path.name != results.STARTED}


def stopping_at(stage: str) -> Any:
    def listener(progress: Progress) -> None:
        if progress.stage == stage:
            raise KeyboardInterrupt

    return listener


@pytest.mark.parametrize("stage", STAGES)
def test_an_image_goes_on_from_every_stage(stage: str, tmp_path: Path) -> None:
    disk = tmp_path / "disk.dd"
    disk.write_bytes(image(FILES))
    whole = results.start_run(tmp_path / "whole", "AH/1", {})
    examined(disk, whole)
    run = results.start_run(tmp_path / "derived", "AH/1", {})
    with pytest.raises(KeyboardInterrupt):
        examined(disk, run, listener=stopping_at(stage))
    assert results.stopped_run(tmp_path / "derived", "AH/1", {}) == run
    again = examined(disk, run, resume=True)
    assert bytes_of(run) == bytes_of(whole)
    assert results.stopped_run(tmp_path / "derived", "AH/1", {}) is None
    if stage in ("digests", "results"):
        assert again.units_kept == 3  # volumes, names, the one group of files


def test_a_folder_goes_on_and_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    root = tmp_path / "logs"
    root.mkdir()
    (root / "auth.log").write_bytes(LOG)
    run = results.start_run(tmp_path / "derived", "AH/1", {})
    with pytest.raises(KeyboardInterrupt):
        trees.examine_tree(Tree(root), Request("AH/1", run, listener=stopping_at("results")))
    (root / "auth.log").write_bytes(LOG + LOG)
    os.utime(root / "auth.log", (2_100_000_000, 2_000_000_000))  # so that reading does not move the access time
    trees.examine_tree(Tree(root), Request("AH/1", run, resume=True))
    whole = results.start_run(tmp_path / "whole", "AH/1", {})
    trees.examine_tree(Tree(root), Request("AH/1", whole))
    assert bytes_of(run) == bytes_of(whole)


def test_other_settings_are_another_run(tmp_path: Path) -> None:
    run = results.start_run(tmp_path, "AH/1", {"zone": "UTC"})
    assert results.stopped_run(tmp_path, "AH/1", {"zone": "UTC"}) == run
    assert results.stopped_run(tmp_path, "AH/1", {"zone": ""}) is None
    assert results.stopped_run(tmp_path, "AH/2", {"zone": "UTC"}) is None


@pytest.mark.parametrize("kept", [b"", b"{", b"[]", b'{"basis": "x", "answer": {}}', b'{"basis": "", "answer": 1}'])
def test_an_answer_that_is_cut_or_of_other_work_is_not_taken(tmp_path: Path, kept: bytes) -> None:
    (tmp_path / "walk-0.done").write_bytes(kept)
    log = UnitLog(tmp_path)
    with ThreadPoolExecutor(1) as pool:
        assert log.submit(pool, "walk-0", None, lambda: {"groups": 1}).result() == {"groups": 1}
    assert log.kept == 0
    with ThreadPoolExecutor(1) as pool:
        again: Future[dict[str, Any]] = UnitLog(tmp_path).submit(pool, "walk-0", None, lambda: {"groups": 2})
        assert again.result() == {"groups": 1}


def test_a_unit_that_failed_is_run_again(tmp_path: Path) -> None:
    def fail() -> dict[str, Any]:
        raise OSError

    log = UnitLog(tmp_path)
    with ThreadPoolExecutor(1) as pool, pytest.raises(OSError):  # noqa: PT011 - the one it raised
        log.submit(pool, "walk-0", None, fail).result()
    assert not list(tmp_path.iterdir())
