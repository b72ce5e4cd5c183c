"""The manifest of a bulk reading: one salted row a file, so that one file's reading can be proved without the others.

Row: [volume, path, meta address, stream, outcome, bytes, sha256], all text; outcome is content, partial, metadata,
failed or unknown. A row that is missing claims nothing. The rows are kept beside the ledger, gzip-compressed, a
canonical JSON array a line; the ledger holds the root of their tree, their number, their digest, and the secret of
the salts.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import secrets
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from custody.durable import sync_folder
from custody.ledger.bundle import manifest_leaf
from custody.ledger.disclosure import row_salt
from custody.ledger.entry import MAX_OPENED, Json, b64, canonical, decode
from custody.ledger.errors import IntegrityError, MalformedError
from custody.ledger.merkle import Frontier


@dataclass(frozen=True, slots=True)
class Manifest:
    """`root` over `size` salted rows; `digest` (SHA-256, hex) over their lines; `secret` makes the salts."""

    root: bytes
    size: int
    digest: str
    secret: bytes

    def values(self) -> dict[str, Json]:
        """The fields of `access.end`."""
        return {
            "manifest_root": b64(self.root),
            "manifest_size": str(self.size),
            "manifest_digest": {"sha256": self.digest},
            "manifest_secret": b64(self.secret),
        }


def _path(folder: Path, access: str) -> Path:
    return folder / f"manifest-{access[:32]}.jsonl.gz"


def write_manifest(folder: Path, access: str, rows: Iterable[Sequence[str]]) -> Manifest:
    """Write the rows of the access whose begin has the leaf `access` (hex), durably, in bounded memory."""
    folder.mkdir(parents=True, exist_ok=True)
    secret, frontier, digest = secrets.token_bytes(32), Frontier(), hashlib.sha256()
    path = _path(folder, access)
    with path.open("wb") as file:
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=1, mtime=0) as packed:
            for position, row in enumerate(rows):
                line = canonical(list(row)) + b"\n"
                frontier.append(manifest_leaf(row_salt(secret, position), row))
                digest.update(line)
                packed.write(line)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)
    return Manifest(frontier.root(), frontier.size, digest.hexdigest(), secret)


def _row(line: bytes) -> tuple[str, ...]:
    row = decode(line.removesuffix(b"\n"), MAX_OPENED)
    if not isinstance(row, list):
        raise MalformedError("a row is not a list")
    return tuple(value for value in row if isinstance(value, str))


def read_manifest(folder: Path, access: str, digest: str) -> Iterator[tuple[str, ...]]:
    """The rows again; IntegrityError when the file is missing, damaged, or not the one the ledger speaks of."""
    path, found = _path(folder, access), hashlib.sha256()
    try:
        with gzip.open(path, "rb") as packed:
            for line in packed:
                found.update(line)
                yield _row(line)
    except (OSError, EOFError, zlib.error, MalformedError) as error:
        raise IntegrityError(f"the manifest {path} cannot be read: {error}") from error
    if found.hexdigest() != digest:
        raise IntegrityError(f"the manifest {path} is not the one that the ledger speaks of")
