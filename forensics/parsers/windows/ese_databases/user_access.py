"""User Access Logging of Windows servers (Current.mdb and others): who used which role, from which address."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from forensics.model import Artefact, Problem
from forensics.parsers.windows._ese import Database, Family, file_time

_CLIENT, _ROLE = "useraccess.client", "useraccess.role"


def _address(value: object) -> str:
    if isinstance(value, bytes) and len(value) in (4, 16):
        return str(ipaddress.ip_address(value))
    return value.hex() if isinstance(value, bytes) else ""


def _tell(database: Database) -> Iterator[Artefact | Problem]:
    for row in database.rows("CLIENTS"):
        moments = {"first_access": file_time(row.get("InsertDate")), "last_access": file_time(row.get("LastAccess"))}
        days = [f"{column[3:]}: {row[column]}" for column in row if column.startswith("Day") and row[column]]
        fields: dict[str, object] = {
            "user": row.get("AuthenticatedUserName"),
            "address": _address(row.get("Address")),
            "client": row.get("ClientName"),
            "role": row.get("RoleGuid"),
            "accesses": row.get("TotalAccesses"),
            "accesses_by_day_of_year": ", ".join(days),
        }
        yield database.facts.artefact(_CLIENT, moments, fields)
    for row in database.rows("ROLE_ACCESS"):
        moments = {"first_seen": file_time(row.get("FirstSeen")), "last_seen": file_time(row.get("LastSeen"))}
        yield database.facts.artefact(_ROLE, moments, {"role": row.get("RoleGuid")})


FAMILY = Family(frozenset({"CLIENTS", "ROLE_ACCESS"}), (_CLIENT, _ROLE), _tell)
