"""Files a command is given, and files it makes outside the case."""

from __future__ import annotations

import os
from pathlib import Path

_SMALL = 1 << 20


def read_small(path: Path, limit: int = _SMALL) -> bytes:
    """The bytes of a file that came from elsewhere; CustodyError where it cannot be read or is far too long."""
    from custody.ledger.errors import CustodyError

    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise CustodyError(f"{path} cannot be read: {error.strerror}", "Check the path.") from error
    if len(data) > limit:
        raise CustodyError(f"{path} is longer than any such file", "Check which file you named.")
    return data


def write_outside(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a new file; nothing is overwritten, and a key never goes into a case."""
    from custody.durable import sync_folder
    from custody.ledger.errors import CustodyError

    inside = any((folder / "case.toml").is_file() for folder in path.absolute().parents)
    if mode == 0o600 and inside:
        raise CustodyError(f"{path} is inside a case, and a private key never is", "Choose a place outside it.")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except FileExistsError:
        raise CustodyError(f"{path} exists already", "Choose another name: nothing is overwritten.") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.absolute().parent)
