"""APFS through libfsapfs: the volumes of a container, each a file system of its own.

libfsapfs gives the time a file was made as the time it was changed and the other way round (measured with
libfsapfs 20260921 against istat of The Sleuth Kit and dissect): they are put right here.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from forensics.filesystems._contract import FileSystemError
from forensics.filesystems.inodes import Times
from forensics.filesystems.libyal import Habits, LibyalFileSystem, open_libyal
from forensics.media import Medium
from forensics.model import Volume
from forensics.volumes.apfs import CheckedFile, ContainedView, open_volume
from forensics.volumes.views import VolumeFile

_OWN = frozenset({"com.apple.fs.symlink", "com.apple.decmpfs"})


def _times(entry: Any) -> Times:
    added = entry.get_added_time_as_integer()
    return Times(
        entry.get_creation_time_as_integer(),
        entry.get_access_time_as_integer(),
        entry.get_inode_change_time_as_integer(),
        entry.get_modification_time_as_integer(),
        {"added": added} if added else {},
    )


def _opened(volume: Volume, view: ContainedView, file: VolumeFile) -> LibyalFileSystem:
    container, apfs, readable = open_volume(view, file)
    if not readable:
        raise FileSystemError(f"volume {volume.index}: it is encrypted, and was not unlocked")
    habits = Habits(lambda entry: int(entry.identifier), apfs.get_file_entry_by_identifier, _times, _OWN, lambda _: "")
    return LibyalFileSystem(volume, "APFS", "libfsapfs", apfs.get_root_directory(), habits, file, (container, apfs))


def open_apfs(medium: Medium, volume: Volume) -> LibyalFileSystem:
    """The APFS volume that a view of its container means; raises `FileSystemError` when it does not open."""
    if not isinstance(medium, ContainedView):
        raise FileSystemError(f"volume {volume.index}: of an APFS container, and none of its volumes is meant")
    return open_libyal(CheckedFile(medium.source), volume, "APFS", partial(_opened, volume, medium))
