"""Messages of Discord, as its service answers and applications keep the answer: a JSON list of messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Problem
from forensics.parsers._clock import ImpossibleTimeError
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._json_files import SIZE_LIMIT, items, within, words
from forensics.parsers._stamps import WRITTEN, Stamps

_NAME, _VERSION, _KIND = "discord_messages", "1", "discord.message"
_TIME = re.compile(WRITTEN)
_FIRST = re.compile(rb'\[\s*\{\s*"')
_MARKS = (b'"channel_id"', b'"author"', b'"content"')


class _Messages:
    """One answer being read."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self._facts = Facts(source, _NAME, _VERSION)
        self._stamps = Stamps(source.zone)

    def read(self) -> Iterator[Artefact | Problem]:
        if self._source.size > SIZE_LIMIT:
            yield self._facts.problem(
                f"messages of {self._source.size:,} bytes: no more than {SIZE_LIMIT:,} are loaded"
            )
            return
        try:
            data = self._source.read_at(0, self._source.size).decode("utf-8", "backslashreplace")
            told = json.loads(data, parse_int=str, parse_float=str)
        except ValueError as error:
            yield self._facts.problem(f"no JSON: {error}")
            return
        except RecursionError:
            yield self._facts.problem("JSON nested too deep")
            return
        for item in items(told):
            if "channel_id" not in item:
                continue
            fields = {"text": words(item.get("content")), "from": words(within(item, "author", "username"))}
            fields |= {"from_id": words(within(item, "author", "id")), "channel": words(item.get("channel_id"))}
            fields |= {"identifier": words(item.get("id"))}
            attached = [words(part.get("filename")) for part in items(item.get("attachments"))]
            called = [words(within(part, "username")) for part in items(item.get("mentions"))]
            fields |= {"attachments": "; ".join(attached), "mentions": "; ".join(called)}
            try:
                moments = {
                    "sent": self._moment(item.get("timestamp")),
                    "edited": self._moment(item.get("edited_timestamp")),
                }
            except ImpossibleTimeError as error:
                yield self._facts.problem(str(error))
                moments = {}
            yield self._facts.artefact(_KIND, moments, fields)

    def _moment(self, value: object) -> Moment:
        match = _TIME.fullmatch(words(value))
        return self._stamps.read(match).moment if match else Moment(None, "")


@dataclass(frozen=True, slots=True)
class DiscordMessagesParser:
    """Artefacts `discord.message`: times `sent` and `edited` (UTC); fields text, from, from_id, channel, identifier,
    attachments, mentions.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the words that every message has."""
        return _FIRST.match(head) is not None and all(mark in head for mark in _MARKS)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every message in the order of the file; see `Parser.parse`."""
        yield from _Messages(source).read()


PARSER = DiscordMessagesParser()
