"""Rows of CSV (RFC 4180) with their places, over lines that a value may break."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from forensics.parsers._contract import ParserInput
from forensics.parsers._lines import Line, read_lines

_ROW_LIMIT = 1 << 20
"""Characters of one row over all its lines: a quote that is never closed would take the whole file for one value."""


class Rows:
    """The rows of one file."""

    def __init__(self, source: ParserInput) -> None:
        self._lines = read_lines(source)
        self._first: Line | None = None
        self._last: Line | None = None
        self._length = 0

    def _texts(self) -> Iterator[str]:
        for line in self._lines:
            self._first = self._first or line
            self._last, self._length = line, self._length + len(line.text)
            if self._length > _ROW_LIMIT:
                raise csv.Error(f"a row of more than {_ROW_LIMIT:,} characters")
            yield line.text.replace("\0", "") + "\n"

    def read(self, delimiter: str) -> Iterator[tuple[int, int, list[str] | str]]:
        """(offset, bytes, values), or in place of the values why there are none."""
        while True:
            rows = csv.reader(self._texts(), delimiter=delimiter, strict=True)
            try:
                for values in rows:
                    yield *self._place(), values
            except csv.Error as error:
                yield *self._place(), f"no row: {error}"
            else:
                return

    def _place(self) -> tuple[int, int]:
        first, last = self._first, self._last
        self._first, self._last, self._length = None, None, 0
        if first is None or last is None:
            return 0, 0
        return first.offset, last.offset + last.length - first.offset
