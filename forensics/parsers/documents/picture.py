"""What cameras and programs write about a picture: Exif 2.32 and 3.0 (CIPA DC-008), XMP, PNG's texts.

By our own reader of TIFF directories: the libraries tried pass over damage in silence (docs/formats.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from forensics.model import Artefact, Problem
from forensics.parsers._clock import SECOND, CivilTime, ImpossibleTimeError, nanoseconds
from forensics.parsers._contract import HEAD_BYTES, ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._stated import Stated, by_clock, stated
from forensics.parsers._xml import SIZE_LIMIT
from forensics.parsers.documents._pictures import EXIF, Picture, reader_of
from forensics.parsers.documents._tiff import Part, Tiff, Value, decimal, text_of
from forensics.parsers.documents._xmp import described

_NAME, _VERSION = "picture", "1"
_EXIF_KIND, _GPS_KIND, _XMP_KIND, _TEXT_KIND = "picture.exif", "picture.gps", "picture.xmp", "picture.text"
_MAIN = {
    0x00FE: "subfile",
    0x0100: "width",
    0x0101: "height",
    0x010D: "document_name",
    0x010E: "description",
    0x010F: "make",
    0x0110: "model",
    0x0112: "orientation",
    0x0131: "software",
    0x0132: "changed",
    0x013B: "artist",
    0x013C: "host_computer",
    0x8298: "copyright",
    0x8769: "exif directory",
    0x8825: "gps directory",
    0x9C9B: "title",
    0x9C9C: "comment",
    0x9C9D: "author",
    0x9C9E: "keywords",
    0x9C9F: "subject",
    0xC614: "camera_model",
    0xC62F: "camera_serial",
}
_PHOTO = {
    0x9000: "exif_version",
    0x9003: "taken",
    0x9004: "digitised",
    0x9010: "changed offset",
    0x9011: "taken offset",
    0x9012: "digitised offset",
    0x927C: "maker_note",
    0x9286: "user_comment",
    0x9290: "changed fraction",
    0x9291: "taken fraction",
    0x9292: "digitised fraction",
    0xA002: "pixel_width",
    0xA003: "pixel_height",
    0xA420: "image_id",
    0xA430: "owner",
    0xA431: "body_serial",
    0xA433: "lens_make",
    0xA434: "lens_model",
    0xA435: "lens_serial",
}
_GPS = {
    0x01: "latitude side",
    0x02: "latitude",
    0x03: "longitude side",
    0x04: "longitude",
    0x05: "altitude side",
    0x06: "altitude",
    0x07: "time",
    0x09: "status",
    0x0C: "speed unit",
    0x0D: "speed",
    0x10: "direction_from",
    0x11: "direction",
    0x12: "datum",
    0x1B: "method",
    0x1D: "date",
    0x1F: "error_metres",
}
_THUMBNAIL = {0x0103: "compression", 0x0201: "thumbnail at", 0x0202: "thumbnail_bytes"}
_UTF16 = ("title", "comment", "author", "keywords", "subject")
"""Windows' own tags: UTF-16."""
_CODED = ("user_comment", "method")
"""Texts behind eight bytes that name their encoding (Exif section 4.6.5, UserComment)."""
_ENCODINGS = {b"UNICODE\0": "utf-16", b"ASCII\0\0\0": "utf-8", b"JIS\0\0\0\0\0": "iso2022_jp"}
_DATE = re.compile(
    r"(\d{4})[:\-/.](\d\d)[:\-/.](\d\d)[ T](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s*([Zz]|[+-]\d\d:\d\d)?"
)
_DAY = re.compile(r"(\d{4})[:\-/.](\d\d)[:\-/.](\d\d)")
_OFFSET = re.compile(r"[+-]\d\d:\d\d|[Zz]")
_DEGREES = re.compile(r"(\d{1,3}),(\d{1,2})(?:,(\d{1,2}(?:\.\d*)?)|(\.\d*))?([NSEW])")


class _Place(NamedTuple):
    """Where one piece of metadata stands in the file, and the picture that holds it."""

    facts: Facts
    picture: Picture
    part: Part

    @property
    def place(self) -> tuple[int, int]:
        return self.part.start, self.part.length


def _coded(data: bytes) -> str:
    text = data[8:].decode(_ENCODINGS.get(data[:8], "utf-8"), "backslashreplace")
    return text.strip("\0 ")


def _field(name: str, value: Value) -> str:
    if name == "maker_note":
        return f"{len(value)} bytes"
    if isinstance(value, bytes) and name in _UTF16:
        return value.decode("utf-16-le", "backslashreplace").rstrip("\0")
    if isinstance(value, bytes) and name in _CODED:
        return _coded(value)
    if isinstance(value, bytes) and value.rstrip(b"\0").isascii():
        return value.rstrip(b"\0").decode("ascii")
    return text_of(value)


