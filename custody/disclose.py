"""Disclosure as a recorded act: the export entry, the checkpoint over it, then the bundle."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from custody.case import Case
from custody.durable import write_durably
from custody.exhibits import outcomes
from custody.ledger.bundle import MAX_BUNDLE, Bundle
from custody.ledger.disclosure import ShownRow, compose_bundle, show_row
from custody.ledger.entry import Json, canonical, unb64
from custody.ledger.errors import CustodyError, MalformedError
from custody.ledger.note import parse_note
from custody.manifest import read_manifest
from custody.opened import mapping, text, values_of
from custody.target import shown
from custody.withholding import Withholding


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What is shown to whom: exhibit ordinals (None: all), fields kept closed, single files, older heads.

    `supersedes` is the recorded document that this one takes the place of; `beside` names the files that lie beside
    the bundle, so that whoever receives it can verify it.
    """

    recipient: str
    exhibits: Sequence[int] | None = None
    withhold: Withholding = field(default_factory=Withholding)
    rows: Sequence[ShownRow] = field(default_factory=list)
    since: Sequence[int] = field(default_factory=list)
    supersedes: dict[str, Json] | None = None
    beside: Mapping[str, bytes] = field(default_factory=dict)

    def digest(self, size: int) -> dict[str, Json]:
        """Names what is disclosed before the bundle exists: SHA-256 of JCS([size, ordinals, withheld, rows])."""
        what: list[Json] = [
            str(size),
            None if self.exhibits is None else [str(n) for n in self.exhibits],
            self.withhold.described(),
            [[str(row.entry), str(row.position)] for row in self.rows],
        ]
        return {"sha256": hashlib.sha256(canonical(what)).hexdigest()}


def disclose(case: Case, disclosure: Disclosure, output: Path, kind: str = "bundle") -> bytes:
    """Record the disclosure, checkpoint, compose the bundle, write it and what lies beside it, and record the digests.

    The entry before the bundle says what is disclosed and is inside it; the one after it registers the file.
    """
    data = compose(case, disclosure, output, kind)
    deliver(case, disclosure, output, data, kind)
    return data


def compose(case: Case, disclosure: Disclosure, output: Path, kind: str) -> bytes:
    """Record what is about to be disclosed, and make the bundle of it. Nothing is written: `deliver` or `give_up`."""
    _validate(disclosure, output)
    size = case.ledger.size
    document: dict[str, Json] = {"kind": kind, "withheld": disclosure.withhold.described()}
    if disclosure.supersedes is not None:
        document["supersedes"] = disclosure.supersedes
    recorded = case.record(
        "export",
        None,
        {
            "recipient": disclosure.recipient,
            "bundle_digest": disclosure.digest(size),
            "checkpoint_size": str(size),
            "document": document,
        },
    )
    if case.checkpoint() is None:
        raise CustodyError("the ledger's own key is not in this key store", "Ask its keeper to make the bundle.")
    return compose_bundle(
        case.ledger,
        exhibits=disclosure.exhibits,
        closes=disclosure.withhold,
        also=[recorded.index],
        rows=disclosure.rows,
        since=disclosure.since,
    )


def deliver(case: Case, disclosure: Disclosure, output: Path, data: bytes, kind: str) -> None:
    """Write the bundle and what lies beside it, and record their digests."""
    write_durably(output, data, 0o644)
    for name, content in disclosure.beside.items():
        write_durably(output.with_name(name), content, 0o644)
    extra: dict[str, Json] = {"withheld": disclosure.withhold.counted()}
    if disclosure.beside:
        digests = [(name, hashlib.sha256(content).hexdigest()) for name, content in disclosure.beside.items()]
        extra["beside"] = [{"name": name, "sha256": digest} for name, digest in digests]
    register_document(case, disclosure.recipient, kind, output.name, data, extra=extra)


def give_up(case: Case, recipient: str, kind: str) -> None:
    """Record that what an entry before announced was not disclosed: no file of it was written. Why is on the screen."""
    document: dict[str, Json] = {"kind": kind, "not_delivered": True}
    case.record("export", None, {"recipient": recipient, "document": document})


