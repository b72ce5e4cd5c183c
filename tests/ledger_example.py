"""The worked example of docs/ledger-format.md, made from fixed keys, ids and salts; `render` puts it into the page.

The ML-DSA-44 signature alone is kept from the page as long as it verifies, because signing with that algorithm is
randomised.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from custody.ledger.bundle import dump_bundle, manifest_leaf
from custody.ledger.disclosure import row_salt
from custody.ledger.entry import (
    TYPES,
    Entry,
    Json,
    Opening,
    b64,
    canonical,
    commitment,
    leaf_of,
)
from custody.ledger.exhibit_map import map_leaf
from custody.ledger.merkle import Frontier, root
from custody.ledger.note import Checkpoint, fingerprint, parse_note, sign_checkpoint, verify_checkpoint
from custody.ledger.proofs import NodeReader, consistency_proof, inclusion_proof
from custody.ledger.signing import key_id, pae, public_key_of, sign_entry

# --- the example -----------------------------------------------------------------------------------------

EXAMINER, KEEPER = (Ed25519PrivateKey.from_private_bytes(bytes([byte]) * 32) for byte in (0x01, 0x02))
KEEPER_PQ = MLDSA44PrivateKey.from_seed_bytes(b"\x03" * 32)
DOMAIN, SIGNED_AT = "lab.example", 1767603605
MEDIA = b"evikit example medium\n"
SECRET = bytes(range(32))
ROWS = (
    ("0", "notes/list.txt", "64", "", "content", "5", hashlib.sha256(b"hello").hexdigest()),
    ("0", "notes/Ђорђе.txt", "65", "", "content", "0", hashlib.sha256(b"").hexdigest()),
    ("0", "notes/broken.bin", "66", "", "failed", "0", ""),
)


@dataclass(frozen=True)
class Step:
    """One entry of the example: its bytes, and what opens it."""

    payload: bytes
    signature: bytes
    openings: dict[str, Opening]

    @property
    def leaf(self) -> bytes:
        return leaf_of(self.payload, self.signature)


def salt_of(index: int, name: str) -> bytes:
    """Fixed, where a real writer draws 16 random bytes."""
    return hashlib.sha256(f"evikit example salt {index} {name}".encode()).digest()[:16]


def add(
    steps: list[Step],
    kind: str,
    values: dict[str, Json],
    x: tuple[str, str, int | None] | None,
    *,
    re_: Sequence[int] = (),
    pub: dict[str, Json] | None = None,
    private: Ed25519PrivateKey = EXAMINER,
) -> None:
    """Compose and sign the next entry; `x` is ordinal, position, and the index of the entry before it."""
    index, ledger = len(steps), steps[0].leaf if steps else None
    entry_id = bytes([0xA0 + index]) * 16
    person: dict[str, Json] = {"actor": "Ana Example", "agency": "Example Laboratory", "role": "examiner"}
    told: dict[str, Json] = {
        **(person if private is EXAMINER else {}),
        "claimed_at": f"2026-01-05T09:00:{index:02d}.000000000Z",
        **values,
    }
    assert told.keys() <= TYPES[kind].commits
    openings = {name: Opening(salt_of(index, name), told.get(name)) for name in TYPES[kind].commits}
    before = None if x is None or x[2] is None else b64(steps[x[2]].leaf)
    body: dict[str, Json] = {
        "v": "evikit-entry-1",
        "ledger": None if ledger is None else b64(ledger),
        "id": b64(entry_id),
        "type": kind,
        "key": b64(key_id(*public_key_of(private))),
        "seen": {"size": str(index), "root": b64(root([step.leaf for step in steps]))},
        "x": None if x is None else {"n": x[0], "seq": x[1], "prev": before},
        "re": [b64(steps[target].leaf) for target in re_],
        "pub": pub or {},
        "commits": {name: b64(commitment(ledger, entry_id, name, item)) for name, item in openings.items()},
    }
    payload = canonical(body)
    steps.append(Step(payload, sign_entry(private, payload), openings))


def genesis_pub() -> dict[str, Json]:
    algorithm, public = public_key_of(EXAMINER)
    governor: Json = {"alg": algorithm, "key": b64(key_id(algorithm, public)), "pk": b64(public)}
    keys: list[Json] = [{"alg": alg, "pk": b64(pk)} for alg, pk in (public_key_of(KEEPER), public_key_of(KEEPER_PQ))]
    policy: Json = {"governors": [governor], "need": "1", "ledger_keys": keys, "keeper_same_as_author": True}
    return {"kind": "exercise", "domain": DOMAIN, "policy": policy, "continues": None}


def media_digests() -> Json:
    return {name: hashlib.new(name, MEDIA).hexdigest() for name in ("md5", "sha1", "sha256")}


def manifest_leaves() -> list[bytes]:
    return [manifest_leaf(row_salt(SECRET, i), row) for i, row in enumerate(ROWS)]


@cache
def example() -> tuple[Step, ...]:
    """genesis, register, begin, end, closing."""
    steps: list[Step] = []
    add(steps, "genesis", {"case": {"number": "EX-1", "zone": "Europe/Belgrade"}}, ("0", "1", None), pub=genesis_pub())
    registered: dict[str, Json] = {"ref": "AE/1", "kind": "disk image", "state": "best-evidence"}
    add(steps, "exhibit.register", registered, ("1", "1", None))
    named: Json = [{"given": "medium.raw", "name": "medium.raw", "path": "/evidence/medium.raw"}]
    add(
        steps,
        "access.begin",
        {"purpose": "list the files", "object": "whole medium", "parts": named, "settings": {}},
        ("1", "2", 1),
    )
    lines = b"".join(canonical(list(row)) + b"\n" for row in ROWS)
    outcome: dict[str, Json] = {
        "outcome": "completed",
        "basis": "whole",
        "read_bytes": str(len(MEDIA)),
        "media_digests": media_digests(),
        "manifest_root": b64(root(manifest_leaves())),
        "manifest_size": str(len(ROWS)),
        "manifest_digest": {"sha256": hashlib.sha256(lines).hexdigest()},
        "manifest_secret": b64(SECRET),
    }
    add(steps, "access.end", outcome, ("1", "3", 2), re_=[2])
    pub: dict[str, Json] = {"map_size": "2", "map_root": b64(root(map_leaves(steps)))}
    add(steps, "closing", {}, None, pub=pub, private=KEEPER)
    return tuple(steps)


def map_leaves(steps: Sequence[Step]) -> list[bytes]:
    return [map_leaf(0, 1, steps[0].leaf), map_leaf(1, 3, steps[3].leaf)]


def tree_reader(leaves: Sequence[bytes]) -> tuple[int, NodeReader]:
    frontier = Frontier()
    nodes = {(level, at): value for leaf in leaves for level, at, value in frontier.append(leaf)}
    return frontier.size, lambda level, at: nodes[level, at]


def inclusion(leaves: Sequence[bytes], index: int) -> list[Json]:
    size, node = tree_reader(leaves)
    return [b64(item) for item in inclusion_proof(index, size, node)]


def consistency(leaves: Sequence[bytes], old: int) -> list[Json]:
    size, node = tree_reader(leaves)
    return [b64(item) for item in consistency_proof(old, size, node)] if old else []


def bundle_of(steps: Sequence[Step], note: str) -> bytes:
    """The bundle that shows all entries, all fields but one, and one row of the manifest."""
    leaves = [step.leaf for step in steps]
    shown = [{name: item for name, item in step.openings.items() if name != "manifest_secret"} for step in steps]
    entries: list[Json] = [
        {
            "index": str(i),
            "payload": b64(step.payload),
            "sig": b64(step.signature),
            "inclusion": inclusion(leaves, i),
            "seen_proof": consistency(leaves, i),
            "openings": {name: [b64(item.salt), item.value] for name, item in shown[i].items()},
        }
        for i, step in enumerate(steps)
    ]
    exhibits: list[Json] = [
        {"n": str(n), "count": count, "last": b64(last), "map_proof": inclusion(map_leaves(steps), n)}
        for n, (count, last) in enumerate([("1", leaves[0]), ("3", leaves[3])])
    ]
    row: Json = {
        "entry": "3",
        "i": "1",
        "salt": b64(row_salt(SECRET, 1)),
        "row": list(ROWS[1]),
        "proof": inclusion(manifest_leaves(), 1),
    }
    return dump_bundle(
        {
            "format": "evikit-bundle-1",
            "ledger": b64(leaves[0]),
            "checkpoint": note,
            "older": [],
            "exhibits": exhibits,
            "entries": entries,
            "rows": [row],
            "tokens": [],
            "foreign": [],
        }
    )


# --- the page --------------------------------------------------------------------------------------------

_BLOCK = re.compile(r"(<!-- example: ([a-z0-9-]+) -->\n```text\n)(.*?)(\n```\n)", re.DOTALL)


def shown_blocks(page: str) -> dict[str, str]:
    return {found[2]: found[3] for found in _BLOCK.finditer(page)}


def lines_of(values: dict[str, str]) -> str:
    return "\n".join(f"{name} = {value}" for name, value in values.items())


def fields_of(block: str) -> dict[str, str]:
    return dict(line.split(" = ", 1) for line in block.splitlines())


def own_keys() -> tuple[bytes, bytes]:
    return public_key_of(KEEPER)[1], public_key_of(KEEPER_PQ)[1]


def checkpoint_of(steps: Sequence[Step]) -> Checkpoint:
    return Checkpoint(f"{DOMAIN}/evikit/{steps[0].leaf.hex()}", len(steps), root([step.leaf for step in steps]))


def note_of(steps: Sequence[Step], shown: str) -> str:
    """The checkpoint as the page shows it if it is a good one, else a newly signed one."""
    text = shown + "\n"
    if text.startswith(checkpoint_of(steps).body.decode() + "\n"):
        assert not verify_checkpoint(parse_note(text.encode()), *own_keys())
        return text
    return sign_checkpoint(checkpoint_of(steps), KEEPER, KEEPER_PQ, SIGNED_AT).decode()


def key_block() -> str:
    values: dict[str, str] = {}
    for name, seed, private in (
        ("examiner", b"\x01", EXAMINER),
        ("ledger", b"\x02", KEEPER),
        ("ledger_pq", b"\x03", KEEPER_PQ),
    ):
        algorithm, public = public_key_of(private)
        values |= {f"{name} alg": algorithm, f"{name} seed": (seed * 32).hex()}
        values[f"{name} public"] = b64(public)
        values[f"{name} key id"] = b64(key_id(algorithm, public))
    return lines_of(values)


def entry_blocks(i: int, step: Step) -> dict[str, str]:
    dumped = canonical({name: [b64(item.salt), item.value] for name, item in step.openings.items()})
    ends = {"signature": step.signature.hex(), "leaf": step.leaf.hex()}
    return {
        f"payload-{i}": step.payload.decode(),
        f"openings-{i}": dumped.decode(),
        f"ends-{i}": lines_of(ends),
    }


def commitment_block(step: Step, ledger: bytes) -> str:
    entry, opening = Entry.parse(step.payload), step.openings["ref"]
    hashed = canonical(["evikit/field/v1", b64(ledger), b64(entry.id), "ref", b64(opening.salt), opening.value])
    return lines_of({"hashed": hashed.decode(), "commitment": entry.commits["ref"]})


def proof_block(steps: Sequence[Step]) -> str:
    leaves = [step.leaf for step in steps]
    proofs = {
        "inclusion of 3 in 5": inclusion(leaves, 3),
        "consistency of 3 with 5": consistency(leaves, 3),
        "map proof of 1 in 2": inclusion(map_leaves(steps), 1),
    }
    return lines_of({name: " ".join(str(item) for item in proof) for name, proof in proofs.items()})


def row_block() -> str:
    values = {"secret": SECRET.hex()}
    for i, row in enumerate(ROWS):
        values |= {f"row {i}": canonical(list(row)).decode(), f"salt {i}": row_salt(SECRET, i).hex()}
        values[f"leaf {i}"] = manifest_leaves()[i].hex()
    return lines_of({**values, "root": root(manifest_leaves()).hex()})


def render(page: str) -> str:
    """The page with the example as the code here makes it."""
    steps, leaves = example(), map_leaves(example())
    note = note_of(steps, shown_blocks(page).get("checkpoint", ""))
    data = bundle_of(steps, note)
    start = pae("application/vnd.evikit.entry.v1+json", steps[1].payload)
    made = {
        "keys": key_block(),
        "commitment": commitment_block(steps[1], steps[0].leaf),
        "signed": start[:110].decode(),
        "map": lines_of({"leaf 0": leaves[0].hex(), "leaf 1": leaves[1].hex(), "root": root(leaves).hex()}),
        "checkpoint": note[:-1],
        "fingerprint": fingerprint(checkpoint_of(steps)),
        "proofs": proof_block(steps),
        "rows": row_block(),
        "bundle": lines_of({"bytes": str(len(data)), "sha256": hashlib.sha256(data).hexdigest()}),
    }
    for i, step in enumerate(steps):
        made |= entry_blocks(i, step)
    return _BLOCK.sub(lambda found: found[1] + made[found[2]] + found[4], page)
