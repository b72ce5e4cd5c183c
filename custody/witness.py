"""A witness: someone outside the laboratory who signs the heads of ledgers, each only as a growth of the last one.

What it saw last stands in a small SQLite file of its own, written before a signature is handed out. Signatures are
cosignatures as of C2SP tlog-cosignature (Ed25519, kind 0x04). The first head of a ledger is taken as it comes.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custody.fraud import compare, dump_proof, heads_in
from custody.ledger.bundle import verify_bundle
from custody.ledger.entry import b64, unb64
from custody.ledger.errors import CustodyError, IntegrityError, LedgerBusyError, MalformedError
from custody.ledger.note import COSIGNATURE_ED25519, cosignature, parse_note, sign_line
from custody.ledger.signing import ED25519, public_key_of, validate_public_key
from custody.ledger.verdict import Trust
from custody.moment import claimed


def validate_name(name: str) -> None:
    """Refuse what cannot stand on a signature line (C2SP signed-note: no spaces, no plus sign)."""
    if not re.fullmatch(r"[A-Za-z0-9._/-]{1,200}", name):
        raise CustodyError(f"a witness's name is not {name!r}", "Use letters, digits, dots, slashes and hyphens.")


class ForkError(IntegrityError):
    """Two histories under one ledger's name; `proof` is what anybody can check."""

    def __init__(self, message: str, advice: str, proof: bytes) -> None:
        super().__init__(message, advice)
        self.proof = proof


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The checkpoint with the witness's line; `before` is the size seen last (0: the ledger was not known)."""

    note: bytes
    size: int
    before: int


@dataclass(frozen=True, slots=True)
class Witness:
    """Signs under `name` with its own key; `store` is its memory."""

    store: Path
    name: str
    private: Ed25519PrivateKey

    def cosign(self, data: bytes, seconds: int) -> Cosigned:
        """Sign the head of a bundle at `seconds` since 1970, if it continues the one seen last of its ledger.

        The same head once more gives the same bytes. IntegrityError: the bundle does not verify, or its head is older
        than the one seen last. ForkError: it is of another history. CustodyError: it does not prove that it continues.
        """
        verdict, found = verify_bundle(data, Trust())
        if found is None or verdict.failed:
            raise IntegrityError("the bundle does not verify: nothing is signed", "`evikit bundle verify` says why.")
        head = parse_note(found.checkpoint.encode()).checkpoint
        with self._memory() as memory:
            row = memory.execute("SELECT note FROM head WHERE ledger = ?", (verdict.ledger,)).fetchone()
            kept = bytes(row[0]) if row else None
            before = parse_note(kept).checkpoint if kept is not None else None
            if kept is not None and before is not None:
                if before == head:
                    return Cosigned(kept, head.size, head.size)
                _validate_growth(kept, data)
            note = found.checkpoint.encode() + sign_line(head, self.name, COSIGNATURE_ED25519, self.private, seconds)
            parse_note(note)  # what a reader would refuse is not handed out
            memory.execute("INSERT OR REPLACE INTO head VALUES (?, ?)", (verdict.ledger, note))
        return Cosigned(note, head.size, 0 if before is None else before.size)

    @contextmanager
    def _memory(self) -> Iterator[sqlite3.Connection]:
        """The memory in one transaction that shuts out other processes, durable on return."""
        try:
            self.store.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with closing(sqlite3.connect(self.store, isolation_level=None, timeout=10)) as memory:
                memory.execute("PRAGMA synchronous = EXTRA")
                memory.execute("BEGIN IMMEDIATE")
                memory.execute("CREATE TABLE IF NOT EXISTS head (ledger TEXT PRIMARY KEY, note BLOB NOT NULL)")
                yield memory
                memory.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise LedgerBusyError(
                f"the witness's memory {self.store} cannot be written: {error}", "Try again."
            ) from error
        except sqlite3.DatabaseError as error:
            raise IntegrityError(
                f"the witness's memory {self.store} is damaged: {error}", "Restore it: without it a fork is not seen."
            ) from error

    @property
    def key(self) -> str:
        """What others verify by: NAME+b64(public key)."""
        return f"{self.name}+{b64(public_key_of(self.private)[1])}"


def _validate_growth(kept: bytes, data: bytes) -> None:
    head, heads = parse_note(kept).checkpoint, heads_in(data)
    if max(heads) < head.size:
        raise IntegrityError(
            f"this head of {max(heads)} entries is older than the one of {head.size} seen last: nothing is signed",
            "The ledger was put back, or this is an old bundle: ask for a new one.",
        )
    if compare(kept, data) is not None:
        raise ForkError(
            f"the ledger has two histories: its head of {head.size} entries is not the one seen before",
            "Nothing is signed. Keep the proof, and tell whoever relies on the ledger.",
            dump_proof(kept, data),
        )


def cosigned_at(note: bytes, key: str) -> int | None:
    """When the witness of this key (NAME+b64) signed the checkpoint, in seconds since 1970; None if it did not."""
    name, _, public = key.partition("+")
    try:
        raw = unb64(public, 32)
        validate_public_key(ED25519, raw)
    except MalformedError as error:
        raise CustodyError(
            f"that is no witness's key: {error}", "It is NAME+KEY, as `witness sign` shows it."
        ) from error
    try:
        return cosignature(parse_note(note), name, COSIGNATURE_ED25519, raw)
    except MalformedError as error:
        raise CustodyError(f"that is no checkpoint: {error}", "Check which file you named.") from error


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Whom a verifier trusts to watch a ledger grow: keys (NAME+b64), and how many of them must have signed a head."""

    keys: tuple[str, ...]
    quorum: int

    @classmethod
    def parse(cls, trust_file: bytes) -> Witnesses:
        """The `witnesses` and `quorum` of a trust file; MalformedError where they are none."""
        value = json.loads(trust_file)
        keys, quorum = value.get("witnesses", []), value.get("quorum", 1)
        if not isinstance(keys, list) or not all(isinstance(key, str) and "+" in key for key in keys):
            raise MalformedError("not a trust file: witnesses is a list of NAME+KEY")
        if isinstance(quorum, bool) or not isinstance(quorum, int) or not 1 <= quorum <= max(1, len(set(keys))):
            raise MalformedError("not a trust file: quorum is a number from 1 to that of the witnesses")
        return cls(tuple(dict.fromkeys(keys)), quorum)

    def signed(self, note: bytes) -> list[str]:
        """Which of them signed the checkpoint, by name and time; CustodyError where they are fewer than the quorum."""
        times = ((key.partition("+")[0], cosigned_at(note, key)) for key in self.keys)
        found = [f"{name} at {claimed(at * 1_000_000_000)}" for name, at in times if at is not None]
        if len(found) < self.quorum:
            raise CustodyError(
                f"{len(found)} of your {len(self.keys)} witnesses signed that checkpoint, your quorum is {self.quorum}",
                "Ask the witnesses themselves for the heads they signed.",
            )
        return found