def _validate(disclosure: Disclosure, output: Path) -> None:
    """Refuse what would disclose other things than were meant, or could not be written, before it is recorded."""
    if not disclosure.recipient.strip():
        raise CustodyError("the recipient is empty", "Say who it is for: it is recorded.")
    if output.exists():
        raise CustodyError(f"{output} exists already", "Choose another name: nothing is overwritten.")
    if not output.parent.is_dir():
        raise CustodyError(f"there is no folder {output.parent}", "Make it first, or choose another place.")
    for name, content in disclosure.beside.items():
        path = output.with_name(name)
        if path == output or (path.exists() and not _holds(path, content)):
            raise CustodyError(f"{path} is to lie beside the bundle, and is another file", "Choose another folder.")


def _holds(path: Path, content: bytes) -> bool:
    """Whether a file has this content already: it may lie there from an earlier bundle."""
    return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content


def exhibits_within(case: Case, withhold: Withholding, numbers: Sequence[int] | None) -> list[int]:
    """Of these exhibits (None: all) those with an entry in the period; reads the whole ledger."""
    found = {row.entry.x.n for row in case.ledger.rows() if row.entry.x is not None and withhold.within(row)}
    within = sorted((found - {0}) & set(range(1, case.ledger.exhibits + 1) if numbers is None else numbers))
    if not within:
        raise CustodyError("no exhibit has an entry in this period", "`evikit ledger log` shows the times.")
    return within


def superseded(case: Case, path: Path) -> dict[str, Json]:
    """The recorded document whose bytes this file holds: its digest and the entry that registered it."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CustodyError(f"{path} cannot be read: {error.strerror}", "Check the path.") from error
    for row in reversed(case.ledger.rows_of("export")):
        if mapping(values_of(row).get("document")).get("sha256") == digest:
            return {"sha256": digest, "entry": str(row.index)}
    raise CustodyError(f"{path} is no document that this case made", "Name the bundle or report as it was handed over.")


def register_document(
    case: Case, recipient: str, kind: str, name: str, data: bytes, *, extra: Mapping[str, Json] | None = None
) -> None:
    """Record the digest of a document that left the case; `extra` is what else the entry says of it."""
    register_digest(case, recipient, kind, name, hashlib.sha256(data).hexdigest(), extra=extra)


def register_digest(
    case: Case, recipient: str, kind: str, name: str, sha256: str, *, extra: Mapping[str, Json] | None = None
) -> None:
    """The same, of a document too large to hold: `sha256` is its digest in hex."""
    document: dict[str, Json] = {"kind": kind, "name": shown(name), "sha256": sha256, **(extra or {})}
    case.record("export", None, {"recipient": recipient, "document": document})


def said_of(found: Bundle) -> dict[str, Json] | None:
    """What the newest export entry that a bundle shows says of it: for whom, as what, what is closed by which rule.

    It is the maker's word, signed. None where no such entry is shown or opened, as in a blind audit.
    """
    for item in reversed(found.entries):
        values = values_of(item)
        document = mapping(values.get("document"))
        closed = mapping(document.get("withheld"))
        if item.entry.type == "export" and closed:
            return {
                **closed,
                "entry": str(item.index),
                "recipient": values.get("recipient"),
                "kind": document.get("kind"),
                "supersedes": document.get("supersedes"),
            }
    return None


def read_bundle(path: Path) -> bytes:
    """A bundle's bytes; CustodyError when the file cannot be one.

    Of a large file that does not begin and end like a bundle only the beginning is read: no reader takes that for one
    either, and half a gigabyte of something else costs nobody its memory.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            if size > MAX_BUNDLE + 1:
                raise CustodyError(f"{path} is larger than any bundle", "Check which file you named.")
            file.seek(max(size - 2, 0))
            end = file.read(2)
            file.seek(0)
            whole = file.peek(16).startswith(b'{"checkpoint":"') and end.rstrip(b"\n").endswith(b"}")
            return file.read(size if whole or size <= _LARGE else 4096)  # a device has no size, and no end
    except OSError as error:
        raise CustodyError(f"{path} cannot be read: {error.strerror}", "Check the path.") from error


_LARGE = 16 * 1024 * 1024


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
