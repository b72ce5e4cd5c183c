"""Messengers and social networks: WhatsApp, Kik, Skype, Twitter."""

from __future__ import annotations

from forensics.parsers.databases._query import COCOA, MILLISECONDS, SECONDS, Query

_WAY = {"0": "received", "1": "sent"}

QUERIES = (
    Query(
        "whatsapp.message",
        {
            "ZWAMESSAGE": "Z_PK ZCHATSESSION ZFROMJID ZTOJID ZTEXT ZMESSAGEDATE ZISFROMME",
            "ZWACHATSESSION": "Z_PK ZCONTACTJID ZPARTNERNAME",
        },
        "ZWAMESSAGE LEFT JOIN ZWACHATSESSION ON ZWACHATSESSION.Z_PK = ZWAMESSAGE.ZCHATSESSION ORDER BY ZWAMESSAGE.Z_PK",
        {"dated": ("ZWAMESSAGE.ZMESSAGEDATE", COCOA), "sent": ("ZWAMESSAGE.ZSENTDATE?", COCOA)},
        {
            "direction": "ZWAMESSAGE.ZISFROMME",
            "from": "ZWAMESSAGE.ZFROMJID",
            "to": "ZWAMESSAGE.ZTOJID",
            "chat": "ZWACHATSESSION.ZPARTNERNAME",
            "chat_id": "ZWACHATSESSION.ZCONTACTJID",
            "text": "ZWAMESSAGE.ZTEXT",
            "type": "ZWAMESSAGE.ZMESSAGETYPE?",
            "row": "ZWAMESSAGE.Z_PK",
        },
        {"direction": _WAY},
    ),
    Query(
        "whatsapp.message",
        {"messages": "_id key_remote_jid key_from_me data timestamp"},
        "messages ORDER BY messages._id",
        {
            "dated": ("messages.timestamp", MILLISECONDS),
            "received": ("messages.received_timestamp?", MILLISECONDS),
        },
        {
            "direction": "messages.key_from_me",
            "chat_id": "messages.key_remote_jid",
            "from": "messages.remote_resource?",
            "text": "messages.data",
            "mime": "messages.media_mime_type?",
            "media": "messages.media_name?",
            "latitude": "messages.latitude?",
            "longitude": "messages.longitude?",
            "row": "messages._id",
        },
        {"direction": _WAY},
    ),
    Query(
        "kik.message",
        {"ZKIKMESSAGE": "Z_PK ZUSER ZTYPE ZTIMESTAMP ZRECEIVEDTIMESTAMP ZBODY", "ZKIKUSER": "Z_PK ZUSERNAME"},
        "ZKIKMESSAGE LEFT JOIN ZKIKUSER ON ZKIKUSER.Z_PK = ZKIKMESSAGE.ZUSER ORDER BY ZKIKMESSAGE.Z_PK",
        {"dated": ("ZKIKMESSAGE.ZTIMESTAMP", COCOA), "received": ("ZKIKMESSAGE.ZRECEIVEDTIMESTAMP", COCOA)},
        {
            "user": "ZKIKUSER.ZUSERNAME",
            "user_name": "ZKIKUSER.ZDISPLAYNAME?",
            "type": "ZKIKMESSAGE.ZTYPE",
            "text": "ZKIKMESSAGE.ZBODY",
            "row": "ZKIKMESSAGE.Z_PK",
        },
        {"type": {"1": "received", "2": "sent", "3": "group admin", "4": "group message"}},
    ),
    Query(
        "skype.message",
        {"Messages": "id author from_dispname dialog_partner timestamp body_xml chatname"},
        "Messages ORDER BY Messages.id",
        {"sent": ("Messages.timestamp", SECONDS), "edited": ("Messages.edited_timestamp?", SECONDS)},
        {
            "from": "Messages.author",
            "from_name": "Messages.from_dispname",
            "to": "Messages.dialog_partner",
            "chat": "Messages.chatname",
            "text": "Messages.body_xml",
            "row": "Messages.id",
        },
    ),
    Query(
        "skype.call",
        {"Calls": "id begin_timestamp duration host_identity is_incoming"},
        "Calls ORDER BY Calls.id",
        {"began": ("Calls.begin_timestamp", SECONDS)},
        {
            "host": "Calls.host_identity",
            "direction": "Calls.is_incoming",
            "duration_seconds": "Calls.duration",
            "with": "Calls.partner_handle?",
            "row": "Calls.id",
        },
        {"direction": {"0": "outgoing", "1": "incoming"}},
    ),
    Query(
        "skype.transfer",
        {"Transfers": "id partner_handle starttime finishtime filepath filename filesize status"},
        "Transfers ORDER BY Transfers.id",
        {
            "offered": ("Transfers.starttime", SECONDS),
            "accepted": ("Transfers.accepttime?", SECONDS),
            "ended": ("Transfers.finishtime", SECONDS),
        },
        {
            "with": "Transfers.partner_handle",
            "name": "Transfers.filename",
            "path": "Transfers.filepath",
            "size": "Transfers.filesize",
            "status": "Transfers.status",
            "row": "Transfers.id",
        },
    ),
    Query(
        "skype.sms",
        {"SMSes": "id timestamp target_numbers body status"},
        "SMSes ORDER BY SMSes.id",
        {"sent": ("SMSes.timestamp", SECONDS)},
        {"to": "SMSes.target_numbers", "text": "SMSes.body", "status": "SMSes.status", "row": "SMSes.id"},
    ),
    Query(
        "skype.account",
        {"Accounts": "id skypename fullname country emails profile_timestamp"},
        "Accounts ORDER BY Accounts.id",
        {
            "profile_changed": ("Accounts.profile_timestamp", SECONDS),
            "last_online": ("Accounts.lastonline_timestamp?", SECONDS),
            "last_used": ("Accounts.lastused_timestamp?", SECONDS),
        },
        {
            "account": "Accounts.skypename",
            "name": "Accounts.fullname",
            "country": "Accounts.country",
            "emails": "Accounts.emails",
        },
    ),
    Query(
        "twitter.status",
        {"statuses": "_id status_id author_id content created", "users": "user_id username name"},
        "statuses LEFT JOIN users ON users.user_id = statuses.author_id ORDER BY statuses._id",
        {"created": ("statuses.created", MILLISECONDS)},
        {
            "user": "users.username",
            "user_name": "users.name",
            "text": "statuses.content",
            "status": "statuses.status_id",
            "latitude": "statuses.latitude?",
            "longitude": "statuses.longitude?",
            "favorited": "statuses.favorited?",
            "retweeted": "statuses.retweeted?",
        },
    ),
    Query(
        "twitter.search",
        {"search_queries": "_id name query time"},
        "search_queries ORDER BY search_queries._id",
        {"searched": ("search_queries.time", MILLISECONDS)},
        {"name": "search_queries.name", "query": "search_queries.query", "row": "search_queries._id"},
    ),
    Query(
        "twitter.contact",
        {"users": "_id user_id username name profile_created updated friendship_time"},
        "users ORDER BY users._id",
        {
            "created": ("users.profile_created", MILLISECONDS),
            "updated": ("users.updated", MILLISECONDS),
            "befriended": ("users.friendship_time", MILLISECONDS),
        },
        {
            "user": "users.username",
            "user_name": "users.name",
            "location": "users.location?",
            "text": "users.description?",
        },
    ),
    Query(
        "twitter.status",
        {"Statuses": "id text date userId updatedAt", "Users": "id screenName name"},
        "Statuses LEFT JOIN Users ON Users.id = Statuses.userId ORDER BY Statuses.id",
        {"created": ("Statuses.date", SECONDS), "updated": ("Statuses.updatedAt", SECONDS)},
        {
            "user": "Users.screenName",
            "user_name": "Users.name",
            "text": "Statuses.text",
            "status": "Statuses.id",
            "favorited": "Statuses.favorited?",
        },
    ),
    Query(
        "twitter.contact",
        {"Users": "id screenName name createdDate updatedAt"},
        "Users ORDER BY Users.id",
        {"created": ("Users.createdDate", SECONDS), "updated": ("Users.updatedAt", SECONDS)},
        {
            "user": "Users.screenName",
            "user_name": "Users.name",
            "location": "Users.location?",
            "text": "Users.description?",
        },
    ),
)
