"""EWF-E01 images in the layout of EnCase 6, deflated by ISA-L on all processors.

Source: "Expert Witness Compression Format version 1", J. Metz (libewf documentation), sections 2 to 3; the order of
sections is that of ewfacquire's "encase6". Every stretch of the source that is written gets a `sectors` section and
its tables, so that a stopped image ends in a whole table and no offset comes near 2 GiB.
"""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial

from isal import igzip_lib

from custody.access import Part
from forensics.acquire.files import ImageFiles
from forensics.acquire.patient import AcquisitionError
from forensics.media import ewf
from forensics.media._contract import Medium, MediumError
from forensics.media._ewf_sections import DESCRIPTOR_SIZE, FILE_SIGNATURE
from forensics.media.ewf import segment_name

CHUNK_SECTORS = 64
LEVELS = {"none": 0, "fast": 1, "best": 3}
"""How the levels are called, and ISA-L's level; the container says 0, 1 and 2."""

_PACKED = 1 << 31
_BATCH = 32  # chunks a processor takes at once
_TAIL = 64 << 10  # room kept in a segment for what follows the last chunk
SMALLEST_SEGMENT = 1 << 20
_WORDS = ("a", "c", "n", "e", "t", "md", "sn", "av", "ov", "m", "u", "p", "dc")
_OLD_WORDS = ("c", "n", "a", "e", "t", "av", "ov", "m", "u", "p")
_SOURCES = "srce\n0\t1\np\tn\tid\tev\ttb\tlo\tpo\tah\tgu\taq\n0\t0\n\t\t\t\t\t-1\t-1\t\t\t\n\n"
_SUBJECTS = "sub\n0\t1\np\tn\tid\tnu\tco\tgu\n0\t0\n\t\t\t\t1\t\n\n"


@dataclass(frozen=True, slots=True)
class EwfFacts:
    """What the container says of the source. `words` by the header's letters; `when` in seconds since 1970."""

    size: int
    sector_size: int
    words: Mapping[str, str]
    when: int
    identifier: bytes
    removable: bool = False
    physical: bool = False


def _checked(data: bytes) -> bytes:
    return data + zlib.adler32(data).to_bytes(4, "little")


def _descriptor(kind: str, at: int, length: int, *, last: bool = False) -> bytes:
    size = DESCRIPTOR_SIZE + length
    following = at if last else at + size
    return _checked(struct.pack("<16sQQ40x", kind.encode(), following, 0 if last else size))


def _line(value: str) -> str:
    """A value of the header: its separators cannot stand in it."""
    return " ".join(value.split())


def header_texts(facts: EwfFacts) -> tuple[bytes, bytes]:
    """The acquisition header as `header2` (UTF-16, times in seconds) and as `header` (8 bits, times in UTC)."""
    moment = time.strftime("%Y %-m %-d %-H %-M %-S", time.gmtime(facts.when))
    words = {"ov": "Linux", "p": "0", **{name: _line(value) for name, value in facts.words.items()}}
    new = {**words, "m": str(facts.when), "u": str(facts.when)}
    old = {**words, "m": moment, "u": moment}
    first = "3\nmain\n" + "\t".join(_WORDS) + "\n" + "\t".join(new.get(word, "") for word in _WORDS) + "\n\n"
    second = "1\r\nmain\r\n" + "\t".join(_OLD_WORDS) + "\r\n" + "\t".join(old.get(word, "") for word in _OLD_WORDS)
    texts = (first + _SOURCES + _SUBJECTS).encode("utf-16"), (second + "\r\n\r\n").encode("utf-8", "replace")
    return texts


