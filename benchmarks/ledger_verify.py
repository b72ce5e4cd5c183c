"""Verifying a whole ledger beside the bare checks of its signatures with the same library, one worker.

Openings, checkpoints and reading from the file are timed apart. The bounds: at most 2.5 times the bare checks, and
at most 100 bytes of memory an entry.
"""

from __future__ import annotations

import tracemalloc

from _history import Work, folder_in_memory
from _measure import Line, conclude, cost_of, in_turn, options, paired

from custody.ledger.entry import Entry, Openings
from custody.ledger.note import parse_note, verify_checkpoint
from custody.ledger.signing import ENTRY_TYPE, pae, public_key_of
from custody.ledger.store import Row
from custody.ledger.verdict import Trust
from custody.ledger.verify import replay_ledger

VerifierRow = tuple[bytes, bytes, bytes, Openings | None]


def bare_checks(work: Work, rows: list[Row]) -> None:
    """The signatures alone: what any verifier must do."""
    examiner, closing = work.key.private.public_key(), work.keys.ed25519.public_key()
    for row in rows:
        key = closing if b'"type":"closing"' in row.payload else examiner
        key.verify(row.sig, pae(ENTRY_TYPE, row.payload))


def replay(rows: list[VerifierRow], notes: list[bytes]) -> None:
    """Our verifier; a ledger of ours that fails would make every figure worthless."""
    failed = replay_ledger(rows, notes, Trust()).verdict.failed
    if failed:
        raise SystemExit(f"the ledger does not verify: {failed[0]}")


def open_all(rows: list[Row]) -> int:
    """Every opening against its commitment; how many there are."""
    count = 0
    for row in rows:
        entry = Entry.parse(row.payload)
        count += sum(entry.opens(name, opening) for name, opening in row.openings.items())
    return count


def bytes_an_entry(rows: list[VerifierRow]) -> tuple[float, float]:
    """Memory an entry that the verifier holds at its end, and at its highest."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    held = replay_ledger(rows, [], Trust())
    after, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    count = held.verdict.size
    return (after - before) / count, (highest - before) / count


def lines_of(work: Work, rounds: int) -> list[Line]:
    """The table."""
    read = cost_of(lambda: list(work.ledger.rows()))
    rows, notes = list(work.ledger.rows()), work.ledger.notes()
    closed: list[VerifierRow] = [(row.payload, row.sig, row.leaf, None) for row in rows]
    pair = in_turn(lambda: replay(closed, []), lambda: bare_checks(work, rows), rounds)
    opened = cost_of(lambda: open_all(rows))
    keys = [public_key_of(key)[1] for key in (work.keys.ed25519, work.keys.mldsa)]
    noted = cost_of(lambda: [verify_checkpoint(parse_note(note), *keys) for note in notes])
    held, highest = bytes_an_entry(closed)
    return [
        *paired(f"{len(rows):,} entries without openings", pair, len(rows), "entries"),
        Line("  the same, wall", pair.wall_ratio(), "x", at_most=2.5),
        Line("openings, apart", opened.cpu / len(rows) * 1e6, "us an entry"),
        Line("  of openings", open_all(rows) / len(rows), "an entry"),
        Line("checkpoints, apart", noted.cpu / len(notes) * 1e6, "us each"),
        Line("reading rows and openings from the file, apart", read.cpu / len(rows) * 1e6, "us an entry"),
        Line("memory held at the end", held, "bytes an entry", at_most=100),
        Line("memory at its highest", highest, "bytes an entry"),
    ]


def main() -> None:
    """Fill a ledger, verify it."""
    parser = options(__doc__, rounds=5)
    parser.add_argument("--entries", type=int, default=20_000)
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.entries, arguments.rounds = 300, 1
    with folder_in_memory() as folder:
        work = Work(folder / "ledger.sqlite")
        work.fill(arguments.entries)
        lines = lines_of(work, arguments.rounds)
        work.ledger.close()
    conclude("verify a ledger", lines, arguments)


if __name__ == "__main__":
    main()
