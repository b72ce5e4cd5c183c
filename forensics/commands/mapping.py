"""A mapping file: how the examiner's own kinds of logs are read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from custody.ledger.errors import CustodyError
from custody.target import shown

if TYPE_CHECKING:
    from forensics.parsers import LogMapping

_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Mappings:
    """The mappings of one file and its SHA-256 (hex); none, and "", without a file."""

    logs: tuple[LogMapping, ...] = ()
    sha256: str = ""


def read_mappings(path: Path) -> Mappings:
    """The mappings in a file; CustodyError says in one line why it cannot be used."""
    from forensics.parsers import MappingError, read_mapping

    try:
        data = path.read_bytes() if path.stat().st_size <= _LIMIT else b"\0"
        logs = read_mapping(data.decode("utf-8"))
    except OSError as error:
        raise CustodyError(f"{shown(str(path))} cannot be read: {error.strerror}", "Check --mapping.") from error
    except (MappingError, UnicodeDecodeError) as error:
        raise CustodyError(
            f"the mapping {shown(path.name)} cannot be used: {error}", "docs/formats.md shows one."
        ) from error
    return Mappings(logs, hashlib.sha256(data).hexdigest())
