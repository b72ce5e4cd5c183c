"""Raw images: the medium's bytes as they are, in one file or in several one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from custody.access import Part, PartOpener
from forensics.media._contract import MediumError, read_part

SECTOR_SIZE = 512


class RawMedium:
    """The parts' bytes one after the other. `sector_size` is 512: a raw image does not say."""

    sector_size = SECTOR_SIZE

    def __init__(self, name: str, parts: Sequence[Part], problems: Sequence[str] = ()) -> None:
        self.format = name
        self.parts = tuple(parts)
        self.stored: Mapping[str, str] = {}
        self.header: Mapping[str, str] = {}
        self._starts: list[int] = []
        size = 0
        for part in self.parts:
            self._starts.append(size)
            size += part.size
        self.size = size
        if size == 0:
            raise MediumError(f"{self.parts[0].name} is empty (0 bytes)", "Check the copy: there is no medium in it.")
        self._problems = list(problems)
        if size % SECTOR_SIZE:
            self._problems.append(f"{size} bytes are not whole sectors of {SECTOR_SIZE}: the image may be cut short")

    def problems(self) -> list[str]:
        return list(self._problems)

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        if length <= 0 or offset < 0:
            return b""
        blocks: list[bytes] = []
        number = bisect_right(self._starts, offset) - 1
        while length > 0:
            part, within = self.parts[number], offset - self._starts[number]
            wanted = min(length, part.size - within)
            block = read_part(part, within, wanted) if wanted else b""
            if len(block) < wanted:
                raise MediumError(f"{part.name} ends at byte {within + len(block)}, before its {part.size} bytes")
            blocks.append(block)
            offset += wanted
            length -= wanted
            number += 1
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)


def recognises(_first: Part) -> bool:
    """Any file is a raw image: ask every other format first."""
    return True


def open_parts(first: Part, _open_part: PartOpener) -> RawMedium:
    """The one file as a medium; raises `MediumError` when it is empty."""
    return RawMedium("raw", [first])
