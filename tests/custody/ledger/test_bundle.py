"""A bundle proves what it shows, is refused where it hides something, and answers any bytes without a crash."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.ledger.bundle import dump_bundle, manifest_leaf, verify_bundle
from custody.ledger.disclosure import compose_bundle, row_salt, show_row
from custody.ledger.entry import b64, decode
from custody.ledger.merkle import root
from custody.ledger.note import fingerprint, parse_note
from custody.ledger.verdict import Result, Trust, Verdict
from tests.kit import World, entry_key, kinds

SECRET = bytes(range(32))
ROWS = [(f"p{i % 3}", f"home/ana/letter {i}.odt", str(100 + i), "", "content", "12", "ab" * 32) for i in range(1000)]
ROWS_ROOT = root([manifest_leaf(row_salt(SECRET, i), row) for i, row in enumerate(ROWS)])


def small(folder: Path) -> World:
    """0 genesis, 1 AH/1, 2 AH/2, 3-4 access to 1, 5 closing, 6-7 access to 2, 8 closing."""
    world = World(folder)
    first, second = world.exhibit("AH/1"), world.exhibit("AH/2")
    world.access(first)
    world.close()
    world.access(second)
    world.close()
    return world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return small(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def whole(world: World) -> bytes:
    return compose_bundle(world.ledger)


def verdict_on(data: bytes, trust: Trust | None = None) -> Verdict:
    return verify_bundle(data, trust or Trust())[0]


def changed(data: bytes, change: Callable[[Any], object]) -> bytes:
    body: Any = decode(data.rstrip(b"\n"), len(data), 12)
    change(body)
    return dump_bundle(body)


# --- what holds ------------------------------------------------------------------------------------------


def test_a_whole_bundle_is_intact_with_a_kept_head_and_noted_without(world: World, whole: bytes) -> None:
    assert verdict_on(whole).result == Result.WITH_NOTES
    for note in world.ledger.notes():
        for anchor in (parse_note(note), fingerprint(parse_note(note).checkpoint)):
            verdict, bundle = verify_bundle(whole, Trust().with_anchor(anchor))
            assert verdict.result == Result.INTACT
            assert bundle is not None
            assert [item.index for item in bundle.entries] == list(range(9))


@pytest.mark.parametrize("exhibits", [[], [1], [2], [1, 2]])
def test_one_exhibit_is_shown_whole_and_no_other(world: World, exhibits: list[int]) -> None:
    verdict, bundle = verify_bundle(compose_bundle(world.ledger, exhibits=exhibits), Trust())
    assert not verdict.failed
    assert bundle is not None
    shown = {item.entry.x.n for item in bundle.entries if item.entry.x}
    assert shown == {0, *exhibits}
    assert f"all entries of {len(exhibits)} of 2 exhibits are shown" in verdict.proved


def test_fields_may_be_withheld_and_the_rest_still_holds(world: World) -> None:
    data = compose_bundle(world.ledger, withhold=["actor", "purpose"])
    verdict, bundle = verify_bundle(data, Trust())
    assert not verdict.failed
    assert verdict.checked["fields withheld"] == 9 + 2 + 2  # actor of each, purpose of two, and two manifest secrets
    assert bundle is not None
    assert "Kovač".encode() not in data
    assert all("actor" not in item.openings for item in bundle.entries)


def test_a_bundle_with_a_stranger_to_the_key_list_is_broken(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add("note", 0, key=entry_key(9))
    world.close()
    assert kinds(verdict_on(compose_bundle(world.ledger))) == {(1, "key")}


def test_an_answer_to_what_is_not_shown_is_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    first, second = world.exhibit("AH/1"), world.exhibit("AH/2")
    registration = next(world.ledger.rows(1, 2))
    world.add("note", second, re=[registration.leaf])
    world.close()
    verdict = verdict_on(compose_bundle(world.ledger, exhibits=[second]))
    assert not verdict.failed
    assert "entry 3 answers an entry that is not shown" in verdict.not_checked
    whole = verdict_on(compose_bundle(world.ledger, exhibits=[first, second]))
    assert not [line for line in whole.not_checked if "is not shown" in line]


# --- what is hidden --------------------------------------------------------------------------------------


def entry_at(body: Any, index: int) -> Any:
    return next(item for item in body["entries"] if item["index"] == str(index))


def drop(body: Any, index: int) -> None:
    body["entries"].remove(entry_at(body, index))


HIDDEN: dict[str, tuple[Callable[[Any], object], set[tuple[int | None, str]] | None]] = {
    "the newest entry of an exhibit": (lambda b: drop(b, 7), {(None, "withheld")}),
    "the first entry of an exhibit": (lambda b: drop(b, 1), {(3, "sequence"), (None, "withheld")}),
    "an exhibit's place in the map": (lambda b: b["exhibits"].pop(), {(None, "withheld")}),
    "the closing entry": (lambda b: drop(b, 8), {(None, "map")}),
    "an opening changed": (lambda b: entry_at(b, 3)["openings"]["purpose"].__setitem__(1, "x"), {(3, "opening")}),
    "a count one too low": (
        lambda b: b["exhibits"][2].__setitem__("count", "2"),
        {(None, "map"), (None, "withheld")},
    ),
    "another last entry": (
        lambda b: b["exhibits"][2].__setitem__("last", b["exhibits"][1]["last"]),
        {(None, "map"), (None, "withheld")},
    ),
    "the name of the ledger": (lambda b: b.__setitem__("ledger", b64(bytes(32))), {(None, "ledger")}),
    "a place in the history": (lambda b: entry_at(b, 2).__setitem__("index", "3"), None),
    "an older head": (lambda b: b["older"][0].__setitem__("root", b64(bytes(32))), {(None, "checkpoint")}),
    "an older head of nothing": (lambda b: b["older"][0].__setitem__("size", "0"), {(None, "checkpoint")}),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_what_is_left_out_or_changed_is_found(whole: bytes, name: str) -> None:
    change, found = HIDDEN[name]
    verdict = verdict_on(changed(whole, change))
    assert verdict.result == Result.BROKEN
    assert found is None or kinds(verdict) == found


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b.__setitem__("entries", []),
        lambda b: b.__setitem__("entries", None),
        lambda b: drop(b, 0),
        lambda b: b["entries"].reverse(),
        lambda b: b["entries"].append(b["entries"][-1]),
        lambda b: b.__setitem__("exhibits", []),
        lambda b: b["exhibits"].pop(0),
        lambda b: b["exhibits"].reverse(),
        lambda b: b["exhibits"].append(b["exhibits"][-1]),
        lambda b: b.__setitem__("format", "evikit-bundle-2"),
        lambda b: b.__setitem__("more", None),
        lambda b: b.pop("older"),
        lambda b: b.__setitem__("checkpoint", "none"),
        lambda b: b.__setitem__("checkpoint", None),
        lambda b: b["entries"][1].pop("openings"),
        lambda b: b["entries"][1].__setitem__("sig", b64(bytes(63))),
        lambda b: b["entries"][1].__setitem__("index", "-1"),
        lambda b: b["entries"][1]["inclusion"].append("QQ=="),
        lambda b: b["rows"].append({}),
        lambda b: b["rows"].append({"entry": "0", "i": "0", "salt": b64(bytes(16)), "row": ["a"], "proof": []}),
        lambda b: b["rows"].append({"entry": "0", "i": "0", "salt": b64(bytes(16)), "row": [None] * 7, "proof": []}),
        lambda b: b["older"].append(None),
        lambda b: b.__setitem__("tokens", None),
        lambda b: b.update(tokens=[None], foreign="none"),
    ],
)
def test_a_bundle_of_another_shape_is_refused_in_one_line(whole: bytes, change: Callable[[Any], object]) -> None:
    verdict, bundle = verify_bundle(changed(whole, change), Trust())
    assert bundle is None
    assert kinds(verdict) >= {(None, "malformed")}
    assert "\n" not in verdict.failed[-1].explanation


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"null", b"[]", b"{}", b"{\n}", b'{"format":"evikit-bundle-1"}', b"\xff" * 99]
)
def test_other_bytes_are_no_bundle(data: bytes) -> None:
    assert kinds(verdict_on(data)) == {(None, "malformed")}


def test_tokens_and_receipts_are_not_examined_and_that_is_told(whole: bytes) -> None:
    verdict = verdict_on(changed(whole, lambda b: b["tokens"].append({"size": "1", "token": ""})))
    assert any("time-stamps" in line for line in verdict.not_checked)


def test_governance_cannot_be_left_out(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add("note", 0, {"text": "the revocation that nobody should see"})
    world.close()
    verdict = verdict_on(changed(compose_bundle(world.ledger), lambda b: drop(b, 1)))
    assert kinds(verdict) == {(None, "withheld")}


def test_a_second_outcome_of_an_access_is_found_here_as_in_the_ledger(tmp_path: Path) -> None:
    world = World(tmp_path)
    begin, _ = world.access(world.exhibit("AH/1"))
    world.add("access.end", 1, {"outcome": "completed"}, re=[begin.leaf])
    world.close()
    assert kinds(verdict_on(compose_bundle(world.ledger))) == kinds(world.verify()) == {(4, "reference")}


def test_a_checkpoint_over_no_closing_entry_is_found(whole: bytes) -> None:
    """The bundle's last entry must be the closing entry right under the checkpoint."""

    def change(body: Any) -> None:
        drop(body, 8)
        drop(body, 7)

    assert (None, "map") in kinds(verdict_on(changed(whole, change)))


