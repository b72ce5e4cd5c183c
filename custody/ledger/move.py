"""Moving a ledger to another database: the same bytes, proved by the same root, and no writer left behind.

Before anybody can write to the new one, nobody can write to the old one any more: a process that dies in between leaves
two whole copies and a case that names one of them, never two that grow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from custody.durable import sync_folder
from custody.ledger import schema
from custody.ledger.database import UNHURRIED, Address, ExistsError, copy_rows
from custody.ledger.errors import IntegrityError
from custody.ledger.faults import translated
from custody.ledger.store import Ledger
from custody.ledger.upgrade import alone, copy_file, free_name, remove, verified


@dataclass(frozen=True, slots=True)
class Moved:
    """The head before and after, and under what name the old ledger is kept."""

    size: int
    root: bytes
    kept: str


def move(source: Address, target: Address) -> Moved:
    """Bring the ledger at `source` to `target`; on return it stands there, durably, and the old one takes no entries.

    IntegrityError when it does not verify, before or after, or another ledger stands at `target`; one that was moved
    there before, by a process that died, is taken as it is if it has the same head.
    """
    with _held(source) as (ledger, retire):
        head = verified(ledger, "the ledger")
        try:
            _fill(ledger, target)
        except ExistsError:
            if _head_at(target) != head:
                raise
        if _head_at(target) != head:
            raise IntegrityError("the moved ledger has another head", "The old one stands. Report this.")
        kept = retire()
    return Moved(*head, kept)


def _head_at(address: Address) -> tuple[int, bytes]:
    with Ledger.open(address, writable=False) as ledger:
        return verified(ledger, "the moved ledger")


def _fill(ledger: Ledger, target: Address) -> None:
    """All of the ledger in one transaction; a file gets its name when it is complete."""
    place: Address = target
    if isinstance(target, Path):
        if target.exists():
            raise ExistsError(f"{target} exists already", "Rename it, or remove it.")
        place = target.with_name(f".{target.name}.new")
        remove(place)  # what a killed move left
    with Ledger.create(place) as new, ledger.snapshot() as rows, new.transaction() as copy:
        copy_rows(rows, ledger.database.chains, copy)
    if isinstance(target, Path) and isinstance(place, Path):
        schema.make_whole(place)
        place.replace(target)
        sync_folder(target.parent)


@contextmanager
def _held(source: Address) -> Iterator[tuple[Ledger, Callable[[], str]]]:
    """A ledger that nobody else writes to, and what puts it out of use; for good when the block ends."""
    if isinstance(source, Path):
        path = source.resolve()
        copy = path.with_name(f".{path.name}.old")
        with translated(path), alone(path) as held:
            try:
                copy_file(held, copy)
                with Ledger.open(copy, writable=False) as ledger:
                    yield ledger, lambda: _retire(path, copy, ledger)
            finally:
                remove(copy)
        return
    from custody.ledger.postgres import PostgresSchema

    with Ledger.open(source, writable=True) as ledger, ledger.together(), ledger.transaction() as connection:
        connection.exec_driver_sql(UNHURRIED)
        database = PostgresSchema(source)
        yield ledger, lambda: database.retire(connection)


def _retire(path: Path, copy: Path, ledger: Ledger) -> str:
    """The file gets another name; who waits at its door is left with one without a name (see `upgrade`)."""
    name = free_name(path, f"{path.name}.moved", ledger.size, ledger.root)
    copy.chmod(0o444)
    copy.replace(path.with_name(name))
    sync_folder(path.parent)
    path.unlink()
    sync_folder(path.parent)
    return name
