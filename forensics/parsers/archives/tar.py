"""What tar archives hold: ustar and pax (POSIX.1-2001), GNU's and the old ones. Nothing is unpacked.

By our own code: the standard library's keeps every member and takes the memory that a header claims.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from forensics.model import Artefact, Problem
from forensics.parsers._clock import SECOND, nanoseconds
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment

_NAME, _VERSION, _KIND = "tar", "1", "tar.member"
_BLOCK = 512
_RECORD_LIMIT = 1 << 20
_SKIP_LIMIT = 1 << 20
_TYPES = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",
    b"1": "hard link",
    b"2": "link",
    b"3": "character device",
    b"4": "block device",
    b"5": "directory",
    b"6": "fifo",
    b"S": "sparse file",
    b"D": "directory listing",
    b"M": "continued file",
    b"V": "volume label",
}
_LONG_NAME, _LONG_LINK, _EXTENDED, _GLOBAL = b"L", b"K", b"x", b"g"
_EMPTY = frozenset((b"1", b"2", b"3", b"4", b"5", b"6"))
"""Types without contents; some writers give links the size of their target."""
_SPARSE, _SPARSE_SIZE, _SPARSE_MORE, _EXTENSION_MORE = b"S", slice(483, 495), 482, 504  # GNU tar's manual
_HIGH = bytes(range(128, 256))
_PAX_TIMES = {"mtime": "modified", "atime": "accessed", "ctime": "changed", "LIBARCHIVE.creationtime": "created"}


class _DamagedError(ValueError):
    """A header that cannot be one; `str()` says why."""


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def _number(data: bytes) -> int:
    """A number in octal digits, or in GNU's base 256. Raises _DamagedError."""
    if data[0] & 0x80:
        return int.from_bytes(bytes((data[0] & 0x7F, *data[1:])), "big") - (
            1 << 8 * len(data) - 1 if data[0] & 0x40 else 0
        )
    digits = data.partition(b"\0")[0].strip()
    try:
        return int(digits or b"0", 8)
    except ValueError as error:
        raise _DamagedError(f"{digits!r} is no octal number") from error


def _sums(block: bytes) -> tuple[int, int]:
    """The sum of a header's bytes, its checksum taken as blanks, of unsigned and of signed bytes."""
    rest = block[:148] + b" " * 8 + block[156:]
    return sum(rest), sum(rest) - 256 * (len(rest) - len(rest.translate(None, _HIGH)))


def is_header(block: bytes) -> bool:
    """Whether 512 bytes are a member's header, by their checksum."""
    try:
        return len(block) == _BLOCK and any(block) and _number(block[148:156]) in _sums(block)
    except _DamagedError:
        return False


def _pax_time(text: str) -> Moment | None:
    """Seconds since 1970 with a fraction; None for other text."""
    whole, _, fraction = text.partition(".")
    if not whole.removeprefix("-").isdecimal() or len(whole) > 18 or not (fraction or "0").isdecimal():
        return None
    below = nanoseconds(fraction)
    return Moment(int(whole) * SECOND + (-below if whole.startswith("-") else below), text)


def _records(data: bytes) -> dict[str, str]:
    """The records of a pax header, each its length, a keyword and a value. Raises _DamagedError."""
    found, at = {}, 0
    while at < len(data) and data[at : at + 1] != b"\0":
        digits, _, _ = data[at : at + 12].partition(b" ")
        if not digits.isdigit() or not 0 < int(digits) <= len(data) - at:
            raise _DamagedError(f"a record of an extended header is damaged: {data[at : at + 12]!r}")
        keyword, _, value = data[at + len(digits) + 1 : at + int(digits) - 1].partition(b"=")
        found[keyword.decode("utf-8", "backslashreplace")] = value.decode("utf-8", "backslashreplace")
        at += int(digits)
    return found


@dataclass(slots=True)
class _Said:
    """What headers before a member's own say of it; `always` is for all that follow."""

    always: dict[str, str] = field(default_factory=dict)
    next: dict[str, str] = field(default_factory=dict)

    def take(self) -> dict[str, str]:
        """What holds for the member that comes now."""
        both, self.next = {**self.always, **self.next}, {}
        return both


def _name_of(block: bytes) -> str:
    name, prefix = _text(block[:100]), _text(block[345:500])
    return f"{prefix}/{name}" if block[257:263] == b"ustar\0" and prefix else name


def _size_of(block: bytes, said: dict[str, str]) -> int:
    told = said.get("size", "")
    size = int(told) if told.isdecimal() and len(told) < 20 else _number(block[124:136])
    if size < 0:
        raise _DamagedError(f"the size {size:,} is negative")
    return size


