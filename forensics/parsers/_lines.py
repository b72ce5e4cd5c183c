"""Text logs as lines with their places, whatever the bytes: bounded memory, nothing dropped in silence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from forensics.model import Artefact, Location, Problem
from forensics.parsers._contract import ParserInput

LINE_LIMIT = 64 * 1024
"""Bytes of one line that are read; the rest of a longer line is a problem with its place."""

UNPARSED_LIMIT = 1000
"""Problems reported one by one for a file; the rest are one summary with their count and range."""

INCOMPLETE = "incomplete"
"""A field that says that part of a line could not be read; the line is then a problem as well."""

_BLOCK = 1024 * 1024
_SHOWN = 200
_HEAD_LINES = 32


class Line(NamedTuple):
    """One line: its place in bytes without the line end (LF or CR LF), and the text as far as it is read.

    Bytes that are not of the file's encoding stand in `text` as backslashreplace. `cut` says that
    the line is longer than `LINE_LIMIT`. A run of NUL bytes is a line of its own, whose text is NULs.
    """

    offset: int
    length: int
    text: str
    cut: bool = False


def shown(text: str, limit: int = _SHOWN) -> str:
    """The first `limit` characters of `text` on one line, what cannot be printed as backslash escapes."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text[:limit]
    )


class _Encoding(NamedTuple):
    name: str
    start: int  # bytes of the byte order mark
    newline: bytes
    carriage_return: bytes

    def decode(self, piece: bytes) -> str:
        return piece[:LINE_LIMIT].decode(self.name, "backslashreplace")


def _encoding(head: bytes) -> _Encoding:
    """By the byte order mark; text without one is read as UTF-8."""
    if head.startswith(b"\xff\xfe"):
        return _Encoding("utf-16-le", 2, b"\n\0", b"\r\0")
    if head.startswith(b"\xfe\xff"):
        return _Encoding("utf-16-be", 2, b"\0\n", b"\0\r")
    return _Encoding("utf-8", 3 if head.startswith(b"\xef\xbb\xbf") else 0, b"\n", b"\r")


def _split(block: bytes, newline: bytes) -> list[bytes]:
    if len(newline) == 1:
        return block.split(newline)
    pieces, start, found = [], 0, block.find(newline)
    while found >= 0:
        if found % 2:  # the two halves belong to neighbouring characters
            found = block.find(newline, found + 1)
            continue
        pieces.append(block[start:found])
        start = found + 2
        found = block.find(newline, start)
    return [*pieces, block[start:]]


def _leading_nuls(piece: bytes, encoding: _Encoding) -> int:
    """How many NULs a piece of UTF-8 starts with (a write whose data never reached the disk)."""
    return len(piece) - len(piece.lstrip(b"\0")) if len(encoding.newline) == 1 else 0


def _as_lines(offset: int, piece: bytes, encoding: _Encoding) -> Iterator[Line]:
    """`piece` as one line without its carriage return, its leading NULs as another."""
    if nuls := _leading_nuls(piece, encoding):
        yield Line(offset, nuls, "\0")
        offset, piece = offset + nuls, piece[nuls:]
    piece = piece.removesuffix(encoding.carriage_return)
    yield Line(offset, len(piece), encoding.decode(piece), len(piece) > LINE_LIMIT)


def _end_of_line(source: ParserInput, position: int, encoding: _Encoding) -> tuple[int, int]:
    """Where the line that goes on at `position` ends, and where the next one starts."""
    while block := source.read_at(position, _BLOCK):
        pieces = _split(block, encoding.newline)
        if len(pieces) > 1:
            end = position + len(pieces[0])
            return end, end + len(encoding.newline)
        position += len(block)
    return position, position


def read_lines(source: ParserInput) -> Iterator[Line]:
    """Every line of a file in order, blank ones included, in memory of about three blocks (3 MiB).

    A byte order mark decides UTF-16; anything else is read as UTF-8.
    """
    encoding = _encoding(source.read_at(0, 3))
    name, carriage_return, width = encoding.name, encoding.carriage_return, len(encoding.newline)
    offset = position = encoding.start
    rest = b""
    while block := source.read_at(position, _BLOCK):
        position += len(block)
        pieces = _split(rest + block, encoding.newline)
        rest = pieces.pop()
        for piece in pieces:
            length = len(piece)
            if length > LINE_LIMIT or piece[:1] == b"\0" or piece.endswith(carriage_return):
                yield from _as_lines(offset, piece, encoding)
            else:
                yield Line(offset, length, piece.decode(name, "backslashreplace"))
            offset += length + width
        if len(rest) > LINE_LIMIT and (nuls := _leading_nuls(rest, encoding)):
            yield Line(offset, nuls, "\0")
            offset, rest = offset + nuls, rest[nuls:]
        if len(rest) > LINE_LIMIT:
            end, following = _end_of_line(source, position, encoding)
            yield Line(offset, end - offset, encoding.decode(rest), cut=True)
            offset = position = following
            rest = b""
    if rest:
        yield from _as_lines(offset, rest, encoding)


