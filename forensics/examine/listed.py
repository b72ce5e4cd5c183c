"""The digest of a tree of files: SHA-256 of the lines `sha256sum` prints for them, in the order of the tree.

It is what a folder (or several log files) has in place of a media stream.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import Any

from custody.access import FoundFile
from forensics.examine.folder import Tree
from forensics.results.columns import printable

_BLOCK = 1 << 20


def listing_line(sha256: str, name: bytes) -> bytes:
    """One line: digest, two spaces, the name's bytes, line feed."""
    return sha256.encode() + b"  " + name + b"\n"


def listing_digest(tree: Tree, sink: Any) -> tuple[dict[str, str], int, str]:
    """({"sha256": digest}, bytes read, what could not be read): every regular file is read once.

    `sink.update` takes the lines as they are made.
    """
    digest, size, problems = hashlib.sha256(), 0, list[str]()
    for item in tree.files():
        if not isinstance(item, FoundFile):
            problems.append(f"{printable(item.filename or '')}: {item.strerror}")
        elif stat.S_ISREG(item.facts.st_mode):
            try:
                value, length = _file_digest(tree, item)
            except OSError as error:
                problems.append(f"{printable(item.name)}: {error.strerror}")
                continue
            line = listing_line(value, os.fsencode(item.name))
            digest.update(line)
            sink.update(line)
            size += length
    return {"sha256": digest.hexdigest()}, size, "; ".join(problems[:3])


def _file_digest(tree: Tree, item: FoundFile) -> tuple[str, int]:
    digest, done = hashlib.sha256(), 0
    with tree.reading(item) as part:
        while block := part.read_at(done, _BLOCK):
            digest.update(block)
            done += len(block)
    return digest.hexdigest(), done
