"""Windows 10 and 11: the activity timeline (ActivitiesCache.db)."""

from __future__ import annotations

from forensics.parsers.databases._query import SECONDS, Query

# fmt: off
_TYPES = {
    "2": "notification", "3": "mobile device backup", "5": "open", "6": "in use", "10": "clipboard text",
    "11": "system", "12": "system", "15": "system", "16": "clipboard operation",
}
# fmt: on

QUERIES = (
    Query(
        "windows.activity",
        {"Activity": "Id AppId ActivityType StartTime EndTime LastModifiedTime Payload"},
        "Activity ORDER BY Activity.rowid",
        {
            "started": ("Activity.StartTime", SECONDS),
            "ended": ("Activity.EndTime", SECONDS),
            "modified": ("Activity.LastModifiedTime", SECONDS),
            "modified_on_client": ("Activity.LastModifiedOnClient?", SECONDS),
        },
        {
            "type": "Activity.ActivityType",
            "application": "Activity.AppId",
            "payload": "CAST(Activity.Payload AS TEXT)",
            "device": "Activity.PlatformDeviceId?",
            "status": "Activity.ActivityStatus?",
        },
        {"type": _TYPES},
    ),
)
