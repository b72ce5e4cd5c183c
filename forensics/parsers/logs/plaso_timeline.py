"""Timelines that Plaso's psort wrote: l2tcsv, dynamic (CSV) and json_line. Somebody else's reading, and marked so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from forensics.model import Artefact, Clock, Problem
from forensics.parsers._clock import FIRST_YEAR, LAST_YEAR, SECOND, CivilTime, ImpossibleTimeError
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Moment
from forensics.parsers._lines import ProblemLimit, head_lines, read_lines, shown
from forensics.parsers._rows import Rows
from forensics.parsers._stated import Stated, iso_time, stated

_NAME, _VERSION, _STAGE, _KIND = "plaso_timeline", "1", "parser plaso_timeline", "plaso.event"
_L2T = "date,time,timezone,MACB,source,sourcetype,type,user,host,short,desc,version,filename,inode,notes,format,extra"
_DYNAMIC = frozenset(("datetime", "timestamp_desc", "message"))
_BEGINNINGS = (b"date,time,timezone,", b'{"__container_type__"', b'{"__type__"')
_JSON_HEAD = re.compile(r'\s*\{.*"(?:__container_type__|__type__)": *"(?:event|AttributeContainer)"')
_L2T_DATE = re.compile(r"(\d\d)/(\d\d)/(\d{4}) (\d\d):(\d\d):(\d\d)", re.ASCII)
_NO_TIME = frozenset(
    ("0", "Not a time", "00/00/0000 --:--:--", "0000-00-00T00:00:00", "0000-00-00T00:00:00.000000+00:00")
)
_FIELDS: Mapping[str, str] = {
    "timestamp_desc": "description", "type": "description", "sourcetype": "source_long", "desc": "message",
    "display_name": "path", "filename": "path", "username": "user", "hostname": "host", "format": "parser",
    "data_type": "data_type", "source": "source", "source_long": "source_long", "source_short": "source",
    "message": "message", "user": "user", "host": "host", "parser": "parser", "inode": "inode", "tag": "tag",
    "notes": "notes", "extra": "extra", "MACB": "macb",
}  # fmt: skip
"""Columns as psort names them, and as we do; of two that mean one thing the first is kept. Others are left out."""
_EARLIEST, _LATEST = CivilTime(FIRST_YEAR, 1, 1, 0, 0), CivilTime(LAST_YEAR, 12, 31, 23, 59, 59)


class _Timeline:
    """One timeline being read."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self._problems = ProblemLimit(source, _STAGE)

    def read(self) -> Iterator[Artefact | Problem]:
        first = next(iter(head_lines(self._source.read_at(0, 4096))), "")
        yield from self._json() if first.lstrip().startswith("{") else self._csv()
        yield from self._problems.summary()

    def _csv(self) -> Iterator[Artefact | Problem]:
        names: list[str] = []
        for offset, length, values in Rows(self._source).read(","):
            if isinstance(values, str):
                yield from self._problems.problem(offset, length, values)
            elif not names:
                names = values
            elif len(values) != len(names):
                reason = f"{len(values)} values for {len(names)} columns: {shown(','.join(values))}"
                yield from self._problems.problem(offset, length, reason)
            else:
                yield from self._event(offset, length, dict(zip(names, values, strict=True)))

    def _json(self) -> Iterator[Artefact | Problem]:
        for line in read_lines(self._source):
            if not line.text.strip():
                continue
            try:
                value = json.loads(line.text, parse_int=str, parse_float=str, parse_constant=str)
            except (ValueError, RecursionError):
                value = None
            if not isinstance(value, dict) or line.cut:
                said = "a line longer than is read" if line.cut else f"no JSON object: {shown(line.text)}"
                yield from self._problems.problem(line.offset, line.length, said)
                continue
            found = {name: item for name, item in value.items() if isinstance(item, str)}
            yield from self._event(line.offset, line.length, found)

    def _event(self, offset: int, length: int, found: Mapping[str, str]) -> Iterator[Artefact | Problem]:
        try:
            at = self._time(found)
        except ImpossibleTimeError as error:
            yield from self._problems.problem(offset, length, f"{error}: {shown(' '.join(found.values()))}")
            return
        fields: dict[str, str] = {}
        for name, ours in _FIELDS.items():
            if found.get(name) not in (None, "", "-"):
                fields.setdefault(ours, found[name])
        times = {} if at is None or at.moment.at is None else {"stated": at.moment.at}
        raw = {} if at is None else {"stated": at.moment.written}
        clock = Clock.UTC if at is None else at.clock
        yield Artefact(_KIND, self._source.at(offset, length), times, fields, _NAME, _VERSION, clock, raw)

    def _time(self, found: Mapping[str, str]) -> Stated | None:
        """The event's time; None where Plaso says that it has none. Raises ImpossibleTimeError."""
        if "timestamp" in found:
            return _microseconds(found["timestamp"])
        written = found.get("datetime") or f"{found.get('date', '')} {found.get('time', '')}"
        if written in _NO_TIME:
            return None
        parts = _L2T_DATE.fullmatch(written)
        if parts is not None:
            month, day, year, hour, minute, second = map(int, parts.groups())
            utc = found.get("timezone", "") in {"UTC", "GMT", "Z"}
            time = CivilTime(year, month, day, hour, minute, second)
            return stated(time, self._source.zone, written, offset="Z" if utc else None)
        at = iso_time(written, self._source.zone)
        if at is None:
            raise ImpossibleTimeError(f"{shown(written, 60)!r} is no time")
        return at


def _microseconds(text: str) -> Stated | None:
    """POSIX time in microseconds, as the JSON lines have it."""
    if text in _NO_TIME:
        return None
    if not re.fullmatch(r"-?\d{1,19}", text, re.ASCII):
        raise ImpossibleTimeError(f"{shown(text, 60)!r} is no number of microseconds")
    at = int(text) * 1000
    if not _EARLIEST.epoch_seconds() * SECOND <= at <= _LATEST.epoch_seconds() * SECOND:
        raise ImpossibleTimeError(f"{text} microseconds are outside {FIRST_YEAR} to {LAST_YEAR}")
    return Stated(Moment(at, text), Clock.UTC)


class _PlasoTimeline:
    """Artefacts `plaso.event`: time `stated`; fields description, message, source, path, user, host, parser and others.

    What Plaso read is told as Plaso's: whether it read it right, the file does not show.
    """

    name = _NAME
    version = _VERSION
    kinds = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the first row of psort's CSV, or the first line of its JSON."""
        if not head.startswith(_BEGINNINGS) and b"timestamp_desc" not in head[:512]:  # spares most files the rest
            return False
        first = next(iter(head_lines(head)), "")
        columns = first.strip().split(",")
        return first.strip() == _L2T or set(columns) >= _DYNAMIC or _JSON_HEAD.match(first) is not None

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every event in the order of the file; see `Parser.parse`."""
        yield from _Timeline(source).read()


PARSER = _PlasoTimeline()
