"""`evikit ingest` beside `fiwalk` (walk, MD5 and SHA-1 of every file) and `openssl dgst` (three digests of the image).

Neither peer does what ingest does: together they are the least that any tool must do. The bound: the memory of all
our processes together, one worker, below 500 MiB.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _images import add_option, images_of
from _measure import Cost, Line, conclude, cost_of, cpu, options, wall
from _memory import Memory, run_watched

_MIB = 1 << 20
_DONE = (0, 4)  # 4: done, with recorded problems


def evikit(*arguments: str) -> list[str]:
    """The command, by this interpreter."""
    return [sys.executable, "-c", "from cli import main; main()", *arguments]


@contextmanager
def new_case() -> Iterator[dict[str, str]]:
    """The environment for a case of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        case = str(Path(folder) / "case")
        environment = os.environ | {
            "EVIKIT_HOME": str(Path(folder) / "home"),
            "EVIKIT_PASSPHRASE": "nothing secret",
            "EVIKIT_CASE": case,
        }
        command = evikit("init", case, "--number", "B-1", "--agency", "Lab", "--examiner", "Ana Kovač")
        subprocess.run(command, env=environment, check=True, capture_output=True)
        yield environment


def ingest(image: Path) -> tuple[Cost, Memory]:
    """One ingest into a new case."""
    with new_case() as environment:
        seen: list[tuple[int, Memory]] = []
        command = evikit("ingest", str(image), "--exhibit", "AK/1", "--purpose", "benchmark", "--quiet")
        cost = cost_of(lambda: seen.append(run_watched(command, environment)))
    status, memory = seen[0]
    if status not in _DONE:
        raise SystemExit(f"ingest of {image} ended with exit code {status}")
    return cost, memory


def peers(image: Path) -> list[list[str]]:
    """The peers' commands that can run here on this image."""
    found: list[list[str]] = []
    if shutil.which("fiwalk"):
        found.append(["fiwalk", "-x", str(image)])
    if shutil.which("openssl") and image.suffix != ".E01":
        found += [["openssl", "dgst", f"-{name}", str(image)] for name in ("md5", "sha1", "sha256")]
    return found


def run(command: list[str]) -> Cost:
    """One run of a peer, its output thrown away."""
    return cost_of(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))


def lines_of(image: Path, rounds: int) -> list[Line]:
    """The table of one image: ours, each peer, ours, each peer ..."""
    commands = peers(image)
    ours: list[Cost] = []
    theirs: list[list[Cost]] = [[] for _ in commands]
    memories: list[Memory] = []
    for _ in range(rounds):
        cost, memory = ingest(image)
        ours.append(cost)
        memories.append(memory)
        for costs, command in zip(theirs, commands, strict=True):
            costs.append(run(command))
    highest = max(memories, key=lambda memory: memory.total)
    name = image.name
    lines = [Line(f"{name}: ingest", wall(ours), "s wall"), Line(f"{name}: ingest", cpu(ours), "s processor")]
    for costs, command in zip(theirs, commands, strict=True):
        label = " ".join(word for word in command[:3] if not word.startswith("/"))
        lines.append(Line(f"{name}: {label}", wall(costs), "s wall"))
        lines.append(Line(f"{name}: {label}", cpu(costs), "s processor"))
    if theirs:
        lines.append(Line(f"{name}: ingest over all of them, wall", wall(ours) / sum(map(wall, theirs)), "x"))
        lines.append(Line(f"{name}: ingest over all of them, processor", cpu(ours) / sum(map(cpu, theirs)), "x"))
    lines.append(Line(f"{name}: memory, all processes", highest.total / _MIB, "MiB", at_most=500))
    return lines + [Line(f"{name}:   of it a process", size / _MIB, "MiB") for size in highest.processes]


def main() -> None:
    """Every image."""
    parser = options(__doc__, rounds=3)
    add_option(parser)
    arguments = parser.parse_args()
    arguments.rounds = 1 if arguments.smoke else arguments.rounds
    lines = [line for image in images_of(arguments) for line in lines_of(image, arguments.rounds)]
    conclude("take images in", lines, arguments)


if __name__ == "__main__":
    main()
