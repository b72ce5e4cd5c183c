"""Safari's cookies, Cookies.binarycookies: names, hosts and times, never values.

Pages follow a table of their lengths; a page holds cookies by offsets. Numbers of the head are big endian, those of
pages little endian; times are seconds since 2001 as doubles.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from forensics.model import Artefact, Problem
from forensics.parsers._clock import SECOND
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._lines import ProblemLimit

_NAME, _VERSION, _KIND, _STAGE = "safari_cookies", "1", "safari.cookie", "parser safari_cookies"
_MAGIC = b"cook"
_PAGE_MAGIC = b"\0\0\1\0"
_HEAD = struct.Struct("<8I")
_TIMES = struct.Struct("<2d")
_TIMES_AT = 40
_PAGES_LIMIT, _PAGE_LIMIT = 65_536, 16 << 20
_SINCE_2001 = 978_307_200
_FLAGS = {1: "secure", 4: "http only"}


def _moment(seconds: float) -> Moment:
    if not 0 < abs(seconds) < 10**11:  # neither NaN, infinity nor none
        return Moment(None, "")
    return Moment(int((Decimal(str(seconds)) + _SINCE_2001) * SECOND), str(seconds))


def _text(cookie: bytes, start: int) -> str:
    if not 0 < start < len(cookie):
        return ""
    return cookie[start:].partition(b"\0")[0].decode("utf-8", "backslashreplace")


class _File:
    """One file being read, page after page."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self._facts = Facts(source, _NAME, _VERSION)
        self._problems = ProblemLimit(source, _STAGE)

    def read(self) -> Iterator[Artefact | Problem]:
        head = self._source.read_at(0, 8)
        count = int.from_bytes(head[4:8], "big")
        if not head.startswith(_MAGIC) or count > _PAGES_LIMIT:
            yield self._facts.problem(f"no cookies of Safari, or more than {_PAGES_LIMIT:,} pages of them")
            return
        table = self._source.read_at(8, 4 * count)
        lengths = [length for (length,) in struct.iter_unpack(">I", table[: len(table) // 4 * 4])]
        if len(lengths) < count:
            yield from self._problems.problem(8, len(table), f"{len(lengths)} of {count} lengths of pages are there")
        at = 8 + 4 * count
        for length in lengths:
            yield from self._page(at, self._source.read_at(at, min(length, _PAGE_LIMIT)), length)
            at += length
        yield from self._problems.summary()

    def _page(self, at: int, page: bytes, length: int) -> Iterator[Artefact | Problem]:
        if len(page) < length or not page.startswith(_PAGE_MAGIC):
            reason = f"a page of {length:,} bytes is not whole, or none"
            yield from self._problems.problem(at, len(page), reason)
        if not page.startswith(_PAGE_MAGIC) or len(page) < 8:
            return
        count = min(int.from_bytes(page[4:8], "little"), (len(page) - 8) // 4)
        for start in struct.unpack_from(f"<{count}I", page, 8):
            yield from self._cookie(at, page, start)

    def _cookie(self, at: int, page: bytes, start: int) -> Iterator[Artefact | Problem]:
        if start + _TIMES_AT + _TIMES.size > len(page):
            yield from self._problems.problem(at, len(page), f"a cookie at {start:,} of a page of {len(page):,} bytes")
            return
        size, _, flags, _, domain, name, path, _ = _HEAD.unpack_from(page, start)
        cookie = page[start : start + size]
        expires, created = _TIMES.unpack_from(page, start + _TIMES_AT)
        fields = {"host": _text(cookie, domain), "name": _text(cookie, name), "path": _text(cookie, path)}
        fields["flags"] = ", ".join(word for bit, word in _FLAGS.items() if flags & bit)
        moments = {"created": _moment(created), "expires": _moment(expires)}
        yield self._facts.artefact(_KIND, moments, fields, place=(at + start, len(cookie)))


@dataclass(frozen=True, slots=True)
class SafariCookiesParser:
    """Artefacts `safari.cookie`: times `created` and `expires`; fields host, name, path, flags. Values are not read."""

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the magic and a first page where the table says it begins."""
        if not head.startswith(_MAGIC) or len(head) < 8:
            return False
        start = 8 + 4 * int.from_bytes(head[4:8], "big")
        return start >= len(head) or head.startswith(_PAGE_MAGIC, start)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every cookie in the order of the file; see `Parser.parse`."""
        yield from _File(source).read()


PARSER = SafariCookiesParser()
