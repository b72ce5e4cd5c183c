"""Small AFF4 containers made in the test: one map over one stream, with digests of chunks."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

import cramjam

VOLUME, IMAGE, MAP, STREAM = (f"aff4://{number:08d}-0000-4000-8000-000000000000" for number in range(4))
SCHEMA = "http://aff4.org/Schema#"
CHUNK = 32768
PACK: Mapping[str, tuple[str, Callable[[bytes], bytes]]] = {
    "snappy": ("http://code.google.com/p/snappy/", lambda data: bytes(cramjam.snappy.compress_raw(data))),
    "zlib": ("https://www.ietf.org/rfc/rfc1950.txt", zlib.compress),
    "deflate": ("https://tools.ietf.org/html/rfc1951", lambda data: zlib.compress(data, wbits=-15)),
    "lz4": ("https://code.google.com/p/lz4/", lambda data: bytes(cramjam.lz4.compress_block(data, store_size=False))),
    "none": (SCHEMA + "NullCompressor", bytes),
}
MapEntry = tuple[int, int, int, int]


def turtle(size: int, stream_size: int, method: str, extra: str = "", facts: str = "") -> str:
    """The description of an image `size` bytes large."""
    return f"""@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix aff4: <{SCHEMA}> .
<{IMAGE}> a aff4:DiskImage, aff4:Image ; aff4:size "{size}"^^xsd:long ; aff4:blockSize "512"^^xsd:int ;
  aff4:dataStream <{MAP}> ; aff4:diskSerial "S-1" {facts}.
<{MAP}> a aff4:Map ; aff4:size "{size}"^^xsd:long ; aff4:dependentStream <{STREAM}> {extra}.
<{STREAM}> a aff4:ImageStream ; aff4:size "{stream_size}"^^xsd:long ; aff4:chunkSize "{CHUNK}"^^xsd:int ;
  aff4:chunksInSegment "4"^^xsd:int ; aff4:compressionMethod <{method}> .
<aff4://notes> a aff4:CaseNotes ; aff4:target <{IMAGE}> ; aff4:caseNumber "C-1" ; aff4:examiner "Ana Example" .
"""


def container(
    stream: bytes,
    entries: Sequence[MapEntry],
    size: int,
    *,
    pack: str = "snappy",
    digest: str = "sha1",
    others: Sequence[str] = (),
    describe: Callable[[str], str] = lambda text: text,
    facts: str = "",
) -> bytes:
    """The archive. `others` are the streams after the first that `entries` may name; `describe` changes the graph."""
    method, packer = PACK[pack]
    members: dict[str, bytes] = {"container.description": VOLUME.encode(), "version.txt": b"major=1\nminor=0\n"}
    for number in range(-(-len(stream) // CHUNK // 4)):
        bevy, index, digests = b"", b"", b""
        for at in range(number * 4 * CHUNK, min((number + 1) * 4 * CHUNK, len(stream)), CHUNK):
            chunk = stream[at : at + CHUNK].ljust(CHUNK, b"\0")
            packed = packer(chunk)
            packed = packed if len(packed) < CHUNK else chunk
            index += struct.pack("<QI", len(bevy), len(packed))
            bevy += packed
            digests += hashlib.new(digest, chunk).digest() if digest else b""
        members |= {f"{STREAM}/{number:08d}": bevy, f"{STREAM}/{number:08d}.index": index}
        members |= {f"{STREAM}/{number:08d}.blockHash.{digest}": digests} if digest else {}
    points = b"".join(struct.pack("<QQQI", *entry) for entry in entries)
    names = "\n".join([STREAM, *others]).encode() + b"\n"
    members |= {f"{MAP}/map": points, f"{MAP}/idx": names, f"{MAP}/mapPath": b""}
    hashes = f'; aff4:mapPointHash "{hashlib.sha512(points).hexdigest()}"^^aff4:SHA512 '
    members["information.turtle"] = describe(turtle(size, len(stream), method, hashes, facts)).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.comment = VOLUME.encode()
        for name, data in members.items():
            base, _, rest = name.removeprefix("aff4://").partition("/")
            archive.writestr(f"{quote('aff4://' + base, safe='')}/{rest}" if name.startswith("aff4:") else name, data)
    return out.getvalue()
