"""What the registry tells of programs: run by a user, by the activity moderators, or seen on the way to running.

Amcache and the application compatibility cache have no public specification by Microsoft: the layouts are those
the field's tools agree on (libyal's winreg-kb, Mandiant's ShimCacheParser).
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from forensics.parsers.windows._registry_compatibility import compatibility_cache
from forensics.parsers.windows._registry_keys import Fact, Key, Reader, filetime_at, number, unix_time, written_date

_SESSION_VALUES = {"UEME_CTLSESSION", "UEME_CTLCUACount:ctor"}


def _user_assist(key: Key) -> Iterator[Fact]:
    """Windows XP keeps 16 bytes (the count begins at 5, the time at byte 8), 7 and later 72 (byte 4 and byte 60)."""
    for name, value in key.values.items():
        program = codecs.decode(name, "rot13")
        data = value.data
        if program in _SESSION_VALUES or len(data) not in (16, 72):
            continue
        count = number(data, 4)
        fields: dict[str, object] = {
            "program": program,
            "count": count if len(data) == 72 else max(0, count - 5),
            "focus_milliseconds": number(data, 12) if len(data) == 72 else "",
            "key": key.path,
        }
        yield Fact("registry.userassist", {"last_run": filetime_at(data, 60 if len(data) == 72 else 8)}, fields)


def _compatibility(key: Key) -> Iterator[Fact | str]:
    data = key.data("AppCompatCache")
    if not data:
        return
    for position, entry in enumerate(compatibility_cache(data)):
        if isinstance(entry, str):
            yield f"{entry} (in {key.path})"
            continue
        fields: dict[str, object] = {"path": entry.path, "position": position, "size": entry.size}
        fields |= {"flags": "" if entry.flags is None else f"{entry.flags:08x}", "package": entry.package}
        moments = {"modified": entry.modified, "last_update": entry.updated}
        yield Fact("registry.shimcache", moments, fields | {"layout": entry.layout, "key": key.path})


def _moderated(key: Key) -> Iterator[Fact]:
    for name, value in key.values.items():
        if value.type == 3 and len(value.data) >= 8:
            fields: dict[str, object] = {"program": name, "user_sid": key.name, "key": key.path}
            yield Fact("registry.moderated", {"last_run": filetime_at(value.data)}, fields)


_FILE_VALUES = {
    "path": "15", "name": "", "product": "0", "company": "1", "file_version": "5", "size": "6", "description": "c",
    "program_id": "100",
}  # fmt: skip


def _digest(text: str) -> str:
    """The SHA-1 that Amcache writes with four zeros before it."""
    return text[4:] if len(text) == 44 and text.startswith("0000") else text


def _old_file(key: Key) -> Iterator[Fact]:
    if not key.values:
        return
    moments = {
        "written": key.written,
        "modified": filetime_at(key.data("17")),
        "created": filetime_at(key.data("12")),
        "modified_before": filetime_at(key.data("11")),
        "linked": unix_time(key.text("f")),
    }
    fields = key.texts(**_FILE_VALUES)
    fields |= {"sha1": _digest(key.text("101")), "volume": key.path.split("\\")[-2], "key": key.path}
    yield Fact("registry.amcache_file", moments, fields)


def _old_program(key: Key) -> Iterator[Fact]:
    if not key.values:
        return
    moments = {
        "written": key.written,
        "installed": unix_time(key.text("a")),
        "removed": unix_time(key.text("b")),
    }
    fields = key.texts(name="0", version="1", publisher="2", source="6", uninstall_key="7", paths="d")
    yield Fact("registry.amcache_program", moments, fields | {"program_id": key.name, "key": key.path})


def _file(key: Key) -> Iterator[Fact]:
    if not key.values:
        return
    fields = key.texts(
        path="LowerCaseLongPath", name="Name", product="ProductName", company="Publisher", file_version="Version",
        size="Size", original_name="OriginalFileName", program_id="ProgramId", type="BinaryType", usn="Usn",
    )  # fmt: skip
    fields |= {"sha1": _digest(key.text("FileId")), "key": key.path}
    yield Fact("registry.amcache_file", {"written": key.written, "linked": written_date(key.text("LinkDate"))}, fields)


def _program(key: Key) -> Iterator[Fact]:
    if not key.values:
        return
    fields = key.texts(
        name="Name", version="Version", publisher="Publisher", folder="RootDirPath", uninstall="UninstallString",
        source="Source", type="Type", program_id="ProgramId",
    )  # fmt: skip
    moments = {"written": key.written, "installed": written_date(key.text("InstallDate"))}
    yield Fact("registry.amcache_program", moments, fields | {"key": key.path})


def _driver(key: Key) -> Iterator[Fact]:
    if not key.values:
        return
    fields = key.texts(
        name="DriverName", company="DriverCompany", version="DriverVersion", product="Product", service="Service",
        signed="DriverSigned", in_box="DriverInBox", kernel_mode="DriverIsKernelMode", size="ImageSize",
    )  # fmt: skip
    moments = {
        "written": key.written,
        "modified": written_date(key.text("DriverLastWriteTime")),
        "linked": unix_time(key.text("DriverTimeStamp")),
    }
    sha1 = _digest(key.text("DriverId") or key.name)
    fields |= {"path": "" if sha1 in key.name else key.name, "sha1": sha1, "key": key.path}
    yield Fact("registry.amcache_driver", moments, fields)


def _device(key: Key) -> Iterator[Fact]:
    if not key.values:
        return
    fields = key.texts(
        name="FriendlyName", manufacturer="Manufacturer", model="ModelName", number="ModelNumber",
        categories="Categories", category="PrimaryCategory", state="State", connected="IsConnected",
    )  # fmt: skip
    fields |= {"container": key.name, "key": key.path}
    yield Fact("registry.amcache_device", {"written": key.written}, fields)


READERS = (
    Reader(r".*\\Explorer\\UserAssist\\[^\\]+\\Count", _user_assist),
    Reader(r"(?:Current)?ControlSet\d*\\Control\\Session Manager\\(?:AppCompatCache|AppCompatibility)", _compatibility),
    Reader(r"(?:Current)?ControlSet\d*\\Services\\[bd]am(?:\\State)?\\UserSettings\\S-[^\\]+", _moderated),
    Reader(r"(?:.*\\)?Root\\File\\[^\\]+\\[^\\]+", _old_file),
    Reader(r"(?:.*\\)?Root\\Programs\\[^\\]+", _old_program),
    Reader(r"(?:.*\\)?Root\\InventoryApplicationFile\\[^\\]+", _file),
    Reader(r"(?:.*\\)?Root\\InventoryApplication\\[^\\]+", _program),
    Reader(r"(?:.*\\)?Root\\InventoryDriverBinary\\[^\\]+", _driver),
    Reader(r"(?:.*\\)?Root\\InventoryDeviceContainer\\[^\\]+", _device),
)

KINDS = (
    "registry.userassist", "registry.shimcache", "registry.moderated", "registry.amcache_file",
    "registry.amcache_program", "registry.amcache_driver", "registry.amcache_device",
)  # fmt: skip
