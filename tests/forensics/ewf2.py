"""Ex01 sets made section by section, to be broken in every way."""

from __future__ import annotations

import bz2
import hashlib
import struct
import zlib

SECTOR, CHUNK = 512, 8 * 512
GUID = bytes(range(16))
Section = tuple[int, bytes]


def checked(data: bytes) -> bytes:
    return data + zlib.adler32(data).to_bytes(4, "little")


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 16)


def described(values: dict[str, str]) -> bytes:
    """Deflated, however the chunks are packed."""
    text = "1\nmain\n" + "\t".join(values) + "\n" + "\t".join(values.values()) + "\n\n"
    return padded(zlib.compress(text.encode("utf-16")))


def chunk(data: bytes, method: int, pack: bool) -> tuple[int | None, bytes, int]:
    """(pattern or None, bytes in the file, flags)."""
    if pack and not any(data):
        return 0, b"", 1 | 4
    if not pack:
        return None, checked(data), 2
    return None, bz2.compress(data) if method == 2 else zlib.compress(data), 1


class Segment:
    """One file of a set under way."""

    def __init__(self, number: int, method: int) -> None:
        self.data = bytearray(b"EVF2\r\n\x81\x00" + struct.pack("<BBHI16s", 2, 1, method, number, GUID))
        self._before = 0

    def section(self, kind: int, data: bytes = b"", flags: int = 1) -> None:
        self.data += data
        at = len(self.data)
        digest = hashlib.md5(data).digest() if flags & 1 else bytes(16)
        head = struct.pack("<IIQQII16s12x", kind, flags, self._before, len(data), 64, 0, digest)
        self.data += checked(head)
        self._before = at

    def chunks(self, first: int, chunks: list[bytes], method: int, pack: bool) -> None:
        entries, begin = b"", len(self.data)
        body = bytearray()
        for data in chunks:
            pattern, raw, flags = chunk(data, method, pack)
            place = begin + len(body) if pattern is None else pattern
            entries += struct.pack("<QII", place, len(raw), flags)
            body += padded(raw)
        self.section(3, bytes(body), 0)
        head = checked(struct.pack("<QI4x", first, len(chunks))) + bytes(12)
        self.section(4, head + padded(checked(entries)))


def ex01(content: bytes, segments: int = 1, *, method: int = 1, pack: bool = True, unread: bool = False) -> list[bytes]:
    """The segment files of a set that holds `content` (whole sectors), with both stored digests."""
    chunks = [content[at : at + CHUNK] for at in range(0, len(content), CHUNK)]
    device = {"md": "Stick", "sn": "S-1", "ts": str(len(content) // SECTOR), "hs": "", "bp": "512", "ph": "1"}
    case = {"nm": "A stick", "cn": "C-1", "en": "AH/1", "ex": "Ada Horvat", "tt": "1278000000", "sb": "8"}
    share, files = -(-len(chunks) // segments), []
    for number in range(segments):
        segment = Segment(number + 1, method)
        segment.section(1, described(device))
        segment.section(2, described(case))
        mine = chunks[number * share : (number + 1) * share]
        for at in range(0, len(mine), 3):
            segment.chunks(number * share + at, mine[at : at + 3], method, pack)
        if number + 1 == segments:
            if unread:
                head = checked(struct.pack("<I12x", 1)) + bytes(12)
                segment.section(5, head + padded(checked(struct.pack("<QI4x", 7, 2))))
            segment.section(8, padded(checked(hashlib.md5(content).digest())))
            segment.section(9, padded(checked(hashlib.sha1(content).digest())))
        segment.section(15 if number + 1 == segments else 13)
        files.append(bytes(segment.data))
    return files
