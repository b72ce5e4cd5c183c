"""What cpio archives hold: the new ASCII formats (with and without sums), that of POSIX.1, and the binary one."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from forensics.model import Artefact, Problem
from forensics.parsers._clock import SECOND
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment

_NAME, _VERSION, _KIND = "cpio", "1", "cpio.member"
_NEW, _NEW_SUMS, _ODC = b"070701", b"070702", b"070707"
_BINARY = {b"\xc7\x71": "<", b"\x71\xc7": ">"}
_LAST = "TRAILER!!!"
_NAME_LIMIT = 64 * 1024
_TYPES = {
    0o14: "socket",
    0o12: "link",
    0o10: "file",
    0o6: "block device",
    0o4: "directory",
    0o2: "character device",
    0o1: "fifo",
}


class _Header(NamedTuple):
    """A member's header: `length` bytes with its name, `contents` is how far it is to the next behind them."""

    mode: int
    uid: int
    gid: int
    links: int
    modified: int
    size: int
    name: str
    length: int
    contents: int


def _name(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def _new(source: ParserInput, at: int) -> _Header:
    data = source.read_at(at, 110)
    _, mode, uid, gid, links, modified, size, *_, length, _ = (
        int(data[i : i + 8] or b"x", 16) for i in range(6, 110, 8)
    )
    name = source.read_at(at + 110, min(length, _NAME_LIMIT))
    whole = (110 + length + 3) // 4 * 4
    return _Header(mode, uid, gid, links, modified, size, _name(name), whole, (size + 3) // 4 * 4)


def _odc(source: ParserInput, at: int) -> _Header:
    data = source.read_at(at, 76)
    widths, place, values = (6, 6, 6, 6, 6, 6, 6, 11, 6, 11), 6, []
    for width in widths:
        values.append(int(data[place : place + width] or b"x", 8))
        place += width
    _, _, mode, uid, gid, links, _, modified, length, size = values
    name = source.read_at(at + 76, min(length, _NAME_LIMIT))
    return _Header(mode, uid, gid, links, modified, size, _name(name), 76 + length, size)


def _binary(source: ParserInput, at: int) -> _Header:
    data = source.read_at(at, 26)
    order = _BINARY[data[:2]]
    if len(data) < 26:
        raise ValueError("the archive ends within a header")
    fields = struct.unpack(f"{order}13H", data)
    mode, uid, gid, links = fields[3:7]
    modified, length, size = fields[8] << 16 | fields[9], fields[10], fields[11] << 16 | fields[12]
    name = source.read_at(at + 26, length)
    return _Header(mode, uid, gid, links, modified, size, _name(name), 26 + length + length % 2, size + size % 2)


def _header(source: ParserInput, at: int) -> _Header:
    """The header at `at`. Raises ValueError, which says why it is none."""
    magic = source.read_at(at, 6)
    if magic in (_NEW, _NEW_SUMS):
        return _new(source, at)
    if magic == _ODC:
        return _odc(source, at)
    if magic[:2] in _BINARY:
        return _binary(source, at)
    raise ValueError("it does not begin as one")


def _fields(source: ParserInput, at: int, header: _Header) -> dict[str, object]:
    kind = _TYPES.get(header.mode >> 12, f"type {header.mode >> 12:o}")
    target = source.read_at(at + header.length, min(header.size, 4096)) if kind == "link" else b""
    return {
        "name": header.name,
        "type": kind,
        "size": header.size,
        "link_target": target.decode("utf-8", "backslashreplace"),
        "mode": f"{header.mode & 0o7777:04o}",
        "uid": header.uid,
        "gid": header.gid,
        "links": header.links,
    }


@dataclass(frozen=True, slots=True)
class CpioParser:
    """Artefacts `cpio.member`: time modified (UTC, whole seconds); fields name, type, size, link_target, mode, uid,
    gid, links.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the magic; the binary format's two bytes need the name's ending as well."""
        text = head.startswith((_NEW, _NEW_SUMS, _ODC)) and head[6:14].isalnum()
        return text or (head[:2] in _BINARY and name.lower().endswith(".cpio"))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The members in the order of the archive; see `Parser.parse`."""
        facts, at = Facts(source, self.name, self.version), 0
        while at < source.size:
            try:
                header = _header(source, at)
            except ValueError as error:
                yield facts.problem(f"the header of a member is damaged: {error}", (at, source.size - at))
                return
            if header.name == _LAST:
                return
            place = at, min(header.length, source.size - at)
            moment = Moment(header.modified * SECOND, str(header.modified))
            yield facts.artefact(_KIND, {"modified": moment}, _fields(source, at, header), place=place)
            at += header.length + header.contents
        reason = "the member that ends the archive is missing: it is cut"
        yield facts.problem(reason, (min(at, source.size), 0))


PARSER = CpioParser()
