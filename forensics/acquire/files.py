"""The files of one image as they are written: made new, appended to, never over something that is there."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from custody.access import Part, shown
from forensics.acquire.patient import AcquisitionError

State = list[list[Any]]
"""[name, bytes] of each file of an image, in order."""

Announce = Callable[[], None]
"""Makes durable which files there are going to be, before one is made."""


class ImageFiles:
    """Files in one folder, appended to one after the other. `state` is what a later run needs to go on."""

    def __init__(
        self, folder: Path, announce: Announce, state: State | None = None, announced: Sequence[str] = ()
    ) -> None:
        """With `state` ([name, bytes] in order) the files are cut back to it, and those `announced` later removed."""
        self.folder, self._announce = folder, announce
        self._known: State = [list(item) for item in state or []]
        self._descriptor: int | None = None
        for name in set(announced) - {known for known, _ in self._known}:
            self._path(name).unlink(missing_ok=True)
        if self._known:
            self._reopen()

    @property
    def names(self) -> list[str]:
        """The files' names in order."""
        return [name for name, _ in self._known]

    @property
    def state(self) -> State:
        """[name, bytes] of each file, in order."""
        return [list(item) for item in self._known]

    @property
    def size(self) -> int:
        """Bytes of the last file."""
        return int(self._known[-1][1])

    def _path(self, name: str) -> Path:
        return self.folder / name

    def _reopen(self) -> None:
        for name, size in self._known:
            path = self._path(name)
            if path.is_symlink() or not path.is_file() or path.stat().st_size < size:
                raise AcquisitionError(
                    f"{shown(str(path))} is not as the stopped acquisition left it",
                    "Begin anew: remove what is left of it, or name another place.",
                )
        name, size = self._known[-1]
        self._descriptor = os.open(self._path(name), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        os.ftruncate(self._descriptor, size)
        os.lseek(self._descriptor, size, os.SEEK_SET)

    def begin(self, name: str) -> None:
        """Make a further file. Raises `AcquisitionError` where one of that name is there."""
        self.close()
        path = self._path(name)
        if os.path.lexists(path):
            raise AcquisitionError(
                f"{shown(str(path))} is there already, and is not written over", "Name another place."
            )
        self._known.append([name, 0])
        self._announce()
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise AcquisitionError(
                f"{shown(str(path))} cannot be made: {error.strerror}", "Check that place."
            ) from error

    def append(self, data: bytes | memoryview) -> None:
        """Write all of `data` at the end of the last file."""
        view = memoryview(data)
        while view and self._descriptor is not None:
            try:
                written = os.write(self._descriptor, view)
            except OSError as error:
                path = shown(str(self._path(self.names[-1])))
                raise AcquisitionError(
                    f"{path} cannot be written: {error.strerror}", "Make room and give the same command: it goes on."
                ) from error
            self._known[-1][1] += written
            view = view[written:]

    def snapshot(self) -> tuple[State, int]:
        """The state now, and a descriptor of the last file for the caller to sync and close."""
        return self.state, os.dup(self._descriptor if self._descriptor is not None else -1)

    def close(self) -> None:
        """Bring the last file to the disk and let go of it."""
        if self._descriptor is not None:
            os.fsync(self._descriptor)
            os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)  # what is read again comes from the disk
            os.close(self._descriptor)
            self._descriptor = None

    def parts(self) -> list[Part]:
        """The files as parts to read from; the caller closes their descriptors."""
        found = []
        for name, _ in self._known:
            descriptor = os.open(self._path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            found.append(Part(name, os.fstat(descriptor).st_size, descriptor))
        return found

    def lock(self) -> None:
        """Take the right to write away from the finished files."""
        for name in self.names:
            self._path(name).chmod(0o444)
