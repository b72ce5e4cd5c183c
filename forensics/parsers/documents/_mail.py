"""What one mail message (RFC 5322, MIME) says in its headers and of its attachments; bodies are not shown.

The standard library's older policy is used: the newer one, which takes headers apart by their grammar, fails on some
broken ones and takes long for many recipients (docs/formats.md).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import compat32
from email.utils import parsedate_tz

from forensics.model import Artefact, Clock, Problem
from forensics.parsers._clock import SECOND, CivilTime, ImpossibleTimeError
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._stated import Stated, by_clock, stated

MESSAGE, HOP, ATTACHMENT = "mail.message", "mail.hop", "mail.attachment"
_PARTS_LIMIT, _HOPS_LIMIT, _HEADER_LIMIT = 1000, 200, 64 * 1024
_FAILURES = (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError)
"""What the standard library raises for broken MIME: it checks much and not everything."""

_FIELDS = {
    "from": "from",
    "sender": "sender",
    "reply-to": "reply_to",
    "to": "to",
    "cc": "cc",
    "bcc": "bcc",
    "subject": "subject",
    "message-id": "message_id",
    "in-reply-to": "in_reply_to",
    "references": "references",
    "return-path": "return_path",
    "delivered-to": "delivered_to",
    "x-originating-ip": "originating_ip",
    "x-mailer": "mailer",
    "user-agent": "mailer",
    "list-id": "list_id",
    "authentication-results": "authentication_results",
    "x-apple-auto-saved": "draft",
}
_BRACKETED = re.compile(r"\[(?:IPv6:)?([0-9a-fA-F:.]{3,45})\]")
_CLAUSE = re.compile(r"\b(from|by|via|with|id|for)\s+", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]*\)")
_OFFSET = re.compile(r"[+-]\d{4}")
_ZONES = frozenset(["UT", "UTC", "GMT", "Z", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "AST", "ADT"])
"""Zones by name that the standard library takes for what RFC 5322 section 4.3 says."""

_TAG = re.compile(r"(?:^|;)\s*([a-z]+)\s*=\s*([^;]*)")


def _bytes_of(value: object) -> bytes:
    return str(value).encode("utf-8", "surrogateescape")


def _guessed(data: bytes, charset: str | None) -> str:
    """Bytes of a header: UTF-8, else as the message says its text is, else Western European."""
    for codec in ("utf-8", charset or "cp1252"):
        try:
            return data.decode(codec)
        except (ValueError, LookupError):
            continue
    return data.decode("latin-1")


def _decoded(value: object, charset: str | None) -> str:
    """A header's text: encoded words (RFC 2047) decoded, folds undone; words that cannot be stay as written."""
    raw = _guessed(_bytes_of(value)[:_HEADER_LIMIT], charset)
    text = re.sub(r"[\r\n]+[ \t]*", " ", raw).strip()
    if "=?" not in text:
        return text
    try:
        pieces = decode_header(text)
        words = (
            piece if isinstance(piece, str) else piece.decode(codec or "latin-1", "backslashreplace")
            for piece, codec in pieces
        )
        return "".join(words) or text
    except _FAILURES:
        return text


def _charset(message: Message) -> str | None:
    try:
        return message.get_content_charset()
    except _FAILURES:
        return None


def date_of(text: str, facts: Facts) -> Stated | None:
    """A date of mail (RFC 5322 section 3.3), also in its older forms; None for text that is none.

    Without an offset it is local; "-0000" says UTC of an unknown zone. Raises ImpossibleTimeError.
    """
    try:
        found = parsedate_tz(text)
    except _FAILURES:
        found = None
    if found is None:
        return None
    offset, time = found[9], CivilTime(*found[:6])
    last = (_COMMENT.sub("", text).split() or [""])[-1]
    if not _OFFSET.fullmatch(last) and last.upper() not in _ZONES:
        return stated(time, facts.source.zone, text)  # no zone, or one that mail does not define
    return Stated(Moment((time.epoch_seconds() - (offset or 0)) * SECOND, text), Clock.UTC)


def _hop(text: str) -> dict[str, object]:
    """What a Received header says (RFC 5321 section 4.4), as far as it keeps to the grammar."""
    said, _, _ = text.rpartition(";")
    said = said or text
    plain = said
    for _ in range(4):  # comments may stand in comments
        plain = _COMMENT.sub(lambda found: " " * len(found[0]), plain)
    marks = [(found[1].lower(), found.start(), found.end()) for found in _CLAUSE.finditer(plain)]
    ends = [*(start for _, start, _ in marks[1:]), len(said)][: len(marks)]
    fields: dict[str, object] = {}
    for (name, _, begin), end in zip(marks, ends, strict=True):
        fields.setdefault(name, said[begin:end].strip())
    fields["address"] = ", ".join(dict.fromkeys(_BRACKETED.findall(str(fields.get("from", "")))))
    return fields


