"""What every archive gives: its members as the files of a tree, each with what the archive says of it.

Members are never written by their names: their contents go, one by one, into nameless files that the system removes.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from custody.access import FoundFile, Part, shown
from forensics.media import MediumError
from forensics.model import Clock, FileEntry, Location, Problem

CLAIM_FACTOR, CLAIM_FLOOR = 200, 1 << 30
"""Contents of more than this many times the bytes they are kept in, and of more than this, are a bomb: not read."""

LARGEST_COUNT = 2_000_000
"""Members of an archive that are looked at."""

_IN_MEMORY = 64 << 10

_KINDS = {"directory": stat.S_IFDIR, "link": stat.S_IFLNK, "fifo": stat.S_IFIFO, "char": stat.S_IFCHR,
          "block": stat.S_IFBLK, "socket": stat.S_IFSOCK}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """What an archive says of one member. Times in nanoseconds since 1970; `raw` are the bytes of its name."""

    name: str
    raw: bytes
    kind: str
    size: int
    modified: int | None = None
    accessed: int | None = None
    changed: int | None = None
    created: int | None = None
    clock: Clock = Clock.UTC
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    link: str = ""


@dataclass(frozen=True, slots=True)
class Member(FoundFile):
    """A member as a file of the tree. `place` is the format's own; `refused` says why contents are not read."""

    told: Told | None = None
    number: int = 0
    place: Any = None
    refused: str = ""


def member(told: Told, number: int, place: Any = None, refused: str = "") -> Member:
    """A member by its number in the archive, which stands as its meta address: names may stand twice."""
    kind = _KINDS.get(told.kind, stat.S_IFREG)
    facts = os.stat_result((kind | ((told.mode or 0) & 0o7777), number, 0, 1, 0, 0, told.size, 0, 0, 0))
    return Member(told.name, facts, told.link, told, number, place, refused)


def member_entry(exhibit: str, found: FoundFile) -> FileEntry:
    """A member as a file entry: only what the archive says, nothing of the host's."""
    if not isinstance(found, Member) or found.told is None:
        raise TypeError(found.name)
    told = found.told
    path = shown(told.name)
    return FileEntry(
        location=Location(
            exhibit, path=path, raw_path=None if path.encode() == told.raw else told.raw, meta=str(found.number)
        ),
        type=told.kind,
        allocated=True,
        size=told.size,
        modified=told.modified,
        accessed=told.accessed,
        changed=told.changed,
        created=told.created,
        clock=told.clock,
        mode=None if told.mode is None else found.facts.st_mode,
        uid=told.uid,
        gid=told.gid,
        link_target=shown(told.link),
    )


@dataclass(slots=True)
class Remarks:
    """What is odd about the names of an archive, counted: a million bad names are one line."""

    leaving: int = 0
    first_leaving: str = ""
    twice: int = 0
    first_twice: str = ""
    cut: str = ""
    _seen: set[int] = field(default_factory=set)

    def take(self, name: str) -> None:
        """Look at one name."""
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or name[1:3] in (":\\", ":/"):
            self.leaving += 1
            self.first_leaving = self.first_leaving or name
        if (known := hash(name)) in self._seen:
            self.twice += 1
            self.first_twice = self.first_twice or name
        self._seen.add(known)

    def lines(self) -> Iterator[str]:
        """One line for each kind of oddity."""
        if self.cut:
            yield self.cut
        if self.leaving:
            yield (
                f"{self.leaving} names would lead out of the folder the archive is unpacked into, the first is "
                f"{shown(self.first_leaving)!r}: nothing is written by these names here"
            )
        if self.twice:
            yield f"{self.twice} names stand more than once, the first is {shown(self.first_twice)!r}"


