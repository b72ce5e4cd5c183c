"""Registry hives of Windows NT and later, through libregf: every key with its values, and what single keys tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyregf

from forensics.model import Artefact, Problem
from forensics.parsers._clock import LocalClock
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._lines import ProblemLimit
from forensics.parsers._windows import UnreadableError, filetime, opened, told
from forensics.parsers.windows._registry_facts import KINDS, facts_of, secret
from forensics.parsers.windows._registry_keys import NUMBERS, TEXTS, Hive, Key, Value, data_text
from forensics.parsers.windows._registry_logs import closed, replayed
from forensics.parsers.windows._registry_recovery import Leftovers

_NAME, _VERSION, _KEY, _LEFT = "registry", "2", "registry.key", "registry.recovered"
_MAGIC = b"regf"
_HEADER = 4096
_VALUES_SHOWN = 4096
_DATA_LIMIT = 1 << 20
_DEEPEST = 512  # the registry's own limit
_PENDING = "the transaction logs"
_PASSWORDS = ("password", "passwd", "pwd")
"""Ends of names under which programs keep passwords (DefaultPassword of Winlogon, ProxyPassword of PuTTY ...)."""


def _text(value: Any, kind: int, data: bytes) -> str:
    read = told(getattr, value, "data_as_string") if kind in TEXTS else None
    return data_text(kind, data) if read is None else str(read)


def _shown(name: str, value: Value, hidden: bool) -> str:
    """A value as it is given out; `hidden` says that the key's binary values are not."""
    named_password = name.lower().endswith(_PASSWORDS) and value.type not in NUMBERS and value.data
    if named_password or (hidden and value.type not in TEXTS + NUMBERS):
        return f"({len(value.data):,} bytes that may guard passwords are not shown)"
    return value.text or "(empty)"


def _values(key: Any) -> tuple[dict[str, Value], int]:
    """The values by name, and how many could not be read."""
    found: dict[str, Value] = {}
    count = told(getattr, key, "number_of_values") or 0
    for number in range(min(count, _VALUES_SHOWN)):
        value = told(key.get_value, number)
        size = told(getattr, value, "data_size") if value is not None else None
        if value is None or size is None or size > _DATA_LIMIT:
            continue
        kind, data = told(getattr, value, "type"), told(getattr, value, "data")
        if kind is not None and (data is not None or not size):
            name = told(getattr, value, "name") or "(default)"
            found[name] = Value(kind, _text(value, kind, data or b""), data or b"")
    return found, count - len(found)


