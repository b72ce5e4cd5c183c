"""Containers: files of the evidence in, the bytes of the medium out. One format a file, one in `MEDIA`."""

from __future__ import annotations

from custody.access import Part, PartOpener
from forensics.media import aff4, dmg, ewf, ex01, qcow, raw, split, unread, vdi, vhd, vhdx, vmdk
from forensics.media._contract import Format, Medium, MediumError, read_part
from forensics.media._crc32c import crc32c
from forensics.media._libyal import reason as libyal_reason

__all__ = ["MEDIA", "Format", "Medium", "MediumError", "crc32c", "libyal_reason", "open_medium", "read_part"]

MEDIA: tuple[Format, ...] = (
    unread,  # first: a container we cannot decode must never pass for a raw image
    ex01,  # by signature, or by its name
    ewf,  # by signature, or by its name when the file is too short to hold one
    qcow,
    vmdk,
    vhdx,
    vhd,
    vdi,
    dmg,
    aff4,
    split,  # by name only, so after every format that has a signature
    raw,  # last: it always succeeds
)


def open_medium(first: Part, open_part: PartOpener) -> Medium:
    """The medium whose first part is `first`; further parts are opened by name through `open_part`.

    Raises `MediumError` (one clear line, with advice) for an empty or truncated container, a missing
    segment (named), or a container format that is not read (named).
    """
    for candidate in MEDIA:
        if candidate.recognises(first):
            return candidate.open_parts(first, open_part)
    raise MediumError(f"{first.name} is no container that is known")
