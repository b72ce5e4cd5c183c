#!/usr/bin/env python3
"""Verify a bundle: the part of a custody ledger that was handed to you, as one file that proves itself.

    python verify.py BUNDLE [--trust FILE] [--anchor CHECKPOINT-FILE|FINGERPRINT]... [--json] [--evidence FILE...]

Needs Python 3.9 or newer and the package `cryptography`, on Linux, Windows or macOS; no network, no key, no other file.
For one claim, the ML-DSA-44 line of a checkpoint, `cryptography` must be 48 or newer; else it reads NOT CHECKED. This
file was written from the published description of the format, `docs/ledger-format.md` (R1 to R35 below are its rules),
and shares no code with the program that writes ledgers. It can be read from top to bottom.

What it can tell you. A bundle holds signed entries, proofs that they stand in one history, and the signed head of that
history, the checkpoint. Whoever holds all of the laboratory's keys can still write another history. So bring an anchor:
a checkpoint, or its fingerprint, that reached you, or the court, by another way and before. Without one the best
verdict is INTACT WITH NOTES. And a verifier that comes from the laboratory proves nothing by itself: compare the
SHA-256 of this file with the one that was lodged with the court, or have somebody whom you trust read it.

What it cannot tell you: what was never recorded, whether what was recorded is true, how well evidence was handled.

Exit code: 0 INTACT or INTACT WITH NOTES; 1 there is nothing to judge, or to judge by; 2 the command line is wrong;
3 BROKEN, or evidence that you brought is not what is on record.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

try:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    sys.exit("verify.py: the package `cryptography` is missing. Install it: python -m pip install cryptography")
try:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
except ImportError:  # older than 48
    MLDSA44PublicKey = None  # type: ignore[assignment, misc]

Json = Any
Effect = Callable[[int], object]
MAX_BUNDLE, MAX_PAYLOAD, MAX_VALUE, MAX_CHECKPOINT = 1 << 30, 65_536, 1_048_576, 65_536
BUNDLE_DEPTH, ENTRY_DEPTH = 12, 6


class RefusedError(Exception):
    """What is being read is not what the format says it is; in a bundle that is the finding `malformed`."""


class UnusableError(Exception):
    """There is nothing to judge, or to judge by: no verdict, exit code 1."""


# --- R1 to R4: base64, numbers, canonical JSON -----------------------------------------------------------------------


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def unb64(text: Json, length: int | None = None) -> bytes:
    """R1: base64 in its one spelling; `length` is the number of bytes that it must hold."""
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except ValueError:
        data = None
    if data is None or b64(data) != text or length not in (None, len(data)):
        raise RefusedError("something is not base64, or not of the length that it must have")
    return data


def dec(text: Json) -> int:
    """R2: a number in decimal text."""
    if not isinstance(text, str) or not re.fullmatch("0|[1-9][0-9]{0,18}", text) or int(text) >= 1 << 63:
        raise RefusedError("a number is not written as the format wants it")
    return int(text)


def canonical(value: Json) -> bytes:
    """R3: the one spelling of a JSON value (RFC 8785; as there are no numbers and keys are plain, this is all)."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8")


def decode_json(data: bytes, depth: int) -> Json:
    """R3, R4: the value that canonical bytes spell; containers nest at most `depth` deep."""
    try:
        value = DECODER.decode(data.decode("utf-8"))
        if not nests_within(value, depth) or canonical(value) != data:
            raise RefusedError("it is nested too deep, or not in the one spelling that the format allows")
    except (ValueError, RecursionError) as error:  # a lone surrogate, or bytes that are not UTF-8, too
        raise RefusedError("it is not JSON in UTF-8, is cut off, or is nested too deep") from error
    return value


def no_number(text: str) -> Json:
    raise RefusedError("it holds a number")


def plain_object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    if not all(re.fullmatch("[a-z][a-z0-9_]*", key) for key, _ in pairs):
        raise RefusedError("it holds a key that the format does not allow")
    return dict(pairs)


DECODER = json.JSONDecoder(
    object_pairs_hook=plain_object, parse_int=no_number, parse_float=no_number, parse_constant=no_number
)


def children(value: Json) -> Iterable[Json]:
    """What stands directly inside a JSON value."""
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def nests_within(value: Json, depth: int) -> bool:
    """R4: whether containers nest at most `depth` deep, the outermost counted."""
    level = [value]
    for _ in range(depth):
        level = [child for item in level for child in children(item)]
    return not any(isinstance(item, (dict, list)) for item in level)


def read(value: Json, **readers: Callable[[Json], Any]) -> list[Any]:
    """The values of an object that has exactly these keys, in this order, each read by its reader."""
    if not isinstance(value, dict) or value.keys() != readers.keys():
        raise RefusedError("an object has not exactly the keys that the format gives it")
    return [reader(value[name]) for name, reader in readers.items()]


def anything(value: Json) -> Json:
    return value


def hash32(value: Json) -> bytes:
    return unb64(value, 32)


def bytes16(value: Json) -> bytes:
    return unb64(value, 16)


def hash32_or_null(value: Json) -> bytes | None:
    return None if value is None else unb64(value, 32)


