"""libmagic, asked with no more rules than it takes to give the answer of all.

libmagic 5.41 (pylibmagic 0.5) tries every rule on every file and compiles a rule's regular expression anew each time:
0.5 to 4 ms a file. A rule of the first level that does not match has no effect on the answer, so those that cannot
match are left out (`candidates` finds the others). Nothing is assumed of the rules: they are read in the compiled
form that libmagic loads, and in any other form none is left out.
"""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pylibmagic  # isort: skip - first: it makes the library and rules of its wheel the ones found
from magic import Magic, MagicException

from forensics.mime.compiled import PartMagic, Rules, UnknownFormError

if TYPE_CHECKING:
    from forensics.mime.candidates import Candidates

_FIRST = 256
"""So many files are judged by all rules: to prepare the search for candidates costs as much."""
_PARTS_KEPT = 256

_MARK = b"\xef\xbb\xbf"
_OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff", b"+/v")
_NOT_TEXT = bytes(byte for byte in range(32) if byte not in b"\a\b\t\n\v\f\r\x1b") + b"\x7f"
_NOT_EBCDIC = re.compile(rb"[\0\1 \n]")


def readings(head: bytes) -> list[bytes] | None:
    """On which bytes libmagic may try its rules: a file's first, and these converted where they are text; None: untold.

    The rules for text are tried on UTF-8, without its mark; each byte of 8-bit text becomes a character.
    """
    text = head.rstrip(b"\0")
    if head.startswith(_OTHER_MARKS) or not _NOT_EBCDIC.search(text):
        return None
    if head.isascii() or len(text.translate(None, _NOT_TEXT)) < len(text):
        return [head]
    if not _is_utf8(head):
        return [head, text.decode("latin-1").encode()]
    return [head, head.removeprefix(_MARK)] if head.startswith(_MARK) else [head]


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as error:  # the last character may be cut
        return error.end == len(head) and error.reason == "unexpected end of data"
    return True


def installed_rules() -> Rules | None:
    """The rules of pylibmagic's wheel; None in a form that is not known here."""
    try:
        return Rules(Path(str(pylibmagic.data / "magic.mgc")).read_bytes())
    except UnknownFormError:
        return None


class Judge:
    """Tells types. The first `first` files are judged by all rules. One thread only."""

    def __init__(self, first: int = _FIRST) -> None:
        self._whole = Magic(mime=True)
        self._first = first
        self._part = lru_cache(_PARTS_KEPT)(self._made)

    def type(self, head: bytes) -> str:
        """The MIME type of a file that begins so, "" when libmagic cannot say."""
        read = readings(head)
        if self._first or read is None or self._candidates is None:
            self._first = max(self._first - 1, 0)
            return _asked(self._whole, head)
        groups, dear = frozenset().union(*map(self._candidates.of, read)), self._candidates.dear
        if waiting := groups & dear.keys():
            # The answer without rules that can only say the same is the answer with them.
            answer = _asked(self._part(self._candidates, groups - waiting), head)
            if all(dear[group] == answer for group in waiting):
                return answer
        return _asked(self._part(self._candidates, groups), head)

    def _made(self, candidates: Candidates, groups: frozenset[int]) -> Magic:
        rules = candidates.rules.only(groups | candidates.always)
        return self._whole if rules is None else PartMagic(rules)

    @cached_property
    def _candidates(self) -> Candidates | None:
        from forensics.mime.candidates import Candidates  # hyperscan is for those who have many files

        rules = installed_rules()
        return None if rules is None else Candidates(rules)


def _asked(magic: Magic, head: bytes) -> str:
    try:
        return str(magic.from_buffer(head))
    except MagicException:  # it judged, and failed
        return ""
