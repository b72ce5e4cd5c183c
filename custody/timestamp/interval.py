"""Between which moments an entry was signed, as far as time-stamps from outside prove it (R36, R37).

Not before: an entry signs the head it saw, so it is later than every time-stamp under that head. Not after: a
time-stamp over a checkpoint is later than every entry under it. Whatever its writer's clock said, it lies between.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from custody.ledger.entry import unb64, undec
from custody.ledger.note import Checkpoint, fingerprint
from custody.ledger.verdict import Verdict
from custody.moment import claimed, nanoseconds_of
from custody.opened import Opened, text
from custody.timestamp.token import Authorities, Stamp, StrangerError, TokenError, imprint_of

HeadOf = Callable[[int], Checkpoint | None]
"""The head of a size in the history under examination; None where it has, or proves, none of that size."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A verified time-stamp: the entry that carries it, the size of the head it is over, until when it proves that.

    `until` is the end of its authority's certificate, or what a later time-stamp over it, made in time, adds to that.
    """

    index: int
    size: int
    stamp: Stamp
    until: int


@dataclass(frozen=True, slots=True)
class Interval:
    """Nanoseconds since 1970; None: nothing is proved on that side."""

    not_before: int | None = None
    not_after: int | None = None

    def written(self) -> dict[str, str | None]:
        """As JSON: `not_before` and `not_after`, times or null."""
        sides = (("not_before", self.not_before), ("not_after", self.not_after))
        return {name: None if side is None else claimed(side) for name, side in sides}


class Times:
    """The proved intervals of one history's entries: `alive` are the time-stamps that hold at `now`."""

    def __init__(self, stamps: Sequence[Placed] = (), now: int = 0) -> None:
        self.stamps = tuple(stamps)
        self.alive = tuple(placed for placed in self.stamps if placed.until >= now)
        by_index = sorted(self.alive, key=lambda placed: placed.index)
        self._indices = [placed.index for placed in by_index]
        self._after = list(accumulate((placed.stamp.earliest for placed in by_index), max))
        by_size = sorted(self.alive, key=lambda placed: placed.size)
        self._sizes = [placed.size for placed in by_size]
        self._before = list(accumulate((placed.stamp.latest for placed in reversed(by_size)), min))[::-1]
        self._own = {placed.index: placed.stamp.earliest for placed in self.alive}

    def __bool__(self) -> bool:
        return bool(self.alive)

    def of(self, row: Opened) -> Interval:
        """The proved interval of an entry. One that carries a time-stamp is later than that as well."""
        seen, over = bisect_left(self._indices, row.entry.seen_size), bisect_right(self._sizes, row.index)
        after = self._after[seen - 1 : seen] if seen else []
        if row.index in self._own:
            after = [*after, self._own[row.index]]
        return Interval(max(after, default=None), self._before[over] if over < len(self._before) else None)


@dataclass(frozen=True, slots=True)
class Trusted:
    """What a verifier brings to time-stamps: whose they may be, and the time now (nanoseconds since 1970)."""

    authorities: Authorities
    now: int


def examine(verdict: Verdict, anchors: Iterable[Opened], head_of: HeadOf, trusted: Trusted, *, complete: bool) -> Times:
    """Examine the tokens of `anchor` entries (R36), tell `verdict` what is found, return what they prove now.

    `complete`: the history is all there, so a head that it lacks is a fault. What a broken history says of itself
    proves nothing: it is not examined.
    """
    rows = list(anchors)
    if verdict.failed and rows:
        verdict.not_checked.append("time-stamps: what is broken elsewhere proves no time")
        return Times()
    found: list[tuple[int, int, Stamp]] = []
    for row in rows:
        size = undec(row.entry.pub["size"])
        head = head_of(size) if size <= row.index else None
        if head is None and size <= row.index and not complete:
            verdict.not_checked.append(f"the time-stamp in entry {row.index}: the head that it is over is not shown")
            continue
        try:
            stamp = _verified(row, head, trusted.authorities)
        except StrangerError as error:
            verdict.not_checked.append(f"the time-stamp in entry {row.index}: {error}")
        except TokenError as error:
            verdict.fail(row.index, "token", f"the time-stamp is not one of this history: {error}")
        else:
            found += [(row.index, size, stamp)] if stamp is not None else []
    if rows and not trusted.authorities:
        verdict.not_checked.append(f"{len(rows)} time-stamps: your trust file names no authority (tsa_roots)")
    times = Times(_relied_on(found), trusted.now)
    _tell(verdict, times)
    return times


def _verified(row: Opened, head: Checkpoint | None, authorities: Authorities) -> Stamp | None:
    """Where the verifier names no authority, only what the token is over is compared."""
    if head is None or head.root != unb64(row.entry.pub["root"], 32):
        raise TokenError("it is over a head that this history does not have")
    token, imprint = unb64(row.entry.pub["token"]), bytes.fromhex(fingerprint(head))
    if authorities:
        return authorities.verify(token, imprint)
    if imprint_of(token) != imprint:
        raise TokenError("it is over something else than this checkpoint")
    return None


def _relied_on(found: Sequence[tuple[int, int, Stamp]]) -> list[Placed]:
    """Until when each can be relied on: a later one over it, from before its certificate's end, takes over from it."""
    placed: list[Placed] = []
    for index, size, stamp in sorted(found, key=lambda item: item[0], reverse=True):
        renewals = (late.until for late in placed if late.size > index and late.stamp.latest <= stamp.expires)
        placed.append(Placed(index, size, stamp, max([stamp.expires, *renewals])))
    return placed[::-1]


def _tell(verdict: Verdict, times: Times) -> None:
    verdict.count("time-stamps", len(times.alive))
    for placed in times.stamps:
        if placed not in times.alive:
            verdict.not_checked.append(
                f"the time-stamp in entry {placed.index} proves nothing any more: its authority's certificate ended "
                f"{claimed(placed.until)[:19]}, and no later one was taken over it in time"
            )
    if times.alive:
        last = max(times.alive, key=lambda placed: placed.size)
        verdict.proved.append(
            f"the first {last.size} entries were there before {claimed(last.stamp.latest)[:19]} UTC, by the time-stamp "
            f"in entry {last.index} ({last.stamp.authority})"
        )


def weigh(verdict: Verdict, times: Times, rows: Iterable[Opened]) -> None:
    """Note each entry whose claimed time lies outside its proved interval (R37)."""
    for row in rows if times else ():
        interval, said = times.of(row), row.openings.get("claimed_at")
        moment = nanoseconds_of(text(said.value)) if said is not None else None
        for explanation in _contradictions(interval, moment, row.entry.type == "anchor"):
            verdict.remark(row.index, "clock", explanation)


def _contradictions(interval: Interval, moment: int | None, anchor: bool) -> Iterator[str]:
    after, before = interval.not_before, interval.not_after
    if after is not None and before is not None and after > before:
        if anchor:  # every entry between the two has it: told once
            yield f"two authorities contradict each other: after {claimed(after)}, and before {claimed(before)}"
    elif moment is not None and after is not None and moment < after:
        yield f"it claims {claimed(moment)} and was written after {claimed(after)}: the writer's clock was behind"
    elif moment is not None and before is not None and moment > before:
        yield f"it claims {claimed(moment)} and was written before {claimed(before)}: the writer's clock was ahead"
