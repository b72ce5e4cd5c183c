"""Tables of an ESE database through libesedb: rows as plain values, and the families' way of telling what they hold."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pyesedb

from forensics.model import Artefact, Problem
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._windows import filetime, guid, told

Row = Mapping[str, Any]
"""A record: column -> int, str, bool or bytes (dates among them), None where it has none or it cannot be read."""

_TYPES = pyesedb.column_types
_TEXT = (_TYPES.TEXT, _TYPES.LARGE_TEXT)
_BYTES = (_TYPES.BINARY_DATA, _TYPES.LARGE_BINARY_DATA, _TYPES.DATE_TIME, _TYPES.SUPER_LARGE_VALUE)
_FLOATS = (_TYPES.FLOAT_32BIT, _TYPES.DOUBLE_64BIT)
_FILL = (0x2A2A2A2A, 0x2A2A2A2A2A2A2A2A)
"""What stands in a number's place where a record has none; libesedb 20260704 gives it out as a number."""
_KNOWN_LIMIT = 250_000
"""Rows of a table that others refer to which are kept."""

_OLE_EPOCH = 25_569  # days from 1899-12-30 to 1970-01-01
_OLE_DAYS = (1, 200_000)
_INITIAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Database(NamedTuple):
    """A database that a family may know: its tables by name, and what artefacts and problems are made with."""

    facts: Facts
    tables: Mapping[str, Any]

    def rows(self, table: str) -> Iterator[Row]:
        """The records of a table that is there, else none."""
        found = self.tables.get(table)
        return iter(()) if found is None else rows(found)

    def known(self, table: str, key: str) -> dict[Any, Row]:
        """The records of a table that others refer to, by a column; the first 250,000."""
        found: dict[Any, Row] = {}
        for row in self.rows(table):
            if len(found) >= _KNOWN_LIMIT:
                break
            found[row.get(key)] = row
        return found


class Family(NamedTuple):
    """An application's databases: tables they all have, kinds they give, and how they are told."""

    tables: frozenset[str]
    kinds: tuple[str, ...]
    tell: Callable[[Database], Iterator[Artefact | Problem]]


def _text(record: Any, number: int, long: Any) -> str | None:
    if long is not None:
        return told(long.get_data_as_string)  # type: ignore[no-any-return]
    return told(record.get_value_data_as_string, number)  # type: ignore[no-any-return]


def _value(record: Any, number: int, kind: int) -> Any:
    long = told(record.get_value_data_as_long_value, number) if told(record.is_long_value, number) else None
    if kind in _TEXT and (text := _text(record, number, long)) is not None:
        return text
    data = told(long.get_data) if long is not None else told(record.get_value_data, number)
    if kind in _TEXT or kind in _BYTES or data is None:
        return data
    if kind == _TYPES.GUID:
        return guid(data)
    if kind == _TYPES.BOOLEAN:
        return told(record.get_value_data_as_boolean, number)
    if kind in _FLOATS:
        return told(record.get_value_data_as_floating_point, number)
    value = told(record.get_value_data_as_integer, number)
    return None if value in _FILL else value


def rows(table: Any) -> Iterator[Row]:
    """Every record that can be read, in the order of the table's key."""
    for index in range(told(getattr, table, "number_of_records") or 0):
        record = told(table.get_record, index)
        if record is None:
            continue
        row: dict[str, Any] = {}
        for number in range(told(getattr, record, "number_of_values") or 0):
            name, kind = told(record.get_column_name, number), told(record.get_column_type, number)
            if name is not None and kind is not None:
                row[name] = _value(record, number, kind)
        yield row


def snake(name: str) -> str:
    """A column's name as a field's: "BytesSent" is bytes_sent."""
    return _INITIAL.sub("_", name).lower()


def shown(value: Any) -> object:
    """A value as a field: bytes in hexadecimal, the first 256."""
    if isinstance(value, bytes):
        return value[:256].hex() + (f"... ({len(value):,} bytes)" if len(value) > 256 else "")
    return {True: "true", False: ""}.get(value, value) if isinstance(value, bool) else value


def file_time(value: Any) -> Moment:
    """A FILETIME as a number or eight bytes."""
    if isinstance(value, bytes):
        value = int.from_bytes(value, "little") if len(value) == 8 else 0
    return filetime(value if isinstance(value, int) else 0)


def ole_time(value: Any) -> Moment:
    """Days since 1899-12-30 as the eight bytes of a double, to the millisecond."""
    if not isinstance(value, bytes) or len(value) != 8:
        return Moment(None, "")
    (days,) = struct.unpack("<d", value)
    at = round((days - _OLE_EPOCH) * 86_400_000) * 1_000_000 if _OLE_DAYS[0] <= days <= _OLE_DAYS[1] else None
    return Moment(at, repr(days))
