"""Property lists of Apple's systems, XML and binary, read with the standard library (plistlib).

Every list is shown as it is (`plist.content`); the known ones also as what they mean (`_apple_lists`), the others with
each of their dates (`plist.date`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from forensics.model import Artefact, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers.macos._apple_lists import KINDS, READERS
from forensics.parsers.macos._property_lists import (
    BEYOND,
    SIZE_LIMIT,
    VALUE_LIMIT,
    Found,
    PropertyListError,
    is_secret,
    loaded,
    moment,
    text,
    values,
    word,
)

_NAME, _VERSION = "property_list", "1"
_CONTENT, _DATE = "plist.content", "plist.date"
_BINARY = b"bplist0"
_FIELDS_SHOWN = 512
_BESIDE_SHOWN = 16
_XML_STARTS = (b"<?xml", b"<!DOCTYPE plist", b"<plist")


def _beside(found: Found) -> dict[str, str]:
    """What stands in the same dictionary as a date."""
    if not isinstance(found.within, dict):
        return {}
    others = [(name, value) for name, value in found.within.items() if not isinstance(value, dict | list | datetime)]
    return {f"beside.{word(name)}": text(value) for name, value in others[:_BESIDE_SHOWN] if not is_secret(word(name))}


@dataclass(frozen=True, slots=True)
class PropertyListParser:
    """Artefacts `plist.content`: every value by the dotted names that lead to it (the first 512). `plist.date`: time
    `dated`, fields key and beside.NAME. Of known lists `macos.installation`, `macos.login_item`, `macos.launch`,
    `apple.wifi_network`, `apple.wifi_point`, `macos.backup`, `macos.account`, `safari.page`, `safari.download`,
    `macos.recent_item`, `ios.backup`. What is named like a secret is withheld.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_CONTENT, _DATE, *KINDS)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the signature of the binary form, or XML that soon names the document's type."""
        if head.startswith(_BINARY):
            return True
        start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
        return start.startswith(_XML_STARTS) and b"<plist" in head[:2048]

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The known facts in the order of the list, then the whole; see `Parser.parse`."""
        facts = Facts(source, self.name, self.version)
        if source.size > SIZE_LIMIT:
            yield facts.problem(f"a property list of {source.size:,} bytes: no more than {SIZE_LIMIT:,} are loaded")
            return
        try:
            root = loaded(source.read_at(0, source.size))
        except PropertyListError as error:
            yield facts.problem(str(error))
            return
        known = False
        for reader in READERS:
            for kind, moments, fields in reader(root, source.name):
                known = True
                yield facts.artefact(kind, moments, fields)
        yield from _content(facts, root, known)


def _content(facts: Facts, root: Any, known: bool) -> Iterator[Artefact | Problem]:
    fields, count, beyond, dates = dict[str, str](), 0, False, list[Found]()
    for found in values(root):
        if found.value is BEYOND:
            beyond = True
            continue
        count += 1
        if len(fields) < _FIELDS_SHOWN:
            fields[".".join(found.path) or "value"] = text(found.value)
        if isinstance(found.value, datetime) and not known:
            dates.append(found)
    yield facts.artefact(_CONTENT, {}, fields | ({"values": str(count)} if count > _FIELDS_SHOWN else {}))
    for date in dates:
        yield facts.artefact(_DATE, {"dated": moment(date.value)}, {"key": ".".join(date.path)} | _beside(date))
    if beyond:
        yield facts.problem(f"only the first {VALUE_LIMIT:,} values of the list were visited")


PARSER = PropertyListParser()
