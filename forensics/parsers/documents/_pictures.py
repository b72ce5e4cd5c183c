"""Where pictures keep what is said about them: the containers of JPEG, PNG, WebP, HEIF and TIFF, never the pixels.

JPEG (ITU-T T.81, Exif 2.32 section 4.5), PNG (third edition), WebP (RFC 9649), HEIF and AVIF (ISO 14496-12 and
23008-12), TIFF 6.0.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from forensics.parsers._contract import ParserInput
from forensics.parsers.documents._tiff import Part

EXIF, XMP = "exif", "xmp"
_STEPS_LIMIT = 200_000
_EXIF_HEAD = b"Exif\0\0"
_XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_KEYWORD = b"XML:com.adobe.xmp"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOFn: T.81 table B.1
_TEXT_LIMIT = 8192
_PARTS_LIMIT, _TEXTS_LIMIT = 64, 256
_TOO_MANY = f"only the first {_PARTS_LIMIT} parts with Exif or XMP are read"
_BOXES_LIMIT = 1 << 20
_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis", b"heim", b"heis")


@dataclass(slots=True)
class Picture:
    """What a picture's container holds: its size in pixels (0 where not said), the parts with Exif and XMP, texts of
    its own (name -> text), the time it states of its last change (PNG, seven bytes), and what is wrong with it.
    """

    format: str
    width: int = 0
    height: int = 0
    parts: list[tuple[str, Part]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    changed: bytes = b""
    problems: list[str] = field(default_factory=list)

    def add(self, kind: str, part: Part) -> None:
        """Take a part, as long as there are not too many."""
        if len(self.parts) < _PARTS_LIMIT:
            self.parts.append((kind, part))
        elif _TOO_MANY not in self.problems:
            self.problems.append(_TOO_MANY)

    def say(self, name: str, text: str) -> None:
        """Take a text, the first of its name."""
        if len(self.texts) < _TEXTS_LIMIT:
            self.texts.setdefault(name, text)


def _part(source: ParserInput, start: int, length: int) -> Part:
    return Part(start, max(0, min(length, source.size - start)), source.read_at)


def _exif(source: ParserInput, start: int, length: int) -> tuple[str, Part]:
    """Exif data, which some writers begin with JPEG's own head."""
    skipped = len(_EXIF_HEAD) if source.read_at(start, len(_EXIF_HEAD)) == _EXIF_HEAD else 0
    return EXIF, _part(source, start + skipped, length - skipped)


def _jpeg_segments(source: ParserInput, picture: Picture) -> Iterator[tuple[int, int, int]]:
    """Marker, start and length of what each segment before the pixels holds."""
    at = 2
    for _ in range(_STEPS_LIMIT):
        head = source.read_at(at, 4)
        if len(head) < 4 or head[0] != 0xFF:
            picture.problems.append(f"the JPEG segments end at byte {at:,}, before the picture's data")
            return
        if head[1] == 0xFF:  # fill
            at += 1
            continue
        if head[1] in (0xDA, 0xD9):
            return
        length = struct.unpack(">H", head[2:])[0]
        yield head[1], at + 4, length - 2
        at += 2 + max(2, length)


def _jpeg(source: ParserInput) -> Picture:
    picture = Picture("JPEG")
    for marker, start, length in _jpeg_segments(source, picture):
        head = source.read_at(start, min(max(0, length), len(_XMP_HEAD)))
        if marker == 0xE1 and head.startswith(_EXIF_HEAD):
            picture.add(*_exif(source, start, length))
        elif marker == 0xE1 and head == _XMP_HEAD:
            picture.add(XMP, _part(source, start + len(head), length - len(head)))
        elif marker in _FRAMES and len(head) >= 5:
            picture.height, picture.width = struct.unpack(">HH", head[1:5])
        elif marker == 0xFE:
            comment = source.read_at(start, min(max(0, length), _TEXT_LIMIT))
            picture.say("comment", comment.decode("utf-8", "backslashreplace"))
    return picture


