"""The file a snapshot or a differencing disk stands on: found beside it, opened through the gate, never twice."""

from __future__ import annotations

import re

from custody.access import Part, PartOpener
from forensics.media._contract import Medium, MediumError

_ADVICE = "Put it into the same folder under that name."


def beside(stored: str) -> list[str]:
    """The names a stored path can have beside the file that holds it: below its folder, then by its last name."""
    path = re.sub(r"^(json:|file:/*)", "", stored).replace("\\", "/")
    while path.startswith("./"):
        path = path[2:]
    last = path.rsplit("/", 1)[-1]
    relative = not path.startswith("/") and ":" not in path and ".." not in path.split("/")
    return [path, last] if relative and path != last else [last]


def open_named(child: Part, stored: str, open_part: PartOpener, what: str) -> Part:
    """The part that `child` names by the path `stored`; raises `MediumError` when it is not there."""
    for name in beside(stored):
        if name == child.name:
            raise MediumError(f"{child.name} names itself as its {what}: it is damaged, or was made to mislead")
        try:
            return open_part(name)
        except FileNotFoundError:
            continue
    raise MediumError(f"{what} missing: {beside(stored)[-1]!r}, named by {child.name} as {stored!r}", _ADVICE)


def open_parent(child: Part, stored: str, open_part: PartOpener, *, raw: bool = False) -> Medium:
    """The medium `child` stands on. With `raw` its bytes are the medium's, whatever they look like.

    Raises `MediumError` when it is missing, or when the chain comes back to a file it has left.
    """
    from forensics import media  # the formats import this module, and any of them can be a parent

    def onwards(name: str) -> Part:
        if name == child.name:
            raise MediumError(f"{child.name} is its own parent, by way of {stored!r}: it was made to mislead")
        return open_part(name)

    part = open_named(child, stored, onwards, "parent")
    return media.raw.open_parts(part, onwards) if raw else media.open_medium(part, onwards)
