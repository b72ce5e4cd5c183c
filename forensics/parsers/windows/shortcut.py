"""Shortcuts of Windows (LNK), through liblnk: [MS-SHLLINK]. Also how jump lists hold them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import pylnk

from forensics.model import Artefact, Clock, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._windows import UnreadableError, filetime, opened, told
from forensics.parsers.windows._shell_items import ShellItem, place_of, shell_items

_NAME, _VERSION = "shortcut", "1"


class Kinds(NamedTuple):
    """What the artefacts of a shortcut, and of the items of its target's path, are called."""

    shortcut: str
    item: str


KINDS = Kinds("lnk.shortcut", "lnk.item")
HEADER = b"\x4c\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46"
"""HeaderSize and LinkCLSID ([MS-SHLLINK] section 2.1)."""

_TARGET_TIMES = {"creation": "target_created", "modification": "target_modified", "access": "target_accessed"}
"""liblnk's name -> ours."""
_TEXTS = (
    ("local_path", "local_path"),
    ("network_path", "network_path"),
    ("description", "description"),
    ("relative_path", "relative_path"),
    ("working_directory", "working_directory"),
    ("arguments", "command_line_arguments"),
    ("icon", "icon_location"),
    ("environment_path", "environment_variables_location"),
    ("volume_label", "volume_label"),
    ("machine", "machine_identifier"),
    ("droid_volume", "droid_volume_identifier"),
    ("droid_file", "droid_file_identifier"),
    ("birth_droid_volume", "birth_droid_volume_identifier"),
    ("birth_droid_file", "birth_droid_file_identifier"),
)
"""Field -> liblnk's name."""
_DRIVES = {1: "no root", 2: "removable", 3: "fixed", 4: "remote", 5: "optical", 6: "RAM"}
_NOT_SET = "00000000-0000-0000-0000-000000000000"


def _fields(link: Any) -> dict[str, object]:
    fields: dict[str, object] = {name: told(getattr, link, source) for name, source in _TEXTS}
    fields = {name: value for name, value in fields.items() if value != _NOT_SET}
    serial, drive = told(getattr, link, "drive_serial_number"), told(getattr, link, "drive_type")
    fields["volume_serial"] = f"{serial:08x}" if serial else ""
    fields["drive_type"] = _DRIVES.get(drive or 0, "")
    fields["target_size"] = told(getattr, link, "file_size")
    return fields


def _items(facts: Facts, items: list[ShellItem], kind: str, place: tuple[int, int]) -> Iterator[Artefact]:
    """Each item that has times, with the place up to it: those times are local or UTC, which is not written."""
    for number, item in enumerate(items):
        if any(moment.at is not None for moment in item.moments.values()):
            fields = {"path": place_of(items[: number + 1]), **item.fields}
            yield facts.artefact(kind, item.moments, fields, place=place, clock=Clock.UNKNOWN)


def shortcut(
    facts: Facts, source: ParserInput, place: tuple[int, int], kinds: Kinds = KINDS, **more: object
) -> Iterator[Artefact | Problem]:
    """The shortcut that `source` holds, which stands at `place` of the file; `more` fields come with it."""
    try:
        with opened(pylnk.file, source) as link:
            moments = {
                label: filetime(told(getattr(link, f"get_file_{name}_time_as_integer")) or 0)
                for name, label in _TARGET_TIMES.items()
            }
            items = list(shell_items(told(getattr, link, "link_target_identifier_data") or b""))
            fields = {**_fields(link), "shell_path": place_of(items), **more}
            yield facts.artefact(kinds.shortcut, moments, fields, place=place)
            yield from _items(facts, items, kinds.item, place)
    except UnreadableError as error:
        yield facts.problem(f"the shortcut cannot be read: {error}", place)


@dataclass(frozen=True, slots=True)
class ShortcutParser:
    """Artefacts `lnk.shortcut`: times target_created, target_modified, target_accessed (UTC, of the target when the
    link was made or last resolved); fields local_path, network_path, arguments, volume_serial, volume_label,
    drive_type, machine, droid_* and others. Artefacts `lnk.item`: the parts of the target's path that carry times
    of their own (two seconds; whether UTC is not written), with their MFT reference.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = KINDS

    def accepts(self, head: bytes, name: str) -> bool:
        """By the header's size and class identifier."""
        return head.startswith(HEADER)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The shortcut; see `Parser.parse`."""
        yield from shortcut(Facts(source, self.name, self.version), source, (0, source.size))


PARSER = ShortcutParser()
