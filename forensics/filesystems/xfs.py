"""XFS through libfsxfs: versions 4 and 5, big times, extended attributes."""

from __future__ import annotations

import struct
from functools import partial
from typing import Any

import pyfsxfs

from forensics.filesystems.inodes import Times
from forensics.filesystems.libyal import Habits, LibyalFileSystem, open_libyal
from forensics.media import Medium, crc32c
from forensics.model import Volume
from forensics.volumes.views import Source, VolumeFile

_INODE, _DIRECTORIES = b"IN", (b"XDB3", b"XDD3")
_CHECKED = ((_INODE, 100, 160), *((mark, 4, 24) for mark in _DIRECTORIES))
"""What is checked: how it begins, where its checksum is, and where the identifier of the file system."""
_OTHER_IDENTIFIER = 4
_SIZES = struct.Struct(">IQ")  # bytes of a block, and how many of them, at byte 4 of the superblock


class CheckedFile(VolumeFile):
    """A volume as libfsxfs reads it, which compares no checksums: here those of inodes and of directories' blocks are.

    Only version 5 has them. What carries the file system's identifier and not its checksum is told in `damaged`, and
    read all the same.
    """

    MOST_TOLD = 100

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        head = source.read_at(0, 512).ljust(512, b"\0")
        self._block = int.from_bytes(head[4:8], "big") or 512
        sizes = {_INODE: int.from_bytes(head[104:106], "big")}
        sizes |= dict.fromkeys(_DIRECTORIES, self._block << min(head[192], 16))
        own = head[248:264] if head[219] & _OTHER_IDENTIFIER else head[32:48]
        five = head[101] & 15 == 5 and 256 <= sizes[_INODE] <= 2048 and self._block >= 512
        self._kinds = [(mark, sizes[mark], at, own, place) for mark, at, place in _CHECKED] if five else []

    def read(self, size: int) -> bytes:
        """As any file; whole inodes and blocks in what is read are looked at."""
        first = self.get_offset()
        data = super().read(size)
        for mark, length, checksum, own, place in self._kinds:
            for at in range(-first % length, len(data) - length + 1, length):
                if data[at : at + len(mark)] != mark or data[at + place : at + place + 16] != own:
                    continue
                if not _has_checksum(data[at : at + length], checksum) and len(self.damaged) < self.MOST_TOLD:
                    self.damaged.add((first + at) // self._block)
        return data


def _has_checksum(raw: bytes, at: int) -> bool:
    return crc32c(raw[:at] + bytes(4) + raw[at + 4 :]) == int.from_bytes(raw[at : at + 4], "little")


def _times(entry: Any) -> Times:
    return Times(
        entry.get_modification_time_as_integer(),
        entry.get_access_time_as_integer(),
        entry.get_inode_change_time_as_integer(),
        entry.get_creation_time_as_integer(),
    )


def _check_link(target: str) -> str:
    """Libfsxfs takes the header of a block that holds a long target for the target."""
    return "the target of the link is in a block of its own, which is not read" if target.startswith("XSLM") else ""


def _opened(volume: Volume, file: VolumeFile) -> LibyalFileSystem:
    xfs = pyfsxfs.volume()
    xfs.open_file_object(file)
    habits = Habits(
        lambda entry: int(entry.inode_number), xfs.get_file_entry_by_inode, _times, frozenset(), _check_link
    )
    block, blocks = _SIZES.unpack(file.peek(4, _SIZES.size))
    root = xfs.get_root_directory()
    return LibyalFileSystem(volume, "XFS", "libfsxfs", root, habits, file, (xfs,), whole=block * blocks)


def open_xfs(medium: Medium, volume: Volume) -> LibyalFileSystem:
    """The XFS of a volume; raises `FileSystemError` when it does not open."""
    return open_libyal(CheckedFile(Source(medium, volume)), volume, "XFS", partial(_opened, volume))
