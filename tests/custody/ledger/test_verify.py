"""Every rule of a history, broken one at a time, is found at its index; nothing else is."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.ledger import verify
from custody.ledger.checkpoint import EntryKey
from custody.ledger.entry import ChainPosition, Entry, Opening, b64, canonical, leaf_of
from custody.ledger.leaves import Leaves
from custody.ledger.merkle import EMPTY_ROOT, Frontier
from custody.ledger.note import COSIGNATURE_ED25519, Checkpoint, fingerprint, parse_note, sign_checkpoint, sign_line
from custody.ledger.store import NEW
from custody.ledger.verdict import Result, Trust
from custody.ledger.verify import verify_ledger
from tests.kit import Chronicle, StoredRow, entry_key, genesis_pub, kinds, ledger_keys, remarks

# --- histories that hold, and what breaks them -----------------------------------------------------------


def case() -> Chronicle:
    """Two exhibits, one access each, closed twice: 0 genesis ... 6 closing, 7 note, 8 closing."""
    history = Chronicle()
    for n in (1, 2):
        history.add("exhibit.register", NEW)
        history.access(n)
    history.close()
    history.add("note", 1, {"text": "seal renewed"})
    history.close()
    return history


def head_of(history: Chronicle, size: int) -> bytes:
    frontier = Frontier()
    for row in history.rows[:size]:
        frontier.append(row[2])
    return frontier.root()


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@st.composite
def histories(draw: st.DrawFn) -> Chronicle:
    history = Chronicle()
    history.enrol(2)
    open_accesses: list[tuple[int, bytes]] = []
    for action in draw(st.lists(st.sampled_from(["register", "begin", "end", "note", "export", "close"]), max_size=14)):
        exhibits, key = history.map.size, entry_key(draw(st.integers(1, 2)))
        n = draw(st.integers(1, exhibits - 1)) if exhibits > 1 else 0
        if action == "register":
            history.add("exhibit.register", NEW, key=key)
        elif action == "begin" and n:
            open_accesses.append((n, history.add("access.begin", n, key=key)))
        elif action == "end" and open_accesses:
            n, begin = open_accesses.pop(draw(st.integers(0, len(open_accesses) - 1)))
            history.add("access.end", n, re=[begin], key=key)
        elif action == "note":
            history.add(
                "note", n, {"text": draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=5))}, key=key
            )
        elif action == "export":
            history.add("export", None, key=key)
        elif action == "close":
            history.close()
    history.close()
    return history


@settings(max_examples=40, deadline=None)
@given(histories())
def test_any_history_made_by_the_rules_is_intact_and_anchored_by_any_of_its_heads(history: Chronicle) -> None:
    assert history.verify().result == Result.WITH_NOTES
    for note in history.notes:
        verdict = history.verify(Trust().with_anchor(parse_note(note)))
        assert not verdict.failed
        assert verdict.anchored
        text = fingerprint(parse_note(note).checkpoint)
        assert history.verify(Trust().with_anchor(text)).anchored


@settings(max_examples=60, deadline=None)
@given(histories(), st.data())
def test_any_row_changed_is_found_at_its_index_and_nothing_before_it(history: Chronicle, data: st.DataObject) -> None:
    rows = list(history.rows)
    i = data.draw(st.integers(0, len(rows) - 1))
    payload, sig, leaf, openings = rows[i]
    damage = data.draw(st.sampled_from(["payload", "sig", "leaf", "drop", "twice", "swap", "opening", "no opening"]))
    at = i
    if damage in ("payload", "sig"):
        part = bytearray(payload if damage == "payload" else sig)
        part[data.draw(st.integers(0, len(part) - 1))] ^= data.draw(st.integers(1, 255))
        payload, sig = (bytes(part), sig) if damage == "payload" else (payload, bytes(part))
        rows[i] = (payload, sig, leaf_of(payload, sig), openings)  # the leaf is made to fit
    elif damage == "leaf":
        rows[i] = (payload, sig, bytes(32), openings)
    elif damage == "drop":
        del rows[i]
    elif damage == "twice":
        rows.insert(i, rows[i])
        at = i + 1
    elif damage == "swap":
        j = data.draw(st.integers(0, len(rows) - 1).filter(lambda j: j != i))
        rows[i], rows[j], at = rows[j], rows[i], min(i, j)
    else:
        name = data.draw(st.sampled_from(sorted(openings)))
        changed = {key: opening for key, opening in openings.items() if key != name}
        if damage == "opening":
            changed[name] = data.draw(
                st.sampled_from([Opening(bytes(16), openings[name].value), Opening(openings[name].salt, "another")])
            )
        rows[i] = (payload, sig, leaf, changed)
    verdict = history.verify(rows=rows)
    assert verdict.result == Result.BROKEN
    found = {index for index, _ in kinds(verdict) if index is not None}
    assert min(found, default=at) == at, kinds(verdict)
    assert found or damage == "drop"  # the last row dropped shows only in what was signed over it


def test_an_intact_history_says_what_was_proved_and_counted() -> None:
    history = case()
    verdict = history.verify(Trust().with_anchor(parse_note(history.notes[0])))
    assert verdict.result == Result.INTACT
    assert verdict.size == 10
    assert verdict.ledger == (history.ledger or b"").hex()
    assert verdict.root == b64(history.frontier.root())
    assert verdict.checked["entries"] == verdict.checked["signatures"] == 10
    assert verdict.checked["checkpoints"] == 2
    assert verdict.checked["openings"] == sum(len(row[3]) for row in history.rows)
    assert "complete up to entry 9" in " ".join(verdict.proved)


# --- rules, one at a time --------------------------------------------------------------------------------

Break = Callable[[Chronicle], object]

BROKEN: dict[str, tuple[Break, set[tuple[int | None, str]]]] = {
    "a second genesis": (
        lambda h: h.add("genesis", 0, pub=genesis_pub(h.keys, (1,), 1)),
        {(8, "genesis"), (8, "sequence")},
    ),
    "an entry without a ledger": (lambda h: h.add("note", 1, ledger=None), {(8, "genesis")}),
    "an entry of another ledger": (lambda h: h.add("note", 1, ledger=bytes(32)), {(8, "ledger")}),
    "a stranger": (lambda h: h.add("note", 1, key=entry_key(9)), {(8, "key")}),
    "a head never seen": (lambda h: h.add("note", 1, seen_root=bytes(32)), {(8, "seen")}),
    "a head of the future": (lambda h: h.add("note", 1, seen_size=9), {(8, "seen")}),
    "a head beyond all bounds": (lambda h: h.add("note", 1, seen_size=2**63 - 1), {(8, "seen")}),
    "an empty head": (lambda h: h.add("note", 1, seen_size=0, seen_root=EMPTY_ROOT), {(8, "seen")}),
    "a place left out": (lambda h: h.add("note", 1, x=ChainPosition(1, 6, h.chains[1][1])), {(8, "sequence")}),
    "a place taken twice": (lambda h: h.add("note", 1, x=ChainPosition(1, 4, h.chains[1][1])), {(8, "sequence")}),
    "another entry before it": (lambda h: h.add("note", 1, x=ChainPosition(1, 5, bytes(32))), {(8, "sequence")}),
    "the sequence of another exhibit": (
        lambda h: h.add("note", 1, x=ChainPosition(2, 5, h.chains[1][1])),
        {(8, "sequence")},
    ),
    "no registration first": (lambda h: h.add("note", 3), {(8, "sequence")}),
    "a registration later": (lambda h: h.add("exhibit.register", 1), {(8, "sequence")}),
    "an ordinal left out": (
        lambda h: h.add("exhibit.register", 1, x=ChainPosition(4, 1, None)),
        {(8, "sequence")},
    ),
    "an ordinal beyond 32 bits": (
        lambda h: h.add("exhibit.register", 1, x=ChainPosition(2**40, 1, None)),
        {(8, "sequence")},
    ),
    "an answer to nothing": (lambda h: h.add("note", 1, re=[bytes(32)]), {(8, "reference")}),
    "an outcome of no access": (lambda h: h.add("access.end", 1, re=[bytes(32)]), {(8, "reference")}),
    "an outcome of a registration": (lambda h: h.add("access.end", 1, re=[h.rows[1][2]]), {(8, "reference")}),
    "a second outcome": (lambda h: h.add("access.end", 1, re=[h.rows[2][2]]), {(8, "reference")}),
    "an outcome under another exhibit": (
        lambda h: h.add("access.end", 2, re=[h.add("access.begin", 1)]),
        {(9, "reference")},
    ),
    "an acceptance of a note": (lambda h: h.add("transfer.accept", 1, re=[h.rows[7][2]]), {(8, "reference")}),
    "an approval of a note": (lambda h: h.add("approve", 0, re=[h.rows[7][2]]), {(8, "reference")}),
    "a correction under another exhibit": (lambda h: h.add("correct", 1, re=[h.rows[4][2]]), {(8, "reference")}),
    "a closing that overlooks one": (
        lambda h: h.close(seen_size=7, seen_root=head_of(h, 7)),
        {(8, "closing")},
    ),
    "a closing with another map": (
        lambda h: h.add(
            "closing", None, pub={"map_size": "3", "map_root": b64(bytes(32))}, key=EntryKey(h.keys.ed25519)
        ),
        {(8, "map")},
    ),
    "a closing with a smaller map": (
        lambda h: h.add(
            "closing", None, pub={"map_size": "2", "map_root": b64(h.map.root)}, key=EntryKey(h.keys.ed25519)
        ),
        {(8, "map")},
    ),
    "bytes that are no entry": (lambda h: h.put(b"{}", bytes(64), {}), {(8, "malformed")}),
    "an entry of a newer format": (
        lambda h: h.put(canonical({"v": "evikit-entry-2"}), bytes(64), {}),
        {(8, "malformed")},
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_found_at_its_entry(name: str) -> None:
    """0 genesis, 1-3 exhibit 1, 4-6 exhibit 2, 7 note on exhibit 1; the fault is at 8 or 9."""
    history = Chronicle()
    for n in (1, 2):
        history.add("exhibit.register", NEW)
        history.access(n)
    history.add("note", 1)
    assert not kinds(history.verify())
    act, found = BROKEN[name]
    act(history)
    assert kinds(history.verify()) == found


def test_an_entry_must_have_seen_what_it_builds_on() -> None:
    """Another author, a fresh sequence and no reference: only then may an old head be named."""
    history = Chronicle(governors=(1, 2))
    history.add("exhibit.register", NEW)
    answered = history.add("note", 0)
    root = head_of(history, 1)
    over: dict[str, Any] = {"seen_size": 1, "seen_root": root, "key": entry_key(2)}
    history.add("exhibit.register", NEW, **over)
    assert not kinds(history.verify())  # honest concurrency
    history.add("note", 1, **over)
    history.add("exhibit.register", NEW, re=[answered], **over)
    assert kinds(history.verify()) == {(4, "seen"), (5, "seen")}


def test_the_same_author_must_have_seen_its_own_previous_entry() -> None:
    history = Chronicle()
    history.add("exhibit.register", NEW)
    history.add("exhibit.register", NEW, seen_size=1, seen_root=head_of(history, 1))
    assert kinds(history.verify()) == {(2, "seen")}


def test_a_history_that_does_not_begin_with_a_genesis_is_broken_throughout() -> None:
    history = case()
    verdict = history.verify(rows=history.rows[1:])
    assert {(0, "genesis"), (0, "key"), (None, "checkpoint")} <= kinds(verdict)


def test_one_gap_is_one_finding_per_rule_not_a_landslide() -> None:
    """Maps of closings before the fault hold; the sequence resumes behind it."""
    history = case()
    verdict = history.verify(rows=[*history.rows[:8], history.rows[9]])
    assert {index for index, _ in kinds(verdict)} == {8, None}


def test_a_map_after_a_missing_registration_is_wrong_but_no_crash() -> None:
    history = case()
    verdict = history.verify(rows=[history.rows[0], *history.rows[4:]])
    assert verdict.result == Result.BROKEN


def test_no_entries_are_no_ledger() -> None:
    assert kinds(verify_ledger([], [], Trust())) == {(None, "empty")}


def test_an_access_without_an_outcome_may_have_read_everything() -> None:
    history = Chronicle()
    history.add("exhibit.register", NEW)
    history.add("access.begin", 1)
    history.close()
    verdict = history.verify(Trust().with_anchor(parse_note(history.notes[0])))
    assert verdict.result == Result.WITH_NOTES
    assert remarks(verdict) == {(2, "open-access")}


def test_openings_that_are_not_examined_fail_nothing() -> None:
    history = case()
    verdict = verify_ledger([(*row[:3], None) for row in history.rows], history.notes, Trust())
    assert not verdict.failed
    assert "openings" not in verdict.checked


# --- checkpoints -----------------------------------------------------------------------------------------


def signed(history: Chronicle, **changes: Any) -> bytes:
    head = parse_note(history.notes[-1]).checkpoint
    facts = {"origin": head.origin, "size": head.size, "root": head.root, **changes}
    return sign_checkpoint(Checkpoint(**facts), history.keys.ed25519, history.keys.mldsa, 1_700_000_000)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"size": 11}, "other entries"),
        ({"size": 9}, "other entries"),
        ({"root": bytes(32)}, "other entries"),
        ({"origin": "lab.example/evikit/" + "0" * 64}, "another ledger"),
        ({"origin": "other.example/evikit/"}, "another ledger"),
    ],
)
def test_a_checkpoint_of_something_else_is_a_finding(changes: dict[str, Any], why: str) -> None:
    history = case()
    history.notes.append(signed(history, **changes))
    verdict = history.verify()
    assert kinds(verdict) == {(None, "checkpoint")}
    assert why in verdict.failed[0].explanation


def test_a_checkpoint_over_no_closing_entry_is_a_finding() -> None:
    """An append slipped between the closing entry and the checkpoint."""
    history = case()
    history.add("note", 1)
    history.note()
    assert kinds(history.verify()) == {(None, "checkpoint")}


def test_a_checkpoint_signed_with_other_keys_or_torn_is_a_finding() -> None:
    history = case()
    good, history.keys = history.notes[-1], ledger_keys(2)
    for bad in (signed(history), good[:-1], good.replace(b"\n\n", b"\n"), b"", good.rpartition(b"\xe2\x80\x94")[0]):
        history.notes = [good, bad]
        assert kinds(history.verify()) == {(None, "checkpoint")}


def test_signatures_of_others_on_a_checkpoint_are_told_and_change_nothing() -> None:
    history = case()
    head = parse_note(history.notes[-1]).checkpoint
    history.notes[-1] += sign_line(head, "witness.example", COSIGNATURE_ED25519, entry_key(5).private, 1_700_000_000)
    verdict = history.verify()
    assert not verdict.failed
    assert any(line.startswith("1 signatures of others") for line in verdict.not_checked)


def test_entries_after_the_last_checkpoint_are_told() -> None:
    history = case()
    history.add("note", 1)
    verdict = history.verify(Trust().with_anchor(parse_note(history.notes[0])))
    assert verdict.result == Result.WITH_NOTES
    assert remarks(verdict) == {(None, "uncheckpointed")}
    assert verdict.notes[0].explanation.startswith("1 entries")


# --- trust -----------------------------------------------------------------------------------------------


def test_a_ledger_the_verifier_does_not_trust_is_broken_for_them() -> None:
    history = case()
    assert kinds(history.verify(Trust(ledgers=frozenset({bytes(32)})))) == {(None, "anchor")}
    assert not kinds(history.verify(Trust(ledgers=frozenset({history.ledger or b""}))))


def test_a_trusted_name_alone_anchors_no_history() -> None:
    history = case()
    verdict = history.verify(Trust(ledgers=frozenset({history.ledger or b""})))
    assert verdict.result == Result.WITH_NOTES
    assert any("replacement of the whole history" in line for line in verdict.not_checked)


def test_a_kept_head_finds_an_end_that_was_cut_off() -> None:
    history = case()
    kept = parse_note(history.notes[-1])
    history.notes.pop()
    verdict = verify_ledger(history.rows[:8], history.notes, Trust().with_anchor(kept))
    assert kinds(verdict) == {(None, "anchor")}
    assert "cut off" in verdict.failed[0].explanation


def test_a_kept_head_finds_a_history_rewritten_with_the_right_keys() -> None:
    history, other = case(), Chronicle()
    for _ in range(2):
        other.add("exhibit.register", NEW, {"ref": "other"})
    other.close()
    assert other.ledger != history.ledger  # salts differ
    fork = parse_note(signed(history, root=bytes(32)))
    assert kinds(history.verify(Trust().with_anchor(fork))) == {(None, "anchor")}
    assert kinds(history.verify(Trust().with_anchor(parse_note(other.notes[0])))) == {(None, "anchor")}


def test_heads_of_several_ledgers_may_be_kept() -> None:
    history, other = case(), case()
    trust = Trust().with_anchor(parse_note(other.notes[0])).with_anchor(parse_note(history.notes[0]))
    assert history.verify(trust).result == Result.INTACT


def test_a_fingerprint_of_nothing_here_is_broken() -> None:
    assert kinds(case().verify(Trust().with_anchor("0" * 64))) == {(None, "anchor")}


def test_parts_of_a_trust_file_that_are_not_examined_are_told() -> None:
    verdict = case().verify(Trust(unused=("witnesses",)))
    assert any("witnesses" in line for line in verdict.not_checked)


# --- bounds ----------------------------------------------------------------------------------------------


def test_more_keys_than_sixteen_bits_count() -> None:
    leaves, history = Leaves(), Chronicle()
    history.add("exhibit.register", NEW)
    entry = Entry.parse(history.rows[1][0])
    for i in range(66_000):
        object.__setattr__(entry, "key", i.to_bytes(32))
        leaves.add(i.to_bytes(32, "little"), i, entry)
    assert leaves.signed_by((65_999).to_bytes(32)) == [65_999]
    assert leaves.find((65_999).to_bytes(32, "little")) == 65_999
    assert leaves.find(bytes(31) + b"\1") is None


class ManyNotes:
    """A genesis, one exhibit, then notes in its sequence whose payload is their number alone.

    Reading and signing them truly would take most of the time and leave nothing behind.
    """

    def __init__(self) -> None:
        self.history = Chronicle()
        self.prev = self.history.add("exhibit.register", NEW)
        self.true_parse = Entry.parse
        self.model = self.true_parse(self.history.rows[1][0])

    def rows(self, count: int, sample: Callable[[int], None]) -> Iterator[StoredRow]:
        yield from self.history.rows
        for index in range(2, count):
            sample(index)
            payload = b"%d" % index
            leaf = leaf_of(payload, bytes(64))
            yield payload, bytes(64), leaf, {}
            self.history.frontier.append(leaf)
            self.prev = leaf

    def parse(self, payload: bytes) -> Entry:
        if payload.startswith(b"{"):
            return self.true_parse(payload)
        index, root = self.history.frontier.size, self.history.frontier.root()
        position = ChainPosition(1, index, self.prev)
        model = self.model
        return Entry(model.ledger, index.to_bytes(16), "note", model.key, index, root, position, (), {}, {})


def test_memory_is_at_most_a_hundred_bytes_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = ManyNotes()
    monkeypatch.setattr(verify, "verify_entry", lambda *_: True)
    monkeypatch.setattr(Entry, "parse", notes.parse)
    sizes: dict[int, int] = {}

    def sample(index: int) -> None:
        if index in (5_000, 19_999):
            sizes[index] = tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        verdict = verify_ledger(notes.rows(20_000, sample), [], Trust())
    finally:
        tracemalloc.stop()
    assert not verdict.failed
    assert (sizes[19_999] - sizes[5_000]) / 14_999 <= 100
