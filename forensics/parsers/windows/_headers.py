"""Headers of HTTP answers as browsers keep them, without the values of cookies."""

from __future__ import annotations

import re

_COOKIE = re.compile(r"(Set-Cookie2?:\s*[^=;\r\n]*=)[^\r\n]*", re.IGNORECASE)


def shown_headers(data: bytes) -> str:
    """The lines of `data` joined by "; ": of cookies only the names."""
    text = _COOKIE.sub(r"\1(not shown)", data.decode("latin-1").partition("\0")[0])
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())
