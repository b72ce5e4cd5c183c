"""Volumes with shadow copies, written as the format's description says: libvshadow and vshadowinfo read them."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from uuid import UUID

from tests.forensics.images import SECTOR

BLOCK = 16 << 10
HEADER_AT = 0x1E00
_MARK = UUID("3808876b-c176-4e48-b7ae-04046e6cc752").bytes_le
UNDELETED = "image/sleuthkit_test_data/from_brian/7-undel-ntfs.zip"
CLUSTER = 1024
LOG_NAME, LOG_SIZE = "System Volume Information/tracking.log", 20 * CLUSTER
LOG = 5252 * CLUSTER
"""Where that file lies in the image."""
TICKS = 133_000_000_000_000_007
"""When the first copy was made; the others follow a minute after each other."""


def identifier(number: int) -> UUID:
    return UUID(int=number)


def shadowed(states: Sequence[bytes], also: Sequence[int] = ()) -> bytes:
    """The last of the states as an NTFS volume, with those before it as shadow copies, the oldest first.

    What VSS keeps stands behind the file system. `also` are blocks that every store keeps although they are the same.
    """
    backup, whole = struct.unpack_from("<Q", states[-1], 40)[0] * SECTOR, bytearray(states[-1])
    whole[backup : backup + SECTOR] = whole[:SECTOR]  # libvshadow wants the copy of the boot sector
    now = whole.ljust(-(-len(whole) // BLOCK) * BLOCK, b"\0")
    room = bytearray()
    catalog = len(now)
    room += bytes(BLOCK)
    size = len(now) + (2 + len(states) * 200) * BLOCK
    entries = b""
    for number, (older, newer) in enumerate(pairwise(states), 1):
        places = [at for at in range(0, len(older), BLOCK) if older[at : at + BLOCK] != newer[at : at + BLOCK]]
        places = sorted({*places, *also})
        at = len(now) + len(room)
        room += _store(number, at, [(place, older[place : place + BLOCK].ljust(BLOCK, b"\0")) for place in places])
        times = TICKS + (number - 1) * 600_000_000
        entries += struct.pack("<QQ16sQQQ", 2, size, identifier(number).bytes_le, number, 0x40, times).ljust(128, b"\0")
        offsets = at + BLOCK, identifier(number).bytes_le, at, at + 2 * BLOCK, at + 3 * BLOCK
        entries += struct.pack("<QQ16sQQQQQQ", 3, *offsets, 37 | 1 << 48, 0, 0).ljust(128, b"\0")
    room[:BLOCK] = (_header(2, 0, catalog) + entries).ljust(BLOCK, b"\0")
    head = _MARK + struct.pack("<IIQQQQQ", 1, 1, HEADER_AT, HEADER_AT, 0, catalog, 1 << 30) + bytes(36)
    now[HEADER_AT : HEADER_AT + SECTOR] = head.ljust(SECTOR, b"\0")
    return bytes(now + room).ljust(size, b"\0")


def _header(kind: int, relative: int, at: int) -> bytes:
    return (_MARK + struct.pack("<IIQQQ", 1, kind, relative, at, 0)).ljust(128, b"\0")


def _store(number: int, at: int, blocks: Sequence[tuple[int, bytes]]) -> bytes:
    """Header, block list, range list and bitmap of a store, then the blocks it keeps."""
    first = at + 4 * BLOCK
    about = bytes(16) + identifier(100 + number).bytes_le + identifier(200 + number).bytes_le
    about += struct.pack("<IIIIHH", 1, 1, 0x00420009, 0, 0, 0)
    listed = b"".join(
        struct.pack("<QQQII", place, index * BLOCK, first + index * BLOCK, 0, 0)
        for index, (place, _) in enumerate(blocks)
    )
    ranges = struct.pack("<QQQ", at, 0, 4 * BLOCK + len(blocks) * BLOCK)
    pieces = ((4, about), (3, listed), (5, ranges), (6, bytes(BLOCK - 128)))
    heads = b"".join(
        (_header(kind, index * BLOCK, at + index * BLOCK) + body).ljust(BLOCK, b"\0")
        for index, (kind, body) in enumerate(pieces)
    )
    return heads + b"".join(data for _, data in blocks)


def three_states(packed: Path) -> list[bytes]:
    """Of the image in `UNDELETED`: another modified time of the log, the image itself, other bytes in the log."""
    with zipfile.ZipFile(packed) as files:
        base = files.read(next(name for name in files.namelist() if name.endswith("7-ntfs-undel.dd")))
    return [_older(base, 28), base, _written(base, LOG + 5000)]


def _older(data: bytes, number: int) -> bytes:
    """With another modified time in the MFT record `number` (from 16 on)."""
    record = (4247 + number - 16) * CLUSTER
    first = record + struct.unpack_from("<H", data, record + 20)[0]
    (inside,) = struct.unpack_from("<H", data, first + 20)
    out = bytearray(data)
    struct.pack_into("<Q", out, first + inside + 8, 127_000_000_000_000_000)
    return bytes(out)


def _written(data: bytes, place: int) -> bytes:
    """After some bytes at `place` were written, which changed no time."""
    return data[:place] + b"not what it was before" + data[place + 22 :]
