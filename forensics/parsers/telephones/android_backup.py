"""Android backups (adb backup, .ab): a head of four lines, then a tar archive, mostly deflated.

The messages that the telephony application backs up stand in it as JSON, deflated once more. Encrypted backups are
named and not read.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from forensics.model import Artefact, Problem
from forensics.parsers._clock import SECOND
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._json_files import items, words

_NAME, _VERSION = "android_backup", "1"
_BACKUP, _FILE, _MESSAGE = "android.backup", "android.backup_file", "android.backup_message"
_HEAD = re.compile(rb"ANDROID BACKUP\n([0-9]{1,3})\n([01])\n([A-Za-z0-9-]{1,20})\n")
_BLOCK, _READING = 512, 1 << 16
_UNPACKED_LIMIT = 4 << 30
_MEMBER_LIMIT = 16 << 20
_MESSAGES = re.compile(r"apps/com\.android\.providers\.telephony/d_f/[0-9]+_(sms|mms)_backup")
_TYPES = {"0": "file", "\0": "file", "2": "link", "5": "directory"}
_DIRECTIONS = {"1": "received", "2": "sent", "3": "draft", "4": "outbox", "5": "failed", "6": "queued"}


class _Stream:
    """The archive's bytes in order, inflated where they are deflated."""

    def __init__(self, source: ParserInput, start: int, deflated: bool) -> None:
        self._source, self._at = source, start
        self._inflate = zlib.decompressobj() if deflated else None
        self._held = bytearray()
        self._taken = 0

    def take(self, length: int) -> bytes:
        """`length` bytes, fewer only at the end; raises zlib.error, and EOFError beyond the limit."""
        while len(self._held) < length:
            if not (more := self._more()):
                break
            self._held += more
            self._taken += len(more)
            if self._taken > _UNPACKED_LIMIT:
                raise EOFError(f"more than {_UNPACKED_LIMIT:,} bytes are in the archive")
        found = bytes(self._held[:length])
        del self._held[:length]
        return found

    def skip(self, length: int) -> None:
        """Pass over `length` bytes."""
        while length > 0 and (found := self.take(min(length, _READING))):
            length -= len(found)

    def _more(self) -> bytes:
        while True:
            inflate = self._inflate
            if inflate is not None and inflate.unconsumed_tail:
                data = inflate.unconsumed_tail
            else:
                data = self._source.read_at(self._at, _READING)
                self._at += len(data)
            if inflate is None or not data:
                return data
            if found := inflate.decompress(data, _READING):
                return found
            if inflate.eof:
                return b""


def _number(room: bytes) -> int | None:
    """An octal number of a tar head; a larger one in base 256 (its first bit says so)."""
    if room[:1] >= b"\x80":
        return int.from_bytes(room[1:], "big")
    text = room.strip(b"\0 ")
    return int(text, 8) if text and not text.strip(b"01234567") else None if text else 0


def _text(room: bytes) -> str:
    return room.partition(b"\0")[0].decode("utf-8", "backslashreplace")


class _Backup:
    """One backup being read."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self._facts = Facts(source, _NAME, _VERSION)

    def read(self) -> Iterator[Artefact | Problem]:
        head = _HEAD.match(self._source.read_at(0, 64))
        if head is None:
            yield self._facts.problem("not the head of an Android backup")
            return
        version, deflated, encryption = (part.decode() for part in head.groups())
        fields = {"version": version, "compressed": "yes" if deflated == "1" else "no", "encryption": encryption}
        yield self._facts.artefact(_BACKUP, {}, fields)
        if encryption != "none":
            yield self._facts.problem(f"the backup is encrypted ({encryption}): nothing inside is read")
            return
        try:
            yield from self._members(_Stream(self._source, head.end(), deflated == "1"))
        except zlib.error as error:
            yield self._facts.problem(f"the archive cannot be inflated further: {error}")
        except EOFError as error:
            yield self._facts.problem(str(error))

    def _members(self, stream: _Stream) -> Iterator[Artefact | Problem]:
        longer = ""
        while (head := stream.take(_BLOCK)) and head.strip(b"\0"):
            size, modified = _number(head[124:136]), _number(head[136:148])
            if len(head) < _BLOCK or size is None:
                yield self._facts.problem("a member of the archive has no whole head; the rest is not read")
                return
            kind, path = chr(head[156]), longer or "/".join(filter(None, (_text(head[345:500]), _text(head[:100]))))
            padding = -size % _BLOCK
            if kind in "xL" and size <= _MEMBER_LIMIT:  # pax or GNU: the next member's longer name
                longer = _longer(kind, stream.take(size)) or longer
                stream.skip(padding)
                continue
            longer = ""
            moment = Moment(modified * SECOND if modified and modified < 1 << 40 else None, str(modified))
            fields = {"path": path, "type": _TYPES.get(kind, kind), "size": str(size)}
            yield self._facts.artefact(_FILE, {"modified": moment}, fields)
            if (found := _MESSAGES.fullmatch(path)) and size <= _MEMBER_LIMIT:
                yield from self._messages(stream.take(size), found[1])
                stream.skip(padding)
            else:
                stream.skip(size + padding)

    def _messages(self, packed: bytes, form: str) -> Iterator[Artefact | Problem]:
        try:
            data = zlib.decompressobj().decompress(packed, _MEMBER_LIMIT)
            told = json.loads(data.decode("utf-8", "backslashreplace"), parse_int=str, parse_float=str)
        except (zlib.error, ValueError, RecursionError) as error:
            yield self._facts.problem(f"messages of the telephony application cannot be read: {type(error).__name__}")
            return
        unit = SECOND if form == "mms" else SECOND // 1000
        for item in items(told):
            moments = {name: _since(item.get(key), unit) for name, key in (("dated", "date"), ("sent", "date_sent"))}
            fields = {"form": form, "text": words(item.get("body")) or words(item.get("mms_body"))}
            fields |= {"address": words(item.get("address")), "recipients": words(item.get("recipients"))}
            direction = words(item.get("type")) or words(item.get("msg_box"))
            fields |= {"direction": _DIRECTIONS.get(direction, direction), "read": words(item.get("read"))}
            addresses = [words(party.get("address")) for party in items(item.get("mms_addresses"))]
            yield self._facts.artefact(_MESSAGE, moments, fields | {"parties": "; ".join(addresses)})


def _longer(kind: str, data: bytes) -> str:
    if kind == "L":
        return _text(data)
    match = re.search(rb"[0-9]+ path=([^\n]*)\n", data)
    return match[1].decode("utf-8", "backslashreplace") if match else ""


def _since(value: Any, unit: int) -> Moment:
    text = words(value)
    if not re.fullmatch(r"[0-9]{1,15}", text) or not int(text):
        return Moment(None, "")
    return Moment(int(text) * unit, text)


@dataclass(frozen=True, slots=True)
class AndroidBackupParser:
    """Artefacts `android.backup`: version, compressed, encryption. `android.backup_file`: time `modified`; path, type,
    size.
    `android.backup_message`: times `dated` and `sent`; form (sms, mms), address, recipients, parties, text, direction.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_BACKUP, _FILE, _MESSAGE)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the first lines."""
        return _HEAD.match(head) is not None

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The head, then every member in its order; see `Parser.parse`."""
        yield from _Backup(source).read()


PARSER = AndroidBackupParser()
