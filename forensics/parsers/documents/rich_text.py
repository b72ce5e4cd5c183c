"""What RTF documents say of themselves: the info group of Rich Text Format 1.9.1. The text itself is not read."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Problem
from forensics.parsers._clock import CivilTime, ImpossibleTimeError
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._stated import Stated, by_clock, stated

_NAME, _VERSION, _KIND = "rich_text", "1", "rtf.document"
_SIGNATURE = b"{\\rtf"
_HEAD_LIMIT = 1 << 20
_TOKEN = re.compile(
    rb"\\'([0-9a-fA-F]{2})|\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\(.)|([{}])|([^\\{}\r\n]+)|[\r\n]", re.DOTALL
)
_FIELDS = {
    b"title": "title",
    b"subject": "subject",
    b"author": "author",
    b"operator": "last_modified_by",
    b"manager": "manager",
    b"company": "company",
    b"category": "category",
    b"keywords": "keywords",
    b"comment": "comment",
    b"doccomm": "description",
    b"hlinkbase": "hyperlink_base",
}
_NUMBERS = {b"version": "revision", b"edmins": "edited_minutes", b"nofpages": "pages", b"nofwords": "words"}
_TIMES = {b"creatim": "created", b"revtim": "modified", b"printim": "printed", b"buptim": "backed_up"}
_PARTS = (b"yr", b"mo", b"dy", b"hr", b"min", b"sec")


class _Info:
    """The info group, gathered token by token: each group in it has the first control word as its name."""

    def __init__(self, codec: str) -> None:
        self.codec = codec
        self.fields: dict[str, str] = {}
        self.times: dict[str, dict[bytes, int]] = {}
        self.closed = False
        self._depth = 1
        self._name = b""
        self._text: list[str] = []
        self._bytes = bytearray()
        self._parts: dict[bytes, int] = {}
        self._skip = 0

    def take(self, token: re.Match[bytes]) -> None:
        code, word, number, symbol, brace, plain = token.groups()
        if brace:
            self._brace(brace)
        elif word:
            self._word(word, int(number or 0))
        elif code:
            self._add(bytes.fromhex(code.decode("ascii")))
        elif symbol in (b"\\", b"{", b"}"):
            self._add(symbol)
        elif plain:
            self._add(plain)

    def _add(self, data: bytes) -> None:
        self._bytes += data[self._skip :]
        self._skip = max(0, self._skip - len(data))

    def _flushed(self) -> str:
        """The text so far: bytes are decoded together, for characters of two bytes come as two tokens."""
        self._text.append(self._bytes.decode(self.codec, "backslashreplace"))
        self._bytes.clear()
        return "".join(self._text)

    def _brace(self, brace: bytes) -> None:
        self._depth += 1 if brace == b"{" else -1
        if self._depth == 1 and brace == b"}":
            if self._name in _FIELDS:
                self.fields[_FIELDS[self._name]] = (
                    self._flushed().encode("utf-16-le", "surrogatepass").decode("utf-16-le", "backslashreplace").strip()
                )
            elif self._name in _TIMES:
                self.times[_TIMES[self._name]] = self._parts
        if self._depth <= 1 or brace == b"{":
            self._name, self._text, self._parts, self._skip = b"", [], {}, 0
            self._bytes.clear()
        self.closed = self._depth == 0

    def _word(self, word: bytes, number: int) -> None:
        if word == b"u":
            self._flushed()
            self._text.append(chr(number & 0xFFFF))
            self._skip = 1  # the character for readers without Unicode follows
        elif word in _NUMBERS:
            self.fields[_NUMBERS[word]] = str(number)
        elif word in _PARTS:
            self._parts[word] = number
        elif not self._name:
            self._name = word


def _codec(head: bytes) -> str:
    page = re.search(rb"\\ansicpg(\d{1,5})", head[:4096])
    name = f"cp{page[1].decode('ascii')}" if page else "cp1252"
    try:
        return codecs.lookup({"cp65001": "utf-8"}.get(name, name)).name
    except LookupError:
        return "cp1252"


def _time(parts: dict[bytes, int], facts: Facts) -> Stated:
    """The time of a group of parts. Raises ImpossibleTimeError."""
    year, month, day, hour, minute, second = (parts.get(name, 0) for name in _PARTS)
    written = f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
    return stated(CivilTime(year, month, day, hour, minute, second), facts.source.zone, written)


@dataclass(frozen=True, slots=True)
class RichTextParser:
    """Artefacts `rtf.document`: times created, modified, printed, backed_up (local, to the minute); fields title,
    author, last_modified_by, company, revision and others.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the signature."""
        return head.startswith(_SIGNATURE)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The document; nothing for one without an info group in its first mebibyte. See `Parser.parse`."""
        facts, head = Facts(source, self.name, self.version), source.read_at(0, _HEAD_LIMIT)
        start = head.find(b"{\\info")
        if start < 0:
            return
        info = _Info(_codec(head))
        for token in _TOKEN.finditer(head, start + len(b"{\\info")):
            info.take(token)
            if info.closed:
                break
        times: dict[str, Stated] = {}
        for name, parts in info.times.items():
            try:
                times[name] = _time(parts, facts)
            except ImpossibleTimeError as error:
                yield facts.problem(f"the time {name} is impossible: {error}")
        if times or info.fields:
            yield from by_clock(facts, _KIND, times, info.fields)
        if not info.closed:
            yield facts.problem("the group that describes the document has no end")


PARSER = RichTextParser()
