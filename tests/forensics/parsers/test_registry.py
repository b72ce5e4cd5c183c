"""Registry hives: public ones against the counts of two other readers, what single keys tell, damaged ones."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable
from functools import reduce
from operator import xor
from typing import Any

import pytest

from forensics.parsers import parser_for
from forensics.parsers._facts import Moment
from forensics.parsers._registry_facts import Key, Value, facts_of
from forensics.parsers.registry import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

HIVES = {
    "registry/regipy/SYSTEM": "registry__regipy__SYSTEM.xz",
    "registry/regipy/NTUSER.DAT": "registry__regipy__NTUSER.DAT.xz",
    "registry/regipy/UsrClass.dat": "registry__regipy__UsrClass.dat.xz",
    "registry/regipy/amcache.hve": "registry__regipy__amcache.hve.xz",
    "registry/regipy/SAM": "registry__regipy__SAM.xz",
    "registry/plaso/NTUSER.DAT": "registry__plaso__NTUSER.DAT",
    "registry/plaso/regf/100_sub_keys.hiv": "registry__plaso__regf__100_sub_keys.hiv",
}


def hive(corpus: Fetch, name: str) -> bytes:
    path = corpus(name)
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()


@pytest.mark.parametrize("name", HIVES)
def test_every_key_of_public_hives(name: str, corpus: Fetch, read: Any) -> None:
    oracle = json.loads(corpus(f"oracles/artefact/{HIVES[name]}.json").read_text())["dissect"]
    data = hive(corpus, name)
    found = read(PARSER, data)
    keys = artefacts(found, "registry.key")
    values = sum(field.startswith("value.") for key in keys for field in key.fields)
    assert (len(keys), values) == (oracle["keys_excl_root"] + 1, oracle["values"])
    assert not [reason for reason in problems(found) if "not closed" not in reason]
    assert parser_for(data[:4096], "any name") is PARSER


def test_what_a_system_hive_tells(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    found = read(PARSER, hive(corpus, "registry/regipy/SYSTEM"))
    services = {item.fields["name"] for item in artefacts(found, "registry.service")}
    assert {"Dnscache", "Tcpip"} <= services
    assert artefacts(found, "registry.usb")[0].fields["device"].startswith("Disk&Ven_")
    assert artefacts(found, "registry.time_zone")[0].fields["zone"]
    last = max(item.times["written"] for item in artefacts(found, "registry.key") if item.times)
    assert last == at("2012-04-07T13:05:11.183400+00:00") + 100


def test_what_a_users_hive_tells(corpus: Fetch, read: Any) -> None:
    found = read(PARSER, hive(corpus, "registry/regipy/NTUSER.DAT"))
    run = artefacts(found, "registry.userassist")
    assert any(item.times for item in run)
    assert all("\\" in item.fields["program"] or item.fields["program"] for item in run)


def key(path: str, **values: Value) -> Key:
    return Key(path, Moment(1, "1"), values)


@pytest.mark.parametrize(("length", "count", "place"), [(72, "7", 60), (16, "2", 8)])
def test_programs_run_of_both_layouts(length: int, count: str, place: int) -> None:
    data = bytearray(length)
    data[4:8] = (7).to_bytes(4, "little")
    data[place : place + 8] = (116_444_736_010_000_000).to_bytes(8, "little")
    path = r"Software\Microsoft\Windows\CurrentVersion\Explorer\UserAssist\{x}\Count"
    values = {
        "P:\\n.rkr": Value(3, "", bytes(data)),
        "HRZR_PGYFRFFVBA": Value(3, "", bytes(72)),
        "f": Value(3, "", b""),
    }
    (fact,) = facts_of(Key(path, Moment(1, "1"), values))
    assert fact.fields["program"] == "C:\\a.exe"
    assert str(fact.fields["count"]) == count
    assert fact.moments["last_run"].at == 1_000_000_000


def test_single_keys() -> None:
    (auto,) = facts_of(key(r"Microsoft\Windows\CurrentVersion\Run", Updater=Value(1, "C:\\u.exe", b"")))
    assert (auto.kind, auto.fields["command"]) == ("registry.autostart", "C:\\u.exe")
    (typed,) = facts_of(key(r"Software\Microsoft\Internet Explorer\TypedURLs", url1=Value(1, "http://a.example/", b"")))
    assert typed.fields["text"] == "http://a.example/"
    closed = Value(3, "", (116_444_736_010_000_000).to_bytes(8, "little"))
    (shut,) = facts_of(key(r"ControlSet001\Control\Windows", ShutdownTime=closed))
    assert shut.moments["shut_down"].at == 1_000_000_000
    installed = Value(4, "1600000000", b"")
    (system,) = facts_of(key(r"Microsoft\Windows NT\CurrentVersion", InstallDate=installed))
    assert system.moments["installed"].at == 1_600_000_000_000_000_000
    assert list(facts_of(key(r"Microsoft\Windows NT\CurrentVersion"))) == []
    assert list(facts_of(key(r"ControlSet001\Control\Windows"))) == []
    assert list(facts_of(key(r"ControlSet001\Services\Empty"))) == []
    assert list(facts_of(key(r"Some\Other\Key"))) == []


def test_a_log_of_transactions_is_no_hive(corpus: Fetch) -> None:
    data = hive(corpus, "registry/regipy/UsrClass.dat.LOG1")
    assert parser_for(data[:4096], "UsrClass.dat.LOG1") is None


def test_a_hive_that_was_in_use_says_so(corpus: Fetch, read: Any) -> None:
    data = bytearray(hive(corpus, "registry/plaso/regf/100_sub_keys.hiv"))
    data[4] ^= 1
    words = (int.from_bytes(data[place : place + 4], "little") for place in range(0, 508, 4))
    data[508:512] = reduce(xor, words).to_bytes(4, "little")
    assert "the hive was not closed: what its transaction logs hold is not shown" in problems(read(PARSER, bytes(data)))


def test_hostile_and_damaged_hives_give_values(corpus: Fetch, read: Any) -> None:
    read(PARSER, corpus("hostile/made/regf-subkey-loop.hiv").read_bytes())
    for data in damaged(hive(corpus, "registry/plaso/regf/100_sub_keys.hiv"), 90):
        read(PARSER, data)
    assert problems(read(PARSER, b"regf" + bytes(20)))[0].startswith("the hive cannot be read")
