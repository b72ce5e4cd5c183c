"""A small world in three lines: a ledger with fixed keys and a clock that ticks one second an entry.

world = World(tmp_path)
n = world.exhibit("AH/1")
world.access(n)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from custody.ledger.checkpoint import EntryKey, LedgerKeys, close
from custody.ledger.entry import Json, b64
from custody.ledger.signing import public_key_of
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


class World:
    """One ledger in `folder`, begun by one examiner."""

    def __init__(
        self, folder: Path, *, examiner: int = 1, keys: int = 1, need: int = 1, governors: Sequence[int] = ()
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "ledger.sqlite"
        self.examiner, self.keys = entry_key(examiner), ledger_keys(keys)
        self.ledger = Ledger.create(self.path)
        self.time = 1_700_000_000
        policy: dict[str, Json] = {
            "governors": [governor(self.examiner), *(governor(entry_key(number)) for number in governors)],
            "need": str(need),
            "ledger_keys": self.keys.records(),
            "keeper_same_as_author": True,
        }
        self.genesis = self.add(
            "genesis",
            0,
            {"case": {"number": "C-1"}},
            pub={"kind": "live", "domain": DOMAIN, "policy": policy, "continues": None},
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