def array(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise RefusedError("an array is missing")
    return value


def hashes(value: Json) -> list[bytes]:
    return [hash32(item) for item in array(value)]


def texts(value: Json) -> list[str]:
    """An array of one text or more."""
    if not (array(value) and all(isinstance(item, str) for item in value)):
        raise RefusedError("an array of texts is missing")
    return array(value)


# --- Merkle trees: RFC 6962, with proofs as RFC 9162 verifies them ---------------------------------------------------


def join(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right)


def climb(at: int, last: int, steps: Sequence[bytes]) -> list[tuple[bytes, bool]] | None:
    """The way up from leaf `at` of a tree whose last leaf is `last`: each step, and whether it stands on the left.

    None where the proof is longer or shorter than that way.
    """
    way = []
    for step in steps:
        if last == 0:
            return None
        left = bool(at & 1) or at == last
        while left and at and not at & 1:
            at, last = at >> 1, last >> 1
        way.append((step, left))
        at, last = at >> 1, last >> 1
    return way if last == 0 else None


def included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a leaf stands at `index` in the tree of that size and root (RFC 9162 section 2.1.3.2)."""
    way = climb(index, size - 1, proof) if index < size else None
    for step, left in way or ():
        leaf = join(step, leaf) if left else join(leaf, step)
    return way is not None and leaf == root


def continued(size: int, root: bytes, proof: Sequence[bytes], new_size: int, new_root: bytes) -> bool:
    """Whether the first `size` leaves of the new tree are the old tree (RFC 9162 section 2.1.4.2)."""
    if size == 0:
        return not proof and root == sha256(b"")
    if size >= new_size or not proof:
        return size == new_size and not proof and root == new_root
    first, *steps = proof if size & (size - 1) else [root, *proof]
    at, last = size - 1, new_size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    way, old, new = climb(at, last, steps), first, first
    for step, left in way or ():
        old = join(step, old) if left else old
        new = join(step, new) if left else join(new, step)
    return way is not None and (old, new) == (root, new_root)


# --- R10, R11: keys and signatures -----------------------------------------------------------------------------------

PRIME, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
CURVE_D = -121665 * pow(121666, PRIME - 2, PRIME) % PRIME


def leaf_of(payload: bytes, signature: bytes) -> bytes:
    """R10."""
    return sha256(b"\x00" + payload + signature)


def key_id(algorithm: str, public: bytes) -> bytes:
    return sha256(b"evikit/key/v1\n" + algorithm.encode() + b"\n" + public)


@lru_cache(maxsize=4096)
def is_sound_point(public: bytes) -> bool:
    """R11: a point of the curve in its one spelling, and none of the few whose order divides 8.

    Doubling needs y alone, as x squared follows from it: x^2 = (y^2 - 1) / (d y^2 + 1).
    """
    y = int.from_bytes(public, "little") & (2**255 - 1)
    if y >= PRIME:
        return False
    for doubled in range(3):
        x2 = (y * y - 1) * pow(CURVE_D * y * y + 1, PRIME - 2, PRIME) % PRIME
        if not doubled and pow(x2, (PRIME - 1) // 2, PRIME) not in (0, 1):
            return False  # x squared is no square: there is no such point
        y = (y * y + x2) * pow(2 + x2 - y * y, PRIME - 2, PRIME) % PRIME
    return y != 1  # eight times the point is not the neutral one


def public_key(algorithm: Json, public: Json, wanted: str) -> bytes:
    """The raw key of a record, which must be for the algorithm `wanted`."""
    raw = unb64(public, {"ed25519": 32, "ml-dsa-44": 1312}[wanted])
    if algorithm != wanted or (wanted == "ed25519" and not is_sound_point(raw)):
        raise RefusedError("a key is for another algorithm, or no point that the format accepts")
    return raw


def ed25519_fits(public: bytes, signature: bytes, message: bytes) -> bool:
    if len(signature) != 64 or int.from_bytes(signature[32:], "little") >= ORDER:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    except UnsupportedAlgorithm as error:
        raise UnusableError("the installed `cryptography` does not verify Ed25519: nothing can be checked") from error
    return True


def mldsa_fits(public: bytes, signature: bytes, message: bytes) -> bool | None:
    """None where the installed `cryptography` has no ML-DSA-44."""
    if MLDSA44PublicKey is None:
        return None
    try:
        MLDSA44PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    except UnsupportedAlgorithm:
        return None
    return True


# --- R7, R8: entries -------------------------------------------------------------------------------------------------


class Form(NamedTuple):
    """What an entry of one type must look like; `committed` are the names beside the common ones."""

    chain: str
    answers: str
    pub: str
    committed: str
    approved: str


COMMON = {"actor", "agency", "role", "claimed_at", "clock", "place", "authority", "note", "host", "tool"}
TYPES = """
genesis          | governance | any | kind domain policy continues | case | no
policy           | governance | any | governors need | reason | yes
person.enrol     | governance | any | alg pk pop roles | person | yes
person.rotate    | governance | one | alg pk pop roles | person reason | yes
person.revoke    | governance | any | key from | reason | yes
approve          | governance | one | | | no
ledger.rotate    | governance | any | ledger_keys | reason | yes
freeze           | governance | any | | reason | yes
erase            | any        | one | names | reason | yes
closing          | none       | any | map_size map_root | | no
anchor           | none       | any | size root token | | no
export           | none       | any | | recipient bundle_digest checkpoint_size document | no
exhibit.register | exhibit    | any | | ref parent kind description serial condition photographs seizure seal state \
media_digests container_digests size | no
exhibit.seal     | exhibit    | any | | seal condition photographs reason | no
exhibit.open     | exhibit    | any | | seal condition photographs reason | no
exhibit.move     | exhibit    | any | | storage_from storage_to reason | no
exhibit.relocate | exhibit    | any | | parts identity media_digests container_digests match reason | no
exhibit.return   | exhibit    | any | | recipient witness method reason copies | no
exhibit.dispose  | exhibit    | any | | recipient witness method reason copies | no
access.begin     | exhibit    | any | | purpose object parts identity settings | no
access.end       | exhibit    | one | | outcome error basis parts manifest_root manifest_size manifest_digest \
manifest_secret read_bytes media_digests identity_after result_digests path meta stream size digest output_digest \
expected computed match fresh header | no
transfer.offer   | exhibit    | any | | to_key to_person seal condition digest challenge | no
transfer.accept  | exhibit    | one | | seal condition digest fresh | no
transfer.refuse  | exhibit    | one | | reason | no
transfer.withdraw | exhibit   | one | | reason | no
transfer.receive | any        | any | | outcome offer seal condition digest fresh reason | no
transfer.receipt | exhibit    | one | | outcome receiver receipt digest match | no
note             | any        | any | | kind text location attachments | no
correct          | any        | one | | name old new reason | no
"""
FORMS = {name: Form(*rest) for name, *rest in (re.split(r" *\| *", line) for line in TYPES.strip().split("\n"))}

ANSWERS = {f"transfer.{name}": {"transfer.offer"} for name in ("accept", "refuse", "withdraw", "receipt")}
ANSWERS |= {
    "access.end": {"access.begin"},
    "approve": {name for name, known in FORMS.items() if known.approved == "yes"},
    "person.rotate": {"person.enrol", "person.rotate", "genesis", "policy"},
    "erase": set(FORMS),
    "correct": set(FORMS),
}
"""R14: which types may be answered by the one entry that an entry of this type answers."""


class Place(NamedTuple):
    """Where an entry stands in a sequence: of governance (n = 0) or of an exhibit."""

    n: int
    seq: int
    prev: bytes | None


@dataclass
class Entry:
    """One well-formed entry. `closed` are the committed names that are shown without their opening."""

    index: int
    leaf: bytes
    type: str
    ledger: bytes | None
    id: bytes
    key: bytes
    seen_size: int
    seen_root: bytes
    place: Place | None
    answers: list[bytes]
    pub: dict[str, Json]
    commits: dict[str, bytes]
    closed: list[str] = field(default_factory=list)

    @property
    def sequence(self) -> int:
        """R14: an entry without a place counts as governance."""
        return self.place.n if self.place else 0


def parse_entry(index: int, payload: bytes, signature: bytes) -> Entry:
    """R7, R8."""
    if len(payload) > MAX_PAYLOAD:
        raise RefusedError("it is longer than an entry may be")
    body = decode_json(payload, ENTRY_DEPTH)
    version, ledger, own_id, kind, key, seen, x, answers, pub, commits = read(
        body, v=anything, ledger=hash32_or_null, id=bytes16, type=anything, key=hash32,
        seen=anything, x=anything, re=hashes, pub=anything, commits=anything,
    )  # fmt: skip
    if version != "evikit-entry-1":
        newer = isinstance(version, str) and version.startswith("evikit-entry-")
        raise RefusedError("it is of a newer format: a newer verifier is needed" if newer else "it is no entry")
    if not isinstance(kind, str) or kind not in FORMS:
        raise RefusedError("its type is unknown")
    form = FORMS[kind]
    if len(answers) > 64 or len(set(answers)) != len(answers) or (form.answers == "one" and len(answers) != 1):
        raise RefusedError("it does not answer as many entries as it must")
    names = COMMON.union(form.committed.split())
    read(pub, **dict.fromkeys(form.pub.split(), anything))
    read(commits, **dict.fromkeys(names, hash32))
    if kind == "closing":
        read(pub, map_size=dec, map_root=hash32)
    if kind == "anchor":
        read(pub, size=dec, root=hash32, token=unb64)
    seen_size, seen_root = read(seen, size=dec, root=hash32)
    place = read_place(x, form.chain)
    committed = {name: hash32(value) for name, value in commits.items()}
    leaf = leaf_of(payload, signature)
    return Entry(index, leaf, kind, ledger, own_id, key, seen_size, seen_root, place, answers, pub, committed)


def read_place(x: Json, chain: str) -> Place | None:
    """R8."""
    if x is None and chain == "none":
        return None
    n, seq, prev = read(x, n=dec, seq=dec, prev=hash32_or_null)
    allowed = {"governance": n == 0, "exhibit": n > 0, "any": True, "none": False}[chain]
    if not allowed or seq < 1 or (seq == 1) != (prev is None):
        raise RefusedError("its place in a sequence contradicts itself, or its type")
    return Place(n, seq, prev)


def opens(entry: Entry, name: str, salt: bytes, value: Json) -> bool:
    """R9: whether salt and value are what the entry committed to under that name."""
    if name not in entry.commits or not nests_within(value, ENTRY_DEPTH):
        return False
    body = canonical(value)
    ledger = None if entry.ledger is None else b64(entry.ledger)
    start = canonical(["evikit/field/v1", ledger, b64(entry.id), name, b64(salt)])[:-1]
    return len(body) <= MAX_VALUE and sha256(start + b"," + body + b"]") == entry.commits[name]


# --- R17: checkpoints ------------------------------------------------------------------------------------------------


@dataclass
class Checkpoint:
    """A signed head: of which ledger, how many entries, their root, and the signature lines (name, value)."""

    origin: str
    size: int
    root: bytes
    lines: list[tuple[str, bytes]]

    @property
    def ledger(self) -> str:
        return self.origin.rsplit("/", 1)[-1]


def body_of(origin: str, size: int, root: bytes) -> bytes:
    """The three lines that are signed, and whose SHA-256 is the fingerprint."""
    return f"{origin}\n{size}\n{b64(root)}\n".encode()


def fingerprint(origin: str, size: int, root: bytes) -> str:
    return sha256(body_of(origin, size, root)).hex()


def parse_checkpoint(text: Json) -> Checkpoint:
    if not isinstance(text, str) or len(text.encode("utf-8")) > MAX_CHECKPOINT:
        raise RefusedError("the checkpoint is no text, or too long")
    parts = text.split("\n")
    if re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text) or len(parts) < 6 or parts[3] or parts[-1]:
        raise RefusedError("the checkpoint has not the lines that it must have")
    origin, size, root, lines = parts[0], dec(parts[1]), hash32(parts[2]), parts[4:-1]
    if len(origin.encode("utf-8")) > 255 or len(lines) > 64 or len(set(lines)) != len(lines):
        raise RefusedError("the checkpoint has a line that it must not have")
    return Checkpoint(origin, size, root, [signature_line(line) for line in lines])


def signature_line(line: str) -> tuple[str, bytes]:
    mark, name, value, *more = [*line.split(" "), "", ""]
    raw = unb64(value)
    named = 1 <= len(name.encode("utf-8")) <= 255 and not re.search(r"[\s+]", name)
    if mark != "\u2014" or not named or more != ["", ""] or len(raw) <= 4:
        raise RefusedError("a signature line of the checkpoint is not written as it must be")
    return name, raw


def line_key(name: str, mark: int, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([mark]) + public)[:4]


def ed25519_line_fits(head: Checkpoint, value: bytes, public: bytes) -> bool:
    signed = body_of(head.origin, head.size, head.root)
    return value[:4] == line_key(head.origin, 0x01, public) and ed25519_fits(public, value[4:], signed)


def mldsa_line_fits(head: Checkpoint, value: bytes, public: bytes) -> bool | None:
    """None where this cannot be checked here; the form of the line is checked in any case."""
    name, moment = head.origin.encode(), int.from_bytes(value[4:12], "big")
    if len(value) != 4 + 8 + 2420 or value[:4] != line_key(head.origin, 0x06, public) or not 0 < moment < 1 << 63:
        return False
    named = bytes([len(name)]) + name
    span = bytes(8) + head.size.to_bytes(8, "big") + head.root
    return mldsa_fits(public, value[12:], b"subtree/v1\n\x00" + named + value[4:12] + named + span)


# --- R18: what the verifier brings -----------------------------------------------------------------------------------


@dataclass
class Trust:
    """Never taken from what is verified: ids of ledgers, heads kept from elsewhere, fingerprints of heads."""

    ledgers: set[str] = field(default_factory=set)
    heads: list[Checkpoint] = field(default_factory=list)
    fingerprints: set[str] = field(default_factory=set)
    unexamined: list[str] = field(default_factory=list)

    def add_anchor(self, anchor: str) -> None:
        plain = anchor.replace(":", "").lower()
        if re.fullmatch("[0-9a-f]{64}", plain):
            self.fingerprints.add(plain)
        else:
            self.add_head(read_small(anchor))

    def add_head(self, text: Json) -> None:
        head = parse_checkpoint(text)
        if head.size == 0:
            raise RefusedError("a checkpoint of no entries anchors nothing")
        self.heads.append(head)

    def add_file(self, text: str) -> None:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RefusedError("it is not JSON") from error
        if not isinstance(value, dict) or not value.keys() <= {"ledgers", "heads", "witnesses", "quorum", "tsa_roots"}:
            raise RefusedError("it is not a trust file")
        ledgers, roots = array(value.get("ledgers", [])), array(value.get("tsa_roots", []))
        named = all(isinstance(text, str) for text in (*ledgers, *roots))
        if not named or not all(re.fullmatch("[0-9a-f]{64}", ledger) for ledger in ledgers):
            raise RefusedError("a ledger's id is 64 hex digits in small letters, and tsa_roots are texts")
        self.ledgers.update(ledgers)
        for head in array(value.get("heads", [])):
            self.add_head(head)
        self.unexamined += [name for name in ("witnesses", "quorum", "tsa_roots") if name in value]


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    try:
        with Path(path).open("rb") as file:
            yield file
    except OSError as error:
        raise UnusableError(f"{path} cannot be read: {error.strerror}. Check the path.") from error


def read_small(path: str) -> str:
    """The text of a file that nobody makes large."""
    try:
        with opened(path) as file:
            return file.read(16 << 20).decode("utf-8-sig")
    except UnicodeError as error:
        raise RefusedError("it is not UTF-8") from error


def trust_of(trust_file: str | None, anchors: Iterable[str]) -> Trust:
    trust, named = Trust(), ""
    try:
        if trust_file is not None:
            named = trust_file
            trust.add_file(read_small(trust_file))
        for named in anchors:
            trust.add_anchor(named)
    except (RefusedError, UnicodeError) as error:  # JSON may name half a character
        raise UnusableError(f"{named} is no anchor or trust file: {error}. Check which file you named.") from error
    return trust


# --- R25 to R31: governance, replayed from the entries ---------------------------------------------------------------


def genesis_of(pub: dict[str, Json]) -> tuple[dict[bytes, bytes], int, tuple[bytes, bytes], bool]:
    """What the first entry founds: governors, how many must agree, the ledger's keys, if their keeper writes too."""
    policy = pub["policy"]
    read(policy, **dict.fromkeys(("governors", "need", "ledger_keys", "keeper_same_as_author"), anything))
    keeper = policy["keeper_same_as_author"]
    named = isinstance(pub["domain"], str) and re.fullmatch("[A-Za-z0-9.-]{1,183}", pub["domain"])
    if pub["kind"] not in ("live", "exercise") or not named or not isinstance(keeper, bool):
        raise RefusedError("it does not found a ledger")
    if pub["continues"] is not None:
        read(pub["continues"], ledger=anything, reason=anything, root=anything, size=anything)
    governors, need = governors_of(policy["governors"], policy["need"])
    return governors, need, ledger_keys_of(policy["ledger_keys"]), keeper


def governors_of(records: Json, need: Json) -> tuple[dict[bytes, bytes], int]:
    """R25: key id -> raw key of all governors, and how many of them must agree."""
    found: dict[bytes, bytes] = {}
    for record in array(records):
        algorithm, key, public = read(record, alg=anything, key=hash32, pk=anything)
        raw = public_key(algorithm, public, "ed25519")
        if key != key_id("ed25519", raw) or key in found:
            raise RefusedError("a governor's record contradicts itself, or stands twice")
        found[key] = raw
    if not 1 <= dec(need) <= len(found):
        raise RefusedError("so many governors can never agree")
    return found, dec(need)


def ledger_keys_of(records: Json) -> tuple[bytes, bytes]:
    """R25: the ledger's own pair of keys."""
    if len(array(records)) != 2:
        raise RefusedError("the ledger must have two keys")
    (first, own), (second, quantum) = (read(record, alg=anything, pk=anything) for record in records)
    return public_key(first, own, "ed25519"), public_key(second, quantum, "ml-dsa-44")


@dataclass
class Governance:
    """Who may sign what, by the entries met so far. Keys are named by their id."""

    governors: dict[bytes, bytes] = field(default_factory=dict)  # key -> raw key
    need: int = 0
    named: dict[bytes, bytes] = field(default_factory=dict)  # governor's key -> leaf of what gave its place
    persons: dict[bytes, tuple[bytes, bytes]] = field(default_factory=dict)  # key -> raw key, leaf of what enrolled it
    ledger_keys: list[tuple[int, bytes, bytes]] = field(default_factory=list)  # in force since, Ed25519, ML-DSA-44
    revoked: dict[bytes, int] = field(default_factory=dict)  # the smallest `from`
    erased: dict[bytes, set[str]] = field(default_factory=dict)  # leaf -> names whose opening may be gone
    waiting: dict[bytes, tuple[set[bytes], Effect]] = field(default_factory=dict)  # leaf -> approvers, what follows
    frozen: bool = False
    genesis: Entry | None = None
    same_keeper: bool = False

    def keys_before(self, index: int) -> tuple[bytes, bytes] | None:
        """R29: the ledger's pair of keys in force for an entry at this index, or a checkpoint of this size."""
        return next(((own, quantum) for since, own, quantum in reversed(self.ledger_keys) if since < index), None)

    def key_for(self, entry: Entry) -> bytes | None:
        """R12: the raw key that must have signed, or None where the entry's key is not entitled."""
        if entry.type == "genesis":
            try:
                return genesis_of(entry.pub)[0].get(entry.key)
            except RefusedError:
                return None
        if entry.type in ("closing", "anchor"):
            pair = self.keys_before(entry.index)
            return pair[0] if pair and key_id("ed25519", pair[0]) == entry.key else None
        if self.frozen and entry.type not in ("export", "approve"):
            return None
        persons = {} if entry.type == "approve" else self.persons
        return self.governors.get(entry.key) or persons.get(entry.key, (None,))[0]

    def replay(self, entry: Entry) -> None:
        """R26: an entry that is entitled, well signed and answers rightly. RefusedError where it breaks a rule."""
        if entry.type == "genesis":
            governors, need, pair, self.same_keeper = genesis_of(entry.pub)
            self.genesis = entry
            self.ledger_keys.append((0, *pair))
            self.govern(governors, need, entry.leaf)
        elif entry.type == "approve" and entry.answers[0] in self.waiting:
            self.approve(entry.answers[0], entry)
        elif FORMS[entry.type].approved == "yes":
            self.waiting[entry.leaf] = (set(), self.examine(entry))
            self.approve(entry.leaf, entry)

    def approve(self, leaf: bytes, entry: Entry) -> None:
        approvers, effect = self.waiting[leaf]
        approvers.add(entry.key)
        if len([key for key in approvers if key in self.governors and key not in self.revoked]) >= self.need:
            del self.waiting[leaf]
            effect(entry.index)

    def examine(self, entry: Entry) -> Effect:
        """R27 to R31: what the entry will do when enough have approved it."""
        pub, leaf = entry.pub, entry.leaf
        if entry.type == "policy":
            governors, need = governors_of(pub["governors"], pub["need"])
            return lambda _: self.govern(governors, need, leaf)
        if entry.type == "ledger.rotate":
            pair = ledger_keys_of(pub["ledger_keys"])
            return lambda index: self.ledger_keys.append((index, *pair))
        if entry.type == "erase":
            names = texts(pub["names"])
            return lambda _: self.erased.setdefault(entry.answers[0], set()).update(names)
        if entry.type == "freeze":
            return lambda _: setattr(self, "frozen", True)
        if entry.type == "person.revoke":
            key, since = read(pub, key=hash32, **{"from": dec})
            if since > entry.index:
                raise RefusedError("it revokes a key from an entry on that is not written yet")
            return lambda _: self.revoked.update({key: min(since, self.revoked.get(key, since))})
        public = self.newcomer(entry)
        place = self.persons[entry.key][1] if entry.key in self.persons else self.named.get(entry.key)
        if entry.type == "person.rotate" and entry.answers[0] != place:
            raise RefusedError("it does not answer the entry that gave its signer their place")
        return lambda _: self.admit(entry, key_id("ed25519", public), public)

    def newcomer(self, entry: Entry) -> bytes:
        """R27: the person's new raw key, which they have shown to hold."""
        pub = entry.pub
        public, _, pop = public_key(pub["alg"], pub["pk"], "ed25519"), texts(pub["roles"]), unb64(pub["pop"], 64)
        ledger = self.genesis.leaf if self.genesis else b""
        if not ed25519_fits(public, pop, b"evikit/pop/v1\n" + ledger + entry.id + public):
            raise RefusedError("nobody has shown that they hold the new key")
        if self.is_taken(key_id("ed25519", public)):
            raise RefusedError("the new key is in use already, or was revoked")
        return public

    def is_taken(self, key: bytes) -> bool:
        ledgers = {key_id("ed25519", own) for _, own, _ in self.ledger_keys}
        return key in ledgers.union(self.persons, self.governors, self.revoked)

    def admit(self, entry: Entry, key: bytes, public: bytes) -> None:
        """R27: an enrolment or rotation in force; a new key takes the place, or both places, of the old one."""
        if self.is_taken(key):
            return
        rotates = entry.type == "person.rotate"
        governed = rotates and self.governors.pop(entry.key, None) is not None
        enrolled = rotates and self.persons.pop(entry.key, None) is not None
        if governed:
            self.governors[key], self.named[key] = public, entry.leaf
        if enrolled or not governed:
            self.persons[key] = (public, entry.leaf)

    def govern(self, governors: dict[bytes, bytes], need: int, leaf: bytes) -> None:
        """R28."""
        self.governors, self.need = governors, need
        for key in governors:
            self.named.setdefault(key, leaf)


# --- R35: findings ---------------------------------------------------------------------------------------------------

BREAKS = {
    "malformed": "is not what the format says it must be",
    "genesis": "the first entry, and only it, must begin the ledger",
    "ledger": "belongs to another ledger than the one shown here",
    "duplicate": "the same entry stands here twice",
    "key": "was signed by nobody who was entitled to sign it then",
    "signature": "the signature does not fit: what was signed is not what stands here",
    "governance": "says who may sign, or what counts, against the rules for that",
    "seen": "says it saw a history that is not the one shown here, or one too old",
    "sequence": "is not the next of its exhibit: something is missing, doubled or out of order",
    "reference": "answers an entry that cannot be answered so",
    "closing": "closes the ledger without having seen all entries before it",
    "map": "the signed map of all exhibits does not fit what is shown",
    "opening": "a field shown is not what the entry committed to",
    "checkpoint": "the signed head of the history does not hold",
    "anchor": "this is not the ledger, or not the history, that you hold an anchor of",
    "inclusion": "the entry is not part of the history whose head was signed",
    "withheld": "an exhibit is not shown in full",
    "row": "that this file was read is not what the signed manifest says",
}
NOTES = {
    "open-access": "begins to read evidence and has no end: it may have read everything",
    "pending": "governing entries wait for approval and have no effect",
    "continues": "the ledger continues an older one, which must be verified by itself",
    "disputed": "was signed with a key that was revoked since; nothing that you hold proves that it is older than that",
}
MEANING = {
    "INTACT": "The record is whole, and it is the one that you hold an anchor of.",
    "INTACT WITH NOTES": "Nothing in the record is wrong; read what could not be checked, or should be known.",
    "BROKEN": "The record does not verify. Do not rely on what it says before the reason is known; what reads PROVED "
    "below holds of that one claim alone.",
}


@dataclass
class Finding:
    """What was found wrong (or, of a kind in NOTES, worth knowing), and at which entry."""

    kind: str
    index: int | None
    explanation: str


# --- R6, R9, R12 to R24: the bundle ----------------------------------------------------------------------------------


@dataclass
class Chain:
    """A sequence as met so far: governance, or an exhibit."""

    count: int = 0
    seq: int = 0
    last: bytes | None = None
    index: int = -1
    ref: str = ""


@dataclass
class Examination:
    """One bundle under examination. `run` reads its parts in the order that the format prescribes."""

    trust: Trust
    findings: dict[tuple[str, int | None], Finding] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    not_checked: list[str] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)
    governance: Governance = field(default_factory=Governance)
    head: Checkpoint = field(default_factory=lambda: Checkpoint("", 0, b"", []))
    ed25519_line: bool | None = None
    mldsa_line: bool | None = None
    older_heads: bool | None = None
    heads: list[tuple[int, bytes]] = field(default_factory=list)  # size and root of those proved to be of this history
    covered: set[int] = field(default_factory=set)  # R18
    ledger: bytes | None = None
    entries: list[Entry] = field(default_factory=list)
    by_leaf: dict[bytes, Entry] = field(default_factory=dict)
    newest_of_key: dict[bytes, int] = field(default_factory=dict)
    chains: dict[int, Chain] = field(default_factory=dict)
    begun: dict[bytes, int] = field(default_factory=dict)  # leaf and index of each begin that no end has named yet
    manifests: dict[int, tuple[Json, Json]] = field(default_factory=dict)
    recorded: dict[str, list[str]] = field(default_factory=dict)  # SHA-256 in hex -> where it is on record
    withheld: Counter[str] = field(default_factory=Counter)
    erased: Counter[str] = field(default_factory=Counter)

    def find(self, kind: str, index: int | None = None, detail: str = "") -> None:
        words = BREAKS.get(kind) or NOTES[kind]
        self.findings.setdefault((kind, index), Finding(kind, index, f"{words} ({detail})" if detail else words))

    def of_kinds(self, kinds: Iterable[str]) -> list[Finding]:
        return [finding for finding in self.findings.values() if finding.kind in kinds]

    @property
    def anchored(self) -> bool:
        return bool(self.covered) and ("anchor", None) not in self.findings

    @property
    def result(self) -> str:
        """R35. Without ML-DSA-44 nothing is INTACT, nor with time-stamps that the reader wants examined (R36)."""
        if self.of_kinds(BREAKS):
            return "BROKEN"
        unseen = self.checked["time-stamps"] and "tsa_roots" in self.trust.unexamined
        noted = self.findings or not self.anchored or not self.mldsa_line or unseen
        return "INTACT WITH NOTES" if noted else "INTACT"

    def run(self, data: bytes) -> None:
        try:
            self.read_bundle(data)
        except RefusedError as error:
            self.find("malformed", None, str(error))

    def read_bundle(self, data: bytes) -> None:
        """R20."""
        bundle = decode_json(data[:-1] if data.endswith(b"\n") else data, BUNDLE_DEPTH)
        version = bundle.get("format") if isinstance(bundle, dict) else None
        if version != "evikit-bundle-1":
            newer = isinstance(version, str) and re.fullmatch("evikit-bundle-[0-9]+", version)
            raise RefusedError("it is of a newer format: a newer verifier is needed" if newer else "it is no bundle")
        parts = "checkpoint entries exhibits foreign format ledger older rows tokens"
        read(bundle, **dict.fromkeys(parts.split(), anything))
        ledger, self.head = hash32(bundle["ledger"]), parse_checkpoint(bundle["checkpoint"])
        self.read_entries(array(bundle["entries"]), ledger)
        self.read_exhibits(bundle["exhibits"])
        self.read_rows(array(bundle["rows"]))
        self.read_checkpoint(array(bundle["older"]))
        for name, what in (("tokens", "tokens"), ("foreign", "receipts of other agencies")):
            if array(bundle[name]):
                self.not_checked.append(f"{len(bundle[name])} {what}")
        self.look_back()
        self.hold_against_trust()
        self.weigh_revocations()

    # entries

    def read_entries(self, items: list[Json], ledger: bytes) -> None:
        """R21."""
        before = -1
        for item in items:
            index, payload, signature, inclusion, seen_proof, openings = read(
                item, index=dec, payload=unb64, sig=lambda text: unb64(text, 64), inclusion=hashes, seen_proof=hashes,
                openings=read_openings,
            )  # fmt: skip
            if index <= before:
                raise RefusedError("its entries do not stand in their order")
            before = index
            if not included(leaf_of(payload, signature), index, self.head.size, inclusion, self.head.root):
                self.find("inclusion", index)
            try:
                entry = parse_entry(index, payload, signature)
            except RefusedError as error:
                self.find("malformed", index, str(error))
                continue
            self.checked["entries"] += 1
            self.examine(entry, payload, signature, seen_proof)
            self.open(entry, openings)
            self.entries.append(entry)
            self.by_leaf.setdefault(entry.leaf, entry)
            self.newest_of_key[entry.key] = index
            self.checked["time-stamps"] += entry.type == "anchor"
            if entry.type == "access.begin":
                self.begun[entry.leaf] = index
        if not self.entries or self.entries[0].type != "genesis":
            raise RefusedError("it does not begin with the entry that begins a ledger")
        if self.entries[0].leaf != ledger:
            self.find("ledger")
        self.done.add("entries")

    def examine(self, entry: Entry, payload: bytes, signature: bytes, seen_proof: list[bytes]) -> None:
        """R6, and the rules named below, for an entry in the light of those before it."""
        index, begins = entry.index, entry.type == "genesis"
        if index == 0:
            self.ledger = entry.leaf
        if begins != (index == 0) or (entry.ledger is None) != (index == 0):
            self.find("genesis", index)
        elif index and entry.ledger != self.ledger:
            self.find("ledger", index)
        if entry.leaf in self.by_leaf:
            self.find("duplicate", index)
        signed = not (begins and index) and self.is_signed(entry, payload, signature)
        self.check_seen(entry, seen_proof)
        self.check_sequence(entry)
        answers = self.answers_rightly(entry)
        if entry.type == "closing" and entry.seen_size != index:  # R16
            self.find("closing", index)
        if signed and answers:
            try:
                self.governance.replay(entry)
            except RefusedError as error:
                self.find("governance", index, str(error))

    def is_signed(self, entry: Entry, payload: bytes, signature: bytes) -> bool:
        """R11, R12."""
        public = self.governance.key_for(entry)
        signed = b"DSSEv1 36 application/vnd.evikit.entry.v1+json %d " % len(payload) + payload
        if public is not None and ed25519_fits(public, signature, signed):
            self.checked["signatures"] += 1
            return True
        self.find("key" if public is None else "signature", entry.index)
        return False

    def check_seen(self, entry: Entry, proof: list[bytes]) -> None:
        """R15: the head that the author saw is of this history, and not older than what they must have known."""
        known = [self.newest_of_key.get(entry.key, -1)]
        known += [self.by_leaf[leaf].index for leaf in entry.answers if leaf in self.by_leaf]
        if entry.place and entry.place.n in self.chains:
            known.append(self.chains[entry.place.n].index)
        fits = continued(entry.seen_size, entry.seen_root, proof, self.head.size, self.head.root)
        if not (max(known) < entry.seen_size <= entry.index and fits):
            self.find("seen", entry.index)

    def check_sequence(self, entry: Entry) -> None:
        """R13."""
        if entry.place is None:
            return
        n, seq, prev = entry.place
        chain = self.chains.setdefault(n, Chain())
        if (seq, prev, seq == 1) != (chain.seq + 1, chain.last, entry.type in ("genesis", "exhibit.register")):
            self.find("sequence", entry.index)
        chain.count, chain.seq, chain.last, chain.index = chain.count + 1, seq, entry.leaf, entry.index

    def answers_rightly(self, entry: Entry) -> bool:
        """R14; an answered entry that is not shown cannot be examined, and is told as not checked."""
        fits = True
        for leaf in entry.answers:
            target = self.by_leaf.get(leaf)
            if target is None:
                self.checked["answers to entries not shown"] += 1
            elif entry.type in ANSWERS:
                same = entry.type == "approve" or target.sequence == entry.sequence
                ended = entry.type == "access.end" and leaf not in self.begun
                fits = same and not ended and target.type in ANSWERS[entry.type]
        if entry.type == "access.end":
            self.begun.pop(entry.answers[0], None)
        if not fits:
            self.find("reference", entry.index)
        return fits

    def open(self, entry: Entry, openings: dict[str, tuple[bytes, Json]]) -> None:
        """R9: the fields that are shown; and which are not."""
        fitting = {name: value for name, (salt, value) in openings.items() if opens(entry, name, salt, value)}
        for name in openings.keys() - fitting.keys():
            self.find("opening", entry.index, f"field {name}")
        self.checked["openings"] += len(fitting)
        if entry.type == "exhibit.register" and isinstance(fitting.get("ref"), str):
            self.chains[entry.sequence].ref = fitting["ref"]
        if {"manifest_root", "manifest_size"} <= fitting.keys():
            self.manifests[entry.index] = (fitting["manifest_root"], fitting["manifest_size"])
        for name, value in fitting.items():
            for digest in digests_in(value):
                self.recorded.setdefault(digest, []).append(f"entry {entry.index} ({entry.type}), {name}")
        entry.closed = [name for name in entry.commits if name not in openings]
        entry.commits = {}  # not needed any more, and there may be very many

    # exhibits, rows, checkpoint

    def read_exhibits(self, items: Json) -> None:
        """R22: the exhibits named are shown in full, by the map that the ledger's key signed."""
        closing = self.entries[-1]
        if closing.type != "closing" or closing.index != self.head.size - 1:
            self.find("map", None, "the newest entry shown is not the closing one under the checkpoint")
            return
        size, root = read(closing.pub, map_size=dec, map_root=hash32)
        named: list[int] = []
        for item in array(items):
            n, count, last, proof = read(item, n=dec, count=dec, last=hash32, map_proof=hashes)
            named.append(n)
            leaf = sha256(b"\x00" + canonical(["evikit/map/v1", item["n"], item["count"], item["last"]]))
            if not included(leaf, n, size, proof, root):
                self.find("map", None, f"ordinal {n}")
            chain = self.chains.get(n, Chain())
            if (chain.count, chain.last) != (count, last):
                self.find("withheld", None, f"ordinal {n}: {chain.count} entries are shown, and it has {count}")
        if named[:1] != [0] or named != sorted(set(named)):
            raise RefusedError("its exhibits do not stand in their order, or governance is not among them")
        if self.chains.keys() - set(named):
            self.find("withheld", None, "it shows entries of exhibits that it does not name")
        self.checked["exhibits"], self.checked["exhibits not shown"] = len(named) - 1, max(size - len(named), 0)
        self.done.add("exhibits")

    def read_rows(self, items: list[Json]) -> None:
        """R24: that single files were read, by the manifest of a bulk reading."""
        for item in items:
            index, i, salt, row, proof = read(item, entry=dec, i=dec, salt=bytes16, row=texts, proof=hashes)
            if len(row) != 7:
                raise RefusedError("a row of a manifest has not seven texts")
            try:
                manifest = self.manifests.get(index, (None, None))
                root, size = hash32(manifest[0]), dec(manifest[1])
            except RefusedError:
                root, size = b"", 0
            if included(sha256(b"\x00" + salt + canonical(row)), i, size, proof, root):
                self.checked["manifest rows"] += 1
                self.recorded.setdefault(row[6], []).append(f"entry {index}, the file {row[1]} as it was read then")
            else:
                self.find("row", index, f"row {i}")
        self.done.add("rows")

    def read_checkpoint(self, older: list[Json]) -> None:
        """R17, R23."""
        head = self.head
        self.check_lines()
        if ("checkpoint", None) not in self.findings:
            self.heads.append((head.size, head.root))
            self.checked["checkpoints"] = 1
        for item in older:
            size, root, proof = read(item, size=dec, root=hash32, consistency=hashes)
            if size and continued(size, root, proof, head.size, head.root):
                self.heads.append((size, root))
            else:
                self.older_heads = False
                self.find("checkpoint", None, f"the older head of {size} entries is not part of this history")
        self.older_heads = self.older_heads is None
        self.checked["older heads"] = len(self.heads) - self.checked["checkpoints"]

    def check_lines(self) -> None:
        """The two lines of the ledger's own keys; those of others are counted."""
        head, genesis = self.head, self.governance.genesis
        own = sorted((value for name, value in head.lines if name == head.origin), key=len)
        if len(own) < len(head.lines):
            self.not_checked.append(f"{len(head.lines) - len(own)} signature lines of others (witnesses) on the head")
        pair = self.governance.keys_before(head.size)
        self.ed25519_line = self.mldsa_line = False
        if pair is None or genesis is None or head.origin != f"{genesis.pub['domain']}/evikit/{genesis.leaf.hex()}":
            self.find("checkpoint", None, "it is not a head of this ledger")
            return
        self.ed25519_line = bool(own) and ed25519_line_fits(head, own[0], pair[0])  # the shorter one
        self.mldsa_line = bool(own) and mldsa_line_fits(head, own[-1], pair[1])
        if len(own) != 2 or not self.ed25519_line or self.mldsa_line is False:
            self.find("checkpoint", None, "it is not signed with the ledger's two keys")
        elif self.mldsa_line is None:
            self.not_checked.append("the head's ML-DSA-44 signature: the installed `cryptography` does not have it")

    # what only the whole shows

    def look_back(self) -> None:
        rules = self.governance
        for entry in self.entries:
            gone = rules.erased.get(entry.leaf, set())
            self.erased.update(name for name in entry.closed if name in gone)
            self.withheld.update(name for name in entry.closed if name not in gone)
        for index in self.begun.values():
            self.find("open-access", index)
        if rules.waiting:
            self.find("pending", None, f"{len(rules.waiting)} of them")
        if rules.genesis and rules.genesis.pub["continues"] is not None:
            self.find("continues", 0)
        for what, names in (("fields withheld", self.withheld), ("fields erased", self.erased)):
            self.checked[what] = sum(names.values())
        stamps, unseen = self.checked["time-stamps"], self.checked["answers to entries not shown"]
        for told, words in (
            (stamps, f"{stamps} time-stamps: this verifier examines none"),
            (unseen, f"{unseen} answers to entries that are not shown"),
            (rules.same_keeper, "independence: who keeps the ledger's own keys also writes its entries"),
            (rules.need == 1, "a second opinion: one governor alone decides who may sign"),
        ):
            self.not_checked += [words] if told else []

    def hold_against_trust(self) -> None:
        """R18."""
        trust, origin = self.trust, self.head.origin
        own = self.ledger.hex() if self.ledger else ""
        if (trust.ledgers or trust.heads) and own not in trust.ledgers.union(head.ledger for head in trust.heads):
            self.find("anchor", None, "it is another ledger")
        known = {fingerprint(origin, size, root): size for size, root in self.heads}
        wanted = {fingerprint(kept.origin, kept.size, kept.root) for kept in trust.heads if kept.ledger == own}
        for anchor in wanted | trust.fingerprints:
            if anchor in known:
                self.covered.add(known[anchor])
            else:
                self.find("anchor", None, f"the head {anchor} is not among those that this bundle proves")
        if not self.covered:
            self.not_checked.append("no anchor from outside: that the whole history was replaced cannot be excluded")
        if trust.unexamined:
            self.not_checked.append(f"of your trust file: {', '.join(trust.unexamined)}")

    def weigh_revocations(self) -> None:
        """R19."""
        for entry in self.entries:
            since = self.governance.revoked.get(entry.key)
            if since is not None and not any(entry.index < size <= since for size in self.covered):
                self.find("disputed", entry.index)


