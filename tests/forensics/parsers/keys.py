"""Registry keys as their readers get them, made by hand."""

from __future__ import annotations

import struct
from zoneinfo import ZoneInfo

from forensics.parsers._clock import LocalClock
from forensics.parsers._facts import Moment
from forensics.parsers.windows._registry_facts import facts_of
from forensics.parsers.windows._registry_keys import Fact, Hive, Key, Value

FILETIME = 116_444_736_010_000_000
"""One second after 1970."""
SECOND = 1_000_000_000
WRITTEN = Moment(7 * SECOND, "written")


def text(words: str) -> Value:
    return Value(1, words, words.encode("utf-16-le") + b"\0\0")


def number(value: int) -> Value:
    return Value(4, str(value), value.to_bytes(4, "little"))


def binary(data: bytes) -> Value:
    return Value(3, data.hex(), data)


def wide(words: str) -> bytes:
    return words.encode("utf-16-le") + b"\0\0"


def order(*names: int) -> Value:
    """The value MRUListEx."""
    return binary(struct.pack(f"<{len(names)}I", *names) + b"\xff" * 4)


def hive(zone: str | None = None) -> Hive:
    return Hive(LocalClock(ZoneInfo(zone) if zone else None))


def told(path: str, values: dict[str, Value], within: Hive | None = None) -> list[Fact]:
    """What a key tells, without problems."""
    found = list(facts_of(Key(path, WRITTEN, values, within or hive())))
    assert not [reason for reason in found if isinstance(reason, str)]
    return [fact for fact in found if isinstance(fact, Fact)]


def refused(path: str, values: dict[str, Value]) -> list[str]:
    """The problems of a key."""
    return [reason for reason in facts_of(Key(path, WRITTEN, values, hive())) if isinstance(reason, str)]
