"""Telephones: calls, messages, downloads and use of Android and iOS."""

from __future__ import annotations

from forensics.parsers.databases._query import COCOA, COCOA_EITHER, MILLISECONDS, SECONDS, Query

_CALLS = {"1": "incoming", "2": "outgoing", "3": "missed", "4": "voicemail", "5": "rejected", "6": "blocked"}
_MESSAGES = {"1": "received", "2": "sent", "3": "draft", "4": "outbox", "5": "failed", "6": "queued"}
# fmt: off
_USAGE = {  # android.app.usage.UsageEvents.Event
    "1": "activity resumed", "2": "activity paused", "5": "configuration changed", "7": "user interaction",
    "8": "shortcut used", "10": "notification seen", "11": "standby bucket changed", "12": "notification interruption",
    "15": "screen on", "16": "screen off", "17": "keyguard shown", "18": "keyguard hidden",
    "19": "foreground service started", "20": "foreground service stopped", "23": "activity stopped",
    "26": "device shut down", "27": "device started",
}
# fmt: on

QUERIES = (
    Query(
        "android.call",
        {"calls": "_id number date duration type"},
        "calls ORDER BY calls._id",
        {"began": ("calls.date", MILLISECONDS)},
        {
            "direction": "calls.type",
            "number": "calls.number",
            "name": "calls.name?",
            "duration_seconds": "calls.duration",
            "country": "calls.countryiso?",
            "row": "calls._id",
        },
        {"direction": _CALLS},
    ),
    Query(
        "android.message",
        {"sms": "_id address date body type"},
        "sms ORDER BY sms._id",
        {"dated": ("sms.date", MILLISECONDS), "sent": ("sms.date_sent?", MILLISECONDS)},
        {
            "direction": "sms.type",
            "address": "sms.address",
            "text": "sms.body",
            "read": "sms.read?",
            "service_center": "sms.service_center?",
            "row": "sms._id",
        },
        {"direction": _MESSAGES},
    ),
    Query(
        "android.download",
        {"downloads": "_id uri _data lastmod status"},
        "downloads ORDER BY downloads._id",
        {"modified": ("downloads.lastmod", MILLISECONDS)},
        {
            "url": "downloads.uri",
            "path": "downloads._data",
            "title": "downloads.title?",
            "mime": "downloads.mimetype?",
            "status": "downloads.status",
            "received_bytes": "downloads.current_bytes?",
            "total_bytes": "downloads.total_bytes?",
            "package": "downloads.notificationpackage?",
            "referrer": "downloads.referer?",
            "deleted": "downloads.deleted?",
            "row": "downloads._id",
        },
    ),
    Query(
        "android.usage",
        {"events": "_id timestamp type package_id", "packages": "_id package_name"},
        "events JOIN packages ON packages._id = events.package_id ORDER BY events._id",
        {"happened": ("events.timestamp", MILLISECONDS)},
        {"event": "events.type", "package": "packages.package_name", "row": "events._id"},
        {"event": _USAGE},
    ),
    Query(
        "android.battery",
        {"battery_event": "timestamp_millis battery_level charge_type"},
        "battery_event ORDER BY battery_event.timestamp_millis",
        {"measured": ("battery_event.timestamp_millis", MILLISECONDS)},
        {
            "level": "battery_event.battery_level",
            "charging": "battery_event.charge_type",
            "saver": "battery_event.battery_saver?",
            "zone": "battery_event.timezone?",
        },
    ),
    Query(
        "ios.message",
        {"message": "ROWID guid text handle_id date is_from_me service", "handle": "ROWID id"},
        "message LEFT JOIN handle ON handle.ROWID = message.handle_id ORDER BY message.ROWID",
        {
            "dated": ("message.date", COCOA_EITHER),
            "read": ("message.date_read?", COCOA_EITHER),
            "delivered": ("message.date_delivered?", COCOA_EITHER),
        },
        {
            "direction": "message.is_from_me",
            "address": "handle.id",
            "text": "message.text",
            "service": "message.service",
            "account": "message.account?",
            "attachments": "message.cache_has_attachments?",
            "row": "message.ROWID",
        },
        {"direction": {"0": "received", "1": "sent"}},
    ),
    Query(
        "ios.call",
        {"ZCALLRECORD": "Z_PK ZADDRESS ZDATE ZDURATION ZORIGINATED ZANSWERED"},
        "ZCALLRECORD ORDER BY ZCALLRECORD.Z_PK",
        {"began": ("ZCALLRECORD.ZDATE", COCOA)},
        {
            "direction": "ZCALLRECORD.ZORIGINATED",
            "number": "ZCALLRECORD.ZADDRESS",
            "answered": "ZCALLRECORD.ZANSWERED",
            "duration_seconds": "ZCALLRECORD.ZDURATION",
            "service": "ZCALLRECORD.ZSERVICE_PROVIDER?",
            "country": "ZCALLRECORD.ZISO_COUNTRY_CODE?",
            "row": "ZCALLRECORD.Z_PK",
        },
        {"direction": {"0": "incoming", "1": "outgoing"}, "answered": {"0": "no", "1": "yes"}},
    ),
    Query(
        "ios.data_usage",
        {"ZLIVEUSAGE": "Z_PK ZHASPROCESS ZTIMESTAMP ZWWANIN ZWWANOUT", "ZPROCESS": "Z_PK ZPROCNAME ZBUNDLENAME"},
        "ZLIVEUSAGE LEFT JOIN ZPROCESS ON ZPROCESS.Z_PK = ZLIVEUSAGE.ZHASPROCESS ORDER BY ZLIVEUSAGE.Z_PK",
        {"used": ("ZLIVEUSAGE.ZTIMESTAMP", COCOA)},
        {
            "process": "ZPROCESS.ZPROCNAME",
            "bundle": "ZPROCESS.ZBUNDLENAME",
            "cellular_in": "ZLIVEUSAGE.ZWWANIN",
            "cellular_out": "ZLIVEUSAGE.ZWWANOUT",
            "wifi_in": "ZLIVEUSAGE.ZWIFIIN?",
            "wifi_out": "ZLIVEUSAGE.ZWIFIOUT?",
            "row": "ZLIVEUSAGE.Z_PK",
        },
    ),
    Query(
        "ios.process",
        {"ZPROCESS": "Z_PK ZPROCNAME ZBUNDLENAME ZFIRSTTIMESTAMP ZTIMESTAMP"},
        "ZPROCESS ORDER BY ZPROCESS.Z_PK",
        {"first_used": ("ZPROCESS.ZFIRSTTIMESTAMP", COCOA), "last_used": ("ZPROCESS.ZTIMESTAMP", COCOA)},
        {"process": "ZPROCESS.ZPROCNAME", "bundle": "ZPROCESS.ZBUNDLENAME", "row": "ZPROCESS.Z_PK"},
    ),
    Query(
        "ios.interaction",
        {"ZINTERACTIONS": "Z_PK ZSTARTDATE ZENDDATE ZBUNDLEID ZDIRECTION ZSENDER", "ZCONTACTS": "Z_PK ZIDENTIFIER"},
        "ZINTERACTIONS LEFT JOIN ZCONTACTS ON ZCONTACTS.Z_PK = ZINTERACTIONS.ZSENDER ORDER BY ZINTERACTIONS.Z_PK",
        {
            "began": ("ZINTERACTIONS.ZSTARTDATE", COCOA),
            "ended": ("ZINTERACTIONS.ZENDDATE", COCOA),
        },
        {
            "bundle": "ZINTERACTIONS.ZBUNDLEID",
            "direction": "ZINTERACTIONS.ZDIRECTION",
            "sender": "ZCONTACTS.ZIDENTIFIER",
            "sender_name": "ZCONTACTS.ZDISPLAYNAME?",
            "row": "ZINTERACTIONS.Z_PK",
        },
        {"direction": {"0": "incoming", "1": "outgoing"}},
    ),
    Query(
        "ios.backup_file",
        {"Files": "fileID domain relativePath flags"},
        "Files ORDER BY Files.domain, Files.relativePath, Files.fileID",
        {},
        {"identifier": "Files.fileID", "domain": "Files.domain", "path": "Files.relativePath", "type": "Files.flags"},
        {"type": {"1": "file", "2": "directory", "4": "link"}},
    ),
    Query(
        "ios.calendar_item",
        {"CalendarItem": "ROWID summary start_date end_date last_modified"},
        "CalendarItem ORDER BY CalendarItem.ROWID",
        {
            "starts": ("CalendarItem.start_date", COCOA),
            "ends": ("CalendarItem.end_date", COCOA),
            "modified": ("CalendarItem.last_modified", COCOA),
            "created": ("CalendarItem.creation_date?", COCOA),
        },
        {
            "title": "CalendarItem.summary",
            "text": "CalendarItem.description?",
            "url": "CalendarItem.url?",
            "zone": "CalendarItem.start_tz?",
            "row": "CalendarItem.ROWID",
        },
    ),
    Query(
        "ios.contact",
        {"ABPerson": "ROWID First Last CreationDate ModificationDate"},
        "ABPerson ORDER BY ABPerson.ROWID",
        {"created": ("ABPerson.CreationDate", COCOA), "modified": ("ABPerson.ModificationDate", COCOA)},
        {
            "first_name": "ABPerson.First",
            "last_name": "ABPerson.Last",
            "organisation": "ABPerson.Organization?",
            "text": "ABPerson.Note?",
            "row": "ABPerson.ROWID",
        },
    ),
    Query(
        "ios.contact_value",
        {"ABMultiValue": "UID record_id property value"},
        "ABMultiValue WHERE ABMultiValue.value IS NOT NULL ORDER BY ABMultiValue.UID",
        {},
        {"contact": "ABMultiValue.record_id", "type": "ABMultiValue.property", "value": "ABMultiValue.value"},
        {"type": {"3": "telephone", "4": "mail", "5": "address", "22": "web"}},
    ),
    Query(
        "ios.voicemail",
        {"voicemail": "ROWID date sender callback_num duration"},
        "voicemail ORDER BY voicemail.ROWID",
        {"left": ("voicemail.date", SECONDS), "trashed": ("voicemail.trashed_date?", COCOA)},
        {
            "sender": "voicemail.sender",
            "callback": "voicemail.callback_num",
            "duration_seconds": "voicemail.duration",
            "row": "voicemail.ROWID",
        },
    ),
    Query(
        "webkit.domain",
        {"ObservedDomains": "registrableDomain lastSeen hadUserInteraction mostRecentUserInteractionTime"},
        "ObservedDomains ORDER BY ObservedDomains.registrableDomain",
        {
            "last_seen": ("ObservedDomains.lastSeen", SECONDS),
            "last_used": ("NULLIF(ObservedDomains.mostRecentUserInteractionTime, -1)", SECONDS),
        },
        {"domain": "ObservedDomains.registrableDomain", "interaction": "ObservedDomains.hadUserInteraction"},
        {"interaction": {"0": "no", "1": "yes"}},
    ),
    Query(
        "android.contact",
        {
            "raw_contacts": "_id display_name deleted",
            "data": "_id raw_contact_id mimetype_id data1",
            "mimetypes": "_id mimetype",
        },
        "data JOIN raw_contacts ON raw_contacts._id = data.raw_contact_id"
        " JOIN mimetypes ON mimetypes._id = data.mimetype_id ORDER BY data._id",
        {
            "last_contacted": ("raw_contacts.last_time_contacted?", MILLISECONDS),
        },
        {
            "name": "raw_contacts.display_name",
            "type": "mimetypes.mimetype",
            "value": "data.data1",
            "deleted": "raw_contacts.deleted",
            "account_row": "raw_contacts.account_id?",
            "row": "data._id",
        },
        {"deleted": {"0": "", "1": "yes"}},
    ),
)
