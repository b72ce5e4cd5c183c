"""A small world in three lines: a ledger with fixed keys and a clock that ticks one second an entry.

world = World(tmp_path)
n = world.exhibit("AH/1")
world.access(n)

`World` writes through the store, as the kit does. `Chronicle` writes in memory and obeys no rule it is told to break.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from custody.ledger.checkpoint import EntryKey, LedgerKeys, close
from custody.ledger.draft import compose
from custody.ledger.entry import ChainPosition, Entry, Json, Openings, b64, leaf_of
from custody.ledger.exhibit_map import ExhibitMap
from custody.ledger.merkle import Frontier
from custody.ledger.note import Checkpoint, sign_checkpoint
from custody.ledger.signing import public_key_of, sign_payload
from custody.ledger.store import NEW, Draft, Ledger, Row
from custody.ledger.verdict import Trust, Verdict
from custody.ledger.verify import verify_ledger

DOMAIN = "lab.example"


def entry_key(number: int) -> EntryKey:
    """The same key for the same number, always."""
    return EntryKey(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


def ledger_keys(number: int) -> LedgerKeys:
    return LedgerKeys(
        Ed25519PrivateKey.from_private_bytes(bytes([100 + number]) * 32),
        MLDSA44PrivateKey.from_seed_bytes(bytes([200 + number]) * 32),
    )


def governor(key: EntryKey) -> dict[str, Json]:
    algorithm, public = public_key_of(key.private)
    return {"key": b64(key.key), "pk": b64(public), "alg": algorithm}


def genesis_pub(keys: LedgerKeys, governors: Sequence[int], need: int) -> dict[str, Json]:
    policy: dict[str, Json] = {
        "governors": [governor(entry_key(number)) for number in governors],
        "need": str(need),
        "ledger_keys": keys.records(),
        "keeper_same_as_author": True,
    }
    return {"kind": "live", "domain": DOMAIN, "policy": policy, "continues": None}


class World:
    """One ledger in `folder`, or at the URL of a schema, begun by one examiner."""

    def __init__(
        self, place: Path | str, *, examiner: int = 1, keys: int = 1, need: int = 1, governors: Sequence[int] = ()
    ) -> None:
        self.examiner, self.keys = entry_key(examiner), ledger_keys(keys)
        if isinstance(place, Path):
            place.mkdir(parents=True, exist_ok=True)
            self.path = place / "ledger.sqlite"
        self.ledger = Ledger.create(self.path if isinstance(place, Path) else place)
        self.time = 1_700_000_000
        self.genesis = self.add(
            "genesis", 0, {"case": {"number": "C-1"}}, pub=genesis_pub(self.keys, (examiner, *governors), need)
        )

    def add(
        self,
        kind: str,
        n: int | None,
        values: Mapping[str, Json] | None = None,
        *,
        re: Sequence[bytes] = (),
        pub: Mapping[str, Json] | None = None,
        key: EntryKey | None = None,
    ) -> Row:
        self.time += 1
        filled = {
            "actor": "Ana Kovač",
            "claimed_at": f"2023-11-14T22:13:{self.time % 60:02d}.000000000Z",
            **(values or {}),
        }
        return self.ledger.append(Draft(kind, filled, n=n, re=tuple(re), pub=pub or {}), key or self.examiner)

    def exhibit(self, ref: str) -> int:
        x = self.add("exhibit.register", NEW, {"ref": ref}).entry.x
        assert x is not None
        return x.n

    def access(self, n: int, purpose: str = "examination") -> tuple[Row, Row]:
        begin = self.add("access.begin", n, {"purpose": purpose})
        return begin, self.add("access.end", n, {"outcome": "completed", "basis": "whole"}, re=[begin.leaf])

    def close(self) -> bytes:
        self.time += 1
        return close(self.ledger, self.keys, DOMAIN, {}, self.time)

    def verify(self, trust: Trust | None = None) -> Verdict:
        rows = ((row.payload, row.sig, row.leaf, row.openings) for row in self.ledger.rows())
        return verify_ledger(rows, self.ledger.notes(), trust or Trust())


def aged(path: Path) -> Path:
    """A closed ledger made one of revision 0001, which differs in the indexes alone."""
    with closing(sqlite3.connect(path)) as connection:
        for name in ("entry_by_type", "entry_by_sequence"):
            connection.execute(f"DROP INDEX {name}")
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
        connection.commit()
    return path


StoredRow = tuple[bytes, bytes, bytes, Openings]


class Chronicle:
    """A history in memory. Every entry is well made unless `over` says otherwise, field by field of `Entry`."""

    def __init__(
        self,
        *,
        governors: Sequence[int] = (1,),
        need: int = 1,
        keys: int = 1,
        opened: Mapping[str, Json] | None = None,
        **pub: Any,
    ) -> None:
        self.keys, self.governors = ledger_keys(keys), governors
        self.rows: list[StoredRow] = []
        self.notes: list[bytes] = []
        self.frontier, self.map = Frontier(), ExhibitMap()
        self.chains: dict[int, tuple[int, bytes]] = {}
        self.ledger: bytes | None = None
        begun = opened or {"case": {"number": "C-1"}}
        self.add("genesis", 0, begun, pub={**genesis_pub(self.keys, governors, need), **pub})
        self.ledger = self.rows[0][2]

    def add(
        self,
        kind: str,
        n: int | None,
        values: Mapping[str, Json] | None = None,
        *,
        re: Sequence[bytes] = (),
        pub: Mapping[str, Any] | None = None,
        key: EntryKey | None = None,
        **over: Any,
    ) -> bytes:
        """Append and return the leaf. `n` NEW begins the next exhibit."""
        key = key or entry_key(self.governors[0])
        n = len(self.chains) if n == NEW else n
        count, last = self.chains.get(n, (0, None)) if n is not None else (0, None)
        entry = Entry(
            ledger=self.ledger,
            id=hashlib.sha256(b"%d" % len(self.rows)).digest()[:16],
            type=kind,
            key=key.key,
            seen_size=self.frontier.size,
            seen_root=self.frontier.root(),
            x=None if n is None else ChainPosition(n, count + 1, last),
            re=tuple(re),
            pub=pub or {},
            commits={},
        )
        payload, openings = compose(replace(entry, **over), values or {})
        self.put(payload, key.sign_entry(payload), openings)
        leaf = self.rows[-1][2]
        if n is not None:
            self.chains[n] = (count + 1, leaf)
            self.map.put(n, count + 1, leaf)
        return leaf

    def put(self, payload: bytes, signature: bytes, openings: Openings) -> None:
        leaf = leaf_of(payload, signature)
        self.rows.append((payload, signature, leaf, openings))
        self.frontier.append(leaf)

    def close(self, **over: Any) -> bytes:
        """A closing entry and the checkpoint over it; returns the note."""
        pub = {"map_size": str(self.map.size), "map_root": b64(self.map.root)}
        self.add("closing", None, pub=pub, key=EntryKey(self.keys.ed25519), **over)
        return self.note()

    def note(self) -> bytes:
        head = Checkpoint(f"{DOMAIN}/evikit/{(self.ledger or b'').hex()}", self.frontier.size, self.frontier.root())
        self.notes.append(sign_checkpoint(head, self.keys.ed25519, self.keys.mldsa, 1_700_000_000))
        return self.notes[-1]

    def enrol(
        self,
        number: int,
        *,
        by: int = 1,
        kind: str = "person.enrol",
        re: Sequence[bytes] = (),
        opened: Mapping[str, Json] | None = None,
        **pub: Any,
    ) -> bytes:
        """Enrol the person with this key number, with the proof that they hold the key."""
        key, index = entry_key(number), len(self.rows)
        _, public = public_key_of(key.private)
        entry_id = hashlib.sha256(b"%d" % index).digest()[:16]
        proof = sign_payload(key.private, b"evikit/pop/v1\n" + (self.ledger or b"") + entry_id + public)
        facts = {"alg": "ed25519", "pk": b64(public), "pop": b64(proof), "roles": ["examiner"], **pub}
        return self.add(kind, 0, opened or {"person": {"name": "Ana Kovač"}}, pub=facts, key=entry_key(by), re=re)

    def approve(self, target: bytes, by: int) -> bytes:
        return self.add("approve", 0, re=[target], key=entry_key(by))

    def revoke(self, number: int, start: int, *, by: int = 1) -> bytes:
        pub = {"key": b64(entry_key(number).key), "from": str(start)}
        return self.add("person.revoke", 0, pub=pub, key=entry_key(by))

    def access(self, n: int) -> tuple[bytes, bytes]:
        begin = self.add("access.begin", n, {"purpose": "examination"})
        return begin, self.add("access.end", n, {"outcome": "completed"}, re=[begin])

    def verify(self, trust: Trust | None = None, rows: Sequence[StoredRow] | None = None) -> Verdict:
        return verify_ledger(self.rows if rows is None else rows, self.notes, trust or Trust())


def kinds(verdict: Verdict) -> set[tuple[int | None, str]]:
    """What failed: (index, kind)."""
    return {(finding.index, finding.kind) for finding in verdict.failed}


def remarks(verdict: Verdict) -> set[tuple[int | None, str]]:
    return {(finding.index, finding.kind) for finding in verdict.notes}
