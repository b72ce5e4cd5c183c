"""Growth since a kept checkpoint: the findings that the whole gives, and nothing of the past taken unproved."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from copy import copy, deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custody.ledger.checkpoint import EntryKey
from custody.ledger.draft import dump_openings
from custody.ledger.entry import Opening, leaf_of
from custody.ledger.errors import IntegrityError
from custody.ledger.growth import verify_growth
from custody.ledger.merkle import Frontier
from custody.ledger.note import parse_note
from custody.ledger.store import NEW, Ledger
from custody.ledger.verdict import Result, Trust, Verdict
from custody.ledger.verify import replay_ledger
from tests.custody.ledger.test_verify import histories
from tests.kit import Chronicle, World, entry_key, kinds, remarks

Row = tuple[bytes, bytes, bytes, dict[str, Opening]]


def put(path: Path, rows: list[Any], notes: list[bytes]) -> None:
    """A ledger's file with these rows, whatever they hold; what is kept beside them is what they give."""
    path.unlink(missing_ok=True)
    Ledger.create(path).close()
    frontier = Frontier()
    chains = replay_ledger(rows, notes, Trust()).chains
    with closing(sqlite3.connect(path)) as file:
        for index, (payload, sig, leaf, openings) in enumerate(rows):
            file.execute("INSERT INTO entry VALUES (?, ?, ?, ?)", (index, payload, sig, leaf))
            file.execute("INSERT INTO opening VALUES (?, ?)", (index, dump_openings(openings)))
            for node in frontier.append(leaf_of(payload, sig)):
                file.execute("INSERT INTO node VALUES (?, ?, ?)", node)
        file.executemany("INSERT INTO chain VALUES (?, ?, ?, ?)", [(n, *state) for n, state in chains.items()])
        sizes = [(999 if note == b"junk" else parse_note(note).checkpoint.size, note) for note in notes]
        file.executemany("INSERT OR IGNORE INTO checkpoint VALUES (?, ?)", sizes)
        file.commit()


def grown(path: Path, kept: bytes, trust: Trust | None = None) -> Verdict:
    with Ledger.open(path, writable=False) as ledger:
        return verify_growth(ledger, parse_note(kept), trust or Trust())


@contextmanager
def tampering(path: Path) -> Iterator[sqlite3.Connection]:
    """The file in the hands of somebody who drops triggers."""
    with closing(sqlite3.connect(path)) as file:
        for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            file.execute(f"DROP TRIGGER {name}")
        yield file
        file.commit()


# --- honest growth -----------------------------------------------------------------------------------------


def history() -> tuple[Chronicle, bytes]:
    """0 genesis, 1-2 enrolments, 3 AH/1, 4-5 access, 6 begin, 7 AH/2, 8 closing: kept. Then 9 on by `grow`."""
    story = Chronicle()
    story.enrol(2)
    story.enrol(3)
    story.add("exhibit.register", NEW)
    story.access(1)
    story.add("access.begin", 1)
    story.add("exhibit.register", NEW)
    return story, story.close()


def forked(story: Chronicle) -> Chronicle:
    """The same beginning, to go on otherwise."""
    other = copy(story)
    other.rows, other.notes, other.chains = list(story.rows), list(story.notes), dict(story.chains)
    other.frontier, other.map = deepcopy(story.frontier), deepcopy(story.map)
    return other


def grow(story: Chronicle) -> None:
    begin = story.rows[6][2]
    story.add("access.end", 1, re=[begin], key=entry_key(2))
    story.add("exhibit.register", NEW, key=entry_key(3))
    story.access(3)
    story.add("note", 2, re=[story.rows[4][2], story.rows[1][2]])
    story.enrol(4)
    story.add("note", 0, key=entry_key(4))
    story.close()
    story.add("export", None)
    story.close()


