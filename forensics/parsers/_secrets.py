"""Passwords and tokens inside commands and statements are not shown: reports travel further than evidence does.

What is left out stands at the artefact's place in the evidence.
"""

from __future__ import annotations

import re

WITHHELD = "[withheld]"
_VALUE = r"(?:\"[^\"]*\"?|'[^']*'?|[^\s\"';|&]+)"
_NAMED = r"(?:passw(?:or)?d|passphrase|pwd|secret|api_?-?key|access_?-?key|token|auth_?token)"
_PATTERNS = (
    re.compile(rf"(?i)(\b[A-Z0-9_]{{0,32}}{_NAMED}[A-Z0-9_]{{0,32}}=){_VALUE}"),  # PGPASSWORD=..., password=...
    re.compile(rf"(?i)((?<![a-z-])--?[a-z-]{{0,32}}{_NAMED}[a-z-]{{0,32}}[ =]){_VALUE}"),  # --password ...
    re.compile(rf"(?i)(\bsshpass\s{{1,8}}-p\s{{0,8}}){_VALUE}"),
    re.compile(rf"(\b(?:mysql|mariadb)[a-z-]{{0,16}}\s[^|;&\n]{{0,256}}?(?<=\s)-p)(?!\s){_VALUE}"),
    re.compile(r"(?i)(\b(?:curl|wget)\s[^|;&\n]{0,256}?(?:-u|--user)[ =]?[\"']?[^\s:\"']{1,128}:)[^\s\"']+"),
    re.compile(r"(?i)(\bauthorization:\s{0,8}(?:bearer|basic)\s{1,8})[^\s\"']+"),
    re.compile(r"([a-z][a-z0-9+.-]{1,15}://[^\s/:@\"']{0,128}:)[^\s/@\"']{1,256}(?=@)"),  # RFC 3986 section 3.2.1
    re.compile(
        rf"(?i)(\bidentified\s{{1,8}}(?:with\s{{1,8}}\S{{1,64}}\s{{1,8}})?(?:by|as)\s{{1,8}}(?:password\s{{1,8}})?){_VALUE}"
    ),
    re.compile(r"(?i)(\bpassword\s{0,8}(?:=|for\s{1,8}\S{1,128}\s{0,8}=)?\s{0,8}\(?\s{0,8})(?:'[^']*'?|\"[^\"]*\"?)"),
)
"""Every repetition before a value is bounded: a hostile line must not make them try each other's places."""
_HINT = re.compile(r"(?i)pass|pwd|secret|key|token|identified|authorization|://|\s-[pu]")


def without_secrets(text: str) -> str:
    """`text` with "[withheld]" in place of what is given as a password or token."""
    if not _HINT.search(text):
        return text
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\1{WITHHELD}", text)
    return text
