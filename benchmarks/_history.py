"""A ledger as an examiner's work fills it: exhibits, and accesses with the fields that `evikit ingest` records."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from custody.ledger.checkpoint import EntryKey, LedgerKeys, close
from custody.ledger.entry import Json, b64
from custody.ledger.signing import public_key_of
from custody.ledger.store import NEW, Draft, Ledger

DOMAIN = "lab.example"
_ACCESSES_AN_EXHIBIT = 20
_ACCESSES_A_CHECKPOINT = 250
_TIME = 1_760_000_000


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """A folder for a ledger that is only to be read: in memory where there is one."""
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=shared if shared.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _common(moment: int) -> dict[str, Json]:
    return {
        "actor": "Ana Kovač",
        "agency": "Regional Laboratory",
        "role": "examiner",
        "claimed_at": f"2026-03-16T13:{moment // 60 % 60:02d}:{moment % 60:02d}.{moment % 1000:09d}Z",
        "clock": {"source": "system", "synchronised": "yes", "zone": "Europe/Belgrade"},
        "host": {"name": "bench-7", "system": "Linux 6.1.0"},
        "tool": {"name": "evikit", "version": "0.1.0", "python": "3.11.9"},
    }


def _identity(exhibit: int) -> Json:
    stamp = f"17953353319654{exhibit:05d}"
    known = {"device": "65024", "inode": str(2_252_865 + exhibit), "type": "-", "size": "2147483648"}
    return [{"name": f"laptop-{exhibit}.E01", "mtime_ns": stamp, "ctime_ns": stamp, **known}]


def begin_values(moment: int, exhibit: int) -> dict[str, Json]:
    """The fields of `access.begin` as `evikit ingest` fills them."""
    path = f"/evidence/2026/0316/laptop-{exhibit}.E01"
    return {
        **_common(moment),
        "purpose": "examination ordered by the court, order 4711/26",
        "object": "whole exhibit",
        "parts": [{"given": path, "name": f"laptop-{exhibit}.E01", "path": path}],
        "identity": _identity(exhibit),
        "settings": {"jobs": "1", "state": "best-evidence", "zone": "Europe/Belgrade"},
    }


def end_values(moment: int, exhibit: int) -> dict[str, Json]:
    """The fields of `access.end` as `evikit ingest` fills them."""
    digests: dict[str, Json] = {"md5": "a9" * 16, "sha1": "b8" * 20, "sha256": "c7" * 32}
    tables = ("artefacts", "events", "files", "problems", "volumes")
    return {
        **_common(moment),
        "outcome": "completed",
        "basis": "whole",
        "parts": [{"name": f"laptop-{exhibit}.E01", "size": "2147483648"}],
        "identity_after": _identity(exhibit),
        "read_bytes": "2147483648",
        "media_digests": digests,
        "computed": digests,
        "expected": {"container": {"md5": "a9" * 16}},
        "match": True,
        "header": [{"name": "examiner_name", "value": "Ana Kovač"}, {"name": "case_number", "value": "K-17/26"}],
        "result_digests": [{"name": f"{name}.parquet", "sha256": "d6" * 32} for name in tables],
        "manifest_root": b64(bytes(32)),
        "manifest_size": "41128",
        "manifest_digest": {"sha256": "e5" * 32},
        "manifest_secret": b64(bytes(32)),
    }


class Work:
    """One examiner at work in a ledger of their own, in a new file or at the URL of a schema."""

    @staticmethod
    def signer() -> EntryKey:
        """The examiner's key."""
        return EntryKey(Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))

    def __init__(self, address: Path | str) -> None:
        self.key = self.signer()
        self.keys = LedgerKeys(
            Ed25519PrivateKey.from_private_bytes(b"\x02" * 32), MLDSA44PrivateKey.from_seed_bytes(b"\x03" * 32)
        )
        self.ledger = Ledger.create(address)
        self.exhibit, self._accesses = 0, 0
        self._append("genesis", {"case": {"number": "K-17/26"}}, n=0, pub=self._policy())

    def _policy(self) -> dict[str, Json]:
        algorithm, public = public_key_of(self.key.private)
        governor: Json = {"key": b64(self.key.key), "pk": b64(public), "alg": algorithm}
        policy: Json = {
            "governors": [governor],
            "need": "1",
            "ledger_keys": self.keys.records(),
            "keeper_same_as_author": True,
        }
        return {"kind": "live", "domain": DOMAIN, "policy": policy, "continues": None}

    def _append(
        self,
        kind: str,
        values: Mapping[str, Json],
        n: int,
        re: tuple[bytes, ...] = (),
        pub: Mapping[str, Json] | None = None,
    ) -> bytes:
        return self.ledger.append(Draft(kind, values, n=n, re=re, pub=pub or {}), self.key).leaf

    def register(self) -> None:
        """Register the next exhibit: what follows is about it."""
        self.exhibit += 1
        values: dict[str, Json] = {"ref": f"AK/{self.exhibit}", "kind": "image or file", "state": "best-evidence"}
        self._append("exhibit.register", {**_common(self.ledger.size), **values}, n=NEW)

    def access(self) -> None:
        """Two entries: an access begins and ends."""
        begun = self._append("access.begin", begin_values(self.ledger.size, self.exhibit), n=self.exhibit)
        self._append("access.end", end_values(self.ledger.size, self.exhibit), n=self.exhibit, re=(begun,))

    def handle(self, kind: str) -> None:
        """One entry of what else befalls an exhibit: `kind` is exhibit.seal, exhibit.open, exhibit.move or note."""
        values: dict[str, Json] = {"reason": "examination ordered by the court, order 4711/26"}
        if kind == "note":
            values = {"kind": "observation", "text": "the seal was whole and its number that of the hand-over slip"}
        self._append(kind, {**_common(self.ledger.size), **values}, n=self.exhibit)

    def close(self) -> bytes:
        """A closing entry and its checkpoint."""
        return close(self.ledger, self.keys, DOMAIN, _common(self.ledger.size), _TIME)

    def fill(self, entries: int) -> None:
        """Go on until the ledger has at least `entries`: now and then another exhibit, and a checkpoint."""
        while self.ledger.size < entries:
            if self._accesses % _ACCESSES_AN_EXHIBIT == 0:
                self.register()
            self.access()
            self._accesses += 1
            if self._accesses % _ACCESSES_A_CHECKPOINT == 0:
                self.close()
        self.close()
