"""Firefox's cache: an entry a file (cache2, since version 32), and the block files before it (_CACHE_001_ to _003_).

cache2 keeps its description behind the contents: the last four bytes say where. Before it stand hashes of the contents'
chunks. The block files hold descriptions in whole blocks, each with a head of its own. Contents are not looked at.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Problem
from forensics.parsers._clock import SECOND
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._lines import ProblemLimit

_NAME, _VERSION, _KIND, _STAGE = "firefox_cache", "1", "firefox.cached", "parser firefox_cache"
_ENTRY_NAME = re.compile(r"[0-9A-F]{40}")
_BLOCKS_NAME = re.compile(r"_CACHE_00([123])_")
_FOLDER = "cache2/"
_BLOCK_SIZES = {"1": 256, "2": 1024, "3": 4096}
_BITMAPS = (4096, 16384, 32768)
"""Bytes before the blocks, by version."""
_CHUNK = 256 * 1024
_ENTRY = struct.Struct(">7I")
_BLOCK = struct.Struct(">HH8I")
_KEY_LIMIT, _INFO_LIMIT = 64 * 1024, 256 * 1024
_STATUS = re.compile(r"(HTTP/[0-9.]+) ([0-9]{3})")


def _seconds(value: int) -> Moment:
    return Moment(value * SECOND if 0 < value < 0xFFFFFFFF else None, str(value))


def _address(key: str) -> str:
    """The address in a key: behind the last tag of cache2, or behind what the old cache puts before it."""
    for mark in (",:", ":http", ":ftp", "uri="):
        before, found, after = key.partition(mark)
        if found and ("/" not in before or mark == "uri="):
            return after if mark in (",:", "uri=") else mark[1:] + after
    return key.lstrip(":")


def _described(data: bytes) -> dict[str, str]:
    """What of the names and values behind a key is shown: the method and the answer's head, never its cookies."""
    parts = [part.decode("utf-8", "backslashreplace") for part in data.split(b"\0")]
    found = dict(zip(parts[::2], parts[1::2], strict=False))
    head = found.get("response-head") or found.get("original-response-headers", "")
    fields = {"method": found.get("request-method", "")}
    if status := _STATUS.match(head):
        fields["status"] = status[2]
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if name.lower() in ("content-type", "content-length", "server", "last-modified", "content-disposition"):
            fields[name.lower().replace("-", "_")] = value.strip()
    return fields


class _Cache:
    """One file being read."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self._facts = Facts(source, _NAME, _VERSION)
        self._problems = ProblemLimit(source, _STAGE)

    def entry(self) -> Iterator[Artefact | Problem]:
        """The one entry of a file of cache2."""
        size = self._source.size
        told = _FOLDER in self._source.location.path  # elsewhere the name alone says too little to call it damage
        at = int.from_bytes(self._source.read_at(max(size - 4, 0), 4), "big")
        start = at + 4 + 2 * ((at + _CHUNK - 1) // _CHUNK)
        head = self._source.read_at(start, _ENTRY.size) if start + _ENTRY.size <= size else b""
        if len(head) < _ENTRY.size:
            if told:
                yield self._facts.problem("no description of a cached page where the file's last bytes say it is")
            return
        version, count, fetched, modified, _, expires, length = _ENTRY.unpack(head)
        behind = start + _ENTRY.size + (4 if version > 1 else 0)
        if not 1 <= version <= 3 or not 0 < length <= min(_KEY_LIMIT, size - behind):
            if told:
                reason = f"a description of version {version} with a key of {length:,} bytes is not read"
                yield self._facts.problem(reason)
            return
        key = self._source.read_at(behind, length).decode("utf-8", "backslashreplace")
        info = self._source.read_at(behind + length + 1, max(min(size - 4 - behind - length - 1, _INFO_LIMIT), 0))
        place = start, size - 4 - start
        yield self._made((fetched, modified, expires), key, info, place=place, count=count, size=at)

    def _made(
        self, times: tuple[int, int, int], key: str, info: bytes, *, place: tuple[int, int], count: int, size: int
    ) -> Artefact:
        moments = dict(zip(("last_fetched", "modified", "expires"), map(_seconds, times), strict=True))
        fields = {"url": _address(key), "key": key if key != _address(key) else "", "fetched_times": str(count)}
        return self._facts.artefact(_KIND, moments, fields | {"size": str(size)} | _described(info), place=place)

    def blocks(self, size: int) -> Iterator[Artefact | Problem]:
        """Every description in a file of blocks of `size` bytes."""
        first = next((start for start in _BITMAPS if self._block(start, self._source.read_at(start, size))), 0)
        if not first:
            yield self._facts.problem("no description of a cached page where the blocks begin")
            return
        at = first
        while data := self._source.read_at(at, size):
            found = self._block(at, data)
            if found is None:
                at += size
                continue
            artefact, used = found
            yield artefact
            at += (used + size - 1) // size * size
        yield from self._problems.summary()

    def _block(self, at: int, data: bytes) -> tuple[Artefact, int] | None:
        if len(data) < _BLOCK.size:
            return None
        major, minor, _, count, fetched, modified, expires, size, key_size, info_size = _BLOCK.unpack_from(data)
        if major != 1 or not 3 <= minor <= 40 or not 0 < key_size <= _KEY_LIMIT or info_size > _INFO_LIMIT:
            return None
        rest = self._source.read_at(at + _BLOCK.size, key_size + info_size)
        key = rest[:key_size].rstrip(b"\0").decode("utf-8", "backslashreplace")
        if ":" not in key or not key.isprintable():
            return None
        used = _BLOCK.size + len(rest)
        times = fetched, modified, expires
        return self._made(times, key, rest[key_size:], place=(at, used), count=count, size=size), used


@dataclass(frozen=True, slots=True)
class FirefoxCacheParser:
    """Artefacts `firefox.cached`: times `last_fetched`, `modified`, `expires`; fields url, key (where it says more),
    fetched_times, size, method, status, content_type and other heads of the answer.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By name alone: the contents come first, and may be anything."""
        return bool(_ENTRY_NAME.fullmatch(name) or _BLOCKS_NAME.fullmatch(name))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The entries in the order of the file; see `Parser.parse`."""
        cache, blocks = _Cache(source), _BLOCKS_NAME.fullmatch(source.name)
        yield from cache.blocks(_BLOCK_SIZES[blocks[1]]) if blocks else cache.entry()


PARSER = FirefoxCacheParser()
