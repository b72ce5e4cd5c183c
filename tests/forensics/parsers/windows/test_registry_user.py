"""A user in the registry: documents, dialogues, drives, servers, and the folders of Windows Explorer."""

from __future__ import annotations

import struct
from typing import Any

from forensics.model import Clock
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts
from tests.forensics.parsers.keys import (
    FILETIME,
    SECOND,
    WRITTEN,
    binary,
    hive,
    number,
    order,
    refused,
    text,
    told,
    wide,
)

EXPLORER = r"Software\Microsoft\Windows\CurrentVersion\Explorer"
BAGS = r"Software\Microsoft\Windows\Shell\BagMRU"
DRIVE = b"\x19\0/C:\\" + bytes(19) + b"\0\0"
"""A list of one shell item: the volume C:\\."""


def folder(name: str) -> bytes:
    """A list of one shell item: a folder by its short name, modified on 2 January 1980 at 00:00:02."""
    raw = name.encode() + (b"\0" if len(name) % 2 else b"\0\0")
    body = struct.pack("<BxIHHH", 0x31, 0, 0x22, 1, 0x10) + raw
    return struct.pack("<H", len(body) + 2) + body + b"\0\0"


def test_recent_documents_of_a_public_hive(corpus: Fetch, told_by: Any, at: Any) -> None:
    found = told_by(corpus, "registry/regipy/NTUSER.DAT")
    recent = artefacts(found, "registry.recent_document")
    assert len(recent) == 22
    assert (recent[1].fields["name"], recent[1].fields["shortcut"]) == ("clp-1.JPG", "clp-1.lnk")
    assert sum(bool(item.times) for item in recent) == len({item.fields["key"] for item in recent})
    opened = artefacts(found, "registry.office_document")
    assert len(opened) == 6
    assert opened[0].times["opened"] == at("2012-04-04T15:43:16.848000+00:00")
    typed = {item.fields["text"] for item in artefacts(found, "registry.typed")}
    assert {"http://199.73.28.114:53/", "adamantium"} <= typed
    (drive,) = artefacts(found, "registry.network_drive")
    assert (drive.fields["letter"], drive.fields["remote"]) == ("p", r"\\controller\public")
    assert r"\\controller\public" in {item.fields["name"] for item in artefacts(found, "registry.mount_point")}


def test_shellbags_of_a_public_hive(corpus: Fetch, told_by: Any, at: Any) -> None:
    """regipy 6.2 finds 29 as well."""
    found = told_by(corpus, "registry/regipy/UsrClass.dat")
    bags = artefacts(found, "registry.shellbag")
    assert len(bags) == 29
    assert r"D:\AKMonitor\logs\pic" in {bag.fields["path"] for bag in bags}
    parts = artefacts(found, "registry.shellbag_item")
    assert len(parts) == 13
    assert {part.clock for part in parts} == {Clock.UNKNOWN}
    logs = next(part for part in parts if part.fields["path"] == r"D:\AKMonitor\logs")
    assert logs.times["modified"] == at("2018-03-27T09:12:36+00:00")


def test_paths_of_shellbags_are_those_of_the_keys_above() -> None:
    within = hive()
    (drive,) = told(BAGS, {"0": binary(DRIVE), "MRUListEx": order(0), "NodeSlot": number(1)}, within)
    values = {"0": binary(folder("A")), "1": binary(folder("B")), "MRUListEx": order(1, 0)}
    first, _, second, item = told(rf"{BAGS}\0", values, within)
    assert drive.fields["path"] == "C:"
    assert drive.moments == {"last_used": WRITTEN}
    assert (first.fields["path"], first.fields["position"], first.moments) == (r"C:\A", 1, {})
    assert (second.fields["path"], second.fields["position"], second.moments) == (r"C:\B", 0, {"last_used": WRITTEN})
    assert (item.kind, item.clock, item.fields["path"]) == ("registry.shellbag_item", Clock.UNKNOWN, r"C:\B")
    (below, _) = told(rf"{BAGS}\0\1", {"0": binary(folder("C"))}, within)
    assert below.fields["path"] == r"C:\B\C"
    assert refused(BAGS, {"3": binary(b"\0")}) == [rf"the shell item 3 of {BAGS} cannot be read"]