def _named(tags: Mapping[int, Value], names: Mapping[int, str]) -> dict[str, str]:
    return {names[tag]: _field(names[tag], value) for tag, value in tags.items()}


def _exif_time(written: dict[str, str], name: str, facts: Facts) -> Stated | None:
    """A time of Exif with its fraction and offset; None where it says none. Raises ImpossibleTimeError."""
    text = written.get(name, "").strip()
    if not text.strip(" :0"):
        return None  # how cameras write that they do not know
    found = _DATE.fullmatch(text)
    if found is None:
        raise ImpossibleTimeError("it is not of the form YYYY:MM:DD HH:MM:SS")
    *parts, fraction, offset = found.groups()
    digits = written.get(f"{name} fraction", "").strip()
    if not fraction and digits.isascii() and digits.isdigit():
        fraction, text = digits, f"{text}.{digits}"
    told = written.get(f"{name} offset", "").strip()
    if offset is None and _OFFSET.fullmatch(told):
        offset, text = told, f"{text} {told}"
    time = CivilTime(*(int(part) for part in parts))
    return stated(time, facts.source.zone, text, nanos=nanoseconds(fraction), offset=offset)


def _exif_times(at: _Place, written: dict[str, str]) -> Iterator[tuple[str, Stated] | Problem]:
    for name in ("taken", "digitised", "changed"):
        try:
            time = _exif_time(written, name, at.facts)
        except ImpossibleTimeError as error:
            yield at.facts.problem(f"the time {name} is {written[name]!r}: {error}", at.place)
        else:
            if time is not None:
                yield name, time


def _degrees(value: Value | None, side: str) -> str | None:
    """Degrees, minutes and seconds with their side as signed decimal degrees; None where they say no place.

    Parts over zero are what writers put for "none": the position is then told by the parts before.
    """
    if not isinstance(value, tuple) or not value or value[0] is None or side.upper() not in tuple("NSEW"):
        return None
    total = sum(((part or Fraction(0)) / 60**power for power, part in enumerate(value[:3])), Fraction(0))
    if not 0 <= total <= (90 if side.upper() in "NS" else 180):
        return None
    return decimal(-total if side.upper() in "SW" else total)


def _gps_time(tags: Mapping[int, Value], written: dict[str, str]) -> Moment | None:
    """GPSDateStamp and GPSTimeStamp, which are UTC; None where one is missing. Raises ImpossibleTimeError."""
    clock, day = tags.get(0x07), _DAY.fullmatch(written.get("date", ""))
    if day is None or not isinstance(clock, tuple) or len(clock) != 3 or None in clock:
        return None
    hours, minutes, seconds = (part or Fraction(0) for part in clock)
    year, month, date_day = map(int, day.groups())
    date = CivilTime(year, month, date_day, int(hours), int(minutes), int(seconds))
    nanos = int((seconds - int(seconds)) * SECOND)
    return Moment(date.epoch_seconds() * SECOND + nanos, f"{written['date']} {written['time']}")


def _position(at: _Place, tags: Mapping[int, Value]) -> Iterator[Artefact | Problem]:
    written = _named(tags, _GPS)
    fields: dict[str, object] = {
        name: written[name]
        for name in ("status", "direction_from", "direction", "datum", "method", "error_metres")
        if name in written
    }
    for name, tag in (("latitude", 0x02), ("longitude", 0x04)):
        side = written.get(f"{name} side", "")
        degrees = _degrees(tags.get(tag), side)
        if tag in tags and degrees is None:
            yield at.facts.problem(f"the {name} {written[name]!r} {side!r} is no position", at.place)
        elif degrees is not None:
            fields |= {name: degrees, f"{name}_written": f"{written[name]} {side}"}
    if "altitude" in written:
        below = written.get("altitude side", "0") in ("1", "3")
        fields["altitude_metres"] = f"{'-' if below else ''}{written['altitude']}"
    if "speed" in written:
        fields["speed"] = f"{written['speed']} {written.get('speed unit', '')}"
    try:
        moment = _gps_time(tags, written)
    except ImpossibleTimeError as error:
        yield at.facts.problem(f"the time of the position is impossible: {error}", at.place)
        moment = None
    if moment is not None or "latitude" in fields or "longitude" in fields:
        yield at.facts.artefact(_GPS_KIND, {"positioned": moment} if moment else {}, fields, place=at.place)


def _pointer(tags: Mapping[int, Value], tag: int) -> int:
    value = tags.get(tag)
    return int(value[0]) if isinstance(value, tuple) and value and value[0] is not None else 0


