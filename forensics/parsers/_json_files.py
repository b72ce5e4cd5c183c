"""Small files of JSON, loaded whole and bounded; looked at without trusting their shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from forensics.parsers._contract import ParserInput

SIZE_LIMIT = 16 << 20
"""Bytes of the largest file that is loaded."""


class JsonError(ValueError):
    """A file that cannot be loaded; `str()` says why, on one line."""


def loaded(source: ParserInput) -> dict[str, Any]:
    """The file's object; numbers stay as they are written. Raises JsonError."""
    if source.size > SIZE_LIMIT:
        raise JsonError(f"a file of {source.size:,} bytes: no more than {SIZE_LIMIT:,} are loaded")
    return parsed(source.read_at(0, source.size))


def parsed(data: bytes) -> dict[str, Any]:
    """As `loaded`, of bytes at hand."""
    try:
        found = json.loads(data.decode("utf-8-sig", "backslashreplace"), parse_int=str, parse_float=str)
    except ValueError as error:
        raise JsonError(f"no JSON: {error}") from error
    except RecursionError as error:
        raise JsonError("JSON nested too deep") from error
    if not isinstance(found, dict):
        raise JsonError("JSON that is no object")
    return found


def within(value: Any, *names: str) -> Any:
    """What stands under names one in the other; None where one is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def members(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and values of an object's members that are objects."""
    yield from (
        ((name, item) for name, item in value.items() if isinstance(item, dict)) if isinstance(value, dict) else ()
    )


def items(value: Any) -> Iterator[dict[str, Any]]:
    """The objects in a list."""
    yield from (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def words(value: Any) -> str:
    """A simple value as a field, a list of them joined by "; "; "" for others."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "; ".join(item for item in map(words, value) if item)
    return value if isinstance(value, str) else ""
