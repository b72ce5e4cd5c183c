"""Artefacts and file entries become events.

Parsers and file systems state named times; here each becomes an `Event` row with a meaning in plain
words and a one-line message, as `meanings` and `messages` say. Work goes by columns, a batch at a time, so memory
is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from forensics.meanings import ARTEFACT_MEANINGS, FILE_MEANINGS
from forensics.messages import MESSAGES
from forensics.results import TableWriter, batches
from forensics.results.columns import EVENTS, INT64_MAX, INT64_MIN, STANDARD_TIMES

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC by definition, printed with Z
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799  # years 0001 to 9999
_DAY = 86_400


@lru_cache(maxsize=4096)
def _second(second: int) -> str:
    if _FIRST_SECOND <= second <= _LAST_SECOND:
        return (_EPOCH + timedelta(seconds=second)).isoformat()
    days, rest = divmod(second, _DAY)
    cycles, day = divmod(days, 146_097)  # 400 Gregorian years: bring the day into a range datetime knows
    near = _EPOCH + timedelta(days=day)
    year = near.year + 400 * cycles
    shown = f"{year:04d}" if 0 <= year <= 9999 else f"{'-' if year < 0 else '+'}{abs(year):06d}"
    return f"{shown}-{near:%m-%d}T{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


def iso(at: int) -> str:
    """Nanoseconds since 1970 as ISO 8601 UTC with nine digits: 2026-03-01T10:00:00.123456700Z.

    Years beyond 0000..9999 are written in the standard's expanded form (+012345, -000001). Never fails.
    """
    second, nanosecond = divmod(at, 1_000_000_000)
    return f"{_second(second)}.{nanosecond:09d}Z"


def _constant(value: str, length: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string()), length)


def _text(values: pa.Array) -> pa.Array:
    return pc.fill_null(pc.cast(values, pa.string()), "")


def _far(rows: pa.RecordBatch, at: pa.Array, names: pa.Array) -> pa.Array:
    """The true value of each clamped time of `at`, null for all others (that is, nearly always)."""
    ends = pc.min_max(at).as_py()
    if ends["min"] != INT64_MIN and ends["max"] != INT64_MAX:
        return pa.nulls(len(at), pa.string())
    pairs = zip(rows["far_times"].to_pylist(), names.to_pylist(), strict=True)
    return pa.array([dict(far or ()).get(name) for far, name in pairs], pa.string())


def _meanings(kind: str, names: pa.Array) -> pa.Array:
    known = names.dictionary_encode()
    words = [
        FILE_MEANINGS.get(name, f"file {name}")
        if kind == "file"
        else ARTEFACT_MEANINGS.get((kind, name), f"{kind} {name}")
        for name in known.dictionary.to_pylist()
    ]
    return pa.array(words, pa.string()).take(known.indices)


def _events(
    kind: str, *, rows: pa.RecordBatch, at: pa.Array, names: pa.Array, message: pa.Array, numbers: pa.Array
) -> pa.RecordBatch:
    columns = {
        "at": at,
        "far_at": _far(rows, at, names),
        "meaning": _meanings(kind, names),
        "kind": _constant(kind, len(at)),
        "message": message,
        "row": numbers,
    }
    return pa.RecordBatch.from_arrays(
        [columns[name] if name in columns else rows[name] for name in EVENTS.names], schema=EVENTS
    )


def _file_message(rows: pa.RecordBatch) -> pa.Array:
    """Type and size in words, and whether the name was deleted or its place taken by another file."""
    fate = pc.if_else(rows["allocated"], "", pc.if_else(rows["reallocated"], ", deleted, reallocated", ", deleted"))
    return pc.binary_join_element_wise(_text(rows["type"]), ", ", _text(rows["size"]), " bytes", fate, "")


def _entries(column: pa.MapArray) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Keys, items and list offsets of a map column, which may be a slice of a longer one."""
    offsets = column.offsets
    start, end = offsets[0].as_py(), offsets[-1].as_py()
    return column.keys.slice(start, end - start), column.items.slice(start, end - start), pc.subtract(offsets, start)


def _exploded(kind: str, rows: pa.RecordBatch, times: str, message: pa.Array, numbers: pa.Array) -> pa.RecordBatch:
    """An event for every named time in the map column `times`."""
    keys, items, offsets = _entries(rows[times])
    parents = pc.list_parent_indices(pa.ListArray.from_arrays(offsets, items))
    return _events(
        kind,
        rows=rows.take(parents),
        at=items,
        names=keys,
        message=message.take(parents),
        numbers=numbers.take(parents),
    )


def file_events(rows: pa.RecordBatch, first: int) -> Iterator[pa.RecordBatch]:
    """Events of a batch of files.parquet that begins at row `first` of the table."""
    numbers = pa.array(range(first, first + rows.num_rows), pa.int64())
    message = _file_message(rows)
    for name in STANDARD_TIMES:
        there = pc.is_valid(rows[name])
        some = rows.filter(there)
        yield _events(
            "file",
            rows=some,
            at=some[name],
            names=_constant(name, some.num_rows),
            message=message.filter(there),
            numbers=numbers.filter(there),
        )
    yield _exploded("file", rows, "extra_times", message, numbers)


def _named_values(fields: pa.MapArray, prefix: str) -> pa.Array:
    """Every field whose name begins with `prefix` as " name=value", without the prefix, one after the other."""
    keys, items, offsets = _entries(fields)
    shown = pc.utf8_slice_codeunits(keys, len(prefix)) if prefix else keys
    pairs = pc.binary_join_element_wise(" ", shown, "=", pc.fill_null(items, ""), "")
    chosen = pc.if_else(pc.starts_with(keys, prefix), pairs, "")
    return pc.binary_join(pa.ListArray.from_arrays(offsets, chosen), "")


def _artefact_message(kind: str, fields: pa.MapArray) -> pa.Array:
    """The message of artefacts of one kind: by its recipe, or else all fields as name=value."""
    if kind not in MESSAGES:
        return pc.utf8_ltrim_whitespace(_named_values(fields, ""))
    recipe, rest = MESSAGES[kind]
    pieces = [pa.repeat(pa.scalar(""), len(fields))]
    for before, field, after in recipe:
        value = pc.fill_null(pc.map_lookup(fields, field, "first"), "")
        wrapped = pc.binary_join_element_wise(before, value, after, "")
        pieces.append(pc.if_else(pc.equal(value, ""), "", wrapped))
    if rest:
        pieces.append(_named_values(fields, rest))
    return pc.binary_join_element_wise(*pieces, "")


def artefact_events(rows: pa.RecordBatch, first: int) -> Iterator[pa.RecordBatch]:
    """Events of a batch of artefacts.parquet that begins at row `first` of the table."""
    numbers = pa.array(range(first, first + rows.num_rows), pa.int64())
    for kind in pc.unique(rows["kind"]).to_pylist():
        mine = pc.equal(rows["kind"], kind)
        some = rows.filter(mine)
        message = _artefact_message(kind, some["fields"])
        yield _exploded(kind, some, "times", message, numbers.filter(mine))


def write_events(files: Path, artefacts: Path, writer: TableWriter) -> int:
    """Write the events of a run's files and artefacts; how many there are.

    `row` numbers the source's rows, so it ties an event to the file or artefact it was made from.
    """
    for source, events in ((files, file_events), (artefacts, artefact_events)):
        first = 0
        for rows in batches(source):
            for batch in events(rows, first):
                writer.write(batch)
            first += rows.num_rows
    return writer.rows
