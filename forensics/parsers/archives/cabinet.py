"""What cabinets of Windows hold ([MS-CAB]), as their headers list it: nothing is unpacked."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Problem
from forensics.parsers._clock import ImpossibleTimeError
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._stated import Stated, by_clock, stated
from forensics.parsers._windows import dos_civil

_NAME, _VERSION, _KIND = "cabinet", "1", "cab.member"
_HEADER = struct.Struct("<4sIIIIIBBHHHHH")
_FILE = struct.Struct("<IIHHHH")
_SIGNATURE = b"MSCF"
_NAME_LIMIT = 256
_UTF8 = 0x80
_METHODS = {0: "stored", 1: "MSZIP", 2: "Quantum", 3: "LZX"}
_CONTINUED = frozenset((0xFFFD, 0xFFFE, 0xFFFF))


def _methods(source: ParserInput, header: tuple[int, ...]) -> list[str]:
    """How each folder is packed: the folders stand before the first file, each in eight bytes and a reserve."""
    first, folders, flags = header[4], header[8], header[10]
    at, reserve = _HEADER.size, 0
    if flags & 4:
        sizes = source.read_at(at, 4).ljust(4, b"\0")
        reserve, at = sizes[2], at + 4 + int.from_bytes(sizes[:2], "little")
    for bit in (1, 2):
        for _ in range(2 if flags & bit else 0):
            at += len(source.read_at(at, _NAME_LIMIT).partition(b"\0")[0]) + 1
    data = source.read_at(at, max(0, min(first - at, folders * (8 + reserve))))
    kinds = (int.from_bytes(data[i + 6 : i + 8], "little") & 15 for i in range(0, len(data) - 7, 8 + reserve))
    return [_METHODS.get(kind, str(kind)) for kind in kinds]


def _member(facts: Facts, at: int, data: bytes, methods: list[str]) -> tuple[list[Artefact | Problem], int]:
    size, _, folder, date, time, attributes = _FILE.unpack_from(data)
    raw = data[_FILE.size :].partition(b"\0")[0]
    name = raw.decode("utf-8" if attributes & _UTF8 else "cp437", "backslashreplace")
    place = at, min(_FILE.size + len(raw) + 1, len(data))
    fields = {
        "name": name.replace("\\", "/"),
        "size": size,
        "method": methods[folder] if folder < len(methods) else "",
        "attributes": f"{attributes & ~_UTF8:#x}",
        "in_parts": "true" if folder in _CONTINUED else "",
    }
    found: list[Artefact | Problem] = []
    times: dict[str, Stated] = {}
    day, written = dos_civil(date << 16 | time)
    try:
        times = {"modified": stated(day, facts.source.zone, written)} if date else {}
    except ImpossibleTimeError as error:
        found.append(facts.problem(f"the time of {name!r} is {written}: {error}", place))
    return [*found, *by_clock(facts, _KIND, times, fields, place)], place[1]


@dataclass(frozen=True, slots=True)
class CabinetParser:
    """Artefacts `cab.member`: time modified (local time of DOS); fields name, size, method, attributes, in_parts."""

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the signature and the reserved field behind it."""
        return head.startswith(_SIGNATURE + bytes(4))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The members in the order of the header; see `Parser.parse`."""
        facts, head = Facts(source, self.name, self.version), source.read_at(0, _HEADER.size)
        if len(head) < _HEADER.size:
            yield facts.problem("the file ends within its header")
            return
        header = _HEADER.unpack(head)
        at, count, methods = header[4], header[9], _methods(source, header)
        for number in range(count):
            data = source.read_at(at, _FILE.size + _NAME_LIMIT)
            if len(data) <= _FILE.size:
                yield facts.problem(f"the cabinet says it has {count:,} members, {number:,} could be read")
                return
            found, length = _member(facts, at, data, methods)
            yield from found
            at += length
        if header[2] > source.size:
            yield facts.problem(f"the cabinet is said to be {header[2]:,} bytes: it is cut", (source.size, 0))


PARSER = CabinetParser()
