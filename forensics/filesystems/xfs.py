"""XFS through libfsxfs: versions 4 and 5, big times, extended attributes."""

from __future__ import annotations

import struct
from functools import partial
from typing import Any

import pyfsxfs

from forensics.filesystems.inodes import Times
from forensics.filesystems.libyal import Habits, LibyalFileSystem, open_libyal
from forensics.media import Medium
from forensics.model import Volume
from forensics.volumes.views import Source, VolumeFile

_SIZES = struct.Struct(">IQ")  # bytes of a block, and how many of them, at byte 4 of the superblock


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
    return open_libyal(VolumeFile(Source(medium, volume)), volume, "XFS", partial(_opened, volume))
