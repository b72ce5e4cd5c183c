"""Catalog1.edb of Windows 8's File History: names that were in the protected folders, versions that were backed up.

Names are kept in the table `string`: a record's place is its parent's string and its own. Counts of backups
(`tCreated` ...) refer to `backupset`, which has the time of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from forensics.model import Artefact, Problem
from forensics.parsers._facts import Moment
from forensics.parsers.windows._ese import Database, Family, Row, file_time

_NAME, _VERSION = "filehistory.name", "filehistory.version"
_STILL = 0x7FFFFFFF
"""Backup number of what is still there."""


def _path(strings: Mapping[Any, Row], row: Row) -> str:
    parts = (strings.get(row.get(column), {}).get("string") for column in ("parentId", "childId"))
    return "\\".join(part for part in parts if part)


def _names(database: Database, strings: Mapping[Any, Row], backups: Mapping[Any, Row]) -> Iterator[Artefact]:
    def at(number: object) -> Moment:
        return file_time(backups.get(number, {}).get("timestamp"))

    for row in database.rows("namespace"):
        gone = row.get("tVisible")
        moments = {
            "created": file_time(row.get("fileCreated")),
            "modified": file_time(row.get("fileModified")),
            "first_backup": at(row.get("tCreated")),
            "last_backup": at(gone if gone != _STILL else None),
        }
        fields: dict[str, object] = {
            "path": _path(strings, row),
            "attributes": row.get("fileAttrib"),
            "usn": row.get("usn"),
            "file": row.get("fileRecordId") or "",
            "record": row.get("id"),
        }
        yield database.facts.artefact(_NAME, moments, fields)
    for row in database.rows("file"):
        moments = {"backed_up": at(row.get("tCaptured")), "queued": at(row.get("tQueued"))}
        fields = {"path": _path(strings, row), "size": row.get("fileSize"), "record": row.get("id")}
        yield database.facts.artefact(_VERSION, moments, fields)


def _tell(database: Database) -> Iterator[Artefact | Problem]:
    yield from _names(database, database.known("string", "id"), database.known("backupset", "id"))


FAMILY = Family(frozenset({"namespace", "string", "file", "backupset"}), (_NAME, _VERSION), _tell)