def test_honest_growth_is_noted_as_growth(tmp_path: Path) -> None:
    story, kept = history()
    grow(story)
    put(tmp_path / "l", story.rows, story.notes)
    verdict = grown(tmp_path / "l", kept)
    assert not verdict.failed
    assert verdict.result is Result.WITH_NOTES
    assert remarks(verdict) == {(None, "growth")}
    assert verdict.anchored
    assert (verdict.size, verdict.ledger) == (len(story.rows), (story.ledger or b"").hex())
    assert verdict.root == story.verify().root
    assert verdict.checked["entries"] == len(story.rows) - 9
    assert verdict.checked["checkpoints"] == 2
    assert "the first 9 entries are those you hold an anchor of" in verdict.proved
    assert "whether the access of entry 6 had ended before" in verdict.not_checked
    assert any(text.startswith("the first 9 entries, but") for text in verdict.not_checked)


def test_nothing_new_is_nothing_wrong(tmp_path: Path) -> None:
    story, kept = history()
    put(tmp_path / "l", story.rows, story.notes)
    verdict = grown(tmp_path / "l", kept)
    assert not verdict.failed
    assert verdict.checked.get("entries", 0) == 0


def test_entries_without_a_checkpoint_are_noted(tmp_path: Path) -> None:
    story, kept = history()
    story.add("note", 1)
    put(tmp_path / "l", story.rows, story.notes)
    verdict = grown(tmp_path / "l", kept)
    assert remarks(verdict) == {(None, "growth"), (None, "uncheckpointed")}
    assert verdict.notes[0].explanation.startswith("1 entries")


def test_growth_from_any_head_of_a_real_ledger(tmp_path: Path) -> None:
    grown_honestly(World(tmp_path))


def test_growth_from_any_head_in_a_database_server(world_there: World) -> None:
    grown_honestly(world_there)


def grown_honestly(world: World) -> None:
    heads = []
    for ref in ("AH/1", "AH/2", "AH/3"):
        world.access(world.exhibit(ref))
        heads.append(world.close())
    world.access(1)
    world.close()
    for kept in heads:
        verdict = verify_growth(world.ledger, parse_note(kept), Trust().with_anchor(parse_note(heads[1])))
        assert not verdict.failed
        assert remarks(verdict) == {(None, "growth")}


# --- another beginning -------------------------------------------------------------------------------------


def test_what_does_not_begin_with_the_kept_head_is_refused(tmp_path: Path) -> None:
    story, kept = history()
    other = forked(story)
    other.add("note", 1)
    longer = other.close()
    grow(story)
    put(tmp_path / "l", story.rows, story.notes)
    put(tmp_path / "short", story.rows[:9], [kept])
    stranger = Chronicle(keys=2).close()
    for path, note in ((tmp_path / "l", longer), (tmp_path / "short", story.notes[-1]), (tmp_path / "l", stranger)):
        verdict = grown(path, note)
        assert kinds(verdict) == {(None, "anchor")}
        assert not verdict.anchored


def test_a_head_of_the_verifiers_that_is_not_of_this_history_is_found(tmp_path: Path) -> None:
    story, kept = history()
    fork = forked(story)
    fork.add("note", 2)
    false = parse_note(fork.close())
    grow(story)
    put(tmp_path / "l", story.rows, story.notes)
    later = parse_note(story.notes[-1])
    assert not grown(tmp_path / "l", kept, Trust().with_anchor(later)).failed
    renamed = parse_note(story.notes[-1].replace(b"lab.example/", b"lab.example2/"))
    for head in (false, renamed):
        assert kinds(grown(tmp_path / "l", kept, Trust().with_anchor(head))) == {(None, "anchor")}
    put(tmp_path / "s", story.rows[:-2], story.notes[:-1])
    assert kinds(grown(tmp_path / "s", kept, Trust().with_anchor(later))) == {(None, "anchor")}
    assert not grown(tmp_path / "l", story.notes[1], Trust().with_anchor(parse_note(kept))).failed
    assert kinds(grown(tmp_path / "l", story.notes[1], Trust().with_anchor(false))) == {(None, "anchor")}


# --- what is wrong in the growth ---------------------------------------------------------------------------


def stranger(story: Chronicle) -> None:
    story.add("note", 1, key=entry_key(9))


def bad_signature(story: Chronicle) -> None:
    story.add("note", 1)
    payload, _, _, openings = story.rows.pop()
    story.put(payload, bytes(64), openings)


def false_root(story: Chronicle) -> None:
    story.add("note", 1, seen_root=bytes(32))


