"""Passphrases of the evidence: from a file or a prompt, into memory and nowhere else."""

from __future__ import annotations

from pathlib import Path

import click

from custody.ledger.errors import CustodyError

_MOST = 1000


def read_passphrases(path: Path | None) -> tuple[bytes, ...]:
    """The lines of a file, or one that is asked for where the path is "-"; () without a path."""
    if path is None:
        return ()
    if str(path) == "-":
        return (click.prompt("Passphrase of the evidence", hide_input=True, err=True).encode(),)
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise CustodyError(f"{path} cannot be read: {error.strerror}", "Check --passphrases.") from error
    found = tuple(line for line in lines if line)
    if not 0 < len(found) <= _MOST:
        raise CustodyError(f"{path} holds {len(found)} passphrases", f"One a line, at most {_MOST}.")
    return found
