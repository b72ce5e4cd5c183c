"""Disclosure as a recorded act: the export entry, the checkpoint over it, then the bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from custody.case import Case
from custody.durable import write_durably
from custody.exhibits import outcomes
from custody.ledger.bundle import MAX_BUNDLE
from custody.ledger.disclosure import ShownRow, compose_bundle, show_row
from custody.ledger.entry import TYPES, Json, canonical, unb64
from custody.ledger.errors import CustodyError, MalformedError
from custody.ledger.note import parse_note
from custody.manifest import read_manifest
from custody.opened import text
from custody.target import shown


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What is shown to whom: exhibit ordinals (None: all), fields kept closed, single files, older heads."""

    recipient: str
    exhibits: Sequence[int] | None = None
    withhold: frozenset[str] = frozenset()
    rows: Sequence[ShownRow] = field(default_factory=list)
    since: Sequence[int] = field(default_factory=list)

    def digest(self, size: int) -> dict[str, Json]:
        """Names what is disclosed before the bundle exists: SHA-256 of JCS([size, ordinals, fields, rows])."""
        what: list[Json] = [
            str(size),
            None if self.exhibits is None else [str(n) for n in self.exhibits],
            [*sorted(self.withhold)],
            [[str(row.entry), str(row.position)] for row in self.rows],
        ]
        return {"sha256": hashlib.sha256(canonical(what)).hexdigest()}


def disclose(case: Case, disclosure: Disclosure, output: Path, kind: str = "bundle") -> bytes:
    """Record the disclosure, checkpoint, compose the bundle, write it, and record its digest.

    The entry before the bundle says what is disclosed and is inside it; the one after it registers the file.
    """
    _validate(disclosure, output)
    size = case.ledger.size
    case.record(
        "export",
        None,
        {
            "recipient": disclosure.recipient,
            "bundle_digest": disclosure.digest(size),
            "checkpoint_size": str(size),
            "document": {"kind": kind, "withheld": [*sorted(disclosure.withhold)]},
        },
    )
    if case.checkpoint() is None:
        raise CustodyError("the ledger's own key is not in this key store", "Ask its keeper to make the bundle.")
    data = compose_bundle(
        case.ledger,
        exhibits=disclosure.exhibits,
        withhold=disclosure.withhold,
        rows=disclosure.rows,
        since=disclosure.since,
    )
    write_durably(output, data, 0o644)
    register_document(case, disclosure.recipient, kind, output.name, data)
    return data


def _validate(disclosure: Disclosure, output: Path) -> None:
    """Refuse what would disclose other things than were meant, or could not be written, before it is recorded."""
    if not disclosure.recipient.strip():
        raise CustodyError("the recipient is empty", "Say who it is for: it is recorded.")
    known = {name for kind in TYPES.values() for name in kind.commits}
    if unknown := sorted(disclosure.withhold - known):
        raise CustodyError(f"no field is called {unknown[0]!r}, so it cannot be withheld", f"Fields: {_list(known)}.")
    if output.exists():
        raise CustodyError(f"{output} exists already", "Choose another name: nothing is overwritten.")
    if not output.parent.is_dir():
        raise CustodyError(f"there is no folder {output.parent}", "Make it first, or choose another place.")


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def register_document(case: Case, recipient: str, kind: str, name: str, data: bytes) -> None:
    """Record the digest of a document that left the case."""
    register_digest(case, recipient, kind, name, hashlib.sha256(data).hexdigest())


def register_digest(case: Case, recipient: str, kind: str, name: str, sha256: str) -> None:
    """The same, of a document too large to hold: `sha256` is its digest in hex."""
    document: Json = {"kind": kind, "name": shown(name), "sha256": sha256}
    case.record("export", None, {"recipient": recipient, "document": document})


def read_bundle(path: Path) -> bytes:
    """A bundle's bytes; CustodyError when the file cannot be one."""
    try:
        if path.stat().st_size > MAX_BUNDLE:
            raise CustodyError(f"{path} is larger than any bundle", "Check which file you named.")
        return path.read_bytes()
    except OSError as error:
        raise CustodyError(f"{path} cannot be read: {error.strerror}", "Check the path.") from error


def kept_size(path: Path) -> int:
    """The size of the checkpoint in a file."""
    try:
        return parse_note(path.read_bytes()).checkpoint.size
    except OSError as error:
        raise CustodyError(f"{path} cannot be read: {error.strerror}", "Check the path.") from error
    except MalformedError as error:
        raise CustodyError(f"{path} is no checkpoint: {error}", "Check which file you named.") from error


def row_of(case: Case, n: int, path: str) -> list[ShownRow]:
    """The newest proof for every row of this path in the exhibit's bulk readings; CustodyError when there is none."""
    for row, values in reversed(list(outcomes(case, n))):
        secret, digest = values.get("manifest_secret"), values.get("manifest_digest")
        if not isinstance(secret, str) or not isinstance(digest, dict):
            continue
        rows = list(read_manifest(case.receipts, row.entry.re[0].hex(), text(digest.get("sha256"))))
        places = [position for position, found in enumerate(rows) if found[1] == path]
        if places:
            return [show_row(row.index, unb64(secret), rows, position) for position in places]
    raise CustodyError(f"no recorded reading of this exhibit names {path!r}", "Paths are as `evikit files` lists them.")
