"""A volume group over two physical volumes that LVM2 made, with invented contents."""

from __future__ import annotations

import lzma
from pathlib import Path

from tests.forensics.images import fat12, noise

DATA = Path(__file__).parent.parent / "data" / "lvm"
MIB, EXTENT = 1 << 20, 64 << 10
FIRST, SECOND = (lzma.decompress((DATA / f"{name}.xz").read_bytes()) for name in ("first", "second"))
ROOT = fat12() + noise(EXTENT)
STRIPED = noise(4 * EXTENT, 2)
BIG = noise(60 * EXTENT, 3)


def pair() -> tuple[bytearray, bytearray]:
    """Both physical volumes with contents, placed as `lvs` lists them."""
    first, second = bytearray(FIRST) + bytes(3 * MIB), bytearray(SECOND) + bytes(3 * MIB)

    def put(volume: bytearray, extent: int, data: bytes) -> None:
        volume[MIB + extent * EXTENT : MIB + extent * EXTENT + len(data)] = data

    put(first, 0, ROOT[:EXTENT])
    put(first, 3, ROOT[EXTENT:])
    stripes = [STRIPED[at : at + (16 << 10)] for at in range(0, len(STRIPED), 16 << 10)]
    put(first, 1, b"".join(stripes[::2]))
    put(second, 0, b"".join(stripes[1::2]))
    on_both(first, second, BIG)
    return first, second


def on_both(first: bytearray, second: bytearray, big: bytes) -> None:
    """Put the contents of `big`, which lies on both."""
    on_second = 3 * MIB - 2 * EXTENT
    second[MIB + 2 * EXTENT :] = big[:on_second]
    first[MIB + 4 * EXTENT : MIB + 4 * EXTENT + len(big) - on_second] = big[on_second:]
