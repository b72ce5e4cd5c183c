"""Progress of long work on stderr: a bar on a terminal, a line every ten seconds elsewhere, JSON when asked."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from custody.commands.screen import Settings, visible
from forensics.examine.request import Listener, Progress

_EVERY_SECONDS = 10.0
_MIB = 1 << 20


@contextmanager
def progress(settings: Settings, what: str) -> Iterator[Listener]:
    """A listener that shows how far `what` is; what it showed is cleared at the end."""
    if settings.json_progress:
        yield _spaced(_json_line, 1.0)
    elif settings.quiet:
        yield lambda _now: None
    elif sys.stderr.isatty():
        with _bar(what) as listener:
            yield listener
    else:
        yield _spaced(partial(_text_line, what), _EVERY_SECONDS)


def _spaced(tell: Callable[[Progress, float, float], None], every: float) -> Listener:
    last, still = time.monotonic(), _Still()
    started = last

    def listener(now: Progress) -> None:
        nonlocal last
        moment = time.monotonic()
        waited = still.since(now, moment)
        if moment - last >= every:
            last = moment
            tell(now, moment - started, waited)

    return listener


class _Still:
    """For how long nothing has moved: no byte, no file, no problem, and the same stage and path."""

    def __init__(self) -> None:
        self._seen: Progress | None = None
        self._at = 0.0

    def since(self, now: Progress, moment: float) -> float:
        """Seconds since the last change, at the `moment` of this news."""
        if now != self._seen:
            self._seen, self._at = now, moment
        return moment - self._at


def _left(now: Progress, seconds: float) -> float | None:
    """Seconds left at the rate so far."""
    if not now.done or now.total <= now.done:
        return None
    return seconds * (now.total - now.done) / now.done


def _json_line(now: Progress, seconds: float, still: float) -> None:
    left = _left(now, seconds)
    line = {
        "stage": now.stage,
        "path": now.path,
        "done": str(now.done),
        "total": str(now.total),
        "files": str(now.files),
        "problems": str(now.problems),
        "seconds": round(seconds, 1),
        "seconds_left": None if left is None else round(left, 1),
        "seconds_still": round(still, 1),
    }
    sys.stderr.write(json.dumps(line) + "\n")
    sys.stderr.flush()


def _text_line(what: str, now: Progress, seconds: float, still: float) -> None:
    left = _left(now, seconds)
    rate = now.done / _MIB / seconds if seconds else 0.0
    share = f"{100 * now.done // now.total:3d} %" if now.total else "     "
    rest = f", about {_span(left)} left" if left is not None else ""
    place = f", {visible(now.path)}" if now.path else ""
    waiting = f", nothing moved for {_span(still)}" if still >= _EVERY_SECONDS else ""
    sys.stderr.write(
        f"{what}: {share} {now.stage}, {rate:.0f} MiB/s{rest}, {now.files} files, {now.problems} problems"
        f"{place}{waiting}\n"
    )
    sys.stderr.flush()


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


@contextmanager
def _bar(what: str) -> Iterator[Listener]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[path]}", markup=False),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(what, total=None, path="")

        still = _Still()

        def listener(now: Progress) -> None:
            waited = still.since(now, time.monotonic())
            problems = f", {now.problems} problems" if now.problems else ""
            waiting = f" (nothing moved for {_span(waited)})" if waited >= _EVERY_SECONDS else ""
            shown = visible(now.path)[-48:] + waiting
            bars.update(
                task,
                description=f"{what}: {now.stage}{problems}",
                completed=now.done,
                total=now.total or None,
                path=shown,
            )

        yield listener
