"""AFF4 disk images: the standard's and those before it, streams of chunks under a map.

Source: "AFF4 Standard v1.0a". Read by our own code: pyaff4 has no wheels, and does not compare the digests of chunks.
What a map calls unreadable or unknown is given as the pattern the standard prescribes, and is a problem.
"""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_right
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise

import cramjam

from custody.access import Part, PartOpener
from forensics.media._aff4_volume import NAMESPACES, Resource, Value, Volume, digest_of, local
from forensics.media._blocks import read_exactly, zeros
from forensics.media._contract import MediumError, read_part

_MAP_ENTRY = struct.Struct("<QQQI")
_INDEX_ENTRY = struct.Struct("<QI")
_CHUNK_LIMIT = 64 << 20
_CACHED_BYTES = 16 << 20
_LOGICAL = {"fileimage", "folderimage", "folder"}
_LACKING = ("UnreadableData", "UnknownData", "Unknown")
_MIB = 1 << 20  # a pattern begins anew with every MiB of its stream
_SHOWN = 100
_DIGEST_SIZES = {"sha256": 32, "sha1": 20, "md5": 16, "sha512": 64, "blake2b": 64}
"""The digests of chunks that are compared: the first of these there is."""
_HEADER = {
    "case_number": ("caseNumber",), "evidence_number": ("evidenceNumber",), "examiner_name": ("examiner",),
    "notes": ("notes",), "model": ("diskModel", "model"), "serial_number": ("diskSerial", "serial"),
    "firmware": ("diskFirmware", "firmwareString"), "device": ("diskDeviceName", "deviceName"),
    "acquired": ("startTime", "StartTime"), "description": ("caseDescription",),
}  # fmt: skip


