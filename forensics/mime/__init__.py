"""What a file is, by its first bytes: libmagic's MIME type (python-magic over pylibmagic's library)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forensics.mime.judge import Judge

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
def _judge() -> Judge:
    from forensics.mime.judge import Judge

    return Judge()


@lru_cache(maxsize=2048)  # media are full of equal files
def mime_type(head: bytes) -> str:
    """The MIME type of a file that begins with `head`; "" when libmagic cannot say. One thread only."""
    head = head[:HEAD_BYTES]
    known = next((mime for signature, mime in _SIGNATURES if signature.match(head)), None)
    return _judge().type(head) if known is None else known
