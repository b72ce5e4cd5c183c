"""Documents kept beside the ledger by digest: acquisition logs, photographs, scans. Never evidence itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from custody.durable import write_durably
from custody.ledger.entry import Json
from custody.ledger.errors import CustodyError
from custody.target import shown

MAX_ATTACHMENT = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Attachment:
    """A kept document: the name it had, bytes, SHA-256 in hex."""

    name: str
    size: int
    sha256: str

    def described(self) -> dict[str, Json]:
        return {"name": self.name, "size": str(self.size), "sha256": self.sha256}


def keep_attachment(receipts: Path, path: Path) -> Attachment:
    """Copy a document into receipts/attachments under its digest; CustodyError when it cannot be."""
    try:
        if path.stat().st_size > MAX_ATTACHMENT:
            raise CustodyError(f"{path} is larger than an attachment may be", "Take it in as an exhibit.")
        data = path.read_bytes()
    except OSError as error:
        raise CustodyError(f"{shown(str(path))} cannot be read: {error.strerror}", "Check the path.") from error
    return keep_document(receipts, shown(path.name), data)


def keep_document(receipts: Path, name: str, data: bytes) -> Attachment:
    """Keep bytes of our own making as a document of this name, under their digest."""
    digest = hashlib.sha256(data).hexdigest()
    folder = receipts / "attachments"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / digest).exists():
        write_durably(folder / digest, data, 0o444)
    return Attachment(name, len(data), digest)
