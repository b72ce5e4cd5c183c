"""A BagIt bag (RFC 8493): exhibits and documents in one folder that archives and other agencies can check.

A bag has digests of its own and nobody's signature: whoever changes a file can change its line. What proves that the
bag is what was handed out is in it (the bundle, its verifier), and in the ledger: the digest of its manifest.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from custody.durable import sync_folder, write_durably
from custody.ledger.errors import CustodyError

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
MANIFEST = "manifest-sha256.txt"


def fill_bag(bag: Path, documents: Iterable[Path], info: Mapping[str, str]) -> str:
    """Make a bag of a folder whose `data/` holds the exhibits: add the documents, then the manifests.

    Returns the SHA-256 (hex) of its manifest. CustodyError where a name cannot stand in one.
    """
    for document in documents:
        shutil.copyfile(document, bag / "data" / document.name)
    files = sorted(path for path in (bag / "data").rglob("*") if path.is_file())
    lines = [_line(path, bag) for path in files]
    oxum = f"{sum(path.stat().st_size for path in files)}.{len(files)}"
    tags = {
        "bagit.txt": DECLARATION,
        "bag-info.txt": "".join(f"{name}: {_tag(value)}\n" for name, value in {**info, "Payload-Oxum": oxum}.items())
        .encode(),
        MANIFEST: "".join(lines).encode(),
    }  # fmt: skip
    for name, data in tags.items():
        write_durably(bag / name, data, 0o644)
    listed = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(tags.items()))
    write_durably(bag / "tagmanifest-sha256.txt", listed.encode(), 0o644)
    sync_folder(bag)
    return hashlib.sha256(tags[MANIFEST]).hexdigest()


def _line(path: Path, bag: Path) -> str:
    """A file's digest and path; the three letters that would end a line or begin an escape are escaped (2.1.3)."""
    name = os.fsencode(path.relative_to(bag))
    try:
        text = name.decode()
    except UnicodeDecodeError as error:
        raise CustodyError(f"{name!r} is no name that a bag can list", "Leave this exhibit out of the bag.") from error
    for letter in "%\n\r":
        text = text.replace(letter, f"%{ord(letter):02X}")
    with path.open("rb") as file:
        return f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {text}\n"


def _tag(value: str) -> str:
    """A value on one line."""
    return " ".join(value.split())
