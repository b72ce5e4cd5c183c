"""Pictures: public ones held against exiftool, ones that Pillow writes, damaged and hostile ones."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from forensics.model import Artefact, Clock
from forensics.parsers import HEAD_BYTES, parser_for
from forensics.parsers.documents.picture import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

FOLDER = "exif/bulk_extractor/Data/ExifPhotos/All_Exif_Version"
ORACLE = "oracles/artefact/exif__bulk_extractor__Data__ExifPhotos__All_Exif_Version__{}.json"
PHOTOS = ("Exif_v0200.jpg", "Exif_v0221.jpg")
At = Callable[[str], int]


def written(at: int) -> str:
    return datetime.fromtimestamp(at // 10**9, UTC).strftime("%Y:%m:%d %H:%M:%S")


@pytest.mark.parametrize("name", PHOTOS)
def test_public_photographs_are_read_as_exiftool_reads_them(corpus: Fetch, read: Any, name: str) -> None:
    oracle = json.loads(corpus(ORACLE.format(name)).read_text(encoding="utf-8"))["exiftool"]
    found = read(PARSER, corpus(f"{FOLDER}/{name}").read_bytes(), name=name)
    assert problems(found) == []
    (exif,), (gps,), (xmp,) = (artefacts(found, f"picture.{kind}") for kind in ("exif", "gps", "xmp"))
    for ours, theirs in {
        "make": "EXIF:Make",
        "model": "EXIF:Model",
        "software": "EXIF:Software",
        "width": "File:ImageWidth",
        "height": "File:ImageHeight",
        "pixel_width": "EXIF:ExifImageWidth",
        "thumbnail_bytes": "EXIF:ThumbnailLength",
        "exif_version": "EXIF:ExifVersion",
        "artist": "EXIF:Artist",
    }.items():
        assert exif.fields.get(ours, "None") == str(oracle.get(theirs))
    for ours, theirs in {"taken": "DateTimeOriginal", "digitised": "CreateDate", "changed": "ModifyDate"}.items():
        assert written(exif.times[ours]) == oracle[f"EXIF:{theirs}"]
    assert exif.clock is Clock.UNKNOWN
    for side in ("Latitude", "Longitude"):
        expected = oracle.get(f"Composite:GPS{side}") or oracle[f"XMP:GPS{side}"]
        assert float(gps.fields[side.lower()]) == pytest.approx(float(expected), abs=1e-7)
    assert xmp.fields.get("instance_id", "None") == str(oracle.get("XMP:InstanceID"))
    if "XMP:ModifyDate" in oracle:
        assert f"{written(xmp.times['changed'])}Z" == oracle["XMP:ModifyDate"]


def test_the_time_of_the_position(corpus: Fetch, read: Any, at: At) -> None:
    found = read(PARSER, corpus(f"{FOLDER}/Exif_v0221.jpg").read_bytes())
    (gps,) = artefacts(found, "picture.gps")
    assert gps.times == {"positioned": at("2008-01-12T12:06:52+00:00")}
    assert (gps.clock, gps.fields["altitude_metres"]) == (Clock.UTC, "495")
    (exif,) = artefacts(found, "picture.exif")
    assert exif.times["taken"] == at("2008-01-12T12:06:52.300000+00:00")  # SubSecTimeOriginal is 30: three tenths


def exif_of(**offsets: str) -> Image.Exif:
    exif = Image.Exif()
    exif[0x9C9D] = "Ада Хорват".encode("utf-16-le")
    exif[0x010F], exif[0x0110], exif[0x0131], exif[0x0132] = "Kucica", "K-1", "v2", "2024:10:27 02:30:00"
    photo = exif.get_ifd(0x8769)
    photo[0x9003], photo[0x9004], photo[0x9291] = "2024:10:27 02:30:00", "2024:03:31 02:30:00", "123456"
    photo[0xA431], photo[0xA435] = "SN-77", "L-88"
    photo[0x9286] = b"UNICODE\0" + "белешка".encode("utf-16")
    for name, tag in {"changed": 0x9010, "taken": 0x9011, "digitised": 0x9012}.items():
        if name in offsets:
            photo[tag] = offsets[name]
    gps = exif.get_ifd(0x8825)
    rational = TiffImagePlugin.IFDRational
    gps[1], gps[2] = "S", (rational(33), rational(51), rational(3125, 100))
    gps[3], gps[4] = "E", (rational(151), rational(12), rational(36))
    gps[5], gps[6] = b"\1", rational(105, 10)
    gps[7], gps[29] = (rational(1), rational(30), rational(15, 2)), "2024:10:27"
    return exif


def picture(form: str, exif: Image.Exif | None = None, **more: Any) -> bytes:
    if form == "TIFF" and exif is not None:  # Pillow leaves the directories of Exif out of a TIFF file
        exif[0x0100], exif[0x0101] = 48, 32
        return exif.tobytes()[6:]
    sink = io.BytesIO()
    kept = {} if exif is None else {"exif": exif}
    Image.new("RGB", (48, 32)).save(sink, form, **kept, **more)
    return sink.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WebP", "TIFF", "AVIF"])
def test_every_container(form: str, read: Any, at: At) -> None:
    data = picture(form, exif_of(taken="+01:00", digitised="+01:00", changed="+01:00"))
    assert parser_for(data[:HEAD_BYTES], "holiday.bin") is PARSER
    found = read(PARSER, data)
    assert problems(found) == []
    (exif,), (gps,) = artefacts(found, "picture.exif"), artefacts(found, "picture.gps")
    expected = {"format": form, "width": "48", "height": "32", "make": "Kucica", "body_serial": "SN-77"}
    assert expected.items() <= exif.fields.items()
    assert (exif.fields["user_comment"], exif.fields["author"]) == ("белешка", "Ада Хорват")
    assert exif.clock is Clock.UTC
    assert exif.times["taken"] == at("2024-10-27T02:30:00.123456+01:00")
    assert exif.raw["taken"] == "2024:10:27 02:30:00.123456 +01:00"
    assert gps.fields["latitude"] == "-33.8586806"
    assert (gps.fields["longitude"], gps.fields["altitude_metres"]) == ("151.21", "-10.5")
    assert gps.times == {"positioned": at("2024-10-27T01:30:07.500000+00:00")}


def test_local_times_take_the_declared_zone_and_say_what_is_odd(read: Any, at: At) -> None:
    data = picture("JPEG", exif_of())
    (exif,) = artefacts(read(PARSER, data, zone="Europe/Belgrade"), "picture.exif")
    assert exif.clock is Clock.DECLARED
    assert exif.times["taken"] == at("2024-10-27T02:30:00.123456+02:00")
    assert (exif.fields["ambiguous"], exif.fields["skipped"]) == ("taken, changed", "digitised")


def test_times_of_two_clocks_are_two_artefacts(read: Any) -> None:
    found = artefacts(read(PARSER, picture("JPEG", exif_of(taken="Z"))), "picture.exif")
    assert [(a.clock, sorted(a.times)) for a in found] == [
        (Clock.UTC, ["taken"]),
        (Clock.UNKNOWN, ["changed", "digitised"]),
    ]


def test_impossible_values_are_problems_and_unknown_ones_are_not(read: Any) -> None:
    exif = Image.Exif()
    exif[0x0132] = "2024:13:01 00:00:00"
    photo = exif.get_ifd(0x8769)
    photo[0x9003], photo[0x9004] = "0000:00:00 00:00:00", "yesterday"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "N", (91.0, 0.0, 0.0)
    gps[3], gps[4] = "?", (10.0, 0.0, 0.0)
    found = read(PARSER, picture("JPEG", exif))
    assert artefacts(found, "picture.gps") == []
    reasons = problems(found)
    assert len(reasons) == 4
    assert "the time changed is '2024:13:01 00:00:00': there is no month 13" in reasons
    assert "the latitude '91 0 0' 'N' is no position" in reasons
    assert "the longitude '10 0 0' '?' is no position" in reasons
    assert any("'yesterday'" in reason for reason in reasons)


def test_texts_and_the_change_of_a_png(read: Any, at: At) -> None:
    data = picture("PNG")
    end = data.index(b"IEND") - 4
    text = b"tEXtSoftware\0Screenshot of evikit"
    time = b"tIME" + struct.pack(">H5B", 2026, 3, 1, 10, 20, 30)
    chunks = b"".join(struct.pack(">I", len(chunk) - 4) + chunk + bytes(4) for chunk in (text, time))
    (found,) = read(PARSER, data[:end] + chunks + data[end:])
    assert found.kind == "picture.text"
    assert found.fields["text.software"] == "Screenshot of evikit"
    assert found.times == {"changed": at("2026-03-01T10:20:30+00:00")}


XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreateDate="2026-03-01T10:00:00+01:00"
 xmp:ModifyDate="2026-03-01T11:00"><dc:creator xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Seq>
<rdf:li>Ada Horvat</rdf:li><rdf:li>B. Ilić</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF></x:xmpmeta>"""


