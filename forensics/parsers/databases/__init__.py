"""What the databases of applications tell: one family of applications a file, each a table of questions (`Query`).

A new application is a `Query` in the file of its family, or a new file and one line in `QUERIES`.
"""

from __future__ import annotations

from forensics.parsers.databases import apple, chrome, firefox, linux, messengers, phones, windows
from forensics.parsers.databases._query import Query, values

__all__ = ["QUERIES", "Query", "values"]

QUERIES: tuple[Query, ...] = (
    *chrome.QUERIES,
    *firefox.QUERIES,
    *apple.QUERIES,
    *phones.QUERIES,
    *messengers.QUERIES,
    *windows.QUERIES,
    *linux.QUERIES,
)
"""Of several for one kind of artefact the first that fits is asked, the others are for older or newer versions."""
