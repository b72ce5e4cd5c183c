"""`evikit --help`: its time beside that of the bare interpreter, and the imports that weigh most.

The bound: below 0.3 s on the wall, median.
"""

from __future__ import annotations

import subprocess
import sys

from _measure import Line, conclude, cpu, in_turn, options, wall

_HELP = [sys.executable, "-c", "from cli import main; main()", "--help"]
_BARE = [sys.executable, "-c", "pass"]


def heaviest_imports(count: int) -> list[tuple[str, int]]:
    """The modules whose own import (without what they import) takes longest: name, microseconds."""
    command = [sys.executable, "-X", "importtime", *_HELP[1:]]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    rows = [line.removeprefix("import time:").split("|") for line in told.splitlines() if "|" in line]
    own = [(name.strip(), int(micro)) for micro, _, name in rows if micro.strip().isdigit()]
    return sorted(own, key=lambda pair: -pair[1])[:count]


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Ten starts of each, in turn."""
    arguments = options(__doc__, rounds=10).parse_args()
    arguments.rounds = 1 if arguments.smoke else arguments.rounds
    pair = in_turn(lambda: _run(_HELP), lambda: _run(_BARE), arguments.rounds)
    lines = [
        Line("evikit --help", wall(pair.ours), "s wall", at_most=0.3),
        Line("evikit --help", cpu(pair.ours), "s processor"),
        Line("bare interpreter", wall(pair.peer), "s wall"),
        Line("bare interpreter", cpu(pair.peer), "s processor"),
        Line("ratio, processor", pair.cpu_ratio(), "x"),
    ]
    lines += [Line(f"import {name}", micro / 1000, "ms by itself") for name, micro in heaviest_imports(12)]
    conclude("start", lines, arguments)


if __name__ == "__main__":
    main()
