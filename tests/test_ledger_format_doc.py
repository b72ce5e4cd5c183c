"""docs/ledger-format.md is what a stranger writes a verifier from: its example, its tables and its rule numbers hold.

The example is made here from fixed keys, ids and salts; `render` puts it into the page. The ML-DSA-44 signature alone
is kept from the page as long as it verifies, because signing with that algorithm is randomised.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from custody.ledger.bundle import dump_bundle, manifest_leaf, verify_bundle
from custody.ledger.disclosure import row_salt
from custody.ledger.entry import (
    ANSWERS,
    COMMON,
    TYPES,
    Entry,
    Json,
    Opening,
    b64,
    canonical,
    commitment,
    decode,
    leaf_of,
    load_openings,
    unb64,
)
from custody.ledger.exhibit_map import map_leaf
from custody.ledger.merkle import Frontier, NodeReader, consistency_proof, inclusion_proof, root, verify_inclusion
from custody.ledger.note import Checkpoint, fingerprint, parse_note, sign_checkpoint, verify_checkpoint
from custody.ledger.signing import key_id, pae, public_key_of, sign_entry, verify_entry
from custody.ledger.verdict import Result, Trust, Verdict
from custody.ledger.verify import verify_ledger

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "ledger-format.md"
LEDGER = ROOT / "custody" / "ledger"

pytestmark = pytest.mark.source

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


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def shown(page: str) -> dict[str, str]:
    return shown_blocks(page)


def read_steps(shown: dict[str, str]) -> list[Step]:
    """The entries as the page alone gives them."""
    return [
        Step(
            shown[f"payload-{i}"].encode(),
            bytes.fromhex(fields_of(shown[f"ends-{i}"])["signature"]),
            load_openings(decode(shown[f"openings-{i}"].encode(), 2**20)),
        )
        for i in range(5)
    ]


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def compact(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


# --- the example, step by step ---------------------------------------------------------------------------


def test_the_page_shows_what_the_fixed_inputs_give(page: str) -> None:
    assert len(shown_blocks(page)) == 24
    assert render(page) == page


def test_each_key_id_is_of_its_key(shown: dict[str, str]) -> None:
    keys = fields_of(shown["keys"])
    for name in ("examiner", "ledger", "ledger_pq"):
        raw, alg = base64.b64decode(keys[f"{name} public"]), keys[f"{name} alg"]
        assert base64.b64encode(sha256(f"evikit/key/v1\n{alg}\n".encode() + raw)).decode() == keys[f"{name} key id"]
        assert key_id(alg, raw) == base64.b64decode(keys[f"{name} key id"])


@pytest.mark.parametrize("index", range(5))
def test_each_entry_is_canonical_signed_and_at_its_leaf(shown: dict[str, str], index: int) -> None:
    steps, keys = read_steps(shown), fields_of(shown["keys"])
    step, owner = steps[index], "ledger" if index == 4 else "examiner"
    public = base64.b64decode(keys[f"{owner} public"])
    raw = json.loads(step.payload)
    assert compact(raw) == step.payload
    entry = Entry.parse(step.payload)
    assert b64(entry.key) == keys[f"{owner} key id"]
    kind = b"application/vnd.evikit.entry.v1+json"
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(step.payload), step.payload)
    Ed25519PrivateKey.from_private_bytes(bytes.fromhex(keys[f"{owner} seed"])).public_key().verify(
        step.signature, signed
    )
    assert verify_entry("ed25519", public, step.payload, step.signature)
    leaf = fields_of(shown[f"ends-{index}"])["leaf"]
    assert sha256(b"\x00" + step.payload + step.signature).hex() == leaf == step.leaf.hex()
    assert raw["ledger"] == (None if index == 0 else b64(steps[0].leaf))
    assert raw["seen"] == {"size": str(index), "root": b64(root([item.leaf for item in steps[:index]]))}


@pytest.mark.parametrize("index", range(5))
def test_each_commitment_opens(shown: dict[str, str], index: int) -> None:
    step = read_steps(shown)[index]
    raw, opened = json.loads(step.payload), json.loads(shown[f"openings-{index}"])
    assert raw["commits"].keys() == opened.keys() == TYPES[raw["type"]].commits
    for name, (salt, value) in opened.items():
        hashed = compact(["evikit/field/v1", raw["ledger"], raw["id"], name, salt, value])
        assert base64.b64encode(sha256(hashed)).decode() == raw["commits"][name]
        assert Entry.parse(step.payload).opens(name, step.openings[name])


def test_the_commitment_written_out_is_that_of_the_reference(shown: dict[str, str]) -> None:
    found = fields_of(shown["commitment"])
    assert base64.b64encode(sha256(found["hashed"].encode())).decode() == found["commitment"]
    assert json.loads(shown["payload-1"])["commits"]["ref"] == found["commitment"]


def test_the_map_is_that_of_the_closing_entry(shown: dict[str, str]) -> None:
    steps, found = read_steps(shown), fields_of(shown["map"])
    rows = [["evikit/map/v1", "0", "1", b64(steps[0].leaf)], ["evikit/map/v1", "1", "3", b64(steps[3].leaf)]]
    leaves = [sha256(b"\x00" + compact(row)) for row in rows]
    assert [found["leaf 0"], found["leaf 1"]] == [leaf.hex() for leaf in leaves]
    assert found["root"] == sha256(b"\x01" + leaves[0] + leaves[1]).hex()
    pub = json.loads(shown["payload-4"])["pub"]
    assert pub == {"map_size": "2", "map_root": base64.b64encode(bytes.fromhex(found["root"])).decode()}


def test_the_checkpoint_is_signed_twice_over_the_head(shown: dict[str, str]) -> None:
    keys, steps = fields_of(shown["keys"]), read_steps(shown)
    note = parse_note(shown["checkpoint"].encode() + b"\n")
    public = [base64.b64decode(keys[f"{name} public"]) for name in ("ledger", "ledger_pq")]
    assert verify_checkpoint(note, *public) == []
    assert note.checkpoint == checkpoint_of(steps)
    ids = [sha256(note.checkpoint.origin.encode() + b"\n" + mark + pk)[:4] for mark, pk in zip((b"\1", b"\6"), public)]  # noqa: B905
    assert [line.key_id for line in note.signatures] == ids
    assert note.signatures[1].signature[:8] == SIGNED_AT.to_bytes(8, "big")
    body = shown["checkpoint"].partition("\n\n")[0] + "\n"
    assert sha256(body.encode()).hex() == shown["fingerprint"]


def test_the_cosigned_message_is_laid_out_as_the_page_says(shown: dict[str, str]) -> None:
    note = parse_note(shown["checkpoint"].encode() + b"\n")
    name, head = note.checkpoint.origin.encode(), note.checkpoint
    message = b"subtree/v1\n\x00" + bytes([len(name)]) + name + SIGNED_AT.to_bytes(8, "big")
    message += bytes([len(name)]) + name + bytes(8) + head.size.to_bytes(8, "big") + head.root
    KEEPER_PQ.public_key().verify(note.signatures[1].signature[8:], message)


def test_the_rows_lead_to_the_signed_root(shown: dict[str, str]) -> None:
    found, leaves = fields_of(shown["rows"]), []
    for i in range(3):
        salt = hmac.digest(bytes.fromhex(found["secret"]), i.to_bytes(8, "big"), "sha256")[:16]
        assert salt.hex() == found[f"salt {i}"]
        leaves.append(sha256(b"\x00" + salt + found[f"row {i}"].encode()))
        assert leaves[i].hex() == found[f"leaf {i}"]
    assert found["root"] == sha256(b"\x01" + sha256(b"\x01" + leaves[0] + leaves[1]) + leaves[2]).hex()
    opened = json.loads(shown["openings-3"])
    assert opened["manifest_root"][1] == base64.b64encode(bytes.fromhex(found["root"])).decode()


def test_the_proofs_lead_from_parts_to_heads(shown: dict[str, str]) -> None:
    steps, proofs = read_steps(shown), fields_of(shown["proofs"])
    hashes = {name: [unb64(item) for item in value.split()] for name, value in proofs.items()}
    leaves = [step.leaf for step in steps]
    assert verify_inclusion(leaves[3], 3, 5, hashes["inclusion of 3 in 5"], root(leaves))
    first, second, third, fourth = hashes["consistency of 3 with 5"]
    left = sha256(b"\x01" + third + first)
    assert left == root(leaves[:3])
    assert sha256(b"\x01" + sha256(b"\x01" + third + sha256(b"\x01" + first + second)) + fourth) == root(leaves)


# --- the verdict on it -----------------------------------------------------------------------------------


def judged(steps: Sequence[Step], note: str, trust: Trust) -> Verdict:
    return verify_ledger(
        ((step.payload, step.signature, step.leaf, step.openings) for step in steps), [note.encode()], trust
    )


def test_the_example_is_intact_with_its_anchor_and_only_then(shown: dict[str, str]) -> None:
    steps, note = read_steps(shown), shown["checkpoint"] + "\n"
    anchored = Trust(fingerprints=frozenset({shown["fingerprint"]}))
    assert judged(steps, note, anchored).result is Result.INTACT
    assert judged(steps, note, Trust()).result is Result.WITH_NOTES


def test_the_bundle_of_the_example_is_the_one_the_page_names(shown: dict[str, str]) -> None:
    data = bundle_of(read_steps(shown), shown["checkpoint"] + "\n")
    found = fields_of(shown["bundle"])
    assert (str(len(data)), sha256(data).hex()) == (found["bytes"], found["sha256"])
    verdict, bundle = verify_bundle(data, Trust(fingerprints=frozenset({shown["fingerprint"]})))
    assert verdict.result is Result.INTACT, verdict.failed
    assert bundle is not None
    assert bundle.rows == ((3, ROWS[1]),)
    assert verdict.checked["fields withheld"] == 1


@pytest.mark.parametrize("index", range(5))
def test_one_changed_letter_of_an_entry_breaks_it_there(shown: dict[str, str], index: int) -> None:
    steps, note = read_steps(shown), shown["checkpoint"] + "\n"
    whole = steps[index]
    swapped = whole.payload.replace(b'"commits":{"actor":"', b'"commits":{"actor":"A', 1)
    for payload in (swapped, whole.payload.replace(b"evikit-entry-1", b"evikit-entry-2")):
        steps[index] = Step(payload, whole.signature, whole.openings)
        verdict = judged(steps, note, Trust())
        assert verdict.result is Result.BROKEN
        assert verdict.failed[0].index == index


# --- the tables and numbers ------------------------------------------------------------------------------


def table(page: str, heading: str) -> Iterator[list[str]]:
    """The cells of the first table below a heading, without its two head rows."""
    lines = page.partition(f"\n{heading}\n")[2].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("|"))
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split("|")]


def names_in(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def test_the_type_table_is_the_codes(page: str) -> None:
    found = {next(iter(names_in(row[0]))): row[1:] for row in table(page, "### The types")}
    assert found.keys() == TYPES.keys()
    for name, (chain, answers, pub, commits, approved) in found.items():
        kind = TYPES[name]
        assert chain == kind.chain, name
        assert names_in(pub) == kind.pub, name
        assert names_in(commits) == kind.commits - set(COMMON), name
        assert (approved == "yes") == kind.approved, name
        assert (answers == "one, see R14") == (name in ANSWERS), name


def test_the_table_of_answers_is_the_codes(page: str) -> None:
    found = {next(iter(names_in(row[0]))): names_in(row[1]) for row in table(page, "### What may be answered")}
    anything = {"*"}
    assert found == {name: anything if kinds == set(TYPES) else kinds for name, kinds in ANSWERS.items()}


def test_the_common_names_are_the_codes(page: str) -> None:
    assert {next(iter(names_in(row[0]))) for row in table(page, "### Names every entry commits to")} == set(COMMON)


def kinds_of(path: Path) -> set[str]:
    """The kinds of findings a module makes, from its syntax tree: calls that find, and tuples handed on as findings."""
    kinds = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        values: list[ast.expr] = node.elts if isinstance(node, ast.Tuple) else []
        if isinstance(node, ast.Call):
            called: Any = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            values = node.args if name in {"fail", "remark", "note"} else []
        if len(values) == 3 and isinstance(values[1], ast.Constant) and isinstance(values[1].value, str):
            kinds.add(values[1].value)
    return kinds


def test_the_findings_listed_are_those_the_code_makes(page: str) -> None:
    listed = {next(iter(names_in(row[0]))) for row in table(page, "### Findings that break")}
    noted = {next(iter(names_in(row[0]))) for row in table(page, "### Findings that are notes")}
    stored = {next(iter(names_in(row[0]))) for row in table(page, "### Findings of the stored form")}
    assert not listed & noted
    assert kinds_of(LEDGER / "verify.py") | kinds_of(LEDGER / "bundle.py") == listed | noted
    assert kinds_of(LEDGER / "audit.py") - listed == stored


def test_every_rule_named_in_the_code_stands_once_on_the_page(page: str) -> None:
    rules = re.findall(r"^\*\*R([0-9]+)\*\*", page, re.MULTILINE)
    assert rules == [str(i + 1) for i in range(len(rules))]
    for path in sorted((ROOT / "custody").rglob("*.py")):
        for number in re.findall(r"\bR([0-9]+)\b", path.read_text(encoding="utf-8")):
            assert number in rules, f"{path.name} names R{number}"
