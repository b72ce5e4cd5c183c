"""THE GATE: no byte of evidence is read before the ledger durably says who is about to read it and why.

Being written: the recorder and `Gate` follow; `Part` and `Source` stand as media formats use them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the evidence (an image, a segment, a log), opened read-only by the gate.

    `name` is relative to the evidence root, undecodable bytes as surrogateescape; `size` is bytes.
    The descriptor belongs to the gate: readers never close it, never see a path.
    """

    name: str
    size: int
    descriptor: int

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from byte `offset`; short only at the end of the part. Thread-safe."""
        blocks: list[bytes] = []
        while length > 0:
            block = os.pread(self.descriptor, length, offset)
            if not block:
                break
            blocks.append(block)
            offset += len(block)
            length -= len(block)
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)


PartOpener = Callable[[str], Part]
"""Opens a further part by its name beside the first; raises FileNotFoundError when there is none."""

Walk = Iterator[Part]
