"""The header of a 7z archive (7zFormat.txt of the LZMA SDK), unpacked in memory within a limit, and taken apart."""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from forensics.parsers._contract import ParserInput

SIGNATURE = b"7z\xbc\xaf\x27\x1c"
_START = struct.Struct("<6sBBIQQI")
_HEADER_LIMIT = 64 << 20
_ROUNDS_LIMIT = 4
_MEMBERS_LIMIT = 1 << 19
_COPY, _LZMA2, _LZMA, _AES = b"\0", b"\x21", b"\3\1\1", b"\6\xf1\7\1"
METHODS = {
    _COPY: "copy",
    _LZMA2: "LZMA2",
    _LZMA: "LZMA",
    _AES: "AES-256",
    b"\3": "delta",
    b"\4": "BCJ",
    b"\3\3\1\3": "BCJ",
    b"\3\3\1\x1b": "BCJ2",
    b"\3\4\1": "PPMd",
    b"\4\2\2": "bzip2",
    b"\4\1\x08": "deflate",
}
"""Identifier of a coder -> its name."""


class SevenZipError(ValueError):
    """The header cannot be read; `str()` says why, on one line."""


class Folder(NamedTuple):
    """Streams packed together: how (identifier and properties of each coder), the size of what comes out of each."""

    coders: tuple[tuple[bytes, bytes], ...]
    packed_streams: int
    outputs: int
    main: int

    @property
    def encrypted(self) -> bool:
        return any(identifier == _AES for identifier, _ in self.coders)

    @property
    def method(self) -> str:
        return " ".join(METHODS.get(identifier, identifier.hex()) for identifier, _ in self.coders)


class Streams(NamedTuple):
    """Where the packed bytes are, the folders, the size that each unpacks to, and of each what it is divided into."""

    position: int
    packed: list[int]
    folders: list[Folder]
    sizes: list[int]
    crcs: list[int | None]
    parts: list[list[tuple[int, int | None]]]


_NO_STREAMS = Streams(0, [], [], [], [], [])


class File(NamedTuple):
    """A member: times as FILETIME by their number, size and CRC where it has contents, its folder."""

    name: str
    directory: bool
    size: int
    crc: int | None
    folder: Folder | None
    times: dict[int, int]
    attributes: int | None


