"""Questions to a timeline of ten million events: filters, a histogram, all rows in order. The peer: DuckDB's bare scan.

Events are made, not found: files' times and log lines over ten years, in the order in which an examination writes them
(by source, not by time).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
from _measure import Line, conclude, in_turn, options, wall
from _memory import run_watched

from forensics import results
from forensics.results import histogram, queries
from forensics.results.columns import ARTEFACTS, EVENTS, FILES, PROBLEMS, VOLUMES
from forensics.results.noise import NOISE
from forensics.results.queries import Filter

_BATCH = 65_536
_START, _STEP = 1_450_000_000_000_000_000, 31_536_000_000  # ten years over ten million events
_WORDS = ("session opened for user", "Failed password for root from", "GET /index.php HTTP/1.1", "kernel: usb 1-1")


def event_batches(count: int) -> Iterator[pa.RecordBatch]:
    """Events, half of files and half of logs, each source in its own order of time."""
    for first in range(0, count, _BATCH):
        numbers = range(first, min(first + _BATCH, count))
        size = len(numbers)
        file = first < count // 2
        at = [_START + (number * 7_919 % count) * _STEP for number in numbers]
        columns = {
            "at": pa.array(at, pa.int64()),
            "far_at": pa.nulls(size, pa.string()),
            "meaning": pa.array(
                [("file modified", "file accessed")[n % 2] if file else "log line logged" for n in numbers]
            ),
            "kind": pa.array(["file" if file else "syslog.line"] * size),
            "exhibit": pa.array(["AH/1"] * size),
            "volume": pa.array(["1"] * size),
            "path": pa.array([f"usr/share/doc/package{n % 5003}/file{n % 977}.txt" for n in numbers]),
            "meta": pa.array([str(n) for n in numbers]),
            "message": pa.array(
                [f"host{n % 31} {_WORDS[n % 4]} 203.0.113.{n % 250} port {n % 60_000}" for n in numbers]
            ),
            "clock": pa.array(["UTC"] * size),
            "row": pa.array(numbers, pa.int64()),
        }
        yield pa.RecordBatch.from_pydict(columns, schema=EVENTS)


def made(derived: Path, count: int) -> results.Run:
    """A complete run with so many events."""
    run = results.start_run(derived, "AH/1", {})
    for name, schema in (("files", FILES), ("artefacts", ARTEFACTS), ("volumes", VOLUMES), ("problems", PROBLEMS)):
        with results.table(run / f"{name}.parquet", schema):
            pass
    with results.table(run / "events.parquet", EVENTS) as writer:
        for batch in event_batches(count):
            writer.write(batch)
    results.complete(run, {"exhibit": "AH/1"})
    return results.current_runs(derived)[0]


def scanned(path: Path) -> int:
    """Every message read once by DuckDB, in a connection of its own."""
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        found = connection.sql(
            "SELECT count(*) FROM read_parquet(?) WHERE contains(message, 'xyzzy')", params=[str(path)]
        )
        return int(found.fetchall()[0][0])


def lines_of(run: results.Run, rounds: int) -> list[Line]:
    """The table."""
    count = int(results.current_runs(run.path.parent)[0].manifest()["files"]["events.parquet"]["rows"])
    middle = _START + count // 2 * _STEP
    asked = {
        "an hour": Filter(start=middle, end=middle + 3_600_000_000_000),
        "a text in a month": Filter(text="203.0.113.77", start=middle, end=middle + 30 * 86_400_000_000_000),
        "a rare text": Filter(text="host3 failed password for root from 203.0.113.17 port 51017"),
        "a kind and a path in a day": Filter(
            kinds=("syslog",), path="*package17/*", start=middle, end=middle + 86_400_000_000_000
        ),
    }
    lines = [Line("events", count)]
    for name, chosen in asked.items():
        pair = in_turn(
            lambda chosen=chosen: list(queries.timeline([run], chosen)), lambda: scanned(run.table("events")), rounds
        )
        lines.append(
            Line(
                f"{name}: {len(list(queries.timeline([run], chosen))):,} rows in", wall(pair.ours), "s wall", at_most=1
            )
        )
        lines.append(Line(f"{name}: over a bare scan of the messages", pair.wall_ratio(), "x"))
    days = in_turn(lambda: histogram.histogram([run], Filter()), lambda: scanned(run.table("events")), rounds)
    lines.append(Line("histogram by day", wall(days.ours), "s wall"))
    hidden = in_turn(
        lambda: queries.hidden([run], Filter(hide=NOISE)), lambda: scanned(run.table("events")), rounds
    )  # fmt: skip
    lines.append(Line("counting all that would be hidden", wall(hidden.ours), "s wall"))
    return lines


def memory_line(run: results.Run) -> Line:
    """All rows in order, in a process of its own."""
    program = (
        "import sys; from pathlib import Path; from forensics import results; from forensics.results import queries;"
        "print(sum(1 for _ in queries.timeline(results.current_runs(Path(sys.argv[1])))))"
    )
    code, memory = run_watched([sys.executable, "-c", program, str(run.path.parent)], dict(os.environ))
    if code:
        raise SystemExit("the listing of all events failed")
    return Line("all events in order, memory", memory.total / 1048576, "MiB PSS", at_most=1024)


def main() -> None:
    """Make the events, ask again and again."""
    parser = options(__doc__, rounds=3)
    parser.add_argument("--events", type=int, default=10_000_000, help="events of the timeline (default 10,000,000)")
    arguments: argparse.Namespace = parser.parse_args()
    if arguments.smoke:
        arguments.events, arguments.rounds = 20_000, 1
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/var/tmp") as folder:
        run = made(Path(folder) / "derived", arguments.events)
        lines = lines_of(run, arguments.rounds)
        lines.append(memory_line(run))
    conclude("questions to a timeline", lines, arguments)


if __name__ == "__main__":
    main()