def read_openings(value: Json) -> dict[str, tuple[bytes, Json]]:
    if not isinstance(value, dict) or not all(len(array(opening)) == 2 for opening in value.values()):
        raise RefusedError("the openings of an entry are not written as they must be")
    return {name: (bytes16(salt), shown) for name, (salt, shown) in value.items()}


def digests_in(value: Json) -> Iterator[str]:
    """Every SHA-256 that a value names, however deep."""
    if isinstance(value, dict) and isinstance(value.get("sha256"), str):
        yield value["sha256"]
    for child in children(value):
        yield from digests_in(child)


# --- claims: what was proved, in plain words -------------------------------------------------------------------------

CLAIMS = (
    ("The file is a bundle in the published format, and so is every entry in it.", "entries", "malformed"),
    ("Every entry shown was signed by somebody entitled to sign it then.", "entries", "key signature genesis"),
    (
        "Every entry shown stands at its place in the one history of this ledger.",
        "entries",
        "inclusion ledger duplicate",
    ),
    ("Every entry knew those before it: none was put in or taken out.", "entries", "seen sequence reference closing"),
    ("Who may sign was decided by the ledger's own rules.", "entries", "governance genesis"),
    ("Every field shown is what was signed then.", "entries", "opening"),
    ("All entries of each exhibit named are here, by the signed map.", "exhibits", "map withheld"),
)


