"""Two things measured in turn (ours, the peer, ours, the peer ...), and a table of what came of it.

Times of a shared machine do not carry to another hour, so every figure stands beside a peer's of the same minutes,
and what is held to a bound is the ratio: the median of the ratios of neighbouring runs.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one run: on the wall, and of processors (this process and all children it waited for)."""

    wall: float
    cpu: float


def _processor_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def cost_of(work: Work) -> Cost:
    """What one run costs."""
    cpu, wall = _processor_seconds(), time.perf_counter()
    work()
    return Cost(time.perf_counter() - wall, _processor_seconds() - cpu)


@dataclass(frozen=True, slots=True)
class Pair:
    """Runs of ours and of the peer, in the order they were taken."""

    ours: tuple[Cost, ...]
    peer: tuple[Cost, ...]

    def wall_ratio(self) -> float:
        """Our wall seconds over the peer's, median of neighbouring runs."""
        return median(a.wall / b.wall for a, b in zip(self.ours, self.peer, strict=True))

    def cpu_ratio(self) -> float:
        """Our processor seconds over the peer's, median of neighbouring runs."""
        return median(a.cpu / max(b.cpu, 1e-6) for a, b in zip(self.ours, self.peer, strict=True))


def in_turn(ours: Work, peer: Work, rounds: int) -> Pair:
    """Run both `rounds` times, in turn, after one run of each that is not counted."""
    ours()
    peer()
    costs = [(cost_of(ours), cost_of(peer)) for _ in range(rounds)]
    return Pair(tuple(cost for cost, _ in costs), tuple(cost for _, cost in costs))


def wall(costs: Sequence[Cost]) -> float:
    """Median wall seconds."""
    return median(cost.wall for cost in costs)


def cpu(costs: Sequence[Cost]) -> float:
    """Median processor seconds."""
    return median(cost.cpu for cost in costs)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. `value` is held to `at_most` or `at_least` where one is given."""

    what: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    def missed(self) -> bool:
        """Whether the bound is missed."""
        over = self.at_most is not None and self.value > self.at_most
        return over or (self.at_least is not None and self.value < self.at_least)

    def bound(self) -> str:
        """The bound and whether it is kept, or nothing."""
        limits = [f"<= {self.at_most:g}"] if self.at_most is not None else []
        limits += [f">= {self.at_least:g}"] if self.at_least is not None else []
        return f"{limits[0]}: {'MISSED' if self.missed() else 'kept'}" if limits else ""


def paired(what: str, pair: Pair, count: int, unit: str) -> list[Line]:
    """Rates of both sides and the ratios of their times."""
    return [
        Line(f"{what}: ours", count / wall(pair.ours), f"{unit}/s wall"),
        Line(f"{what}: ours", count / max(cpu(pair.ours), 1e-6), f"{unit}/s processor"),
        Line(f"{what}: peer", count / wall(pair.peer), f"{unit}/s wall"),
        Line(f"{what}: peer", count / max(cpu(pair.peer), 1e-6), f"{unit}/s processor"),
        Line(f"{what}: our time over the peer's, processor", pair.cpu_ratio(), "x"),
    ]


def options(about: str | None, rounds: int) -> argparse.ArgumentParser:
    """The options every benchmark has."""
    parser = argparse.ArgumentParser(description=(about or "").strip().splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="run small, to see that it runs; hold nothing to a bound")
    parser.add_argument("--check", action="store_true", help="exit 1 when a bound is missed")
    parser.add_argument("--rounds", type=int, default=rounds, help=f"runs of each side, in turn (default {rounds})")
    return parser


def conclude(title: str, lines: Sequence[Line], arguments: argparse.Namespace) -> None:
    """Print the table; exit 1 where --check asks and a bound is missed."""
    load = os.getloadavg()[0]
    print(f"{title}  ({os.cpu_count()} processors, load {load:.1f}; medians of {arguments.rounds})")
    width = max(len(line.what) for line in lines)
    for line in lines:
        bound = "" if arguments.smoke else line.bound()
        print(f"  {line.what:<{width}}  {_figure(line.value):>12}  {line.unit:<16} {bound}".rstrip())
    if arguments.check and not arguments.smoke and any(line.missed() for line in lines):
        sys.exit(1)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
