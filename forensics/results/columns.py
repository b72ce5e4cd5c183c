"""The shape of every result table, and model values turned into columns (and file entries back).

Columns are built whole, a batch at a time, never row by row. Times are int64 nanoseconds; a time
outside 1677-09-21..2262-04-11 stands clamped to that range, so that it still sorts and filters, and
its true value stands as decimal text in `far_times` under the column's or the time's name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from forensics.model import Artefact, Clock, FileEntry, Location, Problem, Volume

INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1
STANDARD_TIMES = ("modified", "accessed", "changed", "created")
_TIME_MAP = pa.map_(pa.string(), pa.int64())
_TEXT_MAP = pa.map_(pa.string(), pa.string())

_PLACE = [
    ("exhibit", pa.string()),
    ("volume", pa.string()),
    ("path", pa.string()),
    ("raw_path", pa.binary()),
    ("meta", pa.string()),
    ("stream", pa.string()),
]
_SPAN = [("offset", pa.int64()), ("length", pa.int64())]

WALKED = pa.schema(
    [
        *_PLACE,
        ("type", pa.string()),
        ("allocated", pa.bool_()),
        ("reallocated", pa.bool_()),
        ("attribute", pa.string()),
        ("size", pa.int64()),
        *((name, pa.int64()) for name in STANDARD_TIMES),
        ("extra_times", _TIME_MAP),
        ("far_times", _TEXT_MAP),
        ("clock", pa.string()),
        ("mode", pa.int64()),
        ("uid", pa.int64()),
        ("gid", pa.int64()),
        ("link_target", pa.string()),
    ]
)
CONTENTS = pa.schema(
    [
        ("md5", pa.string()),
        ("sha256", pa.string()),
        ("mime", pa.string()),
        ("outcome", pa.string()),
        ("read_bytes", pa.int64()),
        ("problem", pa.string()),
        ("extension_mismatch", pa.bool_()),
        ("encryption", pa.string()),
        ("recoverable", pa.string()),
    ]
)
FILES = pa.schema([*WALKED, *CONTENTS])
ARTEFACTS = pa.schema(
    [
        ("kind", pa.string()),
        *_PLACE,
        *_SPAN,
        ("times", _TIME_MAP),
        ("far_times", _TEXT_MAP),
        ("raw", _TEXT_MAP),
        ("fields", _TEXT_MAP),
        ("clock", pa.string()),
        ("parser", pa.string()),
        ("version", pa.string()),
    ]
)
PROBLEMS = pa.schema([*_PLACE, *_SPAN, ("stage", pa.string()), ("reason", pa.string())])
EVENTS = pa.schema(
    [
        ("at", pa.int64()),
        ("far_at", pa.string()),
        ("meaning", pa.string()),
        ("kind", pa.string()),
        ("exhibit", pa.string()),
        ("volume", pa.string()),
        ("path", pa.string()),
        ("meta", pa.string()),
        ("message", pa.string()),
        ("clock", pa.string()),
        ("row", pa.int64()),
    ]
)
VOLUMES = pa.schema(
    [
        ("exhibit", pa.string()),
        ("volume", pa.string()),
        ("offset", pa.int64()),
        ("length", pa.int64()),
        ("scheme", pa.string()),
        ("description", pa.string()),
        ("filesystem", pa.string()),
        ("label", pa.string()),
        ("problem", pa.string()),
    ]
)


def printable(text: str) -> str:
    """`text` with lone surrogates (bytes that were no UTF-8) as backslash escapes, fit for UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def texts(values: Sequence[str | None]) -> pa.Array:
    """A column of text; lone surrogates, which UTF-8 cannot hold, as backslash escapes."""
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        return pa.array([None if value is None else printable(value) for value in values], pa.string())


def clamp(value: int) -> int:
    """`value` held within int64."""
    return min(max(value, INT64_MIN), INT64_MAX)


def integers(values: Sequence[int | None]) -> pa.Array:
    """A column of int64, values beyond it clamped."""
    try:
        return pa.array(values, pa.int64())
    except (OverflowError, pa.ArrowInvalid):
        return pa.array([None if value is None else clamp(value) for value in values], pa.int64())


def _map(rows: Sequence[Mapping[str, Any]], values_of: Callable[[list[Any]], pa.Array], kind: Any) -> pa.Array:
    keys = list(chain.from_iterable(rows))
    items = [item for row in rows for item in row.values()]
    offsets = pa.array([0, *accumulate(map(len, rows))], pa.int32())
    return pa.MapArray.from_arrays(offsets, texts(keys), values_of(items), kind)


def time_map(rows: Sequence[Mapping[str, int]]) -> pa.Array:
    """A column of named times, clamped to int64."""
    return _map(rows, integers, _TIME_MAP)


def text_map(rows: Sequence[Mapping[str, str]]) -> pa.Array:
    """A column of named texts."""
    return _map(rows, texts, _TEXT_MAP)


def far_times(rows: Iterable[Iterable[tuple[str, int | None]]]) -> pa.Array:
    """The times beyond int64, by name, as decimal text; nearly always empty."""
    return text_map(
        [{name: str(at) for name, at in row if at is not None and not INT64_MIN <= at <= INT64_MAX} for row in rows]
    )


def _clamped(column: pa.Array) -> bool:
    """Whether a value of `column` stands at an end of int64, where `integers` puts what lies beyond."""
    ends = pc.min_max(column).as_py()
    return bool(ends["min"] == INT64_MIN or ends["max"] == INT64_MAX)


def _far_of_files(entries: Sequence[FileEntry]) -> pa.Array:
    return far_times(
        [
            *((name, getattr(entry, name)) for name in STANDARD_TIMES),
            *entry.extra_times.items(),
        ]
        for entry in entries
    )


