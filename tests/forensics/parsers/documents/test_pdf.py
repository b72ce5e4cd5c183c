"""PDF: documents that typst and pypdf write, encrypted, damaged and hostile ones."""

from __future__ import annotations

import io
import logging
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pypdf
import pytest
import typst
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, TextStringObject

from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers.documents import _pdf
from forensics.parsers.documents.pdf import PARSER
from tests.forensics.parsers.found import artefacts, damaged, problems

At = Callable[[str], int]
SOURCE = b"""#set document(title: "Report", author: ("Ada Horvat", "B. Ili\xc4\x87"), keywords: ("disk",),
  date: datetime(year: 2026, month: 3, day: 1, hour: 10, minute: 20, second: 30))
#pdf.attach("note.txt", bytes("hello"), description: "A note", mime-type: "text/plain")
Text #pagebreak() More"""


@pytest.fixture(scope="module")
def typeset() -> bytes:
    made = typst.compile(SOURCE, format="pdf", timestamp=0)
    assert isinstance(made, bytes)
    return made


def document(change: Callable[[pypdf.PdfWriter], object] = lambda _: None, **info: str) -> bytes:
    writer, sink = pypdf.PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    writer.add_metadata({f"/{name}": text for name, text in info.items()})
    change(writer)
    writer.write(sink)
    return sink.getvalue()


def of(found: list[Any], kind: str = "pdf.document") -> Any:
    (only,) = artefacts(found, kind)
    return only


def test_a_document_of_another_writer(typeset: bytes, read: Any, at: At) -> None:
    assert parser_for(typeset[:4096], "x.bin") is PARSER
    found = read(PARSER, typeset)
    assert problems(found) == []
    made = of(found)
    assert (made.fields["title"], made.fields["author"]) == ("Report", "Ada Horvat, B. Ilić")
    assert made.fields["creator_tool"].startswith("Typst")
    assert (made.fields["pages"], made.fields["revisions"]) == ("2", "1")
    assert made.times["created"] == at("2026-03-01T10:20:30+00:00")
    xmp = of(found, "pdf.xmp")
    assert xmp.fields["creator"] == "Ada Horvat, B. Ilić"
    assert xmp.times["created"] == at("2026-03-01T10:20:30+00:00")
    attached = of(found, "pdf.attachment")
    expected = {"name": "note.txt", "size": "5", "type": "text/plain", "description": "A note"}
    assert expected.items() <= attached.fields.items()


@pytest.mark.parametrize(
    ("text", "expected", "clock"),
    [
        ("D:20260301102030+01'00'", "2026-03-01T10:20:30+01:00", Clock.UTC),
        ("D:20260301102030-0530", "2026-03-01T10:20:30-05:30", Clock.UTC),
        ("D:20260301102030Z00'00'", "2026-03-01T10:20:30+00:00", Clock.UTC),
        ("D:20260301102030", "2026-03-01T10:20:30+00:00", Clock.UNKNOWN),
        ("D:202603011020", "2026-03-01T10:20:00+00:00", Clock.UNKNOWN),
        ("20260301102030Z", "2026-03-01T10:20:30+00:00", Clock.UTC),
    ],
)
def test_dates(text: str, expected: str, clock: Clock, read: Any, at: At) -> None:
    made = of(read(PARSER, document(CreationDate=text)))
    assert (made.times, made.clock, made.raw) == ({"created": at(expected)}, clock, {"created": text})


def test_dates_that_are_none(read: Any) -> None:
    found = read(PARSER, document(CreationDate="Monday", ModDate="D:20261301000000Z"))
    assert of(found).times == {}
    assert problems(found) == [
        "the time created of pdf document is 'Monday': it is not of the form D:YYYYMMDDHHmmSSOHH'mm",
        "the time modified of pdf document is 'D:20261301000000Z': there is no month 13",
    ]
    assert of(read(PARSER, document(CreationDate="D:20260301"))).times == {}


def scripted(writer: pypdf.PdfWriter) -> None:
    script = DictionaryObject({NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("1")})
    names = DictionaryObject({NameObject("/Names"): ArrayObject([TextStringObject("a"), script])})
    writer.root_object[NameObject("/Names")] = DictionaryObject({NameObject("/JavaScript"): names})
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject({NameObject("/S"): NameObject("/Launch")})


def signed(writer: pypdf.PdfWriter) -> None:
    text, name = TextStringObject, NameObject
    value = DictionaryObject(
        {
            name("/Name"): text("Ada Horvat"),
            name("/M"): text("D:20260301102030Z"),
            name("/SubFilter"): name("/ETSI.CAdES.detached"),
            name("/ByteRange"): ArrayObject(map(NumberObject, (0, 10, 20, 30))),
        }
    )
    field = DictionaryObject({name("/FT"): name("/Sig"), name("/V"): writer._add_object(value)})
    kids = DictionaryObject({name("/Kids"): ArrayObject([writer._add_object(field)])})
    fields = ArrayObject([writer._add_object(kids)])
    writer.root_object[name("/AcroForm")] = DictionaryObject({name("/Fields"): fields})


