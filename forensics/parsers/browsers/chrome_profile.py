"""Settings of a profile of Chrome and its family: Preferences, Secure Preferences, Local State, Bookmarks (JSON)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from forensics.model import Artefact, Problem
from forensics.parsers._clock import SECOND
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._json_files import JsonError, items, loaded, members, within, words

_NAME, _VERSION = "chrome_profile", "1"
_EXTENSION, _PROFILE, _SETTING, _SITE = "chrome.extension", "chrome.profile", "chrome.setting", "chrome.site_setting"
_BOOKMARK = "chrome.bookmark"
_SINCE_1601 = 11_644_473_600 * SECOND
_NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,12})?")
_USUAL = re.compile(r"(?:Secure )?Preferences|Local State|Bookmarks(?:\.bak)?")
_STATES = {"0": "disabled", "1": "enabled", "2": "external uninstalled"}
_ALLOWED = {"1": "allowed", "2": "blocked", "3": "ask", "4": "session only"}
_SETTINGS = {
    ("extensions", "autoupdate", "last_check"): "extensions last checked for updates",
    ("extensions", "autoupdate", "next_check"): "extensions next checked for updates",
    ("browser", "last_clear_browsing_data_time"): "browsing data cleared",
    ("session", "startup_urls_migration_time"): "start pages migrated",
    ("profile", "last_engagement_time"): "profile last used",
    ("signin", "signedin_time"): "signed in",
    ("download", "directory_upgrade"): "",
}
_FOLDERS = 64


def _webkit(value: Any) -> Moment:
    """Microseconds since 1601, a number or a text."""
    text = words(value)
    if not _NUMBER.fullmatch(text) or not float(text):
        return Moment(None, "")
    return Moment(int(text.partition(".")[0]) * 1000 - _SINCE_1601, text)


def _unix(value: Any) -> Moment:
    """Seconds since 1970, with their fraction."""
    text = words(value)
    if not _NUMBER.fullmatch(text) or not float(text):
        return Moment(None, "")
    whole, _, fraction = text.partition(".")
    return (
        Moment(int(whole) * SECOND + int((fraction + "000000000")[:9]), text) if len(whole) < 12 else Moment(None, "")
    )


def _either(value: Any) -> Moment:
    """Seconds since 1970 in old versions, microseconds since 1601 in new ones: told by the number's size."""
    return _webkit(value) if len(words(value).partition(".")[0]) > 11 else _unix(value)


class _Profile:
    """One file being read."""

    def __init__(self, source: ParserInput) -> None:
        self._facts = Facts(source, _NAME, _VERSION)

    def read(self, root: dict[str, Any]) -> Iterator[Artefact]:
        for identifier, item in members(within(root, "extensions", "settings")):
            yield self._extension(identifier, item)
        yield from self._profile(root)
        for names, said in _SETTINGS.items():
            moment = _webkit(within(root, *names))
            if said and moment.at is not None:
                yield self._facts.artefact(_SETTING, {"happened": moment}, {"setting": ".".join(names), "said": said})
        for setting, sites in members(within(root, "profile", "content_settings", "exceptions")):
            for site, value in members(sites):
                yield self._site(setting, site, value)
        for identifier, value in members(within(root, "profile", "info_cache")):
            fields = {"profile": identifier, "name": words(value.get("name")), "account": words(value.get("user_name"))}
            yield self._facts.artefact(_PROFILE, {"last_used": _unix(value.get("active_time"))}, fields)
        for root_name, folder in members(root.get("roots")):
            yield from self._bookmarks(folder, root_name, _FOLDERS)

    def _extension(self, identifier: str, item: dict[str, Any]) -> Artefact:
        manifest = item.get("manifest")
        fields = {name: words(within(manifest, name)) for name in ("name", "version", "description", "permissions")}
        fields |= {"identifier": identifier, "path": words(item.get("path"))}
        fields |= {"from_store": words(item.get("from_webstore")), "update_url": words(within(manifest, "update_url"))}
        fields |= {"by_default": words(item.get("was_installed_by_default"))}
        fields["state"] = _STATES.get(words(item.get("state")), words(item.get("state")))
        first = _webkit(item.get("first_install_time") or item.get("install_time"))
        moments = {"installed": first, "updated": _webkit(item.get("last_update_time"))}
        return self._facts.artefact(_EXTENSION, moments, fields)

    def _profile(self, root: dict[str, Any]) -> Iterator[Artefact]:
        profile, accounts = within(root, "profile", "name"), list(items(root.get("account_info")))
        if not isinstance(profile, str) and not accounts:
            return
        fields = {"name": words(profile), "exit": words(within(root, "profile", "exit_type"))}
        fields |= {"account": "; ".join(words(item.get("email")) for item in accounts)}
        fields |= {"download_folder": words(within(root, "download", "default_directory"))}
        moments = {"created": _webkit(within(root, "profile", "creation_time"))}
        yield self._facts.artefact(_PROFILE, moments, fields)

    def _site(self, setting: str, site: str, value: dict[str, Any]) -> Artefact:
        pattern, _, embedder = site.partition(",")
        held = value.get("setting")
        fields = {"setting": setting, "site": pattern or "any", "embedder": embedder if embedder != "*" else ""}
        fields["decision"] = _ALLOWED.get(words(held), words(held))
        moments = {
            "last_used": _either(value.get("last_used")),
            "modified": _webkit(value.get("last_modified")),
            "visited": _webkit(value.get("last_visit")),
            "engaged": _webkit(within(held, "lastEngagementTime")),
        }
        return self._facts.artefact(_SITE, moments, fields)

    def _bookmarks(self, item: dict[str, Any], folder: str, depth: int) -> Iterator[Artefact]:
        name = words(item.get("name"))
        if item.get("type") == "url":
            fields = {"url": words(item.get("url")), "title": name, "folder": folder}
            moments = {"added": _webkit(item.get("date_added")), "last_used": _webkit(item.get("date_last_used"))}
            yield self._facts.artefact(_BOOKMARK, moments, fields)
        for child in items(item.get("children")) if depth else ():
            yield from self._bookmarks(child, f"{folder}/{name}" if name else folder, depth - 1)


@dataclass(frozen=True, slots=True)
class ChromeProfileParser:
    """Artefacts `chrome.extension`: times `installed` and `updated`; fields identifier, name, version, description,
    permissions, path, state, from_store, by_default, update_url. `chrome.profile`: `created` or `last_used`; name,
    account, exit, download_folder. `chrome.setting`: `happened`. `chrome.site_setting`: `last_used`, `modified`,
    `visited`, `engaged`; setting, site, embedder, decision. `chrome.bookmark`: `added`, `last_used`; url, title,
    folder.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_EXTENSION, _PROFILE, _SETTING, _SITE, _BOOKMARK)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the file's name, and a JSON object."""
        return _USUAL.fullmatch(name) is not None and head.lstrip()[:1] == b"{"

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Extensions, profile, settings, sites, bookmarks; see `Parser.parse`."""
        try:
            root = loaded(source)
        except JsonError as error:
            yield Facts(source, self.name, self.version).problem(str(error))
            return
        yield from _Profile(source).read(root)


PARSER = ChromeProfileParser()