def claims_of(found: Examination) -> list[tuple[str, str]]:
    """PROVED, FAILED or NOT CHECKED, and a sentence, for everything that this bundle could prove."""
    kinds = {finding.kind for finding in found.of_kinds(BREAKS)}

    def judged(stage: bool, breaking: str) -> str:
        return "FAILED" if kinds & set(breaking.split()) else "PROVED" if stage else "NOT CHECKED"

    claims = [(judged(stage in found.done, breaking), words) for words, stage, breaking in CLAIMS]
    if found.checked["manifest rows"] or "row" in kinds:
        claims.append(
            (judged("rows" in found.done, "row"), "The single files named were read, by the signed manifest.")
        )
    for words, holds in (
        ("The head of the history is signed with the ledger's Ed25519 key.", found.ed25519_line),
        ("The head of the history is signed with the ledger's ML-DSA-44 key.", found.mldsa_line),
        ("The older heads named are of this same history.", found.older_heads),
    ):
        claims.append(("NOT CHECKED" if holds is None else "PROVED" if holds else "FAILED", words))
    claims.append((judged(found.anchored, "anchor"), "This is the history that you hold an anchor of."))
    return claims


# --- evidence that the reader has ------------------------------------------------------------------------------------


class Held(NamedTuple):
    """A file of the reader's, its SHA-256, and where that stands on record."""

    path: str
    sha256: str
    result: str
    where: list[str]


