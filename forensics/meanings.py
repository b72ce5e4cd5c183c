"""What a named time of an artefact or file means: said here only. What its message is made of stands in `messages`."""

from __future__ import annotations

from collections.abc import Mapping

FILE_MEANINGS: Mapping[str, str] = {
    "modified": "file modified",
    "accessed": "file accessed",
    "changed": "file metadata changed",
    "created": "file created",
    "fn_modified": "file modified ($FILE_NAME)",
    "fn_accessed": "file accessed ($FILE_NAME)",
    "fn_changed": "file metadata changed ($FILE_NAME)",
    "fn_created": "file created ($FILE_NAME)",
    "deleted": "file deleted",
    "backup": "file backed up",
}

USER_FIELDS = (
    "user", "account", "username", "owner", "target_user", "user_sid",
    "data.TargetUserName", "data.SubjectUserName", "data.AccountName", "data.User",
)  # fmt: skip
"""Fields of artefacts that name an account."""


def _times(kinds: str, **meanings: str) -> dict[tuple[str, str], str]:
    """The same meanings for kinds that are named alike."""
    return {(kind, name): meaning for kind in kinds.split() for name, meaning in meanings.items()}


ARTEFACT_MEANINGS: Mapping[tuple[str, str], str] = {
    ("syslog.line", "logged"): "log line logged",
    ("access.request", "requested"): "request served",
    ("evtx.record", "logged"): "event logged",
    ("evtx.record", "written"): "event record written",
    ("evtx.recovered", "logged"): "event logged (record recovered from slack)",
    ("evtx.recovered", "written"): "event record written (recovered from slack)",
    ("evt.record", "generated"): "event logged",
    ("evt.record", "written"): "event record written",
    ("evt.recovered", "generated"): "event logged (record left over, not current)",
    ("evt.recovered", "written"): "event record written (left over, not current)",
    ("iis.request", "requested"): "request served",
    ("csv.row", "logged"): "row logged",
    ("json.record", "logged"): "record logged",
    ("plaso.event", "stated"): "event of a Plaso timeline",
    ("journal.entry", "logged"): "journal entry logged",
    ("journal.entry", "sent"): "journal entry sent",
    ("utmp.record", "logged"): "login record logged",
    ("recycle.item", "deleted"): "file moved to the recycle bin",
    ("jumplist.destination", "opened"): "destination last opened",
    ("prefetch.execution", "last_run"): "program run",
    **{("prefetch.execution", f"previous_run_{number}"): "program run" for number in range(1, 8)},
    ("prefetch.volume", "volume_created"): "volume created",
    **{
        (kind, f"target_{what}"): f"target of a shortcut {what}"
        for kind in ("lnk.shortcut", "jumplist.shortcut")
        for what in ("created", "modified", "accessed")
    },
    **{
        (kind, what): f"part of a shortcut's path {what}"
        for kind in ("lnk.item", "jumplist.item")
        for what in ("created", "modified", "accessed")
    },
    **_times(
        "picture.exif picture.xmp",
        taken="picture taken",
        digitised="picture digitised",
        created="picture created",
        changed="picture changed",
        content_created="what the picture shows was made",
        metadata_changed="description of a picture changed",
    ),
    **_times("picture.text", changed="picture changed"),
    **_times("picture.gps", positioned="picture's position fixed"),
    **_times("shell.command", run="command run"),
    **_times("package.action package.line apt.package", logged="package log line logged", changed="package changed"),
    **_times("apt.transaction", started="packages began to change", ended="packages changed"),
    **_times("apt.session", started="session of apt began", ended="session of apt ended"),
    **_times(
        "mysql.error mysql.statement mysql.slow", logged="database log line logged", stamped="statement ran slowly"
    ),
    **_times("postgresql.line", logged="database log line logged"),
    **_times("container.line", logged="container wrote a line"),
    **_times("account.password", changed="password changed", expires="account expires"),
    **_times("plist.date", dated="date in a property list"),
    **_times("macos.installation", installed="software installed"),
    **_times("macos.login_item macos.recent_item", target_created="target of a bookmark created"),
    **_times(
        "apple.wifi_network",
        added="wireless network added",
        updated="wireless network changed",
        joined_by_user="wireless network joined by the user",
        joined_by_system="wireless network joined by itself",
        last_joined="wireless network last joined",
        last_auto_joined="wireless network last joined by itself",
        last_discovered="wireless network last seen",
    ),
    **_times("apple.wifi_point", last_associated="wireless access point last used"),
    **_times("macos.backup ios.backup", backed_up="backup made"),
    **_times(
        "macos.account",
        created="account created",
        renewed="password set",
        last_login="last login",
        failed_login="last failed login",
    ),
    **_times("safari.page", last_visited="page last visited"),
    **_times("safari.download", started="download started", ended="download ended"),
    **_times("asl.record bsm.record", logged="system event logged"),
    **_times("utmpx.record", logged="login record logged"),
    **_times("safari.cookie", created="cookie created", expires="cookie expires"),
    **_times("chrome.extension firefox.extension", installed="extension installed", updated="extension updated"),
    **_times(
        "chrome.profile firefox.profile",
        created="browser profile created",
        first_used="browser profile first used",
        last_used="browser profile last used",
    ),
    **_times("chrome.setting", happened="browser did as told"),
    **_times(
        "chrome.site_setting",
        last_used="permission of a site last used",
        modified="permission of a site changed",
        visited="site last visited",
        engaged="site last engaged with",
    ),
    **_times("chrome.bookmark", added="bookmark added", last_used="bookmark last used"),
    **_times(
        "chrome.login firefox.login",
        created="log-in saved",
        last_used="saved log-in last used",
        changed="saved log-in changed",
    ),
    **_times("firefox.tab", last_used="tab last used", closed="tab closed"),
    **_times("opera.typed", typed="address typed"),
    **_times("opera.page", last_visited="page last visited"),
    **_times(
        "firefox.cached chrome.cached",
        last_fetched="cached page last used",
        modified="cached page stored",
        expires="cached page expires",
        created="cached page stored",
        requested="cached page requested",
        answered="cached page answered",
    ),
    **_times(
        "zip.member tar.member 7z.member rar.member cpio.member cab.member",
        modified="member of an archive modified",
        accessed="member of an archive accessed",
        created="member of an archive created",
        changed="metadata of an archive's member changed",
        archived="member archived",
    ),
    **_times("usn.record", recorded="file changed (journal)"),
    **_times("registry.key", written="registry key written"),
    **_times(
        "registry.autostart registry.service registry.usb registry.typed registry.time_zone registry.computer "
        "registry.network_signature registry.mounted_device registry.software registry.profile registry.mount_point "
        "registry.network_drive registry.remote_desktop registry.group registry.amcache_file registry.amcache_program "
        "registry.amcache_driver registry.amcache_device",
        written="key written",
    ),
    **_times("registry.userassist registry.moderated registry.recent_program", last_run="program run"),
    **_times(
        "registry.shimcache",
        modified="program file modified, as the compatibility cache keeps it",
        last_update="compatibility cache entry updated",
    ),
    **_times(
        "registry.amcache_file registry.amcache_driver",
        modified="program file modified, as Amcache keeps it",
        modified_before="program file modified, as Amcache keeps it",
        created="program file created, as Amcache keeps it",
        linked="program linked, as its header says",
    ),
    **_times("registry.amcache_program", installed="program installed", removed="program removed"),
    **_times(
        "registry.usb_use",
        installed="USB device installed",
        first_installed="USB device first installed",
        last_arrived="USB device last plugged in",
        last_removed="USB device last removed",
    ),
    **_times("registry.interface", lease_obtained="DHCP lease obtained", lease_ends="DHCP lease ends"),
    **_times("registry.network", first_connected="network first connected", last_connected="network last connected"),
    **_times("registry.profile", loaded="user profile loaded", unloaded="user profile unloaded"),
    **_times("registry.typed_url", typed="address typed"),
    **_times(
        "registry.recent_document registry.chosen_file registry.chosen_folder registry.network_drive "
        "registry.remote_desktop registry.shellbag",
        last_used="last used of its list",
    ),
    **_times(
        "registry.shellbag_item",
        modified="folder modified, as a shellbag keeps it",
        created="folder created, as a shellbag keeps it",
        accessed="folder accessed, as a shellbag keeps it",
    ),
    **_times("registry.office_document", opened="document opened"),
    **_times("job.task", last_run="scheduled task run"),
    **_times(
        "srum.application srum.network srum.connection srum.notification srum.timeline srum.energy srum.tagged_energy "
        "srum.record",
        recorded="use recorded",
        connected="network connected",
        started="use began",
        ended="use ended",
        measured="energy measured",
    ),
    **_times(
        "webcache.visit webcache.cookie webcache.content webcache.download webcache.entry",
        accessed="address accessed",
        modified="address or file modified",
        created="entry created",
        expires="entry expires",
        synchronised="entry synchronised",
    ),
    **_times(
        "filehistory.name filehistory.version",
        created="file created, as File History keeps it",
        modified="file modified, as File History keeps it",
        first_backup="name first in a backup",
        last_backup="name last in a backup",
        backed_up="file backed up",
        queued="file queued for backup",
    ),
    **_times(
        "msie.content msie.cookie msie.visit msie.entry",
        accessed="address accessed",
        modified="address or file modified",
        visited="page visited",
        visited_local="page visited",
        created="history begun",
        checked="entry checked",
        expires="entry expires",
    ),
    **_times("setupapi.section", started="installation begun", ended="installation ended"),
    **_times("setupapi.boot", booted="system started"),
    **_times("firewall.record", logged="connection or packet logged"),
    **_times("pca.execution", last_run="program run"),
    **_times("useraccess.client", first_access="server role first used", last_access="server role last used"),
    **_times("useraccess.role", first_seen="server role first used", last_seen="server role last used"),
    **_times("task.definition", registered="scheduled task registered"),
    **_times("job.trigger task.trigger", begins="trigger of a scheduled task begins", ends="its trigger ends"),
    **_times(
        "registry.account",
        last_logon="account last logged on",
        password_set="password set",  # noqa: S106 - a meaning
        expires="account expires",
        last_failed_logon="account last failed to log on",
    ),
    **_times("registry.shutdown", shut_down="system shut down"),
    **_times("registry.installation", installed="system installed"),
    **_times("chrome.visit firefox.visit safari.visit", visited="page visited"),
    **_times("chrome.search", last_visited="page of a search last visited"),
    **_times(
        "chrome.download firefox.download",
        started="download started",
        ended="download ended",
        last_accessed="download last opened",
    ),
    **_times("android.download", modified="download last changed"),
    **_times(
        "chrome.cookie firefox.cookie webview.cookie",
        created="cookie created",
        last_accessed="cookie last sent",
        updated="cookie changed",
        expires="cookie expires",
    ),
    **_times(
        "chrome.autofill firefox.form",
        created="form entry first used",
        first_used="form entry first used",
        last_used="form entry last used",
    ),
    **_times("chrome.extension_activity", done="browser extension acted"),
    **_times("firefox.bookmark", added="bookmark added", modified="bookmark changed"),
    **_times("firefox.annotation", added="page annotated", modified="annotation changed"),
    **_times("safari.tab", last_viewed="tab last viewed"),
    **_times("macos.quarantine", quarantined="file received from elsewhere"),
    **_times("macos.privacy", modified="permission last changed"),
    **_times("macos.application_usage", last_used="application last used"),
    **_times("apple.knowledge", started="use began", ended="use ended", recorded="use recorded"),
    **_times("apple.notes", created="note created", modified="note changed"),
    **_times("android.call ios.call skype.call", began="call began"),
    **_times(
        "android.message ios.message whatsapp.message kik.message",
        dated="message dated",
        sent="message sent",
        read="message read",
        delivered="message delivered",
        received="message received",
    ),
    **_times("skype.message skype.sms", sent="message sent", edited="message edited"),
    **_times("skype.transfer", offered="file offered", accepted="file accepted", ended="file transfer ended"),
    **_times(
        "skype.account", profile_changed="profile changed", last_online="last online", last_used="account last used"
    ),
    **_times("twitter.status", created="status posted", updated="status stored"),
    **_times("twitter.search", searched="search made"),
    **_times("twitter.contact", created="profile created", updated="profile stored", befriended="contact followed"),
    **_times("android.usage", happened="device or application used"),
    **_times("android.battery", measured="battery measured"),
    **_times("ios.data_usage", used="network used"),
    **_times("ios.process", first_used="network first used by a process", last_used="network last used by a process"),
    **_times("ios.interaction", began="interaction began", ended="interaction ended"),
    **_times(
        "windows.activity",
        started="activity started",
        ended="activity ended",
        modified="activity changed",
        modified_on_client="activity changed on the device",
    ),
}