class _Bytes:
    """Bytes read in order. Raises SevenZipError at their end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, length: int) -> bytes:
        if length < 0 or self.at + length > len(self.data):
            raise SevenZipError("the header ends before what it says it has")
        self.at += length
        return self.data[self.at - length : self.at]

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        """A number of one to nine bytes: the first bits of the first say how many follow."""
        first, mask, value = self.byte(), 0x80, 0
        for place in range(8):
            if not first & mask:
                return value + ((first & (mask - 1)) << 8 * place)
            value |= self.byte() << 8 * place
            mask >>= 1
        return value

    def count(self) -> int:
        """A number of things, each of which takes room in the header."""
        value = self.number()
        if value > min(len(self.data), _MEMBERS_LIMIT):
            raise SevenZipError(f"it claims {value:,} of something, more than it has room for or than are read")
        return value

    def bits(self, count: int) -> list[bool]:
        data = self.take((count + 7) // 8)
        return [bool(data[index >> 3] & 0x80 >> (index & 7)) for index in range(count)]

    def defined(self, count: int) -> list[bool]:
        return [True] * count if self.byte() else self.bits(count)

    def digests(self, count: int) -> list[int | None]:
        return [int.from_bytes(self.take(4), "little") if there else None for there in self.defined(count)]

    def expect(self, identifier: int) -> None:
        found = self.number()
        if found != identifier:
            raise SevenZipError(f"where {identifier:#x} belongs there is {found:#x}")


def _coder(data: _Bytes) -> tuple[bytes, bytes, int, int]:
    flags = data.byte()
    identifier = data.take(flags & 15)
    inputs, outputs = (data.count(), data.count()) if flags & 0x10 else (1, 1)
    return identifier, data.take(data.number()) if flags & 0x20 else b"", inputs, outputs


def _folder(data: _Bytes) -> Folder:
    coders = [_coder(data) for _ in range(data.count())]
    inputs, outputs = sum(coder[2] for coder in coders), sum(coder[3] for coder in coders)
    if not 0 < outputs <= 64 or inputs > 64:
        raise SevenZipError(f"a folder has {outputs} outputs and {inputs} inputs")
    bound = [(data.number(), data.number())[1] for _ in range(outputs - 1)]
    packed = inputs - len(bound)
    if packed > 1:
        for _ in range(packed):
            data.number()
    main = next((number for number in range(outputs) if number not in bound), 0)
    return Folder(tuple((coder[0], coder[1]) for coder in coders), packed, outputs, main)


def _packed(data: _Bytes) -> tuple[int, list[int]]:
    position, count, sizes = data.number(), data.count(), []
    while (identifier := data.number()) != 0:
        if identifier == 9:
            sizes = [data.number() for _ in range(count)]
        elif identifier == 10:
            data.digests(count)
        else:
            raise SevenZipError(f"{identifier:#x} stands among the packed streams")
    return position, sizes


def _folders(data: _Bytes) -> tuple[list[Folder], list[int], list[int | None]]:
    data.expect(11)
    count = data.count()
    if data.byte():
        raise SevenZipError("its folders are kept outside of the header")
    folders = [_folder(data) for _ in range(count)]
    data.expect(12)
    sizes = [[data.number() for _ in range(folder.outputs)][folder.main] for folder in folders]
    crcs: list[int | None] = [None] * count
    while (identifier := data.number()) != 0:
        if identifier != 10:
            raise SevenZipError(f"{identifier:#x} stands among the folders")
        crcs = data.digests(count)
    return folders, sizes, crcs


def _divided(data: _Bytes, found: Streams) -> list[list[tuple[int, int | None]]]:
    """The parts of every folder, by SubStreamsInfo."""
    counts, identifier = [1] * len(found.folders), data.number()
    if identifier == 13:
        counts = [data.count() for _ in found.folders]
        identifier = data.number()
    if sum(counts) > min(len(data.data), _MEMBERS_LIMIT):
        raise SevenZipError("it claims more streams than it has room for")
    sizes: list[list[int]] = []
    for whole, count in zip(found.sizes, counts, strict=True):
        told = [data.number() for _ in range(count - 1)] if identifier == 9 else [0] * (count - 1)
        sizes.append([*told, whole - sum(told)] if count else [])
    if identifier == 9:
        identifier = data.number()
    known = [crc if count == 1 else None for crc, count in zip(found.crcs, counts, strict=True)]
    unknown = sum(count for crc, count in zip(known, counts, strict=True) if crc is None)
    told_crcs: Iterator[int | None] = iter(())
    while identifier != 0:
        if identifier == 10:
            told_crcs = iter(data.digests(unknown))
        identifier = data.number()
    return [
        [(size, crc if crc is not None else next(told_crcs, None)) for size in parts]
        for crc, parts in zip(known, sizes, strict=True)
    ]


def _streams(data: _Bytes) -> Streams:
    found = _NO_STREAMS
    divided = None
    while (identifier := data.number()) != 0:
        if identifier == 6:
            position, packed = _packed(data)
            found = found._replace(position=position, packed=packed)
        elif identifier == 7:
            folders, sizes, crcs = _folders(data)
            found = found._replace(folders=folders, sizes=sizes, crcs=crcs)
        elif identifier == 8:
            divided = _divided(data, found)
        else:
            raise SevenZipError(f"{identifier:#x} stands among the streams")
    whole = [[(size, crc)] for size, crc in zip(found.sizes, found.crcs, strict=True)]
    return found._replace(parts=whole if divided is None else divided)


def _filters(identifier: bytes, properties: bytes, size: int) -> list[dict[str, Any]]:
    """What lzma is to undo; the dictionary need be no larger than what comes out."""
    room = max(4096, min(size, _HEADER_LIMIT))
    if identifier == _LZMA and len(properties) == 5 and properties[0] < 225:
        rest, lc = divmod(properties[0], 9)
        pb, lp = divmod(rest, 5)
        return [{"id": lzma.FILTER_LZMA1, "dict_size": room, "lc": lc, "lp": lp, "pb": pb}]
    if identifier == _LZMA2:
        return [{"id": lzma.FILTER_LZMA2, "dict_size": room}]
    raise SevenZipError(f"the header is packed with {METHODS.get(identifier, identifier.hex())}, which is not undone")


def _unpacked(source: ParserInput, streams: Streams) -> bytes:
    """The header that these streams hold. Raises SevenZipError."""
    if len(streams.folders) != 1 or not streams.packed:
        raise SevenZipError("the packed header is not in one piece")
    folder, size, crc = streams.folders[0], streams.sizes[0], streams.crcs[0]
    if folder.encrypted:
        raise SevenZipError("the header is encrypted: names cannot be listed without the password")
    if size > _HEADER_LIMIT or len(folder.coders) != 1:
        raise SevenZipError(f"the packed header is said to be {size:,} bytes, more than is read")
    data = source.read_at(_START.size + streams.position, min(streams.packed[0], _HEADER_LIMIT))
    identifier, properties = folder.coders[0]
    if identifier != _COPY:
        try:
            decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_filters(identifier, properties, size))
            data = decoder.decompress(data, size)
        except (lzma.LZMAError, ValueError) as error:
            raise SevenZipError(f"the packed header is damaged: {error}") from error
    if len(data) != size or (crc is not None and zlib.crc32(data) != crc):
        raise SevenZipError("the packed header is damaged: its checksum is wrong")
    return data


def header(source: ParserInput) -> tuple[bytes, tuple[int, int]]:
    """The header in plain, and its place in the file; b"" for an empty archive. Raises SevenZipError."""
    start = source.read_at(0, _START.size)
    if len(start) < _START.size:
        raise SevenZipError("the file ends within its first header")
    _, _, _, start_crc, offset, size, crc = _START.unpack(start)
    if zlib.crc32(start[12:]) != start_crc:
        raise SevenZipError("the first header is damaged: its checksum is wrong")
    if size > _HEADER_LIMIT or _START.size + offset + size > source.size:
        raise SevenZipError("the header at the archive's end is missing: it is cut, or a part of several")
    place = _START.size + offset, size
    data = source.read_at(*place)
    if zlib.crc32(data) != crc:
        raise SevenZipError("the header is damaged: its checksum is wrong")
    for _ in range(_ROUNDS_LIMIT):
        if data[:1] != b"\x17":
            return data, place
        data = _unpacked(source, _streams(_Bytes(data[1:])))
    raise SevenZipError("the header is packed in itself again and again")


def _names(data: _Bytes, end: int, count: int) -> list[str]:
    if data.byte():
        raise SevenZipError("its names are kept outside of the header")
    names = data.take(end - data.at).decode("utf-16-le", "backslashreplace").split("\0")
    if len(names) < count:
        raise SevenZipError("it has fewer names than members")
    return names


def _values(data: _Bytes, count: int, length: int) -> list[int | None]:
    there = data.defined(count)
    if data.byte():
        raise SevenZipError("values are kept outside of the header")
    return [int.from_bytes(data.take(length), "little") if known else None for known in there]


def _files(data: _Bytes, streams: Streams) -> Iterator[File]:
    count = data.count()
    empty, no_directory = [False] * count, [False] * count
    names: list[str] = [""] * count
    columns: dict[int, list[int | None]] = {}
    while (kind := data.number()) != 0:
        length = data.number()
        end = data.at + length
        if kind == 14:
            empty = data.bits(count)
        elif kind == 15:
            told = iter(data.bits(sum(empty)))
            no_directory = [is_empty and next(told) for is_empty in empty]
        elif kind == 17:
            names = _names(data, end, count)
        elif kind in (18, 19, 20, 21):
            columns[kind] = _values(data, count, 4 if kind == 21 else 8)
        data.at = data.at if end > len(data.data) else end
        if end > len(data.data):
            raise SevenZipError("the header ends before what it says it has")
    contents = ((folder, *part) for folder, parts in zip(streams.folders, streams.parts, strict=True) for part in parts)
    for number in range(count):
        times = {kind: values[number] or 0 for kind, values in columns.items() if kind != 21}
        attributes = columns[21][number] if 21 in columns else None
        if empty[number]:
            yield File(names[number], not no_directory[number], 0, None, None, times, attributes)
        else:
            folder, size, crc = next(contents, (None, 0, None))
            yield File(names[number], False, size, crc, folder, times, attributes)


def files(plain: bytes) -> Iterator[File]:
    """The members that a header lists. Raises SevenZipError."""
    if not plain:
        return
    data = _Bytes(plain)
    data.expect(1)
    streams = _NO_STREAMS
    while (kind := data.number()) != 0:
        if kind == 2:  # properties of the archive
            while data.number() != 0:
                data.take(data.number())
        elif kind in (3, 4):
            found = _streams(data)
            streams = found if kind == 4 else streams
        elif kind == 5:
            yield from _files(data, streams)
        else:
            raise SevenZipError(f"{kind:#x} stands in the header")
