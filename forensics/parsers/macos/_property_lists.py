"""Property lists as values: loaded by the standard library, bounded, archives of objects undone, times named.

A binary list can name one object many times, or itself: what is visited is counted, not only what is stored.
"""

from __future__ import annotations

import plistlib
import re
import struct
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from xml.parsers.expat import ExpatError

from forensics.parsers._clock import SECOND
from forensics.parsers._facts import Moment

SIZE_LIMIT = 16 << 20
"""Bytes of the largest list that is loaded."""
VALUE_LIMIT = 20_000
"""Values of one list that are visited."""
_DEPTH = 48
_ITEMS = 256
_TEXT_LIMIT = 1024
_EPOCH, _2001 = datetime(1970, 1, 1), datetime(2001, 1, 1)  # noqa: DTZ001 - plistlib's dates are UTC without saying so
_SECRET = re.compile(
    r"passw|secret|token|shadowhash|kerberoskeys|credential|private_?key|recoverykey|cookie|oauth|session_?key|keybag_",
    re.IGNORECASE,
)
WITHHELD = "[withheld]"
BEYOND = "[beyond what is visited]"


class PropertyListError(ValueError):
    """A list that cannot be loaded; `str()` says why, on one line."""


class Found(NamedTuple):
    """A value that is no collection, by the names that lead to it, and the collection it stands in."""

    path: tuple[str, ...]
    value: Any
    within: Any


def loaded(data: bytes) -> Any:
    """The list's value, an archive's undone; raises PropertyListError."""
    try:
        value = plistlib.loads(data)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, struct.error, ExpatError) as error:
        raise PropertyListError(f"no property list that can be read: {type(error).__name__}: {error}") from error
    except RecursionError as error:
        raise PropertyListError("a property list nested too deep") from error
    return _Archive(value).root() if _is_archive(value) else value


def _is_archive(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("$objects"), list)
        and isinstance(value.get("$top"), dict)
        and str(value.get("$archiver", "")).startswith("NS")
    )


class _Archive:
    """What NSKeyedArchiver wrote: objects that name each other by number."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        self._objects, self._top = value["$objects"], value["$top"]
        self._left = VALUE_LIMIT

    def root(self) -> Any:
        """The archived objects as dictionaries and lists, without their classes."""
        top = {name: self._value(item, 0) for name, item in self._top.items()}
        return top["root"] if set(top) == {"root"} else top

    def _value(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > _DEPTH:
            return "[not followed]"
        if isinstance(value, plistlib.UID):
            at = value.data
            if at == 0:
                return None
            return self._value(self._objects[at], depth + 1) if at < len(self._objects) else "[missing]"
        if isinstance(value, list):
            return [self._value(item, depth + 1) for item in value]
        return self._object(value, depth) if isinstance(value, dict) else value

    def _object(self, value: dict[str, Any], depth: int) -> Any:
        if "NS.keys" in value and isinstance(value["NS.keys"], list):
            keys = [word(self._value(key, depth + 1)) for key in value["NS.keys"]]
            items = value.get("NS.objects")
            return {
                key: self._value(item, depth + 1)
                for key, item in zip(keys, items if isinstance(items, list) else [], strict=False)
            }
        for name in ("NS.objects", "NS.string", "NS.data", "NS.bytes"):
            if name in value:
                return self._value(value[name], depth + 1)
        if isinstance(seconds := value.get("NS.time"), int | float):
            return cocoa_date(seconds)
        if isinstance(identifier := value.get("NS.uuidbytes"), bytes) and len(identifier) == 16:
            return str(uuid.UUID(bytes=identifier)).upper()
        if "NS.relative" in value:
            return self._value(value["NS.relative"], depth + 1)
        return {name: self._value(item, depth + 1) for name, item in value.items() if name != "$class"}


def cocoa_date(seconds: float) -> datetime | None:
    """Seconds since 2001 as a date; None where there is no such."""
    try:
        return _2001 + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return None


def moment(value: Any) -> Moment:
    """A date of a list; what is none has no time."""
    if not isinstance(value, datetime):
        return Moment(None, "")
    since = value - _EPOCH
    return Moment((since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1000, value.isoformat() + "Z")


def word(value: Any) -> str:
    """A single value, or a key, which may be any value, as text; numbers of more than 128 bits by their size."""
    if isinstance(value, int) and value.bit_length() > 128:
        return f"[a number of {value.bit_length():,} bits]"
    return str(value)[: 8 * _TEXT_LIMIT]


def text(value: Any) -> str:
    """A value as a field: data as text where it is printable, else by its length; several joined by "; "."""
    if isinstance(value, bytes):
        try:
            shown = value.decode("utf-8")
        except UnicodeDecodeError:
            shown = "\0"
        return shown if shown.isprintable() and len(shown) <= _TEXT_LIMIT else f"[{len(value):,} bytes]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        texts = [text(item) for item in value[:_ITEMS] if not isinstance(item, dict | list)]
        return "; ".join(texts) + (f"; ... ({len(value):,} values)" if len(value) > _ITEMS else "")
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    return "" if value is None or isinstance(value, dict) else word(value)


def is_secret(name: str) -> bool:
    """Whether what stands under a name is not to be shown."""
    return _SECRET.search(name) is not None


def values(root: Any) -> Iterator[Found]:
    """Every value in order, up to `VALUE_LIMIT`, then one `BEYOND`. One named like a secret is `WITHHELD`."""
    left = VALUE_LIMIT

    def walk(value: Any, path: tuple[str, ...], within: Any) -> Iterator[Found]:
        nonlocal left
        left -= 1
        if left < 0:
            if left == -1:
                yield Found(path, BEYOND, within)
            return
        if path and is_secret(path[-1]):
            yield Found(path, WITHHELD, within)
        elif isinstance(value, dict | list) and len(path) >= _DEPTH:
            yield Found(path, "[nested deeper than is followed]", within)
        elif isinstance(value, dict | list):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            for name, item in items:
                if left < 0:
                    return
                yield from walk(item, (*path, word(name)), value)
        else:
            yield Found(path, value, within)

    yield from walk(root, (), root)
