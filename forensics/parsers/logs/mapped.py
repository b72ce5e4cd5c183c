"""Logs in CSV and JSON lines, read as the examiner's mapping says (`_mapping`). Without one nothing is read as such."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from forensics.model import Artefact, Clock, Problem
from forensics.parsers._clock import (
    FIRST_YEAR,
    LAST_YEAR,
    SECOND,
    CivilTime,
    ImpossibleTimeError,
    LocalClock,
    nanoseconds,
    offset_seconds,
)
from forensics.parsers._contract import ParserInput
from forensics.parsers._lines import INCOMPLETE, ProblemLimit, read_lines, shown
from forensics.parsers._rows import Rows
from forensics.parsers.logs._mapping import UNITS, LogMapping

_NAME, _VERSION, _STAGE = "mapped", "1", "parser mapped"
_ROW, _RECORD = "csv.row", "json.record"
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?)?\s*(Z|z|[+-]\d\d:?\d\d)?", re.ASCII
)
_NUMBER = re.compile(r"(-?\d{1,20})(?:\.(\d{1,20}))?", re.ASCII)
_DEPTH = 32
_EARLIEST = int(timedelta(days=-134_774).total_seconds())  # 1601-01-01
_LATEST = int((datetime(LAST_YEAR + 1, 1, 1) - datetime(1970, 1, 1)).total_seconds())  # noqa: DTZ001 - both UTC


class _Times:
    """Times of one log, as its mapping says they are written."""

    def __init__(self, mapping: LogMapping, source: ParserInput) -> None:
        self._format = mapping.time_format
        self._local = LocalClock(mapping.zone or source.zone)

    def read(self, text: str) -> tuple[int, Clock]:
        """Nanoseconds UTC and the clock; ImpossibleTimeError says what is wrong."""
        text = text.strip()
        if self._format in UNITS:
            return self._number(text), Clock.UTC
        if self._format == "iso":
            return self._iso(text)
        try:
            found = datetime.strptime(text, self._format)  # noqa: DTZ007 - the zone is looked at below
        except (ValueError, OverflowError) as error:
            raise ImpossibleTimeError(f"{shown(text, 60)!r} is not written as {self._format!r}") from error
        offset = found.utcoffset()
        civil = CivilTime(found.year, found.month, found.day, found.hour, found.minute, found.second)
        return self._placed(civil, found.microsecond * 1000, None if offset is None else int(offset.total_seconds()))

    def _number(self, text: str) -> int:
        match = _NUMBER.fullmatch(text)
        if match is None:
            raise ImpossibleTimeError(f"{shown(text, 60)!r} is no number of {self._format}")
        unit = UNITS[self._format]
        fraction = int((match[2] or "0").ljust(20, "0")[:20]) * unit // 10**20
        at = int(match[1]) * unit + (-fraction if match[1].startswith("-") else fraction)
        if not _EARLIEST * SECOND <= at < _LATEST * SECOND:
            raise ImpossibleTimeError(f"{text} {self._format} is outside {FIRST_YEAR} to {LAST_YEAR}")
        return at

    def _iso(self, text: str) -> tuple[int, Clock]:
        match = _ISO.fullmatch(text)
        if match is None:
            raise ImpossibleTimeError(f"{shown(text, 60)!r} is no time in ISO 8601")
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
        offset = offset_seconds(match[8]) if match[8] else None
        return self._placed(CivilTime(year, month, day, hour, minute, second), nanoseconds(match[7]), offset)

    def _placed(self, civil: CivilTime, fraction: int, offset: int | None) -> tuple[int, Clock]:
        if offset is not None:
            return (civil.epoch_seconds() - offset) * SECOND + fraction, Clock.UTC
        civil.epoch_seconds()
        start = self._local.minute(CivilTime(*civil[:5]))
        return (start.seconds + civil.second) * SECOND + fraction, self._local.clock


def _flat(value: Mapping[str, Any], prefix: str = "", depth: int = _DEPTH) -> Iterator[tuple[str, str]]:
    """Dotted names and texts of a JSON object; lists, and what is nested too deep, stand as JSON."""
    for name, item in value.items():
        if isinstance(item, dict) and item and depth:
            yield from _flat(item, f"{prefix}{name}.", depth - 1)
        elif item is not None:
            yield prefix + name, item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)


class _Reader:
    """One log being read."""

    def __init__(self, mapping: LogMapping, source: ParserInput) -> None:
        self._mapping, self._source = mapping, source
        self._times = _Times(mapping, source)
        self._problems = ProblemLimit(source, _STAGE)

    def read(self) -> Iterator[Artefact | Problem]:
        yield from self._csv() if self._mapping.format == "csv" else self._json()
        yield from self._problems.summary()

    def _csv(self) -> Iterator[Artefact | Problem]:
        names: Sequence[str] = self._mapping.columns
        for offset, length, values in Rows(self._source).read(self._mapping.delimiter):
            if isinstance(values, str):
                yield from self._problems.problem(offset, length, values)
            elif not any(values):
                continue
            elif not names:
                names = [value.strip() for value in values]
                if self._mapping.time_column not in names:
                    reason = f"the first row does not name {self._mapping.time_column!r}: {shown(','.join(names))}"
                    yield from self._problems.problem(offset, length, reason)
                    return
            else:
                yield from self._row(offset, length, names, values)

    def _row(
        self, offset: int, length: int, names: Sequence[str], values: Sequence[str]
    ) -> Iterator[Artefact | Problem]:
        found = dict(zip(names, values, strict=False))
        if len(values) != len(names):
            found[INCOMPLETE] = "yes"
            reason = f"{len(values)} values for {len(names)} columns"
            yield from self._problems.problem(offset, length, reason)
            if len(values) > len(names):
                found["rest"] = self._mapping.delimiter.join(values[len(names) :])
        yield from self._artefact(_ROW, offset, length, found)

    def _json(self) -> Iterator[Artefact | Problem]:
        for line in read_lines(self._source):
            if not line.text.strip():
                continue
            try:
                value = json.loads(line.text, parse_int=str, parse_float=str, parse_constant=str)
                found = dict(_flat(value)) if isinstance(value, dict) else None
            except (ValueError, RecursionError):
                found = None
            if found is None or line.cut:
                said = "a line longer than is read" if line.cut else f"no JSON object: {shown(line.text)}"
                yield from self._problems.problem(line.offset, line.length, said)
                continue
            yield from self._artefact(_RECORD, line.offset, line.length, found)

    def _artefact(self, kind: str, offset: int, length: int, found: Mapping[str, str]) -> Iterator[Artefact | Problem]:
        written = found.get(self._mapping.time_column, "")
        try:
            at, clock = self._times.read(written)
        except ImpossibleTimeError as error:
            yield from self._problems.problem(offset, length, f"{error}: {shown(' '.join(found.values()))}")
            return
        known = self._mapping.fields
        fields = {known.get(name, name): value for name, value in found.items() if value and name}
        fields.pop(self._mapping.time_column, None)
        fields["log"] = self._mapping.label
        place = self._source.at(offset, length)
        yield Artefact(kind, place, {"logged": at}, fields, _NAME, _VERSION, clock, {"logged": written})


@dataclass(frozen=True, slots=True)
class MappedParser:
    """Rows of CSV (RFC 4180) and JSON lines, by the mappings given; the first that wants a file's name reads it.

    Artefacts `csv.row` and `json.record`: time `logged`; fields `log` (the mapping's label) and every column that holds
    something, by the mapping's name or its own, names inside JSON dotted. A row without a time that can be read, with
    too few or too many values, or that is none, is a problem.
    """

    mappings: tuple[LogMapping, ...] = ()
    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_ROW, _RECORD)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the file's name alone: the examiner has said what it is."""
        return self._mapping(name) is not None

    def _mapping(self, name: str) -> LogMapping | None:
        return next((mapping for mapping in self.mappings if mapping.wants(name)), None)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every row in the order of the file; see `Parser.parse`."""
        mapping = self._mapping(source.name)
        if mapping is None:
            yield Problem(source.location, _STAGE, "no mapping says how this file is to be read")
            return
        yield from _Reader(mapping, source).read()


PARSER = MappedParser()
