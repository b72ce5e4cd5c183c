"""A database that fails or is damaged, in the kit's own words: what SQLite says, and values of a wrong kind.

A damaged file can hand out any kind of value in any column, STRICT tables or not: the kind is looked at before use.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from custody.ledger.errors import CustodyError, IntegrityError, LedgerBusyError

_RESTORE = "Restore it from a backup."


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """What SQLite says of the file at `path`, as one clear line and the right exit code."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise _in_our_words(path, cause, " ".join(str(cause).split())) from error
    except UnicodeDecodeError as error:  # raised in place of SQLite's own message, when that quotes damaged text
        raise IntegrityError(f"the ledger file {path} is damaged: it holds garbled text", _RESTORE) from error


def _in_our_words(path: Path, cause: BaseException | None, said: str) -> CustodyError:
    if "locked" in said or "busy" in said:
        return LedgerBusyError(f"another process is writing to {path}", "Wait until it has finished, then try again.")
    if "full" in said or "disk I/O" in said:
        advice = "Free space on that disk, then run it again."
        return CustodyError(f"the ledger {path} could not be written: {said}", advice)
    if getattr(cause, "sqlite_errorname", "") == "SQLITE_READONLY_DBMOVED":
        return CustodyError(f"the ledger {path} was exchanged while it was being opened", "Run it again.")
    if "readonly" in said or "unable to open" in said:
        return CustodyError(f"the ledger {path} cannot be opened: {said}", "Check the path and its permissions.")
    if isinstance(cause, sqlite3.IntegrityError):
        return IntegrityError(f"the ledger refused a change: {said}")
    return IntegrityError(f"the ledger file {path} is damaged: {said}", _RESTORE)


def blob(value: object) -> bytes:
    """The bytes read from a column that holds bytes; IntegrityError for any other kind."""
    if not isinstance(value, bytes):
        raise IntegrityError("the ledger file is damaged: a value is not bytes", _RESTORE)
    return value


def number(value: object) -> int:
    """The count read from a column that holds counts (0 or more); IntegrityError for anything else."""
    if not isinstance(value, int) or value < 0:
        raise IntegrityError("the ledger file is damaged: a value is not a count", _RESTORE)
    return value