def false_old_root(story: Chronicle) -> None:
    story.add("note", 2, seen_size=8, seen_root=bytes(32))


def empty_root(story: Chronicle) -> None:
    story.add("note", 2, seen_size=0, seen_root=bytes(32))


def too_old(story: Chronicle) -> None:
    frontier = Frontier()
    for row in story.rows[:5]:
        frontier.append(row[2])
    story.add("note", 2, seen_size=5, seen_root=frontier.root())


def a_gap(story: Chronicle) -> None:
    story.chains[1] = (story.chains[1][0] + 1, story.chains[1][1])
    story.add("note", 1)


def another_past(story: Chronicle) -> None:
    story.chains[2] = (1, bytes(32))
    story.add("note", 2)


def answers_nothing(story: Chronicle) -> None:
    story.add("access.end", 1, re=[bytes(32)])


def ended_twice(story: Chronicle) -> None:
    begin, _ = story.access(1)
    story.add("access.end", 1, re=[begin])


def answers_a_note(story: Chronicle) -> None:
    story.add("transfer.accept", 1, re=[story.rows[4][2]])


def twice(story: Chronicle) -> None:
    story.rows.append(story.rows[-1])
    story.frontier.append(story.rows[-1][2])


def false_map(story: Chronicle) -> None:
    story.add("note", 1)
    story.add("closing", None, pub={"map_size": "3", "map_root": "A" * 43 + "="}, key=EntryKey(story.keys.ed25519))


def closing_late(story: Chronicle) -> None:
    story.add("note", 1)
    story.close(seen_size=9, seen_root=parse_note(story.notes[0]).checkpoint.root)


def malformed(story: Chronicle) -> None:
    story.put(b"{}", bytes(64), {})


def opened_false(story: Chronicle) -> None:
    story.add("note", 1, {"text": "a"})
    payload, sig, _, openings = story.rows.pop()
    changed = {**openings, "text": Opening(openings["text"].salt, "b")}
    story.rows.append((payload, sig, leaf_of(payload, sig), changed))


def field_gone(story: Chronicle) -> None:
    story.add("note", 1, {"text": "a"})
    payload, sig, leaf, openings = story.rows.pop()
    story.rows.append((payload, sig, leaf, {name: o for name, o in openings.items() if name != "text"}))


def false_leaf(story: Chronicle) -> None:
    story.add("note", 1)
    payload, sig, _, openings = story.rows.pop()
    story.rows.append((payload, sig, bytes(32), openings))


def revoked(story: Chronicle) -> None:
    story.add("note", 1, key=entry_key(2))
    story.revoke(2, len(story.rows) - 1)


def frozen(story: Chronicle) -> None:
    story.add("freeze", 0)
    story.add("note", 1)


FAULTS: list[Callable[[Chronicle], None]] = [
    stranger, bad_signature, false_root, false_old_root, empty_root, too_old, a_gap, another_past, answers_nothing,
    ended_twice, answers_a_note, twice, false_map, closing_late, malformed, opened_false, field_gone,
    false_leaf, revoked, frozen,
]  # fmt: skip


@pytest.mark.parametrize("spoil", FAULTS)
def test_a_fault_in_the_growth_is_found_as_in_the_whole(tmp_path: Path, spoil: Callable[[Chronicle], None]) -> None:
    story, kept = history()
    spoil(story)
    put(tmp_path / "l", story.rows, story.notes)
    whole = story.verify(Trust().with_anchor(parse_note(kept)))
    verdict = grown(tmp_path / "l", kept)
    assert kinds(verdict) == kinds(whole) - {(9, "duplicate")}, "an old entry once more is told by where it stands"
    assert remarks(verdict) - {(None, "growth")} == remarks(whole) - {(6, "open-access")}
    assert kinds(whole) or spoil is revoked


def test_a_checkpoint_of_other_entries_is_found(tmp_path: Path) -> None:
    story, kept = history()
    grow(story)
    fork = forked(story)
    fork.rows[-1], fork.frontier = fork.rows[0], Frontier()
    for row in fork.rows:
        fork.frontier.append(row[2])
    put(tmp_path / "l", story.rows, [kept, fork.note(), b"junk"])
    assert kinds(grown(tmp_path / "l", kept)) == {(None, "checkpoint")}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(), st.data())
