"""libmagic's rules in the compiled form that it loads (`magic.mgc`, version 16; struct magic in its `file.h`)."""

from __future__ import annotations

import ctypes
import struct
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pylibmagic  # noqa: F401 # isort: skip - first: it makes the library and rules of its wheel the ones found
from magic import (
    MAGIC_MIME_TYPE,
    MAGIC_PARAM_NAME_MAX,
    Magic,
    MagicException,
    libmagic,
    magic_open,
)

_load_buffers = libmagic.magic_load_buffers
_load_buffers.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
_MOST_NAMES = 64  # what python-magic sets; libmagic's own limit is 50

_MAGIC, _VERSION, _RULE_BYTES = 0xF11E041C, 16, 376
_HEADER = struct.Struct("<4I")  # magic, version, rules, named rules
# level, flags, relation, length of the value, type, operation on the mask, offset, mask, value, description, MIME type
_RULE = struct.Struct("<HBxBBB2xB2xi8xQ128sB63x80s")
_TYPE = 6  # where the type stands

STRING, REGEX, SEARCH, INDIRECT, USE = 5, 17, 20, 41, 46
INDIRECT_OFFSET, RELATIVE_OFFSET, FROM_END, UNSIGNED = 0x01, 0x06, 0x80, 0x08  # flags of a rule
COMPACT, FOLD = 0x3, 0xC  # flags of text: blanks stand for any number of blanks; letters for both cases


class UnknownFormError(Exception):
    """The compiled rules are not in the form known here."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `mask` of text holds its range in the lower half and its flags in the upper."""

    number: int
    level: int
    flags: int
    relation: str
    length: int
    kind: int
    operation: int
    offset: int
    mask: int
    value: bytes
    described: bool
    mime: bytes

    @property
    def speaks(self) -> bool:
        """Whether it says something where it matches: no other rule is tried then."""
        return self.described or bool(self.mime)

    @property
    def text_flags(self) -> int:
        """The flags of a rule for text."""
        return self.mask >> 32

    @property
    def text_range(self) -> int:
        """How many places a search tries; 0: all."""
        return self.mask & 0xFFFFFFFF

    @property
    def text(self) -> bytes:
        """What a rule for text compares with."""
        return self.value[: self.length]

    def stands_at(self, forbidden: int = INDIRECT_OFFSET | RELATIVE_OFFSET | FROM_END) -> bool:
        """Whether it looks at the byte `offset` of the file itself."""
        return not self.flags & forbidden and self.offset >= 0


@dataclass(frozen=True, slots=True)
class _Piece:
    """A group's compiled rules, and the named groups they use; None if they ask all rules again."""

    compiled: bytes
    uses: tuple[int, ...] | None


class Rules:
    """Compiled rules. A rule of the first level and all below it are a group, named by the number of the first."""

    def __init__(self, compiled: bytes) -> None:
        """Raises `UnknownFormError`."""
        if len(compiled) < _RULE_BYTES or len(compiled) % _RULE_BYTES:
            raise UnknownFormError("not a number of whole rules")
        magic, version, rules, named = _HEADER.unpack_from(compiled)
        if (magic, version, (rules + named + 1) * _RULE_BYTES) != (_MAGIC, _VERSION, len(compiled)):
            raise UnknownFormError("another version, or not all rules")
        self._compiled = compiled
        self._levels = [0, *memoryview(compiled).cast("H")[_RULE_BYTES // 2 :: _RULE_BYTES // 2].tolist(), 0]
        self._types = compiled[_TYPE::_RULE_BYTES]
        self.groups = [number for number in range(1, rules + 1) if not self._levels[number]]
        self._named: dict[bytes, int] = {}
        self._pieces: dict[int, _Piece] = {}
        for number in range(rules + 1, rules + named + 1):
            if not self._levels[number]:
                self._named.setdefault(self._name(number), number)

    def rule(self, number: int) -> Rule:
        """The rule of a number, from 1."""
        level, flags, relation, length, kind, operation, offset, mask, value, says, mime = _RULE.unpack_from(
            self._compiled, number * _RULE_BYTES
        )
        mime = mime.partition(b"\0")[0]
        return Rule(number, level, flags, chr(relation), length, kind, operation, offset, mask, value, bool(says), mime)

    def below(self, rule: Rule) -> Iterator[Rule]:
        """The rules one level below a rule, which are tried if it matches."""
        number = rule.number + 1
        while self._levels[number] > rule.level:
            if self._levels[number] == rule.level + 1:
                yield self.rule(number)
            number += 1

    def group(self, first: int) -> Iterator[Rule]:
        """A rule of the first level and all below it."""
        yield self.rule(first)
        number = first + 1
        while self._levels[number]:
            yield self.rule(number)
            number += 1

    def only(self, groups: Iterable[int]) -> bytes | None:
        """Compiled rules of these groups alone, and what they use by name; None if one asks all rules again."""
        chosen = [self._piece(first) for first in sorted(set(groups))]
        used: dict[int, _Piece] = {}
        waiting = list(chosen)
        while waiting:
            names = waiting.pop().uses
            if names is None:
                return None
            for name in names:
                if name not in used:
                    used[name] = self._piece(name)
                    waiting.append(used[name])
        mine = b"".join([piece.compiled for piece in chosen])
        named = b"".join([piece.compiled for piece in used.values()])
        header = _HEADER.pack(_MAGIC, _VERSION, len(mine) // _RULE_BYTES, len(named) // _RULE_BYTES)
        return header.ljust(_RULE_BYTES, b"\0") + mine + named

    def _piece(self, first: int) -> _Piece:
        if (known := self._pieces.get(first)) is not None:
            return known
        end = first + 1
        while self._levels[end]:
            end += 1
        names = [self._name(number).removeprefix(b"^") for number in range(first, end) if self._types[number] == USE]
        plain = INDIRECT not in self._types[first:end] and all(name in self._named for name in names)
        uses = tuple(self._named[name] for name in names) if plain else None
        piece = self._pieces[first] = _Piece(self._compiled[first * _RULE_BYTES : end * _RULE_BYTES], uses)
        return piece

    def _name(self, number: int) -> bytes:
        return self.rule(number).value.partition(b"\0")[0]


class PartMagic(Magic):
    """libmagic, set up as `Magic(mime=True)`, with compiled rules from memory, which lasts as long as it does."""

    def __init__(self, rules: bytes) -> None:
        # Not the parent's: that one loads all rules first.
        self.flags, self.lock = MAGIC_MIME_TYPE, threading.Lock()
        self.cookie = magic_open(self.flags)
        self.setparam(MAGIC_PARAM_NAME_MAX, _MOST_NAMES)
        self._rules = ctypes.create_string_buffer(rules, len(rules))
        addresses = (ctypes.c_void_p * 1)(ctypes.addressof(self._rules))
        sizes = (ctypes.c_size_t * 1)(len(rules))
        if _load_buffers(self.cookie, addresses, sizes, 1):
            raise MagicException("a part of the rules does not load")
