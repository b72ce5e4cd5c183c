"""What an event's message is made of, for each kind of artefact: said here only.

A recipe is pieces (before, field, after), a piece only where the field holds something, and the beginning of the names
of further fields, all given as name=value. A kind without one gives all its fields.
"""

from __future__ import annotations

from collections.abc import Mapping

_EVENT = (("", "provider", " "), ("", "event_id", ""), (" on ", "computer", ""), (": ", "meaning", ""))
_EVTX_RECIPE, _EVT_RECIPE = (_EVENT, "data."), (_EVENT, "string.")
_SHORTCUT = (
    ("", "local_path", ""),
    ("", "network_path", ""),
    (" ", "arguments", ""),
    (" (", "shell_path", ")"),
    (" on ", "volume_label", ""),
    (" serial ", "volume_serial", ""),
    (" of ", "machine", ""),
)
_PATH = ((("", "path", ""),), "")
MESSAGES: Mapping[str, tuple[tuple[tuple[str, str, str], ...], str]] = {
    "syslog.line": (
        (("", "host", " "), ("", "program", ""), ("[", "pid", "]"), (": ", "message", "")),
        "",
    ),
    "plaso.event": ((("[", "description", "] "), ("", "message", "")), ""),
    "access.request": (
        (
            ("", "client", ""),
            (" ", "user", ""),
            (' "', "method", ""),
            (" ", "target", '"'),
            (" ", "status", ""),
            (" ", "bytes", " bytes"),
        ),
        "",
    ),
    "evtx.record": _EVTX_RECIPE,
    "evtx.recovered": _EVTX_RECIPE,
    "evt.record": _EVT_RECIPE,
    "evt.recovered": _EVT_RECIPE,
    "iis.request": (
        (
            ("", "client", ""),
            (" ", "user", ""),
            (" ", "method", ""),
            (" ", "target", ""),
            ("?", "query", ""),
            (" ", "status", ""),
            (" ", "bytes", " bytes"),
        ),
        "",
    ),
    "journal.entry": (
        (("", "_hostname", " "), ("", "syslog_identifier", ""), ("[", "_pid", "]"), (": ", "message", "")),
        "",
    ),
    "utmp.record": (
        (
            ("", "type", ""),
            (" ", "user", ""),
            (" on ", "line", ""),
            (" from ", "host", ""),
            (" (", "address", ")"),
            (" pid ", "pid", ""),
        ),
        "",
    ),
    "shell.command": ((("", "command", ""), (" (", "shell", ")")), ""),
    "package.action": (
        (
            ("", "tool", " "),
            ("", "action", ""),
            (" ", "state", ""),
            (" ", "package", ""),
            (" ", "path", ""),
            (" ", "version", ""),
            (", was ", "old_version", ""),
        ),
        "",
    ),
    "postgresql.line": (
        (
            ("", "severity", ": "),
            ("", "user", ""),
            ("@", "database", ""),
            (" from ", "client", ""),
            (" ", "message", ""),
        ),
        "",
    ),
    "container.line": ((("", "namespace", "/"), ("", "pod", "/"), ("", "container", ": "), ("", "message", "")), ""),
    "asl.record": ((("", "host", " "), ("", "sender", ""), ("[", "pid", "]"), (": ", "message", "")), ""),
    "firefox.cached": ((("", "url", ""), (" ", "status", ""), (" ", "content_type", "")), ""),
    "chrome.cached": ((("", "url", ""), (" ", "status", ""), (" ", "content_type", "")), ""),
    "safari.page": ((("", "url", ""), (" (", "title", ")")), ""),
    "macos.installation": ((("", "name", ""), (" ", "version", ""), (" by ", "installer", "")), ""),
    "recycle.item": ((("", "path", ""), (", ", "size", " bytes")), ""),
    "lnk.shortcut": (_SHORTCUT, ""),
    "jumplist.shortcut": (_SHORTCUT, ""),
    "lnk.item": _PATH,
    "jumplist.item": _PATH,
    "jumplist.destination": ((("", "path", ""), (" of ", "machine", "")), ""),
    "prefetch.execution": ((("", "executable", ""), (", run ", "run_count", " times"), (" (", "hash", ")")), ""),
    "prefetch.volume": ((("", "device", ""), (" serial ", "volume_serial", ""), (", for ", "executable", "")), ""),
    "usn.record": ((("", "name", ""), (": ", "reason", ""), (", MFT entry ", "mft_entry", "")), ""),
    "registry.key": ((("", "path", ""),), "value."),
    "registry.recovered": ((("", "path", ""),), "value."),
    "picture.exif": (
        (("", "make", ""), (" ", "model", ""), (" serial ", "body_serial", ""), (", ", "software", "")),
        "",
    ),
    "picture.gps": ((("", "latitude", ""), (", ", "longitude", ""), (", ", "altitude_metres", " m")), ""),
    **dict.fromkeys(
        ("zip.member", "tar.member", "7z.member", "rar.member", "cpio.member", "cab.member"),
        ((("", "name", ""), (", ", "size", " bytes"), (" -> ", "link_target", "")), ""),
    ),
    **dict.fromkeys(
        ("office.document", "odf.document", "ole.document", "rtf.document", "pdf.document"),
        (
            (
                ("", "title", ""),
                (" by ", "author", ""),
                (", last by ", "last_modified_by", ""),
                (", with ", "application", ""),
            ),
            "",
        ),
    ),
    "mail.message": ((("", "subject", ""), (" from ", "from", ""), (" to ", "to", "")), ""),
    "mail.hop": ((("from ", "from", ""), (" by ", "by", ""), (" for ", "for", ""), (" ", "message_id", "")), ""),
    "pst.message": ((("", "subject", ""), (" from ", "sender", ""), (" to ", "to", ""), (" in ", "folder", "")), ""),
    "pcap.conversation": (
        (
            ("", "protocol", " "),
            ("", "source", ""),
            (":", "source_port", ""),
            (" > ", "destination", ""),
            (":", "destination_port", ""),
            (", ", "bytes", " bytes"),
        ),
        "",
    ),
    "registry.userassist": ((("", "program", ""), (", ", "count", " times")), ""),
    "registry.moderated": ((("", "program", ""), (" by ", "user_sid", "")), ""),
    "registry.shimcache": ((("", "path", ""), (" (", "package", ")")), ""),
    **dict.fromkeys(
        ("registry.amcache_file", "registry.amcache_driver"),
        ((("", "path", ""), (" ", "name", ""), (", SHA-1 ", "sha1", "")), ""),
    ),
    **dict.fromkeys(("registry.amcache_program", "registry.software"), ((("", "name", ""), (" ", "version", "")), "")),
    "registry.usb_use": ((("", "device", ""), (" serial ", "serial", "")), ""),
    "registry.network": ((("", "name", ""), (", ", "link", ""), (", ", "category", "")), ""),
    "registry.interface": ((("", "dhcp_address", ""), (" from ", "dhcp_server", "")), ""),
    "registry.account": ((("", "name", ""), (", RID ", "rid", ""), (", ", "flags", "")), ""),
    "registry.recent_document": ((("", "name", ""),), ""),
    "registry.chosen_folder": ((("", "program", ""), (" in ", "folder", "")), ""),
    **dict.fromkeys(
        (
            "registry.shellbag",
            "registry.shellbag_item",
            "registry.chosen_file",
            "registry.office_document",
            "filehistory.name",
            "filehistory.version",
        ),
        _PATH,
    ),
    **dict.fromkeys(("registry.typed", "registry.typed_url"), ((("", "text", ""),), "")),
    "task.definition": ((("", "name", ""), (": ", "command.1", ""), (" ", "arguments.1", "")), ""),
    "task.trigger": ((("", "name", ""), (": ", "command.1", ""), (", ", "trigger", "")), ""),
    "job.task": ((("", "command", ""), (" ", "arguments", ""), (", by ", "author", "")), ""),
    "job.trigger": ((("", "command", ""), (", ", "trigger", "")), ""),
    "srum.application": ((("", "program", ""), (" by ", "user", "")), ""),
    "srum.timeline": ((("", "program", ""), (" by ", "user", "")), ""),
    "srum.network": (
        (("", "program", ""), (" by ", "user", ""), (", sent ", "bytes_sent", ""), (", received ", "bytes_recvd", "")),
        "",
    ),
    **dict.fromkeys(
        ("webcache.visit", "webcache.content", "msie.visit", "msie.content"),
        ((("", "url", ""), (" (", "file", ")")), ""),
    ),
    "setupapi.section": ((("", "title", ""), (": ", "status", "")), ""),
    "firewall.record": (
        (
            ("", "action", ""),
            (" ", "protocol", ""),
            (" ", "source", ""),
            (":", "source_port", ""),
            (" -> ", "destination", ""),
            (":", "destination_port", ""),
        ),
        "",
    ),
    "pca.execution": ((("", "program", ""),), ""),
    "thumbs.picture": ((("", "name", ""), (" ", "stream", "")), ""),
    **dict.fromkeys(("chrome.visit", "firefox.visit", "safari.visit"), ((("", "url", ""), (" (", "title", ")")), "")),
    **dict.fromkeys(
        ("chrome.download", "firefox.download", "android.download"), ((("", "path", ""), (" from ", "url", "")), "")
    ),
}
