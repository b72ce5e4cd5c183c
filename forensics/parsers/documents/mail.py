"""Mail in files: single messages (EML, and EMLX of macOS) and mailboxes (mbox, RFC 4155)."""

from __future__ import annotations

import plistlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from xml.parsers.expat import ExpatError

from forensics.model import Artefact, Clock, Problem
from forensics.parsers._clock import SECOND
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._stated import Stated
from forensics.parsers.documents._mail import ATTACHMENT, HOP, MESSAGE, Mail

_NAME, _VERSION = "mail", "1"
_MESSAGE_LIMIT = 64 << 20
_LIST_LIMIT = 1 << 20
_BLOCK = 1 << 20
_OVERLAP = 512
_HEADER = re.compile(rb"([!-9;-~]{1,76}):")
_KNOWN = frozenset(
    (
        *(b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"received", b"return-path", b"delivered-to"),
        *(b"mime-version", b"content-type", b"content-transfer-encoding", b"reply-to", b"sender", b"in-reply-to"),
        *(b"references", b"dkim-signature", b"x-mailer", b"user-agent", b"authentication-results", b"list-id"),
        *(b"x-originating-ip", b"x-priority", b"arc-seal"),
    )
)
_OWN = frozenset((b"from", b"message-id", b"received", b"return-path", b"delivered-to", b"dkim-signature"))
"""Headers that nothing but mail has."""

_NEEDED = 3
_NAMES = (".eml", ".emlx")
_BEGINS = re.compile(rb"From [^\r\n]{1,300}(?:19|20)\d\d[^\r\n]{0,40}\r?\n")
_BETWEEN = re.compile(rb"\r?\n\r?\n(?=From [^\r\n]{1,300}(?:19|20)\d\d[^\r\n]{0,40}\r?\n[!-9;-~]{1,76}:)")
_COUNTED = re.compile(rb"\s*(\d{1,12})[ \t]*\r?\n")


def _headers(head: bytes) -> set[bytes]:
    """The names of the headers that bytes begin with; none where a line is no header."""
    names: set[bytes] = set()
    if _HEADER.match(head) is None:  # nearly all files: not worth taking apart
        return names
    for line in re.split(rb"\r?\n", head)[:-1]:  # the last may be cut
        if not line:
            break
        if line[:1] in b" \t":
            continue
        found = _HEADER.match(line)
        if found is None:
            return set()
        names.add(found[1].lower())
    return names


def _is_mail(head: bytes) -> bool:
    names = _headers(head)
    return len(names & _KNOWN) >= _NEEDED and bool(names & _OWN)


def _boundaries(source: ParserInput) -> Iterator[int]:
    """Where each message but the first begins: a "From " line behind an empty one, with a header behind it."""
    at = last = 0
    while at < source.size:
        data = source.read_at(at, _BLOCK + _OVERLAP)
        for found in _BETWEEN.finditer(data):
            if found.start() < _BLOCK and at + found.end() > last:
                last = at + found.end()
                yield last
        at += _BLOCK


def _message(
    facts: Facts, place: tuple[int, int], more: dict[str, object], times: dict[str, Stated]
) -> Iterator[Artefact | Problem]:
    """The message at `place`, with what its file says of it beside."""
    start, length = place
    mail = Mail(facts, facts.source.read_at(start, min(length, _MESSAGE_LIMIT)), place)
    if not mail.headers:
        yield facts.problem("what stands there has no header of a message", place)
        return
    yield from mail.found(more, times)
    if length > _MESSAGE_LIMIT:
        yield facts.problem(f"of the message's {length:,} bytes the first {_MESSAGE_LIMIT:,} are read", place)


def _mailbox(facts: Facts) -> Iterator[Artefact | Problem]:
    """The messages of a mailbox, each with its "From " line as `envelope`."""
    source, start = facts.source, 0
    for end in chain(_boundaries(source), (source.size,)):
        line = source.read_at(start, 1024).partition(b"\n")[0]
        skipped = len(line) + 1
        envelope = line[5:].decode("utf-8", "backslashreplace").strip()
        place = min(start + skipped, end), max(0, end - start - skipped)
        yield from _message(facts, place, {"envelope": envelope}, {})
        start = end


def _list(facts: Facts, start: int) -> tuple[dict[str, object], dict[str, Stated], str]:
    """What Apple's Mail keeps behind a message, in a property list: fields, times, and what is wrong with it."""
    data = facts.source.read_at(start, _LIST_LIMIT)
    if not data.strip():
        return {}, {}, "the property list behind the message is missing"
    try:
        said = plistlib.loads(data, fmt=plistlib.FMT_XML)
    except (plistlib.InvalidFileException, ExpatError, ValueError, LookupError, TypeError, AttributeError) as error:
        return {}, {}, f"the property list behind the message is damaged: {error}"
    if not isinstance(said, dict):
        return {}, {}, "the property list behind the message holds no values"
    seconds, times = said.get("date-received"), {}
    if isinstance(seconds, int) and abs(seconds) < 1 << 40:
        times["received"] = Stated(Moment(seconds * SECOND, str(seconds)), Clock.UTC)
    names = {"flags": "flags", "remote-id": "remote_id", "original-mailbox": "original_mailbox"}
    return {ours: said[theirs] for theirs, ours in names.items() if theirs in said}, times, ""


def _counted(facts: Facts, digits: re.Match[bytes]) -> Iterator[Artefact | Problem]:
    """An EMLX file: the length of the message, the message, a property list."""
    start, length = digits.end(), int(digits[1])
    rest = facts.source.size - start
    fields, times, problem = _list(facts, start + length) if length < rest else ({}, {}, "the message is cut")
    place = start, min(length, rest)
    yield from _message(facts, place, fields, times)
    if problem:
        yield facts.problem(problem)


@dataclass(frozen=True, slots=True)
class MailParser:
    """Artefacts `mail.message`: times dated (UTC where an offset is told, else local), received (EMLX); fields from,
    to, cc, subject, message_id, originating_ip, dkim_domain (as stated) and others. `mail.hop`: each Received header,
    the first hop first. `mail.attachment`: name, type, size, sha256. Bodies are not shown.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (MESSAGE, HOP, ATTACHMENT)

    def accepts(self, head: bytes, name: str) -> bool:
        """By three headers of mail, one of which nothing else has, at the start or behind a mailbox's or EMLX's first
        line; texts named .eml or .emlx always.
        """
        if b"\0" in head[:512]:
            return False
        first = _BEGINS.match(head) or _COUNTED.match(head)
        return _is_mail(head[first.end() :] if first else head) or (bool(head) and name.lower().endswith(_NAMES))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The messages in the order of the file; see `Parser.parse`."""
        facts, head = Facts(source, self.name, self.version), source.read_at(0, 4096)
        if _BEGINS.match(head):
            yield from _mailbox(facts)
        elif digits := _COUNTED.match(head):
            yield from _counted(facts, digits)
        else:
            yield from _message(facts, (0, source.size), {}, {})


PARSER = MailParser()