class _Hive:
    """One hive being walked, parents before children, in the order of the file's lists."""

    def __init__(self, facts: Facts, source: ParserInput) -> None:
        self._facts, self._source = facts, source
        self._problems = ProblemLimit(facts.source, f"parser {_NAME}")
        self._seen: set[int] = set()
        self._hive = Hive(LocalClock(facts.source.zone))

    def read(self) -> Iterator[Artefact | Problem]:
        try:
            with opened(pyregf.file, self._source) as file:
                yield from self._reached(file)
        except UnreadableError as error:
            yield self._facts.problem(f"the hive cannot be read: {error}")
        yield from self._left()
        yield from self._problems.summary()

    def _reached(self, file: Any) -> Iterator[Artefact | Problem]:
        root = told(getattr, file, "root_key")
        if root is None:
            yield self._facts.problem("the hive has no root key that can be read")
            return
        waiting: list[tuple[Any, str, int]] = [(root, "", 0)]
        while waiting:
            key, path, depth = waiting.pop()
            offset = told(getattr, key, "offset") or 0
            if offset in self._seen or depth > _DEEPEST:
                yield from self._problem(offset, f"the key {path} leads back to one above it, or lies too deep")
                continue
            self._seen.add(offset)
            yield from self._key(key, path, offset)
            children = []
            for number in range(told(getattr, key, "number_of_sub_keys") or 0):
                child = told(key.get_sub_key, number)
                name = None if child is None else told(getattr, child, "name")
                if name is None:
                    yield from self._problem(offset, f"a key below {path or 'the root'} cannot be read")
                    continue
                children.append((child, f"{path}\\{name}" if path else name, depth + 1))
            waiting += reversed(children)

    def _left(self) -> Iterator[Artefact]:
        """Keys that no list leads to; where it is not known whose they were, none of their bytes are shown."""
        for key in Leftovers(self._source, self._seen):
            hidden = not key.whole or secret(key.path)
            fields: dict[str, object] = {"path": key.path, "cell": "free" if key.free else "in use"}
            fields |= {f"value.{name}": _shown(name, value, hidden) for name, value in key.values.items()}
            place = (min(key.offset, self._facts.source.size), 0)
            yield self._facts.artefact(_LEFT, {"written": filetime(key.written)}, fields, place=place)

    def _problem(self, offset: int, reason: str) -> Iterator[Problem]:
        shown = self._facts.problem(reason).reason
        size = self._facts.source.size
        yield from self._problems.problem(min(offset, size), 0, shown)

    def _key(self, key: Any, path: str, offset: int) -> Iterator[Artefact | Problem]:
        values, missing = _values(key)
        written = filetime(told(key.get_last_written_time_as_integer) or 0)
        fields: dict[str, object] = {"path": path or "(root)", "class": told(getattr, key, "class_name")}
        hidden = secret(path)
        fields |= {f"value.{name}": _shown(name, value, hidden) for name, value in values.items()}
        place = (min(offset, self._facts.source.size), 0)
        yield self._facts.artefact(_KEY, {"written": written}, fields, place=place)
        if missing:
            yield from self._problem(offset, f"{missing:,} values of the key {path or '(root)'} are not shown")
        for fact in facts_of(Key(path, written, values, self._hive)):
            if isinstance(fact, str):
                yield from self._problem(offset, fact)
                continue
            yield self._facts.artefact(fact.kind, fact.moments, fact.fields, place=place, clock=fact.clock)


def _mark(result: Artefact | Problem) -> int:
    """What two results have in common that say the same."""
    if isinstance(result, Problem):
        return hash(result.reason)
    return hash((result.kind, tuple(result.times.items()), tuple(result.fields.items())))


def _pending(facts: Facts, seen: set[int]) -> Iterator[Artefact | Problem]:
    """What a hive that was in use has once its transaction logs are in, as far as it is not `seen` without them."""
    with_logs = replayed(facts.source)
    if with_logs is None:
        reason = "the hive was not closed, and no transaction log with what it lacks is beside it"
        yield facts.problem(reason, (0, min(_HEADER, facts.source.size)))
        return
    for result in _Hive(facts, with_logs).read():
        if _mark(result) in seen:
            continue
        if isinstance(result, Problem):
            yield result._replace(reason=f"with its transaction logs: {result.reason}")
        else:
            yield result._replace(fields={**result.fields, "held_in": _PENDING})


@dataclass(frozen=True, slots=True)
class RegistryParser:
    """Artefacts `registry.key`: time `written` (UTC); fields path, class, value.NAME (numbers in decimal, lists joined
    by "; ", other data in hexadecimal; never what passwords are kept in). Of single keys also what `_registry_facts`
    gives: the readers of a subject stand in one module each. Artefacts `registry.recovered`: keys that no list leads
    to, deleted or cut off; fields path (from "?" on where its beginning is lost), cell (free, in use), value.NAME. What
    a hive in use has only with its transaction logs follows, with the field `held_in`.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KEY, _LEFT, *KINDS)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the signature; a transaction log has it too, but holds no hive."""
        return head.startswith(_MAGIC) and not name.lower().rstrip("12").endswith(".log")

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every key; see `Parser.parse`."""
        facts, seen = Facts(source, self.name, self.version), set[int]()
        in_use = not closed(source)
        for result in _Hive(facts, source).read():
            if in_use:
                seen.add(_mark(result))
            yield result
        if in_use:
            yield from _pending(facts, seen)


PARSER = RegistryParser()
