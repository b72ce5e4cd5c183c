"""Raw images, in one file or in segments of one size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from forensics.acquire.files import ImageFiles
from forensics.media import Medium
from forensics.media.raw import RawMedium


class RawWriter:
    """The source's bytes as they are: `NAME.dd`, or `NAME.001` and so on with a segment size."""

    def __init__(self, files: ImageFiles, name: str, segment_size: int = 0) -> None:
        self.files, self._name, self._segment = files, name, segment_size

    def _next_name(self) -> str:
        return f"{self._name}.{len(self.files.names) + 1:03d}" if self._segment else f"{self._name}.dd"

    def write(self, data: bytes) -> None:
        """Append the next bytes of the source."""
        view = memoryview(data)
        while view:
            if not self.files.names or (self._segment and self.files.size >= self._segment):
                self.files.begin(self._next_name())
            room = self._segment - self.files.size if self._segment else len(view)
            self.files.append(view[:room])
            view = view[room:]

    def unfinished(self) -> Medium:
        """What was written so far, to read it again."""
        return self.reopen()

    def reopen(self) -> Medium:
        """The files' bytes one after the other, whatever they look like."""
        return RawMedium("split" if self._segment else "raw", self.files.parts())

    def finish(self, digests: Mapping[str, str], bad: Sequence[tuple[int, int]]) -> None:
        """A raw image holds the bytes alone: what is known of them stands in the ledger."""
        del digests, bad
        self.files.close()