def hold_evidence(found: Examination, path: str) -> Held:
    """Read a file and look for its digest among those on record; a record that is BROKEN proves nothing."""
    digest = hashlib.sha256()
    with opened(path) as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    where = found.recorded.get(digest.hexdigest(), [])
    result = "PROVED" if where else "FAILED"
    if found.result == "BROKEN":
        result, where = "NOT CHECKED", ["the record itself is BROKEN"]
    elif not where and found.withheld.keys() - {"manifest_secret"}:  # that one is never shown, and names no file
        result, where = "NOT CHECKED", ["no field shown names it; a field withheld may"]
    return Held(path, digest.hexdigest(), result, where or ["nothing on record here has this SHA-256"])


# --- the page --------------------------------------------------------------------------------------------------------

SHOWN = 200
COUNTED = ("signatures", "openings", "entries", "exhibits", "exhibits not shown", "manifest rows", "checkpoints",
           "older heads", "fields withheld", "fields erased")  # fmt: skip
LIMITS = (
    "What was read or done outside the program that keeps the record, and what was never recorded.",
    "That what was recorded is true: a signature proves who said it, and in which order. Times are the writer's.",
    "What happened after the head of the history.",
    "That this verifier is honest, if it came from the laboratory: compare its SHA-256 with the one that was lodged.",
)


