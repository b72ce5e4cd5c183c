"""Firefox: places.sqlite (history, bookmarks, downloads), downloads.sqlite, cookies.sqlite, formhistory.sqlite."""

from __future__ import annotations

from forensics.parsers.databases._query import MICROSECONDS, SECONDS, Query

# fmt: off
_VISIT_TYPES = (  # nsINavHistoryService TRANSITION_*, from 1
    "link", "typed", "bookmark", "embed", "permanent redirect", "temporary redirect", "download", "framed link",
    "reload",
)
# fmt: on

QUERIES = (
    Query(
        "firefox.visit",
        {"moz_places": "id url title visit_count", "moz_historyvisits": "id place_id visit_date visit_type from_visit"},
        "moz_historyvisits LEFT JOIN moz_places ON moz_places.id = moz_historyvisits.place_id"
        " LEFT JOIN moz_historyvisits AS origin ON origin.id = moz_historyvisits.from_visit"
        " LEFT JOIN moz_places AS source ON source.id = origin.place_id ORDER BY moz_historyvisits.id",
        {"visited": ("moz_historyvisits.visit_date", MICROSECONDS)},
        {
            "url": "moz_places.url",
            "title": "moz_places.title",
            "transition": "moz_historyvisits.visit_type",
            "from_url": "source.url",
            "visit_count": "moz_places.visit_count",
            "typed": "moz_places.typed?",
            "hidden": "moz_places.hidden?",
            "row": "moz_historyvisits.id",
        },
        {"transition": {str(number): name for number, name in enumerate(_VISIT_TYPES, 1)}},
    ),
    Query(
        "firefox.bookmark",
        {"moz_bookmarks": "id type fk parent title dateAdded lastModified", "moz_places": "id url"},
        "moz_bookmarks LEFT JOIN moz_places ON moz_places.id = moz_bookmarks.fk ORDER BY moz_bookmarks.id",
        {
            "added": ("moz_bookmarks.dateAdded", MICROSECONDS),
            "modified": ("moz_bookmarks.lastModified", MICROSECONDS),
        },
        {
            "title": "moz_bookmarks.title",
            "url": "moz_places.url",
            "type": "moz_bookmarks.type",
            "parent": "moz_bookmarks.parent",
            "row": "moz_bookmarks.id",
        },
        {"type": {"1": "bookmark", "2": "folder", "3": "separator"}},
    ),
    Query(
        "firefox.annotation",
        {
            "moz_annos": "id place_id anno_attribute_id content dateAdded lastModified",
            "moz_anno_attributes": "id name",
            "moz_places": "id url",
        },
        "moz_annos LEFT JOIN moz_anno_attributes ON moz_anno_attributes.id = moz_annos.anno_attribute_id"
        " LEFT JOIN moz_places ON moz_places.id = moz_annos.place_id ORDER BY moz_annos.id",
        {"added": ("moz_annos.dateAdded", MICROSECONDS), "modified": ("moz_annos.lastModified", MICROSECONDS)},
        {
            "url": "moz_places.url",
            "name": "moz_anno_attributes.name",  # downloads since Firefox 26: downloads/destinationFileURI
            "content": "moz_annos.content",
            "row": "moz_annos.id",
        },
    ),
    Query(
        "firefox.download",
        {"moz_downloads": "id name source target startTime endTime state currBytes maxBytes"},
        "moz_downloads ORDER BY moz_downloads.id",
        {"started": ("moz_downloads.startTime", MICROSECONDS), "ended": ("moz_downloads.endTime", MICROSECONDS)},
        {
            "name": "moz_downloads.name",
            "url": "moz_downloads.source",
            "path": "moz_downloads.target",
            "referrer": "moz_downloads.referrer?",
            "received_bytes": "moz_downloads.currBytes",
            "total_bytes": "moz_downloads.maxBytes",
            "state": "moz_downloads.state",
            "mime": "moz_downloads.mimeType?",
            "row": "moz_downloads.id",
        },
        {"state": {"0": "in progress", "1": "complete", "2": "failed", "3": "cancelled", "4": "paused"}},
    ),
    Query(
        "firefox.cookie",
        {"moz_cookies": "id name host path expiry lastAccessed"},
        "moz_cookies ORDER BY moz_cookies.id",
        {
            "created": ("moz_cookies.creationTime?", MICROSECONDS),
            "last_accessed": ("moz_cookies.lastAccessed", MICROSECONDS),
            "expires": ("moz_cookies.expiry", SECONDS),
        },
        {
            "host": "moz_cookies.host",
            "name": "moz_cookies.name",
            "path": "moz_cookies.path",
            "secure": "moz_cookies.isSecure?",
            "http_only": "moz_cookies.isHttpOnly?",
            "row": "moz_cookies.id",
        },
    ),
    Query(
        "firefox.form",
        {"moz_formhistory": "id fieldname value timesUsed firstUsed lastUsed"},
        "moz_formhistory ORDER BY moz_formhistory.id",
        {
            "first_used": ("moz_formhistory.firstUsed", MICROSECONDS),
            "last_used": ("moz_formhistory.lastUsed", MICROSECONDS),
        },
        {
            "name": "moz_formhistory.fieldname",
            "value": "moz_formhistory.value",
            "count": "moz_formhistory.timesUsed",
            "row": "moz_formhistory.id",
        },
    ),
)
