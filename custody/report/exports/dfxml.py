"""The list of files that the examinations found, as DFXML (version 1.2.0 of its schema), a file at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

from custody.report.exports._contract import ListedFile, Material
from custody.report.phrase import visible

FILE = "files.dfxml"

_TIMES = {"modified": "mtime", "changed": "ctime", "accessed": "atime", "created": "crtime"}
_KINDS = {"file": "r", "directory": "d", "link": "l", "fifo": "p", "socket": "s", "character": "c", "block": "b"}


def _element(name: str, text: str, attributes: str = "") -> str:
    return f"<{name}{attributes}>{escape(visible(text, 1 << 20))}</{name}>" if text else ""


def _file(item: ListedFile) -> bytes:
    kind = _KINDS.get(item.type, "-")
    parts = [
        _element("filename", f"{item.volume}:{item.path}" if item.volume else item.path),
        _element("name_type", kind),
        _element("filesize", item.size),
        _element("alloc", "1" if item.allocated else "0"),
        _element("inode", item.meta),
        *(_element(_TIMES[name], at) for name, at in item.times.items() if name in _TIMES),
        *(_element("hashdigest", value, f' type="{name}"') for name, value in item.digests.items()),
    ]
    return f"    <fileobject>{''.join(parts)}</fileobject>\n".encode()


def make(material: Material) -> Iterable[bytes]:
    """The document of a report, a file at a time."""
    tool = material.report.tools[-1].tool if material.report.tools else ()
    said = f"Integrity of the record: {material.report.integrity.headline}"
    return document(material.report.reference, _version(tool), material.files(), said)


def document(identifier: str, version: str, files: Iterable[ListedFile], description: str = "") -> Iterator[bytes]:
    """The document, a file at a time. The exhibit is the source of its volumes; the volume is part of each path."""
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<dfxml version="1.2.0" xmlns="http://www.forensicswiki.org/wiki/Category:Digital_Forensics_XML"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/">\n'
        f"  <metadata><dc:type>File list</dc:type>{_element('dc:identifier', identifier)}"
        f"{_element('dc:description', description)}</metadata>\n"
        f"  <creator><program>evikit</program>{_element('version', version)}</creator>\n"
    ).encode()
    place: tuple[str, str] | None = None
    for item in files:
        if place != (item.exhibit, item.volume):
            yield b"  </volume>\n" if place is not None else b""
            place = (item.exhibit, item.volume)
            yield b"  <volume>\n"
            yield f"    <source>{_element('image_filename', item.exhibit)}</source>\n".encode()
        yield _file(item)
    yield b"  </volume>\n" if place is not None else b""
    yield b"</dfxml>\n"


def _version(tool: object) -> str:
    words = "".join(str(getattr(piece, "text", piece)) for piece in tool) if isinstance(tool, tuple) else ""
    return words.partition(" ")[2].partition(" ")[0]
