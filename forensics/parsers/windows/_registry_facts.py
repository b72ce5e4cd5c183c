"""What single keys of the registry tell: the readers of all subjects, asked by a key's path.

Which hive a file is does not matter: the paths tell. The first reader whose pattern fits the whole path is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from forensics.parsers.windows import (
    _registry_accounts,
    _registry_execution,
    _registry_shellbags,
    _registry_system,
    _registry_user,
)
from forensics.parsers.windows._registry_keys import Fact, Key

_SUBJECTS = (_registry_system, _registry_execution, _registry_shellbags, _registry_user, _registry_accounts)
_READERS = tuple(reader for subject in _SUBJECTS for reader in subject.READERS)
_ANY = re.compile("|".join(f"({reader.pattern})" for reader in _READERS), re.IGNORECASE | re.DOTALL)

KINDS = tuple(kind for subject in _SUBJECTS for kind in subject.KINDS)

_SECRET = re.compile(
    r"(?:.*\\)?SAM\\Domains\\(?:Account|Builtin)\\Users\\[0-9A-F]{8}|(?:.*\\)?SAM\\Domains\\Account"
    r"|(?:.*\\)?Policy\\(?:Secrets\\.*|Pol\w*(?:Key|Keys|Encryption\w*|EKList)\b.*)|(?:.*\\)?Cache",
    re.IGNORECASE | re.DOTALL,
)
"""Keys with passwords as Windows keeps them, and what they are encrypted with."""


def secret(path: str) -> bool:
    """Whether the binary values of the key hold passwords or their keys, which are never shown."""
    return _SECRET.fullmatch(path) is not None


def facts_of(key: Key) -> Iterator[Fact | str]:
    """What the key tells beside its values, nothing for most keys; what cannot be read of it is a reason (text)."""
    match = _ANY.fullmatch(key.path)
    if match is not None and match.lastindex is not None:
        yield from _READERS[match.lastindex - 1].read(key)
