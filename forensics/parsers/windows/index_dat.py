"""index.dat of Internet Explorer 4 to 9: cached files, cookies and histories, through libmsiecf."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pymsiecf

from forensics.model import Artefact, Clock, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._lines import ProblemLimit
from forensics.parsers._stated import Stated, by_clock, local_moment
from forensics.parsers._windows import UnreadableError, dos_time, filetime, opened, told
from forensics.parsers.windows._headers import shown_headers

_NAME, _VERSION = "index_dat", "1"
_MAGIC = b"Client UrlCache MMF Ver "
_CACHE, _COOKIE, _VISIT, _OTHER, _REDIRECT, _LEAK = (
    "msie.content", "msie.cookie", "msie.visit", "msie.entry", "msie.redirect", "msie.leak",
)  # fmt: skip
_DAILY, _WEEKLY = "history-daily", "history-weekly"
_KINDS = {"cache": _CACHE, "cookie": _COOKIE, "history": _VISIT, _DAILY: _VISIT, _WEEKLY: _VISIT}
_NAMES: Mapping[str, tuple[str, str]] = {
    "cache": ("accessed", "modified"),
    "cookie": ("accessed", "modified"),
    "history": ("visited", "modified"),
    _DAILY: ("visited", "visited_local"),
    _WEEKLY: ("created", "visited_local"),
}
"""Type of a record -> what its two times are."""
_LOCAL = "visited_local"
_ITEMS_LIMIT = 1_000_000


def _times(item: Any, kind: str, facts: Facts) -> dict[str, Stated]:
    """Of histories by day or week the second time is local time; the other times are UTC."""
    first, second = _NAMES.get(kind, ("primary", "secondary"))
    moments = {
        first: filetime(told(item.get_primary_time_as_integer) or 0),
        second: filetime(told(item.get_secondary_time_as_integer) or 0),
        "checked": dos_time(told(item.get_last_checked_time_as_integer) or 0),
        "expires": dos_time(told(item.get_expiration_time_as_integer) or 0),
    }
    return {
        name: local_moment(moment, facts.source.zone) if name == _LOCAL else Stated(moment, Clock.UTC)
        for name, moment in moments.items()
        if moment.at is not None
    }


class _Cache:
    """One file: its items in its order, then those left over from before."""

    def __init__(self, facts: Facts, file: Any) -> None:
        self._facts, self._file = facts, file
        self._problems = ProblemLimit(facts.source, f"parser {_NAME}")
        folders: list[bytes] = list(told(getattr, file, "cache_directories") or ())
        self._folders = [name.decode("ascii", "backslashreplace") for name in folders]

    def read(self) -> Iterator[Artefact | Problem]:
        for count, get, recovered in (
            (told(getattr, self._file, "number_of_items"), self._file.get_item, ""),
            (told(getattr, self._file, "number_of_recovered_items"), self._file.get_recovered_item, "true"),
        ):
            for number in range(min(count or 0, _ITEMS_LIMIT)):
                yield from self._item(told(get, number), recovered)
        yield from self._problems.summary()

    def _item(self, item: Any, recovered: str) -> Iterator[Artefact | Problem]:
        offset = None if item is None else told(getattr, item, "offset")
        if offset is None:
            yield from self._problems.problem(0, 0, "an item cannot be read")
            return
        more: dict[str, object] = {"recovered": recovered}
        place = (min(offset, self._facts.source.size), 0)
        if isinstance(item, pymsiecf.url):
            yield from self._url(item, place, more)
        elif isinstance(item, pymsiecf.redirected):
            fields = {"url": told(getattr, item, "location"), **more}
            yield self._facts.artefact(_REDIRECT, {}, fields, place=place)
        elif isinstance(item, pymsiecf.leak):
            yield self._facts.artefact(_LEAK, {}, {**self._cached(item), **more}, place=place)

    def _cached(self, item: Any) -> dict[str, object]:
        index = told(getattr, item, "cache_directory_index")
        folder = self._folders[index] if index is not None and 0 <= index < len(self._folders) else ""
        name = told(getattr, item, "filename")
        size = told(getattr, item, "cached_file_size")
        return {"file": f"{folder}\\{name}" if name and folder else name, "size": size or ""}

    def _url(self, item: Any, place: tuple[int, int], more: dict[str, object]) -> Iterator[Artefact]:
        kind = told(getattr, item, "type") or ""
        data = told(getattr, item, "data") or b""
        fields = {
            "url": told(getattr, item, "location"),
            **self._cached(item),
            "hits": told(getattr, item, "number_of_hits"),
            "type": kind,
            "headers": shown_headers(data) if kind == "cache" and data.startswith(b"HTTP") else "",
        }
        times = _times(item, kind, self._facts)
        yield from by_clock(self._facts, _KINDS.get(kind, _OTHER), times, {**fields, **more}, place)


@dataclass(frozen=True, slots=True)
class IndexDatParser:
    """Artefacts `msie.content`, `msie.cookie` (times accessed, modified), `msie.visit` (visited, modified, created,
    visited_local), `msie.entry` (primary, secondary), all with checked and expires to two seconds; fields url, file,
    size, hits, type, headers, recovered. Artefacts `msie.redirect` (url), `msie.leak` (file, size).
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_CACHE, _COOKIE, _VISIT, _OTHER, _REDIRECT, _LEAK)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the signature."""
        return head.startswith(_MAGIC)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Items in the order of the file; see `Parser.parse`."""
        facts = Facts(source, self.name, self.version)
        try:
            with opened(pymsiecf.file, source) as file:
                yield from _Cache(facts, file).read()
        except UnreadableError as error:
            yield facts.problem(f"the cache file cannot be read: {error}")


PARSER = IndexDatParser()
