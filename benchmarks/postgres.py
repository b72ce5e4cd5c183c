"""Appends to a ledger in PostgreSQL: in batches, and by eight processes at once, beside one process appending singly.

The server is the benchmark's own, in a folder below --folder (default: /var/tmp), with nothing but its defaults: every
entry is on disk when it is acknowledged. Bounds: batches at least 3 times, eight processes at least 0.4 times the rate.
"""

from __future__ import annotations

import multiprocessing
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from _history import Work
from _measure import Line, Pair, conclude, in_turn, options, wall

sys.path.append(str(Path(__file__).resolve().parent.parent))
from custody.ledger.store import Ledger
from tests.postgres_server import OWNER, Server, programs

_PROCESSES = 8
_BATCH = 40


def append(work: Work, entries: int, batch: int = 0) -> None:
    """So many entries about one exhibit; in transactions of `batch` where that is not 0."""
    for _ in range(0, entries, batch or entries):
        if batch:
            with work.ledger.together():
                append(work, batch)
        else:
            for _ in range(entries):
                work.handle("note")


def writer(url: str, orders: Connection) -> None:
    """A process that appends as many entries as it is told, until it is told 0."""
    work = Work.__new__(Work)
    work.key, work.ledger, work.exhibit = Work.signer(), Ledger.open(url, writable=True), 1
    orders.send(0)
    while entries := orders.recv():
        append(work, entries)
        orders.send(entries)
    work.ledger.close()


@contextmanager
def writers(url: str) -> Iterator[Callable[[int], None]]:
    """Processes that are there already; what is yielded has them append so many entries together."""
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in range(_PROCESSES)]
    children = [context.Process(target=writer, args=(url, theirs)) for _, theirs in pipes]
    for child in children:
        child.start()
    for ours, _ in pipes:
        ours.recv()

    def together(entries: int) -> None:
        for ours, _ in pipes:
            ours.send(entries // _PROCESSES)
        for ours, _ in pipes:
            ours.recv()

    yield together
    for ours, _ in pipes:
        ours.send(0)
    for child in children:
        child.join()


def lines_of(server: Server, entries: int, rounds: int) -> list[Line]:
    """The table: `entries` in each run."""
    url = server.url(OWNER, "bench")
    work = Work(url)
    work.register()
    batches = in_turn(lambda: append(work, entries, _BATCH), lambda: append(work, entries), rounds)
    with writers(url) as together:
        processes = in_turn(lambda: together(entries), lambda: append(work, entries), rounds)
    work.ledger.refresh()
    size = work.ledger.size
    work.ledger.close()
    if size != 2 + 4 * entries * (rounds + 1):
        raise SystemExit(f"{size} entries stand: some are lost or doubled")

    def rates(what: str, pair: Pair) -> Line:
        return Line(what, entries / wall(pair.ours), "entries/s wall")

    return [
        Line("one process, singly", entries / wall(batches.peer + processes.peer), "entries/s wall"),
        rates(f"one process, {_BATCH} at once", batches),
        rates(f"{_PROCESSES} processes, singly", processes),
        Line("batches over singly", 1 / batches.wall_ratio(), "x", at_least=3),
        Line(f"{_PROCESSES} processes over one", 1 / processes.wall_ratio(), "x", at_least=0.4),
    ]


def main() -> None:
    """Append to a ledger in a server of its own, removed afterwards."""
    parser = options(__doc__, rounds=7)
    parser.add_argument("--entries", type=int, default=400, help="entries a run, a multiple of 40 (default 400)")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="where: a folder on a real disk")
    arguments = parser.parse_args()
    binaries = programs()
    if binaries is None:
        raise SystemExit("no PostgreSQL server is installed (Debian: apt install postgresql)")
    if arguments.smoke:
        arguments.entries, arguments.rounds = 80, 1
    folder = Path(tempfile.mkdtemp(prefix="bench-pg-", dir=arguments.folder))
    try:
        server = Server(binaries, folder)
        server.start()
        try:
            server.do(f"CREATE ROLE {OWNER} LOGIN", database="postgres")
            server.do(f"CREATE DATABASE evidence OWNER {OWNER}", database="postgres")
            lines = lines_of(server, arguments.entries, arguments.rounds)
        finally:
            server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    conclude("append to a ledger in PostgreSQL", lines, arguments)


if __name__ == "__main__":
    main()