def visible(text: str) -> str:
    """Controls, and marks that turn a line round, escaped: words in a record must not draw on the screen."""
    bad = "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
    return re.sub(bad, lambda match: f"\\u{ord(match.group()):04x}", text)


def paragraph(text: str, first: str = "", rest: int | None = None) -> str:
    later = " " * (len(first) if rest is None else rest)
    return textwrap.fill(visible(text), 100, initial_indent=first, subsequent_indent=later)


def section(title: str, lines: Sequence[str]) -> list[str]:
    more = [f"  ... and {len(lines) - SHOWN} more (--json prints all)"] if len(lines) > SHOWN else []
    return [f"\n{title}", *(paragraph(line, "  ", 4) for line in lines[:SHOWN]), *more] if lines else []


def page_of(found: Examination, name: str, digest: str, evidence: Sequence[Held]) -> Iterator[str]:
    """The verdict and what it rests on, as lines for people."""
    head, genesis = found.head, found.governance.genesis
    yield f"INTEGRITY: {found.result}"
    yield paragraph(MEANING[found.result])
    if genesis and genesis.pub["kind"] == "exercise":
        yield "EXERCISE: the ledger says of itself that it is an exercise, not a live case."
    yield f"\nBundle    {visible(name)}"
    yield f"SHA-256   {digest}"
    if found.ledger:
        yield f"Ledger    {found.ledger.hex()}"
        yield f"Head      {head.size} entries, fingerprint {fingerprint(head.origin, head.size, head.root)}"
    counts = ", ".join(f"{found.checked[name]} {name}" for name in COUNTED if found.checked[name])
    yield paragraph(counts or "nothing", "Checked   ")
    yield "Handling  not examined: this says nothing about how the evidence was handled"
    yield "\nClaims"
    yield from (paragraph(words, f"  {result:<12} ") for result, words in claims_of(found))
    for title, kinds in (("Failed", BREAKS), ("Notes", NOTES)):
        yield from section(title, [line_of(finding) for finding in found.of_kinds(kinds)])
    yield from section("Not checked", found.not_checked)
    yield from section("Exhibits", exhibit_lines(found))
    for title, names in (("Withheld fields", found.withheld), ("Erased fields, by approved entries", found.erased)):
        yield from section(title, [f"{name}: {number}" for name, number in sorted(names.items())])
    held = [f"{item.result}: {item.path}, SHA-256 {item.sha256}: {'; '.join(item.where[:5])}" for item in evidence]
    yield from section("Evidence that you have", held)
    yield from section("What this does not say", LIMITS)


