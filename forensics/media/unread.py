"""Containers that are recognised by their signature and refused by name: their bytes are not the medium's."""

from __future__ import annotations

from custody.access import Part, PartOpener
from forensics.media._contract import Medium, MediumError, read_part

_UNREAD = {
    b"LEF2\x0d\x0a\x81\x00": "EnCase 7 logical evidence Lx01 (EWF2)",
    b"LVF\x09\x0d\x0a\xff\x00": "EnCase logical evidence L01",
    b"AFF10\r\n\x00": "AFF",
}
"""The first eight bytes, and the format's name."""


def recognises(first: Part) -> bool:
    """Whether the signature is that of a container that is not read."""
    return read_part(first, 0, 8) in _UNREAD


def open_parts(first: Part, _open_part: PartOpener) -> Medium:
    """Raises `MediumError`, always, with the format's name."""
    raise MediumError(
        f"{first.name} is a container in the format {_UNREAD[read_part(first, 0, 8)]}, which is not read yet",
        "Convert it to raw or E01 with a tool you trust, record the conversion, and ingest the result.",
    )
