"""The applications whose databases are known: public ones against the counts other tools give, and made ones."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from forensics.meanings import ARTEFACT_MEANINGS
from forensics.model import Artefact
from forensics.parsers.databases import QUERIES
from forensics.parsers.databases._query import COCOA, COCOA_EITHER, MILLISECONDS, SECONDS, WEBKIT
from forensics.parsers.sqlite import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, problems

PUBLIC = {
    "browser/plaso/chrome/History": {"chrome.visit": 69, "chrome.download": 2, "chrome.search": 3},
    "browser/plaso/chrome/History-59.0.3071.86": {"chrome.visit": 1, "chrome.download": 1},
    "browser/hindsight/fixtures/profiles/60/History": {"chrome.visit": 61, "chrome.download": 2, "chrome.search": 5},
    "browser/plaso/chrome/Cookies-68.0.3440.106": {"chrome.cookie": 5},
    "browser/plaso/chrome/Web Data": {"chrome.autofill": 3},
    "browser/plaso/chrome/Extension Activity": {"chrome.extension_activity": 56},
    "browser/plaso/firefox/places.sqlite": {"firefox.visit": 1, "firefox.bookmark": 101},
    "browser/plaso/firefox/downloads.sqlite": {"firefox.download": 1},
    "browser/plaso/firefox/firefox_10_cookies.sqlite": {"firefox.cookie": 13},
    "browser/plaso/safari/History.db": {"safari.visit": 25},
    "macos/plaso/sqlite/quarantine.db": {"macos.quarantine": 14},
    "macos/plaso/macos/TCC-test.db": {"macos.privacy": 21},
    "macos/plaso/macos/application_usage.sqlite": {"macos.application_usage": 5},
    "macos/plaso/macos/knowledgec-10.13.db": {"apple.knowledge": 21},
    "android/plaso/android/contacts2.db": {"android.call": 3},
    "android/plaso/android/mmssms.db": {"android.message": 9},
    "android/plaso/android/downloads.db": {"android.download": 11},
    "android/plaso/android/webview.db": {"webview.cookie": 8},
    "android/plaso/android/app_usage": {"android.usage": 11663},
    "android/plaso/android/turbo.db": {"android.battery": 2717},
    "android/plaso/android/twitter.db": {"twitter.status": 263, "twitter.search": 1, "twitter.contact": 242},
    "ios/plaso/ios/twitter.db": {"twitter.status": 67, "twitter.contact": 25},
    "ios/plaso/ios/kik.sqlite": {"kik.message": 60},
    "ios/plaso/ios/netusage.sqlite": {"ios.data_usage": 335, "ios.process": 260},
    "ios/plaso/ios/NoteStore.sqlite": {"apple.notes": 7},
    "ios/mvt/artifacts/ios_backup/3d/3d0d7e5fb2ce288813306e4d4636395e047a3d28": {"ios.message": 1},
    "ios/mvt/artifacts/ios_backup/7c/7c7fba66680ef796b916b067077cc246adacf01d": {"whatsapp.message": 3},
    "ios/mvt/artifacts/ios_backup/1f/1f5a521220a3ad80ebfdc196978df8e7a2e49dee": {"ios.interaction": 3},
    "ios/mvt/artifacts/ios_backup/20/2041457d5fe04d39d0ab481178355df6781e6858": {"ios.calendar_item": 1},
    "ios/mvt/artifacts/ios_backup/6e/6e9d0cb750a70e7fa10943c134a5f021dab327e7": {"webkit.domain": 2},
    "ios/mvt/artifacts/ios_backup/b8/b8548dc30aa1030df0ce18ef08b882cf7ab5212f": {"whatsapp.contact": 2},
    "ios/mvt/artifacts/ios_backup/e7/e794f6ffcc3c222535f47684a63d5178da3c4500": {"whatsapp.number": 1},
    "ios/mvt/artifacts/ios_backup/Manifest.db": {"ios.backup_file": 3721},
    "windows-other/plaso/windows/ActivitiesCache.db": {"windows.activity": 112},
    "windows-other/plaso/sqlite/skype_main.db": {
        **{"skype.message": 15, "skype.call": 1, "skype.transfer": 2, "skype.sms": 1, "skype.account": 1}
    },
}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_databases(name: str, corpus: Fetch, read: Any) -> None:
    found = read(PARSER, corpus(name).read_bytes(), name="db")
    kinds = Counter(result.kind for result in found if isinstance(result, Artefact))
    assert kinds == {"sqlite.database": 1, **PUBLIC[name]}
    assert problems(found) == []


def first(corpus: Fetch, read: Any, name: str, kind: str) -> Artefact:
    return artefacts(read(PARSER, corpus(name).read_bytes()), kind)[0]


def test_rows_hold_what_other_tools_say(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    visit = first(corpus, read, "browser/plaso/chrome/History", "chrome.visit")
    assert visit.times == {"visited": at("2011-04-07T12:03:11+00:00")}
    assert visit.fields["url"] == "http://start.ubuntu.com/10.04/Google/"
    download = first(corpus, read, "browser/hindsight/fixtures/profiles/60/History", "chrome.download")
    assert download.fields["path"] == r"C:\Users\IEUser\Downloads\Hard_disk.jpg"
    safari = first(corpus, read, "browser/plaso/safari/History.db", "safari.visit")
    assert safari.times == {"visited": at("2017-11-09T21:23:34.791503+00:00")}
    message = first(
        corpus, read, "ios/mvt/artifacts/ios_backup/3d/3d0d7e5fb2ce288813306e4d4636395e047a3d28", "ios.message"
    )
    assert message.times["dated"] == at("2019-08-29T23:13:30.539788+00:00") + 32
    cookie = first(corpus, read, "browser/plaso/chrome/Cookies-68.0.3440.106", "chrome.cookie")
    assert "value" not in cookie.fields


def test_epochs(at: Callable[[str], int]) -> None:
    assert WEBKIT(12_946_651_391_000_000).at == at("2011-04-07T12:03:11+00:00")
    assert COCOA(532_012_345.25).at == at("2017-11-10T13:12:25.250000+00:00")
    assert COCOA_EITHER(588_800_010).at == COCOA_EITHER(588_800_010_000_000_000).at
    assert MILLISECONDS("1383772636690").at == 1_383_772_636_690_000_000
    for nothing in (None, 0, "", "0", b"1", "never", float("inf"), float("nan")):
        assert SECONDS(nothing).at is None


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: f"{query.kind} {'+'.join(query.needs)}")
def test_every_question_can_be_asked_of_the_tables_it_needs(query: Any) -> None:
    tables = {name: frozenset(columns.split()) for name, columns in query.needs.items()}
    database = sqlite3.connect(":memory:")
    for name, columns in query.needs.items():
        database.execute(f"CREATE TABLE {name} ({columns.replace(' ', ', ')})")
    assert query.fits(tables)
    asked = query.columns(tables)
    assert len(database.execute(query.sql(asked)).description) == 2 * len(asked)
    assert all((query.kind, name) in ARTEFACT_MEANINGS for name in query.moments)
    assert set(query.codes) <= set(query.fields)
