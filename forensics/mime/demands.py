"""What a rule of libmagic demands of a file, told without asking libmagic: what must be so where it matches.

Nothing is lost by demanding too little: the rule is then asked. Numbers are compared as libmagic compares them;
text and regular expressions become expressions for Vectorscan, which looks for all of them in one reading. An
expression matches wherever the rule does, and more: its place, the ends of lines and of the search are left out.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import hyperscan

from forensics.mime.compiled import COMPACT, FOLD, INDIRECT, REGEX, SEARCH, STRING, UNSIGNED, USE, Rule, Rules

BLANKS = b" \t\n\v\f\r"
_BLANK = re.compile(rb"[ \t\n\v\f\r]+")
_WIDTHS: dict[int, tuple[int, Literal["little", "big"]]] = {  # type of a number -> bytes, order
    1: (1, "little"),
    **dict.fromkeys((2, 10), (2, "little")),
    **dict.fromkeys((4, 11), (4, "little")),
    **dict.fromkeys((24, 25), (8, "little")),
    7: (2, "big"),
    8: (4, "big"),
    26: (8, "big"),
}
_QUAD = 8


def _any(read: int, value: int) -> bool:
    return True


_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "=": operator.eq,
    "!": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "&": lambda read, value: read & value == value,
    "^": lambda read, value: read & value != value,
}
_DEEPEST = 2
"""Expressions of rules deeper than this are not worth looking for."""


@dataclass(slots=True)
class Head:
    """The first bytes of a file: `data` with zeros behind its `size` bytes, and the expressions `found` in them."""

    data: bytes
    size: int
    found: set[int] = field(default_factory=set)
    _plain: bytes | None = None

    @property
    def plain(self) -> bytes:
        """The bytes without blanks, in lower case."""
        if self._plain is None:
            self._plain = self.data[: self.size].translate(None, BLANKS).lower()
        return self._plain


Test = Callable[[Head], bool]
"""Whether a rule might match. None in its place: it cannot be told."""


@dataclass(frozen=True, slots=True)
class Number:
    """A rule for a number at a fixed place. `whole`: every bit of it counts."""

    offset: int
    width: int
    order: Literal["little", "big"]
    mask: int
    value: int
    relation: str
    signed: bool

    @property
    def whole(self) -> bool:
        """Whether it is for these very bytes."""
        return self.relation == "=" and self.mask == (1 << 8 * self.width) - 1

    @property
    def bytes(self) -> bytes:
        """The value as it stands in a file."""
        return self.value.to_bytes(self.width, self.order)

    def test(self) -> Test:
        """Whether it matches. libmagic reads eight bytes with zeros behind the end, fewer not at all."""
        offset, end, order, mask = self.offset, self.offset + self.width, self.order, self.mask
        compare = _COMPARISONS.get(self.relation, _any)
        beyond = self.relation in "!x"
        sign = 1 << 8 * self.width - 1 if self.signed and self.relation in "<>" else 0
        value = (self.value ^ sign) - sign

        def test(head: Head) -> bool:
            if end > head.size and end - offset < _QUAD:
                return beyond
            read = int.from_bytes(head.data[offset:end], order) & mask
            return compare((read ^ sign) - sign, value)

        return test


def number_of(rule: Rule) -> Number | None:
    """A rule for a number whose place and mask are known, else None."""
    if rule.kind not in _WIDTHS or rule.operation or not rule.stands_at():
        return None
    width, order = _WIDTHS[rule.kind]
    every = (1 << 8 * width) - 1
    value = int.from_bytes(rule.value[:8], "little") & every
    return Number(
        rule.offset, width, order, rule.mask & every or every, value, rule.relation, not rule.flags & UNSIGNED
    )


_TOKEN = re.compile(
    rb"""(?P<bracket>\[\^?\]?(?:\[:[a-z]+:\]|[^\]\[]|\[(?![:.=]))*\])
    |(?P<group>\((?!\?)|\)|\|)
    |(?P<start>\^)
    |(?P<end>\$)
    |(?P<any>\.)
    |(?P<times>(?:[*+?]|\{[0-9]*(?:,[0-9]*)?\})(?![*+?{]))
    |\\(?P<quoted>[^a-zA-Z0-9<>`'])
    |(?P<letter>[^\\*+?{\[(])""",
    re.VERBOSE | re.DOTALL,
)


REPEATED, MANY = re.compile(rb"(\{[0-9]*,)([0-9]+)\}"), 50
"""A repetition with an end. Every time more is a state of the automaton: beyond so many, no end is a smaller demand."""

_LINE_END = rb"(?:[\n\x00]|.{0,4}\x00*\z)"
"""libmagic leaves out the last byte, zeros at the end, and a character that is cut."""


def _without_end(repeated: re.Match[bytes]) -> bytes:
    return repeated[0] if int(repeated[2]) < MANY else repeated[1] + b"}"


def translated(expression: bytes, from_start: bool, to_end: bool) -> bytes | None:
    """A POSIX extended expression for Vectorscan, matching no less; None for what is not known here.

    `from_start`: it is tried from the first byte of the file, so that it may ask for the start of a line;
    `to_end`: on all bytes after that, so that it may ask for the end of one.
    """
    parts: list[bytes] = []
    at = 0
    while at < len(expression):
        token = _TOKEN.match(expression, at)
        if token is None:
            return None
        at = token.end()
        kind, text = token.lastgroup, token[0]
        if kind == "bracket":
            parts.append(text[:-1].replace(b"\\", rb"\\") + b"]")
        elif kind in ("group", "any"):
            parts.append(text)
        elif kind == "times":
            parts.append(REPEATED.sub(_without_end, text))
        elif kind == "start":
            parts.append(b"^" if from_start else b"")
        elif kind == "end":
            parts.append(_LINE_END if at == len(expression) and to_end else b"")
        else:
            parts.append(b"\\x%02x" % ord(token["quoted"] or token["letter"]))
    return b"".join(parts)


@dataclass(slots=True)
class Expressions:
    """All that is to be looked for: the numbers of (expression, flags for Vectorscan)."""

    numbers: dict[tuple[bytes, int], int] = field(default_factory=dict)

    def number(self, rule: Rule) -> int | None:
        """The number of what must be found where a rule for text matches; None where that cannot be told."""
        known = self._expression(rule) if rule.relation == "=" else None
        return None if known is None else self.numbers.setdefault(known, len(self.numbers))

    def _expression(self, rule: Rule) -> tuple[bytes, int] | None:
        flags = hyperscan.HS_FLAG_SINGLEMATCH | (hyperscan.HS_FLAG_CASELESS if rule.text_flags & FOLD else 0)
        if rule.kind == REGEX:
            text = translated(rule.value.partition(b"\0")[0], rule.stands_at() and not rule.offset, not rule.text_range)
            more = hyperscan.HS_FLAG_MULTILINE | hyperscan.HS_FLAG_PREFILTER | hyperscan.HS_FLAG_ALLOWEMPTY
            return None if not text else (text, flags | more)
        if rule.kind not in (SEARCH, STRING):
            return None
        text = rule.text.rstrip(b"\0")  # the zeros of a string may stand behind the end
        if rule.text_flags & COMPACT:
            text = max(_BLANK.split(text), key=len)
        return (b"".join(b"\\x%02x" % byte for byte in text), flags) if text else None


def test_of(rules: Rules, rule: Rule, expressions: Expressions | None) -> Test | None:
    """Whether a rule and enough of those below it might match for libmagic to say something; None: untold.

    Without `expressions` only numbers are looked at.
    """
    return both(_own(rule, expressions), below_of(rules, rule, expressions))


def both(first: Test | None, second: Test | None) -> Test | None:
    """What two tests tell together."""
    if first is None or second is None:
        return first or second
    return lambda head: first(head) and second(head)


def below_of(rules: Rules, rule: Rule, expressions: Expressions | None) -> Test | None:
    """Whether one of the rules below a rule, without which it says nothing, might match; None: untold."""
    if rule.speaks or rule.kind in (USE, INDIRECT) or not rule.stands_at():
        return None
    tests: list[Test] = []
    for one in rules.below(rule):
        test = test_of(rules, one, expressions)
        if test is None:
            return None
        tests.append(test)
    return lambda head: any(test(head) for test in tests)


def _own(rule: Rule, expressions: Expressions | None) -> Test | None:
    if (number := number_of(rule)) is not None:
        return number.test()
    found = expressions.number(rule) if expressions is not None and rule.level <= _DEEPEST else None
    return None if found is None else lambda head: found in head.found
