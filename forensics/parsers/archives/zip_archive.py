"""What ZIP archives hold (APPNOTE.TXT 6.3.10) by their directory, and what documents in them say of themselves.

Nothing is unpacked but the members that describe an Office document, of four mebibytes at most.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Clock, Problem
from forensics.parsers._clock import SECOND, ImpossibleTimeError
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._stated import Stated, by_clock, iso_time, stated
from forensics.parsers._windows import dos_civil, filetime
from forensics.parsers._xml import SIZE_LIMIT
from forensics.parsers.archives._zip import (
    END,
    LOCAL,
    Member,
    ZipError,
    directory,
    left_over,
    local_member,
    members,
    unpacked,
)
from forensics.parsers.documents._office import (
    CONTENT_TYPES,
    OPEN_DOCUMENT,
    OPEN_XML,
    Said,
    is_describing,
    kind_of,
    presence,
    read,
)

_NAME, _VERSION, _KIND, _ARCHIVE = "zip_archive", "1", "zip.member", "zip.archive"
_RATIO, _ALWAYS_PLAUSIBLE = 1000, 64 << 20
_KEPT_LIMIT = 8
_SPANNED = (b"PK\7\x08PK\3\4", b"PK00PK\3\4")
_ENCRYPTED, _MASKED = 1, 1 << 13
_UNIX, _MACOS = 3, 19
_METHODS = {
    0: "stored",
    8: "deflate",
    9: "deflate64",
    12: "bzip2",
    14: "LZMA",
    93: "Zstandard",
    95: "xz",
    98: "PPMd",
    99: "AES",
}
_UNIX_TIMES, _OLD_UNIX, _NTFS, _AES = 0x5455, 0x5855, 0x000A, 0x9901
_NO_TIME = 0x00210000  # 1980-01-01 00:00:00: what is written for "none"
_COUNTED = 0x10000


def _seconds(data: bytes, at: int) -> Moment:
    value = struct.unpack_from("<i", data, at)[0]
    return Moment(value * SECOND, str(value))


def _unix_times(data: bytes) -> dict[str, Moment]:
    """The extended timestamp of Info-ZIP: flags, then a time for each flag, as far as they are there."""
    names = [name for bit, name in enumerate(("modified", "accessed", "created")) if data[:1] and data[0] >> bit & 1]
    return {name: _seconds(data, 1 + 4 * i) for i, name in enumerate(names) if len(data) >= 5 + 4 * i}


def _utc_times(extra: dict[int, bytes]) -> dict[str, Moment]:
    """The times of extra fields, which are UTC: NTFS's before those of Unix, which have whole seconds."""
    times: dict[str, Moment] = {}
    if len(old := extra.get(_OLD_UNIX, b"")) >= 8:
        times |= {"accessed": _seconds(old, 0), "modified": _seconds(old, 4)}
    times |= _unix_times(extra.get(_UNIX_TIMES, b""))
    ntfs = extra.get(_NTFS, b"")
    if ntfs[4:8] == b"\1\0\x18\0" and len(ntfs) >= 32:
        values = struct.unpack_from("<QQQ", ntfs, 8)
        names = ("modified", "accessed", "created")
        times |= {name: filetime(value) for name, value in zip(names, values, strict=True) if value}
    return times


def _fields(member: Member) -> dict[str, object]:
    name = member.shown_name
    mode = member.attributes >> 16 if member.made_by in (_UNIX, _MACOS) else 0
    method, aes = _METHODS.get(member.method, str(member.method)), member.extra.get(_AES, b"")
    if len(aes) >= 7:
        method = f"AES, {_METHODS.get(struct.unpack_from('<H', aes, 5)[0], '')}"
    return {
        "name": name,
        "type": "directory" if name.endswith("/") else "link" if mode >> 12 == 0o12 else "file",
        "size": member.size,
        "packed_size": member.packed,
        "method": method,
        "crc32": f"{member.crc:08x}",
        "encrypted": "true" if member.flags & _ENCRYPTED else "",
        "masked": "true" if member.flags & _MASKED else "",
        "mode": f"{mode & 0o7777:04o}" if mode else "",
        "comment": member.comment.decode("utf-8", "backslashreplace"),
    }


def _times(facts: Facts, member: Member, extra: dict[int, bytes]) -> dict[str, Stated]:
    """The times of a member; the local one of DOS only where no other is told. Raises ImpossibleTimeError."""
    utc = {name: Stated(moment, Clock.UTC) for name, moment in _utc_times(extra).items()}
    if "modified" in utc or member.dos_time in (0, _NO_TIME):
        return utc
    day, written = dos_civil(member.dos_time)
    return {**utc, "modified": stated(day, facts.source.zone, written)}


