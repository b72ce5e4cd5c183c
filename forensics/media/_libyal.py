"""What the libyal libraries need of us: a file to read from, and one line from their long errors."""

from __future__ import annotations

import os
import re

from custody.access import Part
from forensics.media._contract import read_part


class PartFile:
    """A part as the file object the libyal bindings ask for. Not thread-safe: its position is one."""

    def __init__(self, part: Part) -> None:
        self._part, self._at = part, 0

    def read(self, size: int) -> bytes:
        """Up to `size` bytes from the position on. Raises `MediumError` for what the system cannot read."""
        data = read_part(self._part, self._at, size)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> None:
        """Set the position, as files do."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._part.size}[whence]
        self._at = base + offset

    def get_offset(self) -> int:
        """The position."""
        return self._at

    def get_size(self) -> int:
        """The part's bytes."""
        return self._part.size


def reason(error: Exception) -> str:
    """The deepest reason in a libyal error, without the name of the function that gives it."""
    sentences = re.split(r"\.\s+(?=\w+:)", " ".join(str(error).split()))
    deepest = sentences[1] if len(sentences) > 1 else sentences[0]
    return re.sub(r"^\w+: ", "", deepest).rstrip(".")
