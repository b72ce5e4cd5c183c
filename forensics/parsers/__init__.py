"""Parsers: one artefact format a file, from a file's bytes to artefacts.

A new format is one module with its `PARSER`, in the folder for where such files come from, and one line in `PARSERS`.
Modules whose name starts with an underscore are what formats share: `_contract` says what a parser is given and
promises, `_facts` and `_lines` how it states what it found, the others are named for what they read. Folders named
`...databases` hold queries, one module for the databases of one origin. Parsers are pure: they see bytes and a
location, never a path, a clock or a ledger.
"""

from __future__ import annotations

from collections.abc import Sequence

from forensics.parsers import sqlite, unread
from forensics.parsers._contract import HEAD_BYTES, Parser, ParserInput
from forensics.parsers.archives import cabinet, compressed, cpio, rar, seven_zip, tar, zip_archive
from forensics.parsers.browsers import (
    chrome_cache,
    chrome_profile,
    firefox_cache,
    firefox_profile,
    opera_history,
    safari_cookies,
)
from forensics.parsers.documents import compound, mail, pdf, personal_folders, picture, rich_text
from forensics.parsers.logs import (
    access_log,
    bodyfile,
    cloud_trail,
    container_log,
    discord_messages,
    iis,
    mapped,
    mysql_log,
    plaso_timeline,
    postgresql_log,
    syslog,
    text_log,
)
from forensics.parsers.logs._mapping import LogMapping, MappingError, read_mapping
from forensics.parsers.macos import apple_system_log, audit_trail, fsevents, property_list, utmpx
from forensics.parsers.network import packet_capture
from forensics.parsers.telephones import android_backup, android_report
from forensics.parsers.unix import (
    accounts,
    apt_history,
    audit_log,
    cron_table,
    journal,
    last_logins,
    login_records,
    package_log,
    shell_history,
    ssh_keys,
    time_zone,
    viminfo,
)
from forensics.parsers.windows import (
    classic_event_log,
    ese,
    event_log,
    firewall_log,
    index_dat,
    jump_list,
    prefetch,
    program_compatibility,
    recycle_bin,
    registry,
    scheduled_job,
    scheduled_task,
    setup_log,
    shortcut,
    teamviewer,
    thumbnails,
    usn_journal,
)

__all__ = [
    "HEAD_BYTES",
    "PARSERS",
    "LogMapping",
    "MappingError",
    "Parser",
    "ParserInput",
    "parser_for",
    "read_mapping",
]

PARSERS: tuple[Parser, ...] = (
    event_log.PARSER,  # a signature: nothing else can be meant
    classic_event_log.PARSER,  # likewise
    journal.PARSER,  # likewise
    sqlite.PARSER,  # likewise
    property_list.PARSER,  # a signature: nothing else can be meant
    fsevents.PARSER,  # likewise
    apple_system_log.PARSER,  # likewise
    audit_trail.PARSER,  # likewise
    utmpx.PARSER,  # likewise
    safari_cookies.PARSER,  # likewise
    chrome_cache.PARSER,  # likewise
    android_backup.PARSER,  # likewise
    registry.PARSER,  # likewise
    ese.PARSER,  # likewise
    index_dat.PARSER,  # likewise
    shortcut.PARSER,  # likewise
    prefetch.PARSER,  # likewise
    picture.PARSER,  # likewise
    zip_archive.PARSER,  # likewise
    seven_zip.PARSER,  # likewise
    rar.PARSER,  # likewise
    rich_text.PARSER,  # likewise
    cabinet.PARSER,  # likewise
    cpio.PARSER,  # likewise
    packet_capture.PARSER,  # likewise
    personal_folders.PARSER,  # likewise
    pdf.PARSER,  # a signature, and a name where it does not stand at the start
    tar.PARSER,  # a checksum and a signature, or a name
    thumbnails.PARSER,  # a name, and the signature of what holds the pictures
    jump_list.PARSER,  # a name, and the signature of what holds the entries
    compound.PARSER,  # that signature alone
    usn_journal.PARSER,  # a name
    recycle_bin.PARSER,  # a name and a version
    scheduled_job.PARSER,  # likewise
    scheduled_task.PARSER,  # an element of its own namespace
    firefox_cache.PARSER,  # a name, and what such files hold
    firefox_profile.PARSER,  # likewise
    chrome_profile.PARSER,  # likewise
    opera_history.PARSER,  # likewise
    compressed.PARSER,  # a signature, and a log inside that one of the others knows
    login_records.PARSER,  # records of fixed length without a signature, checked field by field
    mail.PARSER,  # headers that nothing else has, or a name
    last_logins.PARSER,  # a name, and records that login would write
    shell_history.PARSER,  # a first line, or a name and lines of its kind
    package_log.PARSER,  # likewise
    apt_history.PARSER,  # likewise
    cron_table.PARSER,  # likewise
    mysql_log.PARSER,  # a first line, or a name and lines of its kind
    postgresql_log.PARSER,  # likewise
    container_log.PARSER,  # likewise
    accounts.PARSER,  # likewise
    ssh_keys.PARSER,  # likewise
    unread.PARSER,  # a signature and a name
    plaso_timeline.PARSER,  # a first row that names its columns
    audit_log.PARSER,  # a first line
    android_report.PARSER,  # likewise
    text_log.PARSER,  # how it begins
    viminfo.PARSER,  # likewise
    cloud_trail.PARSER,  # likewise
    time_zone.PARSER,  # likewise
    bodyfile.PARSER,  # how it begins
    discord_messages.PARSER,  # likewise
    teamviewer.PARSER,  # likewise
    mapped.PARSER,  # takes nothing without a mapping; with one see `parser_for`
    setup_log.PARSER,  # a first line of its own
    firewall_log.PARSER,  # a head that names the software
    program_compatibility.PARSER,  # a name of its own
    iis.PARSER,  # a head that names the columns
    access_log.PARSER,  # a strict line
    syslog.PARSER,  # the loosest line, so last
)
"""Asked in this order; the first that accepts a file reads it."""


def parser_for(head: bytes, name: str, mappings: Sequence[LogMapping] = ()) -> Parser | None:
    """The parser for a file, by its first `HEAD_BYTES` and its own name for show; None when none knows it.

    A file that the examiner's `mappings` name is read as they say, whatever it looks like.
    """
    if mappings and (told := mapped.MappedParser(tuple(mappings))).accepts(head, name):
        return told
    return next((parser for parser in PARSERS if parser.accepts(head[:HEAD_BYTES], name)), None)
