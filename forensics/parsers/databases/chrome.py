"""Chrome and its family (Chromium, Edge, Brave, Opera, Vivaldi): History, Cookies, Web Data, Extension Activity."""

from __future__ import annotations

from forensics.parsers.databases._query import MILLISECONDS, SECONDS, WEBKIT, Query

# fmt: off
_TRANSITIONS = (  # ui/base/page_transition_types.h, the core type in the low byte
    "link", "typed", "auto bookmark", "auto subframe", "manual subframe", "generated",
    "auto toplevel", "form submit", "reload", "keyword", "keyword generated",
)
# fmt: on
_STATES = {"0": "in progress", "1": "complete", "2": "cancelled", "3": "interrupted", "4": "interrupted"}

QUERIES = (
    Query(
        "chrome.visit",
        {"urls": "id url title visit_count", "visits": "id url visit_time transition from_visit"},
        "visits LEFT JOIN urls ON urls.id = visits.url LEFT JOIN visits AS origin ON origin.id = visits.from_visit"
        " LEFT JOIN urls AS source ON source.id = origin.url ORDER BY visits.id",
        {"visited": ("visits.visit_time", WEBKIT)},
        {
            "url": "urls.url",
            "title": "urls.title",
            "transition": "visits.transition & 255",
            "from_url": "source.url",
            "visit_count": "urls.visit_count",
            "typed_count": "urls.typed_count?",
            "hidden": "urls.hidden?",
            "duration_microseconds": "visits.visit_duration?",
            "synced_from": "visits.originator_cache_guid?",
            "row": "visits.id",
        },
        {"transition": {str(number): name for number, name in enumerate(_TRANSITIONS)}},
    ),
    Query(
        "chrome.download",
        {"downloads": "id target_path start_time state received_bytes", "downloads_url_chains": "id chain_index url"},
        "downloads ORDER BY downloads.id",
        {
            "started": ("downloads.start_time", WEBKIT),
            "ended": ("downloads.end_time?", WEBKIT),
            "last_accessed": ("downloads.last_access_time?", WEBKIT),
        },
        {
            "path": "downloads.target_path",
            "url": "(SELECT url FROM downloads_url_chains AS chain WHERE chain.id = downloads.id"
            " ORDER BY chain_index DESC LIMIT 1)",
            "first_url": "(SELECT url FROM downloads_url_chains AS chain WHERE chain.id = downloads.id"
            " ORDER BY chain_index LIMIT 1)",
            "referrer": "downloads.referrer?",
            "tab_url": "downloads.tab_url?",
            "received_bytes": "downloads.received_bytes",
            "total_bytes": "downloads.total_bytes?",
            "state": "downloads.state",
            "danger_type": "downloads.danger_type?",
            "interrupt_reason": "downloads.interrupt_reason?",
            "opened": "downloads.opened?",
            "mime": "downloads.mime_type?",
            "extension": "downloads.by_ext_name?",
            "row": "downloads.id",
        },
        {"state": _STATES},
    ),
    Query(
        "chrome.download",
        {"downloads": "id full_path url start_time state received_bytes total_bytes"},
        "downloads ORDER BY downloads.id",
        {"started": ("downloads.start_time", SECONDS)},
        {
            "path": "downloads.full_path",
            "url": "downloads.url",
            "received_bytes": "downloads.received_bytes",
            "total_bytes": "downloads.total_bytes",
            "state": "downloads.state",
            "row": "downloads.id",
        },
        {"state": _STATES},
    ),
    Query(
        "chrome.search",
        {"keyword_search_terms": "url_id term", "urls": "id url last_visit_time"},
        "keyword_search_terms LEFT JOIN urls ON urls.id = keyword_search_terms.url_id"
        " ORDER BY keyword_search_terms.rowid",
        {"last_visited": ("urls.last_visit_time", WEBKIT)},
        {"term": "keyword_search_terms.term", "url": "urls.url", "title": "urls.title?"},
    ),
    Query(
        "chrome.cookie",
        {"cookies": "host_key name path creation_utc expires_utc last_access_utc"},
        "cookies ORDER BY cookies.creation_utc, cookies.host_key, cookies.name, cookies.path",
        {
            "created": ("cookies.creation_utc", WEBKIT),
            "last_accessed": ("cookies.last_access_utc", WEBKIT),
            "updated": ("cookies.last_update_utc?", WEBKIT),
            "expires": ("cookies.expires_utc", WEBKIT),
        },
        {
            "host": "cookies.host_key",
            "name": "cookies.name",
            "path": "cookies.path",
            "secure": "cookies.is_secure?",
            "http_only": "cookies.is_httponly?",
            "persistent": "cookies.is_persistent?",
        },
    ),
    Query(
        "chrome.autofill",
        {"autofill": "name value date_created date_last_used count"},
        "autofill ORDER BY autofill.date_created, autofill.name, autofill.value",
        {"created": ("autofill.date_created", SECONDS), "last_used": ("autofill.date_last_used", SECONDS)},
        {"name": "autofill.name", "value": "autofill.value", "count": "autofill.count"},
    ),
    Query(
        "chrome.extension_activity",
        {"activitylog_uncompressed": "extension_id time action_type api_name args page_url page_title arg_url"},
        "activitylog_uncompressed",
        {"done": ("activitylog_uncompressed.time", WEBKIT)},
        {
            "extension": "activitylog_uncompressed.extension_id",
            "action": "activitylog_uncompressed.action_type",
            "api": "activitylog_uncompressed.api_name",
            "arguments": "activitylog_uncompressed.args",
            "page_url": "activitylog_uncompressed.page_url",
            "page_title": "activitylog_uncompressed.page_title",
            "url": "activitylog_uncompressed.arg_url",
        },
    ),
    Query(
        "chrome.extension_activity",
        {
            "activitylog_compressed": "extension_id_x time action_type api_name_x args_x page_url_x page_title_x"
            " arg_url_x",
            "string_ids": "id value",
            "url_ids": "id value",
        },
        "activitylog_compressed ORDER BY activitylog_compressed.rowid",
        {"done": ("activitylog_compressed.time", WEBKIT)},
        {
            "extension": "(SELECT value FROM string_ids WHERE id = extension_id_x)",
            "action": "activitylog_compressed.action_type",
            "api": "(SELECT value FROM string_ids WHERE id = api_name_x)",
            "arguments": "(SELECT value FROM string_ids WHERE id = args_x)",
            "page_url": "(SELECT value FROM url_ids WHERE id = page_url_x)",
            "page_title": "(SELECT value FROM string_ids WHERE id = page_title_x)",
            "url": "(SELECT value FROM url_ids WHERE id = arg_url_x)",
        },
    ),
    Query(
        "webview.cookie",
        {"cookies": "_id name domain path expires secure"},
        "cookies ORDER BY cookies._id",
        {"expires": ("cookies.expires", MILLISECONDS)},
        {"host": "cookies.domain", "name": "cookies.name", "path": "cookies.path", "secure": "cookies.secure"},
    ),
    Query(
        "chrome.login",  # the site and when, never the password
        {"logins": "origin_url username_value date_created"},
        "logins ORDER BY logins.rowid",
        {
            "created": ("logins.date_created", WEBKIT),
            "last_used": ("logins.date_last_used?", WEBKIT),
            "changed": ("logins.date_password_modified?", WEBKIT),
        },
        {
            "url": "logins.origin_url",
            "action_url": "logins.action_url?",
            "user": "logins.username_value",
            "times_used": "logins.times_used?",
            "never_saved": "logins.blacklisted_by_user?",
        },
        {"never_saved": {"0": "", "1": "yes"}},
    ),
)
