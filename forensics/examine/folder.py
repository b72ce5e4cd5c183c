"""A folder (or loose log files) as evidence: what the gate lists becomes file entries.

Links are never followed and special files never opened; only regular files have contents.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from custody.access import FoundFile, Part, shown
from forensics.archives import Member, member_entry
from forensics.model import FileEntry, Location, Problem

_TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
}

_BELONGING = ("-wal", "-journal")  # to the name of an SQLite database


class Tree(Protocol):
    """Evidence that is a tree of files, as the gate gives it."""

    def files(self) -> Iterator[FoundFile | OSError]:
        """Every name below the root, in an order that depends on the names alone; links not followed.

        A folder that refuses to be listed is an `OSError` with its name.
        """
        ...

    def reading(self, found: FoundFile) -> AbstractContextManager[Part]:
        """A regular file of `files`, open read-only for the length of the block; `OSError` if it cannot be."""
        ...


def companions(members: Sequence[FoundFile], around: Sequence[FoundFile]) -> list[FoundFile]:
    """Those of the regular files `around` that belong to one of `members` by name, as a database and its logs do."""
    names = {member.name + suffix for member in members for suffix in _BELONGING}
    names |= {member.name.removesuffix(suffix) for member in members for suffix in _BELONGING}
    names -= {member.name for member in members}
    return [found for found in around if found.name in names and stat.S_ISREG(found.facts.st_mode)]


class LooseFiles:
    """Files the gate holds open already (log files named one by one) as a tree."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = {part.name: part for part in parts}

    def files(self) -> Iterator[FoundFile | OSError]:
        """The files in the order they were named."""
        for part in self._parts.values():
            yield FoundFile(part.name, os.fstat(part.descriptor))

    def reading(self, found: FoundFile) -> AbstractContextManager[Part]:
        """The file, which stays open."""
        return nullcontext(self._parts[found.name])


def _location(exhibit: str, name: str, meta: str = "") -> Location:
    text = shown(name)
    return Location(exhibit, path=text, raw_path=None if text == name else os.fsencode(name), meta=meta)


def refusal(exhibit: str, error: OSError) -> Problem:
    """A folder that could not be listed, as a problem."""
    name = error.filename if isinstance(error.filename, str) else ""
    reason = f"the folder cannot be listed: {error.strerror or error}"
    return Problem(_location(exhibit, name.rstrip("/")), "names", reason)


def file_entry_of(exhibit: str, found: FoundFile) -> FileEntry:
    """A name of the tree as a file entry: times in nanoseconds UTC, the inode's number as meta address.

    Of a member of an archive, what the archive says of it.
    """
    if isinstance(found, Member):
        return member_entry(exhibit, found)
    facts = found.facts
    return FileEntry(
        location=_location(exhibit, found.name, str(facts.st_ino)),
        type=_TYPES.get(stat.S_IFMT(facts.st_mode), "unknown"),
        allocated=True,
        size=facts.st_size,
        modified=facts.st_mtime_ns,
        accessed=facts.st_atime_ns,
        changed=facts.st_ctime_ns,
        link_target=shown(found.target),
        mode=facts.st_mode,
        uid=facts.st_uid,
        gid=facts.st_gid,
    )
