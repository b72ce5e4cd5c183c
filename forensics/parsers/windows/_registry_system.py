"""What the registry tells of the machine: services, devices, networks, software, its set-up and shutdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from forensics.parsers._windows import filetime, guid
from forensics.parsers.windows._registry_keys import (
    BINARY,
    Fact,
    Key,
    Reader,
    filetime_at,
    number,
    system_time,
    unix_time,
)

_SET = r"(?:Current)?ControlSet\d*\\"
_STARTS = {"0": "boot", "1": "system", "2": "automatic", "3": "on demand", "4": "disabled"}


def _service(key: Key) -> Iterator[Fact]:
    start, image = key.text("Start"), key.text("ImagePath")
    if start or image:
        fields = key.texts(display_name="DisplayName", library="ServiceDll", account="ObjectName")
        fields |= {"name": key.name, "image": image, "start": _STARTS.get(start, start), "key": key.path}
        yield Fact("registry.service", {"written": key.written}, fields)


def _usb(key: Key) -> Iterator[Fact]:
    *_, device, serial = key.path.split("\\")
    fields = key.texts(friendly_name="FriendlyName", description="DeviceDesc", container="ContainerID")
    fields |= {"device": device, "serial": serial, "key": key.path}
    yield Fact("registry.usb", {"written": key.written}, fields)


_DEVICE_TIMES = {
    0x64: "installed",  # DEVPKEY_Device_InstallDate
    0x65: "first_installed",  # DEVPKEY_Device_FirstInstallDate
    0x66: "last_arrived",  # DEVPKEY_Device_LastArrivalDate
    0x67: "last_removed",  # DEVPKEY_Device_LastRemovalDate
}


def _device_time(key: Key) -> Iterator[Fact]:
    """Windows 7 keeps the time in `Data` of a key below, later ones in the key's nameless value."""
    parts = key.path.split("\\")
    place = parts.index(next(part for part in parts if part.upper().startswith("USB")))
    device, serial, _, _, property_number, *_ = parts[place + 1 :]
    name, data = _DEVICE_TIMES.get(int(property_number, 16)), key.data("Data") or key.data("(default)")
    if name and len(data) == 8:
        fields: dict[str, object] = {"device": device, "serial": serial, "key": key.path}
        yield Fact("registry.usb_use", {name: filetime_at(data)}, fields)


def _shutdown(key: Key) -> Iterator[Fact]:
    data = key.data("ShutdownTime")
    if len(data) == 8:
        yield Fact("registry.shutdown", {"shut_down": filetime_at(data)}, {"key": key.path})


def _system(key: Key) -> Iterator[Fact]:
    seconds = key.text("InstallDate")
    if not seconds.isdecimal():
        return
    names = (
        "ProductName", "CurrentVersion", "CurrentBuildNumber", "RegisteredOwner", "RegisteredOrganization",
        "DisplayVersion", "ReleaseId", "EditionID", "SystemRoot",
    )  # fmt: skip
    fields: dict[str, object] = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower(): key.text(name) for name in names}
    yield Fact("registry.installation", {"installed": unix_time(seconds)}, {**fields, "key": key.path})


def _zone(key: Key) -> Iterator[Fact]:
    name = key.text("TimeZoneKeyName") or key.text("StandardName")
    if name:
        fields = key.texts(bias_minutes="Bias", active_bias_minutes="ActiveTimeBias")
        yield Fact("registry.time_zone", {"written": key.written}, {"zone": name, **fields, "key": key.path})


def _computer(key: Key) -> Iterator[Fact]:
    name = key.text("ComputerName") or key.text("Hostname")
    if name:
        fields: dict[str, object] = {"name": name, "domain": key.text("Domain") or key.text("DhcpDomain")}
        yield Fact("registry.computer", {"written": key.written}, {**fields, "key": key.path})


def _interface(key: Key) -> Iterator[Fact]:
    fields = key.texts(
        dhcp_address="DhcpIPAddress", dhcp_mask="DhcpSubnetMask", dhcp_server="DhcpServer",
        dhcp_gateway="DhcpDefaultGateway", dhcp_names="DhcpNameServer", dhcp_domain="DhcpDomain", address="IPAddress",
        mask="SubnetMask", gateway="DefaultGateway", names="NameServer", domain="Domain",
    )  # fmt: skip
    if any(fields.values()):
        moments = {
            "lease_obtained": unix_time(key.text("LeaseObtainedTime")),
            "lease_ends": unix_time(key.text("LeaseTerminatesTime")),
        }
        network = _network_hint(key.name)
        yield Fact("registry.interface", moments, {**fields, "wireless_network": network, "key": key.path})


def _network_hint(name: str) -> str:
    """A wireless network's name, which a key below the interface has as hexadecimal, each byte's digits turned."""
    if len(name) % 2 or not re.fullmatch("[0-9A-Fa-f]+", name):
        return ""
    turned = "".join(name[at + 1] + name[at] for at in range(0, len(name), 2))
    return bytes.fromhex(turned).decode("utf-8", "backslashreplace")