def _png_text(picture: Picture, source: ParserInput, name: bytes, start: int, length: int) -> None:
    data = source.read_at(start, min(length, _TEXT_LIMIT))
    keyword, _, text = data.partition(b"\0")
    if name == b"iTXt" and keyword == _XMP_KEYWORD and text[:1] == b"\0":
        languages = text[2:].split(b"\0", 2)
        if len(languages) == 3:
            begins = len(data) - len(languages[2])
            picture.add(XMP, _part(source, start + begins, length - begins))
        return
    if name == b"iTXt":
        if text[:1] != b"\0":  # compressed
            return
        text = text[2:].split(b"\0", 2)[-1]
    encoding = "utf-8" if name == b"iTXt" else "latin-1"
    shown = keyword.decode("latin-1").lower().replace(" ", "_")
    picture.say(f"text.{shown}", text.decode(encoding, "backslashreplace"))


def _png(source: ParserInput) -> Picture:
    picture, at = Picture("PNG"), 8
    for _ in range(_STEPS_LIMIT):
        head = source.read_at(at, 8)
        if len(head) < 8:
            picture.problems.append(f"the PNG chunks end at byte {at:,}, before the one that closes the picture")
            return picture
        length, name = struct.unpack(">I4s", head)
        start = at + 8
        if name == b"IHDR" and length >= 8:
            picture.width, picture.height = struct.unpack(">II", source.read_at(start, 8).ljust(8, b"\0"))
        elif name == b"eXIf":
            picture.add(*_exif(source, start, length))
        elif name in (b"tEXt", b"iTXt"):
            _png_text(picture, source, name, start, length)
        elif name == b"tIME":
            picture.changed = source.read_at(start, min(length, 7))
        elif name == b"IEND":
            return picture
        at = start + length + 4
    return picture


