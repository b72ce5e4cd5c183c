"""What single keys of the registry tell: programs that start by themselves, services, USB storage, programs run.

Each reader gets a key's path (without the hive's root), when it was written, and its values; the first whose pattern
fits the path is asked. Which hive a file is does not matter: the paths tell.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from forensics.parsers._facts import Moment
from forensics.parsers._windows import filetime

_UNIX = 1_000_000_000


class Value(NamedTuple):
    """A value: its type (REG_SZ is 1 ...), its data as text, and as bytes."""

    type: int
    text: str
    data: bytes


class Key(NamedTuple):
    """A key as its reader gets it."""

    path: str
    written: Moment
    values: Mapping[str, Value]

    def text(self, name: str) -> str:
        """A value's text, "" where there is none; names are compared without regard to case."""
        low = name.lower()
        return next((value.text for found, value in self.values.items() if found.lower() == low), "")

    def data(self, name: str) -> bytes:
        """A value's bytes."""
        low = name.lower()
        return next((value.data for found, value in self.values.items() if found.lower() == low), b"")


class Fact(NamedTuple):
    """One thing a key tells."""

    kind: str
    moments: dict[str, Moment]
    fields: dict[str, object]


def _autostart(key: Key) -> Iterator[Fact]:
    for name, value in key.values.items():
        yield Fact(
            "registry.autostart", {"written": key.written}, {"name": name, "command": value.text, "key": key.path}
        )


_STARTS = {"0": "boot", "1": "system", "2": "automatic", "3": "on demand", "4": "disabled"}


def _service(key: Key) -> Iterator[Fact]:
    start, image = key.text("Start"), key.text("ImagePath")
    if start or image:
        library = key.text("ServiceDll")
        fields: dict[str, object] = {
            "name": key.path.rpartition("\\")[2],
            "display_name": key.text("DisplayName"),
            "image": image,
            "library": library,
            "start": _STARTS.get(start, start),
            "account": key.text("ObjectName"),
            "key": key.path,
        }
        yield Fact("registry.service", {"written": key.written}, fields)


def _usb(key: Key) -> Iterator[Fact]:
    *_, device, serial = key.path.split("\\")
    fields: dict[str, object] = {
        "device": device,
        "serial": serial,
        "friendly_name": key.text("FriendlyName"),
        "key": key.path,
    }
    yield Fact("registry.usb", {"written": key.written}, fields)


_SESSION_VALUES = {"UEME_CTLSESSION", "UEME_CTLCUACount:ctor"}


def _user_assist(key: Key) -> Iterator[Fact]:
    """Windows XP keeps 16 bytes (the count begins at 5, the time at byte 8), 7 and later 72 (byte 4 and byte 60)."""
    for name, value in key.values.items():
        program = codecs.decode(name, "rot13")
        data = value.data
        if program in _SESSION_VALUES or len(data) not in (16, 72):
            continue
        count = int.from_bytes(data[4:8], "little")
        place = 60 if len(data) == 72 else 8
        fields: dict[str, object] = {
            "program": program,
            "count": count if len(data) == 72 else max(0, count - 5),
            "focus_milliseconds": int.from_bytes(data[12:16], "little") if len(data) == 72 else "",
            "key": key.path,
        }
        last = filetime(int.from_bytes(data[place : place + 8], "little"))
        yield Fact("registry.userassist", {"last_run": last}, fields)


def _typed(key: Key) -> Iterator[Fact]:
    for name, value in key.values.items():
        yield Fact("registry.typed", {"written": key.written}, {"name": name, "text": value.text, "key": key.path})


def _shutdown(key: Key) -> Iterator[Fact]:
    data = key.data("ShutdownTime")
    if len(data) == 8:
        yield Fact("registry.shutdown", {"shut_down": filetime(int.from_bytes(data, "little"))}, {"key": key.path})


def _system(key: Key) -> Iterator[Fact]:
    seconds = key.text("InstallDate")
    if not seconds.isdigit():
        return
    at = int(seconds) * _UNIX or None
    names = ("ProductName", "CurrentVersion", "CurrentBuildNumber", "RegisteredOwner", "RegisteredOrganization")
    fields: dict[str, object] = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower(): key.text(name) for name in names}
    yield Fact("registry.installation", {"installed": Moment(at, seconds)}, {**fields, "key": key.path})


def _zone(key: Key) -> Iterator[Fact]:
    name = key.text("TimeZoneKeyName") or key.text("StandardName")
    if name:
        fields: dict[str, object] = {
            "zone": name,
            "bias_minutes": key.text("Bias"),
            "active_bias_minutes": key.text("ActiveTimeBias"),
            "key": key.path,
        }
        yield Fact("registry.time_zone", {"written": key.written}, fields)


_READERS: tuple[tuple[re.Pattern[str], Callable[[Key], Iterator[Fact]]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), reader)
    for pattern, reader in (
        (r".*\\Windows\\CurrentVersion\\(?:Policies\\Explorer\\)?Run(?:Once|OnceEx|Services)?$", _autostart),
        (r"(?:Current)?ControlSet\d*\\Services\\[^\\]+(?:\\Parameters)?$", _service),
        (r"(?:Current)?ControlSet\d*\\Enum\\USBSTOR\\[^\\]+\\[^\\]+$", _usb),
        (r".*\\Explorer\\UserAssist\\[^\\]+\\Count$", _user_assist),
        (r".*\\(?:TypedURLs|TypedPaths|RunMRU|WordWheelQuery)$", _typed),
        (r"(?:Current)?ControlSet\d*\\Control\\Windows$", _shutdown),
        (r"(?:Software\\)?Microsoft\\Windows NT\\CurrentVersion$", _system),
        (r"(?:Current)?ControlSet\d*\\Control\\TimeZoneInformation$", _zone),
    )
)

KINDS = (
    "registry.autostart", "registry.service", "registry.usb", "registry.userassist", "registry.typed",
    "registry.shutdown", "registry.installation", "registry.time_zone",
)  # fmt: skip


def facts_of(key: Key) -> Iterator[Fact]:
    """What the key tells beside its values; nothing for most keys."""
    for pattern, reader in _READERS:
        if pattern.match(key.path):
            yield from reader(key)
            return
