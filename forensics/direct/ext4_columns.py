"""Inodes of ext2/3/4 as columns of `WALKED`: a batch of names and their inodes at once, no object for a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from forensics.direct.ext4 import FLAG_EXTENTS, FLAG_INLINE, REGULAR, FastRefusedError, Inodes
from forensics.direct.ext4_names import TYPE_LINK, TYPES
from forensics.filesystems.inodes import shown
from forensics.model import Clock
from forensics.results.columns import WALKED, text_map, texts, time_map

INODE_HEAD = 160  # bytes of an inode that are read: up to i_projid
_NANOSECONDS = 1_000_000_000
_TYPES = pa.array(["unknown", "file", "directory", "char", "block", "fifo", "socket", "link"])  # EXT4_FT_*
_KINDS = pa.array(TYPES, pa.int64())
_FAST_LINK = 60  # bytes: a target shorter than this stands in the inode
_CONTROL = dict.fromkeys((*range(1, 32), 127), "^")  # libtsk shows them so in targets


@dataclass(frozen=True, slots=True)
class Place:
    """What all rows of a volume share. `ext4`: libtsk calls it so, and reads nanoseconds and creation times."""

    exhibit: str
    volume: str
    ext4: bool


@dataclass(slots=True)
class Rows:
    """Live names in order: paths, inode numbers, and the type their directory gives (EXT4_FT_*)."""

    paths: list[bytes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    types: list[int] = field(default_factory=list)


def _heads(inodes: Inodes, numbers: list[int]) -> memoryview:
    """The inodes (or the first bytes of them) in the order of `numbers`; a group's table is read once."""
    shape = inodes.geometry
    size = shape.inode_size
    if not 0 < min(numbers) <= max(numbers) <= shape.inodes:
        raise FastRefusedError("a name has an inode number that is none")
    if inodes.all is not None:
        whole = pa.Array.from_buffers(pa.binary(size), shape.inodes, [None, pa.py_buffer(inodes.all)])
        taken = whole.take(pc.subtract(pa.array(numbers, pa.int64()), 1))
        return memoryview(taken.buffers()[1])
    head = min(size, INODE_HEAD)
    places = [divmod(number - 1, shape.per_group) for number in numbers]
    pieces = [b""] * len(places)
    for row in sorted(range(len(places)), key=places.__getitem__):
        group, at = places[row]
        pieces[row] = bytes(inodes.table(group)[at * size : at * size + head])
    return memoryview(b"".join(pieces))


class _Words:
    """The 32-bit words of all inodes: one column for each place in the inode."""

    def __init__(self, data: memoryview, rows: int) -> None:
        self._words = data.cast("B").cast("I")
        self._rows = rows
        self._step = len(self._words) // rows

    def __call__(self, offset: int) -> pa.Array:
        """The words at byte `offset` of every inode as int64; zeros beyond a small inode."""
        if offset >= 4 * self._step:
            return pa.repeat(pa.scalar(0, pa.int64()), self._rows)
        column = self._words[offset // 4 :: self._step].tobytes()
        return pa.Array.from_buffers(pa.uint32(), self._rows, [None, pa.py_buffer(column)]).cast(pa.int64())


def _time(words: _Words, seconds: int, fraction: int | None) -> pa.Array:
    """Nanoseconds since 1970 as libtsk has them: unsigned seconds, no epoch bits; null where all is zero."""
    value = pc.multiply(words(seconds), _NANOSECONDS)
    if fraction is not None:
        value = pc.add(value, pc.shift_right(words(fraction), 2))
    return pc.if_else(pc.equal(value, 0), pa.scalar(None, pa.int64()), value)


def _sizes(inodes: Inodes, words: _Words, kinds: pa.Array) -> pa.Array:
    low = words(4)
    if not inodes.geometry.large_files:
        return low
    high = pc.if_else(pc.equal(kinds, REGULAR), words(108), 0)
    if (pc.max(high).as_py() or 0) >> 31:
        raise FastRefusedError("a file claims more than 2^63 bytes")
    return pc.add(low, pc.shift_left(high, 32))


def _link(raw: memoryview) -> str | None:
    """Where a symbolic link points, as libtsk says it; None when the target stands in blocks of its own."""
    if int.from_bytes(raw[32:36], "little") & (FLAG_EXTENTS | FLAG_INLINE):
        return ""
    size = int.from_bytes(raw[4:8], "little")
    if size >= _FAST_LINK:
        return None
    return shown(bytes(raw[40 : 40 + size]).partition(b"\0")[0])[0].translate(_CONTROL)


def _paths(paths: list[bytes]) -> tuple[pa.Array, pa.Array]:
    """The columns path and raw_path."""
    blob = b"\0".join(paths)
    if blob.count(b"\0") >= len(paths):
        raise FastRefusedError("a name holds a zero byte")
    try:
        return pa.array(blob.decode("utf-8").split("\0"), pa.string()), pa.nulls(len(paths), pa.binary())
    except UnicodeDecodeError:
        both = [shown(path) for path in paths]
        return texts([text for text, _ in both]), pa.array([raw for _, raw in both], pa.binary())


def _same(value: Any, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(value), rows)


def _links(data: memoryview, rows: Rows, ask: Callable[[int], str]) -> pa.Array:
    """The column link_target."""
    if TYPE_LINK not in rows.types:
        return _same("", len(rows.types))
    size = len(data) // len(rows.types)
    targets = [""] * len(rows.types)
    for row in [row for row, kind in enumerate(rows.types) if kind == TYPE_LINK]:
        target = _link(data[row * size : (row + 1) * size])
        targets[row] = ask(rows.numbers[row]) if target is None else target
    return texts(targets)


def live_batch(place: Place, inodes: Inodes, rows: Rows, ask: Callable[[int], str]) -> pa.RecordBatch:
    """The rows as a batch of `WALKED`; `ask(number)` gives a link's target that stands in blocks of its own.

    Raises `FastRefusedError` where directory and inode disagree about a type, or an inode has none.
    """
    count = len(rows.numbers)
    data = _heads(inodes, rows.numbers)
    words = _Words(data, count)
    first, owners = words(0), words(120)
    kinds = pc.shift_right(pc.bit_wise_and(first, 0xF000), 12)
    said = pa.array(rows.types, pa.int64())
    if not kinds.equals(_KINDS.take(said)):
        raise FastRefusedError("a directory and an inode disagree about a file's type")
    modified, accessed, changed = (136, 140, 132) if place.ext4 else (None, None, None)
    paths, raw_paths = _paths(rows.paths)
    empty = _same("", count)
    created = _time(words, 144, 148) if place.ext4 else pa.nulls(count, pa.int64())
    columns = [
        _same(place.exhibit, count),
        _same(place.volume, count),
        paths,
        raw_paths,
        pa.array(rows.numbers, pa.int64()).cast(pa.string()),
        empty,
        _TYPES.take(said),
        _same(True, count),
        _same(False, count),
        empty,
        _sizes(inodes, words, kinds),
        _time(words, 16, modified),
        _time(words, 8, accessed),
        _time(words, 12, changed),
        created,
        time_map([{}] * count),
        text_map([{}] * count),
        _same(Clock.UTC.value, count),
        pc.bit_wise_and(first, 0xFFF),
        pc.add(pc.shift_right(first, 16), pc.shift_left(pc.bit_wise_and(owners, 0xFFFF), 16)),
        pc.add(pc.bit_wise_and(words(24), 0xFFFF), pc.shift_left(pc.shift_right(owners, 16), 16)),
        _links(data, rows, ask),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=WALKED)
