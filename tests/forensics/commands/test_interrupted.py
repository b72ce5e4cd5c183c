"""`evikit ingest` cut short: by Ctrl-C, by a kill, by a full disk. What was recorded stands, the next command works."""

from __future__ import annotations

import hashlib
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.console import Lab, finished, wait_for
from tests.forensics.images import fat12

WORDS = ("--exhibit", "AH/1", "--purpose", "p")
SLOW = 1 << 30  # bytes of a sparse image: reading them takes longer than the test needs


@pytest.fixture
def slow(lab: Lab) -> Path:
    path = lab.put("big.raw", fat12())
    with path.open("r+b") as file:
        file.truncate(SLOW)
    return path


def reading(lab: Lab) -> bool:
    """Whether an examination is under way: its folder stands, so the begin is recorded and evidence is open."""
    return any((lab.case / "derived").glob("*/parts"))


def types(lab: Lab) -> list[str]:
    return [line["type"] for line in lab.log("--exhibit", "AH/1")]


def test_ctrl_c_records_a_partial_reading(lab: Lab, slow: Path) -> None:
    process = lab.start(
        "ingest", slow, *WORDS, prepare=lambda: signal.signal(signal.SIGINT, signal.default_int_handler)
    )
    wait_for(lambda: reading(lab))
    process.send_signal(signal.SIGINT)
    told = finished(process)
    assert told.code == 1, told
    assert "evikit: stopped." in told.err
    assert "Traceback" not in told.err
    assert types(lab) == ["exhibit.register", "access.begin", "access.end"]
    assert lab.log("--exhibit", "AH/1")[-1]["outcome"] == "partial"
    assert lab.run("ledger", "verify").code == 0
    lab.run("volumes").refused(1, "nothing has been examined yet")
    slow.write_bytes(fat12())
    assert lab.run("ingest", slow, *WORDS).code == 0


def test_a_kill_leaves_a_begin_that_is_noted(lab: Lab, slow: Path) -> None:
    process = lab.start("ingest", slow, *WORDS)
    wait_for(lambda: reading(lab))
    process.kill()
    process.communicate()
    assert types(lab) == ["exhibit.register", "access.begin"]
    told = lab.run("ledger", "verify", "--json")
    assert (told.code, told.json["verdict"]) == (0, "INTACT WITH NOTES")
    assert "open-access" in {item["kind"] for item in told.json["problems"]}
    slow.write_bytes(fat12())
    again = lab.run("ingest", slow, *WORDS, "--json")
    assert again.code == 0, again
    assert len(lab.run("volumes", "--json").lines) == 1
    assert types(lab)[-2:] == ["access.begin", "access.end"]


def test_a_killed_ingest_goes_on_and_the_ledger_tells_it(lab: Lab, slow: Path) -> None:
    process = lab.start("ingest", slow, *WORDS)
    wait_for(lambda: any((lab.case / "derived").glob("*/parts/volumes.done")))
    process.kill()
    process.communicate()
    stopped = lab.log("--exhibit", "AH/1")[-1]
    again = lab.run("ingest", slow, *WORDS, "--json")
    assert again.code in (0, 4), again
    assert again.json["run"] == "0001-AH-1"
    assert any("went on" in line for line in again.json["remarks"])
    begun = lab.log("--exhibit", "AH/1")[-2]
    assert (stopped["type"], begun["type"], begun["answers"]) == ("access.begin", "access.begin", [stopped["entry"]])
    paths = [line["path"] for line in lab.run("files", "--json").lines]
    assert len(paths) == len(set(paths))


def no_larger(limit: int) -> Callable[[], None]:
    def prepare() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return prepare


def test_no_room_for_the_ledger(lab: Lab) -> None:
    size = (lab.case / "ledger.sqlite").stat().st_size
    told = lab.program("ingest", lab.stick(), *WORDS, prepare=no_larger(size // 2))
    told.refused(1, "the ledger", "could not be written", "Free space")
    assert lab.run("ingest", lab.stick(), *WORDS).code == 0
    assert lab.run("ledger", "verify").code == 0


@pytest.fixture
def small_disk(lab: Lab) -> Iterator[Callable[[int], None]]:
    """The folder of results as a disk of its own, of so many KiB."""
    derived = lab.case / "derived"

    def mount(size: int) -> None:
        wanted = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "evikit-test", derived]
        if subprocess.run(wanted, capture_output=True, check=False).returncode != 0:
            pytest.skip("mount is not permitted here")

    yield mount
    subprocess.run(["umount", derived], capture_output=True, check=False)


@pytest.mark.parametrize("size", [4, 16, 32])
def test_no_room_for_the_results(size: int, lab: Lab, small_disk: Callable[[int], None]) -> None:
    small_disk(size)
    told = lab.run("ingest", lab.stick(), *WORDS)
    told.refused(1, "No space left on device", "room")
    assert lab.log("--exhibit", "AH/1")[-1]["outcome"] in ("failed", "partial")
    lab.run("files").refused(1, "nothing has been examined yet")
    subprocess.run(["umount", lab.case / "derived"], check=True)
    assert lab.run("ingest", lab.stick(), *WORDS).code == 0


def test_two_examinations_in_one_case_at_once(lab: Lab) -> None:
    both = [
        lab.start("ingest", lab.stick(f"{number}.raw"), "--exhibit", f"AH/{number}", "--purpose", "p", "--json")
        for number in range(2)
    ]
    told = [finished(process) for process in both]
    assert [one.code for one in told] == [0, 0], told
    assert {line["exhibit"] for line in lab.run("volumes", "--json").lines} == {"AH/0", "AH/1"}
    assert lab.run("ledger", "verify").code == 0


def result_digests(lab: Lab) -> dict[str, str]:
    (run,) = [run for run in (lab.case / "derived").iterdir() if (run / "files.parquet").exists()]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in run.glob("*.parquet")}


def test_killed_again_and_again_the_results_are_those_of_an_undisturbed_run(begun: Lab, tmp_path: Path) -> None:
    """The same command after every kill, one unit further each time; then all tables are equal byte by byte."""
    whole, hurt = begun.copied(tmp_path / "whole"), begun.copied(tmp_path / "hurt")
    image = hurt.put("disk.raw", fat12())
    with image.open("r+b") as file:
        file.truncate(SLOW // 4)
    assert whole.run("ingest", image, *WORDS).code == 0
    for stage in ("volumes.done", "walk-0.done", "walk-0-000000.done"):
        process = hurt.start("ingest", image, *WORDS, EVIKIT_JOBS="2")
        wait_for(
            lambda name=stage, running=process: (
                running.poll() is not None or any((hurt.case / "derived").glob(f"*/parts/{name}"))
            )
        )
        process.kill()
        process.communicate()
    told = hurt.run("ingest", image, *WORDS, EVIKIT_JOBS="2")
    assert told.code == 0 or "taken in already" in told.err, told
    assert result_digests(hurt) == result_digests(whole)
    assert hurt.run("ledger", "verify").code == 0
