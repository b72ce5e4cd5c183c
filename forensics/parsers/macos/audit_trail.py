"""Audit trails of macOS and BSD: OpenBSM's audit.log(5), records of tokens between a header and a trailer.

What an event's number means stands in the machine's own /etc/security/audit_event; the names here are those every
macOS has. A token of an unknown kind ends what is read of its record: lengths are known only of known ones.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from forensics.model import Artefact, Problem
from forensics.parsers._clock import SECOND
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._lines import INCOMPLETE, ProblemLimit

_NAME, _VERSION, _KIND, _STAGE = "audit_trail", "1", "bsm.record", "parser audit_trail"
_HEADER_32, _HEADER_32_EX, _HEADER_64, _HEADER_64_EX = 0x14, 0x15, 0x74, 0x79
_HEADERS = {_HEADER_32, _HEADER_32_EX, _HEADER_64, _HEADER_64_EX}
_SMALLEST, _LARGEST = 18, 1 << 20
_TRAILER_MAGIC = b"\x13\xb1\x05"
# fmt: off
_EVENTS = {
    1: "process exited", 2: "process forked", 23: "program run", 113: "system booted", 6152: "login", 6153: "logout",
    6154: "telnet login", 6155: "rlogin", 6159: "su", 6160: "halted", 6161: "rebooted", 6162: "rexecd",
    6163: "password changed", 6165: "ftp", 6168: "shut down", 6207: "user created", 6208: "user modified",
    6209: "user deleted", 32800: "ssh login", 44901: "session started", 44902: "session updated",
    44903: "session ended", 44904: "session closed", 45000: "audit started", 45001: "audit shut down",
    45014: "password modified", 45015: "group created", 45016: "group deleted", 45017: "group modified",
    45018: "added to group", 45019: "removed from group", 45021: "login window: login",
    45022: "login window: logout", 45023: "user authentication", 45024: "security server: connection",
    45025: "security server: authorisation", 45026: "security server: authentication", 45028: "sudo",
    45029: "audit recovered after a crash", 45030: "security server: mechanism", 45031: "security assessment",
}
# fmt: on


class _Tokens:
    """The tokens of one record, taken one after the other; struct.error and IndexError where they end too early."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self.fields: dict[str, list[str]] = {}

    def add(self, name: str, value: object) -> None:
        self.fields.setdefault(name, []).append(str(value))

    def numbers(self, form: str) -> tuple[int, ...]:
        found = struct.unpack_from(f">{form}", self._data, self._at)
        self._at += struct.calcsize(f">{form}")
        return found

    def take(self, length: int) -> bytes:
        found = self._data[self._at : self._at + length]
        if len(found) < length:
            raise struct.error("the record ends before its token")
        self._at += length
        return found

    def text(self) -> str:
        """A text with its length, NUL included."""
        (length,) = self.numbers("H")
        return self.take(length).rstrip(b"\0").decode("utf-8", "backslashreplace")

    def ended(self) -> str:
        """A text up to its NUL."""
        end = self._data.index(b"\0", self._at)
        return self.take(end - self._at + 1)[:-1].decode("utf-8", "backslashreplace")

    def address(self, length: int) -> str:
        packed = self.take(length)
        return str(IPv4Address(packed) if length == 4 else IPv6Address(packed))

    def known(self) -> bool:
        """Read one token; False when its kind is not known."""
        (kind,) = self.numbers("B")
        read = _READERS.get(kind)
        if read is None:
            return False
        read(self)
        return True

    @property
    def done(self) -> bool:
        return self._at >= len(self._data) or self._data.startswith(_TRAILER_MAGIC, self._at)


def _subject(role: str, extended: bool, wide: bool = False) -> Callable[[_Tokens], None]:
    def read(tokens: _Tokens) -> None:
        names = ("audit_user", "user", "group", "real_user", "real_group", "pid", "session")
        for name, value in zip(names, tokens.numbers("7i"), strict=True):
            tokens.add(f"{role}{name}", value)
        port = tokens.numbers("Q" if wide else "I")[0]
        length = tokens.numbers("I")[0] if extended else 4
        address = tokens.address(length if length == 16 else 4)
        if port or address not in ("0.0.0.0", "::"):  # noqa: S104 - an address that says there is none
            tokens.add(f"{role}address", address)
            tokens.add(f"{role}port", port)

    return read


def _named(name: str) -> Callable[[_Tokens], None]:
    return lambda tokens: tokens.add(name, tokens.text())


def _argument(form: str) -> Callable[[_Tokens], None]:
    def read(tokens: _Tokens) -> None:
        number, value = tokens.numbers(form)
        tokens.add("argument", f"{number} {tokens.text()}={value}")

    return read


def _returned(form: str) -> Callable[[_Tokens], None]:
    def read(tokens: _Tokens) -> None:
        error, value = tokens.numbers(form)
        tokens.add("result", "success" if error == 0 else f"failure ({error})")
        tokens.add("returned", value)

    return read


def _attributes(form: str) -> Callable[[_Tokens], None]:
    def read(tokens: _Tokens) -> None:
        mode, user, group, _, inode, _ = tokens.numbers(form)
        tokens.add("attributes", f"mode {mode:o}, user {user}, group {group}, inode {inode}")

    return read


def _texts(name: str) -> Callable[[_Tokens], None]:
    def read(tokens: _Tokens) -> None:
        (count,) = tokens.numbers("I")
        for _ in range(min(count, 4096)):
            tokens.add(name, tokens.ended())

    return read


def _socket(length: int) -> Callable[[_Tokens], None]:
    def read(tokens: _Tokens) -> None:
        _, port = tokens.numbers("HH")
        tokens.add("socket", f"{tokens.address(length)} port {port}")

    return read


