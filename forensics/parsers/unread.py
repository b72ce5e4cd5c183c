"""Formats that are known and not read: each is a problem, so that nobody takes silence for nothing found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Problem
from forensics.parsers._contract import ParserInput

_NAME, _VERSION = "unread", "1"
_FORMATS = ((re.compile(rb"\0\x10\0\0\x11\0\0\0"), "the unified log of macOS and iOS (tracev3)", ".tracev3"),)
"""Signature, what it is, how such files are named."""


def _format(head: bytes, name: str) -> str:
    return next((what for start, what, ending in _FORMATS if start.match(head) and name.endswith(ending)), "")


@dataclass(frozen=True, slots=True)
class UnreadParser:
    """No artefacts; one problem that names the format."""

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = ()

    def accepts(self, head: bytes, name: str) -> bool:
        """By signature and name."""
        return bool(_format(head, name))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The problem; see `Parser.parse`."""
        what = _format(source.read_at(0, 16), source.name) or "the file"
        yield Problem(source.location, f"parser {self.name}", f"{what} is not read")


PARSER = UnreadParser()
