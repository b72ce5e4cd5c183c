"""Registry hives: public ones against the counts of two other readers, what single keys tell, damaged ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import reduce
from operator import xor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.parsers import parser_for
from forensics.parsers.windows._registry_facts import facts_of
from forensics.parsers.windows._registry_keys import Key, Value
from forensics.parsers.windows.registry import PARSER, _shown
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems
from tests.forensics.parsers.keys import WRITTEN
from tests.forensics.parsers.keys import hive as made

HIVES = {
    "registry/regipy/SYSTEM": "registry__regipy__SYSTEM.xz",
    "registry/regipy/NTUSER.DAT": "registry__regipy__NTUSER.DAT.xz",
    "registry/regipy/UsrClass.dat": "registry__regipy__UsrClass.dat.xz",
    "registry/regipy/amcache.hve": "registry__regipy__amcache.hve.xz",
    "registry/regipy/SAM": "registry__regipy__SAM.xz",
    "registry/plaso/NTUSER.DAT": "registry__plaso__NTUSER.DAT",
    "registry/plaso/regf/100_sub_keys.hiv": "registry__plaso__regf__100_sub_keys.hiv",
    "registry/plaso/regf/SAM": "registry__plaso__regf__SAM",
    "registry/plaso/winreg/win10-Amcache.hve": "registry__plaso__winreg__win10-Amcache.hve",
    "registry/plaso/NTUSER-CCLEANER.DAT": "registry__plaso__NTUSER-CCLEANER.DAT",
    "registry/regipy/BCD": "registry__regipy__BCD.xz",
    "registry/regipy/NTUSER_modified.DAT": "registry__regipy__NTUSER_modified.DAT.xz",
    "registry/regipy/transactions_NTUSER.DAT": "registry__regipy__transactions_NTUSER.DAT.xz",
}


@pytest.mark.parametrize("name", HIVES)
def test_every_key_of_public_hives(name: str, corpus: Fetch, hive: Any, told_by: Any) -> None:
    oracle = json.loads(corpus(f"oracles/artefact/{HIVES[name]}.json").read_text())["dissect"]
    found = told_by(corpus, name)
    keys = artefacts(found, "registry.key")
    values = sum(field.startswith("value.") for key in keys for field in key.fields)
    assert (len(keys), values) == (oracle["keys_excl_root"] + 1, oracle["values"])
    assert not [reason for reason in problems(found) if "not closed" not in reason]
    assert parser_for(hive(corpus, name)[:4096], "any name") is PARSER


def test_what_a_system_hive_tells(corpus: Fetch, told_by: Any, at: Callable[[str], int]) -> None:
    found = told_by(corpus, "registry/regipy/SYSTEM")
    services = {item.fields["name"] for item in artefacts(found, "registry.service")}
    assert {"Dnscache", "Tcpip"} <= services
    devices = [item.fields["device"] for item in artefacts(found, "registry.usb")]
    assert sum(device.startswith("Disk&Ven_") for device in devices) == 2
    assert artefacts(found, "registry.time_zone")[0].fields["zone"]
    last = max(item.times["written"] for item in artefacts(found, "registry.key") if item.times)
    assert last == at("2012-04-07T13:05:11.183400+00:00") + 100


def test_what_a_users_hive_tells(corpus: Fetch, told_by: Any) -> None:
    found = told_by(corpus, "registry/regipy/NTUSER.DAT")
    run = artefacts(found, "registry.userassist")
    assert any(item.times for item in run)
    assert all("\\" in item.fields["program"] or item.fields["program"] for item in run)


def test_a_log_of_transactions_is_no_hive(corpus: Fetch, hive: Any) -> None:
    data = hive(corpus, "registry/regipy/UsrClass.dat.LOG1")
    assert parser_for(data[:4096], "UsrClass.dat.LOG1") is None


def test_a_hive_that_was_in_use_says_so(corpus: Fetch, hive: Any, read: Any) -> None:
    data = bytearray(hive(corpus, "registry/plaso/regf/100_sub_keys.hiv"))
    data[4] ^= 1
    words = (int.from_bytes(data[place : place + 4], "little") for place in range(0, 508, 4))
    data[508:512] = reduce(xor, words).to_bytes(4, "little")
    reason = "the hive was not closed, and no transaction log with what it lacks is beside it"
    assert reason in problems(read(PARSER, bytes(data)))


def test_hostile_and_damaged_hives_give_values(corpus: Fetch, hive: Any, read: Any) -> None:
    read(PARSER, corpus("hostile/made/regf-subkey-loop.hiv").read_bytes())
    for data in damaged(hive(corpus, "registry/plaso/regf/100_sub_keys.hiv"), 90):
        read(PARSER, data)
    assert problems(read(PARSER, b"regf" + bytes(20)))[0].startswith("the hive cannot be read")


PATHS = (
    r"SYSTEM\MountedDevices", r"MountedDevices", r"ControlSet001\Control\Session Manager\AppCompatCache",
    r"ControlSet001\Services\bam\State\UserSettings\S-1-5-18", r"ControlSet001\Control\Windows",
    r"ControlSet001\Enum\USB\VID_1\1\Properties\{83da6326-97a6-4088-9453-a1923f573b29}\0066",
    r"ControlSet001\Services\Tcpip\Parameters\Interfaces\{1}\84F6", r"Root\File\v\1", r"Root\Programs\1",
    r"Root\InventoryApplicationFile\1", r"Root\InventoryDriverBinary\1", r"SAM\Domains\Account\Users\000001F4",
    r"SAM\Domains\Builtin\Aliases\00000220", r"Microsoft\Windows NT\CurrentVersion\NetworkList\Profiles\1",
    r"Microsoft\Windows NT\CurrentVersion\NetworkList\Signatures\Managed\1",
    r"Microsoft\Windows NT\CurrentVersion\ProfileList\S-1", r"Microsoft\Windows NT\CurrentVersion",
    r"Software\Microsoft\Windows\Shell\BagMRU\0", r"S\Explorer\RecentDocs", r"S\Explorer\ComDlg32\OpenSavePidlMRU\1",
    r"S\Explorer\ComDlg32\LastVisitedPidlMRU", r"S\TypedURLsTime", r"S\RunMRU", r"S\Explorer\UserAssist\1\Count",
    r"S\Terminal Server Client\Default", r"S\Office\16.0\Word\File MRU", r"S\Search\RecentApps\{1}",
)  # fmt: skip
NAMES = (
    "AppCompatCache", "ShutdownTime", "(default)", "Data", "F", "V", "C", "DateCreated", "DefaultGatewayMac", "0", "1",
    "a", "b", "f", "11", "MRUListEx", "MRUList", "MRU0", "url1", "InstallDate", "LinkDate", "LeaseObtainedTime",
    "Item 1", "DriverLastWriteTime", "ProfileImagePath", "LocalProfileLoadTimeHigh", "InternetUserName",
)  # fmt: skip
VALUES = st.dictionaries(
    st.sampled_from(NAMES),
    st.builds(
        lambda kind, data: Value(kind, data.decode("utf-16-le", "replace"), data),
        st.sampled_from([1, 3, 4, 7]),
        st.one_of(st.binary(max_size=300), st.sampled_from([bytes(8), b"\xff" * 8, b"\xff" * 80, b"\xff" * 300])),
    ),
    max_size=8,
)


@given(path=st.sampled_from(PATHS), values=VALUES)
@settings(max_examples=300, deadline=None)
def test_any_values_of_single_keys_give_facts_or_reasons(path: str, values: dict[str, Value]) -> None:
    for fact in facts_of(Key(path, WRITTEN, values, made())):
        assert isinstance(fact, str) or fact.kind in PARSER.kinds


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("DefaultPassword", Value(1, "geheim", b"g\0"), "(2 bytes that may guard passwords are not shown)"),
        ("ProxyPassword", Value(3, "00", b"\0"), "(1 bytes that may guard passwords are not shown)"),
        ("DisablePassword", Value(4, "1", b"\1\0\0\0"), "1"),
        ("Password", Value(1, "", b""), "(empty)"),
        ("PasswordHint", Value(1, "cat", b"c\0"), "cat"),
    ],
)
def test_values_that_are_named_as_passwords(name: str, value: Value, shown: str) -> None:
    assert _shown(name, value, hidden=False) == shown
