"""The gate as the kernel sees it: system calls of `ingest`, `extract` and `verify`, and what their children hold."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.console import CONSOLE, PASSPHRASE, Lab, wait_for
from tests.forensics.images import e01, fat12

CALLS = "open,openat,openat2,creat,fsync,fdatasync,execve,pwrite64,write,sendmsg"
WRITING = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND")
BEGIN = r"\"type\":\"access.begin\""
WORKER = "forensics.engine.worker"
WHY = ("--purpose", "look at it")


@dataclass(frozen=True, slots=True)
class Call:
    """One traced call: who, which, and the rest of the line."""

    process: int
    name: str
    rest: str

    @property
    def failed(self) -> bool:
        return " = -1 " in self.rest

    def opens(self, names: tuple[str, ...]) -> bool:
        """Whether it opens (or tries to open) one of these evidence files, by its name or by any path."""
        if self.name not in ("open", "openat", "openat2", "creat"):
            return False
        return any(f'"{name}"' in self.rest or f'/{name}"' in self.rest for name in names)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    if shutil.which("strace") is None:
        if os.environ.get("EVIKIT_NO_SKIP") == "1":
            pytest.fail("strace is not installed, and EVIKIT_NO_SKIP is 1")
        pytest.skip("strace is not installed")
    lab = Lab(tmp_path_factory.mktemp("traced"))
    lab.begin()
    for number, data in enumerate(e01(fat12(), segments=2), 1):
        lab.put(f"disk.E{number:02d}", data)
    lab.logs()
    return lab


def traced(lab: Lab, *words: str | Path) -> list[Call]:
    log = lab.folder / "calls"
    tracer = ["strace", "--seccomp-bpf", "-f", "-y", "-v", "-s", "20000", "-e", f"trace={CALLS}", "-o", str(log)]
    done = subprocess.run(
        [*tracer, *CONSOLE, *map(str, words)], env=lab.environment({}), capture_output=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr.decode()
    return list(_calls(log))


def _calls(log: Path) -> Iterator[Call]:
    """The calls in the order in which they began; the halves of an interrupted line are put together."""
    waiting: dict[int, str] = {}
    for line in log.read_text("utf-8", "replace").splitlines():
        process, _, rest = line.partition(" ")
        number, rest = int(process), rest.strip()
        if rest.endswith("<unfinished ...>"):
            waiting[number] = rest.removesuffix("<unfinished ...>")
            continue
        if found := re.match(r"<\.\.\. \w+ resumed>", rest):
            rest = waiting.pop(number, "") + rest[found.end() :]
        if found := re.match(r"(\w+)\(", rest):
            yield Call(number, found[1], rest[found.end() :])


COMMANDS = {
    "ingest an image": (("ingest", "disk.E01", "--exhibit", "AH/1", *WHY), ("disk.E01", "disk.E02")),
    "ingest a folder": (("ingest", "logs", "--exhibit", "AH/2", *WHY), ("auth.log", "access.log")),
    "extract": (("extract", "AH/1", "HELLO.TXT", *WHY), ("disk.E01", "disk.E02")),
    "extract a log": (("extract", "AH/2", "auth.log", *WHY), ("auth.log",)),
    "verify": (("verify", "AH/1"), ("disk.E01", "disk.E02")),
    "verify a folder": (("verify", "AH/2"), ("auth.log", "access.log")),
}
"""What is run, in this order in one case, and the names under which its evidence is opened."""


@pytest.fixture(scope="module")
def traces(lab: Lab) -> dict[str, list[Call]]:
    def full(words: tuple[str, ...]) -> list[str | Path]:
        return [lab.evidence / word if word in ("disk.E01", "logs") else word for word in words]

    return {name: traced(lab, *full(words)) for name, (words, _) in COMMANDS.items()}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_evidence_is_opened_before_the_intent_is_on_disk(name: str, traces: dict[str, list[Call]]) -> None:
    calls, (_, evidence) = traces[name], COMMANDS[name]
    opened = [place for place, call in enumerate(calls) if call.opens(evidence)]
    assert opened, "no evidence was opened at all: the test looks for the wrong names"
    log = [(place, call) for place, call in enumerate(calls) if "ledger.sqlite-wal>" in call.rest]
    written = [place for place, call in log if call.name in ("pwrite64", "write")]
    synced = [place for place, call in log if call.name in ("fsync", "fdatasync") and not call.failed]
    intent = [place for place in written if BEGIN in calls[place].rest]
    assert intent, "the intent was never written"
    sync = min(place for place in synced if place > intent[0])
    assert sync < opened[0], "evidence was opened before the intent was on disk"
    last_write = max(place for place in written if place < opened[0])
    assert last_write < max(place for place in synced if place < opened[0]), "something of the ledger was not on disk"


@pytest.mark.parametrize("name", COMMANDS)
def test_no_evidence_is_opened_for_writing(name: str, traces: dict[str, list[Call]]) -> None:
    evidence = COMMANDS[name][1]
    opened = [call for call in traces[name] if call.opens(evidence)]
    for call in opened:
        assert "O_RDONLY" in call.rest, call
        assert "O_NOFOLLOW" in call.rest, call
        assert not any(flag in call.rest for flag in WRITING), call
        assert call.name != "creat"


@pytest.mark.parametrize("name", ["ingest an image", "ingest a folder", "extract"])
def test_children_get_descriptors_and_nothing_secret(name: str, traces: dict[str, list[Call]]) -> None:
    calls = traces[name]
    children = {call.process for call in calls if call.name == "execve" and WORKER in call.rest and not call.failed}
    assert children
    assert any(call.name == "sendmsg" and "SCM_RIGHTS" in call.rest for call in calls)
    for call in calls:
        if call.name == "execve" and call.process in children and WORKER in call.rest:
            assert PASSPHRASE not in call.rest
            assert "EVIKIT_" not in call.rest
        if call.process in children and call.name != "execve":
            assert "ledger.sqlite" not in call.rest, call
            assert ".pem" not in call.rest.replace("cacert.pem", ""), call
            assert not call.opens(COMMANDS[name][1]), f"a child opens evidence itself: {call}"


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task")
    return [int(child) for task in tasks.iterdir() for child in (task / "children").read_text("ascii").split()]


def test_a_child_holds_no_ledger_no_key_and_no_passphrase(lab: Lab) -> None:
    big = lab.put("big.raw", fat12())
    with big.open("r+b") as file:
        file.truncate(1 << 30)
    process = lab.start("ingest", big, "--exhibit", "AH/9", *WHY)
    try:
        wait_for(lambda: any((lab.case / "derived").glob("*-AH-9/parts")))
        wait_for(lambda: bool(_children(process.pid)))
        child = _children(process.pid)[0]
        wait_for(lambda: b"engine.worker" in Path(f"/proc/{child}/cmdline").read_bytes())
        environment = Path(f"/proc/{child}/environ").read_bytes()
        held = [os.readlink(entry) for entry in Path(f"/proc/{child}/fd").iterdir()]  # noqa: PTH115 - "socket:[1]"
        assert PASSPHRASE.encode() not in environment
        assert b"EVIKIT" not in environment
        assert not [name for name in held if "ledger" in name or ".pem" in name or str(lab.home) in name]
        assert os.readlink(f"/proc/{child}/cwd") == "/"  # noqa: PTH115
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