def test_recent_documents_and_their_order() -> None:
    data = wide("letter.docx") + folder("letter.lnk")
    values = {"MRUListEx": order(4, 2), "2": binary(wide("old.docx")), "4": binary(data)}
    old, new = told(rf"{EXPLORER}\RecentDocs\.docx", values)
    assert (old.fields["name"], old.fields["position"], old.moments) == ("old.docx", 1, {})
    assert (new.fields["name"], new.fields["extension"]) == ("letter.docx", ".docx")
    assert new.fields["shortcut"] == "letter.lnk"
    assert new.moments == {"last_used": WRITTEN}


def test_files_and_folders_chosen_in_dialogues() -> None:
    dialogues = rf"{EXPLORER}\ComDlg32"
    items = DRIVE[:-2] + folder("A")
    (chosen,) = told(rf"{dialogues}\OpenSavePidlMRU\txt", {"0": binary(items), "MRUListEx": order(0)})
    assert (chosen.fields["path"], chosen.moments) == (r"C:\A", {"last_used": WRITTEN})
    values = {"MRUList": text("ba"), "a": text(r"C:\a"), "b": text(r"C:\b")}
    first, second = told(rf"{dialogues}\OpenSaveMRU\txt", values)
    assert (first.fields["path"], first.moments) == (r"C:\a", {})
    assert (second.fields["path"], second.moments) == (r"C:\b", {"last_used": WRITTEN})
    (new,) = told(rf"{dialogues}\LastVisitedPidlMRU", {"0": binary(wide("a.exe") + items)})
    (old,) = told(rf"{dialogues}\LastVisitedMRU", {"a": binary(wide("a.exe") + wide(r"C:\A"))})
    for fact in (new, old):
        assert (fact.fields["program"], fact.fields["folder"]) == ("a.exe", r"C:\A")


def test_typed_addresses_get_their_time_from_the_key_beside() -> None:
    within, above = hive(), r"Software\Microsoft\Internet Explorer"
    (typed,) = told(rf"{above}\TypedURLs", {"url1": text("http://a.example/")}, within)
    (timed,) = told(rf"{above}\TypedURLsTime", {"url1": binary(FILETIME.to_bytes(8, "little"))}, within)
    assert typed.fields["text"] == timed.fields["text"] == "http://a.example/"
    assert timed.moments["typed"].at == SECOND
    (word,) = told(rf"{EXPLORER}\WordWheelQuery", {"0": binary(wide("mükemmel")), "MRUListEx": order(0)})
    assert (word.fields["text"], word.fields["position"]) == ("mükemmel", 0)
    (run,) = told(rf"{EXPLORER}\RunMRU", {"a": text("cmd\\1"), "MRUList": text("a")})
    assert run.fields["text"] == "cmd"


def test_drives_servers_and_programs_that_start() -> None:
    (share,) = told(rf"{EXPLORER}\MountPoints2\##server#share", {})
    assert share.fields["name"] == r"\\server\share"
    (drive,) = told(rf"{EXPLORER}\Map Network Drive MRU", {"MRUList": text("a"), "a": text(r"\\server\x")})
    assert drive.fields["remote"] == r"\\server\x"
    assert told(r"Network\Z", {}) == []
    client = r"Software\Microsoft\Terminal Server Client"
    (hint,) = told(rf"{client}\Servers\192.0.2.9", {"UsernameHint": text(r"LAB\ada")})
    assert (hint.fields["server"], hint.fields["user"]) == ("192.0.2.9", r"LAB\ada")
    last, before = told(rf"{client}\Default", {"MRU0": text("a"), "MRU1": text("b"), "x": text("y")})
    assert (last.fields["server"], last.moments, before.moments) == ("a", {"last_used": WRITTEN}, {})
    (auto,) = told(r"Microsoft\Windows\CurrentVersion\Run", {"Updater": text("C:\\u.exe")})
    assert (auto.kind, auto.fields["command"]) == ("registry.autostart", "C:\\u.exe")
