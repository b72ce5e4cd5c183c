from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from custody.access import Part
from forensics.engine import Limits, UnitFailedError, WorkerPool, preparation
from forensics.model import ExaminationError

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))


@pytest.fixture
def part(tmp_path: Path) -> Iterator[Part]:
    path = tmp_path / "evidence"
    path.write_bytes(b"evidence")
    descriptor = os.open(path, os.O_RDONLY)
    yield Part("evidence", 8, descriptor)
    os.close(descriptor)


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_call_gives_its_answer_and_the_child_stays() -> None:
    import engine_calls as calls

    with WorkerPool() as pool:
        first, second = (pool.submit(calls.echo, {"n": n}).result(30) for n in (1, 2))
    assert [first["value"], second["value"]] == [{"n": 1}, {"n": 2}]
    assert first["pid"] == second["pid"] != os.getpid()
    assert not alive(first["pid"])


def test_parts_travel_as_descriptors_and_are_closed_after_the_call(part: Part) -> None:
    import engine_calls as calls

    with WorkerPool() as pool:
        answers = [pool.submit(calls.read, part).result(30) for _ in range(3)]
        many = pool.submit(calls.read_all, [part] * 450).result(30)
    assert {answer["data"] for answer in answers} == {"evid"}
    assert len({answer["open"] for answer in answers}) == 1
    assert many["data"] == "e" * 450


def test_what_the_initializer_is_given_stays_open_also_for_a_replaced_child(part: Part) -> None:
    import engine_calls as calls

    with WorkerPool(1, preparation(calls.keep, part)) as pool:
        assert pool.submit(calls.read_kept).result(30)["data"] == "evid"
        with pytest.raises(UnitFailedError):
            pool.submit(calls.die).result(30)
        assert pool.submit(calls.read_kept).result(30)["data"] == "evid"


def test_a_child_gets_no_secret_and_loads_nothing_of_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    import engine_calls as calls

    monkeypatch.setenv("EVIKIT_PASSPHRASE", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with WorkerPool() as pool:
        seen = pool.submit(calls.surroundings).result(30)
    assert "secret" not in seen["environment"].values()
    assert not [name for name in seen["environment"] if name.startswith("EVIKIT")]
    assert seen["environment"]["TZ"] == "UTC"
    assert seen["folder"] == "/"
    assert seen["heavy"] == []


def test_a_stuck_call_is_stopped_and_put_down_to_its_object() -> None:
    import engine_calls as calls

    with WorkerPool(limits=Limits(stall_seconds=2)) as pool:
        with pytest.raises(UnitFailedError, match=r"no progress for 2") as failure:
            pool.submit(calls.spin).result(30)
        assert (failure.value.mark, failure.value.path) == (7, "the/stuck one")
        assert pool.submit(calls.echo, 1).result(30)["value"] == 1


def test_reading_the_same_bytes_for_ever_is_no_progress() -> None:
    import engine_calls as calls

    with WorkerPool(limits=Limits(stall_seconds=2)) as pool, pytest.raises(UnitFailedError, match="no progress"):
        pool.submit(calls.spin_reading, 20_000).result(30)


def test_slow_is_not_stuck() -> None:
    import engine_calls as calls

    with WorkerPool(limits=Limits(stall_seconds=2)) as pool:
        assert pool.submit(calls.crawl, 25).result(30) == {"steps": 25}


def test_a_call_that_never_ends_is_stopped_although_it_gets_somewhere() -> None:
    import engine_calls as calls

    with (
        WorkerPool(limits=Limits(call_seconds=2)) as pool,
        pytest.raises(UnitFailedError, match=r"not done after 2"),
    ):
        pool.submit(calls.crawl, 600).result(30)


def test_a_call_that_needs_too_much_memory_costs_that_call() -> None:
    import engine_calls as calls

    with WorkerPool(limits=Limits(memory_bytes=256 << 20)) as pool:
        with pytest.raises(UnitFailedError, match="more than 256 MiB of memory") as failure:
            pool.submit(calls.devour, 1 << 30).result(30)
        assert (failure.value.mark, failure.value.path) == (4, "glutton")
        assert pool.submit(calls.devour, 1 << 20).result(30) == {"size": 1 << 20}


def test_a_child_that_dies_costs_one_call_with_its_reason() -> None:
    import engine_calls as calls

    with WorkerPool() as pool:
        futures = [pool.submit(call) for call in (calls.die, calls.fail, calls.answer_nonsense)]
        reasons = [str(future.exception(30)) for future in futures]
        assert pool.submit(calls.echo, 5).result(30)["value"] == 5
    assert reasons[0] == "the worker was ended by SIGSEGV"
    assert reasons[1] == "the worker ended with status 1: ValueError: a line that says why"
    assert reasons[2].startswith("the worker's answer makes no sense")


def test_a_call_whose_child_died_once_is_tried_again(tmp_path: Path) -> None:
    import engine_calls as calls

    with WorkerPool() as pool:
        assert pool.submit(calls.die_once, str(tmp_path / "trace")).result(30) == {"survived": True}


def test_what_cannot_travel_is_refused_at_once() -> None:
    with WorkerPool() as pool, pytest.raises(Exception, match="pickle"):
        pool.submit(lambda: None)


def test_a_pool_that_is_shut_down_takes_no_calls() -> None:
    pool = WorkerPool()
    pool.shutdown()
    with pytest.raises(RuntimeError):
        pool.submit(dict)


def test_there_is_no_pool_without_workers() -> None:
    with pytest.raises(ExaminationError, match="0 workers"):
        WorkerPool(0)


def test_ctrl_c_ends_the_children_at_once() -> None:
    import engine_calls as calls

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), WorkerPool() as pool:  # noqa: PT012
        pid = pool.submit(calls.surroundings).result(30)["pid"]
        running, waiting = pool.submit(calls.spin), pool.submit(calls.echo, 1)
        raise KeyboardInterrupt
    assert time.monotonic() - began < 10
    assert not alive(pid)
    assert running.done()
    assert waiting.cancelled()


def test_children_die_with_a_killed_parent() -> None:
    code = f"""
    import sys, time
    sys.path.insert(0, {str(HERE)!r})
    import engine_calls as calls
    from forensics.engine import WorkerPool
    pool = WorkerPool()
    print(pool.submit(calls.surroundings).result()["pid"], flush=True)
    pool.submit(calls.spin)
    time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(child)


def test_beats_tell_what_children_are_at() -> None:
    import engine_calls as calls

    with WorkerPool() as pool:
        future = pool.submit(calls.crawl, 3)
        seen = set()
        while not future.done():
            seen |= {beat.path for beat in pool.beats()}
            time.sleep(0.01)
        assert {"0", "1", "2"} <= seen
        assert pool.beats()[0].files == 3
