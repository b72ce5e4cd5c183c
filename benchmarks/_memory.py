"""Memory of a program with all its children: the sum of their proportional set sizes (Linux, smaps_rollup)."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path


def _family(pid: int) -> list[int]:
    found = [pid]
    for member in found:
        for children in Path(f"/proc/{member}/task").glob("*/children"):
            found += [int(child) for child in _text(children).split()]
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it ended meanwhile
        return ""


def _pss_bytes(pid: int) -> int:
    for line in _text(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


@dataclass(slots=True)
class Memory:
    """The highest sum seen, and what each process had at that moment (bytes, the started program first)."""

    total: int = 0
    processes: tuple[int, ...] = ()
    _stop: threading.Event = field(default_factory=threading.Event)

    def _watch(self, pid: int, seconds: float) -> None:
        while not self._stop.wait(seconds):
            sizes = tuple(_pss_bytes(member) for member in _family(pid))
            if sum(sizes) > self.total:
                self.total, self.processes = sum(sizes), sizes


def run_watched(command: list[str], environment: dict[str, str], seconds: float = 0.1) -> tuple[int, Memory]:
    """Run a program, sampling every `seconds`: its exit code and the memory at its highest."""
    memory = Memory()
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        watch = threading.Thread(target=memory._watch, args=(process.pid, seconds))
        watch.start()
        status = process.wait()
        memory._stop.set()
        watch.join()
    return status, memory
