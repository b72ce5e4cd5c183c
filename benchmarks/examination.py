"""Whole runs of `evikit ingest`: an E01 beside the raw image, two workers beside one; text logs, event logs.

An E01 is inflated and its checksums are checked; the bound is 1.25 times the raw image. Two workers must take at most
1 / 1.4 of the wall time of one: that line needs two free processors. Logs go from file to timeline through the command;
beside it stands Plaso, if `log2timeline` is installed, else the rate alone. Event records go to Parquet beside the Rust
library's bare reading of the same file.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from _events import event_log
from _images import add_option
from _measure import Cost, Line, conclude, cost_of, cpu, in_turn, options, wall
from evtx import PyEvtxParser
from ingest import evikit, new_case
from parsers import access_lines, source_of, syslog_lines

from forensics.examine.findings import Findings, Job
from forensics.model import Artefact

_DONE = (0, 4)


def ingested(path: Path, jobs: int) -> Cost:
    """One ingest into a new case."""
    with new_case() as environment:
        command = evikit("ingest", str(path), "--exhibit", "AK/1", "--purpose", "measure how long it takes", "--quiet",
                         "--zone", "UTC", "--jobs", str(jobs))  # fmt: skip
        seen: list[int] = []
        null = subprocess.DEVNULL  # memory is not watched here: that takes seconds of this process
        run = partial(subprocess.run, command, env=environment, check=False, stdout=null, stderr=null)
        cost = cost_of(lambda: seen.append(run().returncode))
    if seen[0] not in _DONE:
        raise SystemExit(f"ingest of {path} ended with exit code {seen[0]}")
    return cost


def compared(first: Path, second: Path, jobs: tuple[int, int], rounds: int) -> tuple[list[Cost], list[Cost]]:
    """Both in turn; each once before, uncounted."""
    pairs = [(ingested(first, jobs[0]), ingested(second, jobs[1])) for _ in range(rounds + 1)][1:]
    return [a for a, _ in pairs], [b for _, b in pairs]


def image_lines(folder: Path, rounds: int) -> list[Line]:
    """E01 beside raw of one name (a.E01, a*.raw), and one worker beside two."""
    lines: list[Line] = []
    for container in sorted(folder.rglob("*.E01")):
        raw = next(iter(sorted(container.parent.glob(f"{container.stem}*.raw"))), None)
        if raw is None:
            continue
        ours, peer = compared(container, raw, (1, 1), rounds)
        lines.append(Line(f"{container.name} over {raw.name}, processor", cpu(ours) / cpu(peer), "x", at_most=1.25))
        lines.append(Line(f"{container.name} over {raw.name}, wall", wall(ours) / wall(peer), "x"))
        one, two = compared(raw, raw, (1, 2), rounds)
        lines.append(Line(f"{raw.name}: two workers, times as fast as one", wall(one) / wall(two), "x", at_least=1.4))
    return lines


def log_lines(count: int, rounds: int) -> list[Line]:
    """Two text logs to timeline: events a second of ours, of Plaso where it is."""
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        folder = Path(place) / "logs"
        folder.mkdir()
        (folder / "auth.log").write_bytes(syslog_lines(count))
        (folder / "access.log").write_bytes(access_lines(count))
        ours = [ingested(folder, 1) for _ in range(rounds)]
        rate = 2 * count / cpu(ours)
        lines = [Line("text logs to timeline", rate, "events a second of processor time")]
        plaso = shutil.which("log2timeline") or shutil.which("log2timeline.py")
        if plaso is not None:
            store = ["--storage-file", str(Path(place) / "x.plaso"), "--status-view", "none", "--unattended", "-q"]
            command = [plaso, *store, "--parsers", "text", str(folder)]
            theirs = cost_of(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
            lines.append(Line("text logs to timeline, over Plaso", rate / (2 * count / theirs.cpu), "x", at_least=50))
    return lines


def bare(data: bytes) -> int:
    """Every record of an event log by the library alone, as text."""
    count, records = 0, PyEvtxParser(io.BytesIO(data), number_of_threads=1).records_json()
    while True:
        try:
            count += next(records) is not None
        except StopIteration:
            return count
        except RuntimeError:  # once for every chunk that is damaged or empty
            continue


def to_parquet(data: bytes) -> int:
    """The same through our parser into a table."""
    parser, source = source_of(data, "Security.evtx")
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        with Findings(Job("AK/1", None, Path(place)), "log") as findings:
            for found in parser.parse(source):
                (findings.artefact if isinstance(found, Artefact) else findings.problem)(found)
        return findings.counts["artefacts"]


def event_lines(folder: Path, rounds: int) -> list[Line]:
    """Event log to Parquet, over the library's bare rate."""
    data = event_log(folder, 24 << 20)
    if data is None:
        return []
    pair = in_turn(lambda: to_parquet(data), lambda: bare(data), rounds)
    return [Line(f"event log to Parquet, {to_parquet(data):,} records: rate over the library's, processor",
                 1 / pair.cpu_ratio(), "x", at_least=0.2)]  # fmt: skip


def main() -> None:
    """Images below --images, logs made here, the event logs below --logs."""
    parser = options(__doc__, rounds=3)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--logs", type=Path, default=None, help="Where event logs are; default: as --images.")
    add_option(parser)
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.lines, arguments.rounds = 500, 1
    lines = [] if arguments.smoke else image_lines(arguments.images, arguments.rounds)
    lines += log_lines(arguments.lines, arguments.rounds)
    lines += [] if arguments.smoke else event_lines(arguments.logs or arguments.images, arguments.rounds)
    conclude("whole runs beside each other", lines, arguments)


if __name__ == "__main__":
    main()