def test_an_entry_that_is_none_is_found_and_the_rest_is_read(whole: bytes) -> None:
    verdict = verdict_on(changed(whole, lambda b: entry_at(b, 4).__setitem__("payload", b64(b"{}"))))
    assert kinds(verdict) >= {(4, "malformed"), (4, "inclusion"), (None, "withheld")}


# --- trust -----------------------------------------------------------------------------------------------


def test_another_history_is_broken_against_what_the_verifier_kept(tmp_path: Path, whole: bytes) -> None:
    other = small(tmp_path)
    trust = Trust().with_anchor(parse_note(other.ledger.notes()[0]))
    assert kinds(verdict_on(whole, trust)) == {(None, "anchor")}
    assert kinds(verdict_on(whole, Trust().with_anchor("0" * 64))) == {(None, "anchor")}


def test_a_head_newer_than_the_bundle_is_no_anchor_of_it(tmp_path: Path) -> None:
    world = small(tmp_path)
    data = compose_bundle(world.ledger)
    world.add("note", 1)
    newer = parse_note(world.close())
    assert kinds(verdict_on(data, Trust().with_anchor(newer))) == {(None, "anchor")}


# --- rows ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Entry 3 is the outcome of a reading of a thousand files."""
    world = World(tmp_path_factory.mktemp("rows"))
    begin = world.add("access.begin", world.exhibit("AH/1"), {"purpose": "examination"})
    manifest = {"manifest_root": b64(ROWS_ROOT), "manifest_size": "1000", "manifest_secret": b64(SECRET)}
    world.add("access.end", 1, manifest, re=[begin.leaf])
    world.close()
    return world


