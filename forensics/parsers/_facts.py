"""How a parser states what it found: named moments and fields, without what the file does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from forensics.model import Artefact, Clock, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._lines import shown

_TEXT_LIMIT = 8192
_REASON_LIMIT = 400


class Moment(NamedTuple):
    """A time in nanoseconds since 1970 UTC, None where the source says none, and as the source writes it."""

    at: int | None
    written: str


def readable(value: object) -> str:
    """A value as a field: None is "", surrogates are escaped, over 8,192 characters it is cut and says so."""
    text = "" if value is None else str(value).encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= _TEXT_LIMIT else f"{text[:_TEXT_LIMIT]}... ({len(text):,} characters)"


class Facts:
    """Makes the artefacts and problems of one parser; moments without a time and empty fields are left out."""

    def __init__(self, source: ParserInput, name: str, version: str) -> None:
        self.source = source
        self._name, self._version = name, version

    def artefact(
        self,
        kind: str,
        moments: Mapping[str, Moment],
        fields: Mapping[str, object],
        *,
        place: tuple[int, int] | None = None,
        clock: Clock = Clock.UTC,
    ) -> Artefact:
        """An artefact at `place` (offset, length) of the file, or of the whole of it."""
        times = {name: moment.at for name, moment in moments.items() if moment.at is not None}
        raw = {name: moments[name].written for name in times}
        texts = {name: text for name, value in fields.items() if (text := readable(value))}
        location = self.source.at(*(place or (0, self.source.size)))
        return Artefact(kind, location, times, texts, self._name, self._version, clock, raw)

    def problem(self, reason: str, place: tuple[int, int] | None = None) -> Problem:
        """A problem at `place`, or of the whole file; what of the reason cannot be printed is escaped."""
        return Problem(
            self.source.at(*(place or (0, self.source.size))), f"parser {self._name}", shown(reason, _REASON_LIMIT)
        )