def _joined(lines: Iterator[Line], begins: Callable[[str], object]) -> Iterator[Line]:
    """Lines that begin nothing as part of the one above; beyond `LINE_LIMIT` bytes their text is left out (`cut`)."""
    first: Line | None = None
    texts: list[str] = []
    end, cut = 0, False
    for line in lines:
        begun = begins(line.text)
        if begun or first is None or first.text == "\0" or line.text[:1] == "\0":
            if first is not None:
                yield Line(first.offset, end - first.offset, "\n".join(texts), cut)
            first, texts, end, cut = line, [line.text], line.offset + line.length, line.cut
        elif line.text and not line.text.isspace():
            end = line.offset + line.length
            cut = cut or end - first.offset > LINE_LIMIT
            if not cut:
                texts.append(line.text)
    if first is not None:
        yield Line(first.offset, end - first.offset, "\n".join(texts), cut)


def may_hold(head: bytes, pattern: re.Pattern[bytes]) -> bool:
    """Whether a line of `head` can hold `pattern` (ASCII): a look at the bytes, which spares most files `head_lines`.

    The pattern may begin with no digit or letter that follows undecodable bytes, whose escapes hold such too.
    """
    return _encoding(head).newline != b"\n" or pattern.search(head) is not None


def head_lines(head: bytes) -> list[str]:
    """The first lines of a file's head that hold text, without the last one when it may be cut off."""
    encoding = _encoding(head)
    pieces = _split(head[encoding.start :], encoding.newline)[: _HEAD_LINES + 1]
    if len(pieces) > 1:
        pieces.pop()
    lines = [encoding.decode(piece).strip("\0") for piece in pieces]
    return [line for line in lines if line.strip()]


class ProblemLimit:
    """Gives problems one by one up to `UNPARSED_LIMIT` for a file, then counts, and ends with a summary."""

    def __init__(self, source: ParserInput, stage: str) -> None:
        self._source = source
        self._stage = stage
        self._given = 0
        self._held = 0
        self._first = self._end = 0

    def problem(self, offset: int, length: int, reason: str) -> Iterator[Problem]:
        """The problem with these bytes, or nothing once the limit is reached (it is then counted)."""
        if self._given < UNPARSED_LIMIT:
            self._given += 1
            yield Problem(self._source.at(offset, length), self._stage, reason)
            return
        if not self._held:
            self._first = offset
        self._held += 1
        self._end = max(self._end, offset + length)

    def summary(self) -> Iterator[Problem]:
        """One problem for all that were only counted, over the bytes from the first to the last of them."""
        if self._held:
            reason = f"{self._held:,} more problems within these bytes, after {UNPARSED_LIMIT:,} reported one by one"
            yield Problem(self._source.at(self._first, self._end - self._first), self._stage, reason)


def parse_lines(
    source: ParserInput,
    stage: str,
    read_line: Callable[[Line, Location], Artefact | str | None],
    begins: Callable[[str], object] | None = None,
) -> Iterator[Artefact | Problem]:
    """Each line that holds text through `read_line`, which gives an artefact, why there is none, or None
    for a line that only says how others are to be read.

    With `begins` a line that it denies goes on from the one above, its text behind a line feed; blank ones fall away.
    The part of a line beyond `LINE_LIMIT`, runs of NUL bytes and lines that give no artefact are
    problems; their place is that of the raw bytes.
    """
    problems = ProblemLimit(source, stage)
    home = source.location
    exhibit, volume, path, raw_path = home.exhibit, home.volume, home.path, home.raw_path
    meta, stream = home.meta, home.stream
    lines = read_lines(source)
    for line in lines if begins is None else _joined(lines, begins):
        offset, length, text, cut = line
        if not text or text.isspace():
            continue
        if not text.strip("\0"):
            yield from problems.problem(offset, length, f"{length:,} NUL bytes in place of text")
            continue
        found = read_line(line, Location(exhibit, volume, path, raw_path, meta, stream, offset, length))
        if found is None:
            continue
        if isinstance(found, str):
            yield from problems.problem(offset, length, f"{found}: {shown(text)}")
            continue
        yield found
        if INCOMPLETE in found.fields:
            yield from problems.problem(offset, length, f"not all of the line could be read: {shown(text)}")
        if cut:
            reason = f"line of {length:,} bytes: only the first {LINE_LIMIT:,} were read"
            yield from problems.problem(offset + LINE_LIMIT, length - LINE_LIMIT, reason)
    yield from problems.summary()
