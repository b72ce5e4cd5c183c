"""Durable appends beside a bare commit: sqlite3, WAL, synchronous FULL, one row of the payload's size, one signature.

The bound: at least 0.4 times the bare rate, on the disk of --folder (default: here). The closing entry with its
checkpoint, and the head that is kept outside the case after every entry, are timed apart.
"""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

from _history import Work
from _measure import Line, conclude, cost_of, in_turn, options, paired

from custody.ledger.checkpoint import KeptHeads
from custody.ledger.signing import ENTRY_TYPE, pae


class BareCommits:
    """What a durable signed record costs at least: these payloads, one signature and one commit each."""

    def __init__(self, path: Path, work: Work, payloads: list[bytes]) -> None:
        self._private, self._payloads, self._count = work.key.private, payloads, 0
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE entry (idx INTEGER PRIMARY KEY, payload BLOB, sig BLOB)")

    def append(self, entries: int) -> None:
        """So many commits."""
        for _ in range(entries):
            payload = self._payloads[self._count % len(self._payloads)]
            signature = self._private.sign(pae(ENTRY_TYPE, payload))
            self._connection.execute("INSERT INTO entry VALUES (?, ?, ?)", (self._count, payload, signature))
            self._count += 1


def lines_of(folder: Path, entries: int, rounds: int) -> list[Line]:
    """The table: `entries` in each run."""
    work = Work(folder / "ledger.sqlite")
    work.register()
    work.access()
    bare = BareCommits(folder / "bare.sqlite", work, [row.payload for row in work.ledger.rows(2)])

    def accesses() -> None:
        for _ in range(entries // 2):
            work.access()

    pair = in_turn(accesses, lambda: bare.append(entries), rounds)
    heads = KeptHeads(folder / "heads")
    kept = [cost_of(lambda: heads.keep(work.ledger)) for _ in range(20)]
    closed = [cost_of(work.close) for _ in range(20)]
    work.ledger.close()
    return [
        *paired("durable entries", pair, entries, "entries"),
        Line("our rate over the bare rate, wall", 1 / pair.wall_ratio(), "x", at_least=0.4),
        Line("closing entry and checkpoint, apart", sorted(cost.wall for cost in closed)[10] * 1e3, "ms"),
        Line("keeping the head outside the case, apart", sorted(cost.wall for cost in kept)[10] * 1e3, "ms"),
    ]


def main() -> None:
    """Append to a ledger in a folder of its own, removed afterwards."""
    parser = options(__doc__, rounds=9)
    parser.add_argument("--entries", type=int, default=400, help="entries a run (default 400)")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="where: a folder on a real disk")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.entries, arguments.rounds = 20, 1
    with tempfile.TemporaryDirectory(prefix="bench-", dir=arguments.folder) as folder:
        lines = lines_of(Path(folder), arguments.entries, arguments.rounds)
    conclude("append to a ledger", lines, arguments)


if __name__ == "__main__":
    main()
