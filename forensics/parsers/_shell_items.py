"""Shell items: how Windows Explorer names a place, in shortcuts, jump lists and the registry (through libfwsi)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pyfwsi

from forensics.parsers._facts import Moment, readable
from forensics.parsers._windows import dos_time, told

_ROOTS = {"20d04fe0-3aea-1069-a2d8-08002b30309d": "This PC", "59031a47-3f72-44a7-89c5-5595fe6b30ee": "Users"}
"""Shell folder identifiers that Explorer shows with a name."""


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


def _shown(item: object) -> ShellItem:
    if isinstance(item, pyfwsi.file_entry):
        return _file(item)
    named = {
        pyfwsi.volume: ("volume", "name"),
        pyfwsi.root_folder: ("root", "shell_folder_identifier"),
        pyfwsi.network_location: ("network", "location"),
        pyfwsi.control_panel_item: ("control panel", "identifier"),
        pyfwsi.control_panel_category: ("control panel", "identifier"),
    }
    for known, (kind, attribute) in named.items():
        if isinstance(item, known):
            name = readable(told(getattr, item, attribute))
            return ShellItem(kind, _ROOTS.get(name, name), {}, {})
    class_type = told(getattr, item, "class_type")
    return ShellItem("unknown", "<?>" if class_type is None else f"<item 0x{class_type:02x}>", {}, {})


def shell_items(data: bytes) -> Iterator[ShellItem]:
    """The items of a list as it stands in a file; what libfwsi cannot read ends it."""
    items = pyfwsi.item_list()
    if told(items.copy_from_byte_stream, data) is None and not told(getattr, items, "number_of_items"):
        return
    for number in range(told(getattr, items, "number_of_items") or 0):
        item = told(items.get_item, number)
        if item is not None:
            yield _shown(item)


def place_of(items: Iterator[ShellItem] | list[ShellItem]) -> str:
    """The place that items name, parts joined by backslashes."""
    return "\\".join(item.name.rstrip("\\") for item in items if item.name)
