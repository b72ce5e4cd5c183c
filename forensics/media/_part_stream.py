"""A part of the evidence as the seekable stream that the standard library's readers ask for."""

from __future__ import annotations

import errno
import io
from typing import Any

from custody.access import Part
from forensics.media._contract import read_part


class PartStream(io.RawIOBase):
    """A part as a seekable stream."""

    def __init__(self, part: Part) -> None:
        self._part, self._at = part, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        data = read_part(self._part, self._at, len(view))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._part.size}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, f"byte {base + offset} of {self._part.name}")
        self._at = base + offset
        return self._at
