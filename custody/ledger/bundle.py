"""The disclosed part of a ledger as one verifiable object (docs/ledger-format.md section Bundle, R20-R24).

A bundle is canonical JSON. It proves what it shows; it brings no trust. For every exhibit it names, all entries of that
exhibit must be there (opened or not), which the exhibit map in the last closing entry proves.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from custody.ledger.entry import (
    Entry,
    Json,
    Openings,
    b64,
    canonical,
    decode,
    leaf_of,
    load_openings,
    unb64,
    undec,
)
from custody.ledger.errors import MalformedError
from custody.ledger.exhibit_map import map_leaf
from custody.ledger.merkle import EMPTY_ROOT, verify_consistency, verify_inclusion
from custody.ledger.note import Checkpoint, fingerprint, parse_note
from custody.ledger.verdict import Trust, Verdict
from custody.ledger.verify import Replay, conclude, examine_checkpoint

FORMAT = "evikit-bundle-1"
MAX_BUNDLE = 1024 * 1024 * 1024
MAX_DEPTH = 12
ROW_FIELDS = 7
_KEYS = frozenset({"format", "ledger", "checkpoint", "older", "exhibits", "entries", "rows", "tokens", "foreign"})


@dataclass(frozen=True, slots=True)
class Disclosed:
    """An entry as a bundle shows it: position, content, and the fields that were opened."""

    index: int
    leaf: bytes
    entry: Entry
    openings: Openings


@dataclass(frozen=True, slots=True)
class Bundle:
    """A parsed bundle: `entries` that are well formed, and the manifest rows shown with them."""

    checkpoint: str
    entries: tuple[Disclosed, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    erased: Mapping[bytes, set[str]]
    """Leaf hash -> fields whose erasure is in force (R31): their lack is no withholding."""


def _fields(value: Any, names: str, what: str) -> list[Any]:
    if not isinstance(value, dict) or value.keys() != set(names.split()):
        raise MalformedError(f"{what} does not have exactly its fields")
    return [value[name] for name in names.split()]


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise MalformedError("a list is missing")
    return value


def _hashes(value: Any) -> list[bytes]:
    return [unb64(item, 32) for item in _list(value)]


def manifest_leaf(salt: bytes, row: Sequence[str]) -> bytes:
    """H(0x00 || salt || JCS(row)): the leaf that speaks of one file of a bulk reading (R24)."""
    return hashlib.sha256(b"\x00" + salt + canonical(list(row))).digest()


class _Reader:
    """Examines one decoded bundle part by part; every fault is a finding, a wrong shape is a MalformedError."""

    def __init__(self, body: Mapping[str, Any], verdict: Verdict) -> None:
        self.body, self.verdict = body, verdict
        self.head = parse_note(str(body["checkpoint"]).encode()).checkpoint
        self.seen_proof: list[bytes] = []
        self.replay = Replay(verdict, self._saw, complete=False)
        self.entries: list[Disclosed] = []

    def _saw(self, entry: Entry, _index: int) -> bool:
        if entry.seen_size == 0:
            return entry.seen_root == EMPTY_ROOT and not self.seen_proof
        return verify_consistency(entry.seen_size, entry.seen_root, self.head.size, self.head.root, self.seen_proof)

    def read_entries(self) -> None:
        last, named = -1, unb64(self.body["ledger"], 32)
        for item in _list(self.body["entries"]):
            where, payload, sig, inclusion, seen, opened = _fields(
                item, "index payload sig inclusion seen_proof openings", "an entry of the bundle"
            )
            index, data, signature = undec(where), unb64(payload), unb64(sig, 64)
            if index <= last:
                raise MalformedError("the entries are not in rising order")
            last, leaf = index, leaf_of(data, signature)
            proof, self.seen_proof, openings = _hashes(inclusion), _hashes(seen), load_openings(opened)
            if not verify_inclusion(leaf, index, self.head.size, proof, self.head.root):
                self.verdict.fail(index, "inclusion", "the entry is not in the history of the checkpoint")
            entry = self.replay.feed(index, data, signature, openings)
            if entry is not None:
                self.entries.append(Disclosed(index, leaf, entry, openings))
        if not self.entries or self.entries[0].entry.type != "genesis":
            raise MalformedError("the bundle does not begin with the genesis entry")
        if named != self.entries[0].leaf:
            self.verdict.fail(None, "ledger", "the bundle names another ledger than its genesis entry")

    def read_exhibits(self) -> None:
        """All entries of governance and of each exhibit shown are there, by the map of the last closing entry."""
        closing = self.entries[-1]
        if closing.index != self.head.size - 1 or closing.entry.type != "closing":
            self.verdict.fail(None, "map", "the entry under the checkpoint is no closing entry")
            return
        map_size, map_root = undec(closing.entry.pub["map_size"]), unb64(closing.entry.pub["map_root"], 32)
        named: list[int] = []
        for item in _list(self.body["exhibits"]):
            ordinal, count, last, proof = _fields(item, "n count last map_proof", "an exhibit of the bundle")
            n, number, leaf = undec(ordinal), undec(count), unb64(last, 32)
            named.append(n)
            if not verify_inclusion(map_leaf(n, number, leaf), n, map_size, _hashes(proof), map_root):
                self.verdict.fail(None, "map", f"exhibit number {n} is not in the map as the bundle says")
            if self.replay.chains.get(n, (0, b""))[:2] != (number, leaf):
                self.verdict.fail(None, "withheld", f"not all entries of exhibit number {n} are shown")
        if not named or named[0] != 0 or sorted(set(named)) != named:
            raise MalformedError("the exhibits are not in rising order from governance (0)")
        for n in self.replay.chains.keys() - set(named):
            self.verdict.fail(
                None, "withheld", f"entries of exhibit number {n} are shown without proof that they are all"
            )
        self.verdict.count("exhibits", len(named) - 1)
        if not any(finding.kind in ("map", "withheld") for finding in self.verdict.failed):
            self.verdict.proved.append(f"all entries of {len(named) - 1} of {map_size - 1} exhibits are shown")

    def read_rows(self) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """Single files of bulk readings, each proved by the manifest its outcome entry commits to."""
        shown = {item.index: item for item in self.entries}
        rows: list[tuple[int, tuple[str, ...]]] = []
        for item in _list(self.body["rows"]):
            where, i, salt, row, proof = _fields(item, "entry i salt row proof", "a row of the bundle")
            index, position, steps, texts = undec(where), undec(i), _hashes(proof), tuple(_list(row))
            if len(texts) != ROW_FIELDS or not all(isinstance(text, str) for text in texts):
                raise MalformedError("a row is not the seven texts of a file's reading")
            manifest, leaf = _manifest_of(shown.get(index)), manifest_leaf(unb64(salt, 16), texts)
            if manifest is None:
                self.verdict.fail(index, "row", "a file is shown whose manifest is not opened")
            elif not verify_inclusion(leaf, position, manifest[1], steps, manifest[0]):
                self.verdict.fail(index, "row", "the reading of a file is not in the manifest of its access")
            else:
                rows.append((index, texts))
        self.verdict.count("manifest rows", len(rows))
        return tuple(rows)

    def read_older(self) -> dict[str, Checkpoint]:
        """Heads of this history by fingerprint: the bundle's own checkpoint and older heads it proves (R23)."""
        known: dict[str, Checkpoint] = {}
        checkpoint = examine_checkpoint(self.replay, str(self.body["checkpoint"]).encode())
        if checkpoint is not None:
            known[fingerprint(checkpoint)] = checkpoint
            self.verdict.proved.append("the checkpoint is signed with both keys that the genesis entry names")
        for item in _list(self.body["older"]):
            size, root, proof = _fields(item, "size root consistency", "an older head")
            older = Checkpoint(self.head.origin, undec(size), unb64(root, 32))
            if verify_consistency(older.size, older.root, self.head.size, self.head.root, _hashes(proof)):
                known[fingerprint(older)] = older
            else:
                self.verdict.fail(None, "checkpoint", f"the older head of size {older.size} is of another history")
        return known