def line_of(finding: Finding) -> str:
    where = "" if finding.index is None else f"entry {finding.index}: "
    return f"{where}{finding.explanation} [{finding.kind}]"


def exhibit_lines(found: Examination) -> list[str]:
    """How many entries of which exhibit are shown, and whether these are all."""
    if "exhibits" not in found.done:
        return []
    missing = {"withheld", "map"} & {finding.kind for finding in found.of_kinds(BREAKS)}
    whole = "not shown to be all" if missing else "these are all"
    lines = []
    for n, chain in sorted(found.chains.items()):
        name = chain.ref or (f"exhibit {n}, its reference is withheld" if n else "governance: who may sign")
        lines.append(f"{name}: {chain.count} entries, {whole}")
    left = found.checked["exhibits not shown"]
    return [*lines, f"{left} other exhibits of this ledger are not in this bundle"] if left else lines


def facts_of(found: Examination, evidence: Sequence[Held]) -> dict[str, Json]:
    """The verdict as JSON."""
    claims, problems = claims_of(found), [*found.of_kinds(BREAKS), *found.of_kinds(NOTES)]
    genesis = found.governance.genesis
    return {
        "verdict": found.result,
        "ledger": found.ledger.hex() if found.ledger else None,
        "size": str(found.head.size),
        "root": b64(found.head.root),
        "kind": genesis.pub["kind"] if genesis else "",
        "anchored": found.anchored,
        "checked": {name: found.checked[name] for name in COUNTED},
        "claims": [{"result": result, "claim": words} for result, words in claims],
        "problems": [{**vars(item), "severity": "failed" if item.kind in BREAKS else "note"} for item in problems],
        "not_checked": found.not_checked,
        "withheld": found.withheld,
        "erased": found.erased,
        "evidence": [item._asdict() for item in evidence],
    }


