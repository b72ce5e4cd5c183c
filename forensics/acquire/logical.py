"""Files and folders copied into a container, one after the other; what cannot be read is listed, the rest goes on."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from custody.access import FoundFile, Part, Source, shown
from forensics.acquire.files import ImageFiles
from forensics.acquire.logical_writer import Facts, LogicalWriter
from forensics.acquire.patient import AcquisitionError
from forensics.archives import Member, open_archive
from forensics.hashing import hash_stream
from forensics.media import MediumError, read_part

_BLOCK = 1 << 20
_SHOWN = 1000
_KINDS = {stat.S_IFDIR: "directory", stat.S_IFLNK: "link", stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket",
          stat.S_IFCHR: "char", stat.S_IFBLK: "block"}  # fmt: skip
_AT_EMPTY_PATH, _STATX_BTIME = 0x1000, 0x800
_LIBC = ctypes.CDLL(None)

Tell = Callable[[str, int, int], None]
"""Called with the stage, the bytes done, and the files done."""


@dataclass(slots=True)
class Gathered:
    """What came of the copying. `problems` are (path, reason); `digests` those of the container, one for all copies."""

    files: int = 0
    folders: int = 0
    others: int = 0
    size: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)


def gather(source: Source, writer: LogicalWriter, done: Gathered, tell: Tell) -> None:
    """Copy everything below the folder that `source` holds. Raises `AcquisitionError` where the target fails."""
    for found in source.files():
        if isinstance(found, OSError):
            done.problems.append((shown(str(found.filename)), f"the folder cannot be listed: {found.strerror}"))
            continue
        kind = _KINDS.get(stat.S_IFMT(found.facts.st_mode), "")
        if kind:
            writer.other(found, kind)
            done.folders += kind == "directory"
            done.others += kind != "directory"
        else:
            _take(source, found, writer, done, tell)


def _take(source: Source, found: FoundFile, writer: LogicalWriter, done: Gathered, tell: Tell) -> None:
    try:
        with source.reading(found) as part:
            reading = _Reading(part, found, done, tell)
            writer.file(found, reading.blocks(), reading.facts)
    except OSError as error:
        done.problems.append((shown(found.name), error.strerror or str(error)))
        writer.unread(found, error.strerror or str(error))
        return
    done.files += 1
    if reading.facts.problem:
        done.problems.append((shown(found.name), reading.facts.problem))


class _Reading:
    """One file on its way: what it holds, and whether it stayed as it was."""

    def __init__(self, part: Part, found: FoundFile, done: Gathered, tell: Tell) -> None:
        self._part, self._done, self._tell = part, done, tell
        self._before = os.fstat(part.descriptor)
        self.facts = Facts(birth(part.descriptor), _attributes(part.descriptor))
        self._name = found.name

    def blocks(self) -> Iterator[bytes]:
        """The contents as far as they can be read; `facts.problem` says what was wrong with that."""
        size, at = self._part.size, 0
        while at < size:
            try:
                block = self._part.read_at(at, min(_BLOCK, size - at))
            except OSError as error:
                if not at:
                    raise
                self.facts.problem = f"from byte {at} on it cannot be read: {error.strerror}"
                return
            if not block:
                self.facts.problem = f"it became shorter while it was read: {at} of {size} bytes"
                return
            at += len(block)
            self._done.size += len(block)
            self._tell("copying", self._done.size, self._done.files)
            yield block
        after = os.fstat(self._part.descriptor)
        if (after.st_size, after.st_mtime_ns) != (self._before.st_size, self._before.st_mtime_ns):
            self.facts.problem = "it changed while it was read"


def birth(descriptor: int) -> int | None:
    """When an open file was made, in nanoseconds since 1970, where its file system keeps that (statx of Linux)."""
    buffer = ctypes.create_string_buffer(256)
    call = getattr(_LIBC, "statx", None)
    if call is None or call(descriptor, b"", _AT_EMPTY_PATH, _STATX_BTIME, buffer):
        return None
    (mask,) = struct.unpack_from("=I", buffer, 0)
    seconds, rest = struct.unpack_from("=qI", buffer, 80)
    return int(seconds) * 1_000_000_000 + int(rest) if mask & _STATX_BTIME else None


def _attributes(descriptor: int) -> dict[str, bytes]:
    """Extended attributes of an open file; {} where there are none, or none may be read."""
    found = {}
    try:
        for name in os.listxattr(descriptor):
            found[name] = os.getxattr(descriptor, name)
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.ENODATA, errno.ENOSYS):
            raise
    return found


def verified(files: Sequence[ImageFiles], done: Gathered, tell: Tell) -> list[str]:
    """Read every container again, from the disk; one line for each file in it that is not what was read."""
    wrong = []
    for copy in files:
        (part,) = copy.parts()
        try:
            found = hash_stream(partial(read_part, part), part.size)
            digests = dict(found.digests)
            if done.digests and digests != done.digests:
                wrong.append(f"{part.name} differs from the first container")
            done.digests = done.digests or digests
            wrong += _compared(part, done, tell)
        except MediumError as error:
            wrong.append(f"{part.name} cannot be read again: {error}")
        finally:
            os.close(part.descriptor)
    return wrong


def _compared(part: Part, done: Gathered, tell: Tell) -> list[str]:
    """Unpack every file and hold it against the digests that were computed while it was copied."""
    archive = open_archive(part)
    if archive is None:
        return [f"{part.name} is no container that can be read"]
    wrong, size, files = list[str](), 0, 0
    for found in archive.files():
        if isinstance(found, Member) and stat.S_ISREG(found.facts.st_mode):
            digest, length = archive.digest(found)
            if not digest and found.refused:  # it could not be read, and is in no container
                continue
            size, files = size + length, files + 1
            tell("verifying", size, files)
            if not digest and len(wrong) < _SHOWN:
                wrong.append(f"{shown(found.name)} in {part.name} cannot be read again")
    wrong += list(archive.contradictions())[:_SHOWN]
    if (files, size) != (done.files, done.size):
        wrong.append(f"{part.name} holds {files} files with {size} bytes; {done.files} with {done.size} were read")
    return wrong


def full(error: AcquisitionError) -> AcquisitionError:
    """The same error with what to do about it here: a stopped container is begun anew."""
    return AcquisitionError(str(error), "Make room and give the same command: the container is begun anew.")
