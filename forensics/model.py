"""What an examination finds, as plain values.

Every result says where it came from (`Location`). Bad bytes are data: what could not be read is a
`Problem`, never an exception that ends a run and never silence. Times are nanoseconds since
1970-01-01T00:00:00Z (`int`), or `None` where the source holds no time. What there are millions of
(`Location`, `FileEntry`, `Artefact`, `Problem`) are named tuples: made in a third of a dataclass's time, and turned
into columns by one `zip`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class ExaminationError(Exception):
    """The examination cannot go on; `str()` is one clear line, `advice` says what to do next.

    `final` says that trying again, or going on with other evidence, cannot help.
    """

    exit_code = 1
    final = False

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


class Clock(StrEnum):
    """How a time relates to UTC in the source it was read from."""

    UTC = "UTC"
    DECLARED = "declared"  # local time, converted with the zone the examiner declared
    UNKNOWN = "unknown"  # local time of an unknown zone, printed as if it were UTC


class Location(NamedTuple):
    """Where a result stands: exhibit, volume, path from the volume's root, and place inside the file.

    `path` is for show (undecodable bytes as backslashreplace); `raw_path` holds the bytes when they
    are not the UTF-8 of `path`. `volume` is `Volume.index` as text, or "" for evidence without
    volumes (a folder, a log file). `stream` names an alternate data stream, else "".
    `meta` is the meta address (inode number, MFT record) as text, or "". Offset and length are bytes
    inside the file, or None for the whole of it.
    """

    exhibit: str
    volume: str = ""
    path: str = ""
    raw_path: bytes | None = None
    meta: str = ""
    stream: str = ""
    offset: int | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume of a medium. `offset` and `length` are bytes from the start of the medium.

    `scheme` is the partition table's name (DOS, GPT, BSD, Sun, APM) or "" without a table.
    `filesystem` is libtsk's name (NTFS, FAT16, Ext4 ...) or "" with the reason in `problem`.
    """

    index: str
    offset: int
    length: int
    scheme: str
    description: str
    filesystem: str = ""
    label: str = ""
    problem: str = ""


class FileEntry(NamedTuple):
    """One name in a file system (or folder), as it stands there, allocated or not.

    `type`: file, directory, link, fifo, socket, char, block, shadow, virtual, whiteout or unknown.
    `path` carries a stream as `file:stream`. `allocated` is the name's flag; `reallocated` says that the
    inode behind an unallocated name now belongs to another file (size and times are then the inode's).
    `attribute` identifies the data stream for the file system that lists it (opaque text, "" = default).
    `times` beyond the four standard ones stand in `extra_times` (NTFS: fn_modified ... from $FILE_NAME).
    `clock` is UNKNOWN or DECLARED for file systems that keep local time (FAT), else UTC.
    """

    location: Location
    type: str
    allocated: bool
    size: int
    modified: int | None = None
    accessed: int | None = None
    changed: int | None = None
    created: int | None = None
    extra_times: Mapping[str, int] = MappingProxyType({})
    clock: Clock = Clock.UTC
    reallocated: bool = False
    attribute: str = ""
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    link_target: str = ""


class Artefact(NamedTuple):
    """One fact a parser read. `times` are named (`logged`, `visited`); `fields` hold the rest as text.

    `kind` is dotted lower case, format first: "syslog.line", "access.request", "evtx.record".
    `raw` holds what a time was written as, for every name in `times`.
    """

    kind: str
    location: Location
    times: Mapping[str, int]
    fields: Mapping[str, str]
    parser: str
    version: str
    clock: Clock = Clock.UTC
    raw: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Event:
    """A fact placed in time: one named time of one artefact or file entry."""

    at: int
    meaning: str
    kind: str
    location: Location
    message: str
    clock: Clock


class Problem(NamedTuple):
    """Something that could not be read or understood, where, at which stage, and why (one line)."""

    location: Location
    stage: str
    reason: str