_CATEGORIES = {"0": "public", "1": "private", "2": "domain"}  # NLM_NETWORK_CATEGORY
_LINKS = {"6": "wired", "23": "VPN", "71": "wireless", "243": "mobile broadband"}  # interface types of IANA, [MS-NLM]


def _network(key: Key) -> Iterator[Fact]:
    """The dates are SYSTEMTIMEs of the machine's local time."""
    clock = key.hive.clock
    moments = {
        "first_connected": system_time(key.data("DateCreated"), clock),
        "last_connected": system_time(key.data("DateLastConnected"), clock),
    }
    category, link = key.text("Category"), key.text("NameType")
    fields = key.texts(name="ProfileName", description="Description", managed="Managed")
    fields |= {"category": _CATEGORIES.get(category, category), "link": _LINKS.get(link, link)}
    yield Fact("registry.network", moments, {**fields, "profile": key.name, "key": key.path}, clock.clock)


def _signature(key: Key) -> Iterator[Fact]:
    address = key.data("DefaultGatewayMac")
    fields = key.texts(
        profile="ProfileGuid", description="Description", dns_suffix="DnsSuffix", first_network="FirstNetwork"
    )
    gateway = address.hex(":") if len(address) == 6 else address.hex()
    yield Fact("registry.network_signature", {"written": key.written}, {**fields, "gateway": gateway, "key": key.path})


def _disk(data: bytes) -> dict[str, object]:
    """What a drive letter or volume stands for: an MBR's signature and an offset, a GPT partition, a device."""
    if len(data) == 12:
        return {"disk_signature": f"{number(data):08x}", "partition_offset": number(data, 4, 8)}
    if data.startswith(b"DMIO:ID:") and len(data) == 24:
        return {"partition": guid(data[8:])}
    return {"device": data.decode("utf-16-le", "backslashreplace").rstrip("\0")}


def _mounted(key: Key) -> Iterator[Fact]:
    for name, value in key.values.items():
        if value.type == BINARY:
            yield Fact(
                "registry.mounted_device",
                {"written": key.written},
                {"name": name, **_disk(value.data), "key": key.path},
            )


def _software(key: Key) -> Iterator[Fact]:
    fields = key.texts(
        name="DisplayName", version="DisplayVersion", publisher="Publisher", install_date="InstallDate",
        folder="InstallLocation", source="InstallSource", uninstall="UninstallString",
    )  # fmt: skip
    if fields["name"]:
        yield Fact("registry.software", {"written": key.written}, {**fields, "key": key.path})


def _profile(key: Key) -> Iterator[Fact]:
    def joined(name: str) -> int:
        return number(key.data(f"{name}High")) << 32 | number(key.data(f"{name}Low"))

    fields = key.texts(folder="ProfileImagePath", state="State")
    if fields["folder"]:
        moments = {
            "written": key.written,
            "loaded": filetime(joined("LocalProfileLoadTime")),
            "unloaded": filetime(joined("LocalProfileUnloadTime")),
        }
        yield Fact("registry.profile", moments, {"sid": key.name, **fields, "key": key.path})


READERS = (
    Reader(_SET + r"Services\\Tcpip6?\\Parameters\\Interfaces\\[^\\]+(?:\\[^\\]+)?", _interface),
    Reader(_SET + r"Services\\Tcpip\\Parameters", _computer),
    Reader(_SET + r"Services\\[^\\]+(?:\\Parameters)?", _service),
    Reader(_SET + r"Enum\\USB(?:STOR)?\\[^\\]+\\[^\\]+", _usb),
    Reader(
        _SET + r"Enum\\USB(?:STOR)?\\[^\\]+\\[^\\]+\\Properties\\\{83da6326-97a6-4088-9453-a1923f573b29\}"
        r"\\[0-9a-f]{4,8}(?:\\0{8})?",
        _device_time,
    ),
    Reader(_SET + r"Control\\Windows", _shutdown),
    Reader(_SET + r"Control\\TimeZoneInformation", _zone),
    Reader(_SET + r"Control\\ComputerName\\(?:Active)?ComputerName", _computer),
    Reader(r"MountedDevices", _mounted),
    Reader(r"(?:Software\\)?Microsoft\\Windows NT\\CurrentVersion", _system),
    Reader(r"(?:Software\\)?Microsoft\\Windows NT\\CurrentVersion\\ProfileList\\S-[^\\]+", _profile),
    Reader(r"(?:.*\\)?Windows NT\\CurrentVersion\\NetworkList\\Profiles\\[^\\]+", _network),
    Reader(r"(?:.*\\)?Windows NT\\CurrentVersion\\NetworkList\\Signatures\\(?:Unm|M)anaged\\[^\\]+", _signature),
    Reader(r"(?:.*\\)?Microsoft\\Windows\\CurrentVersion\\Uninstall\\[^\\]+", _software),
)

KINDS = (
    "registry.service", "registry.usb", "registry.usb_use", "registry.shutdown", "registry.installation",
    "registry.time_zone", "registry.computer", "registry.interface", "registry.network", "registry.network_signature",
    "registry.mounted_device", "registry.software", "registry.profile",
)  # fmt: skip
