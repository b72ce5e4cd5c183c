"""Chrome's cache: an entry a file (simple cache), and the entries of the block files (data_1).

Simple cache: a head with the key; behind the contents an end, then the answer's description, then an end that says how
long that is. The block file's entries are 256 bytes, with the key in them where it is short
enough. Contents are not looked at.
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

_NAME, _VERSION, _KIND, _STAGE = "chrome_cache", "1", "chrome.cached", "parser chrome_cache"
_SIMPLE, _SIMPLE_END = b"\x30\x5c\x72\xa7\x1b\x6d\xfb\xfc", b"\xd8\x41\x0d\x97\x45\x6f\xfa\xf4"
_BLOCKS = b"\xc3\xca\x04\xc1"
_SIMPLE_HEAD, _SIMPLE_TAIL = struct.Struct("<8sIII4x"), struct.Struct("<8sIII")
_ENTRY = struct.Struct("<3I3iQiI4i4II")
_ENTRY_SIZE, _KEY_AT, _BLOCKS_AT = 256, 96, 8192
_KEY_LIMIT, _HEADER_LIMIT = 64 * 1024, 64 * 1024
_SINCE_1601 = 11_644_473_600 * SECOND
_DIGEST = 32
_STATUS = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3})")
_SHOWN = (b"content-type", b"content-length", b"server", b"last-modified", b"content-disposition")


def _webkit(value: int) -> Moment:
    return Moment(value * 1000 - _SINCE_1601 if 0 < value < 1 << 60 else None, str(value))


def _address(key: str) -> str:
    """The address in a key: newer ones begin with what partitions the cache ("1/0/_dk_SITE SITE URL")."""
    return key.rpartition(" ")[2] if "_dk_" in key[:16] else key


def _answer(data: bytes) -> tuple[dict[str, Moment], dict[str, str]]:
    """Times and heads of a pickled HttpResponseInfo: length, flags, two times, heads with NULs between."""
    if len(data) < 28:
        return {}, {}
    request, response, length = struct.unpack_from("<QQI", data, 8)
    heads = data[28 : 28 + min(length, _HEADER_LIMIT)]
    fields = {"status": status[1].decode()} if (status := _STATUS.match(heads)) else {}
    for line in heads.split(b"\0")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() in _SHOWN:
            fields[name.lower().decode().replace("-", "_")] = value.strip().decode("utf-8", "backslashreplace")
    return {"fetched": _webkit(request), "answered": _webkit(response)} if fields else {}, fields


class _Cache:
    """One file being read."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self._facts = Facts(source, _NAME, _VERSION)
        self._problems = ProblemLimit(source, _STAGE)

    def simple(self) -> Iterator[Artefact | Problem]:
        """The one entry of a file of the simple cache."""
        head = self._source.read_at(0, _SIMPLE_HEAD.size)
        if len(head) < _SIMPLE_HEAD.size or not head.startswith(_SIMPLE):
            yield self._facts.problem("not the head of a cached page")
            return
        _, _, length, _ = _SIMPLE_HEAD.unpack(head)
        key = self._source.read_at(_SIMPLE_HEAD.size, min(length, _KEY_LIMIT))
        text = key.decode("utf-8", "backslashreplace")
        moments, fields = _answer(self._description())
        told = {"url": _address(text), "key": text if text != _address(text) else "", **fields}
        yield self._facts.artefact(_KIND, moments, told)
        if len(key) < length:
            yield self._facts.problem(f"the key of a cached page is said to have {length:,} bytes")

    def _description(self) -> bytes:
        """The answer's description before the last end; b"" where there is none."""
        at = self._source.size - _SIMPLE_TAIL.size - 4
        for end in (at, at + 4):  # with the padding of newer versions, and without
            tail = self._source.read_at(end, _SIMPLE_TAIL.size) if end > 0 else b""
            if len(tail) == _SIMPLE_TAIL.size and tail.startswith(_SIMPLE_END):
                _, flags, _, size = _SIMPLE_TAIL.unpack(tail)
                start = end - size - (_DIGEST if flags & 2 else 0)
                return self._source.read_at(start, min(size, _HEADER_LIMIT)) if start > 0 else b""
        return b""

    def blocks(self) -> Iterator[Artefact | Problem]:
        """The entries of a block file; other blocks are passed over."""
        at = _BLOCKS_AT
        while data := self._source.read_at(at, _ENTRY_SIZE * 256):
            for start in range(0, len(data) - _ENTRY_SIZE + 1, _ENTRY_SIZE):
                if found := self._entry(at + start, data[start : start + _ENTRY_SIZE]):
                    yield found
            at += len(data)

    def _entry(self, at: int, data: bytes) -> Artefact | None:
        _, _, _, reused, _, state, created, length, long_key, *rest = _ENTRY.unpack_from(data)
        moment = _webkit(created)
        if moment.at is None or moment.at < 0 or not 0 <= state <= 2 or not 0 < length <= _KEY_LIMIT:
            return None
        key = data[_KEY_AT : _KEY_AT + length].partition(b"\0")[0].decode("utf-8", "backslashreplace")
        if not long_key and (not key.isprintable() or "/" not in key):
            return None
        fields = {"url": _address(key) if not long_key else "", "used_times": str(reused), "size": str(rest[1])}
        fields["state"] = ("", "evicted", "doomed")[state]
        fields["key_elsewhere"] = f"0x{long_key:08x}" if long_key else ""
        return self._facts.artefact(_KIND, {"created": moment}, fields, place=(at, _ENTRY_SIZE))


@dataclass(frozen=True, slots=True)
class ChromeCacheParser:
    """Artefacts `chrome.cached`. Of the simple cache: times `fetched` and `answered`; fields url, key (where it says
    more), status, content_type and other heads of the answer. Of block files: `created`; url, used_times, size, state,
    and key_elsewhere (its block) in place of a url that is longer than 160 bytes.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the magic of either form; of block files only those whose blocks have 256 bytes."""
        if head.startswith(_SIMPLE):
            return True
        return head.startswith(_BLOCKS) and int.from_bytes(head[12:16], "little") == _ENTRY_SIZE

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The entries in the order of the file; see `Parser.parse`."""
        cache = _Cache(source)
        yield from cache.blocks() if source.read_at(0, 4) == _BLOCKS else cache.simple()


PARSER = ChromeCacheParser()
