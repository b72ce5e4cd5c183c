"""Opera before version 15: addresses typed (typed_history.xml) and pages visited (global_history.dat)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Problem
from forensics.parsers._clock import SECOND, ImpossibleTimeError
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._lines import Line, ProblemLimit, head_lines, read_lines, shown
from forensics.parsers._stamps import WRITTEN, Stamps

_NAME, _VERSION, _STAGE = "opera_history", "1", "parser opera_history"
_TYPED, _PAGE = "opera.typed", "opera.page"
_SIZE_LIMIT = 16 << 20
_ITEM = re.compile(r"<typed_history_item\s([^<>]{0,65536})>")
_ATTRIBUTE = re.compile(r"([a-z_]{1,32})\s{0,8}=\s{0,8}\"([^\"]*)\"")
_TIME = re.compile(WRITTEN)
_SECONDS, _POPULARITY = re.compile(r"[0-9]{1,12}"), re.compile(r"-?[0-9]{1,12}")


class _History:
    """One file being read."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self._facts = Facts(source, _NAME, _VERSION)
        self._problems = ProblemLimit(source, _STAGE)
        self._stamps = Stamps(source.zone)

    def typed(self) -> Iterator[Artefact | Problem]:
        """Items of typed_history.xml, looked for one by one: no entity of the document is ever expanded."""
        data = self._source.read_at(0, _SIZE_LIMIT)
        if self._source.size > _SIZE_LIMIT:
            yield self._facts.problem(f"only the first {_SIZE_LIMIT:,} bytes were read")
        for item in _ITEM.finditer(data.decode("latin-1")):  # a byte a character, so that places are those of the file
            text = item[1].encode("latin-1").decode("utf-8", "backslashreplace")
            found = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(text)}
            place = item.start(), len(item[0])
            written = _TIME.fullmatch(found.get("last_typed", ""))
            fields = {"address": found.get("content", ""), "type": found.get("type", "")}
            try:
                moments = {"typed": self._stamps.read(written).moment} if written else {}
            except ImpossibleTimeError as error:
                yield from self._problems.problem(*place, str(error))
                moments = {}
            yield self._facts.artefact(_TYPED, moments, fields, place=place)
        yield from self._problems.summary()

    def pages(self) -> Iterator[Artefact | Problem]:
        """Four lines a page: title, address, seconds since 1970, popularity."""
        lines: list[Line] = []
        for line in read_lines(self._source):
            lines.append(line)
            if len(lines) == 4:
                yield from self._page(lines)
                lines = []
        if any(line.text for line in lines):
            yield from self._problems.problem(lines[0].offset, 0, f"{len(lines)} lines are no whole page of four")
        yield from self._problems.summary()

    def _page(self, lines: list[Line]) -> Iterator[Artefact | Problem]:
        title, address, seconds, popularity = (line.text for line in lines)
        place = lines[0].offset, lines[3].offset + lines[3].length - lines[0].offset
        if not _SECONDS.fullmatch(seconds) or not _POPULARITY.fullmatch(popularity):
            yield from self._problems.problem(*place, f"four lines that are no page: {shown(title)}")
            return
        fields = {"title": title if title != address else "", "url": address, "popularity": popularity}
        fields["popularity"] = "" if popularity == "-1" else popularity
        moment = Moment(int(seconds) * SECOND, seconds)
        yield self._facts.artefact(_PAGE, {"last_visited": moment}, fields, place=place)


@dataclass(frozen=True, slots=True)
class OperaHistoryParser:
    """Artefacts `opera.typed`: time `typed`; fields address, type. `opera.page`: time `last_visited`; title, url,
    popularity.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_TYPED, _PAGE)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the element's name, or the file's name and four lines of a page."""
        if b"<typed_history" in head[:512]:
            return True
        if name != "global_history.dat":
            return False
        lines = head_lines(head)
        return len(lines) >= 3 and _SECONDS.fullmatch(lines[2]) is not None

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every entry in the order of the file; see `Parser.parse`."""
        history = _History(source)
        yield from history.typed() if b"<typed_history" in source.read_at(0, 512) else history.pages()


PARSER = OperaHistoryParser()
