"""macOS: Safari's history, quarantine, privacy decisions (TCC), application usage, what the user did (knowledgeC)."""

from __future__ import annotations

from forensics.parsers.databases._query import COCOA, SECONDS, Query

_AUTHORISATIONS = {"0": "denied", "1": "unknown", "2": "allowed", "3": "limited"}

QUERIES = (
    Query(
        "safari.visit",
        {"history_items": "id url visit_count", "history_visits": "id history_item visit_time title"},
        "history_visits LEFT JOIN history_items ON history_items.id = history_visits.history_item"
        " ORDER BY history_visits.id",
        {"visited": ("history_visits.visit_time", COCOA)},
        {
            "url": "history_items.url",
            "title": "history_visits.title",
            "visit_count": "history_items.visit_count",
            "loaded": "history_visits.load_successful?",
            "origin": "history_visits.origin?",
            "redirected_from": "history_visits.redirect_source?",
            "redirected_to": "history_visits.redirect_destination?",
            "row": "history_visits.id",
        },
        {"origin": {"0": "this device", "1": "synchronised"}},
    ),
    Query(
        "safari.tab",
        {"tabs": "id uuid title url last_viewed_time"},
        "tabs ORDER BY tabs.id",
        {"last_viewed": ("tabs.last_viewed_time", COCOA)},
        {"url": "tabs.url", "title": "tabs.title", "private": "tabs.private_browsing?", "row": "tabs.id"},
    ),
    Query(
        "macos.quarantine",
        {"LSQuarantineEvent": "LSQuarantineEventIdentifier LSQuarantineTimeStamp LSQuarantineAgentName"},
        "LSQuarantineEvent ORDER BY LSQuarantineEvent.rowid",
        {"quarantined": ("LSQuarantineEvent.LSQuarantineTimeStamp", COCOA)},
        {
            "agent": "LSQuarantineEvent.LSQuarantineAgentName",
            "bundle": "LSQuarantineEvent.LSQuarantineAgentBundleIdentifier?",
            "url": "LSQuarantineEvent.LSQuarantineDataURLString?",
            "origin_url": "LSQuarantineEvent.LSQuarantineOriginURLString?",
            "origin_title": "LSQuarantineEvent.LSQuarantineOriginTitle?",
            "sender": "LSQuarantineEvent.LSQuarantineSenderName?",
            "sender_address": "LSQuarantineEvent.LSQuarantineSenderAddress?",
            "identifier": "LSQuarantineEvent.LSQuarantineEventIdentifier",
        },
    ),
    Query(
        "macos.privacy",
        {"access": "service client client_type allowed last_modified"},
        "access ORDER BY access.service, access.client, access.client_type",
        {"modified": ("access.last_modified", SECONDS)},
        {"service": "access.service", "client": "access.client", "allowed": "access.allowed"},
        {"allowed": {"0": "no", "1": "yes"}},
    ),
    Query(
        "macos.privacy",
        {"access": "service client client_type auth_value auth_reason last_modified"},
        "access ORDER BY access.service, access.client, access.client_type",
        {"modified": ("access.last_modified", SECONDS)},
        {
            "service": "access.service",
            "client": "access.client",
            "allowed": "access.auth_value",
            "reason": "access.auth_reason",
        },
        {"allowed": _AUTHORISATIONS},
    ),
    Query(
        "macos.application_usage",
        {"application_usage": "event bundle_id app_version app_path last_time number_times"},
        "application_usage ORDER BY application_usage.rowid",
        {"last_used": ("application_usage.last_time", SECONDS)},
        {
            "event": "application_usage.event",
            "bundle": "application_usage.bundle_id",
            "path": "application_usage.app_path",
            "version": "application_usage.app_version",
            "count": "application_usage.number_times",
        },
    ),
    Query(
        "apple.knowledge",
        {"ZOBJECT": "Z_PK ZSTREAMNAME ZSTARTDATE ZENDDATE ZCREATIONDATE ZVALUESTRING"},
        "ZOBJECT WHERE ZOBJECT.ZSTREAMNAME IS NOT NULL ORDER BY ZOBJECT.Z_PK",
        {
            "started": ("ZOBJECT.ZSTARTDATE", COCOA),
            "ended": ("ZOBJECT.ZENDDATE", COCOA),
            "recorded": ("ZOBJECT.ZCREATIONDATE", COCOA),
        },
        {
            "stream": "ZOBJECT.ZSTREAMNAME",
            "value": "ZOBJECT.ZVALUESTRING",
            "number": "ZOBJECT.ZVALUEINTEGER?",
            "seconds_from_gmt": "ZOBJECT.ZSECONDSFROMGMT?",
            "row": "ZOBJECT.Z_PK",
        },
    ),
    Query(
        "apple.notes",
        {"ZICCLOUDSYNCINGOBJECT": "Z_PK ZTITLE1 ZCREATIONDATE3 ZMODIFICATIONDATE1"},
        "ZICCLOUDSYNCINGOBJECT WHERE ZICCLOUDSYNCINGOBJECT.ZTITLE1 IS NOT NULL ORDER BY ZICCLOUDSYNCINGOBJECT.Z_PK",
        {
            "created": ("ZICCLOUDSYNCINGOBJECT.ZCREATIONDATE3", COCOA),
            "modified": ("ZICCLOUDSYNCINGOBJECT.ZMODIFICATIONDATE1", COCOA),
        },
        {
            "title": "ZICCLOUDSYNCINGOBJECT.ZTITLE1",
            "snippet": "ZICCLOUDSYNCINGOBJECT.ZSNIPPET?",
            "encrypted": "ZICCLOUDSYNCINGOBJECT.ZISPASSWORDPROTECTED?",
            "row": "ZICCLOUDSYNCINGOBJECT.Z_PK",
        },
    ),
    Query(
        "apple.notes",
        {"ZICCLOUDSYNCINGOBJECT": "Z_PK ZTITLE1 ZCREATIONDATE1 ZMODIFICATIONDATE1"},
        "ZICCLOUDSYNCINGOBJECT WHERE ZICCLOUDSYNCINGOBJECT.ZTITLE1 IS NOT NULL ORDER BY ZICCLOUDSYNCINGOBJECT.Z_PK",
        {
            "created": ("ZICCLOUDSYNCINGOBJECT.ZCREATIONDATE1", COCOA),
            "modified": ("ZICCLOUDSYNCINGOBJECT.ZMODIFICATIONDATE1", COCOA),
        },
        {
            "title": "ZICCLOUDSYNCINGOBJECT.ZTITLE1",
            "snippet": "ZICCLOUDSYNCINGOBJECT.ZSNIPPET?",
            "encrypted": "ZICCLOUDSYNCINGOBJECT.ZISPASSWORDPROTECTED?",
            "row": "ZICCLOUDSYNCINGOBJECT.Z_PK",
        },
    ),
)