def _repeated(values: Sequence[str]) -> pa.Array:
    """A column of text that nearly always says the same in every row of a batch."""
    first = values[0]
    if values.count(first) < len(values):
        return texts(values)
    return pa.repeat(pa.scalar(printable(first), pa.string()), len(values))


def _located(locations: Sequence[Location]) -> tuple[list[pa.Array], list[pa.Array]]:
    """Locations as the columns of `_PLACE` and those of `_SPAN`."""
    if not locations:
        return [pa.nulls(0, kind) for _, kind in _PLACE], [pa.nulls(0, kind) for _, kind in _SPAN]
    exhibits, volumes, paths, raw_paths, metas, streams, offsets, lengths = zip(*locations, strict=True)
    raw = pa.array(raw_paths, pa.binary())
    place = [_repeated(exhibits), _repeated(volumes), _repeated(paths), raw, _repeated(metas), _repeated(streams)]
    return place, [integers(offsets), integers(lengths)]


def file_batch(entries: Sequence[FileEntry]) -> pa.RecordBatch:
    """File entries as columns of `WALKED`, in the order given."""
    times = [integers([getattr(entry, name) for entry in entries]) for name in STANDARD_TIMES]
    extras = time_map([entry.extra_times for entry in entries])
    far = any(map(_clamped, (*times, extras.items)))
    columns = [
        *_located([entry.location for entry in entries])[0],
        texts([entry.type for entry in entries]),
        pa.array([entry.allocated for entry in entries], pa.bool_()),
        pa.array([entry.reallocated for entry in entries], pa.bool_()),
        texts([entry.attribute for entry in entries]),
        integers([entry.size for entry in entries]),
        *times,
        extras,
        _far_of_files(entries) if far else text_map([{}] * len(entries)),
        texts([entry.clock.value for entry in entries]),
        integers([entry.mode for entry in entries]),
        integers([entry.uid for entry in entries]),
        integers([entry.gid for entry in entries]),
        texts([entry.link_target for entry in entries]),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=WALKED)


def artefact_batch(artefacts: Sequence[Artefact]) -> pa.RecordBatch:
    """Artefacts as columns of `ARTEFACTS`, in the order given."""
    if not artefacts:
        return pa.RecordBatch.from_pylist([], schema=ARTEFACTS)
    kinds, locations, named, fields, parsers, versions, clocks, raw = zip(*artefacts, strict=True)
    place, span = _located(locations)
    times = time_map(named)
    columns = [
        _repeated(kinds),
        *place,
        *span,
        times,
        far_times(row.items() for row in named) if _clamped(times.items) else text_map([{}] * len(named)),
        text_map(raw),
        text_map(fields),
        _repeated([clock.value for clock in clocks]),
        _repeated(parsers),
        _repeated(versions),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=ARTEFACTS)


def problem_batch(problems: Sequence[Problem]) -> pa.RecordBatch:
    """Problems as columns of `PROBLEMS`, in the order given."""
    if not problems:
        return pa.RecordBatch.from_pylist([], schema=PROBLEMS)
    locations, stages, reasons = zip(*problems, strict=True)
    place, span = _located(locations)
    columns = [*place, *span, _repeated(stages), texts(reasons)]
    return pa.RecordBatch.from_arrays(columns, schema=PROBLEMS)


def volume_batch(exhibit: str, volumes: Sequence[Volume]) -> pa.RecordBatch:
    """Volumes as columns of `VOLUMES`, in the order given."""
    columns = [
        texts([exhibit] * len(volumes)),
        texts([volume.index for volume in volumes]),
        integers([volume.offset for volume in volumes]),
        integers([volume.length for volume in volumes]),
        *(
            texts([getattr(volume, name) for volume in volumes])
            for name in ("scheme", "description", "filesystem", "label", "problem")
        ),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=VOLUMES)


_CLOCKS = {clock.value: clock for clock in Clock}
_ENTRY = ("type", "allocated", "size", *STANDARD_TIMES)  # the fields of a file entry after its location, in order
_ENTRY_REST = ("reallocated", "attribute", "mode", "uid", "gid", "link_target")


def file_entries(batch: pa.RecordBatch) -> Iterator[FileEntry]:
    """The file entries that rows of `WALKED` stand for, in order: what reads their contents again."""

    def lists(*names: str) -> list[list[Any]]:
        return [batch.column(name).to_pylist() for name in names]

    locations = map(Location, *lists(*(name for name, _ in _PLACE)))
    clocks = [_CLOCKS[value] for value in batch.column("clock").to_pylist()]
    extras, fars = _maps(batch.column("extra_times")), _maps(batch.column("far_times"))
    entries = map(FileEntry, locations, *lists(*_ENTRY), extras, clocks, *lists(*_ENTRY_REST))
    for entry, far in zip(entries, fars, strict=True):
        yield _exact(entry, far) if far else entry


def _maps(column: pa.MapArray) -> list[dict[str, Any]]:
    if not len(column.items):
        return [{} for _ in range(len(column))]
    return [dict(pairs or ()) for pairs in column.to_pylist()]


def _exact(entry: FileEntry, far: Mapping[str, str]) -> FileEntry:
    """With the times that int64 does not hold."""
    exact: dict[str, Any] = {name: int(far[name]) for name in STANDARD_TIMES if name in far}
    exact["extra_times"] = {name: int(far.get(name, at)) for name, at in entry.extra_times.items()}
    return entry._replace(**exact)


def file_entry(row: Mapping[str, Any]) -> FileEntry:
    """The file entry a row of files.parquet stands for."""
    columns = {name: row[name] for name in WALKED.names}
    return next(file_entries(pa.RecordBatch.from_pylist([columns], schema=WALKED)))
