"""One stream of bytes searched window by window: matches across the windows' ends are found, each once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from forensics import results
from forensics.engine.worker import board
from forensics.media import Medium
from forensics.model import ExaminationError, Location, Problem
from forensics.results.columns import PROBLEMS, problem_batch
from forensics.search.hits import BORDER, HITS, Hit, Place, hit_batch, hit_in
from forensics.search.scanner import Scanner, ScanTimeoutError

STAGE = "search"
MOST_A_UNIT = 200_000
"""Hits of one unit of work; behind them only counting would make sense."""
_PROBE = 64 << 10
_FLUSH = 4096
_NEAR = 256 << 10

_TEXT = pa.string()
SPANS = pa.schema(
    [
        *(("start", pa.int64()), ("length", pa.int64()), ("volume", _TEXT), ("area", _TEXT)),
        *(("path", _TEXT), ("raw_path", pa.binary()), ("meta", _TEXT), ("stream", _TEXT)),
    ]
)
"""What of the medium a unit got through, and as what: what no unit got through is searched as the rest."""

READ = pa.schema(
    [*((name, _TEXT) for name in ("volume", "path", "meta", "stream", "outcome")), ("read_bytes", pa.int64())]
)


class Stream(Protocol):
    """Bytes to search: `size` of them, read by place, and where they stand on the medium.

    A hole is where there are only zeros that nobody wrote.
    """

    size: int

    def read_at(self, offset: int, length: int) -> bytes: ...
    def pieces(self, offset: int, length: int) -> Iterator[tuple[int | None, int]]: ...
    def is_hole(self, offset: int, length: int) -> bool: ...


class Sheet:
    """What one unit finds, written as it comes: hits, problems, what was read."""

    def __init__(self, folder: Path, unit: str) -> None:
        self._stack = ExitStack()
        self._paths = {name: folder / f"{unit}.{name}" for name in ("hits", "problems", "spans", "read")}
        for path in self._paths.values():
            path.unlink(missing_ok=True)  # what an attempt that died had finished
        self._hits: list[Hit] = []
        self._problems: list[Problem] = []
        self.spans: list[tuple[Any, ...]] = []
        self.read: list[tuple[Any, ...]] = []
        self.counts = {"hits": 0, "problems": 0, "bytes": 0}

    def __enter__(self) -> Sheet:
        self._table = self._stack.enter_context(results.table(self._paths["hits"], HITS))
        return self

    def hit(self, hit: Hit) -> None:
        """Take a hit."""
        self.counts["hits"] += 1
        self._hits.append(hit)
        if len(self._hits) >= _FLUSH:
            self._flush()

    def problem(self, place: Place, reason: str) -> None:
        """Take what could not be searched, or not to its end."""
        self.counts["problems"] += 1
        self._problems.append(Problem(place.location, STAGE, reason))

    @property
    def full(self) -> bool:
        """Whether there are more hits than a unit lists."""
        return self.counts["hits"] >= MOST_A_UNIT

    def _flush(self) -> None:
        self._table.write(hit_batch(self._hits))
        self._hits = []

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        if kind is None:
            self._flush()
            for name, schema, rows in (("spans", SPANS, self.spans), ("read", READ, self.read)):
                with results.table(self._paths[name], schema) as writer:
                    writer.write(_batch(schema, rows))
            with results.table(self._paths["problems"], PROBLEMS) as writer:
                writer.write(problem_batch(self._problems))
        self._stack.__exit__(kind, value, trace)


def _batch(schema: Any, rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(list(column), field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


@dataclass(frozen=True, slots=True)
class Sweep:
    """One stream under search."""

    stream: Stream
    place: Place
    scanner: Scanner
    sheet: Sheet

    def run(self, span: tuple[int, int] | None = None) -> int:
        """Search it, or for the matches that begin in one `span` (from, to) of it; how many bytes were got through.

        What cannot be read is a problem, and searched as zeros.
        """
        first, end = span or (0, self.stream.size)
        window, reach = self.scanner.window, self.scanner.reach
        done = 0
        for at in range(first, end, window):
            upto = min(at + window, end)
            board().advance(upto - at)
            done += upto - at
            if end - first > window and self.stream.is_hole(at, upto - at):
                continue
            start = max(at - reach, 0)
            data = self._readable(start, min(upto + reach, self.stream.size) - start)
            self._window(data, start, (at, upto))
            if self.sheet.full:
                break
        return done

    def _window(self, data: bytes, start: int, bounds: tuple[int, int]) -> None:
        """The hits of matches that begin within `bounds` (from, to), in `data` from byte `start` on."""
        sheet = self.sheet
        try:
            scan = self.scanner.scan(data, start)
        except ScanTimeoutError as error:
            sheet.problem(self.place, f"bytes {start} to {start + len(data)} were not searched to their end: {error}")
            return
        for name in scan.too_many:
            reason = f"{name!r} matches too often in bytes {bounds[0]} to {bounds[1]}: not all hits are listed"
            sheet.problem(self.place, reason)
        for match in scan.matches:
            if bounds[0] <= start + match.offset < bounds[1]:
                pieces = list(self.stream.pieces(start + match.offset, match.length)) if match.length else []
                sheet.hit(hit_in(data, self.place, match, start, pieces))
                if sheet.full:
                    sheet.problem(self.place, f"over {MOST_A_UNIT:,} hits up to here: no more of this part are listed")
                    return

    def _readable(self, offset: int, length: int) -> bytes:
        try:
            return self.stream.read_at(offset, length)
        except (ExaminationError, OSError) as error:
            reason = str(error)
        parts: list[bytes] = []
        lost = 0
        for at in range(offset, offset + length, _PROBE):
            size = min(_PROBE, offset + length - at)
            try:
                parts.append(self.stream.read_at(at, size))
            except (ExaminationError, OSError):
                parts.append(bytes(size))
                lost += size
        text = f"{lost} of the bytes {offset} to {offset + length} could not be read, so not searched: {reason}"
        self.sheet.problem(self.place, text)
        return b"".join(parts)


def across(medium: Medium, borders: Sequence[int], scanner: Scanner, reach: int) -> Iterator[tuple[int, Hit]]:
    """Hits of matches that stand across one of the sorted `borders` of the medium, at most `reach` bytes to each side.

    Each with its border; whose they are, the caller knows. Raises `MediumError` and `ScanTimeoutError`.
    """
    data = b"".join(_around(medium, borders, reach))
    width = 2 * reach
    for match in scanner.scan(data).matches:
        number, inside = divmod(match.offset, width)
        if inside < reach < inside + match.length <= width:
            begin = borders[number] - reach + inside
            window = data[number * width : (number + 1) * width]
            place = Place(Location(""), BORDER)
            local = match._replace(offset=inside)
            yield borders[number], hit_in(window, place, local, begin - inside, [(begin, match.length)])


def _around(medium: Medium, borders: Sequence[int], reach: int) -> Iterator[bytes]:
    """The bytes around each border, zeros for what is not on the medium; borders near each other in one reading."""
    held, at = b"", 0
    for number, border in enumerate(borders):
        start, end = max(border - reach, 0), min(border + reach, medium.size)
        if not at <= start <= end <= at + len(held):
            last = end
            for following in borders[number + 1 :]:
                if following + reach > min(start + _NEAR, medium.size):
                    break
                last = following + reach
            held, at = medium.read_at(start, last - start), start
        window = held[start - at : end - at]
        yield bytes(reach - (border - start)) + window + bytes(reach - (end - border))
