"""What RAR archives hold, as their headers list it: nothing is unpacked.

By our own code: rarfile runs a program and writes files for the comment of an archive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Clock, Problem
from forensics.parsers._clock import ImpossibleTimeError
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._stated import Stated, by_clock, stated
from forensics.parsers._windows import dos_civil, filetime
from forensics.parsers.archives._rar import NEW, OLD, Member, RarError, members

_NAME, _VERSION, _KIND = "rar", "1", "rar.member"
_HUNDRED = 100  # nanoseconds


def _fields(member: Member) -> dict[str, object]:
    mode = member.attributes if member.unix else 0
    link = mode >> 12 == 0o12 or bool(member.link)
    return {
        "name": member.name,
        "type": "directory" if member.directory else "link" if link else "file",
        "size": member.size,
        "packed_size": member.packed,
        "crc32": "" if member.crc is None else f"{member.crc:08x}",
        "method": "stored" if member.method == 0 else f"RAR level {member.method}",
        "encrypted": "true" if member.encrypted else "",
        "in_parts": "true" if member.continued else "",
        "link_target": member.link,
        "mode": f"{mode & 0o7777:04o}" if mode else "",
    }


def _times(facts: Facts, member: Member) -> dict[str, Stated]:
    """UTC of RAR 5, local time of DOS before. Raises ImpossibleTimeError."""
    times = {}
    for name, (value, family) in member.utc.items():
        moment = filetime(value) if family == "filetime" else Moment(value, str(value))
        times[name] = Stated(moment, Clock.UTC)
    for name, (value, fine) in member.dos.items():
        if value:
            day, written = dos_civil(value)
            time = stated(day, facts.source.zone, f"{written} +{fine}" if fine else written)
            at = (time.moment.at or 0) + fine * _HUNDRED
            times[name] = time._replace(moment=Moment(at, time.moment.written))
    return times


@dataclass(frozen=True, slots=True)
class RarParser:
    """Artefacts `rar.member`: times modified, created, accessed, archived (RAR 5: UTC; before: local time of DOS with
    100 ns); fields name, type, size, packed_size, crc32, method, encrypted, in_parts, link_target, mode.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the signature."""
        return head.startswith((OLD, NEW))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The members in the order of the file; see `Parser.parse`."""
        facts = Facts(source, self.name, self.version)
        try:
            for member in members(source):
                place = member.offset, min(member.length, source.size - member.offset)
                try:
                    times = _times(facts, member)
                except ImpossibleTimeError as error:
                    yield facts.problem(f"a time of {member.name!r} is impossible: {error}", place)
                    times = {}
                yield from by_clock(facts, _KIND, times, _fields(member), place)
        except RarError as error:
            yield facts.problem(str(error), (error.place, source.size - error.place))


PARSER = RarParser()
