"""What documents in a ZIP archive say of themselves: Office Open XML (ISO 29500) and OpenDocument (ISO 26300)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from forensics.parsers._xml import Element, XmlError, elements

OPEN_XML, OPEN_DOCUMENT = "office.document", "odf.document"
CORE, META, CONTENT_TYPES = "docProps/core.xml", "meta.xml", "[Content_Types].xml"
SAYING = (CORE, "docProps/app.xml", "docProps/custom.xml", META)
"""Members that are unpacked."""

CORE_SUFFIX = ".psmdcp"
"""How .NET names the core properties, which it puts elsewhere."""

_MACROS = ("vbaproject.bin", "basic/script-lc.xml")
_SIGNED = ("_xmlsignatures/", "meta-inf/documentsignatures.xml")
_FIELDS = {
    "title": "title",
    "subject": "subject",
    "creator": "author",
    "lastModifiedBy": "last_modified_by",
    "revision": "revision",
    "category": "category",
    "keywords": "keywords",
    "description": "description",
    "language": "language",
    "version": "document_version",
    "identifier": "identifier",
    "contentStatus": "status",
    "Application": "application",
    "AppVersion": "application_version",
    "Template": "template",
    "Company": "company",
    "Manager": "manager",
    "TotalTime": "edited_minutes",
    "Pages": "pages",
    "Words": "words",
    "Slides": "slides",
    "HyperlinkBase": "hyperlink_base",
}
_TIMES = {"created": "created", "modified": "modified", "lastPrinted": "printed"}
_META_FIELDS = {
    "generator": "application",
    "initial-creator": "author",
    "creator": "last_modified_by",
    "printed-by": "printed_by",
    "title": "title",
    "subject": "subject",
    "description": "description",
    "keyword": "keywords",
    "language": "language",
    "editing-cycles": "revision",
    "editing-duration": "edited",
}
_META_TIMES = {"creation-date": "created", "date": "modified", "print-date": "printed"}
_XLINK = "http://www.w3.org/1999/xlink "


class Said(NamedTuple):
    """What one member says: fields, and times as they are written."""

    fields: dict[str, str]
    times: dict[str, str]


def _plain(data: bytes, said: Said) -> None:
    """Properties that are elements beneath the root: core.xml and app.xml."""
    for element in elements(data):
        if len(element.path) == 2 and element.text:
            if element.name in _TIMES:
                said.times[_TIMES[element.name]] = element.text
            elif element.name in _FIELDS:
                said.fields[_FIELDS[element.name]] = element.text


def _custom(data: bytes, said: Said) -> None:
    """Properties of the user's own: a value inside of an element that carries the name."""
    value = ""
    for element in elements(data):
        if len(element.path) > 2:
            value = element.text or value
        elif element.name == "property":
            said.fields[f"custom.{element.attributes.get('name', '')}"] = value
            value = ""


def _user_defined(element: Element, said: Said) -> None:
    name = next((text for key, text in element.attributes.items() if key.endswith(" name")), "")
    said.fields[f"custom.{name}"] = element.text


def _meta(data: bytes, said: Said) -> None:
    for element in elements(data):
        name, text = element.name, element.text
        if name == "template":
            said.fields["template"] = element.attributes.get(f"{_XLINK}title") or element.attributes.get(
                f"{_XLINK}href", ""
            )
        elif name == "user-defined" and text:
            _user_defined(element, said)
        elif name in _META_TIMES and text:
            said.times[_META_TIMES[name]] = text
        elif name in _META_FIELDS and text:
            field = _META_FIELDS[name]
            said.fields[field] = f"{said.fields[field]}; {text}" if field in said.fields else text


def read(name: str, data: bytes, said: Said) -> str:
    """Fill in what the member `name` says; why it could not be read to its end, or ""."""
    reader = _meta if name == META else _custom if name.endswith("custom.xml") else _plain
    try:
        reader(data, said)
    except XmlError as error:
        return f"{name} is damaged: {error}"
    return ""


def kind_of(names: Mapping[str, object]) -> str | None:
    """The kind of document whose describing members are `names`; None for an archive that is none."""
    if CONTENT_TYPES in names:
        return OPEN_XML
    return OPEN_DOCUMENT if META in names else None


def is_describing(name: str) -> bool:
    """Whether a member describes the document, so that it is to be kept in mind."""
    return name in SAYING or name == CONTENT_TYPES or name.endswith(CORE_SUFFIX)


def presence(name: str) -> Iterator[tuple[str, str]]:
    """What the mere name of a member tells: that the document has macros, or is signed."""
    low = name.lower()
    if low.endswith(_MACROS):
        yield "macros", "true"
    if low.startswith(_SIGNED):
        yield "signed", "true"
