"""The machine in the registry: its name, disks, devices, networks, software, profiles."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from forensics.model import Clock
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts
from tests.forensics.parsers.keys import FILETIME, SECOND, binary, hive, number, text, told, wide

WINDOWS_NT = r"Microsoft\Windows NT\CurrentVersion"
EIGHT = FILETIME.to_bytes(8, "little")


def test_what_a_system_hive_tells_of_the_machine(corpus: Fetch, told_by: Any, at: Any) -> None:
    found = told_by(corpus, "registry/regipy/SYSTEM")
    assert {item.fields["name"] for item in artefacts(found, "registry.computer")} == {
        "WKS-WIN732BITA",
        "WIN-V5T3CSP8U4H",
    }
    disk = artefacts(found, "registry.mounted_device")[0]
    assert disk.fields["name"] == r"\DosDevices\C:"
    assert (disk.fields["disk_signature"], disk.fields["partition_offset"]) == ("5cbea03e", "1048576")
    leased = artefacts(found, "registry.interface")[1]
    assert leased.fields["address"] == "192.168.1.123"
    assert leased.times["lease_obtained"] == at("2010-11-10T17:06:43+00:00")
    uses = artefacts(found, "registry.usb_use")
    assert {name for use in uses for name in use.times} == {"installed", "first_installed"}
    assert any("VID_" in use.fields["device"] for use in uses)


def test_disks_devices_and_partitions_behind_letters() -> None:
    partition = b"DMIO:ID:" + bytes(range(16))
    values = {
        "C": binary(struct.pack("<IQ", 0xABCD, 1 << 20)),
        "D": binary(partition),
        "E": binary(wide(r"\??\USBSTOR#Disk")),
        "other": number(1),
    }
    found = [fact.fields for fact in told("MountedDevices", values)]
    assert [item["name"] for item in found] == ["C", "D", "E"]
    assert found[2]["device"] == r"\??\USBSTOR#Disk"
    assert found[0]["disk_signature"] == "0000abcd"
    assert found[1]["partition"] == "03020100-0504-0706-0809-0a0b0c0d0e0f"


@pytest.mark.parametrize(
    ("zone", "hour", "clock"), [(None, 12, Clock.UNKNOWN), ("Europe/Belgrade", 10, Clock.DECLARED)]
)
def test_dates_of_networks_are_local(zone: str | None, hour: int, clock: Clock, at: Any) -> None:
    date = struct.pack("<8H", 2024, 7, 1, 15, 12, 30, 45, 250)
    values = {
        "ProfileName": text("Hotel"), "Category": number(0), "NameType": number(71), "DateCreated": binary(date),
        "DateLastConnected": binary(struct.pack("<8H", 2024, 2, 1, 31, 0, 0, 0, 0)),
    }  # fmt: skip
    (network,) = told(rf"{WINDOWS_NT}\NetworkList\Profiles\{{p}}", values, hive(zone))
    assert network.clock is clock
    assert network.moments["first_connected"].at == at(f"2024-07-15T{hour}:30:45.250000+00:00")
    assert network.moments["first_connected"].written == "2024-07-15 12:30:45.250"
    assert network.moments["last_connected"].at is None
    assert (network.fields["category"], network.fields["link"]) == ("public", "wireless")


def test_gateways_of_networks() -> None:
    values = {"DefaultGatewayMac": binary(bytes.fromhex("001122aabbcc")), "DnsSuffix": text("example.org")}
    (fact,) = told(rf"{WINDOWS_NT}\NetworkList\Signatures\Unmanaged\0101", values)
    assert (fact.fields["gateway"], fact.fields["dns_suffix"]) == ("00:11:22:aa:bb:cc", "example.org")


def test_a_wireless_networks_name_stands_turned_below_the_interface() -> None:
    values = {"DhcpIPAddress": text("192.0.2.7"), "LeaseObtainedTime": number(5)}
    path = r"ControlSet001\Services\Tcpip\Parameters\Interfaces\{i}"
    (fact,) = told(path + r"\84F64756C6", values)
    assert fact.fields["wireless_network"] == "Hotel"
    assert fact.moments["lease_obtained"].at == 5 * SECOND
    assert told(path, values)[0].fields["wireless_network"] == ""
    assert told(path, {}) == []


@pytest.mark.parametrize("tail", [r"\0066", r"\00000066\00000000"])
def test_when_a_device_was_plugged_in(tail: str) -> None:
    path = r"ControlSet001\Enum\USBSTOR\Disk&Ven_A\S1&0\Properties\{83da6326-97a6-4088-9453-a1923f573b29}"
    name = "Data" if tail.count("\\") == 2 else "(default)"
    (fact,) = told(path + tail, {name: binary(EIGHT)})
    assert (fact.fields["device"], fact.fields["serial"]) == ("Disk&Ven_A", "S1&0")
    assert fact.moments["last_arrived"].at == SECOND
    assert told(path + r"\0003", {name: binary(EIGHT)}) == []


def test_installation_software_profiles_shutdown() -> None:
    (system,) = told(WINDOWS_NT, {"InstallDate": number(1_600_000_000), "ProductName": text("Windows 10 Pro")})
    assert system.moments["installed"].at == 1_600_000_000 * SECOND
    assert system.fields["product_name"] == "Windows 10 Pro"
    path = r"Wow6432Node\Microsoft\Windows\CurrentVersion\Uninstall\{x}"
    (software,) = told(path, {"DisplayName": text("Tool"), "InstallDate": text("20240131")})
    assert (software.fields["name"], software.fields["install_date"]) == ("Tool", "20240131")
    assert told(path, {"UninstallString": text("x")}) == []
    high, low = divmod(FILETIME, 1 << 32)
    values = {
        "ProfileImagePath": text(r"C:\Users\ada"),
        "LocalProfileLoadTimeHigh": number(high),
        "LocalProfileLoadTimeLow": number(low),
    }
    (profile,) = told(rf"{WINDOWS_NT}\ProfileList\S-1-5-21-1-2-3-1001", values)
    assert profile.moments["loaded"].at == SECOND
    assert profile.moments["unloaded"].at is None
    assert profile.fields["sid"] == "S-1-5-21-1-2-3-1001"
    (shut,) = told(r"ControlSet001\Control\Windows", {"ShutdownTime": binary(EIGHT)})
    assert shut.moments["shut_down"].at == SECOND
    for empty in (WINDOWS_NT, r"ControlSet001\Control\Windows", r"ControlSet001\Services\Empty", r"Some\Other\Key"):
        assert told(empty, {}) == []