class Archive(Protocol):
    """An archive under examination. It is a `folder.Tree`, read in one thread."""

    @property
    def format(self) -> str: ...

    @property
    def allowance(self) -> int:
        """Bytes that all members may have together, besides a hundred times the archive's own."""
        ...

    def files(self) -> Iterator[FoundFile | OSError]: ...

    def contents(self, found: Member) -> Iterator[bytes]:
        """The bytes of a member in order, checked as the format allows. Raises `MediumError`."""
        ...

    def remarks(self) -> Iterator[str]:
        """What was odd about the names, after `files` has come to its end."""
        ...

    @property
    def contradictions(self) -> Sequence[str]:
        """Digests the archive stores that are not those of the contents read so far, one line each."""
        ...


class ArchiveTree:
    """An archive as a tree of files: a member's contents lie in a nameless file while they are examined."""

    def __init__(self, archive: Archive, workspace: Path | None = None) -> None:
        """`workspace` is the folder the nameless files are made in; by default the system's."""
        self.archive, self._workspace = archive, workspace
        self.damage: dict[int, tuple[Member, str]] = {}
        self.files = archive.files

    @contextmanager
    def reading(self, found: FoundFile) -> Iterator[Part]:
        """A member's contents. OSError for what is not read; what breaks off is given as far as it goes."""
        if not isinstance(found, Member):
            raise TypeError(found.name)
        if found.refused:
            raise OSError(errno.EIO, found.refused)
        with self._nameless(found.facts.st_size) as file:
            self._spool(found, file)
            yield Part(found.name, found.facts.st_size, file.fileno())

    def _nameless(self, size: int) -> IO[bytes]:
        """A file without a name: in memory for a small member, for there are many of these."""
        if size <= _IN_MEMORY:
            return os.fdopen(os.memfd_create("member", os.MFD_CLOEXEC), "w+b")
        return tempfile.TemporaryFile(dir=self._workspace)

    def _spool(self, found: Member, file: IO[bytes]) -> None:
        size, written, why = found.facts.st_size, 0, ""
        try:
            for block in self.archive.contents(found):
                if written + len(block) > size:
                    why = f"its contents go on behind the {size} bytes that it has"
                    break
                written += file.write(block)
        except MediumError as error:
            why = str(error)
        if not why and written < size:
            why = f"its contents end after {written} of {size} bytes"
        if why and (written == size or not written):
            raise OSError(errno.EIO, why)
        if why:
            self.damage[found.number] = found, why
        file.flush()

    def most(self, size: int) -> int:
        """Bytes that the members of an archive of `size` bytes may claim together before they are left unread."""
        return ALLOWANCE_FACTOR * size + self.archive.allowance

    def digest(self, found: Member) -> tuple[str, int]:
        """SHA-256 in hex and bytes of a member, as far as it can be read; no digest where the archive refuses it."""
        digest, size = hashlib.sha256(), 0
        try:
            for block in self.archive.contents(found):
                digest.update(block)
                size += len(block)
        except MediumError:
            return "", size
        return digest.hexdigest(), size

    def contradictions(self) -> Sequence[str]:
        """As the archive's."""
        return self.archive.contradictions

    def problems(self, exhibit: str) -> Iterator[Problem]:
        """What was wrong, once all is read."""
        for line in self.archive.remarks():
            yield Problem(Location(exhibit), "names", line)
        for _, (found, why) in sorted(self.damage.items()):
            yield Problem(member_entry(exhibit, found).location, "contents", why)


ALLOWANCE, ALLOWANCE_OF_IMAGES, ALLOWANCE_FACTOR = 4 << 30, 64 << 30, 100
"""A container of acquired files holds disks of virtual machines that are mostly holes; a collection does not."""


def too_large(size: int, kept: int, floor: int = CLAIM_FLOOR) -> str:
    """Why contents of `size` bytes are not read that are kept in `kept` bytes, or ""."""
    if size <= max(floor, CLAIM_FACTOR * kept):
        return ""
    return f"it claims {size} bytes and is kept in {kept}: that is made to be a burden, and is not read"
