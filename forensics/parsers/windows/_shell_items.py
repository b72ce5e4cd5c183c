"""Shell items: how Windows Explorer names a place, in shortcuts, jump lists and the registry (through libfwsi)."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import NamedTuple

import pyfwsi

from forensics.parsers._facts import Moment, readable
from forensics.parsers._windows import dos_time, told

_FOLDERS = {
    "00bcfc5a-ed94-4e48-96a1-3f6217f21990": "RoamingAppData",
    "018d5c66-4533-4307-9b53-224de2ed1fe6": "OneDrive",
    "031e4825-7b94-4dc3-b131-e946b44c8dd5": "Libraries",
    "088e3905-0323-4b02-9826-5d99428e115f": "Downloads",
    "0db7e03f-fc29-4dc6-9020-ff41b59e513a": "3D Objects",
    "18989b1d-99b5-455b-841c-ab7c74e4ddfc": "Videos",
    "1cf1260c-4dd0-4ebb-811f-33c572699fde": "Music",
    "208d2c60-3aea-1069-a2d7-08002b30309d": "Network",
    "20d04fe0-3aea-1069-a2d8-08002b30309d": "This PC",
    "21ec2020-3aea-1069-a2dd-08002b30309d": "Control Panel",
    "22877a6d-37a1-461a-91b0-dbda5aaebc99": "Recent Places",
    "24ad3ad4-a569-4530-98e1-ab02f9417aa8": "Pictures",
    "26ee0668-a00a-44d7-9371-beb064c98683": "Control Panel",
    "33e28130-4e1e-4676-835a-98395c3bc3bb": "Pictures",
    "374de290-123f-4565-9164-39c4925e467b": "Downloads",
    "3add1653-eb32-4cb0-bbd7-dfa0abb5acca": "Pictures",
    "3dfdf296-dbec-4fb4-81d1-6a3438bcf4de": "Music",
    "450d8fba-ad25-11d0-98a8-0800361b1103": "Documents",
    "4bd8d571-6d19-48d3-be97-422220080e43": "Music",
    "59031a47-3f72-44a7-89c5-5595fe6b30ee": "Users",
    "645ff040-5081-101b-9f08-00aa002f954e": "Recycle Bin",
    "679f85cb-0220-4080-b29b-5540cc05aab6": "Quick access",
    "871c5380-42a0-1069-a2ea-08002b30309d": "Internet Explorer",
    "9343812e-1c37-4a49-a12e-4b2d810d956b": "Search",
    "a0953c92-50dc-43bf-be83-3742fed03c9c": "Videos",
    "a8cdff1c-4878-43be-b5fd-f8091c1c60d0": "Documents",
    "b4bfcc3a-db2c-424c-b029-7fe99a87c641": "Desktop",
    "d3162b92-9365-467a-956b-92703aca08af": "Documents",
    "f02c1a0d-be21-4350-88b0-7367fc96ef3c": "Network",
    "f86fa3ab-70d2-4fc7-9c99-fcbf05467f3a": "Videos",
    "fdd39ad0-238f-46af-adb4-6c85480369c7": "Documents",
}
"""Shell and known folder identifiers (CLSID of the registry, KnownFolders.h of the SDK) -> what Explorer says."""

_DISPLAY = uuid.UUID("b725f130-47ef-101a-a5f1-02608c9eebac").bytes_le  # PKEY_ItemNameDisplay is 10 of this set
_STORE = b"1SPS"  # [MS-PROPSTORE] section 2.2
_UNICODE = 0x1F  # VT_LPWSTR


class ShellItem(NamedTuple):
    """One item: what it is, its name, its MFT reference, and its own times, to two seconds and of no stated zone."""

    kind: str
    name: str
    moments: Mapping[str, Moment]
    fields: Mapping[str, str]


def _extension(item: object) -> pyfwsi.file_entry_extension | None:
    blocks = told(getattr, item, "extension_blocks") or ()
    return next((block for block in blocks if isinstance(block, pyfwsi.file_entry_extension)), None)


def _file(item: pyfwsi.file_entry) -> ShellItem:
    extension = _extension(item)
    moments = {"modified": dos_time(told(item.get_modification_time_as_integer) or 0)}
    fields: dict[str, str] = {"short_name": readable(told(getattr, item, "name"))}
    name = fields["short_name"]
    if extension is not None:
        name = readable(told(getattr, extension, "long_name")) or name
        moments["created"] = dos_time(told(extension.get_creation_time_as_integer) or 0)
        moments["accessed"] = dos_time(told(extension.get_access_time_as_integer) or 0)
        reference = told(getattr, extension, "file_reference")
        if reference:
            fields["mft_entry"], fields["mft_sequence"] = str(reference & 0xFFFFFFFFFFFF), str(reference >> 48)
        fields["localized_name"] = readable(told(getattr, extension, "localized_name"))
    return ShellItem("file", name, moments, {key: value for key, value in fields.items() if value and value != name})


def _display_name(data: bytes) -> str:
    """The name in a serialised property store ([MS-PROPSTORE] section 2.3.2) somewhere in an item, "" if none."""
    at = data.find(_STORE + _DISPLAY) + len(_STORE) + len(_DISPLAY)
    while at > len(_STORE) + len(_DISPLAY) and at + 17 <= len(data):
        size, number, kind, characters = struct.unpack_from("<IIxII", data, at)
        if number == 10 and kind == _UNICODE:
            return readable(data[at + 17 : at + 17 + 2 * characters].decode("utf-16-le", "replace").rstrip("\0"))
        if size < 9:
            break
        at += size
    return ""


_NAMES: Mapping[type, tuple[str, tuple[str, ...]]] = {
    pyfwsi.volume: ("volume", ("name", "shell_folder_identifier", "identifier")),
    pyfwsi.root_folder: ("root", ("shell_folder_identifier",)),
    pyfwsi.network_location: ("network", ("location",)),
    pyfwsi.control_panel_item: ("control panel", ("identifier",)),
    pyfwsi.control_panel_category: ("control panel", ("identifier",)),
    pyfwsi.compressed_folder: ("compressed folder", ("name",)),
    pyfwsi.users_property_view: ("property view", ("known_folder_identifier",)),
}
"""libfwsi's item -> what it is, and which of its attributes name it."""


