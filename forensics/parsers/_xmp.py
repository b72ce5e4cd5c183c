"""XMP (ISO 16684-1), what programs write about a picture or document in RDF: its simple properties."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.parsers._xml import Element, elements

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


def joined(pairs: Iterator[tuple[str, str]], into: dict[str, str]) -> None:
    """Properties by name, values of one name joined by "; ", as they come: an error costs those after it."""
    for name, value in pairs:
        into[name] = f"{into[name]}; {value}" if name in into else value
