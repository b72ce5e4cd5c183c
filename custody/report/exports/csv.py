"""The custody table as CSV (RFC 4180), UTF-8 with a mark so that spreadsheets see the letters as they are.

A cell that a spreadsheet would take for a formula begins with an apostrophe: what the record says must not be run.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from custody.report.exports._contract import Material, custody_rows

FILE = "custody.csv"

_RUN = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - full width counts, too


def harmless(cell: str) -> str:
    """The cell with an apostrophe before it where a spreadsheet would run it."""
    return f"'{cell}" if cell.lstrip(" \u00a0").startswith(_RUN) else cell


def make(material: Material) -> Iterable[bytes]:
    """The bytes, a row at a time."""
    yield b"\xef\xbb\xbf"
    for row in custody_rows(material.report):
        line = io.StringIO()
        csv.writer(line, lineterminator="\r\n").writerow(map(harmless, row))
        yield line.getvalue().encode()
