"""What a file's contents say against its name, and against their being readable: type and extension, encryption.

Both are hints. A type is libmagic's judgement of the first bytes; random-looking bytes may be encrypted, compressed in
a way that nobody knows, or random.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable

ReadAt = Callable[[int, int], bytes]

_EXPECTED = {
    "image/jpeg": "jpg jpeg jpe jfif thm mpo",
    "image/png": "png apng ico",
    "image/gif": "gif",
    "image/bmp": "bmp dib rle",
    "image/x-ms-bmp": "bmp dib rle",
    "image/tiff": "tif tiff dng cr2 nef arw orf pef rw2 srw 3fr gtiff svs",
    "image/webp": "webp",
    "image/heic": "heic heif hif",
    "image/vnd.adobe.photoshop": "psd psb",
    "application/pdf": "pdf ai",
    "application/x-rar": "rar cbr rev r00",
    "application/x-7z-compressed": "7z cb7",
    "application/x-bzip2": "bz2 tbz tbz2 bz",
    "application/x-xz": "xz txz",
    "application/vnd.ms-cab-compressed": "cab msu dl_ ex_ sy_ in_ wsp",
    "video/mp4": "mp4 m4v m4a m4b m4p m4s f4v mov 3gp",
    "video/quicktime": "mov qt mp4 m4v",
    "video/3gpp": "3gp 3gpp mp4",
    "video/x-msvideo": "avi divx",
    "video/x-matroska": "mkv mka mks webm",
    "video/webm": "webm weba",
    "video/x-flv": "flv",
    "video/mpeg": "mpg mpeg vob mpe m2v",
    "audio/mpeg": "mp3 mp2 mpga",
    "audio/flac": "flac",
    "audio/x-wav": "wav wave",
    "audio/x-m4a": "m4a m4b mp4",
    "text/rtf": "rtf doc",
}
"""Types that show themselves surely, and the extensions that their files have."""

_OFFICE = {"application/zip", "application/octet-stream", "application/cdfv2", "application/encrypted"}
_OF_EXTENSION = {
    "doc": ("application/msword", "text/rtf", "application/vnd.ms-office", "application/x-ole-storage", "text/html"),
    "xls": ("application/vnd.ms-excel", "application/vnd.ms-office", "application/x-ole-storage", "text/html"),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/zip"),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/zip"),
    "pptx": ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "application/zip"),
    "zip": ("application/zip", "application/epub+zip", "application/java-archive"),
    "exe": ("application/x-dosexec", "application/vnd.microsoft.portable-executable"),
    "dll": ("application/x-dosexec", "application/vnd.microsoft.portable-executable"),
    "webp": ("image/webp",),
}
"""Extensions whose files are of few types; those of `_EXPECTED` besides."""
_UNTOLD = frozenset(
    "tmp temp bak old part crdownload download cache dat bin db data orig new swp".split()  # noqa: SIM905 - words are read more easily
)
"""Extensions that say nothing of a type."""
_PROGRAMS = ("application/x-dosexec", "application/vnd.microsoft.portable-executable")
_INNOCENT = frozenset(
    "txt csv log htm html xml json rtf doc docx xls xlsx ppt pptx odt lnk url eml msg".split()  # noqa: SIM905 - words are read more easily
)
_UNSURE = frozenset(
    "m2v vob mpg mpeg mp3 mp2 mpga mpe qt rle ai rev r00 dl_ ex_ sy_ in_ gtiff svs".split()  # noqa: SIM905 - words are read more easily
)


def _types() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {name: set(types) for name, types in _OF_EXTENSION.items()}
    for mime, extensions in _EXPECTED.items():
        for name in extensions.split():
            if name not in _UNSURE:
                found.setdefault(name, set()).add(mime)
    return {name: frozenset(types) for name, types in found.items()}


_EXTENSIONS = {mime: frozenset(names.split()) for mime, names in _EXPECTED.items()}
_TYPES = _types()


def extension_mismatch(name: str, mime: str | None) -> bool | None:
    """Whether a file is of another type than its name says; None where nothing can be said."""
    stem, dot, extension = name.rpartition(".")
    extension = extension.lower()
    if not mime or not dot or not stem or not 1 < len(extension) < 6 or mime.endswith("x-empty"):
        return None
    if (expected := _EXTENSIONS.get(mime)) is not None:
        return None if extension in _UNTOLD else extension not in expected
    if mime in _PROGRAMS:
        return extension in _INNOCENT or (extension in _TYPES and mime not in _TYPES[extension])
    if (types := _TYPES.get(extension)) is not None:
        return mime not in types and not (extension in _OF_EXTENSION and mime.lower() in _OFFICE)
    return None


# --- encryption ----------------------------------------------------------------------------------------------

SAMPLE = 4096
SMALLEST = 4 * SAMPLE
RANDOM = 7.9
"""Bits a byte, over which a sample of `SAMPLE` bytes looks random: random ones have 7.94 to 7.97."""
_UNKNOWN = "application/octet-stream"
_SIGNATURES = (
    (re.compile(rb"LUKS\xba\xbe"), "LUKS"),
    (re.compile(rb".{3}-FVE-FS-", re.DOTALL), "BitLocker"),
    (re.compile(rb"\x03\xd9\xa2\x9a[\x65-\x67]\xfb\x4b\xb5"), "KeePass"),
    (re.compile(rb"Salted__"), "openssl enc"),
    (re.compile(rb"age-encryption\.org/v1"), "age"),
    (re.compile(rb"-----BEGIN PGP MESSAGE-----"), "OpenPGP"),
    (re.compile(rb"PK\x03\x04..[\x01\x03\x05\x07\x09\x0b\x0d\x0f]", re.DOTALL), "ZIP entry"),
)
_PDF = re.compile(rb"/Encrypt\s")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OFFICE_PACKAGE = "EncryptedPackage".encode("utf-16-le")


def entropy(data: bytes) -> float:
    """Shannon's entropy in bits a byte, 0 to 8."""
    total = len(data)
    return -sum(count / total * math.log2(count / total) for count in Counter(data).values()) if total else 0.0


def encryption(head: bytes, mime: str | None, size: int, read_at: ReadAt) -> str | None:
    """`detected: ...` where a format says that it is encrypted, `suspected: ...` where bytes of no known type look
    random at the beginning, in the middle and at the end; else None. May raise what `read_at` raises.
    """
    for signature, name in _SIGNATURES:
        if signature.match(head):
            return f"detected: {name}"
    if head.startswith(b"%PDF"):
        tail = read_at(max(size - SAMPLE, 0), SAMPLE)
        return "detected: PDF" if _PDF.search(head) or _PDF.search(tail) else None
    if head.startswith(_OLE):
        ends = head + read_at(max(size - 4 * SAMPLE, 0), 4 * SAMPLE)
        return "detected: Office" if _OFFICE_PACKAGE in ends else None
    if mime != _UNKNOWN or size < SMALLEST or entropy(head[:SAMPLE]) < RANDOM:
        return None
    least = min(entropy(read_at(at, SAMPLE)) for at in (size // 2, size - SAMPLE))
    return f"suspected: {least:.2f} bits a byte" if least >= RANDOM else None
