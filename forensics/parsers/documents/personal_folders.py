"""Mail, appointments and contacts in Outlook's PST and OST files ([MS-PST]), through libpff; bodies are not shown."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pypff

from forensics.model import Artefact, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._windows import UnreadableError, filetime, opened, told

_NAME, _VERSION = "personal_folders", "1"
_FOLDER, _MESSAGE, _ATTACHMENT = "pst.folder", "pst.message", "pst.attachment"
_SIGNATURE, _CONTENTS = b"!BDN", (b"SM", b"SO")  # PST, OST
_WIDE_VERSION = 23
_DEPTH_LIMIT, _FOLDERS_LIMIT = 64, 100_000
_PARTS_LIMIT = 1000
_TIMES = {0x0039: "sent", 0x0E06: "received", 0x3007: "created", 0x3008: "modified"}
"""Property ([MS-OXPROPS]) -> our name."""

_FIELDS = {
    0x001A: "class",
    0x0037: "subject",
    0x0070: "topic",
    0x0C1A: "sender",
    0x0C1F: "sender_address",
    0x5D01: "sender_smtp",
    0x0042: "represented",
    0x0E04: "to",
    0x0E03: "cc",
    0x0E02: "bcc",
    0x1035: "message_id",
    0x1042: "in_reply_to",
    0x0E08: "size",
}
_HEADERS, _FLAGS = 0x007D, 0x0E07
_READ, _UNSENT = 1, 8
_RECIPIENT = {0x3001: "name", 0x3003: "address", 0x39FE: "smtp", 0x0C15: "type"}
_RECIPIENT_TYPES = {"1": "to", "2": "cc", "3": "bcc"}
_ATTACHED = {0x3707: "name", 0x3704: "short_name", 0x370E: "type", 0x3712: "content_id", 0x370D: "path"}
_NUMBERS = {2: "<h", 3: "<i", 11: "<?", 20: "<q"}
_TIME, _ANSI, _WIDE = 0x40, 0x1E, 0x1F
_TEXT_LIMIT = 64 * 1024

Property = str | Moment


def _value(kind: int, data: bytes) -> Property | None:
    """A property's data by its type; None for types that are not shown. Raises struct.error where it is cut."""
    if kind == _TIME:
        return filetime(struct.unpack_from("<Q", data)[0])
    if kind == _WIDE:
        return data[:_TEXT_LIMIT].decode("utf-16-le", "backslashreplace").rstrip("\0")
    if kind == _ANSI:
        return data[:_TEXT_LIMIT].decode("cp1252", "backslashreplace").rstrip("\0")
    if kind in _NUMBERS:
        return str(int(struct.unpack_from(_NUMBERS[kind], data)[0]))
    return None


def _properties(item: Any, wanted: dict[int, str], record: int = 0) -> dict[str, Property]:
    """The wanted properties of one record of an item, by our names; what cannot be read is left out."""
    found: dict[str, Property] = {}
    entries = told(item.get_record_set, record)
    for number in range((told(getattr, entries, "number_of_entries") or 0) if entries is not None else 0):
        entry = told(entries.get_entry, number)
        name = wanted.get(told(getattr, entry, "entry_type") or 0) if entry is not None else None
        if name is None or name in found:
            continue
        try:
            value = _value(told(getattr, entry, "value_type") or 0, told(getattr, entry, "data") or b"")
        except struct.error:
            continue
        if value is not None:
            found[name] = value
    return found


def _subject(text: str) -> str:
    """Without the two characters that say how long a prefix ("Re: ") is ([MS-OXCMSG] section 2.2.1.46)."""
    return text[2:] if text[:1] == "\x01" else text


def _recipients(item: Any) -> dict[str, str]:
    """Each recipient with the address, by how the message was sent to them."""
    listed: dict[str, list[str]] = {}
    table = told(getattr, item, "recipients", None)
    for number in range(min((told(getattr, table, "number_of_record_sets") or 0) if table else 0, _PARTS_LIMIT)):
        row = _properties(table, _RECIPIENT, number)
        address = row.get("smtp") or row.get("address") or ""
        kind = _RECIPIENT_TYPES.get(str(row.get("type", "")), "other")
        listed.setdefault(kind, []).append(f"{row.get('name', '')} <{address}>")
    return {f"recipients_{kind}": "; ".join(people) for kind, people in listed.items()}


def _attachments(facts: Facts, item: Any, identifier: int) -> Iterator[Artefact | Problem]:
    count = told(getattr, item, "number_of_attachments", None) or 0
    for number in range(min(count, _PARTS_LIMIT)):
        attachment = told(item.get_attachment, number)
        if attachment is None:
            yield facts.problem(f"the attachment {number + 1} of the message {identifier} cannot be read")
            continue
        fields: dict[str, object] = dict(_properties(attachment, _ATTACHED))
        fields["name"] = fields.get("name") or fields.pop("short_name", "")
        fields |= {"size": told(getattr, attachment, "size"), "message": identifier}
        yield facts.artefact(_ATTACHMENT, {}, fields)


