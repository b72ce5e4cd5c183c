"""What time-stamps prove of each entry: of a whole ledger, of a bundle, against clocks that were set back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from custody.ledger.bundle import dump_bundle, verify_bundle
from custody.ledger.checkpoint import EntryKey
from custody.ledger.disclosure import compose_bundle
from custody.ledger.entry import b64
from custody.ledger.note import Checkpoint, fingerprint, parse_note
from custody.ledger.store import Row
from custody.ledger.verdict import Trust, Verdict
from custody.moment import claimed, nanoseconds_of
from custody.timestamp.interval import Interval, Times, Trusted
from custody.timestamp.record import due, judge_bundle, judge_ledger
from custody.timestamp.token import SECOND, Authorities, Request, token_of
from tests.authority import DAY, Authority
from tests.kit import World

DAYS = 86_400 * SECOND
BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
T0 = int(BEGIN.timestamp()) * SECOND


class Stamped(World):
    """A ledger whose writer's clock, and whose authorities' clocks, the test sets: in seconds after T0."""

    def __init__(self, folder: Path, tsa: Authority) -> None:
        self.tsa, self.clock = tsa, 0
        super().__init__(folder)

    def add(self, kind: str, n: int | None, values: Any = None, **more: Any) -> Row:
        return super().add(kind, n, {**(values or {}), "claimed_at": claimed(T0 + self.clock * SECOND)}, **more)

    def note(self, at: int) -> Row:
        self.clock = at
        return self.add("note", 0, {"text": "seen"})

    def head(self) -> Checkpoint:
        return parse_note(self.ledger.notes()[-1]).checkpoint

    def stamp(self, at: int, tsa: Authority | None = None, **over: Any) -> Row:
        """Close, have the head time-stamped at `at`, take that in, and close again."""
        self.close()
        reply = (tsa or self.tsa).signed(Request.make(self.head().body).data, T0 + at * SECOND)
        row = self.anchor(token_of(reply), **over)
        self.close()
        return row

    def anchor(self, token: bytes, **over: Any) -> Row:
        head = self.head()
        pub = {"size": str(head.size), "root": b64(head.root), "token": b64(token), **over}
        return self.add("anchor", None, pub=pub, key=EntryKey(self.keys.ed25519))


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa"), begin=BEGIN - DAY, end=BEGIN + 100 * DAY)


@pytest.fixture
def world(tmp_path: Path, tsa: Authority) -> Stamped:
    return Stamped(tmp_path, tsa)


def judged(world: World, *tsas: Authority, now: int = T0 + 50 * DAYS) -> tuple[Times, Verdict]:
    verdict = world.verify()
    trusted = Trusted(Authorities(tuple(tsa.root for tsa in tsas)), now)
    return judge_ledger(world.ledger, verdict, trusted), verdict


def of_bundle(data: bytes, *tsas: Authority, now: int = T0 + 50 * DAYS) -> tuple[Times, Verdict]:
    verdict, found = verify_bundle(data, Trust())
    return judge_bundle(data, found, verdict, Trusted(Authorities(tuple(tsa.root for tsa in tsas)), now)), verdict


def seconds(times: Times, row: Row) -> tuple[int | None, int | None]:
    """The interval, in seconds after T0."""
    found = times.of(row)
    after, before = ((None if side is None else (side - T0) // SECOND) for side in (found.not_before, found.not_after))
    return after, before


def kinds(verdict: Verdict) -> list[tuple[int | None, str]]:
    return [(finding.index, finding.kind) for finding in (*verdict.failed, *verdict.notes)]


# --- the interval ------------------------------------------------------------------------------------------


def test_an_entry_lies_between_the_time_stamps_on_either_side(world: Stamped, tsa: Authority) -> None:
    first = world.note(10)
    one = world.stamp(100)
    second = world.note(110)
    two = world.stamp(200)
    third = world.note(210)
    times, verdict = judged(world, tsa)
    assert seconds(times, first) == (None, 102)
    assert seconds(times, one) == (98, 202), "it carries its own time-stamp, so it is later"
    assert seconds(times, second) == (98, 202)
    assert seconds(times, two) == (198, None)
    assert seconds(times, third) == (198, None)
    assert not verdict.failed
    assert ("time-stamps", 2) in verdict.checked.items()
    assert any("were there before 2030-01-01T00:03:22 UTC" in text for text in verdict.proved)


def test_only_what_the_entry_saw_counts(world: Stamped, tsa: Authority) -> None:
    """An old head behind a new time-stamp: it may have been signed before."""
    row = world.note(0)
    world.stamp(100)
    late = world.note(110)
    times, _ = judged(world, tsa)
    assert seconds(times, replace(late)) == (98, None)
    blind = replace(late.entry, seen_size=row.index)
    assert times.of(Seen(late, blind)) == Interval(None, None)


class Seen:
    def __init__(self, row: Row, entry: Any) -> None:
        self.index, self.leaf, self.entry, self.openings = row.index, row.leaf, entry, row.openings


def test_two_authorities_narrow_each_other(tmp_path: Path, world: Stamped, tsa: Authority) -> None:
    other = Authority(tmp_path / "other", "Another", begin=BEGIN - DAY, end=BEGIN + 100 * DAY)
    row = world.note(10)
    world.stamp(100)
    world.stamp(90, other)
    late = world.note(120)
    both, verdict = judged(world, tsa, other)
    assert seconds(both, row) == (None, 92)
    assert seconds(both, late) == (98, None)
    assert verdict.checked["time-stamps"] == 2
    alone, verdict = judged(world, tsa)
    assert seconds(alone, row) == (None, 102)
    assert any("do not name: CN=Another" in text for text in verdict.not_checked)
    assert not verdict.failed


def test_without_an_authority_named_nothing_is_proved_and_that_is_told(world: Stamped) -> None:
    row = world.note(10)
    world.stamp(100)
    times, verdict = judged(world)
    assert not times
    assert times.of(row) == Interval()
    assert "1 time-stamps: your trust file names no authority (tsa_roots)" in verdict.not_checked
    assert not verdict.failed


def test_a_ledger_without_time_stamps_says_nothing_of_them(world: Stamped, tsa: Authority) -> None:
    world.note(10)
    assert not judged(world, tsa)[0], "before the first checkpoint"
    world.close()
    times, verdict = judged(world, tsa)
    assert not times
    assert not any("time-stamp" in text for text in (*verdict.proved, *verdict.not_checked))


# --- clocks ------------------------------------------------------------------------------------------------


def test_a_clock_set_back_or_ahead_is_noted_at_each_entry(world: Stamped, tsa: Authority) -> None:
    ahead = world.note(500)
    world.clock = 100
    world.stamp(100)
    back = world.note(-3600)
    just = world.note(98)
    world.clock = 150
    world.stamp(150)
    _, verdict = judged(world, tsa)
    assert kinds(verdict) == [(ahead.index, "clock"), (back.index, "clock")]
    assert "was written before 2030-01-01T00:01:42" in verdict.notes[0].explanation
    assert "was written after 2030-01-01T00:01:38" in verdict.notes[1].explanation
    assert just.index > back.index
    _, blind = judged(world)
    assert kinds(blind) == []


def test_a_claimed_time_that_is_closed_or_no_time_is_not_judged(world: Stamped, tsa: Authority) -> None:
    world.clock = 100
    world.stamp(100)
    row = world.note(-5)
    for words in ("yesterday", None):
        World.add(world, "note", 0, {"claimed_at": words})
    world.close()
    _, verdict = judged(world, tsa)
    assert kinds(verdict) == [(row.index, "clock")]
    _, verdict = of_bundle(compose_bundle(world.ledger, withhold=["claimed_at"]), tsa)
    assert kinds(verdict) == []


def test_authorities_that_contradict_each_other_are_told_once(tmp_path: Path, world: Stamped, tsa: Authority) -> None:
    other = Authority(tmp_path / "other", "Another", begin=BEGIN - DAY, end=BEGIN + 100 * DAY)
    world.stamp(1000)
    world.clock = 1001
    first = world.ledger.rows_of("anchor")[0]
    world.note(1002)
    world.stamp(100, other)
    _, verdict = judged(world, tsa, other)
    told = [finding for finding in verdict.notes if "contradict" in finding.explanation]
    assert [finding.index for finding in told] == [first.index]


# --- tokens that are not of this history -------------------------------------------------------------------


def wrong_root(world: Stamped, tsa: Authority) -> Row:
    return world.stamp(100, root=b64(bytes(32)))


def wrong_size(world: Stamped, tsa: Authority) -> Row:
    return world.stamp(100, size="1")


def from_later(world: Stamped, tsa: Authority) -> Row:
    return world.stamp(100, size="999")


def of_another_ledger(world: Stamped, tsa: Authority) -> Row:
    world.close()
    token = token_of(tsa.signed(Request.make(b"another ledger\n1\nAAAA\n").data, T0))
    row = world.anchor(token)
    world.close()
    return row


def junk(world: Stamped, tsa: Authority) -> Row:
    world.close()
    row = world.anchor(b"junk")
    world.close()
    return row


def over_another_hash(world: Stamped, tsa: Authority) -> Row:
    world.close()
    sha512 = bytes.fromhex("300d06096086480165030402030500")
    row = world.anchor(token_of(tsa.signed(Request.make(world.head().body).data, T0, hash=sha512)))
    world.close()
    return row


FALSE: list[Callable[[Stamped, Authority], Row]] = [
    wrong_root, wrong_size, from_later, of_another_ledger, junk, over_another_hash,
]  # fmt: skip


@pytest.mark.parametrize("make", FALSE)
@pytest.mark.parametrize("named", [True, False])
def test_a_token_that_is_not_over_this_history_breaks(
    world: Stamped, tsa: Authority, make: Callable[[Stamped, Authority], Row], named: bool
) -> None:
    """Also for a verifier who names no authority: what it is over can be compared by anybody."""
    row = make(world, tsa)
    times, verdict = judged(world, *([tsa] if named else []))
    assert (row.index, "token") in kinds(verdict)
    assert not times
    if make not in (from_later,):
        _, verdict = of_bundle(compose_bundle(world.ledger), *([tsa] if named else []))
        assert (row.index, "token") in kinds(verdict) or any("is not shown" in text for text in verdict.not_checked)


def test_a_token_whose_signature_or_certificate_does_not_hold_breaks(
    tmp_path: Path, world: Stamped, tsa: Authority
) -> None:
    world.close()
    token = bytearray(token_of(tsa.signed(Request.make(world.head().body).data, T0)))
    token[-1] ^= 1
    row = world.anchor(bytes(token))
    world.close()
    ended = Authority(tmp_path / "ended", "Ended", begin=BEGIN - 9 * DAY, end=BEGIN - DAY)
    second = world.stamp(100, ended)
    _, verdict = judged(world, tsa, ended)
    assert kinds(verdict) == [(row.index, "token"), (second.index, "token")]
    assert "signature" in verdict.failed[0].explanation
    assert "expired" in verdict.failed[1].explanation


def test_what_is_broken_elsewhere_proves_no_time(world: Stamped, tsa: Authority) -> None:
    world.note(10)
    world.stamp(100)
    body: Any = json.loads(compose_bundle(world.ledger))
    body["entries"][1]["openings"]["text"][1] = "not seen"
    times, verdict = of_bundle(dump_bundle(body), tsa)
    assert kinds(verdict) == [(1, "opening")]
    assert not times
    assert "time-stamps: what is broken elsewhere proves no time" in verdict.not_checked
    times, verdict = of_bundle(b"junk", tsa)
    assert not times
    assert verdict.failed


def test_a_bundle_without_the_head_that_was_stamped_says_so(world: Stamped, tsa: Authority) -> None:
    """`older` is signed by nobody: whoever hands the bundle on can take it away, and nothing else is wrong then."""
    row = world.note(10)
    stamp = world.stamp(100)
    body: Any = json.loads(compose_bundle(world.ledger))
    body["older"] = []
    times, verdict = of_bundle(dump_bundle(body), tsa)
    assert not verdict.failed
    assert times.of(row) == Interval()
    assert f"the time-stamp in entry {stamp.index}: the head that it is over is not shown" in verdict.not_checked


# --- bundles -----------------------------------------------------------------------------------------------


def test_a_bundle_of_one_exhibit_carries_all_time_stamps(world: Stamped, tsa: Authority) -> None:
    n = world.exhibit("AH/1")
    other = world.exhibit("AH/2")
    world.access(n)
    for at in range(100, 4000, 100):  # more heads than a bundle lists of itself
        world.clock = at
        world.access(other)
        world.stamp(at)
    data = compose_bundle(world.ledger, exhibits=[n])
    verdict, found = verify_bundle(data, Trust())
    assert found is not None
    times, verdict = of_bundle(data, tsa)
    assert verdict.checked["time-stamps"] == 39
    assert not verdict.failed
    whole, _ = judged(world, tsa)
    rows = {row.index: row for row in world.ledger.rows()}
    assert [times.of(item) for item in found.entries] == [whole.of(rows[item.index]) for item in found.entries]


def test_a_blind_bundle_proves_the_same_times(world: Stamped, tsa: Authority) -> None:
    row = world.note(10)
    world.stamp(100)
    data = compose_bundle(world.ledger, closes=lambda row: frozenset(row.openings))
    times, verdict = of_bundle(data, tsa)
    assert seconds(times, row) == (None, 102)
    assert not verdict.failed


# --- renewal -----------------------------------------------------------------------------------------------


def short(folder: Path, name: str, days: int) -> Authority:
    return Authority(folder / name, name, begin=BEGIN - DAY, end=BEGIN + days * DAY)


def test_a_time_stamp_lapses_with_its_certificate_unless_renewed(tmp_path: Path, world: Stamped) -> None:
    old, new = short(tmp_path, "Old", 10), short(tmp_path, "New", 20)
    row = world.note(10)
    world.stamp(100, old)
    assert seconds(judged(world, old, now=T0 + 9 * DAYS)[0], row) == (None, 102)
    times, verdict = judged(world, old, now=T0 + 11 * DAYS)
    assert times.of(row) == Interval()
    assert any("ended 2030-01-11T00:00:00" in text for text in verdict.not_checked)
    assert not verdict.failed
    world.stamp(5 * 86_400, new)
    times, verdict = judged(world, old, new, now=T0 + 15 * DAYS)
    assert seconds(times, row) == (None, 102), "the later one is over the entry with the earlier one"
    assert [placed.until for placed in times.stamps] == [T0 + 20 * DAYS] * 2
    assert judged(world, old, new, now=T0 + 21 * DAYS)[0].of(row) == Interval()
    assert judged(world, old, now=T0 + 15 * DAYS)[0].of(row) == Interval(), "who does not trust the later one"


def test_a_renewal_that_came_late_does_not_count(tmp_path: Path, world: Stamped) -> None:
    old, new = short(tmp_path, "Old", 10), short(tmp_path, "New", 20)
    row = world.note(10)
    world.stamp(100, old)
    world.stamp(10 * 86_400 - 1, new)  # two seconds off: it may have been after the end
    times, _ = judged(world, old, new, now=T0 + 15 * DAYS)
    assert seconds(times, row) == (None, 10 * 86_400 + 1)


def test_a_time_stamp_over_an_earlier_head_renews_nothing(tmp_path: Path, world: Stamped) -> None:
    """Two authorities over one head: neither stands under the other's."""
    old, new = short(tmp_path, "Old", 10), short(tmp_path, "New", 20)
    row = world.note(10)
    world.close()
    for tsa in (old, new):
        reply = tsa.signed(Request.make(world.head().body).data, T0 + 100 * SECOND)
        world.anchor(token_of(reply))
    world.close()
    times, _ = judged(world, old, new, now=T0 + 15 * DAYS)
    assert [placed.until for placed in times.stamps] == [T0 + 10 * DAYS, T0 + 20 * DAYS]
    assert seconds(times, row) == (None, 102), "the other one still holds"


def test_what_is_due_is_told_before_it_lapses(tmp_path: Path, world: Stamped) -> None:
    old = short(tmp_path, "Old", 10)
    world.stamp(100, old)
    times, _ = judged(world, old, now=T0)
    assert not due(times, T0 + 9 * DAYS)
    assert [placed.index for placed in due(times, T0 + 11 * DAYS)] == [times.stamps[0].index]


# --- moments -----------------------------------------------------------------------------------------------


def test_a_moment_is_read_as_it_is_written() -> None:
    for moment in (0, 1, T0 + 123_456_789, 253_402_300_799_999_999_999):
        assert nanoseconds_of(claimed(moment)) == moment
    for wrong in ("", "2030-01-01T00:00:00Z", "2030-02-31T00:00:00.000000000Z", "٢030-01-01T00:00:00.000000000Z"):
        assert nanoseconds_of(wrong) is None


def test_the_imprint_is_the_fingerprint(world: Stamped) -> None:
    world.close()
    assert Request.make(world.head().body).imprint.hex() == fingerprint(world.head())