def _exif(at: _Place) -> Iterator[Artefact | Problem]:
    tiff = Tiff(at.part)
    main, following = tiff.directory(tiff.first, _MAIN)
    photo, _ = tiff.directory(_pointer(main, 0x8769), _PHOTO)
    position, _ = tiff.directory(_pointer(main, 0x8825), _GPS)
    is_file = at.picture.format == "TIFF"
    thumbnail = {} if is_file else tiff.directory(following, _THUMBNAIL)[0]
    written = {
        **_named(main, _MAIN),
        **_named(photo, _PHOTO),
        **_named(thumbnail, {0x0202: "thumbnail_bytes"} | _THUMBNAIL),
    }
    times = {}
    for found in _exif_times(at, written):
        if isinstance(found, Problem):
            yield found
        else:
            times[found[0]] = found[1]
    fields = _shown(at.picture, written, is_file)
    if times or fields.keys() - {"format", "width", "height", "orientation"}:
        yield from by_clock(at.facts, _EXIF_KIND, times, fields, at.place)
    yield from _position(at, position)
    if tiff.problems:
        reasons = "; ".join(dict.fromkeys(tiff.problems))
        yield at.facts.problem(f"the Exif data is damaged: {reasons}", at.place)


def _shown(picture: Picture, written: dict[str, str], is_file: bool) -> dict[str, object]:
    """The fields of `picture.exif`: what is a time, a pointer or the size of another picture is left out."""
    fields: dict[str, object] = {"format": picture.format}
    if is_file and written.get("subfile", "0") == "0":
        fields |= {"width": written.get("width"), "height": written.get("height")}
    elif not is_file and picture.width:
        fields |= {"width": picture.width, "height": picture.height}
    left_out = {"subfile", "width", "height", "taken", "digitised", "changed", "compression"}
    return fields | {name: text for name, text in written.items() if " " not in name and name not in left_out and text}


def _xmp_degrees(text: str) -> str | None:
    """XMP's "53,24.43N" or "53,24,26N" as signed decimal degrees (XMP part 2, section 1.2.7.4)."""
    found = _DEGREES.fullmatch(text.strip())
    if found is None:
        return None
    degrees, minutes, seconds, fraction, side = found.groups()
    parts = (
        Fraction(degrees),
        Fraction(minutes + (fraction or "").rstrip(".")),
        Fraction((seconds or "0").rstrip(".")),
    )
    return _degrees(parts, side)


def _xmp(at: _Place) -> Iterator[Artefact | Problem]:
    def placed(fields: dict[str, object]) -> None:
        for name in ("latitude", "longitude"):
            fields[name] = _xmp_degrees(str(fields.get(f"{name}_written", "")))

    yield from described(at.facts, _XMP_KIND, at.part.read(0, SIZE_LIMIT), at.place, placed)


def _texts(facts: Facts, picture: Picture) -> Iterator[Artefact | Problem]:
    """What a container says in texts of its own; PNG's tIME is UTC (PNG section 11.3.3.4)."""
    times = {}
    if len(picture.changed) == 7:
        data = picture.changed
        try:
            day = CivilTime(int.from_bytes(data[:2], "big"), *tuple(data[2:7]))
            times["changed"] = Moment(day.epoch_seconds() * SECOND, data.hex())
        except ImpossibleTimeError as error:
            yield facts.problem(f"the time of the last change is impossible: {error}")
    if picture.texts or times:
        size = {"width": picture.width or "", "height": picture.height or ""}
        yield facts.artefact(_TEXT_KIND, times, {"format": picture.format, **size, **picture.texts})


@dataclass(frozen=True, slots=True)
class PictureParser:
    """Artefacts `picture.exif`: times taken, digitised, changed (with fractions; UTC where the offset is told, else
    local), fields make, model, body_serial, software and others. `picture.gps`: time positioned (UTC), latitude and
    longitude in signed decimal degrees. `picture.xmp` and `picture.text` (PNG, comments of JPEG): what they say.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_EXIF_KIND, _GPS_KIND, _XMP_KIND, _TEXT_KIND)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the signature of the container."""
        return reader_of(head) is not None

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The parts in the order of the file; nothing for a picture without any. See `Parser.parse`."""
        facts = Facts(source, self.name, self.version)
        reader = reader_of(source.read_at(0, HEAD_BYTES))
        if reader is None:
            yield facts.problem("the container of the picture is not known")
            return
        picture = reader(source)
        for kind, part in picture.parts:
            yield from (_exif if kind == EXIF else _xmp)(_Place(facts, picture, part))
        yield from _texts(facts, picture)
        yield from (facts.problem(reason) for reason in picture.problems)


PARSER = PictureParser()