def test_what_it_does_and_who_signed_it(read: Any, at: At) -> None:
    made = of(read(PARSER, document(scripted)))
    assert (made.fields["javascript"], made.fields["actions"]) == ("true", "Launch")
    signature = of(read(PARSER, document(signed)), "pdf.signature")
    assert signature.times == {"signed": at("2026-03-01T10:20:30+00:00")}
    assert (signature.fields["name"], signature.fields["filter"]) == ("Ada Horvat", "ETSI.CAdES.detached")


def test_encrypted_documents(read: Any) -> None:
    opened = document(lambda writer: writer.encrypt("", "owner", algorithm="AES-256"), Author="Ada Horvat")
    made = of(read(PARSER, opened))
    assert (made.fields["encrypted"], made.fields["author"]) == ("true", "Ada Horvat")
    locked = document(lambda writer: writer.encrypt("secret", algorithm="AES-256"), Author="Ada Horvat")
    found = read(PARSER, locked)
    assert of(found).fields == {"format": "PDF-1.3", "encrypted": "true"}
    assert problems(found) == ["the document is encrypted: what it says of itself needs the password"]


def test_several_revisions_and_own_fields(read: Any) -> None:
    first = document(Author="Ada", Case="K-12")
    writer = pypdf.PdfWriter(io.BytesIO(first), incremental=True)
    writer.add_metadata({"/Author": "Boris", "/ModDate": "D:20260302000000Z"})
    sink = io.BytesIO()
    writer.write(sink)
    made = of(read(PARSER, sink.getvalue()))
    assert (made.fields["revisions"], made.fields["author"]) == ("2", "Boris")


def test_damage_that_the_library_gets_over_is_told(read: Any) -> None:
    data = document(Author="Ada Horvat")
    start = data.rindex(b"startxref")
    found = read(PARSER, data[:start] + b"startxref\n7\n%%EOF\n")
    assert of(found).fields["author"] == "Ada Horvat"
    assert "the document is damaged: " in problems(found)[0]
    assert logging.getLogger("pypdf").handlers == []


def test_large_damaged_documents_are_not_taken_into_memory(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pdf, "_READ_LIMIT", 100_000)
    data = document(Author="Ada Horvat")
    broken = data[: data.rindex(b"startxref")] + b"startxref\n7\n" + bytes(300_000) + b"%%EOF\n"
    assert any("too large to be searched through" in reason for reason in problems(read(PARSER, broken)))


def bomb(size: int) -> bytes:
    packed = zlib.compress(bytes(size), 9)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/Metadata 3 0 R>>",
        b"<</Type/Pages/Kids[2 0 R]/Count 999999999>>",
        b"<</Type/Metadata/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(packed), packed),
    ]
    body, places = b"%PDF-1.7\n", []
    for number, text in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    table = b"0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(body)
    return body + b"xref\n0 4\n" + table + end


def test_bombs_and_loops(read: Any) -> None:
    data = bomb(100 << 20)
    tracemalloc.start()
    found = read(PARSER, data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert of(found).fields["pages"] == "999999999"
    assert problems(found)[0].startswith("its XMP data cannot be read: ")
    assert peak < 200 << 20


def test_the_xmp_of_a_cut_document_is_found(typeset: bytes, read: Any) -> None:
    data = typeset[: typeset.rindex(b"</x:xmpmeta>") + 40]
    found = read(PARSER, data)
    xmp = of(found, "pdf.xmp")
    assert xmp.fields["title"] == "Report"
    assert data[xmp.location.offset :].startswith(b"<x:xmpmeta")
    assert "the document cannot be read" in problems(found)[0]


def test_what_is_no_document(read: Any) -> None:
    assert "the document cannot be read" in problems(read(PARSER, b"%PDF-1.7\n"))[0]
    assert parser_for(b"MZ" + bytes(50) + b"%PDF-1.4", "setup.exe") is None
    assert parser_for(b"\0\0%PDF-1.4" + bytes(50), "letter.pdf") is PARSER


def test_damaged_documents_give_values(typeset: bytes, read: Any) -> None:
    for data in (typeset, document(signed, Author="Ada"), document(scripted)):
        for copy in damaged(data, 30):
            read(PARSER, copy)


@given(text=st.text("D:2026Z+-'0\0", max_size=24))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_date(text: str, read: Any) -> None:
    assert of(read(PARSER, document(CreationDate=text))).kind == "pdf.document"