def _member(facts: Facts, member: Member, local: Member | None) -> Iterator[Artefact | Problem]:
    """The member, with the times that its own header has beyond the directory's."""
    place, fields = (member.offset, member.length), _fields(member)
    extra = {**(local.extra if local else {}), **member.extra}
    if local and _UNIX_TIMES in local.extra:
        extra[_UNIX_TIMES] = local.extra[_UNIX_TIMES]  # the directory's has the first time alone
    if member.dos_time not in (0, _NO_TIME):
        fields["dos_time"] = dos_civil(member.dos_time)[1]
    try:
        times = _times(facts, member, extra)
    except ImpossibleTimeError as error:
        yield facts.problem(f"the time of {member.shown_name!r} is {fields['dos_time']}: {error}", place)
        times = {}
    yield from by_clock(facts, _KIND, times, fields, place)
    if local is None:
        yield facts.problem(f"{member.shown_name!r} is not where the directory says it is", place)
    elif local.name != member.name and not member.flags & _MASKED:
        names = f"{member.shown_name!r} in the directory and {local.shown_name!r} in its own header"
        yield facts.problem(f"a member is called {names}", place)


def _document(facts: Facts, kept: dict[str, Member], present: dict[str, object]) -> Iterator[Artefact | Problem]:
    """What the members that describe a document say; nothing for an archive that is none."""
    kind, said = kind_of(kept), Said({}, {})
    if kind is None:
        return
    for name in (name for name in kept if name != CONTENT_TYPES):
        try:
            problem = read(name, unpacked(facts.source, kept[name], SIZE_LIMIT), said)
        except ZipError as error:
            problem = f"{name} cannot be read: {error}"
        if problem:
            yield facts.problem(problem, (kept[name].offset, kept[name].length))
    times: dict[str, Stated] = {}
    for name, text in said.times.items():
        try:
            time = iso_time(text, facts.source.zone)
        except ImpossibleTimeError as error:
            yield facts.problem(f"the time {name} is {text!r}: {error}")
        else:
            times |= {name: time} if time else {}
    yield from by_clock(facts, kind, times, {**present, **said.fields})


def _listed(facts: Facts) -> Iterator[Artefact | Problem]:
    """The members of the directory, and where it contradicts itself. Raises ZipError."""
    source, where, count, claimed = facts.source, directory(facts.source), 0, 0
    if where.before:
        yield facts.problem(f"{where.before:,} bytes stand before the archive", (0, where.before))
    if where.comment:
        yield facts.artefact(_ARCHIVE, {}, {"comment": where.comment.decode("utf-8", "backslashreplace")})
    kept: dict[str, Member] = {}
    present: dict[str, object] = {}
    for member in members(source, where):
        name = member.shown_name
        present.update(presence(name))
        if is_describing(name) and len(kept) < _KEPT_LIMIT:
            kept.setdefault(name, member)
        yield from _member(facts, member, local_member(source, member.local))
        count, claimed = count + 1, claimed + member.size
    if count % _COUNTED != where.total % _COUNTED:
        yield facts.problem(f"the archive says it has {where.total:,} members, its directory has {count:,}")
    if claimed > max(_ALWAYS_PLAUSIBLE, _RATIO * source.size):
        yield facts.problem(f"its members are said to be {claimed:,} bytes, more than {_RATIO:,} times the archive")
    yield from _document(facts, kept, present)


@dataclass(frozen=True, slots=True)
class ZipParser:
    """Artefacts `zip.member`: times modified, accessed, created (UTC where an extra field tells them, else the local
    time of DOS); fields name, type, size, packed_size, method, crc32, encrypted, mode, dos_time. `zip.archive`: the
    archive's comment. `office.document`, `odf.document`: times created, modified, printed; fields author,
    last_modified_by, application, template and others, macros, signed.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND, _ARCHIVE, OPEN_XML, OPEN_DOCUMENT)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the signature of a member, of the end of an empty archive, or of one in several parts."""
        return head.startswith((LOCAL, END, *_SPANNED))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The members in the order of the directory; without one, in that of the file. See `Parser.parse`."""
        facts = Facts(source, self.name, self.version)
        try:
            yield from _listed(facts)
        except ZipError as error:
            yield facts.problem(f"{error}; members are listed by their own headers")
            for member in left_over(source):
                yield from _member(facts, member, member)


PARSER = ZipParser()
