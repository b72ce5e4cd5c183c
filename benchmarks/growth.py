"""Verifying what a ledger grew by (100 entries) since a kept checkpoint, beside one reading of the whole file.

The bound: opened and verified in under 1 s, whatever else the ledger holds. `--entries 1000000` takes long to fill.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from _history import Work, folder_in_memory
from _measure import Line, conclude, in_turn, options, wall

from custody.ledger.growth import verify_growth
from custody.ledger.note import Note, parse_note
from custody.ledger.store import Ledger
from custody.ledger.verdict import Trust, Verdict

GROWTH, _NOTES_AN_EXHIBIT, _NOTES_A_CHECKPOINT = 100, 40, 500


def filled(path: Path, entries: int) -> Note:
    """A ledger of at least `entries`, mostly notes, and what came after the checkpoint that is returned."""
    work, count = Work(path), 0
    while work.ledger.size < entries:
        if count % _NOTES_AN_EXHIBIT == 0:
            work.register()
        work.handle("note")
        count += 1
        if count % _NOTES_A_CHECKPOINT == 0:
            work.close()
    kept = parse_note(work.close())
    work.register()
    while work.ledger.size < kept.checkpoint.size + GROWTH - 1:
        work.access()
    work.close()
    work.ledger.close()
    return kept


def verified(path: Path, kept: Note) -> Verdict:
    """Opened and verified; growth of ours that fails would make every figure worthless."""
    with Ledger.open(path, writable=False) as ledger:
        verdict = verify_growth(ledger, kept, Trust())
    if verdict.failed:
        raise SystemExit(f"the growth does not verify: {verdict.failed[0]}")
    return verdict


def read_all(path: Path) -> int:
    """Every payload, signature and opening, read and dropped."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT payload, sig, body FROM entry JOIN opening USING (idx) ORDER BY entry.idx")
        return sum(len(payload) for payload, _, _ in rows)


def lines_of(path: Path, kept: Note, rounds: int) -> list[Line]:
    """The table."""
    verdict = verified(path, kept)
    pair = in_turn(lambda: verified(path, kept), lambda: read_all(path), rounds)
    return [
        Line("entries in the ledger", verdict.size),
        Line("entries since the kept checkpoint", verdict.checked["entries"]),
        Line("opened and verified in", wall(pair.ours), "s wall", at_most=1),
        Line("the whole file read", wall(pair.peer), "s wall"),
        Line("our time over the peer's, wall", pair.wall_ratio(), "x"),
    ]


def main() -> None:
    """Fill a ledger, verify its end again and again."""
    parser = options(__doc__, rounds=5)
    parser.add_argument("--entries", type=int, default=100_000, help="entries before (default 100,000)")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.entries, arguments.rounds = 400, 1
    with folder_in_memory() as folder:
        kept = filled(folder / "ledger.sqlite", arguments.entries)
        lines = lines_of(folder / "ledger.sqlite", kept, arguments.rounds)
    conclude("growth since a kept checkpoint", lines, arguments)


if __name__ == "__main__":
    main()
