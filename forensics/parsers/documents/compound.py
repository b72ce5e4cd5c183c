"""What documents of Office 97 to 2003 and other compound files ([MS-CFB]) say of themselves, through libolecf.

The property sets in them ([MS-OLEPS]) are read by our own code: libolecf's binding gives no code page of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyolecf

from forensics.model import Artefact, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._windows import UnreadableError, filetime, opened, told
from forensics.parsers.documents._properties import CUSTOM, DOCUMENT, SUMMARY, PropertySet, property_sets

_NAME, _VERSION, _KIND, _STORAGE = "compound", "1", "ole.document", "ole.storage"
_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # [MS-CFB] section 2.2
_SETS = ("\x05SummaryInformation", "\x05DocumentSummaryInformation")
_SIZE_LIMIT = 4 << 20
_ITEMS_LIMIT, _DEPTH_LIMIT = 20_000, 32
_TIMES = {11: "printed", 12: "created", 13: "modified"}
_EDITED = 10
_FIELDS = {
    SUMMARY: {
        2: "title",
        3: "subject",
        4: "author",
        5: "keywords",
        6: "comments",
        7: "template",
        8: "last_modified_by",
        9: "revision",
        14: "pages",
        15: "words",
        18: "application",
        19: "security",
    },
    DOCUMENT: {2: "category", 14: "manager", 15: "company", 26: "content_type", 28: "language", 29: "document_version"},
}
_MACROS = ("Macros", "_VBA_PROJECT_CUR", "VBA")
_CONTENTS = {
    "WordDocument": "Word",
    "Workbook": "Excel",
    "Book": "Excel",
    "PowerPoint Document": "PowerPoint",
    "VisioDocument": "Visio",
    "EncryptedPackage": "encrypted Office Open XML",
    "Catalog": "thumbnails",
    "__properties_version1.0": "Outlook message",
}


class _Item(NamedTuple):
    path: str
    name: str
    item: Any


def _items(facts: Facts, root: Any) -> Iterator[_Item | Problem]:
    """Storages and streams, those of a storage behind it; no more than are read."""
    waiting, seen = [(root, "", 0)], 0
    while waiting:
        parent, path, depth = waiting.pop()
        for number in range(told(getattr, parent, "number_of_sub_items") or 0):
            seen += 1
            if seen > _ITEMS_LIMIT or depth > _DEPTH_LIMIT:
                yield facts.problem(f"only {_ITEMS_LIMIT:,} items, {_DEPTH_LIMIT} deep, are read")
                return
            item = told(parent.get_sub_item, number)
            if item is None:
                yield facts.problem(f"the item {number} of {path or 'the root'} cannot be read")
                continue
            name = told(getattr, item, "name") or ""
            yield _Item(f"{path}/{name}".lstrip("/"), name, item)
            waiting.append((item, f"{path}/{name}", depth + 1))


def _contents(item: Any) -> bytes:
    size = told(getattr, item, "size") or 0
    read = getattr(item, "read_buffer_at_offset", None)
    return (told(read, min(size, _SIZE_LIMIT), 0) or b"") if read else b""


def _custom(found: PropertySet) -> dict[str, object]:
    named = ((found.names[number], value) for number, value in found.values.items() if number in found.names)
    return {f"custom.{name}": value.written if isinstance(value, Moment) else value for name, value in named}


def _said(sets: list[PropertySet]) -> tuple[dict[str, Moment], dict[str, object]]:
    times: dict[str, Moment] = {}
    fields: dict[str, object] = {}
    for found in sets:
        for number, value in found.values.items():
            if isinstance(value, Moment):
                if found.identifier == SUMMARY and number in _TIMES:
                    times[_TIMES[number]] = value
                elif found.identifier == SUMMARY and number == _EDITED:
                    fields["edited_seconds"] = int(value.written) // 10_000_000 or ""
            elif name := _FIELDS.get(found.identifier, {}).get(number):
                fields[name] = value
        if found.identifier == CUSTOM:
            fields |= _custom(found)
    return times, fields


def _document(facts: Facts, root: Any) -> Iterator[Artefact | Problem]:
    sets: list[PropertySet] = []
    holds: dict[str, object] = {}
    storages: list[Artefact] = []
    for found in _items(facts, root):
        if isinstance(found, Problem):
            yield found
            continue
        if found.path in _SETS:
            sets += property_sets(_contents(found.item))
        if found.name in _CONTENTS and "/" not in found.path:
            holds["contents"] = _CONTENTS[found.name]
        if found.name in _MACROS:
            holds["macros"] = "true"
        times = {
            "created": filetime(told(found.item.get_creation_time_as_integer) or 0),
            "modified": filetime(told(found.item.get_modification_time_as_integer) or 0),
        }
        if any(moment.at is not None for moment in times.values()):
            storages.append(facts.artefact(_STORAGE, times, {"path": found.path}))
    moments, fields = _said(sets)
    if moments or fields or holds:
        yield facts.artefact(_KIND, moments, {**holds, **fields})
    yield from storages
    yield from (facts.problem(found.problem) for found in sets if found.problem)


@dataclass(frozen=True, slots=True)
class CompoundParser:
    """Artefacts `ole.document`: times created, modified, printed (UTC); fields author, last_modified_by, application,
    template, revision, edited_seconds, company, contents, macros and others. `ole.storage`: storages inside that
    carry times of their own.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND, _STORAGE)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the signature of compound files; those with a parser of their own are asked before."""
        return head.startswith(_SIGNATURE)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The document, then its storages; see `Parser.parse`."""
        facts = Facts(source, self.name, self.version)
        try:
            with opened(pyolecf.file, source) as file:
                root = told(getattr, file, "root_item")
                if root is None:
                    yield facts.problem("the compound file has no root")
                else:
                    yield from _document(facts, root)
        except UnreadableError as error:
            yield facts.problem(f"the compound file cannot be read: {error}")


PARSER = CompoundParser()
