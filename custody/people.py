"""People and keys: who acts, and the key store outside every case ($EVIKIT_HOME).

keys/<id>.pem     a sealed private key (encrypted PKCS#8), <id> = first 32 hex digits of its key id
keys/<id>.toml    whose it is: name, agency, role, algorithm (for people); nothing secret
heads/<ledger>    the head of each ledger as last seen here
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from custody.durable import write_durably
from custody.keys import open_private_key, seal_private_key
from custody.ledger.checkpoint import EntryKey, KeptHeads, LedgerKeys
from custody.ledger.draft import validate_value
from custody.ledger.entry import Json, canonical, decode
from custody.ledger.errors import CustodyError, KeyLockedError, MalformedError
from custody.ledger.signing import PrivateKey, key_id, public_key_of

ROLES = (
    "first-responder",
    "examiner",
    "exhibits-officer",
    "investigator",
    "financial-investigator",
    "fiu-analyst",
    "prosecutor",
    "court",
    "defence-expert",
    "trainer",
)

KEY_FORMAT = "evikit-keys-1"

Passphrase = Callable[[], str]
"""Asks for the passphrase, once."""


@dataclass(frozen=True, slots=True)
class Person:
    """Someone whose key is in this key store. `key` is the key id, 32 bytes."""

    name: str
    agency: str
    role: str
    key: bytes


def quoted(text: str) -> str:
    """A TOML basic string."""
    escaped = "".join(
        f"\\u{ord(c):04x}" if ord(c) < 0x20 or ord(c) == 0x7F else "\\" + c if c in '"\\' else c for c in text
    )
    return f'"{escaped}"'


@dataclass(frozen=True, slots=True)
class Home:
    """The key store of one person on one machine; it is never inside a case."""

    path: Path

    @classmethod
    def default(cls) -> Home:
        """$EVIKIT_HOME, else ~/.local/share/evikit (or below $XDG_DATA_HOME)."""
        if given := os.environ.get("EVIKIT_HOME"):
            return cls(Path(given).expanduser().absolute())
        data = os.environ.get("XDG_DATA_HOME")
        return cls((Path(data) if data else Path.home() / ".local" / "share") / "evikit")

    @property
    def heads(self) -> KeptHeads:
        return KeptHeads(self.path / "heads")

    def _file(self, key: bytes, suffix: str) -> Path:
        return self.path / "keys" / f"{key.hex()[:32]}.{suffix}"

    def people(self) -> list[Person]:
        """Everyone whose key is here, by name."""
        found: list[Person] = []
        for path in sorted((self.path / "keys").glob("*.toml")):
            try:
                facts = tomllib.loads(path.read_text("utf-8"))
                name, agency, role = (str(facts[field]) for field in ("name", "agency", "role"))
                found.append(Person(name, agency, role, bytes.fromhex(facts["key"])))
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise CustodyError(f"the key record {path} is unreadable", "Restore it from a backup.") from error
        return sorted(found, key=lambda person: (person.name, person.key))

    def _keep(self, private: PrivateKey, passphrase: str) -> bytes:
        key = key_id(*public_key_of(private))
        (self.path / "keys").mkdir(parents=True, exist_ok=True, mode=0o700)
        write_durably(self._file(key, "pem"), seal_private_key(private, passphrase))
        return key

    def _open(self, key: bytes, passphrase: str) -> PrivateKey:
        path = self._file(key, "pem")
        if not path.is_file():
            raise KeyLockedError(
                f"the private key {key.hex()[:16]} is not in {self.path}",
                "Set EVIKIT_HOME to the key store that has it.",
            )
        private = open_private_key(path.read_bytes(), passphrase)
        if key_id(*public_key_of(private)) != key:
            raise KeyLockedError(f"{path} holds another key than its name says", "Restore it from a backup.")
        return private

    def make_person(self, name: str, agency: str, role: str, passphrase: str) -> Person:
        """A new person with a new key, sealed with `passphrase`."""
        facts = {"name": name, "agency": agency, "role": role}
        for value in facts.values():
            validate_value(value)  # undecodable bytes of a command line: refused before a key is made
        key = self._keep(Ed25519PrivateKey.generate(), passphrase)
        text = "".join(f"{field} = {quoted(value)}\n" for field, value in {**facts, "key": key.hex()}.items())
        write_durably(self._file(key, "toml"), text.encode())
        return Person(name, agency, role, key)

    def find(self, name: str, agency: str) -> Person | None:
        """The person of this name and agency whose key is here, the one made last; None when there is none."""
        same = [person for person in self.people() if (person.name, person.agency) == (name, agency)]
        return max(same, key=lambda person: self._file(person.key, "toml").stat().st_mtime_ns, default=None)

    def holds(self, key: bytes) -> bool:
        """Whether the private key with this id is here."""
        return self._file(key, "pem").is_file()

    def export_keys(self, keys: Sequence[bytes]) -> bytes:
        """Sealed keys, still sealed, with whose they are, as one file to carry to another key store."""
        items: list[Json] = []
        for key in keys:
            record = self._file(key, "toml")
            try:
                sealed = self._file(key, "pem").read_text("ascii")
                whose = record.read_text("utf-8") if record.exists() else ""
            except (OSError, ValueError) as error:
                raise KeyLockedError(
                    f"the key {key.hex()[:16]} is not in {self.path}", "Set EVIKIT_HOME to the key store that has it."
                ) from error
            items.append({"key": key.hex(), "sealed": sealed, "record": whose})
        return canonical({"format": KEY_FORMAT, "keys": items}) + b"\n"

    def import_keys(self, data: bytes, passphrase: str) -> list[bytes]:
        """Take in what `export_keys` wrote, where the passphrase opens it; the ids of the keys."""
        taken: list[bytes] = []
        for key, sealed, record in _exported(data):
            private = open_private_key(sealed, passphrase)
            if key_id(*public_key_of(private)) != key:
                raise CustodyError("the file holds another key than it says", "Export it again.")
            taken.append(self._keep(private, passphrase))
            if record:
                write_durably(self._file(key, "toml"), record)
        return taken

    def entry_key(self, key: bytes, passphrase: str) -> EntryKey:
        """The signing key with this id; KeyLockedError when it is not here or does not open."""
        private = self._open(key, passphrase)
        if not isinstance(private, Ed25519PrivateKey):
            raise KeyLockedError("that key is not one that signs entries")
        return EntryKey(private)

    def make_ledger_keys(self, passphrase: str) -> LedgerKeys:
        """The two keys of a new ledger, sealed with the passphrase of who keeps them."""
        keys = LedgerKeys(Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate())
        self._keep(keys.ed25519, passphrase)
        self._keep(keys.mldsa, passphrase)
        return keys

    def ledger_keys(self, ed25519: bytes, mldsa: bytes, passphrase: str) -> LedgerKeys | None:
        """The ledger's keys by their ids, or None where they are not kept here."""
        if not self._file(ed25519, "pem").is_file() or not self._file(mldsa, "pem").is_file():
            return None
        first, second = self._open(ed25519, passphrase), self._open(mldsa, passphrase)
        if not isinstance(first, Ed25519PrivateKey) or not isinstance(second, MLDSA44PrivateKey):
            raise KeyLockedError("the ledger's keys are not of the kinds its genesis names")
        return LedgerKeys(first, second)


def _exported(data: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """(key id, sealed key, record) of each exported key; CustodyError for any other file."""
    try:
        body: Any = decode(data.removesuffix(b"\n"), 1 << 20)
        if not isinstance(body, dict) or body.get("format") != KEY_FORMAT or not isinstance(body["keys"], list):
            raise KeyError("format")  # noqa: TRY301 - one way to refuse
        found = [
            (bytes.fromhex(item["key"]), item["sealed"].encode(), item["record"].encode()) for item in body["keys"]
        ]
        for _, _, record in found:
            tomllib.loads(record.decode())
    except (MalformedError, ValueError, KeyError, TypeError, AttributeError) as error:  # ValueError: TOML and hex
        raise CustodyError("that is no file of exported keys", "`evikit person export-key` makes one.") from error
    return found
