"""Tables of ESE databases made by hand, with the getters of libesedb that are used."""

from __future__ import annotations

from typing import Any

import pyesedb

from forensics.parsers import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers.windows._ese import Database

_TYPES = pyesedb.column_types


class Record:
    def __init__(self, values: dict[str, Any]) -> None:
        self._names, self._values = list(values), list(values.values())
        self.number_of_values = len(values)

    def get_column_name(self, number: int) -> str:
        return self._names[number]

    def get_column_type(self, number: int) -> int:
        value = self._values[number]
        if isinstance(value, bool):
            return int(_TYPES.BOOLEAN)
        kinds = {str: _TYPES.LARGE_TEXT, bytes: _TYPES.LARGE_BINARY_DATA, float: _TYPES.DOUBLE_64BIT}
        return int(kinds.get(type(value), _TYPES.INTEGER_64BIT_SIGNED))

    def is_long_value(self, number: int) -> bool:
        return False

    def get_value_data(self, number: int) -> Any:
        value = self._values[number]
        return value if isinstance(value, bytes) else repr(value).encode()

    def _value(self, number: int) -> Any:
        return self._values[number]

    get_value_data_as_string = get_value_data_as_integer = get_value_data_as_boolean = _value
    get_value_data_as_floating_point = _value


class Table:
    def __init__(self, *rows: dict[str, Any]) -> None:
        self._rows = rows
        self.number_of_records = len(rows)

    def get_record(self, index: int) -> Record:
        return Record(self._rows[index])


def database(source: ParserInput, **tables: Table) -> Database:
    """A database of tables; a name with "__" for what no argument may have: "{" and the like are given by a dict."""
    return Database(Facts(source, "ese", "1"), tables)
