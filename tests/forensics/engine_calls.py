"""What the engine's tests let children do: importable by name, as every unit must be."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from custody.access import Part
from forensics.engine.worker import board

_kept: dict[str, Part] = {}


def keep(part: Part) -> None:
    _kept["part"] = part


def read_kept() -> dict[str, Any]:
    return {"data": _kept["part"].read_at(0, 4).decode()}


def read(part: Part) -> dict[str, Any]:
    return {"data": part.read_at(0, 4).decode(), "open": len(list(Path("/proc/self/fd").iterdir()))}


def read_all(parts: list[Part]) -> dict[str, Any]:
    return {"data": "".join(part.read_at(0, 1).decode() for part in parts)}


def echo(value: Any) -> dict[str, Any]:
    return {"value": value, "pid": os.getpid()}


def surroundings() -> dict[str, Any]:
    import pyarrow as pa

    pa.array([1])  # what makes pyarrow look for pandas
    names = ("duckdb", "sqlalchemy", "click", "cryptography", "pandas")
    heavy = [name for name in names if name in sys.modules]
    return {"environment": dict(os.environ), "folder": str(Path.cwd()), "heavy": heavy, "pid": os.getpid()}


def spin() -> None:
    board().mark(7, "the/stuck one")
    while True:
        pass


def spin_reading(size: int) -> None:
    """As a library does that reads the same block for ever."""
    board().allowance = size
    board().mark(2, "loop")
    while True:
        board().read(512)
        time.sleep(0.001)


def crawl(steps: int) -> dict[str, Any]:
    """Slow, but getting somewhere."""
    for step in range(steps):
        board().mark(step, str(step))
        time.sleep(0.1)
    return {"steps": steps}


def devour(size: int) -> dict[str, Any]:
    """As a parser does that believes a length it read."""
    board().mark(4, "glutton")
    return {"size": len(bytearray(size))}


def die() -> None:
    board().mark(3, "killer")
    os.kill(os.getpid(), signal.SIGSEGV)


def die_once(trace: str) -> dict[str, Any]:
    path = Path(trace)
    if not path.exists():
        path.touch()
        os._exit(9)
    return {"survived": True}


def fail() -> None:
    raise ValueError("a line that says why")


def answer_nonsense() -> Any:
    return ["no", "object"]