@pytest.mark.parametrize("position", [0, 1, 511, 512, 998, 999])
def test_one_file_among_a_thousand_is_proved_without_the_others(listed: World, position: int) -> None:
    data = compose_bundle(listed.ledger, rows=[show_row(3, SECRET, ROWS, position)])
    verdict, bundle = verify_bundle(data, Trust())
    assert not verdict.failed
    assert bundle is not None
    assert bundle.rows == ((3, ROWS[position]),)
    assert data.count(b"letter") == 1
    assert b64(SECRET).encode() not in data
    assert verdict.checked["manifest rows"] == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row["row"].__setitem__(4, "metadata"),
        lambda row: row.__setitem__("i", "6"),
        lambda row: row.__setitem__("i", "1000"),
        lambda row: row.__setitem__("salt", b64(bytes(16))),
        lambda row: row["proof"].pop(),
        lambda row: row["proof"].append(b64(bytes(32))),
        lambda row: row.__setitem__("entry", "2"),
        lambda row: row.__setitem__("entry", "99"),
    ],
)
def test_a_row_that_was_not_in_the_manifest_is_refused(listed: World, change: Callable[[Any], object]) -> None:
    data = compose_bundle(listed.ledger, rows=[show_row(3, SECRET, ROWS, 5)])
    verdict = verdict_on(changed(data, lambda body: change(body["rows"][0])))
    assert {kind for _, kind in kinds(verdict)} == {"row"}


def test_a_row_shown_with_another_secret_is_refused(listed: World) -> None:
    data = compose_bundle(listed.ledger, rows=[show_row(3, bytes(32), ROWS, 5)])
    assert kinds(verdict_on(data)) == {(3, "row")}


def test_a_row_without_its_opened_manifest_is_refused(listed: World) -> None:
    data = compose_bundle(listed.ledger, rows=[show_row(3, SECRET, ROWS, 5)], withhold=["manifest_root"])
    assert kinds(verdict_on(data)) == {(3, "row")}


# --- any bytes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", range(6))
def test_every_byte_counts(whole: bytes, world: World, part: int) -> None:
    """3,000 places over all parts, one bit or more flipped: a finding each time, whatever the verifier holds."""
    chance = random.Random(part)
    trust = Trust().with_anchor(parse_note(world.ledger.notes()[-1]))
    assert verdict_on(whole, trust).result == Result.INTACT
    for position in chance.sample(range(len(whole)), 500):
        flipped = bytearray(whole)
        flipped[position] ^= chance.choice([1, 2, 4, 8, 16, 32, 64, 128, 255])
        verdict = verdict_on(bytes(flipped), trust)
        assert verdict.result == Result.BROKEN, (position, whole[position - 20 : position + 20])


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_cut_or_doubled_stretches_are_found(whole: bytes, data: st.DataObject) -> None:
    # behind the checkpoint: in it, a stretch that happens to make a line of another name is a stranger's signature
    start = data.draw(st.integers(whole.index(b'"entries"'), len(whole) - 2))
    stop = data.draw(st.integers(start + 1, len(whole) - 1))
    assert verdict_on(whole[:start] + whole[stop:]).result == Result.BROKEN
    if start > whole.index(b',"entries":'):  # in a checkpoint, signature lines of strangers may stand: they say nothing
        assert verdict_on(whole[:stop] + whole[start:]).result == Result.BROKEN


@pytest.mark.parametrize("junk", [b"\0", b"[", b'"', b'{"a":', b"9", b"[null,", b"\xc3\xa4"])
def test_a_hundred_megabytes_of_junk_are_answered_fast(junk: bytes) -> None:
    data = junk * (100 * 1024 * 1024 // len(junk))
    start = time.process_time()
    assert kinds(verdict_on(data)) == {(None, "malformed")}
    assert time.process_time() - start < 5