class _Stream:
    """An image stream: chunks in segments ("bevies"), each with an index and perhaps digests."""

    def __init__(self, volume: Volume, facts: Resource) -> None:
        self.volume, self.urn = volume, facts.urn
        self.size = facts.number("size")
        self.chunk_size = facts.number("chunkSize", "chunk_size") or 32768
        self.chunks_in_segment = facts.number("chunksInSegment", "chunks_in_segment") or 2048
        self.method = facts.first("compressionMethod", "CompressionMethod").lower()
        if not 0 < self.chunk_size <= _CHUNK_LIMIT or not 0 < self.chunks_in_segment <= 1 << 24:
            raise MediumError(f"{volume.part.name} is damaged: chunks of {self.chunk_size} bytes")
        self._segment = lru_cache(8)(self._read_segment)
        self.chunk = lru_cache(max(2, _CACHED_BYTES // self.chunk_size))(self._chunk)

    def read_at(self, offset: int, length: int) -> bytes:
        """Bytes of the stream, which must have them. Raises `MediumError`."""
        if offset + length > self.size:
            raise MediumError(f"{self.volume.part.name}: a map points behind the end of {self.urn}")
        first, last = offset // self.chunk_size, (offset + length - 1) // self.chunk_size
        data = b"".join([self.chunk(number) for number in range(first, last + 1)])
        within = offset - first * self.chunk_size
        return data[within : within + length]

    def _read_segment(self, number: int) -> tuple[int, list[tuple[int, int]], str, bytes]:
        """Where a segment lies, (offset, bytes) of its chunks, and the kind and bytes of their digests."""
        volume, urn = self.volume, f"{self.urn}/{number:08d}"
        start, size = volume.place(urn)
        if volume.has(f"{urn}.index"):
            raw = volume.stream(f"{urn}.index")
            chunks = list(_INDEX_ENTRY.iter_unpack(raw[: len(raw) // 12 * 12]))
        else:  # before the standard: where each chunk ends
            raw = volume.stream(f"{urn}/index")
            ends = [0, *struct.unpack(f"<{len(raw) // 4}I", raw[: len(raw) // 4 * 4])]
            chunks = [(begin, end - begin) for begin, end in pairwise(ends)]
        if any(offset + length > size or length < 0 for offset, length in chunks):
            raise MediumError(f"{volume.part.name} is damaged: the index of segment {number} points out of it")
        for kind in _DIGEST_SIZES:
            for name in (f"{urn}.blockHash.{kind}", f"{urn}/blockHash.{kind}"):
                if volume.has(name):
                    return start, chunks, kind, volume.stream(name)
        return start, chunks, "", b""

    def _chunk(self, number: int) -> bytes:
        segment, index = divmod(number, self.chunks_in_segment)
        start, chunks, kind, digests = self._segment(segment)
        if index >= len(chunks):
            raise self._damaged(number, "has no place in the index")
        offset, length = chunks[index]
        wanted = min(self.chunk_size, self.size - number * self.chunk_size)
        if length > 2 * self.chunk_size + 1024:
            raise self._damaged(number, f"has {length} bytes")
        raw = read_exactly(self.volume.part, start + offset, length, f"chunk {number}")
        data = raw if length == self.chunk_size or not self.method else self._unpack(number, raw)
        if kind:
            width = _DIGEST_SIZES[kind]
            if digest_of(kind, data) != digests[index * width : (index + 1) * width].hex():
                raise self._damaged(number, f"does not have its stored {kind}")
        if len(data) < wanted:
            raise self._damaged(number, f"holds {len(data)} bytes")
        return data[:wanted]

    def _unpack(self, number: int, raw: bytes) -> bytes:
        method = self.method
        try:
            if "snappy" in method:
                return self._snappy(number, raw)
            if "1950" in method or "zlib" in method:
                return zlib.decompressobj().decompress(raw, self.chunk_size)
            if "1951" in method or "deflate" in method:
                return zlib.decompressobj(-15).decompress(raw, self.chunk_size)
            if "lz4" in method:
                return bytes(cramjam.lz4.decompress_block(raw, output_len=self.chunk_size))
        except (zlib.error, cramjam.DecompressionError, ValueError) as error:
            raise self._damaged(number, f"cannot be decompressed: {error}") from error
        if method.endswith(("#nullcompressor", "nocompression", "stored")):
            return raw
        raise self._damaged(number, f"is packed with {method}, which is not known")

    def _snappy(self, number: int, raw: bytes) -> bytes:
        """Snappy says first how much it unpacks to: more than a chunk is an attack."""
        size = 0
        for place, byte in enumerate(raw[:5]):
            size |= (byte & 127) << 7 * place
            if byte < 128:
                break
        if size > self.chunk_size:
            raise self._damaged(number, f"claims {size} bytes")
        return bytes(cramjam.snappy.decompress_raw(raw))

    def _damaged(self, number: int, why: str) -> MediumError:
        return MediumError(f"chunk {number} of {self.urn} in {self.volume.part.name} {why}")


class _Pattern:
    """A stream of one repeated text, as the standard names them."""

    def __init__(self, text: bytes) -> None:
        self._tile = (text * (_MIB // len(text) + 1))[:_MIB]

    def read_at(self, offset: int, length: int) -> bytes:
        """Bytes of the pattern."""
        within = offset % _MIB
        return (self._tile * ((within + length) // _MIB + 1))[within : within + length]


class _Zero:
    def read_at(self, _offset: int, length: int) -> bytes:
        """Zeros."""
        return bytes(zeros(length))


_Target = _Stream | _Pattern | _Zero


class Aff4Medium:
    """The image of a container. A chunk that does not have its stored digest raises `MediumError`."""

    format = "aff4"

    def __init__(self, volume: Volume, image: Resource) -> None:
        self.parts = (volume.part,)
        self._volume, self._remarks = volume, list[str]()
        holder = volume.resources.get(image.first("dataStream")) or image
        self.size = image.number("size") or holder.number("size")
        self.sector_size = image.number("blockSize") or 512
        if not 0 < self.size <= 1 << 60:
            raise MediumError(f"{volume.part.name} is damaged: it claims a medium of {self.size} bytes")
        self._starts: list[int] = []
        self._extents: list[tuple[int, int, _Target]] = []  # end in the medium, offset in the target, target
        if holder.kinds & {"map", "querymap"}:
            self._gap = self._target(holder.first("mapGapDefaultStream") or f"{NAMESPACES[0]}Zero")
            self._take_map(holder)
        else:
            self._gap = _Zero()
            self._starts, self._extents = [0], [(self.size, 0, self._target(holder.urn))]
        self.stored: Mapping[str, str] = {
            value.kind.lower(): value.text.lower()
            for value in image.get("hash", [])
            if value.kind.lower() in ("md5", "sha1", "sha256")
        }
        self.header = _header(volume, image)

    def problems(self) -> list[str]:
        return list(self._remarks)

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        if length <= 0 or offset < 0:
            return b""
        pieces: list[bytes] = []
        end = offset + length
        while offset < end:
            number = bisect_right(self._starts, offset) - 1
            stop, at, target = self._extents[number] if number >= 0 else (0, 0, self._gap)
            if offset >= stop:
                following = self._starts[number + 1] if number + 1 < len(self._starts) else self.size
                stop, at, target = following, offset, self._gap
            else:
                at += offset - self._starts[number]
            count = min(end, stop) - offset
            pieces.append(target.read_at(at, count))
            offset += count
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _target(self, urn: str) -> _Target:
        name = local(urn)
        if urn.startswith((*NAMESPACES, "http://afflib.org/2012/SymbolicStream#")) or name == "Zero":
            if name in ("UnknownData", "Unknown"):
                return _Pattern(b"UNKNOWN")
            if name == "UnreadableData":
                return _Pattern(b"UNREADABLEDATA")
            symbol = name.removeprefix("SymbolicStream")
            if len(symbol) == 2 and name != "Zero":
                return _Pattern(bytes.fromhex(symbol))
            return _Zero()
        facts = self._volume.resources.get(urn)
        if facts is None or not facts.kinds & {"imagestream", "stream"}:
            raise MediumError(
                f"{self._volume.part.name} does not hold the stream {urn} of its image",
                "It is one volume of a set, which is not read: convert it with the tool that made it.",
            )
        return _Stream(self._volume, facts)

    def _take_map(self, facts: Resource) -> None:
        volume = self._volume
        raw, names = volume.stream(f"{facts.urn}/map"), volume.stream(f"{facts.urn}/idx")
        self._compare(facts, "mapPointHash", "map", raw)
        self._compare(facts, "mapIdxHash", "list of streams", names)
        urns = names.decode("utf-8", "replace").split()
        targets = [self._target(urn) for urn in urns]
        entries = sorted(_MAP_ENTRY.iter_unpack(raw[: len(raw) // 28 * 28]))
        end = 0
        for start, length, offset, number in entries:
            if number >= len(targets) or start < end or start + length > self.size:
                raise MediumError(f"{volume.part.name} is damaged: its map's entry for byte {start} of the medium")
            end = start + length
            self._starts.append(start)
            self._extents.append((end, offset, targets[number]))
        lacking = {
            number for number, urn in enumerate(urns) if local(urn) in ("UnreadableData", "UnknownData", "Unknown")
        }
        self._say_lacking([entry for entry in entries if entry[3] in lacking], urns)

    def _say_lacking(self, entries: list[tuple[int, int, int, int]], urns: list[str]) -> None:
        for start, length, _, number in entries[:_SHOWN]:
            why = "could not be read" if local(urns[number]) == "UnreadableData" else "were not copied"
            self._remarks.append(f"bytes {start} to {start + length} {why} when the medium was acquired")
        if len(entries) > _SHOWN:
            self._remarks.append(f"and {len(entries) - _SHOWN} more such ranges")

    def _compare(self, facts: Resource, name: str, what: str, data: bytes) -> None:
        for value in facts.get(name, []):
            found = digest_of(value.kind, data)
            if found is not None and found != value.text.lower():
                self._remarks.append(f"{self._volume.part.name}: the stored {value.kind} of its {what} is not its own")


def _header(volume: Volume, image: Resource) -> dict[str, str]:
    """What the container says of the acquisition, by libewf's names where there are some."""
    about = [image, *(one for one in volume.resources.values() if _points_to(one, image))]
    found = {name: next(filter(None, (one.first(*words) for one in about)), "") for name, words in _HEADER.items()}
    return {name: " ".join(value.split()) for name, value in found.items() if value}


def _points_to(facts: Resource, image: Resource) -> bool:
    return Value(image.urn, "") in facts.get("target", [])


def recognises(part: Part) -> bool:
    """A Zip archive that begins with AFF4's member, or ends with a volume's name."""
    if read_part(part, 0, 4) != b"PK\x03\x04":
        return False
    return b"container.description" in read_part(part, 0, 4096) or b"aff4://" in read_part(
        part, max(part.size - 512, 0), 512
    )


def is_logical(part: Part) -> bool:
    """Whether a container holds files and no medium (AFF4-L). Raises `MediumError` where it is damaged."""
    logical = False
    for line in Volume(part).words():
        if b"DiskImage" in line or b"ContiguousImage" in line:
            return False
        logical = logical or any(kind in line for kind in (b"FileImage", b"aff4:Folder", b"Schema#Folder"))
    return logical


def open_parts(first: Part, _open_part: PartOpener) -> Aff4Medium:
    """The one disk image in the container.

    Raises `MediumError` for one volume of a set, several images, no image, and damage.
    """
    volume = Volume(first)
    images = sorted(
        (one for one in volume.resources.values() if one.kinds & {"diskimage", "contiguousimage", "image"}),
        key=lambda one: one.urn,
    )
    disks = [one for one in images if not one.kinds & _LOGICAL]
    if not disks:
        what = "holds files, not a medium (AFF4-L)" if images else "describes no image"
        raise MediumError(f"{first.name} {what}", "Check which container was meant.")
    if len(disks) > 1:
        raise MediumError(f"{first.name} holds {len(disks)} images: it is not said which is meant")
    return Aff4Medium(volume, disks[0])
