"""Property lists: the public ones, what is withheld, archives, bookmarks, hostile lists."""

from __future__ import annotations

import plistlib
import struct
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from forensics.meanings import ARTEFACT_MEANINGS
from forensics.model import Artefact
from forensics.parsers import parser_for
from forensics.parsers.macos._bookmarks import alias, bookmark
from forensics.parsers.macos.property_list import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

WHEN, MADE = datetime.fromisoformat("2024-03-01T10:00"), datetime.fromisoformat("2024-02-19T01:46:40.500000")
PUBLIC = {
    "macos/plaso/plist/InstallHistory.plist": {"macos.installation": 7},
    "macos/plaso/plist/com.apple.TimeMachine.plist": {"macos.backup": 13},
    "macos/plaso/plist/com.apple.airport.preferences.plist": {"apple.wifi_network": 4},
    "macos/plaso/plist/com.apple.loginitems.plist": {"macos.login_item": 1},
    "macos/plaso/plist/launchd.plist": {"macos.launch": 1},
    "macos/plaso/plist/user.plist": {"macos.account": 1},
    "macos/plaso/backgrounditems.btm": {"macos.login_item": 1},
    "browser/plaso/plist/History.plist": {"safari.page": 18},
    "ios/plaso/ios/com.apple.MobileBackup.plist": {"plist.date": 13},
    "ios/plaso/ios/com.apple.wifi.known-networks.plist": {"apple.wifi_network": 1, "apple.wifi_point": 9},
    "ios/mvt/artifacts/ios_backup/Info.plist": {"ios.backup": 1},
    "ios/mvt/artifacts/ios_backup/0d/0dc926a1810f7aee4e8f38793ed788701f93bf9d": {"plist.date": 1},
}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_lists(name: str, corpus: Fetch, read: Any) -> None:
    data = corpus(name).read_bytes()
    assert parser_for(data[:4096], "x") is PARSER
    found = read(PARSER, data, name=name.rpartition("/")[2])
    assert Counter(item.kind for item in found if isinstance(item, Artefact)) == {"plist.content": 1, **PUBLIC[name]}
    assert problems(found) == []
    for item in found:
        assert all((item.kind, time) in ARTEFACT_MEANINGS for time in item.times)


