"""XMP (ISO 16684-1), what programs write about a picture or document in RDF: its simple properties."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from forensics.model import Artefact, Problem
from forensics.parsers._clock import ImpossibleTimeError
from forensics.parsers._facts import Facts
from forensics.parsers._stated import Stated, by_clock, iso_time
from forensics.parsers._xml import Element, XmlError, elements

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns# "
_DESCRIPTION = f"{_RDF}Description"
_NAMES = {
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/xap/1.0/mm/": "xmpMM",
    "http://ns.adobe.com/pdf/1.3/": "pdf",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/exif/1.0/aux/": "aux",
}

_TIMES = {
    "xmp:CreateDate": "created",
    "xmp:ModifyDate": "changed",
    "xmp:MetadataDate": "metadata_changed",
    "exif:DateTimeOriginal": "taken",
    "photoshop:DateCreated": "content_created",
}
_FIELDS = {
    "xmp:CreatorTool": "creator_tool",
    "dc:creator": "creator",
    "dc:title": "title",
    "dc:description": "description",
    "dc:rights": "rights",
    "pdf:Producer": "producer",
    "pdf:Keywords": "keywords",
    "tiff:Make": "make",
    "tiff:Model": "model",
    "aux:SerialNumber": "camera_serial",
    "xmpMM:DocumentID": "document_id",
    "xmpMM:InstanceID": "instance_id",
    "xmpMM:OriginalDocumentID": "original_document_id",
    "exif:GPSLatitude": "latitude_written",
    "exif:GPSLongitude": "longitude_written",
}


def _name(written: str) -> str | None:
    space, _, name = written.rpartition(" ")
    return f"{_NAMES[space]}:{name}" if space in _NAMES else None


def _values(element: Element) -> Iterator[tuple[str, str]]:
    """What an element says: properties as attributes of a description, or as the text of its children."""
    path = element.path
    if _DESCRIPTION not in path[:3]:
        return
    inside = path[path.index(_DESCRIPTION) + 1 :]
    if not inside:
        named = ((_name(key), value) for key, value in element.attributes.items())
        yield from ((name, value) for name, value in named if name)
        return
    simple = len(inside) == 1 or (len(inside) == 3 and inside[2] == f"{_RDF}li")
    if simple and element.text and (name := _name(inside[0])):
        yield name, element.text


def properties(packet: bytes) -> Iterator[tuple[str, str]]:
    """Property ("xmp:CreateDate", by the usual prefix of its namespace) and value, several of a list one by one.

    Raises `XmlError` after what could be read; properties that are structures are left out.
    """
    for element in elements(packet.rstrip(b"\0")):
        yield from _values(element)


def _times(facts: Facts, said: dict[str, str], place: tuple[int, int]) -> Iterator[tuple[str, Stated] | Problem]:
    for key, name in _TIMES.items():
        try:
            time = iso_time(said.get(key, ""), facts.source.zone)
        except ImpossibleTimeError as error:
            yield facts.problem(f"the XMP time {key} is {said[key]!r}: {error}", place)
        else:
            if time is not None:
                yield name, time


def described(
    facts: Facts,
    kind: str,
    packet: bytes,
    place: tuple[int, int],
    more: Callable[[dict[str, object]], None] = lambda _: None,
) -> Iterator[Artefact | Problem]:
    """What a packet at `place` says, as artefacts of `kind`; `more` may add to the fields. Values of a list are joined
    by "; ". A packet that is damaged is a problem after what could be read of it.
    """
    said: dict[str, str] = {}
    try:
        for name, value in properties(packet):
            said[name] = f"{said[name]}; {value}" if name in said else value
    except XmlError as error:
        yield facts.problem(f"the XMP data is damaged: {error}", place)
    times: dict[str, Stated] = {}
    for found in _times(facts, said, place):
        if isinstance(found, Problem):
            yield found
        else:
            times[found[0]] = found[1]
    fields: dict[str, object] = {name: said[key] for key, name in _FIELDS.items() if key in said}
    more(fields)
    if times or any(fields.values()):
        yield from by_clock(facts, kind, times, fields, place)
