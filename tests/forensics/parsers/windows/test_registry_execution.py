"""Programs in the registry: the compatibility cache in each layout, Amcache of both ages, activity moderators."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from forensics.parsers.windows._registry_compatibility import CacheEntry, compatibility_cache
from forensics.parsers.windows._registry_keys import Value
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, problems
from tests.forensics.parsers.keys import FILETIME, SECOND, binary, number, refused, text, told

PATH = r"C:\a.exe"
RAW = PATH.encode("utf-16-le")
CACHE = r"ControlSet001\Control\Session Manager\AppCompatCache"


def table(signature: int, start: int, short: str, numbers: tuple[int, ...], *, wide_places: bool) -> bytes:
    """One entry of the layouts up to Windows 7; its path stands behind it."""
    layout = struct.Struct(short)
    place = start + layout.size
    head = (len(RAW), len(RAW) + 2, 0, place) if wide_places else (len(RAW), len(RAW) + 2, place)
    entry = layout.pack(*head, FILETIME, *numbers)
    return struct.pack("<II", signature, 1).ljust(start, b"\0") + entry + RAW + b"\0\0"


def record(signature: bytes, body: bytes) -> bytes:
    return signature + bytes(4) + len(body).to_bytes(4, "little") + body


def path_first(*rest: bytes) -> bytes:
    return len(RAW).to_bytes(2, "little") + RAW + b"".join(rest)


TIME_AND_DATA = struct.pack("<QI", FILETIME, 3) + b"abc"
LAYOUTS: dict[str, tuple[bytes, str, object, int | None]] = {
    "XP": (
        struct.pack("<III", 0xDEADBEEF, 1, 1).ljust(400, b"\0")
        + struct.pack("<528sQQQ", RAW, FILETIME, 77, FILETIME + 10_000_000),
        "XP",
        77,
        None,
    ),
    "2003, 32 bits": (table(0xBADC0FFE, 8, "<HHIQII", (77, 0), wide_places=False), "2003", 77, None),
    "2003, 64 bits": (table(0xBADC0FFE, 8, "<HHIQQII", (77, 1), wide_places=True), "2003", 1 << 32 | 77, None),
    "Vista, 32 bits": (table(0xBADC0FFE, 8, "<HHIQII", (2, 1), wide_places=False), "Vista", "", 2),
    "Vista, 64 bits": (table(0xBADC0FFE, 8, "<HHIQQII", (3, 1), wide_places=True), "Vista", "", 3),
    "7, 32 bits": (table(0xBADC0FEE, 128, "<HHIQIIII", (7, 1, 0, 0), wide_places=False), "7", "", 7),
    "7, 64 bits": (table(0xBADC0FEE, 128, "<HHIQQIIQQ", (7, 1, 0, 0), wide_places=True), "7", "", 7),
    "8": (bytes(128) + record(b"00ts", path_first(struct.pack("<II", 2, 1), TIME_AND_DATA)), "8", "", 2),
    "8.1": (bytes(128) + record(b"10ts", path_first(b"\0\0", struct.pack("<II", 2, 1), TIME_AND_DATA)), "8.1", "", 2),
    "10": (b"\x30".ljust(0x30, b"\0") + record(b"10ts", path_first(TIME_AND_DATA)), "10", "", None),
    "11": (b"\x34".ljust(0x34, b"\0") + record(b"10ts", path_first(TIME_AND_DATA)), "10", "", None),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_of_the_compatibility_cache(name: str) -> None:
    data, layout, size, flags = LAYOUTS[name]
    (entry,) = compatibility_cache(data)
    assert isinstance(entry, CacheEntry)
    assert (entry.path, entry.modified.at, entry.layout, entry.size, entry.flags) == (PATH, SECOND, layout, size, flags)
    assert entry.updated.at == (2 * SECOND if name == "XP" else None)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_damaged_compatibility_cache_says_so(name: str) -> None:
    data = LAYOUTS[name][0]
    for length in range(len(data)):
        *entries, last = [None, *compatibility_cache(data[:length])]
        whole = len(entries) == 1 and isinstance(last, CacheEntry)
        assert whole or isinstance(last, str) or length in (0x30, 0x34)  # those two have no entries: nothing is missing


def test_applications_of_the_store_are_named_by_their_package() -> None:
    package = "a_1".encode("utf-16-le")
    body = b"\0\0" + len(package).to_bytes(2, "little") + package + struct.pack("<II", 2, 1) + TIME_AND_DATA
    (entry,) = compatibility_cache(bytes(128) + record(b"10ts", body))
    assert isinstance(entry, CacheEntry)
    assert (entry.path, entry.package, entry.flags) == ("a_1", "a_1", 2)


def test_what_is_no_compatibility_cache() -> None:
    assert refused(CACHE, {"AppCompatCache": binary(b"\x01\x02\x03\x04")}) == [
        rf"the compatibility cache has the unknown signature 04030201 (in {CACHE})"
    ]
    junk = b"\x30".ljust(0x30, b"\0") + b"junk"
    assert list(compatibility_cache(junk)) == [
        "the compatibility cache has 4 bytes after its entries that are no entries"
    ]
    assert told(CACHE, {"Other": number(1)}) == []


def test_the_compatibility_cache_of_a_public_hive(corpus: Fetch, told_by: Any, at: Any) -> None:
    """Windows 7 of 32 bits; dissect 3.22 takes it for 64 bits and finds one entry without a name."""
    found = told_by(corpus, "registry/regipy/SYSTEM")
    cache = artefacts(found, "registry.shimcache")
    assert len(cache) == 660
    assert cache[1].fields["path"] == r"\??\C:\Windows\servicing\TrustedInstaller.exe"
    assert cache[1].times == {"modified": at("2010-11-20T12:17:48.148000+00:00")}
    assert all(entry.fields["path"].startswith("\\??\\") for entry in cache)
    assert problems(found) == []


def test_amcache_of_a_public_hive(corpus: Fetch, told_by: Any, at: Any) -> None:
    """regipy 6.2 finds 1,367 files as well, and the same of the first and the second."""
    found = told_by(corpus, "registry/regipy/amcache.hve")
    files = artefacts(found, "registry.amcache_file")
    assert len(files) == 1367
    first, second = files[:2]
    assert first.fields["sha1"] == "818b581a471c1c6833839d35a9d6f3544f6a9c92"
    assert first.fields["path"] == r"c:\users\user\appdata\local\microsoft\onedrive\17.3.6943.0625\FileSyncFAL.dll"
    assert first.times["written"] == at("2017-08-03T11:34:04.654176+00:00") + 500
    assert second.fields["product"] == "VMware Tools"
    assert second.fields["size"] == "57353160"
    driver = next(item for item in artefacts(found, "registry.amcache_driver") if item.fields["name"] == "hpsamd.sys")
    assert driver.fields["sha1"] == "00bfdc73947cd278ffacb926ca13d8a1e62aa93d"
    assert driver.times["linked"] == at("2013-03-26T21:36:54+00:00")
    assert len(artefacts(found, "registry.amcache_device")) == 18


def test_amcache_of_windows_10(corpus: Fetch, told_by: Any, at: Any) -> None:
    found = told_by(corpus, "registry/plaso/winreg/win10-Amcache.hve")
    files = artefacts(found, "registry.amcache_file")
    assert len(files) == 30
    assert files[0].fields["path"] == r"c:\program files\7-zip\7z.exe"
    assert files[0].fields["sha1"] == "6c7ea8bbd435163ae3945cbef30ef6b9872a4591"
    assert files[0].times["linked"] == at("2019-02-21T16:00:00+00:00")
    assert len(artefacts(found, "registry.amcache_program")) == 75


def test_programs_of_the_old_amcache_and_drivers() -> None:
    (program,) = told(r"Root\Programs\id1", {"0": text("Tool"), "a": number(2), "b": number(3)})
    assert program.fields["name"] == "Tool"
    assert {name: moment.at for name, moment in program.moments.items()} == {
        "written": 7 * SECOND,
        "installed": 2 * SECOND,
        "removed": 3 * SECOND,
    }
    values = {"DriverId": text("0000" + "ab" * 20), "DriverLastWriteTime": text("01/02/1970 00:00:01")}
    (driver,) = told(r"Root\InventoryDriverBinary\c:/windows/a.sys", values)
    assert (driver.fields["path"], driver.fields["sha1"]) == ("c:/windows/a.sys", "ab" * 20)
    assert driver.moments["modified"].at == 86_401 * SECOND
    wrong = told(r"Root\InventoryDriverBinary\a", {"DriverLastWriteTime": text("31/31/1970 00:00:01")})
    assert wrong[0].moments["modified"].at is None
    for empty in ("File\\v\\1", "Programs\\1", "InventoryApplication\\1", "InventoryDriverBinary\\1"):
        assert told(f"Root\\{empty}", {}) == []


def test_activity_moderators() -> None:
    sid = "S-1-5-21-1-2-3-1001"
    values = {
        r"\Device\HarddiskVolume1\a.exe": binary(FILETIME.to_bytes(8, "little") + bytes(16)),
        "Version": number(1),
    }
    for service in ("bam", r"dam\State"):
        (run,) = told(rf"ControlSet001\Services\{service}\UserSettings\{sid}", values)
        assert run.fields["program"] == r"\Device\HarddiskVolume1\a.exe"
        assert run.fields["user_sid"] == sid
        assert run.moments["last_run"].at == SECOND


@pytest.mark.parametrize(("length", "count", "place"), [(72, "7", 60), (16, "2", 8)])
def test_programs_run_of_both_layouts(length: int, count: str, place: int) -> None:
    data = bytearray(length)
    data[4:8] = (7).to_bytes(4, "little")
    data[place : place + 8] = FILETIME.to_bytes(8, "little")
    path = r"Software\Microsoft\Windows\CurrentVersion\Explorer\UserAssist\{x}\Count"
    values = {"P:\\n.rkr": binary(bytes(data)), "HRZR_PGYFRFFVBA": binary(bytes(72)), "f": Value(3, "", b"")}
    (fact,) = told(path, values)
    assert fact.fields["program"] == "C:\\a.exe"
    assert str(fact.fields["count"]) == count
    assert fact.moments["last_run"].at == SECOND


def test_programs_of_the_search_bar() -> None:
    last = binary(FILETIME.to_bytes(8, "little"))
    values = {"AppId": text("a.exe"), "LaunchCount": number(3), "LastAccessedTime": last}
    (fact,) = told(r"Software\Microsoft\Windows\CurrentVersion\Search\RecentApps\{x}", values)
    assert (fact.fields["program"], fact.moments["last_run"].at) == ("a.exe", SECOND)
