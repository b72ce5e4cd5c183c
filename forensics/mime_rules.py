"""libmagic's rules without those that cannot match: the same answer for plain text in a third of the time.

libmagic 5.41 (pylibmagic 0.5) compiles the regular expression of a rule anew for every file that reaches it, and
nine rules for text cost more than all others (`{0,50}` and `{1,255}` become that many states). Searches through
the whole head come next. A rule of the first level that does not match has no effect on the answer, so where the
head lacks a text that a rule demands, the rule may be left out. Nothing is assumed of the rules: they are read in
the compiled form that libmagic loads (`magic.mgc`, version 16; struct magic in its `file.h`), known by their type
and their own text, and in any other form none is left out.
"""

from __future__ import annotations

import ctypes
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pylibmagic  # isort: skip - first: it makes the library and rules of its wheel the ones found
from magic import Magic, MagicException, libmagic

_MAGIC, _VERSION, _RULE_BYTES = 0xF11E041C, 16, 376
_HEADER = struct.Struct("<4I")  # magic, version, rules, named rules
_RULE = struct.Struct("<H2xBBB")  # level, relation, length of the value, type
_VALUE, _VALUE_BYTES = 32, 128
_SEARCH, _REGEX = 20, 17

_DIRECTIVES = (b"asciiz", b"globl", b"byte", b"even", b"text", b"file", b"type")
_REGEXES = frozenset(
    [
        b"^[!-?A-~]{1,255}(\t[^\t]+){11}",
        b"^[ \t\x0c\r\n]{0,100}BEGIN[ \t\x0c\r\n]{0,100}[{]",
        *(b"^[ \t]{0,50}\\." + word for word in _DIRECTIVES),
    ]
)
_DEMANDED = re.compile(rb"BEGIN|\.(?:" + b"|".join(_DIRECTIVES) + rb")")
_TABS = 11

_MARKUP = re.compile(rb"\\[a-z]|<[!sath]", re.IGNORECASE)
"""How searches for LaTeX and HTML begin. Neither sign is a letter or a blank, so no flag of a search spares it."""


@dataclass(frozen=True, slots=True)
class LeaveOut:
    """A family of rules to leave out, and whether one of them might match a head after all."""

    has: Callable[[int, bytes], bool]
    """Whether a rule, by its type and the text it looks for, is of the family."""
    possible: Callable[[bytes], bool]


def _is_costly(kind: int, value: bytes) -> bool:
    return kind == _REGEX and value in _REGEXES


def _costly_possible(head: bytes) -> bool:
    return head.count(b"\t") >= _TABS or _DEMANDED.search(head) is not None


def _is_costly_or_markup(kind: int, value: bytes) -> bool:
    return _is_costly(kind, value) or (kind == _SEARCH and _MARKUP.match(value) is not None)


def _costly_or_markup_possible(head: bytes) -> bool:
    return _MARKUP.search(head) is not None or _costly_possible(head)


LEFT_OUT = (
    LeaveOut(_is_costly_or_markup, _costly_or_markup_possible),
    LeaveOut(_is_costly, _costly_possible),
)
"""Asked in this order: the one that leaves out most comes first."""


def without(compiled: bytes, has: Callable[[int, bytes], bool]) -> bytes | None:
    """Compiled rules without those of the first level, and all below them, that `has` names by type and value.

    None where the form is not the one known here, or nothing is left out.
    """
    if len(compiled) < _RULE_BYTES or len(compiled) % _RULE_BYTES:
        return None
    magic, version, rules, named = _HEADER.unpack_from(compiled)
    if (magic, version, (rules + named + 1) * _RULE_BYTES) != (_MAGIC, _VERSION, len(compiled)):
        return None
    end = (rules + 1) * _RULE_BYTES
    kept: list[bytes] = []
    leaving = False
    for at in range(_RULE_BYTES, end, _RULE_BYTES):
        level, relation, length, kind = _RULE.unpack_from(compiled, at)
        if not level:
            value = compiled[at + _VALUE : at + _VALUE + min(length, _VALUE_BYTES)]
            leaving = relation == ord("=") and has(kind, value)
        if not leaving:
            kept.append(compiled[at : at + _RULE_BYTES])
    if len(kept) == rules:
        return None
    header = _HEADER.pack(magic, version, len(kept), named).ljust(_RULE_BYTES, b"\0")
    return b"".join([header, *kept, compiled[end:]])


class _ShortMagic(Magic):
    """libmagic with compiled rules from memory, which has to last as long as it does."""

    def __init__(self, rules: bytes) -> None:
        super().__init__(mime=True)
        self._rules = ctypes.create_string_buffer(rules, len(rules))
        load = libmagic.magic_load_buffers
        load.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
        addresses = (ctypes.c_void_p * 1)(ctypes.addressof(self._rules))
        sizes = (ctypes.c_size_t * 1)(len(rules))
        if load(self.cookie, addresses, sizes, 1):
            raise MagicException("the shortened rules do not load")


def shortened() -> list[tuple[LeaveOut, Magic]]:
    """Every family that can be left out of the rules of pylibmagic's wheel, and libmagic without it."""
    compiled = Path(str(pylibmagic.data / "magic.mgc")).read_bytes()
    found = [(family, without(compiled, family.has)) for family in LEFT_OUT]
    return [(family, _ShortMagic(rules)) for family, rules in found if rules is not None]
