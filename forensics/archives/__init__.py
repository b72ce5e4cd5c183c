"""Archives as evidence: a collection in one file, examined as a folder's files are.

One format a file, one in `ARCHIVES`.
"""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from custody.access import Part
from forensics.archives import aff4_logical, tar, zip_archive
from forensics.archives._contract import Archive, ArchiveTree, Member, member_entry

__all__ = ["ARCHIVES", "Archive", "ArchiveTree", "Member", "is_archive", "member_entry", "open_archive"]

ARCHIVES = (
    aff4_logical,  # first: it is a zip archive, too
    zip_archive,
    tar,  # last: an old one is told by a checksum alone
)


def is_archive(part: Part) -> bool:
    """Whether the file is a collection of files in a format that is read."""
    return any(candidate.recognises(part) for candidate in ARCHIVES)


def open_archive(part: Part, zone: ZoneInfo | None = None, workspace: Path | None = None) -> ArchiveTree | None:
    """The archive in `part` as a tree of files; None for what is none.

    `zone` is the one of times without any; `workspace` is where nameless files are made. Raises `MediumError` where
    it is cut, damaged, or made to be a burden.
    """
    for candidate in ARCHIVES:
        if candidate.recognises(part):
            return ArchiveTree(candidate.open_archive(part, zone, workspace), workspace)
    return None
