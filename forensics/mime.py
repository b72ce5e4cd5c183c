"""What a file is, by its first bytes: libmagic's MIME type (python-magic over pylibmagic's library)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

HEAD_BYTES = 4096
"""How much of a file is judged. Formats that show themselves only later (ISO 9660) are missed."""

_SIGNATURES = (
    (re.compile(rb"\x1f\x8b\x08[\x00-\x1f]"), "application/gzip"),  # RFC 1952 section 2.3.1
    (re.compile(rb"\xde\x12\x04\x95\0{4}|\x95\x04\x12\xde\0{4}"), "application/x-gettext-translation"),
    # Byte code of Python 3.11 and 3.12, flags of PEP 552: libmagic 5.41 knows only older ones, after all its rules.
    (re.compile(rb"[\xa7\xcb]\r\r\n[\0-\3]\0{3}"), "application/octet-stream"),
)
"""What libmagic takes long to say and nearly always says: docs/formats.md, "File types", tells when not."""


@lru_cache(maxsize=1)
def _libmagic() -> Callable[[bytes], str]:
    import pylibmagic  # noqa: F401 - first: it makes the library and rules of its wheel the ones found
    from magic import Magic, MagicException

    from forensics.mime_rules import shortened

    whole, short = Magic(mime=True), shortened()

    def judge(head: bytes) -> str:
        fitting = whole
        if head.isascii():  # other text libmagic may convert before it asks its rules
            fitting = next((quick for family, quick in short if not family.possible(head)), whole)
        try:
            return fitting.from_buffer(head)
        except MagicException:  # it judged, and failed
            return ""

    return judge


@lru_cache(maxsize=2048)  # a judgement costs 0.5 to 4 ms, and media are full of equal files
def mime_type(head: bytes) -> str:
    """The MIME type of a file that begins with `head`; "" when libmagic cannot say. One thread only."""
    head = head[:HEAD_BYTES]
    known = next((mime for signature, mime in _SIGNATURES if signature.match(head)), None)
    return _libmagic()(head) if known is None else known