def _message(facts: Facts, item: Any, folder: str) -> Iterator[Artefact | Problem]:
    identifier = told(getattr, item, "identifier") or 0
    wanted = {**_TIMES, **_FIELDS, _FLAGS: "flags", _HEADERS: "headers"}
    said = _properties(item, wanted)
    if not said:
        yield facts.problem(f"the item {identifier} in {folder or 'the root'} cannot be read")
        return
    times = {name: value for name, value in said.items() if isinstance(value, Moment)}
    fields: dict[str, object] = {name: value for name, value in said.items() if isinstance(value, str)}
    flags, headers = int(str(fields.pop("flags", "0"))), str(fields.pop("headers", ""))
    fields |= {
        "subject": _subject(str(fields.get("subject", ""))),
        "folder": folder,
        "identifier": identifier,
        "read": "true" if flags & _READ else "",
        "unsent": "true" if flags & _UNSENT else "",
        "hops": sum(line.lower().startswith("received:") for line in headers.splitlines()) or "",
        **_recipients(item),
        "attachments": told(getattr, item, "number_of_attachments", None) or "",
    }
    yield facts.artefact(_MESSAGE, times, fields)
    yield from _attachments(facts, item, identifier)


def _folders(facts: Facts, root: Any) -> Iterator[Artefact | Problem]:
    waiting: list[tuple[Any, str, int]] = [(root, "", 0)]
    seen: set[int] = set()
    while waiting:
        folder, path, depth = waiting.pop()
        identifier = told(getattr, folder, "identifier") or 0
        if identifier in seen or depth > _DEPTH_LIMIT or len(seen) > _FOLDERS_LIMIT:
            yield facts.problem(f"the folder {path or 'root'} is its own parent, or deeper than {_DEPTH_LIMIT}")
            continue
        seen.add(identifier)
        messages = told(getattr, folder, "number_of_sub_messages") or 0
        below = told(getattr, folder, "number_of_sub_folders") or 0
        yield facts.artefact(_FOLDER, {}, {"path": path or "/", "messages": messages, "identifier": identifier})
        for number in range(messages):
            item = told(folder.get_sub_message, number)
            if item is None:
                yield facts.problem(f"the message {number + 1} of {path or 'the root'} cannot be read")
            else:
                yield from _message(facts, item, path)
        for number in reversed(range(below)):
            child = told(folder.get_sub_folder, number)
            if child is None:
                yield facts.problem(f"the folder {number + 1} of {path or 'the root'} cannot be read")
            else:
                waiting.append((child, f"{path}/{told(getattr, child, 'name') or ''}", depth + 1))


def _orphans(facts: Facts, file: Any) -> Iterator[Artefact | Problem]:
    """Items that no folder has any more."""
    for number in range(min(told(getattr, file, "number_of_orphan_items") or 0, _FOLDERS_LIMIT)):
        item = told(file.get_orphan_item, number)
        if item is not None:
            yield from _message(facts, item, "(in no folder)")


def _told_size(source: ParserInput) -> int:
    """The size that the header says the file has ([MS-PST] sections 2.2.2.5 and 2.2.2.6)."""
    head = source.read_at(0, 256)
    wide = int.from_bytes(head[10:12], "little") >= _WIDE_VERSION
    return int.from_bytes(head[0xB8:0xC0] if wide else head[0xA8:0xAC], "little")


@dataclass(frozen=True, slots=True)
class PersonalFoldersParser:
    """Artefacts `pst.message`: times sent, received, created, modified (UTC); fields subject, sender, sender_smtp, to,
    cc, bcc, recipients_*, message_id, class, folder, attachments. `pst.folder` and `pst.attachment`: their names.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_FOLDER, _MESSAGE, _ATTACHMENT)

    def accepts(self, head: bytes, name: str) -> bool:
        """By both signatures."""
        return head.startswith(_SIGNATURE) and head[8:10] in _CONTENTS

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Folders with their messages, then what is in none; see `Parser.parse`."""
        facts, size = Facts(source, self.name, self.version), _told_size(source)
        if size > source.size:
            yield facts.problem(f"the file is said to be {size:,} bytes: it is cut, what stood behind is not listed")
        try:
            with opened(pypff.file, source) as file:
                root = told(getattr, file, "root_folder")
                if root is None:
                    yield facts.problem("the folders cannot be read: the file is damaged, or encrypted")
                else:
                    yield from _folders(facts, root)
                yield from _orphans(facts, file)
        except UnreadableError as error:
            yield facts.problem(f"the file cannot be read: {error}")


PARSER = PersonalFoldersParser()