def _manifest_of(outcome: Disclosed | None) -> tuple[bytes, int] | None:
    """Root and size of the manifest that an outcome commits to, if both are opened and fit (R9, R24)."""
    if outcome is None:
        return None
    opened = outcome.openings
    try:
        root, size = opened["manifest_root"], opened["manifest_size"]
        fits = all(outcome.entry.opens(n, opened[n]) for n in ("manifest_root", "manifest_size"))
        return (unb64(root.value, 32), undec(size.value)) if fits else None
    except (KeyError, MalformedError):
        return None


def decode_bundle(data: bytes) -> Mapping[str, Any]:
    """The fields of a bundle; MalformedError says why it is none (R20)."""
    body = decode(data.removesuffix(b"\n"), MAX_BUNDLE, MAX_DEPTH)
    named = body.get("format") if isinstance(body, dict) else None
    if isinstance(named, str) and re.fullmatch("evikit-bundle-[0-9]{1,9}", named) and named != FORMAT:
        raise MalformedError(f"made by a newer evikit (its format is {named}): install one to read it")
    if not isinstance(body, dict) or named != FORMAT:
        raise MalformedError("not an evikit bundle")
    _fields(body, " ".join(_KEYS), "the bundle")
    return body


def verify_bundle(data: bytes, trust: Trust) -> tuple[Verdict, Bundle | None]:
    """The verdict on a bundle's bytes, and what it shows; None where its shape alone condemns it."""
    verdict = Verdict()
    try:
        reader = _Reader(decode_bundle(data), verdict)
        verdict.size, verdict.root = reader.head.size, b64(reader.head.root)
        reader.read_entries()
        reader.read_exhibits()
        rows = reader.read_rows()
        known = reader.read_older()
        if _list(reader.body["tokens"]) + _list(reader.body["foreign"]):
            verdict.not_checked.append("time-stamps beside the entries, other agencies' receipts: not examined")
    except MalformedError as error:
        verdict.fail(None, "malformed", f"the bundle is malformed: {error}")
        return verdict, None
    reader.replay.finish()
    _hold_against(trust, verdict, reader, known)
    return verdict, Bundle(str(reader.body["checkpoint"]), tuple(reader.entries), rows, reader.replay.governance.erased)


def _hold_against(trust: Trust, verdict: Verdict, reader: _Reader, known: Mapping[str, Checkpoint]) -> None:
    heads = set(known.values())
    is_ours: Callable[[Checkpoint], bool] = heads.__contains__
    conclude(verdict, reader.replay, trust, {text: c.size for text, c in known.items()}, is_ours)


def dump_bundle(body: Mapping[str, Json]) -> bytes:
    """The bytes of a bundle: canonical JSON and a final line feed."""
    return canonical(dict(body)) + b"\n"