def _skipped(name: str, form: str) -> Callable[[_Tokens], None]:
    def read(tokens: _Tokens) -> None:
        tokens.add(name, " ".join(map(str, tokens.numbers(form))))

    return read


def _opaque(tokens: _Tokens) -> None:
    (length,) = tokens.numbers("H")
    tokens.add("opaque", f"{len(tokens.take(length)):,} bytes")


def _groups(tokens: _Tokens) -> None:
    (count,) = tokens.numbers("H")
    tokens.add("groups", " ".join(map(str, tokens.numbers(f"{min(count, 4096)}I"))))


def _unix_socket(tokens: _Tokens) -> None:
    tokens.numbers("H")
    tokens.add("socket", tokens.ended())


def _other_file(tokens: _Tokens) -> None:
    tokens.numbers("II")
    tokens.add("file", tokens.text())


_READERS: dict[int, Callable[[_Tokens], None]] = {
    **{0x23: _named("path"), 0x28: _named("text"), 0x60: _named("zone"), 0x11: _other_file, 0x21: _opaque},
    **{0x24: _subject("", extended=False), 0x7A: _subject("", extended=True)},
    **{0x75: _subject("", extended=False, wide=True), 0x7C: _subject("", extended=True, wide=True)},
    **{0x26: _subject("process_", extended=False), 0x7B: _subject("process_", extended=True)},
    **{0x77: _subject("process_", extended=False, wide=True), 0x7D: _subject("process_", extended=True, wide=True)},
    **{0x2D: _argument("BI"), 0x71: _argument("BQ"), 0x27: _returned("BI"), 0x72: _returned("BQ")},
    **{0x3E: _attributes("IIIIQI"), 0x73: _attributes("IIIIQQ"), 0x3C: _texts("argv"), 0x3D: _texts("environment")},
    **{0x80: _socket(4), 0x81: _socket(16), 0x82: _unix_socket, 0x34: _groups},
    **{0x52: _skipped("exit", "II"), 0x2C: _skipped("port", "H"), 0x2F: _skipped("sequence", "I")},
    0x2A: lambda tokens: tokens.add("address", tokens.address(4)),
    0x2E: lambda tokens: tokens.add("socket", f"type {tokens.numbers('HH')[0]} {tokens.address(4)}"),
}


class _Trail:
    """One trail being read, record after record."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self._facts = Facts(source, _NAME, _VERSION)
        self._problems = ProblemLimit(source, _STAGE)

    def read(self) -> Iterator[Artefact | Problem]:
        at = 0
        while head := self._source.read_at(at, _SMALLEST):
            length = int.from_bytes(head[1:5], "big")
            if len(head) < _SMALLEST or head[0] not in _HEADERS or not _SMALLEST <= length <= _LARGEST:
                rest = self._source.size - at
                yield from self._problems.problem(at, rest, f"no record begins here; {rest:,} bytes are not read")
                break
            data = self._source.read_at(at, length)
            yield from self._record(at, data, length)
            at += length
        yield from self._problems.summary()

    def _record(self, at: int, data: bytes, length: int) -> Iterator[Artefact | Problem]:
        place = at, len(data)
        event = int.from_bytes(data[6:8], "big")
        tokens = _Tokens(data, 10)
        moments: dict[str, Moment] = {}
        reason = ""
        try:
            moments = {"logged": _time(tokens, data[0])}
            while not tokens.done:
                if not tokens.known():
                    reason = "a token of a kind that is not known; the rest of the record is not read"
                    break
        except (struct.error, ValueError):
            reason = "a record that ends within a token"
        if len(data) < length:
            reason = f"the file ends {length - len(data):,} bytes before the record"
        told = {name: "; ".join(values) for name, values in tokens.fields.items()}
        fields = {"event": _EVENTS.get(event, str(event)), "event_number": str(event), **_shown(told)}
        yield self._facts.artefact(_KIND, moments, fields | ({INCOMPLETE: "true"} if reason else {}), place=place)
        if reason:
            yield from self._problems.problem(*place, reason)


def _shown(fields: dict[str, str]) -> dict[str, str]:
    """A record's environment may hold secrets: only the names of its variables are shown."""
    if "environment" in fields:
        names = [part.partition("=")[0] for part in fields["environment"].split("; ")]
        fields["environment"] = "; ".join(names)
    return fields


def _time(tokens: _Tokens, header: int) -> Moment:
    """Seconds and milliseconds, behind an address in the extended headers."""
    if header in (_HEADER_32_EX, _HEADER_64_EX):
        (length,) = tokens.numbers("I")
        tokens.add("host", tokens.address(16 if length == 16 else 4))
    seconds, milliseconds = tokens.numbers("QQ" if header in (_HEADER_64, _HEADER_64_EX) else "II")
    if milliseconds > 999 or seconds >= 1 << 40:
        return Moment(None, "")
    return Moment(seconds * SECOND + milliseconds * 1_000_000, f"{seconds}.{milliseconds:03}")


@dataclass(frozen=True, slots=True)
class AuditTrailParser:
    """Artefacts `bsm.record`: time `logged` (UTC, milliseconds); fields event, event_number, audit_user, user, group,
    real_user, real_group, pid, session, address, port, the same of a process (process_...), path, text, argument, argv,
    environment (names only), attributes, socket, result, returned and others; several of one name joined by "; ".
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """A header of version 11, and the trailer where it says the record ends, as far as that is in sight."""
        if len(head) < _SMALLEST or head[0] not in _HEADERS or head[5] not in (2, 11):
            return False
        length = int.from_bytes(head[1:5], "big")
        return _SMALLEST <= length <= len(head) and head.startswith(_TRAILER_MAGIC, length - 7)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every record in the order of the file; see `Parser.parse`."""
        yield from _Trail(source).read()


PARSER = AuditTrailParser()
