"""WebCacheV01.dat: history, cookies, downloads and cached files of Internet Explorer 10 and 11, old Edge, and Explorer.

Cookies are given with their names, never with their values.
"""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Artefact, Clock, Problem
from forensics.parsers._facts import Moment
from forensics.parsers._stated import Stated, by_clock, local_moment
from forensics.parsers.windows._ese import Database, Family, Row, file_time
from forensics.parsers.windows._headers import shown_headers

_VISIT, _COOKIE, _CONTENT, _DOWNLOAD, _OTHER = (
    "webcache.visit", "webcache.cookie", "webcache.content", "webcache.download", "webcache.entry",
)  # fmt: skip
_CONTAINERS = {"history": _VISIT, "cookies": _COOKIE, "content": _CONTENT, "iedownload": _DOWNLOAD}
_DAILY = "mshist"
_TIMES = {
    "AccessedTime": "accessed", "ModifiedTime": "modified", "CreationTime": "created", "ExpiryTime": "expires",
    "SyncTime": "synchronised",
}  # fmt: skip
_STRINGS_AT = 0x148
"""Where in the headers of a download its texts begin: addresses, and the path it was saved to."""


def _clear(text: object) -> str:
    """Text with what cannot be printed left out: an address may begin with binary values."""
    return "".join(character for character in text if character.isprintable()) if isinstance(text, str) else ""


def _texts(value: object) -> str:
    data = value[_STRINGS_AT:] if isinstance(value, bytes) else b""
    parts = data[: len(data) & ~1].decode("utf-16-le", "replace").split("\0")
    return "; ".join(part for part in parts if len(part) > 3 and part.isprintable())


def _times(row: Row, daily: bool, database: Database) -> dict[str, Stated]:
    """Of histories by day or week `ModifiedTime` is local time, all others are UTC."""
    times: dict[str, Stated] = {}
    for column, name in _TIMES.items():
        moment: Moment = file_time(row.get(column))
        local = daily and column == "ModifiedTime"
        if moment.at is not None:
            times[name] = local_moment(moment, database.facts.source.zone) if local else Stated(moment, Clock.UTC)
    return times


def _entry(database: Database, row: Row, container: str) -> Iterator[Artefact]:
    daily = container.lower().startswith(_DAILY)
    kind = _VISIT if daily else _CONTAINERS.get(container.lower(), _OTHER)
    headers = row.get("ResponseHeaders")
    fields: dict[str, object] = {
        "url": _clear(row.get("Url")),
        "file": row.get("Filename"),
        "size": row.get("FileSize"),
        "count": row.get("AccessCount"),
        "redirect": _clear(row.get("RedirectUrl")),
        "container": container,
        "entry": row.get("EntryId"),
    }
    if kind == _DOWNLOAD:
        fields["texts"] = _texts(headers)
    elif kind == _CONTENT:
        fields["headers"] = shown_headers(headers) if isinstance(headers, bytes) else ""
    yield from by_clock(database.facts, kind, _times(row, daily, database), fields)


def _cookie(database: Database, row: Row) -> Artefact:
    name = row.get("Name")
    fields: dict[str, object] = {
        "name": _clear(name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name),
        "domain": _clear(row.get("RDomain")),
        "container": row.get("ContainerId"),
        "entry": row.get("EntryId"),
    }
    moments = {"modified": file_time(row.get("LastModified")), "expires": file_time(row.get("Expires"))}
    return database.facts.artefact(_COOKIE, moments, fields)


def _tell(database: Database) -> Iterator[Artefact | Problem]:
    for number, row in sorted(database.known("Containers", "ContainerId").items(), key=lambda item: str(item[0])):
        for entry in database.rows(f"Container_{number}"):
            yield from _entry(database, entry, _clear(row.get("Name")))
    for table in sorted(name for name in database.tables if name.startswith("CookieEntryEx_")):
        for row in database.rows(table):
            yield _cookie(database, row)


FAMILY = Family(frozenset({"Containers"}), (_VISIT, _COOKIE, _CONTENT, _DOWNLOAD, _OTHER), _tell)