def test_any_history_from_any_head_gives_what_the_whole_gives(
    tmp_path: Path, story: Chronicle, data: st.DataObject
) -> None:
    kept = data.draw(st.sampled_from(story.notes))
    size = parse_note(kept).checkpoint.size
    rows: list[Any] = list(story.rows)
    place = data.draw(st.integers(size, len(rows) - 1)) if len(rows) > size and data.draw(st.booleans()) else None
    if place is not None:
        payload, sig, _, openings = rows[place]
        changed = bytearray(payload)
        changed[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
        rows[place] = (bytes(changed), sig, leaf_of(bytes(changed), sig), openings)
    put(tmp_path / "l", rows, story.notes)
    whole = story.verify(Trust().with_anchor(parse_note(kept)), rows)
    try:
        found = kinds(grown(tmp_path / "l", kept))
    except IntegrityError:  # a sequence beyond a gap: such a ledger does not open
        assert (place, "sequence") in kinds(whole)
    else:
        assert found == kinds(whole)


# --- what is wrong in the past -----------------------------------------------------------------------------

REPLACED = "UPDATE entry SET payload = (SELECT payload FROM entry WHERE idx = 5) WHERE idx = {}"


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (REPLACED.format(0), (None, "map")),  # the genesis
        (REPLACED.format(2), (None, "map")),  # who may sign
        (REPLACED.format(1), (None, "file")),  # answered by a new one
        ("UPDATE entry SET sig = zeroblob(64) WHERE idx = 1", (None, "file")),
        ("DELETE FROM entry WHERE idx = 1", (None, "file")),
        ("DELETE FROM entry WHERE idx = 2", (None, "map")),  # the newest enrolment
        (REPLACED.format(4), (None, "file")),  # what a new entry answers
        (REPLACED.format(8), (None, "file")),  # the closing entry
        ("DELETE FROM entry WHERE idx = 8", (None, "file")),
        ("DELETE FROM entry WHERE idx = 6", (None, "file")),  # an access that ends in the growth
        ("UPDATE chain SET count = 9 WHERE n = 1", None),  # seen to be touched: read from the entries themselves
        ("UPDATE entry SET sig = zeroblob(64) WHERE idx = 7", (None, "file")),
        ("UPDATE node SET hash = zeroblob(32) WHERE level = 3 AND pos = 0", (None, "anchor")),
        ("DELETE FROM node WHERE level = 3", (None, "file")),
        ("UPDATE opening SET body = x'7B' WHERE idx = 4", (None, "file")),
    ],
)
def test_what_is_taken_from_the_past_is_proved(
    tmp_path: Path, statement: str, found: tuple[int | None, str] | None
) -> None:
    story, kept = history()
    grow(story)
    path = tmp_path / "l"
    put(path, story.rows, story.notes)
    with tampering(path) as file:
        file.execute(statement)
    verdict = grown(path, kept)
    assert found in kinds(verdict) if found else not verdict.failed


def test_a_sequence_that_did_not_grow_is_held_against_the_map(tmp_path: Path) -> None:
    story, kept = history()
    story.add("note", 1)
    story.close()
    path = tmp_path / "l"
    put(path, story.rows, story.notes)
    for change in ("count = 5", "last = zeroblob(32)"):
        with tampering(path) as file:
            file.execute(f"UPDATE chain SET {change} WHERE n = 2")
        assert (None, "map") in kinds(grown(path, kept))
    with tampering(path) as file:
        file.execute("UPDATE chain SET count = 0 WHERE n = 1")
    assert (None, "map") in kinds(grown(path, kept))


def test_what_nobody_looks_at_is_not_found_and_that_is_told(tmp_path: Path) -> None:
    story, kept = history()
    story.add("note", 2)
    story.close()
    put(tmp_path / "l", story.rows, story.notes)
    with tampering(tmp_path / "l") as file:
        file.execute("UPDATE entry SET sig = zeroblob(64) WHERE idx = 4")
    verdict = grown(tmp_path / "l", kept)
    assert not verdict.failed
    assert any("the first 9 entries, but" in text for text in verdict.not_checked)
