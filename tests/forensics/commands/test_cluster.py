"""Units on a cluster: a real scheduler and two workers on the loopback address, one of them killed while it works."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from custody.access import Part
from forensics.engine import DEFAULT_LIMITS, Limits, UnitFailedError, UnitRefusedError, preparation
from forensics.engine.cluster import ClusterError, ClusterPool, SharedFile
from forensics.examine.tools import tool_versions
from tests.console import Lab
from tests.forensics import engine_calls as calls

_SCHEDULER = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show")
_WORKER = ("distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")


@contextmanager
def program(*words: str, until: str) -> Iterator[tuple[subprocess.Popen[bytes], re.Match[str]]]:
    """A program of Dask, when its log says what `until` looks for."""
    with tempfile.TemporaryDirectory() as place, tempfile.NamedTemporaryFile() as log:
        paths = os.pathsep.join(path for path in sys.path if path)
        running = subprocess.Popen(
            [sys.executable, "-m", *words], stdout=log, stderr=log, cwd=place, env={**os.environ, "PYTHONPATH": paths}
        )
        try:
            for _ in range(600):
                found = re.search(until, Path(log.name).read_text("utf-8", "replace"))
                if found:
                    break
                with pytest.raises(subprocess.TimeoutExpired):
                    running.wait(0.1)
            assert found, Path(log.name).read_text("utf-8", "replace")
            yield running, found
        finally:
            running.kill()
            running.wait()


@contextmanager
def scheduler() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with program(*_SCHEDULER, until=r"Scheduler at: +(tcp://127\.0\.0\.1:\d+)") as (running, found):
        yield running, found[1]


@contextmanager
def worker(address: str) -> Iterator[subprocess.Popen[bytes]]:
    with program(*_WORKER, address, until="Registered to") as (running, _):
        yield running


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler's address and two workers; the last test ends one of them."""
    with scheduler() as (_, address), worker(address) as one, worker(address) as other:
        yield address, [one, other]


@contextmanager
def evidence(folder: Path) -> Iterator[Part]:
    path = folder / "evidence.bin"
    path.write_bytes(b"evidence")
    descriptor = os.open(path, os.O_RDONLY)
    yield Part(path.name, 8, descriptor)
    os.close(descriptor)


def pool_on(address: str, shared: Path, limits: Limits = DEFAULT_LIMITS, **more: Any) -> ClusterPool:
    return ClusterPool(
        address, more.get("prepare"), limits, shared=shared, versions=more.get("versions", tool_versions)
    )


def test_units_and_their_failures_are_what_they_are_here(
    pair: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    with (
        evidence(tmp_path) as part,
        pool_on(pair[0], tmp_path, Limits(stall_seconds=2), prepare=preparation(calls.keep, part)) as pool,
    ):
        assert pool.places == 2
        kept, lent = pool.submit(calls.read_kept), pool.submit(calls.read, part)
        assert (kept.result()["data"], lent.result()["data"]) == ("evid", "evid")
        with pytest.raises(UnitFailedError, match="no progress") as stuck:
            pool.submit(calls.spin).result()
        assert (stuck.value.mark, stuck.value.path) == (7, "the/stuck one")
        with pytest.raises(UnitFailedError, match="SIGSEGV"):
            pool.submit(calls.die).result()
        assert pool.submit(calls.read_kept).result()["data"] == "evid"


def test_another_file_at_the_same_path_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "evidence.bin"
    with evidence(tmp_path) as part:
        shared = SharedFile.of(part.descriptor)
    os.close(shared.open())
    other = tmp_path / "other"
    other.write_bytes(b"evidencE")
    os.utime(other, ns=(shared.modified, shared.modified))
    other.replace(path)
    with pytest.raises(ClusterError, match="another file"):
        shared.open()
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ClusterError, match="cannot open"):
        shared.open()


def test_a_cluster_that_does_not_fit_is_refused(
    pair: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ClusterError, match="has pid"):
        pool_on(pair[0], tmp_path, versions=process)
    monkeypatch.setattr("forensics.engine.cluster._CONNECT_SECONDS", 1)
    with pytest.raises(ClusterError, match="no scheduler answers"):
        pool_on("tcp://127.0.0.1:9", tmp_path)
    with pytest.raises(ClusterError, match="no scheduler answers"):
        pool_on("nonsense", tmp_path)


def test_a_cluster_that_is_lost_refuses_what_is_left(tmp_path: Path) -> None:
    with scheduler() as (running, address):
        with pytest.raises(ClusterError, match="no worker"):
            pool_on(address, tmp_path)
        with worker(address):
            pool = pool_on(address, tmp_path)
            waiting = pool.submit(calls.spin)
            running.kill()
            with pytest.raises(UnitRefusedError, match="cluster"):
                waiting.result(60)
            pool.shutdown(cancel_futures=True)


def process() -> dict[str, str]:
    return {"pid": str(os.getpid())}


def results_of(lab: Lab) -> dict[str, str]:
    (run,) = (lab.case / "derived").iterdir()
    return {name: facts["sha256"] for name, facts in json.loads((run / "manifest.json").read_bytes())["files"].items()}


def test_an_examination_is_the_same_though_a_worker_is_killed(
    pair: tuple[str, list[subprocess.Popen[bytes]]], lab: Lab, tmp_path: Path
) -> None:
    address, (_, victim) = pair
    for number in range(600):
        lab.put(f"logs/{number % 7}/{number}.log", b"Mar  9 02:02:11 mx01 sshd[7000]: session opened\n" * (number % 50))
    for path in lab.evidence.rglob("*.log"):
        path.read_bytes()  # the first reading may set the time of last access, which is listed
    here = lab.copied(tmp_path / "here")
    here.ingest("AH/1", lab.evidence / "logs")
    asked = ["ingest", str(lab.evidence / "logs"), "--exhibit", "AH/1", "--purpose", "find them", "--cluster", address]
    running = lab.start(*asked, "--json", "--json-progress")
    assert running.stderr is not None
    for line in running.stderr:
        if b'"stage": "contents"' in line:
            break
    os.kill(victim.pid, signal.SIGKILL)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    assert json.loads(out)["files"] == 607
    assert results_of(lab) == results_of(here)
    assert lab.run("ledger", "verify").code == 0


def test_passphrases_stay_here(lab: Lab) -> None:
    secrets = lab.put("secrets.txt", b"open sesame\n")
    words = ["--exhibit", "AH/1", "--purpose", "x", "--cluster", "tcp://127.0.0.1:9", "--passphrases", str(secrets)]
    lab.run("ingest", lab.stick(), *words).refused(1, "passphrases are not sent")
