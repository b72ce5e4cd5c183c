"""Who may sign, replayed from the entries: governors, persons, ledger keys, approvals, revocations (R11, R12, R25-R31).

Nothing here is taken from outside the ledger; whether the ledger itself is the right one is for the verifier's own
trust to say. A rule that is broken comes back as one line of text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from custody.ledger.entry import Entry, unb64, undec
from custody.ledger.errors import MalformedError
from custody.ledger.signing import ED25519, key_id, validate_public_key, verify_payload

SIGNED_BY_LEDGER = frozenset({"closing", "anchor"})
_POLICY = frozenset({"governors", "need", "ledger_keys", "keeper_same_as_author"})
_CONTINUES = frozenset({"ledger", "size", "root", "reason"})
AFTER_FREEZE = SIGNED_BY_LEDGER | {"export", "approve"}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An algorithm's name and the raw public key."""

    alg: str
    pk: bytes

    @classmethod
    def parse(cls, record: Any, *, with_id: bool = False) -> PublicKey:
        """Read {alg, pk} (with `key` when `with_id`), refusing weak keys and a false id (R11)."""
        keys = {"alg", "pk", "key"} if with_id else {"alg", "pk"}
        if not isinstance(record, dict) or record.keys() != keys or not isinstance(record["alg"], str):
            raise MalformedError("a key record does not have exactly its fields")
        key = cls(record["alg"], unb64(record["pk"]))
        validate_public_key(key.alg, key.pk)
        if with_id and unb64(record["key"], 32) != key.id:
            raise MalformedError("a key record's id is not that of its key")
        return key

    @classmethod
    def parse_author(cls, record: Any, *, with_id: bool = False) -> PublicKey:
        """`parse` for a key that signs entries, whose signatures have 64 bytes: Ed25519 alone."""
        key = cls.parse(record, with_id=with_id)
        if key.alg != ED25519:
            raise MalformedError("entries are signed with ed25519 alone")
        return key

    @property
    def id(self) -> bytes:
        return key_id(self.alg, self.pk)


def ledger_key_pair(records: Any) -> tuple[PublicKey, PublicKey]:
    """The ledger's Ed25519 and ML-DSA-44 keys, both required, in this order (R25)."""
    if not isinstance(records, list) or len(records) != 2:
        raise MalformedError("a ledger has exactly two keys")
    pair = PublicKey.parse(records[0]), PublicKey.parse(records[1])
    if [key.alg for key in pair] != ["ed25519", "ml-dsa-44"]:
        raise MalformedError("a ledger's keys are one ed25519 and one ml-dsa-44")
    return pair


def _governors(policy: Mapping[str, Any]) -> tuple[dict[bytes, PublicKey], int]:
    records = policy["governors"]
    if not isinstance(records, list) or not records:
        raise MalformedError("a policy names no governor")
    governors = {key.id: key for key in (PublicKey.parse_author(record, with_id=True) for record in records)}
    need = undec(policy["need"])
    if len(governors) != len(records) or not 1 <= need <= len(governors):
        raise MalformedError("a policy needs more signatures than it has governors")
    return governors, need


@dataclass(slots=True)
class _Pending:
    entry: Entry
    approvers: set[bytes]