def volume_data(facts: EwfFacts, level: int) -> bytes:
    """The 1052 bytes of a `volume` or `data` section."""
    sectors = facts.size // facts.sector_size
    chunks = -(-sectors // CHUNK_SECTORS)
    media = 0 if facts.removable else 1
    data = bytearray(1048)
    struct.pack_into("<B3xIIIQ", data, 0, media, chunks, CHUNK_SECTORS, facts.sector_size, sectors)
    data[36] = 1 | (2 if facts.physical else 0)
    data[52] = {0: 0, 1: 1}.get(level, 2)
    struct.pack_into("<I", data, 56, CHUNK_SECTORS)
    data[64:80] = facts.identifier
    return _checked(bytes(data))


@lru_cache(4)
def _empty(size: int, level: int) -> bytes:
    return bytes(igzip_lib.compress(bytes(size), level, igzip_lib.COMP_ZLIB))


def pack(chunks: Sequence[bytes], level: int) -> list[tuple[bytes, bool]]:
    """Each chunk as it is kept, and whether it is deflated: one that does not get smaller has a checksum instead."""
    packed = []
    for chunk in chunks:
        if not level:
            packed.append((_checked(chunk), False))
            continue
        data = _empty(len(chunk), level) if not any(chunk[:64]) and chunk.count(0) == len(chunk) else bytes(
            igzip_lib.compress(chunk, level, igzip_lib.COMP_ZLIB)  # frees the interpreter's lock, unlike isal_zlib
        )  # fmt: skip
        packed.append((data, True) if len(data) < len(chunk) else (_checked(chunk), False))
    return packed


class _Unfinished(ewf.EwfMedium):
    """A set that was stopped: its last segment ends where the writer was."""

    def _take_segment(self, part: Part) -> None:
        with suppress(MediumError):
            super()._take_segment(part)

    def _check_chunk_count(self) -> None:
        """There are fewer chunks than there will be."""


class EwfWriter:
    """Segments `NAME.E01` and so on, each of at most `segment_size` bytes."""

    def __init__(
        self, files: ImageFiles, name: str, facts: EwfFacts, *, level: int, segment_size: int, pool: Executor
    ) -> None:
        if facts.size % facts.sector_size:
            raise AcquisitionError(
                f"the source has {facts.size} bytes, which are not whole sectors of {facts.sector_size}",
                "E01 holds whole sectors: acquire it with --format raw.",
            )
        self.files, self._name, self._facts = files, name, facts
        self._level, self._segment, self._pool = level, segment_size, pool

    def write(self, data: bytes) -> None:
        """Append the next bytes of the source: whole chunks, but for the last."""
        size = CHUNK_SECTORS * self._facts.sector_size
        chunks = [data[at : at + size] for at in range(0, len(data), size)]
        batches = [chunks[at : at + _BATCH] for at in range(0, len(chunks), _BATCH)]
        packed = [item for batch in self._pool.map(partial(pack, level=self._level), batches) for item in batch]
        while packed:
            self._room(len(packed[0][0]))
            packed = self._group(packed)

    def _room(self, needed: int) -> None:
        """Begin a segment where the last has no room for one more chunk."""
        if self.files.names and self.files.size + needed + _TAIL <= self._segment:
            return
        number = len(self.files.names) + 1
        name = segment_name(f"{self._name}.E01", number)
        if name is None:
            raise AcquisitionError("there are more segments than E01 can name", "Choose a larger --segment-size.")
        if number > 1:
            self._section("next", b"", last=True)
        self.files.begin(name)
        self.files.append(FILE_SIGNATURE + b"\x01" + struct.pack("<HH", number, 0))
        if number > 1:
            self._section("data", volume_data(self._facts, self._level))
            return
        new, old = header_texts(self._facts)
        for kind, text in (("header2", new), ("header2", new), ("header", old)):
            self._section(kind, zlib.compress(text))
        self._section("volume", volume_data(self._facts, self._level))

    def _section(self, kind: str, data: bytes, *, last: bool = False) -> None:
        self.files.append(_descriptor(kind, self.files.size, len(data), last=last) + data)

    def _group(self, packed: list[tuple[bytes, bool]]) -> list[tuple[bytes, bool]]:
        """Write as many chunks as the segment has room for, with their tables; answers the others."""
        base, at = self.files.size, DESCRIPTOR_SIZE
        entries, taken = list[int](), list[bytes]()
        for data, deflated in packed:
            if taken and base + at + len(data) + 8 * len(entries) + _TAIL > self._segment:
                break
            entries.append(at | (_PACKED if deflated else 0))
            taken.append(data)
            at += len(data)
        self.files.append(_descriptor("sectors", base, at - DESCRIPTOR_SIZE))
        self.files.append(b"".join(taken))
        table = _checked(struct.pack("<I4xQ4x", len(entries), base)) + _checked(
            struct.pack(f"<{len(entries)}I", *entries)
        )
        self._section("table", table)
        self._section("table2", table)
        return packed[len(taken) :]

    def unfinished(self) -> Medium:
        """What was written so far, to read it again; the image has no end yet."""
        return _Unfinished(self.files.parts())

    def reopen(self) -> Medium:
        """The finished image as any reader finds it."""
        first, *others = self.files.parts()
        named = {part.name: part for part in others}

        def open_part(name: str) -> Part:
            if name not in named:
                raise FileNotFoundError(name)
            return named[name]

        return ewf.open_parts(first, open_part)

    def finish(self, digests: Mapping[str, str], bad: Sequence[tuple[int, int]]) -> None:
        """Close the set: sectors that were not read, digests, the end."""
        if len(self.files.names) == 1:
            self._section("data", volume_data(self._facts, self._level))
        ranges = [(first, count) for first, count in bad if first + count < 1 << 32]
        if ranges:
            entries = b"".join(struct.pack("<II", *item) for item in ranges)
            self._section("error2", _checked(struct.pack("<I512x", len(ranges))) + _checked(entries))
        md5, sha1 = bytes.fromhex(digests["md5"]), bytes.fromhex(digests["sha1"])
        self._section("digest", _checked(md5 + sha1 + bytes(40)))
        self._section("hash", _checked(md5 + bytes(16)))
        self._section("done", b"", last=True)
        self.files.close()
