"""docs/ledger-format.md is what a stranger writes a verifier from: its example, tables and rule numbers hold."""

from __future__ import annotations

import ast
import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custody.ledger.bundle import verify_bundle
from custody.ledger.entry import (
    ANSWERS,
    COMMON,
    TYPES,
    Entry,
    b64,
    decode,
    load_openings,
    unb64,
)
from custody.ledger.merkle import root, verify_inclusion
from custody.ledger.note import parse_note, verify_checkpoint
from custody.ledger.signing import key_id, verify_entry
from custody.ledger.verdict import Result, Trust, Verdict
from custody.ledger.verify import verify_ledger
from tests.ledger_example import (
    KEEPER_PQ,
    ROWS,
    SIGNED_AT,
    Step,
    bundle_of,
    checkpoint_of,
    fields_of,
    render,
    shown_blocks,
)

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "ledger-format.md"
LEDGER = ROOT / "custody" / "ledger"

pytestmark = pytest.mark.source


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
    grown = {next(iter(names_in(row[0]))) for row in table(page, "### Finding of growth")}
    timed = {next(iter(names_in(row[0]))) for row in table(page, "### Findings of time-stamps")}
    assert not listed & noted
    assert kinds_of(LEDGER / "verify.py") | kinds_of(LEDGER / "bundle.py") == listed | noted
    assert (kinds_of(LEDGER / "audit.py") | kinds_of(LEDGER / "database.py")) - listed == stored
    assert kinds_of(LEDGER / "growth.py") - listed - noted - stored == grown
    assert kinds_of(ROOT / "custody" / "timestamp" / "interval.py") == timed


def test_every_rule_named_in_the_code_stands_once_on_the_page(page: str) -> None:
    rules = re.findall(r"^\*\*R([0-9]+)\*\*", page, re.MULTILINE)
    assert rules == [str(i + 1) for i in range(len(rules))]
    for path in sorted((ROOT / "custody").rglob("*.py")):
        for number in re.findall(r"\bR([0-9]+)\b", path.read_text(encoding="utf-8")):
            assert number in rules, f"{path.name} names R{number}"