@dataclass(slots=True)
class Governance:
    """The state after the entries applied so far. Fill it with `apply`, in the order of the index."""

    kind: str = ""
    domain: str = ""
    continues: bool = False
    keeper_same_as_author: bool = False
    governors: dict[bytes, PublicKey] = field(default_factory=dict)
    need: int = 1
    persons: dict[bytes, PublicKey] = field(default_factory=dict)
    ledger_keys: list[tuple[int, tuple[PublicKey, PublicKey]]] = field(default_factory=list)
    entitled: dict[bytes, bytes] = field(default_factory=dict)
    """Key id -> leaf of the entry that gave the key its place."""
    revoked: dict[bytes, int] = field(default_factory=dict)
    erased: dict[bytes, set[str]] = field(default_factory=dict)
    frozen: bool = False
    _pending: dict[bytes, _Pending] = field(default_factory=dict)

    def ledger_key_at(self, size: int) -> tuple[PublicKey, PublicKey]:
        """The pair in force for a checkpoint of `size`: the last one set by an index below it."""
        return next((pair for index, pair in reversed(self.ledger_keys) if index < size), self.ledger_keys[0][1])

    def key_of(self, entry: Entry) -> PublicKey:
        """The key that must have signed `entry`; MalformedError says why nobody may (R12)."""
        if self.frozen and entry.type not in AFTER_FREEZE:
            raise MalformedError("written after the ledger was frozen")
        if entry.type in SIGNED_BY_LEDGER:
            pair = self.ledger_keys[-1][1] if self.ledger_keys else None
            if pair is None or entry.key != pair[0].id:
                raise MalformedError("not signed with the ledger's own key")
            return pair[0]
        governors = _governors(self._policy(entry))[0] if entry.type == "genesis" else self.governors
        key = governors.get(entry.key)
        if key is None and entry.type not in {"genesis", "approve"}:
            key = self.persons.get(entry.key)
        if key is None:
            raise MalformedError("signed with a key that nobody enrolled for this")
        return key

    def _policy(self, entry: Entry) -> dict[str, Any]:
        policy = entry.pub["policy"]
        if not isinstance(policy, dict) or policy.keys() != _POLICY:
            raise MalformedError("genesis names no complete policy")
        if entry.pub["kind"] not in ("live", "exercise") or not isinstance(policy["keeper_same_as_author"], bool):
            raise MalformedError("genesis does not say of which kind it is, or who keeps the ledger's key")
        domain, continues = entry.pub["domain"], entry.pub["continues"]
        if not isinstance(domain, str) or not re.fullmatch(r"[A-Za-z0-9.-]{1,183}", domain):
            raise MalformedError("genesis names no domain that a checkpoint can bear")
        if continues is not None and (not isinstance(continues, dict) or continues.keys() != _CONTINUES):
            raise MalformedError("genesis does not say which ledger it continues")
        ledger_key_pair(policy["ledger_keys"])
        return policy

    def apply(self, index: int, leaf: bytes, entry: Entry) -> None:
        """Take in a governing entry whose signature was found good; MalformedError names a broken rule."""
        if entry.type == "genesis":
            self._begin(leaf, entry)
        elif entry.type == "approve":
            self._approve(index, entry)
        elif entry.type in _EFFECTS:
            _EFFECTS[entry.type](self, index, leaf, entry, dry_run=True)
            self._pending[leaf] = _Pending(entry, set())
            self._count(index, leaf, entry.key)

    def _begin(self, leaf: bytes, entry: Entry) -> None:
        policy, pub = self._policy(entry), entry.pub
        self.kind, self.domain, self.continues = pub["kind"], pub["domain"], pub["continues"] is not None
        self.keeper_same_as_author = policy["keeper_same_as_author"]
        self._govern(leaf, policy)
        self.ledger_keys.append((0, ledger_key_pair(policy["ledger_keys"])))

    def _govern(self, leaf: bytes, policy: Mapping[str, Any]) -> None:
        self.governors, self.need = _governors(policy)
        for key in self.governors:
            self.entitled.setdefault(key, leaf)

    def _approve(self, index: int, entry: Entry) -> None:
        (target,) = entry.re
        if target in self._pending:
            self._count(index, target, entry.key)

    def _count(self, index: int, target: bytes, key: bytes) -> None:
        pending = self._pending[target]
        pending.approvers.add(key)
        # who governs is asked at each approval: a governor may have been replaced or revoked since signing
        if len(pending.approvers & (self.governors.keys() - self.revoked.keys())) >= self.need:
            del self._pending[target]
            _EFFECTS[pending.entry.type](self, index, target, pending.entry, dry_run=False)

    def waiting(self) -> dict[bytes, set[bytes]]:
        """Leaf of each entry that still waits for approval -> the keys that agreed so far."""
        return {leaf: set(pending.approvers) for leaf, pending in self._pending.items()}

    # Each effect first validates (dry_run, when the entry is written), then takes hold (at the last approval needed).

    def _policy_changed(self, _index: int, leaf: bytes, entry: Entry, *, dry_run: bool) -> None:
        _governors(entry.pub)
        if not dry_run:
            self._govern(leaf, entry.pub)

    def _enrolled(self, _index: int, leaf: bytes, entry: Entry, *, dry_run: bool) -> None:
        key = PublicKey.parse_author({"alg": entry.pub["alg"], "pk": entry.pub["pk"]})
        proof = b"evikit/pop/v1\n" + (entry.ledger or b"") + entry.id + key.pk
        roles = entry.pub["roles"]
        if not isinstance(roles, list) or not roles or not all(isinstance(r, str) for r in roles):
            raise MalformedError("an enrolment names no role")
        if not verify_payload(key.alg, key.pk, proof, unb64(entry.pub["pop"])):
            raise MalformedError("an enrolment does not prove possession of its key")
        taken = {
            *self.persons,
            *self.governors,
            *self.revoked,
            *(own.id for _, pair in self.ledger_keys for own in pair),
        }
        if dry_run and key.id in taken:
            raise MalformedError("a key is enrolled twice")
        if dry_run and entry.type == "person.rotate" and self.entitled.get(entry.key) != entry.re[0]:
            raise MalformedError("a rotation does not answer the entry that enrolled its signer")
        if not dry_run and key.id not in taken:
            self._install(leaf, key, replaced=entry.key if entry.type == "person.rotate" else b"")

    def _install(self, leaf: bytes, key: PublicKey, replaced: bytes) -> None:
        # whoever governs goes on governing with the new key
        place = self.persons if self.governors.pop(replaced, None) is None else self.governors
        self.persons.pop(replaced, None)
        place[key.id], self.entitled[key.id] = key, leaf

    def _revoked(self, index: int, _leaf: bytes, entry: Entry, *, dry_run: bool) -> None:
        key, start = unb64(entry.pub["key"], 32), undec(entry.pub["from"])
        if start > index:
            raise MalformedError("a revocation starts after itself")
        if not dry_run:
            self.revoked[key] = min(start, self.revoked.get(key, start))

    def _ledger_rotated(self, index: int, _leaf: bytes, entry: Entry, *, dry_run: bool) -> None:
        pair = ledger_key_pair(entry.pub["ledger_keys"])
        if not dry_run:
            self.ledger_keys.append((index, pair))

    def _frozen(self, _index: int, _leaf: bytes, _entry: Entry, *, dry_run: bool) -> None:
        self.frozen = self.frozen or not dry_run

    def _erased(self, _index: int, _leaf: bytes, entry: Entry, *, dry_run: bool) -> None:
        names = entry.pub["names"]
        if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
            raise MalformedError("an erasure names no field")
        if not dry_run:
            self.erased.setdefault(entry.re[0], set()).update(names)


_EFFECTS = {
    "policy": Governance._policy_changed,
    "person.enrol": Governance._enrolled,
    "person.rotate": Governance._enrolled,
    "person.revoke": Governance._revoked,
    "ledger.rotate": Governance._ledger_rotated,
    "freeze": Governance._frozen,
    "erase": Governance._erased,
}
