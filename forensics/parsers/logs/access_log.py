r"""Access logs of Apache and nginx: common and combined log format, also with the virtual host in front.

The formats are Apache's mod_log_config: "%h %l %u %t \"%r\" %>s %b", the same with referrer and agent, and
either after "%v:%p ". Their times carry an offset, so they are UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from forensics.model import Artefact, Clock, Location, Problem
from forensics.parsers._clock import MONTHS, SECOND, CivilTime, ImpossibleTimeError, offset_seconds, within_hour
from forensics.parsers._contract import ParserInput
from forensics.parsers._lines import INCOMPLETE, Line, head_lines, may_hold, parse_lines

_NAME, _VERSION, _KIND, _STAGE = "access_log", "1", "access.request", "parser access_log"
_WHO, _REQUESTED = ("client", "ident", "user"), ("method", "target", "protocol")
_RESULTS = ("status", "bytes", "referrer", "agent", "rest")
_PLAIN_NAMES = (*_WHO, *_REQUESTED, *_RESULTS[:-1])

_WHEN = r"\[([0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4})\] \""
_PLAIN = re.compile(
    rf"(\S+) (\S+) ([^\s\[]+) {_WHEN}([A-Z]+) ([^\s\"\\]+) (HTTP/[0-9.]+)\" ([0-9]{{3}}) ([0-9]+|-)"
    r" \"([^\"\\]*)\" \"([^\"\\]*)\""
)
"""Nearly every line; it says the same of them as the patterns below, in one go."""

# Two patterns, one after the other, so that a hostile line cannot make them try each other's places.
_WHO_WHEN = re.compile(rf"(\S+) (\S+) (.+?) {_WHEN}")
_WHEN_IN_BYTES = re.compile(rb"/[0-9]{4}:[0-9]{2}:")
_QUOTED = r"([^\"\\]*(?:\\.[^\"\\]*)*)\""
_WHAT = re.compile(rf"{_QUOTED} ([0-9]{{3}}|-) ([0-9]+|-)(?: \"{_QUOTED} \"{_QUOTED})?(?:$| (.*))")
_RESULT = re.compile(r"\" ([0-9]{3}|-) ([0-9]+|-)(?= \"|$)")
_REQUEST = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (.*?)(?: (HTTP/[0-9.]+))?")  # RFC 9110 section 5.6.2: token
_ADDRESS = re.compile(r"[0-9.]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_WITH_PORT = re.compile(r"\S+:[0-9]{1,5}")


def _read_line(line: Line, location: Location) -> Artefact | str:
    """The line as an artefact, or why it is none."""
    text = line.text
    if plain := _PLAIN.fullmatch(text):
        client, ident, user, raw, *what = plain.groups()
        fields = _given(zip(_PLAIN_NAMES, (client, ident, user, *what), strict=True))
    else:
        who_when = _WHO_WHEN.match(text)
        if who_when is None:
            return "not an access log line"
        found = _requested(text, who_when.end())
        if found is None:
            return "an access log line whose request or status is not whole"
        raw, fields = who_when[4], _who(who_when) | found
    try:
        at = _time(raw)
    except ImpossibleTimeError as error:
        return str(error)
    if line.cut:
        fields["cut"] = "true"
    return Artefact(_KIND, location, {"requested": at}, fields, _NAME, _VERSION, Clock.UTC, {"requested": raw})


def _time(raw: str) -> int:
    """Nanoseconds UTC of "13/Jan/2016:19:31:16 +0000"; raises ImpossibleTimeError."""
    return (_hour(raw[:14], raw[21:]) + within_hour(int(raw[15:17]), int(raw[18:20]))) * SECOND


@lru_cache(maxsize=4096)
def _hour(day_and_hour: str, offset: str) -> int:
    """Seconds UTC of the start of the hour "13/Jan/2016:19"."""
    month = MONTHS.get(day_and_hour[3:6])
    if month is None:
        raise ImpossibleTimeError(f"there is no month {day_and_hour[3:6]}")
    civil = CivilTime(int(day_and_hour[7:11]), month, int(day_and_hour[:2]), int(day_and_hour[12:]), 0)
    return civil.epoch_seconds() - offset_seconds(offset)


def _given(pairs: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """The values a server wrote: "-" stands for none."""
    return {name: value for name, value in pairs if value and value != "-"}


def _who(match: re.Match[str]) -> dict[str, str]:
    """Client, ident and user; the first of four words is the virtual host, else the user has a space in it."""
    first, second, rest, _ = match.groups()
    third, _, user = rest.partition(" ")
    if user and (_WITH_PORT.fullmatch(first) or _ADDRESS.fullmatch(second)):
        return _given(zip(("vhost", "client", "ident", "user"), (first, second, third, user), strict=True))
    return _given(zip(_WHO, (first, second, rest), strict=True))


def _requested(text: str, start: int) -> dict[str, str] | None:
    """What follows the quote before the request, or None when it does not hold together."""
    match = _WHAT.match(text, start)
    if match is None:
        return _unescaped(text, start)
    request, status, size, referrer, agent, rest = match.groups()
    fields = _request(request) | _given(zip(_RESULTS, (status, size, referrer, agent, rest), strict=True))
    if rest and referrer is None and rest.startswith('"'):
        fields[INCOMPLETE] = "true"
    return fields


def _unescaped(text: str, start: int) -> dict[str, str] | None:
    """A request with quotes no server escaped: it ends at the last place where status and size can follow."""
    found: re.Match[str] | None = None
    for candidate in _RESULT.finditer(text, start):
        found = candidate
    if found is None:
        return None
    referrer = agent = ""
    if tail := text[found.end() :]:
        if len(tail) < 5 or not tail.endswith('"'):
            return None
        referrer, between, agent = tail[2:-1].partition('" "')
        if not between:
            return None
    values = _given(zip(_RESULTS, (found[1], found[2], referrer, agent, ""), strict=True))
    return _request(text[start : found.start()]) | values | {"unescaped_quotes": "true"}


def _request(request: str) -> dict[str, str]:
    """Method, target and protocol (RFC 9112 section 3), or the whole where it is no request line."""
    match = _REQUEST.fullmatch(request)
    if match is None:
        return _given((("request", request),))
    return _given(zip(_REQUESTED, match.groups(), strict=True))


@dataclass(frozen=True, slots=True)
class AccessLogParser:
    """Requests a web server answered.

    Artefacts `access.request`: time `requested`; fields vhost, client, ident, user, method, target,
    protocol, status, bytes, referrer, agent (what the log gives as "-" is left out), `request` in place of
    the three when it is no request line, `rest` for what a server adds after the agent, `unescaped_quotes`
    when quotes inside made the line readable in more than one way, `incomplete` when
    referrer and agent are not whole (they stand in `rest`), `cut` when the line is longer than is read.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """At least half of the first lines are requests; one is enough when the name says access."""
        if not may_hold(head, _WHEN_IN_BYTES):
            return False
        lines = head_lines(head)
        matching = sum(_WHO_WHEN.match(line) is not None for line in lines)
        return matching > 0 and (2 * matching >= len(lines) or "access" in name.lower())

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every line in the order of the file; see `Parser.parse`."""
        yield from parse_lines(source, _STAGE, _read_line)


PARSER = AccessLogParser()
