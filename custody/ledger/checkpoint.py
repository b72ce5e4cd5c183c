"""Closing entries, signed heads, and the heads this machine keeps outside the case.

A kept head is what makes a case that was put back whole to an older state notice it: the ledger must still contain
the head that this machine saw last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from custody.durable import write_durably
from custody.ledger.entry import Json, b64, unb64, undec
from custody.ledger.errors import CustodyError, IntegrityError, MalformedError
from custody.ledger.note import Checkpoint, sign_checkpoint
from custody.ledger.signing import key_id, public_key_of, sign_entry
from custody.ledger.store import Examine, Ledger


@dataclass(frozen=True, slots=True)
class EntryKey:
    """A private key that signs entries: a person's, or the ledger's own Ed25519 key."""

    private: Ed25519PrivateKey
    key: bytes = field(init=False)  # derived once: it takes longer than a signature

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", key_id(*public_key_of(self.private)))

    def sign_entry(self, payload: bytes) -> bytes:
        return sign_entry(self.private, payload)


@dataclass(frozen=True, slots=True)
class LedgerKeys:
    """The ledger's own keys: Ed25519 signs closing entries, and both sign every checkpoint."""

    ed25519: Ed25519PrivateKey
    mldsa: MLDSA44PrivateKey

    def records(self) -> list[Json]:
        """The public halves as `policy.ledger_keys` holds them."""
        pairs = (public_key_of(self.ed25519), public_key_of(self.mldsa))
        return [{"alg": algorithm, "pk": b64(public)} for algorithm, public in pairs]


def origin(domain: str, ledger: bytes) -> str:
    """First line of this ledger's checkpoints: <domain>/evikit/<ledger id, 64 hex digits>."""
    return f"{domain}/evikit/{ledger.hex()}"


def close(
    ledger: Ledger,
    keys: LedgerKeys,
    domain: str,
    values: Mapping[str, Json],
    posix_time: int,
    *,
    examine: Examine | None = None,
) -> bytes:
    """Append a closing entry and return the checkpoint over it; `posix_time` (seconds) is the signer's claim."""
    name = origin(domain, ledger.id)

    def note_for(size: int, root: bytes) -> bytes:
        return sign_checkpoint(Checkpoint(name, size, root), keys.ed25519, keys.mldsa, posix_time)

    return ledger.append_closing(EntryKey(keys.ed25519), values, note_for, examine)


@dataclass(frozen=True, slots=True)
class KeptHeads:
    """Heads of ledgers as last seen, one small file each, in a folder that is never part of a case."""

    folder: Path

    def _path(self, ledger: bytes) -> Path:
        return self.folder / ledger.hex()

    def keep(self, ledger: Ledger) -> None:
        """Remember the ledger's head, durably; a newer one that another process kept meanwhile stays."""
        kept = self.load(ledger.id)
        if kept is not None and kept[0] > ledger.size:
            return
        self.keep_head(ledger.id, ledger.size, ledger.root)

    def keep_head(self, ledger: bytes, size: int, root: bytes) -> None:
        """Remember this head of a ledger, durably, whatever was kept before."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        text = json.dumps({"size": str(size), "root": b64(root)})
        write_durably(self._path(ledger), text.encode())

    def load(self, ledger: bytes) -> tuple[int, bytes] | None:
        """(size, root) last kept, or None where this machine has not met the ledger."""
        path = self._path(ledger)
        if not path.exists():
            return None
        try:
            kept = json.loads(path.read_bytes())
            return undec(kept["size"]), unb64(kept["root"], 32)
        except (OSError, ValueError, KeyError, TypeError, RecursionError, MalformedError) as error:
            raise CustodyError(f"the kept head {path} is unreadable", "Restore it, or remove it knowingly.") from error

    def validate(self, ledger: Ledger) -> None:
        """Refuse a ledger that does not contain the head this machine saw last."""
        kept = self.load(ledger.id)
        if kept is None:
            return
        size, root = kept
        if size > ledger.size or ledger.root_at(size) != root:
            raise IntegrityError(
                f"this ledger does not contain the history that this machine saw last ({size} entries)",
                "It was put back to an older copy, or rewritten. Keep both copies and find out why.",
            )
