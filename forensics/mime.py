"""What a file is, by its first bytes: libmagic's MIME type (python-magic over pylibmagic's library)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

HEAD_BYTES = 4096
"""How much of a file is judged. Formats that show themselves only later (ISO 9660) are missed."""


@lru_cache(maxsize=1)
def _libmagic() -> Callable[[bytes], str]:
    import pylibmagic  # noqa: F401, I001 - first: it makes the library and rules of its wheel the ones found

    from magic import Magic, MagicException

    libmagic = Magic(mime=True)

    def judge(head: bytes) -> str:
        try:
            return libmagic.from_buffer(head)
        except MagicException:  # it judged, and failed
            return ""

    return judge


@lru_cache(maxsize=2048)  # a judgement costs 0.5 to 4 ms, and media are full of equal files
def mime_type(head: bytes) -> str:
    """The MIME type of a file that begins with `head`; "" when libmagic cannot say. One thread only."""
    return _libmagic()(head[:HEAD_BYTES])