def _fields(block: bytes, said: dict[str, str], size: int) -> dict[str, object]:
    kind = block[156:157]
    real = said.get("GNU.sparse.realsize") or said.get("GNU.sparse.size") or ""
    if kind == _SPARSE:
        real = str(_number(block[_SPARSE_SIZE]))
    return {
        "name": said.get("GNU.sparse.name") or said.get("path") or _name_of(block),
        "type": "sparse file" if real else _TYPES.get(kind, f"type {kind!r}"),
        "size": real or size,
        "packed_size": size if real else "",
        "link_target": said.get("linkpath") or (_text(block[157:257]) if kind in (b"1", b"2") else ""),
        "mode": f"{_number(block[100:108]) & 0o7777:04o}",
        "uid": said.get("uid") or _number(block[108:116]),
        "gid": said.get("gid") or _number(block[116:124]),
        "user": said.get("uname") or _text(block[265:297]),
        "group": said.get("gname") or _text(block[297:329]),
    }


def _member(facts: Facts, at: int, block: bytes, said: dict[str, str]) -> tuple[Artefact, int]:
    """The member and the size of its contents in the archive. Raises _DamagedError."""
    size = _size_of(block, said)
    seconds = _number(block[136:148])
    times = {"modified": Moment(seconds * SECOND, str(seconds))}
    for keyword, name in _PAX_TIMES.items():
        if (moment := _pax_time(said.get(keyword, ""))) is not None:
            times[name] = moment
    artefact = facts.artefact(_KIND, times, _fields(block, said, size), place=(at, _BLOCK))
    return artefact, 0 if block[156:157] in _EMPTY else size


def _extensions(source: ParserInput, at: int, block: bytes) -> int:
    """The bytes of further headers that the map of a sparse file takes."""
    start, more = at, block[156:157] == _SPARSE and block[_SPARSE_MORE]
    while more and at < source.size:
        at += _BLOCK
        more = source.read_at(at, _BLOCK).ljust(_BLOCK, b"\0")[_EXTENSION_MORE]
    return at - start


def _aside(source: ParserInput, at: int, block: bytes, said: _Said) -> int:
    """Take a header that speaks of the next; the bytes it has. Raises _DamagedError."""
    kind, size = block[156:157], _number(block[124:136])
    if not 0 <= size <= _RECORD_LIMIT:
        raise _DamagedError(f"an extended header is said to have {size:,} bytes")
    data = source.read_at(at + _BLOCK, size)
    if kind in (_LONG_NAME, _LONG_LINK):
        said.next["path" if kind == _LONG_NAME else "linkpath"] = _text(data)
    else:
        (said.next if kind == _EXTENDED else said.always).update(_records(data))
    return size


def _next_header(source: ParserInput, at: int) -> int | None:
    """The next header behind damage, within a mebibyte."""
    for place in range(at, min(source.size, at + _SKIP_LIMIT), _BLOCK):
        if is_header(source.read_at(place, _BLOCK)):
            return place
    return None


def _members(facts: Facts) -> Iterator[Artefact | Problem]:
    source, at, said = facts.source, 0, _Said()
    while at < source.size:
        block = source.read_at(at, _BLOCK)
        if not block.strip(b"\0"):
            return  # the end of the archive
        try:
            if not is_header(block):
                raise _DamagedError("the header's checksum is wrong")  # noqa: TRY301 - one way to tell
            if block[156:157] in (_LONG_NAME, _LONG_LINK, _EXTENDED, _GLOBAL):
                size = _aside(source, at, block, said)
            else:
                artefact, size = _member(facts, at, block, said.take())
                yield artefact
                at += _extensions(source, at, block)
        except _DamagedError as error:
            found = _next_header(source, at + _BLOCK)
            end = source.size if found is None else found
            yield facts.problem(f"the header of a member is damaged: {error}", (at, end - at))
            at, said.next = end, {}
            continue
        if at + _BLOCK + size > source.size:
            yield facts.problem(
                f"a member is said to be {size:,} bytes, the archive ends before", (at, source.size - at)
            )
            return
        at += _BLOCK + (size + _BLOCK - 1) // _BLOCK * _BLOCK
    yield facts.problem("the blocks of zeros that end the archive are missing: it may be cut")


@dataclass(frozen=True, slots=True)
class TarParser:
    """Artefacts `tar.member`: time modified (UTC, whole seconds), with extended headers also accessed, changed and
    created, in nanoseconds; fields name, type, size, link_target, mode, uid, gid, user, group.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the checksum of the first header, and its magic or the name's ending (old archives have no magic)."""
        return (head[257:262] == b"ustar" or name.lower().endswith(".tar")) and is_header(head[:_BLOCK])

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The members in the order of the archive; see `Parser.parse`."""
        yield from _members(Facts(source, self.name, self.version))


PARSER = TarParser()
