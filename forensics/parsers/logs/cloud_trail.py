"""Amazon's CloudTrail: records of calls, one JSON object a line, or the object with `Records` the service delivers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from forensics.model import Artefact, Location, Problem
from forensics.parsers._clock import ImpossibleTimeError
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._json_files import JsonError, items, loaded, within, words
from forensics.parsers._lines import Line, parse_lines
from forensics.parsers._stamps import WRITTEN, Stamps

_NAME, _VERSION, _KIND, _STAGE = "cloud_trail", "1", "aws.call", "parser cloud_trail"
_TIME = re.compile(WRITTEN)
_FIELDS = {
    **{"event": ("eventName",), "service": ("eventSource",), "region": ("awsRegion",), "address": ("sourceIPAddress",)},
    **{
        "agent": ("userAgent",),
        "error": ("errorCode",),
        "error_message": ("errorMessage",),
        "read_only": ("readOnly",),
    },
    **{"identifier": ("eventID",), "request": ("requestID",), "account": ("recipientAccountId",)},
    **{"user_type": ("userIdentity", "type"), "user": ("userIdentity", "userName"), "arn": ("userIdentity", "arn")},
    **{"principal": ("userIdentity", "principalId"), "invoked_by": ("userIdentity", "invokedBy")},
    **{"source_identity": ("userIdentity", "sessionContext", "sessionIssuer", "arn")},
    **{"mfa": ("userIdentity", "sessionContext", "attributes", "mfaAuthenticated")},
    **{"login": ("responseElements", "ConsoleLogin"), "event_type": ("eventType",)},
}
"""Of requests and answers nothing more: they may hold keys."""
_ACCESS_KEY = ("userIdentity", "accessKeyId")


class _Trail:
    """One trail being read."""

    def __init__(self, source: ParserInput) -> None:
        self._facts = Facts(source, _NAME, _VERSION)
        self._stamps = Stamps(source.zone)

    def line(self, line: Line, location: Location) -> Artefact | str | None:
        """One record a line."""
        try:
            told = json.loads(line.text, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            return "no JSON object"
        return self.record(told, (line.offset, line.length))

    def record(self, told: Any, place: tuple[int, int]) -> Artefact | str:
        """A call, or why it is none."""
        inner = within(told, "CloudTrailEvent")
        if isinstance(inner, str):  # as `lookup-events` gives them
            try:
                told = json.loads(inner, parse_int=str, parse_float=str)
            except (ValueError, RecursionError):
                return "no JSON object in CloudTrailEvent"
        written = _TIME.fullmatch(words(within(told, "eventTime")))
        if written is None:
            return "no record of a call with a time"
        try:
            stamp = self._stamps.read(written)
        except ImpossibleTimeError as error:
            return str(error)
        fields = {name: words(within(told, *path)) for name, path in _FIELDS.items()}
        key = words(within(told, *_ACCESS_KEY))
        fields["access_key"] = f"{key[:4]}...{key[-4:]}" if len(key) > 12 else ""
        return self._facts.artefact(_KIND, {"called": stamp.moment}, fields, place=place, clock=stamp.clock)


@dataclass(frozen=True, slots=True)
class CloudTrailParser:
    """Artefacts `aws.call`: time `called` (UTC); fields event, service, region, address, agent, user_type, user, arn,
    principal, access_key (its ends), error, login and others. Parameters of calls and answers are not shown.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the words that every record has."""
        start = head.lstrip()[:1] == b"{"
        return start and b'"eventTime' in head.replace(b"\\", b"") and b"eventVersion" in head

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every call in the order of the file; see `Parser.parse`."""
        trail, facts = _Trail(source), Facts(source, self.name, self.version)
        if b'"Records"' not in source.read_at(0, 64):
            yield from parse_lines(source, _STAGE, trail.line)
            return
        try:
            records = list(items(loaded(source).get("Records")))
        except JsonError as error:
            yield facts.problem(str(error))
            return
        for told in records:
            found = trail.record(told, (0, source.size))
            yield facts.problem(found) if isinstance(found, str) else found


PARSER = CloudTrailParser()
