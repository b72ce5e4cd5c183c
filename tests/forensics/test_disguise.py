"""Types against extensions, and what is or looks encrypted."""

from __future__ import annotations

import io
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.disguise import SMALLEST, encryption, entropy, extension_mismatch
from tests.forensics.images import noise

NAMES = [
    ("holiday.jpg", "image/jpeg", False),
    ("holiday.JPEG", "image/jpeg", False),
    ("holiday.pdf", "image/jpeg", True),
    ("holiday.txt", "image/jpeg", True),
    ("holiday.xyz", "image/jpeg", True),
    ("f_0001", "image/jpeg", None),
    (".jpg", "image/png", None),
    ("holiday.tmp", "image/jpeg", None),
    ("movie.mp4", "application/octet-stream", True),
    ("movie.mov", "video/mp4", False),
    ("letter.docx", "application/zip", False),
    ("letter.docx", "application/x-dosexec", True),
    ("letter.txt", "application/x-dosexec", True),
    ("driver.sys", "application/x-dosexec", False),
    ("notes.log", "application/octet-stream", None),
    ("setup.exe", "image/png", True),
    ("setup.exe", "inode/x-empty", None),
    ("a.jpg", None, None),
]


@pytest.mark.parametrize(("name", "mime", "expected"), NAMES)
def test_a_name_against_a_type(name: str, mime: str | None, expected: bool | None) -> None:
    assert extension_mismatch(name, mime) is expected


def told(data: bytes, mime: str = "application/octet-stream") -> str | None:
    return encryption(data[:4096], mime, len(data), lambda at, length: data[at : at + length])


def test_random_bytes_of_no_known_type_are_suspected() -> None:
    assert (told(noise(200_000)) or "").startswith("suspected: 7.9")
    assert told(noise(200_000), "video/mp4") is None
    assert told(noise(SMALLEST - 1)) is None
    assert told(noise(4096) + bytes(200_000)) is None  # random at its beginning alone
    assert told(b"plain words " * 20_000) is None
    assert told(zlib.compress(noise(1000) * 300) * 30) is None  # packed, but not random through and through


def test_formats_that_say_so() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("a.txt", "text")
    plain = archive.getvalue()
    assert told(plain, "application/zip") is None
    assert told(plain[:6] + b"\x01" + plain[7:], "application/zip") == "detected: ZIP entry"
    pdf = b"%PDF-1.7\n" + b"x" * 9000
    assert told(pdf + b"trailer << /Root 1 0 R >>", "application/pdf") is None
    assert told(pdf + b"trailer << /Encrypt 5 0 R >>", "application/pdf") == "detected: PDF"
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000)
    assert told(ole, "application/CDFV2") is None
    assert told(ole + "EncryptedPackage".encode("utf-16-le"), "application/CDFV2") == "detected: Office"
    assert told(b"LUKS\xba\xbe" + bytes(600)) == "detected: LUKS"
    assert told(bytes(3) + b"-FVE-FS-" + bytes(600)) == "detected: BitLocker"
    assert told(b"Salted__" + noise(64)) == "detected: openssl enc"


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    assert 0 <= entropy(data) <= 8
    assert told(data) is None or str(told(data)).startswith(("detected: ", "suspected: "))
