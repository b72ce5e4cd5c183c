"""SRUDB.dat, the system resource usage monitor of Windows 8 and later: programs, users, bytes, about every hour.

The tables are named by the identifiers of their extensions (key SRUM of the SOFTWARE hive); what the columns
count is not documented by Microsoft, so they keep their names.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from forensics.model import Artefact, Problem
from forensics.parsers.windows._ese import Database, Family, Row, file_time, ole_time, shown, snake

_KINDS = {
    "{D10CA2FE-6FCF-4F6D-848E-B2E99266FA89}": "srum.application",
    "{973F5D5C-1D90-4944-BE8E-24B94231A174}": "srum.network",
    "{DD6636C4-8929-4683-974E-22C046A43763}": "srum.connection",
    "{D10CA2FE-6FCF-4F6D-848E-B2E99266FA86}": "srum.notification",
    "{5C8CF1C7-7257-4F13-B223-970EF5939312}": "srum.timeline",
    "{FEE4E14F-02A9-4550-B5CE-5FA2DA202E37}": "srum.energy",
    "{FEE4E14F-02A9-4550-B5CE-5FA2DA202E37}LT": "srum.energy",
    "{7ACBBAA3-D029-4BE4-9A7A-0885927F1D8F}": "srum.tagged_energy",
}
_OTHER = "srum.record"
_TIMES = {"ConnectStartTime": "connected", "StartTime": "started", "EndTime": "ended", "EventTimestamp": "measured"}
_SID = 3


def _sid(data: bytes) -> str:
    """[MS-DTYP] section 2.4.2.2; hexadecimal where it is none."""
    if len(data) < 8 or len(data) != 8 + 4 * data[1]:
        return data.hex()
    return "-".join(
        map(str, ("S", data[0], int.from_bytes(data[2:8], "big"), *struct.unpack(f"<{data[1]}I", data[8:])))
    )


def _name(row: Row | None) -> str:
    data = row.get("IdBlob") if row else None
    if row is None or not isinstance(data, bytes):
        return ""
    return _sid(data) if row.get("IdType") == _SID else data.decode("utf-16-le", "backslashreplace").rstrip("\0")


def _tell(database: Database) -> Iterator[Artefact | Problem]:
    names = database.known("SruDbIdMapTable", "IdIndex")
    for table in sorted(name for name in database.tables if name.startswith("{")):
        for row in database.rows(table):
            moments = {"recorded": ole_time(row.get("TimeStamp"))}
            moments |= {name: file_time(row.get(column)) for column, name in _TIMES.items()}
            fields: dict[str, object] = {
                "program": _name(names.get(row.get("AppId"))),
                "user": _name(names.get(row.get("UserId"))),
                "record": row.get("AutoIncId"),
            }
            fields |= {
                snake(column): shown(value)
                for column, value in row.items()
                if column not in ("TimeStamp", "AutoIncId", "AppId", "UserId", *_TIMES)
            }
            yield database.facts.artefact(_KINDS.get(table, _OTHER), moments, {**fields, "table": table})


FAMILY = Family(frozenset({"SruDbIdMapTable"}), (*dict.fromkeys(_KINDS.values()), _OTHER), _tell)
