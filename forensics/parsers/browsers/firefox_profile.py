"""Files of a Firefox profile beside its databases: extensions.json, logins.json, sessions (mozLz4), times.json.

A session is JSON behind "mozLz40", its length, and LZ4's block form. Of saved log-ins the sites and times, never names
or passwords, which are encrypted anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import lz4.block

from forensics.model import Artefact, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._json_files import SIZE_LIMIT, JsonError, items, loaded, parsed, within, words

_NAME, _VERSION = "firefox_profile", "1"
_EXTENSION, _LOGIN, _TAB, _PROFILE = "firefox.extension", "firefox.login", "firefox.tab", "firefox.profile"
_MAGIC = b"mozLz40\0"
_NUMBER = re.compile(r"[0-9]{1,15}")
_NAMES = {"extensions.json", "logins.json", "logins-backup.json", "times.json", "sessionstore.js"}
_ENTRIES = 1000


def _milliseconds(value: Any) -> Moment:
    text = words(value)
    return Moment(int(text) * 1_000_000, text) if _NUMBER.fullmatch(text) and int(text) else Moment(None, "")


def _unpacked(source: ParserInput) -> dict[str, Any]:
    """A session's object; raises JsonError."""
    size = int.from_bytes(source.read_at(8, 4), "little")
    if size > SIZE_LIMIT or source.size > SIZE_LIMIT:
        raise JsonError(f"a session of {size:,} bytes: no more than {SIZE_LIMIT:,} are unpacked")
    try:
        data = lz4.block.decompress(source.read_at(12, source.size), uncompressed_size=size)
    except lz4.block.LZ4BlockError as error:
        raise JsonError(f"a session that cannot be unpacked: {error}") from error
    return parsed(data)


class _Profile:
    """One file being read."""

    def __init__(self, source: ParserInput) -> None:
        self._facts = Facts(source, _NAME, _VERSION)

    def read(self, root: dict[str, Any]) -> Iterator[Artefact]:
        for item in items(root.get("addons")):
            yield self._extension(item)
        for item in items(root.get("logins")):
            fields = {"site": words(item.get("hostname")), "form": words(item.get("formSubmitURL"))}
            fields["times_used"] = words(item.get("timesUsed"))
            moments = {"created": "timeCreated", "last_used": "timeLastUsed", "changed": "timePasswordChanged"}
            told = {name: _milliseconds(item.get(key)) for name, key in moments.items()}
            yield self._facts.artefact(_LOGIN, told, fields)
        for closed, windows in (("", root.get("windows")), ("true", root.get("_closedWindows"))):
            for window in items(windows):
                yield from self._window(window, closed)
        if "created" in root and "addons" not in root:
            told = {"created": _milliseconds(root["created"]), "first_used": _milliseconds(root.get("firstUse"))}
            yield self._facts.artefact(_PROFILE, told, {})

    def _extension(self, item: dict[str, Any]) -> Artefact:
        told = {"installed": _milliseconds(item.get("installDate")), "updated": _milliseconds(item.get("updateDate"))}
        fields = {name: words(item.get(name)) for name in ("version", "type", "path", "location", "active")}
        fields |= {"identifier": words(item.get("id")), "name": words(within(item, "defaultLocale", "name"))}
        fields |= {"description": words(within(item, "defaultLocale", "description"))}
        fields |= {"source": words(item.get("sourceURI"))}
        fields |= {"permissions": words(within(item, "userPermissions", "permissions"))}
        return self._facts.artefact(_EXTENSION, told, fields)

    def _window(self, window: dict[str, Any], closed: str) -> Iterator[Artefact]:
        for tab in items(window.get("tabs")):
            yield from self._tab(tab, closed, _milliseconds(tab.get("lastAccessed")))
        for tab in items(window.get("_closedTabs")):
            state = tab.get("state")
            if isinstance(state, dict):
                yield from self._tab(state, "true", _milliseconds(state.get("lastAccessed")), tab.get("closedAt"))

    def _tab(self, tab: dict[str, Any], closed: str, used: Moment, closed_at: Any = None) -> Iterator[Artefact]:
        """Each page of a tab's history; the times are those of the tab."""
        entries = list(items(tab.get("entries")))[:_ENTRIES]
        current = words(tab.get("index"))
        for number, entry in enumerate(entries, start=1):
            fields = {"url": words(entry.get("url")), "title": words(entry.get("title")), "closed": closed}
            shown = str(number) == current
            fields["shown"] = "true" if shown else ""
            moments = {"last_used": used, "closed": _milliseconds(closed_at)} if shown else {}
            yield self._facts.artefact(_TAB, moments, fields)


@dataclass(frozen=True, slots=True)
class FirefoxProfileParser:
    """Artefacts `firefox.extension`: `installed`, `updated`; identifier, name, version, type, path, source,
    permissions, active. `firefox.login`: `created`, `last_used`, `changed`; site, form, times_used. `firefox.tab`:
    `last_used` and `closed` of the page a tab shows; url, title, closed, shown. `firefox.profile`: `created`,
    `first_used`.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_EXTENSION, _LOGIN, _TAB, _PROFILE)

    def accepts(self, head: bytes, name: str) -> bool:
        """A session by its magic; the others by their name and a JSON object."""
        if head.startswith(_MAGIC):
            return "session" in name or name.startswith(("recovery", "previous", "upgrade"))
        return name in _NAMES and head.lstrip()[:1] == b"{"

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Everything in the order of the file; see `Parser.parse`."""
        try:
            root = _unpacked(source) if source.read_at(0, 8) == _MAGIC else loaded(source)
        except JsonError as error:
            yield Facts(source, self.name, self.version).problem(str(error))
            return
        yield from _Profile(source).read(root)


PARSER = FirefoxProfileParser()