def test_what_the_public_lists_say(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    def first(name: str, kind: str) -> Artefact:
        return artefacts(read(PARSER, corpus(name).read_bytes()), kind)[0]

    installed = first("macos/plaso/plist/InstallHistory.plist", "macos.installation")
    assert installed.times == {"installed": at("2013-11-12T02:59:35+00:00")}
    assert (installed.fields["name"], installed.fields["version"]) == ("OS X", "10.9 (13A603)")
    page = first("browser/plaso/plist/History.plist", "safari.page")
    assert page.times == {"last_visited": at("2013-07-08T21:06:21.400000+00:00")}
    item = first("macos/plaso/backgrounditems.btm", "macos.login_item")
    assert item.fields["path"] == "/Applications/iTunes.app/Contents/MacOS/iTunesHelper.app"
    assert first("macos/plaso/plist/com.apple.loginitems.plist", "macos.login_item").fields["path"] == (
        "Applications/iTunes.app/Contents/MacOS/iTunesHelper.app"
    )
    account = first("macos/plaso/plist/user.plist", "macos.account")
    assert account.times == {"renewed": at("2013-12-28T04:35:47+00:00")}


def test_hashes_and_secrets_are_withheld(corpus: Fetch, read: Any) -> None:
    content = artefacts(read(PARSER, corpus("macos/plaso/plist/user.plist").read_bytes()), "plist.content")[0]
    assert {content.fields[name] for name in ("ShadowHashData", "KerberosKeys", "passwd")} == {"[withheld]"}
    made = {"authToken": "geheim", "a": {"userPassword": b"geheim", "when": WHEN, "Secret": "geheim"}}
    for form in (plistlib.FMT_BINARY, plistlib.FMT_XML):
        found = read(PARSER, plistlib.dumps(made, fmt=form))
        assert "geheim" not in repr(found)
        assert artefacts(found, "plist.date")[0].fields == {"key": "a.when"}


def test_dates_and_what_stands_beside_them(read: Any, at: Callable[[str], int]) -> None:
    made = {"list": [{"date": WHEN, "name": "Шифра", "data": b"\xff\0", "n": 5}]}
    content, date = read(PARSER, plistlib.dumps(made))
    assert date.times == {"dated": at("2024-03-01T10:00:00+00:00")}
    assert date.fields == {
        **{"key": "list.0.date", "beside.name": "Шифра", "beside.data": "[2 bytes]", "beside.n": "5"},
    }
    assert content.fields["list.0.date"] == "2024-03-01T10:00:00Z"


def record(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", len(data), kind) + data + b"\0" * (-len(data) % 4)


def made_bookmark(toc: int = 0xFFFFFFFE, count: int = 3) -> bytes:
    first, second = record(0x0101, b"Users"), record(0x0101, "Şifre.txt".encode())
    names = struct.pack("<II", 4, 4 + len(first))
    body = first + second
    at_list, listed = 4 + len(body), record(0x0601, names)
    at_date, date = at_list + len(listed), record(0x0400, struct.pack(">d", 730_000_000.5))
    table = struct.pack("<5I", 0, toc, 1, 0, count)
    table += struct.pack("<9I", 0x1004, at_list, 0, 0x1040, at_date, 0, 0x2010, 4, 0)
    start = struct.pack("<I", at_date + len(date))
    return b"book" + struct.pack("<III", 0, 0, 16) + start + body + listed + date + table


def test_bookmarks() -> None:
    found = bookmark(made_bookmark())
    assert found == {
        **{"path": "/Users/Şifre.txt", "created": MADE, "volume": "Users"},
    }
    assert bookmark(made_bookmark(toc=1)) == {}
    assert bookmark(b"book" + b"\xff" * 40) == {}
    for data in damaged(made_bookmark()):
        bookmark(data)
        alias(data)


def test_archives_that_name_themselves_end(read: Any) -> None:
    loop = {"NS.objects": [plistlib.UID(1), plistlib.UID(1)], "$class": plistlib.UID(0)}
    made = {"$archiver": "NSKeyedArchiver", "$version": 100000, "$objects": ["$null", loop]}
    found = read(PARSER, plistlib.dumps({**made, "$top": {"root": plistlib.UID(1)}}, fmt=plistlib.FMT_BINARY))
    assert artefacts(found, "plist.content")


def test_a_list_that_names_one_object_many_times_ends(read: Any) -> None:
    levels = b"".join(bytes([0xA2, number + 1, number + 1]) for number in range(40)) + b"\x51a"
    offsets = bytes(8 + 3 * number for number in range(41))
    trailer = struct.pack(">6xBBQQQ", 1, 1, 41, 0, 8 + len(levels))
    found = read(PARSER, b"bplist00" + levels + offsets + trailer)
    assert problems(found) == ["only the first 20,000 values of the list were visited"]


@pytest.mark.parametrize(
    "data",
    [
        b"bplist00" + b"\xff" * 100,
        b'<?xml version="1.0"?><plist><array>' + b"<array>" * 5000,
        b'<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a "b">]><plist><string>&a;</string></plist>',
        b"<plist><dict><date>9999-99-99T00:00:00Z</date></dict></plist>",
        b"<plist><key>a</key></plist>",
    ],
)
def test_hostile_lists_are_one_problem(data: bytes, read: Any) -> None:
    assert len(found := problems(read(PARSER, data))) == 1
    assert found[0].startswith(("no property list that can be read: ", "a property list nested too deep"))


def test_numbers_that_have_no_end(read: Any) -> None:
    body = b"\xd1\1\1" + b"\x1c" + b"\x7f" * 4096
    data = b"bplist00" + body + bytes([8, 11]) + struct.pack(">6xBBQQQ", 1, 1, 2, 0, 8 + len(body))
    (content,) = read(PARSER, data)
    assert content.fields == {"[a number of 32,767 bits]": "[a number of 32,767 bits]"}


def test_a_list_that_is_too_large_is_a_problem(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.parsers.macos.property_list.SIZE_LIMIT", 10)
    assert problems(read(PARSER, b"<plist></plist>")) == ["a property list of 15 bytes: no more than 10 are loaded"]


def test_what_is_no_property_list() -> None:
    assert parser_for(b'<?xml version="1.0"?><svg></svg>', "a.xml") is None
    assert parser_for(b"text about <plist", "a.txt") is None


@pytest.mark.parametrize("name", PUBLIC)
def test_damaged_lists_give_values(name: str, corpus: Fetch, read: Any) -> None:
    for data in damaged(corpus(name).read_bytes(), 30):
        read(PARSER, data)