@pytest.mark.parametrize("form", ["JPEG", "WebP"])
def test_xmp(form: str, read: Any, at: At) -> None:
    found = read(PARSER, picture(form, xmp=XMP.encode()))
    by_zone = {artefact.clock: artefact for artefact in found}
    assert by_zone[Clock.UTC].times == {"created": at("2026-03-01T10:00:00+01:00")}
    assert by_zone[Clock.UNKNOWN].times == {"changed": at("2026-03-01T11:00:00+00:00")}
    assert by_zone[Clock.UTC].fields["creator"] == "Ada Horvat; B. Ilić"


def test_xmp_that_declares_entities_is_refused(read: Any) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + XMP.replace("Ada", "&b;")
    (problem,) = problems(read(PARSER, picture("JPEG", xmp=bomb.encode())))
    assert problem == "the XMP data is damaged: it declares entities, which are not expanded"


def test_pictures_that_say_nothing_give_nothing(read: Any) -> None:
    for form in ("JPEG", "PNG", "WebP", "AVIF"):
        assert read(PARSER, picture(form)) == []


def test_directories_in_a_loop(corpus: Fetch, read: Any) -> None:
    found = read(PARSER, corpus("hostile/made/exif-ifd-loop.jpg").read_bytes())
    assert any("form a loop" in reason for reason in problems(found))
    assert any("4,294,967,295 bytes" in reason for reason in problems(found))