def _tags(text: str) -> dict[str, str]:
    return {name: re.sub(r"\s+", "", value) for name, value in _TAG.findall(text)}


class Mail:
    """One message at `place` of the file: what it says, as artefacts and problems."""

    def __init__(self, facts: Facts, data: bytes, place: tuple[int, int]) -> None:
        self._facts, self._place = facts, place
        self._problems: list[str] = []
        self._message = self._parsed(data)
        self._charset = _charset(self._message)
        self._headers: dict[str, list[object]] = {}
        for name, value in self._message.raw_items():  # the usual way replaces bytes that are not ASCII
            self._headers.setdefault(name.lower(), []).append(value)

    def _parsed(self, data: bytes) -> Message:
        try:
            return BytesParser(policy=compat32).parsebytes(data)
        except _FAILURES as error:
            self._problems.append(f"its parts cannot be read: {error or type(error).__name__}")
            return BytesHeaderParser(policy=compat32).parsebytes(data)

    @property
    def headers(self) -> int:
        """How many headers there are: none in what is no message."""
        return len(self._headers)

    def _all(self, name: str) -> list[str]:
        return [_decoded(value, self._charset) for value in self._headers.get(name, ())]

    def _date(self, name: str, text: str) -> dict[str, Stated]:
        try:
            time = date_of(text, self._facts)
        except ImpossibleTimeError as error:
            self._problems.append(f"the time {name} is {text!r}: {error}")
            return {}
        if time is None and text:
            self._problems.append(f"the time {name} is {text!r}, which is no date")
        return {name: time} if time else {}

    def _fields(self) -> dict[str, object]:
        fields: dict[str, object] = {}
        for header, name in _FIELDS.items():
            if values := [value for value in self._all(header) if value]:
                fields.setdefault(name, "; ".join(values))
        signatures = [_tags(value) for value in self._all("dkim-signature")]
        domains = [f"{tags['d']} ({tags.get('s', '')})" for tags in signatures if "d" in tags]
        return {**fields, "dkim_domain": ", ".join(domains)}

    def found(self, more: dict[str, object], times: dict[str, Stated]) -> Iterator[Artefact | Problem]:
        """The message, with `more` fields and `times` of its file, its hops, its attachments, its problems."""
        fields, dates = {**self._fields(), **more}, dict(times)
        for text in self._all("date")[:1]:
            dates |= self._date("dated", text)
        attachments = list(self._attachments(fields.get("message_id", "")))
        fields["attachments"] = len(attachments) or ""
        yield from by_clock(self._facts, MESSAGE, dates, fields, self._place)
        yield from self._hops(fields.get("message_id", ""))
        yield from attachments
        yield from (self._facts.problem(reason, self._place) for reason in dict.fromkeys(self._problems))

    def _hops(self, message_id: object) -> Iterator[Artefact]:
        """The hops in the order of travel: the newest stands first in the message."""
        received = self._all("received")[:_HOPS_LIMIT]
        for number, text in enumerate(reversed(received), start=1):
            fields = {"number": number, **_hop(text), "message_id": message_id}
            dates = self._date("received", text.rpartition(";")[2].strip()) if ";" in text else {}
            yield from by_clock(self._facts, HOP, dates, fields, self._place)

    def _attachments(self, message_id: object) -> Iterator[Artefact]:
        try:
            for number, part in enumerate(self._message.walk()):
                if number >= _PARTS_LIMIT:
                    self._problems.append(f"it has more than the {_PARTS_LIMIT:,} parts that are read")
                    return
                self._problems += [f"its MIME is damaged: {type(defect).__name__}" for defect in part.defects]
                fields = self._attachment(part)
                if fields is not None:
                    yield self._facts.artefact(ATTACHMENT, {}, {**fields, "message_id": message_id}, place=self._place)
        except _FAILURES as error:
            self._problems.append(f"its parts cannot be read: {error or type(error).__name__}")

    def _attachment(self, part: Message) -> dict[str, object] | None:
        """What is attached: a part with a name, one that says so, or one that is no text."""
        disposition, name = part.get_content_disposition(), part.get_filename()
        kind = part.get_content_type()
        inside = kind.startswith(("text/", "multipart/")) and disposition != "attachment" and not name
        if inside or (part.is_multipart() and kind != "message/rfc822"):
            return None
        fields: dict[str, object] = {
            "name": _decoded(name or "", self._charset),
            "type": kind,
            "disposition": disposition,
            "content_id": part.get("content-id"),
        }
        inner = part.get_payload()
        if isinstance(inner, list):  # a message: its bytes are not kept as they were
            subject = inner[0].get("subject", "") if inner and isinstance(inner[0], Message) else ""
            return {**fields, "subject": _decoded(subject, self._charset)}
        data = part.get_payload(decode=True)
        if not isinstance(data, bytes):
            return fields
        return {**fields, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