# --- the command line ------------------------------------------------------------------------------------------------


def read_bundle(path: str) -> tuple[bytes, bool]:
    """The bytes of a bundle, and whether they are all of the file.

    Of a large file that neither begins nor ends like a bundle only the beginning is read: it is none in any case.
    """
    with opened(path) as file:
        start, size = file.read(3 * MAX_CHECKPOINT), file.seek(0, os.SEEK_END)
        file.seek(max(size - 2, 0))
        alike = start.startswith(b'{"checkpoint":"') and b'","entries":[{' in start
        alike = alike and file.read(2).rstrip(b"\n").endswith(b"}")
        file.seek(0)
        if size > MAX_BUNDLE + 1:
            raise UnusableError(f"{path} is larger than any bundle. Check which file you named.")
        whole = alike or size <= 16 << 20
        return file.read(size if whole else 4096), whole


def verify(options: argparse.Namespace) -> int:
    """Verify, print, and answer with the exit code."""
    found = Examination(trust_of(options.trust, options.anchor))
    data, whole = read_bundle(options.bundle)
    found.run(data)
    digest = hashlib.sha256(data).hexdigest() if whole else "not taken: of so large a file only the beginning was read"
    evidence = [hold_evidence(found, path) for path in options.evidence]
    page = [json.dumps(facts_of(found, evidence))] if options.json else page_of(found, options.bundle, digest, evidence)
    print("\n".join(page))
    return 3 if found.result == "BROKEN" or any(item.result == "FAILED" for item in evidence) else 0


def main(argv: Sequence[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="verify.py", description="Verify a bundle of a custody ledger by itself.")
    parser.add_argument("bundle", help="the file to verify")
    parser.add_argument("--trust", metavar="FILE", help="your own trust file: ledger ids and kept heads")
    anchors = "a checkpoint you kept, or its fingerprint (64 hex digits); may be given several times"
    parser.add_argument("--anchor", metavar="FILE|FINGERPRINT", action="append", default=[], help=anchors)
    parser.add_argument("--json", action="store_true", help="print the verdict as JSON")
    parser.add_argument("--evidence", metavar="FILE", nargs="+", default=[], help="files to hold against the record")
    if hasattr(sys.stdout, "reconfigure"):  # a screen that lacks a letter shows its number
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return verify(parser.parse_args(argv))
    except (UnusableError, MemoryError) as error:
        words = visible(str(error)) or "there is not enough memory for a bundle of this size."
        print(f"verify.py: {words}", file=sys.stderr)
    except BrokenPipeError:  # whoever reads had enough; nothing more can be said to them
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