def _shown(item: object, data: bytes) -> ShellItem:
    if isinstance(item, pyfwsi.file_entry):
        return _file(item)
    kind, attributes = next((how for known, how in _NAMES.items() if isinstance(item, known)), ("unknown", ()))
    names = (readable(told(getattr, item, attribute)) for attribute in attributes)
    name = next((name for name in names if name), "") or _display_name(data)
    if not name:
        class_type = told(getattr, item, "class_type")
        name = "<?>" if class_type is None else f"<item 0x{class_type:02x}>"
    return ShellItem(kind, _FOLDERS.get(name, name), {}, {})


def _pieces(data: bytes) -> Iterator[bytes]:
    """The items' own bytes; each begins with its length, and zero ends the list."""
    at = 0
    while at + 2 <= len(data) and (length := int.from_bytes(data[at : at + 2], "little")) >= 2:
        yield data[at : at + length]
        at += length


def shell_items(data: bytes) -> Iterator[ShellItem]:
    """The items of a list as it stands in a file; what libfwsi cannot read ends it."""
    items = pyfwsi.item_list()
    if told(items.copy_from_byte_stream, data) is None and not told(getattr, items, "number_of_items"):
        return
    pieces = _pieces(data)
    for number in range(told(getattr, items, "number_of_items") or 0):
        item, piece = told(items.get_item, number), next(pieces, b"")
        if item is not None:
            yield _shown(item, piece)


def place_within(above: str, item: ShellItem) -> str:
    """The place of an item in another's: parts joined by backslashes; a share's name stands for itself."""
    name = item.name.rstrip("\\")
    return name if not above or name.startswith("\\\\") else f"{above}\\{name}" if name else above


def place_of(items: Iterable[ShellItem]) -> str:
    """The place that items name."""
    return reduce(place_within, items, "")
