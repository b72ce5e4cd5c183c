"""One large event log out of many small ones: a chunk of 64 KiB stands alone, so they can be put one after another."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

_HEADER, _CHUNK = 4096, 65536


def _header(chunks: int) -> bytes:
    header = bytearray(_HEADER)
    struct.pack_into("<8sQQQIHHHH", header, 0, b"ElfFile\0", 0, chunks - 1, 1, 128, 1, 3, _HEADER, chunks & 0xFFFF)
    struct.pack_into("<I", header, 124, zlib.crc32(header[:120]))
    return bytes(header)


def _intact(chunk: bytes) -> bool:
    """Whether a chunk is whole and both of its checksums agree."""
    if len(chunk) < _CHUNK or not chunk.startswith(b"ElfChnk\0"):
        return False
    (end, records), (header,) = struct.unpack_from("<II", chunk, 48), struct.unpack_from("<I", chunk, 124)
    sums = zlib.crc32(chunk[128:512], zlib.crc32(chunk[:120])), zlib.crc32(chunk[512:end])
    return sums == (header, records)


def _chunks(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*.evtx")):
        if path.is_file():
            data = path.read_bytes()
            chunks = (data[at : at + _CHUNK] for at in range(_HEADER, len(data), _CHUNK))
            yield from filter(_intact, chunks)


def event_log(folder: Path, size: int) -> bytes | None:
    """About `size` bytes of event log: the intact chunks of all logs below the folder, again and again, or None."""
    found = list(_chunks(folder))
    if not found:
        return None
    count = max(size // _CHUNK, 1)
    chunks = [chunk for chunk, _ in zip(cycle(found), range(count), strict=False)]
    return _header(count) + b"".join(chunks)