def _webp_size(name: bytes, data: bytes) -> tuple[int, int] | None:
    """Width and height by RFC 9649 sections 2.5 to 2.7."""
    if name == b"VP8X":
        return int.from_bytes(data[4:7], "little") + 1, int.from_bytes(data[7:10], "little") + 1
    if name == b"VP8L":
        bits = int.from_bytes(data[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if name == b"VP8 ":
        return int.from_bytes(data[6:8], "little") & 0x3FFF, int.from_bytes(data[8:10], "little") & 0x3FFF
    return None


def _webp(source: ParserInput) -> Picture:
    picture, at = Picture("WebP"), 12
    end = min(source.size, int.from_bytes(source.read_at(4, 4), "little") + 8)
    for _ in range(_STEPS_LIMIT):
        head = source.read_at(at, 8)
        if at >= end or len(head) < 8:
            break
        name, length = struct.unpack("<4sI", head)
        start = at + 8
        size = _webp_size(name, source.read_at(start, 10))
        if size is not None and not picture.width:
            picture.width, picture.height = size
        if name == b"EXIF":
            picture.add(*_exif(source, start, length))
        elif name == b"XMP ":
            picture.add(XMP, _part(source, start, length))
        at = start + length + length % 2
    if at > source.size:
        picture.problems.append("the file ends before its last WebP chunk does")
    return picture


def _tiff(source: ParserInput) -> Picture:
    return Picture("TIFF", parts=[(EXIF, _part(source, 0, source.size))])


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of what each box of `data` holds (ISO 14496-12 section 4.2)."""
    while start + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1 and start + 16 <= end:
            size, head = struct.unpack_from(">Q", data, start + 8)[0], 16
        if size == 0:
            size = end - start
        if size < head:
            return
        yield name, start + head, min(end, start + size)
        start += size


def _number(data: bytes, at: int, length: int) -> int:
    return int.from_bytes(data[at : at + length], "big")


def _items(data: bytes, start: int, end: int) -> Iterator[tuple[int, str]]:
    """Item number -> what it is, of the `iinf` box (section 8.11.6): only Exif and XMP."""
    entries = start + (6 if data[start : start + 1] == b"\0" else 8)
    for name, first, last in _boxes(data, entries, end):
        wide = 4 if data[first : first + 1] == b"\3" else 2
        kind = data[first + 6 + wide : first + 10 + wide]
        if name == b"infe" and kind == b"Exif":
            yield _number(data, first + 4, wide), EXIF
        elif name == b"infe" and kind == b"mime" and b"application/rdf+xml" in data[first:last]:
            yield _number(data, first + 4, wide), XMP


def _places(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Item number, way of construction, offset and length of every item of `iloc` (section 8.11.3) in one piece."""
    version = _number(data, start, 1)
    sizes = _number(data, start + 4, 2)
    offsets, lengths, base, index = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, sizes & 15
    wide = 4 if version == 2 else 2
    at = start + 6 + wide
    for _ in range(_number(data, start + 6, wide)):
        if at >= end:
            return
        item, way = _number(data, at, wide), 0
        at += wide
        if version in (1, 2):
            way = _number(data, at, 2) & 15
            at += 2
        begin = _number(data, at + 2, base)
        at += 2 + base
        extents = _number(data, at, 2)
        at += 2
        step = (index if version in (1, 2) else 0) + offsets + lengths
        if extents == 1:
            place = at + step - offsets - lengths
            yield item, way, begin + _number(data, place, offsets), _number(data, place + offsets, lengths)
        at += extents * step


def _heif_meta(source: ParserInput, picture: Picture, data: bytes) -> None:
    boxes = {name: (start, end) for name, start, end in _boxes(data, 4, len(data))}
    items = dict(_items(data, *boxes[b"iinf"])) if b"iinf" in boxes else {}
    if b"iprp" in boxes:
        for _, start, end in _boxes(data, *boxes[b"iprp"]):
            for name, first, _ in _boxes(data, start, end):
                if name == b"ispe":  # of the picture, its tiles and thumbnails: the largest is the picture
                    size = _number(data, first + 4, 4), _number(data, first + 8, 4)
                    picture.width, picture.height = max(size, (picture.width, picture.height))
    for item, way, offset, length in _places(data, *boxes[b"iloc"]) if b"iloc" in boxes else ():
        if item in items and way == 0:
            if items[item] == EXIF:
                skipped = 4 + int.from_bytes(source.read_at(offset, 4), "big")
                picture.add(*_exif(source, offset + skipped, length - skipped))
            else:
                picture.add(XMP, _part(source, offset, length))


def _heif(source: ParserInput) -> Picture:
    picture, at = Picture("AVIF" if source.read_at(8, 3) == b"avi" else "HEIF"), 0
    for _ in range(_STEPS_LIMIT):
        head = source.read_at(at, 16)
        found = next(_boxes(head.ljust(16, b"\0"), 0, 16), None) if len(head) >= 8 else None
        if found is None:
            break
        name, start, _ = found
        size = _number(head, 0, 4) if start == 8 else _number(head, 8, 8)
        if name == b"meta":
            length = (size or source.size) - start
            data = source.read_at(at + start, min(length, _BOXES_LIMIT))
            _heif_meta(source, picture, data)
            if len(data) < length:
                picture.problems.append(f"the box that describes the picture is said to have {length:,} bytes")
            return picture
        if size == 0:
            break
        at += size
    picture.problems.append("no box that describes the picture was found")
    return picture


_FORMATS: tuple[tuple[Callable[[bytes], bool], Callable[[ParserInput], Picture]], ...] = (
    (lambda head: head.startswith(b"\xff\xd8\xff"), _jpeg),
    (lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    (lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", _webp),
    (lambda head: head[4:8] == b"ftyp" and head[8:12] in _BRANDS, _heif),
    (lambda head: head[:4] in (b"II*\0", b"MM\0*"), _tiff),
)


def reader_of(head: bytes) -> Callable[[ParserInput], Picture] | None:
    """What reads the container that begins with `head`; None for what is no picture of these formats."""
    return next((reader for is_it, reader in _FORMATS if is_it(head)), None)
