"""The bundle of one exhibit (50 entries) out of a large ledger, beside one reading of the whole file with sqlite3.

The bounds: made in under 1 s, smaller than 350,000 bytes, whatever else the ledger holds. It is verified once.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from _history import Work, folder_in_memory
from _measure import Line, conclude, in_turn, options, wall

from custody.ledger.bundle import verify_bundle
from custody.ledger.disclosure import compose_bundle
from custody.ledger.note import fingerprint, parse_note
from custody.ledger.store import Ledger
from custody.ledger.verdict import Result, Trust

_ACCESSES = 20
_HANDLING = (
    "exhibit.seal",
    "exhibit.move",
    "exhibit.open",
    "note",
    "note",
    "note",
    "note",
    "exhibit.seal",
    "exhibit.move",
)
"""With the registration and both entries of each access: fifty."""


def filled(path: Path, entries: int) -> int:
    """A ledger of at least `entries`, with an exhibit of fifty in its middle; that exhibit's ordinal."""
    work = Work(path)
    work.fill(entries // 2)
    work.register()
    for kind in _HANDLING:
        work.handle(kind)
    for _ in range(_ACCESSES):
        work.access()
    shown = work.exhibit
    work.register()  # what follows is about another
    work.fill(entries)
    work.ledger.close()
    return shown


def read_all(path: Path) -> int:
    """Every payload, signature and opening, read and dropped."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT payload, sig, body FROM entry JOIN opening USING (idx) ORDER BY entry.idx")
        return sum(len(payload) for payload, _, _ in rows)


def lines_of(path: Path, exhibit: int, rounds: int) -> list[Line]:
    """The table."""
    with Ledger.open(path, writable=False) as ledger:
        bundle = compose_bundle(ledger, exhibits=[exhibit])
        kept = fingerprint(parse_note(ledger.notes()[-1]).checkpoint)
        verdict, _ = verify_bundle(bundle, Trust().with_anchor(kept))
        assert verdict.result is Result.INTACT, verdict
        pair = in_turn(lambda: compose_bundle(ledger, exhibits=[exhibit]), lambda: read_all(path), rounds)
        count = verdict.checked["entries"]
        return [
            Line("entries in the ledger", ledger.size),
            Line("entries shown", count),
            Line("bundle", len(bundle), "bytes", at_most=350_000),
            Line("  of it for each entry shown", len(bundle) / count, "bytes"),
            Line("made in", wall(pair.ours), "s wall", at_most=1),
            Line("the whole file read", wall(pair.peer), "s wall"),
            Line("our time over the peer's, wall", pair.wall_ratio(), "x"),
        ]


def main() -> None:
    """Fill a ledger, make one bundle of it again and again."""
    parser = options(__doc__, rounds=5)
    parser.add_argument("--entries", type=int, default=100_000, help="entries in the ledger (default 100,000)")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.entries, arguments.rounds = 400, 1
    with folder_in_memory() as folder:
        exhibit = filled(folder / "ledger.sqlite", arguments.entries)
        lines = lines_of(folder / "ledger.sqlite", exhibit, arguments.rounds)
    conclude("bundle of one exhibit", lines, arguments)


if __name__ == "__main__":
    main()
