"""What an examiner says about logs that no parser knows: which column is the time, and what the others are called.

A mapping is TOML, with one `[[log]]` for each kind of log:

    [[log]]
    files = ["vpn*.csv"]          # names of files, * and ? as in a shell, letters of either case
    format = "csv"                # or "jsonl": one JSON object a line
    label = "vpn"                 # what the log is called; stands in every artefact
    delimiter = ";"               # csv; default ","
    columns = ["a", "b"]          # csv without a first row of names
    [log.time]
    column = "start"              # jsonl: a dotted name, "event.start"
    format = "iso"                # or seconds, milliseconds, microseconds, nanoseconds since 1970, or "%d.%m.%Y %H:%M"
    zone = "Europe/Belgrade"      # of times without an offset; default: the zone declared for the exhibit
    [log.fields]
    user = "Benutzer"             # our name = theirs; the others keep their own
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

UNITS: Mapping[str, int] = {"seconds": 10**9, "milliseconds": 10**6, "microseconds": 10**3, "nanoseconds": 1}
"""Nanoseconds of one unit."""
FORMATS = ("csv", "jsonl")
_LIMIT = 64


class MappingError(ValueError):
    """A mapping that cannot be used; `str()` says where and why, on one line."""


@dataclass(frozen=True, slots=True)
class LogMapping:
    """How one kind of log is read. `time_format` is "iso", a unit of `UNITS`, or a pattern of strptime."""

    files: tuple[str, ...]
    format: str
    label: str
    time_column: str
    time_format: str = "iso"
    zone: ZoneInfo | None = None
    delimiter: str = ","
    columns: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    """Their name -> ours."""

    def wants(self, name: str) -> bool:
        """Whether a file of this name is meant."""
        return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in self.files)


def read_mapping(text: str) -> tuple[LogMapping, ...]:
    """The mappings of a TOML text, in their order; MappingError says what is wrong with it."""
    try:
        body = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"not TOML: {error}") from error
    logs = body.pop("log", None)
    if body or not isinstance(logs, list) or not 1 <= len(logs) <= _LIMIT:
        raise MappingError(f"it holds one to {_LIMIT} tables [[log]] and nothing else")
    return tuple(_log(number, log) for number, log in enumerate(logs, 1))


def _log(number: int, log: Any) -> LogMapping:
    try:
        return _read(dict(log))
    except (MappingError, TypeError) as error:
        raise MappingError(f"[[log]] number {number}: {error}") from error


def _text(table: dict[str, Any], name: str, default: str | None = None) -> str:
    value = table.pop(name, default)
    if not isinstance(value, str) or not value:
        raise MappingError(f"{name!r} is missing, or no text")
    return value


def _texts(table: dict[str, Any], name: str) -> tuple[str, ...]:
    values = table.pop(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) and value for value in values):
        raise MappingError(f"{name!r} is no list of texts")
    return tuple(values)


def _read(log: dict[str, Any]) -> LogMapping:
    files, format_ = _texts(log, "files"), _text(log, "format")
    label, delimiter, columns = _text(log, "label", "log"), _text(log, "delimiter", ","), _texts(log, "columns")
    time, names = log.pop("time", None), log.pop("fields", {})
    if not files:
        raise MappingError("'files' names no file")
    if format_ not in FORMATS:
        raise MappingError(f"there is no format {format_!r}: {' or '.join(FORMATS)}")
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise MappingError(f"{delimiter!r} is no delimiter: one character")
    if len(set(columns)) != len(columns):
        raise MappingError("'columns' names one twice")
    if not isinstance(time, dict) or not isinstance(names, dict) or not all(map(_is_text, names.values())):
        raise MappingError("it needs a table [log.time], and [log.fields] holds texts")
    if not all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in names):
        raise MappingError("names in [log.fields] are lower case: letters, digits, _")
    if columns and (missing := {time.get("column"), *names.values()} - set(columns)):
        raise MappingError(f"'columns' does not name {sorted(map(str, missing))[0]!r}")
    column, written, zone = _text(time, "column"), _text(time, "format", "iso"), time.pop("zone", None)
    if unknown := sorted({*log, *time}):
        raise MappingError(f"{unknown[0]!r} means nothing here")
    theirs = {value: name for name, value in names.items()}
    return LogMapping(files, format_, label, column, _format(written), _zone(zone), delimiter, columns, theirs)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _zone(name: object) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise MappingError(f"there is no time zone {name!r}") from error


def _format(written: str) -> str:
    """The format if it can be read back: a pattern must hold at least the day."""
    if written == "iso" or written in UNITS:
        return written
    probe = datetime(2026, 11, 23, 14, 5, 9, tzinfo=UTC)
    try:
        back = datetime.strptime(probe.strftime(written), written)  # noqa: DTZ007 - what is compared has no zone
    except (ValueError, re.error) as error:
        raise MappingError(f"the time format {written!r} cannot be read back") from error
    if (back.year, back.month, back.day) != (2026, 11, 23):
        raise MappingError(f"the time format {written!r} does not hold year, month and day")
    return written
