"""Shellbags: the folders that a user looked at in Windows Explorer, from the BagMRU trees of a user's two hives.

A BagMRU key names its children in numbered values of one shell item each; the path of an item is that of the keys
above it. The walk gives parents first, so their paths are known.
"""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Clock
from forensics.parsers.windows._registry_keys import BINARY, Fact, Key, Reader, listed
from forensics.parsers.windows._shell_items import place_within, shell_items


def _folder(key: Key) -> Iterator[Fact | str]:
    known = key.hive.known
    above = known.get(key.path.lower(), "")
    for name, value, position, moments in listed(key):
        if value.type != BINARY or not name.isdecimal():
            continue
        item = next(shell_items(value.data), None)
        if item is None:
            yield f"the shell item {name} of {key.path} cannot be read"
            continue
        path = place_within(above, item)
        known[f"{key.path}\\{name}".lower()] = path
        fields: dict[str, object] = {"path": path, "item": item.kind, "position": position, **item.fields}
        yield Fact("registry.shellbag", moments, {**fields, "value": name, "key": key.path})
        if any(moment.at is not None for moment in item.moments.values()):
            yield Fact("registry.shellbag_item", dict(item.moments), {"path": path, **item.fields}, Clock.UNKNOWN)


READERS = (Reader(r".*\\(?:Shell|ShellNoRoam)\\BagMRU(?:\\.*)?", _folder),)

KINDS = ("registry.shellbag", "registry.shellbag_item")