def test_huge_claims_are_bounded(read: Any) -> None:
    entries = b"".join(
        struct.pack("<HHII", tag, kind, 0xFFFFFFFF, 8) for tag in range(0x10D, 0x8900) for kind in (2, 5)
    )
    tiff = b"II*\0" + struct.pack("<IH", 8, 0xFFFF) + entries
    segments = b"".join(b"\xff\xe1\0\x14Exif\0\0II*\0\x08\0\0\0\0\0\0\0" for _ in range(30_000))
    chunks = b"".join(b"\0\0\x0f\xfftEXt%04d\0" % number + b"x" * 4086 + bytes(4) for number in range(2000))
    tracemalloc.start()
    for data in (tiff, b"\xff\xd8" + segments, b"\x89PNG\r\n\x1a\n" + chunks):
        assert problems(read(PARSER, data))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 24 << 20


def test_a_picture_that_ends_within_its_size(read: Any) -> None:
    data = picture("JPEG")
    frame = data.index(b"\xff\xc0")
    assert len(problems(read(PARSER, data[: frame + 7]))) == 1


def test_a_picture_cut_short_gives_what_came_before(read: Any) -> None:
    for form in ("JPEG", "PNG"):
        data = picture(form, exif_of())
        found = read(PARSER, data[: 600 if form == "JPEG" else -8])
        assert artefacts(found, "picture.exif")
        assert "before" in problems(found)[-1]


SAMPLES = {form: picture(form, exif_of()) for form in ("JPEG", "PNG", "WebP", "TIFF", "AVIF")}


@pytest.mark.parametrize("form", SAMPLES)
def test_damaged_pictures_give_values(form: str, read: Any) -> None:
    for copy in damaged(SAMPLES[form], 90):
        read(PARSER, copy)


@given(form=st.sampled_from(sorted(SAMPLES)), place=st.integers(0, 700), put=st.binary(min_size=1, max_size=8))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_anywhere(form: str, place: int, put: bytes, read: Any) -> None:
    data = SAMPLES[form][:place] + put + SAMPLES[form][place + len(put) :]
    found = read(PARSER, data)
    assert all(isinstance(result, Artefact) or result.reason for result in found)
