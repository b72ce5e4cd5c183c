"""What the registry tells of a user: what starts with the session, what was typed, opened, connected to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from forensics.parsers._windows import filetime
from forensics.parsers.windows._registry_keys import (
    BINARY,
    Fact,
    Key,
    Reader,
    filetime_at,
    listed,
    most_recent,
    wide,
)
from forensics.parsers.windows._shell_items import place_of, shell_items


def _autostart(key: Key) -> Iterator[Fact]:
    for name, value in key.values.items():
        yield Fact(
            "registry.autostart", {"written": key.written}, {"name": name, "command": value.text, "key": key.path}
        )


def _typed(key: Key) -> Iterator[Fact]:
    """What was typed last is known for lists that keep an order; all others carry the time of the key."""
    places = most_recent(key)
    for name, value in key.values.items():
        if name.lower() in ("mrulist", "mrulistex"):
            continue
        text = wide(value.data) if value.type == BINARY else value.text.removesuffix("\\1")
        key.hive.known[f"{key.path}\\{name}".lower()] = text
        fields: dict[str, object] = {"name": name, "text": text, "position": places.get(name), "key": key.path}
        yield Fact("registry.typed", {"written": key.written}, fields)


def _typed_time(key: Key) -> Iterator[Fact]:
    for name, value in key.values.items():
        if len(value.data) == 8:
            text = key.hive.known.get(f"{key.path.removesuffix(key.name)}TypedURLs\\{name}".lower())
            fields: dict[str, object] = {"name": name, "text": text, "key": key.path}
            yield Fact("registry.typed_url", {"typed": filetime_at(value.data)}, fields)


def _recent(key: Key) -> Iterator[Fact]:
    """A name, and shell items of its shortcut."""
    for name, value, position, moments in listed(key):
        text = wide(value.data)
        items = list(shell_items(value.data[2 * len(text) + 2 :]))
        fields: dict[str, object] = {"name": text, "shortcut": place_of(items), "position": position}
        extension = "" if key.name.lower() == "recentdocs" else key.name
        fields |= {"extension": extension, "value": name, "key": key.path}
        yield Fact("registry.recent_document", moments, fields)


def _chosen(key: Key) -> Iterator[Fact]:
    """Files that programs were told in the common dialogue: shell items (Vista and later), or a path (XP)."""
    for name, value, position, moments in listed(key):
        path = place_of(shell_items(value.data)) if value.type == BINARY else value.text
        fields: dict[str, object] = {"path": path, "position": position, "value": name, "key": key.path}
        yield Fact("registry.chosen_file", moments, fields)


def _chooser(key: Key) -> Iterator[Fact]:
    """Programs that used the common dialogue, and the folder each used last."""
    for name, value, position, moments in listed(key):
        program = wide(value.data)
        rest = value.data[2 * len(program) + 2 :]
        folder = place_of(shell_items(rest)) if "Pidl" in key.name else wide(rest)
        fields: dict[str, object] = {"program": program, "folder": folder, "position": position, "value": name}
        yield Fact("registry.chosen_folder", moments, {**fields, "key": key.path})


def _mount_point(key: Key) -> Iterator[Fact]:
    name = key.name.replace("#", "\\") if key.name.startswith("##") else key.name
    yield Fact("registry.mount_point", {"written": key.written}, {"name": name, "key": key.path})


def _drive(key: Key) -> Iterator[Fact]:
    if key.text("RemotePath"):
        fields = key.texts(remote="RemotePath", user="UserName", provider="ProviderName")
        yield Fact("registry.network_drive", {"written": key.written}, {"letter": key.name, **fields, "key": key.path})


def _mapped_drive(key: Key) -> Iterator[Fact]:
    for name, value, position, moments in listed(key):
        fields: dict[str, object] = {"remote": value.text, "position": position, "value": name, "key": key.path}
        yield Fact("registry.network_drive", moments, fields)


def _server(key: Key) -> Iterator[Fact]:
    fields: dict[str, object] = {"server": key.name, "user": key.text("UsernameHint"), "key": key.path}
    yield Fact("registry.remote_desktop", {"written": key.written}, fields)


def _servers(key: Key) -> Iterator[Fact]:
    """MRU0 is the server that was connected to last: that wrote the key."""
    for name, value in key.values.items():
        if re.fullmatch(r"MRU\d+", name):
            moments = {"last_used": key.written} if name == "MRU0" else {}
            fields: dict[str, object] = {"server": value.text, "position": name[3:], "key": key.path}
            yield Fact("registry.remote_desktop", moments, fields)


_OFFICE = re.compile(r"\[F[0-9A-F]+\](?:\[T([0-9A-F]{1,16})\])?(?:\[\w+\])*\*(.*)", re.DOTALL)


def _office(key: Key) -> Iterator[Fact]:
    for name, value in key.values.items():
        if (match := _OFFICE.fullmatch(value.text)) is not None:
            fields: dict[str, object] = {"path": match[2], "item": name, "key": key.path}
            yield Fact("registry.office_document", {"opened": filetime(int(match[1] or "0", 16))}, fields)


def _application(key: Key) -> Iterator[Fact]:
    """Windows 10 1607 to 1709: what the search bar counted."""
    if key.text("AppId"):
        moments = {"last_run": filetime_at(key.data("LastAccessedTime"))}
        fields: dict[str, object] = {"program": key.text("AppId"), "count": key.text("LaunchCount"), "key": key.path}
        yield Fact("registry.recent_program", moments, fields)


_EXPLORER = r".*\\Explorer\\"
READERS = (
    Reader(r".*\\Windows\\CurrentVersion\\(?:Policies\\Explorer\\)?Run(?:Once|OnceEx|Services)?", _autostart),
    Reader(r".*\\(?:TypedURLs|TypedPaths|RunMRU|WordWheelQuery)", _typed),
    Reader(r".*\\TypedURLsTime", _typed_time),
    Reader(_EXPLORER + r"RecentDocs(?:\\[^\\]+)?", _recent),
    Reader(_EXPLORER + r"ComDlg32\\(?:OpenSavePidlMRU|OpenSaveMRU)(?:\\[^\\]+)?", _chosen),
    Reader(_EXPLORER + r"ComDlg32\\LastVisited(?:Pidl)?MRU(?:Legacy)?", _chooser),
    Reader(_EXPLORER + r"MountPoints2\\[^\\]+", _mount_point),
    Reader(_EXPLORER + r"Map Network Drive MRU", _mapped_drive),
    Reader(r"Network\\[A-Z]", _drive),
    Reader(r".*\\Terminal Server Client\\Servers\\[^\\]+", _server),
    Reader(r".*\\Terminal Server Client\\Default", _servers),
    Reader(r".*\\Office\\.*\\(?:File|Place) MRU", _office),
    Reader(r".*\\Search\\RecentApps\\\{[^\\]+\}", _application),
)

KINDS = (
    "registry.autostart", "registry.typed", "registry.typed_url", "registry.recent_document", "registry.chosen_file",
    "registry.chosen_folder", "registry.mount_point", "registry.network_drive", "registry.remote_desktop",
    "registry.office_document", "registry.recent_program",
)  # fmt: skip
