"""Bytes in, matches out: all patterns at once.

Everything is compiled into YARA rules but for a few words that are plain bytes: these are searched for by the
aho-corasick library, which takes half the time for them (benchmarks/search.py), for it looks for rare bytes with
vector instructions where yara-x looks at pieces of four bytes. With more than a few it loses that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from forensics.model import ExaminationError
from forensics.search.patterns import REGEX, WORD, YARA, Patterns
from forensics.search.words import ASCII, Spelling, readings

MOST_LITERALS = 16
MOST_A_WINDOW = 10_000
"""Matches of one pattern in one window (some MiB): more would be a pattern that means nothing."""
REACH = 64 << 10
"""Bytes that an expression's match may be long and still be found whole wherever a window ends."""
WINDOW, WORDS_WINDOW = 4 << 20, 1 << 20
RULES_WINDOW = 64 << 20
"""Conditions of YARA rules speak of whole files: up to this size they are given whole."""
SECONDS_A_WINDOW = 30
_CONTEXT = 64


class ScanTimeoutError(ExaminationError):
    """The patterns took too long over one window."""


class Match(NamedTuple):
    """One match: `kind` is WORD, REGEX or YARA; `encoding` is "" where none is sure."""

    kind: str
    pattern: str
    rule: str
    encoding: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Scan:
    """The matches in a window in order of their place, and the patterns that match too often to list them all."""

    matches: list[Match]
    too_many: list[str]


class Scanner:
    """Patterns made ready to search with. One thread only."""

    def __init__(self, patterns: Patterns, seconds: int = SECONDS_A_WINDOW) -> None:
        self._patterns, self._seconds = patterns, seconds
        self._spelled = list(patterns.spelled())
        literals = [spelling.literal for _, spelling in self._spelled]
        self._literal = self._literals(literals)
        quick = self._literal is not None
        self._rules: Any = self._scanner(quick) if patterns.regexes or patterns.rules or not quick else None
        self.window = RULES_WINDOW if patterns.rules else WINDOW if patterns.regexes else WORDS_WINDOW
        longest = max((spelling.longest for _, spelling in self._spelled), default=0)
        self.reach = REACH if patterns.regexes or patterns.rules else max(longest, _CONTEXT)

    @staticmethod
    def _literals(literals: list[bytes | None]) -> Callable[[bytes], list[tuple[int, int, int]]] | None:
        plain = [literal for literal in literals if literal is not None]
        if not 0 < len(plain) <= MOST_LITERALS or len(plain) < len(literals):
            return None
        import ahocorasick_rs

        automaton = ahocorasick_rs.BytesAhoCorasick(plain)
        find = automaton.find_matches_as_indexes
        return lambda data: find(data, overlapping=True)

    def _scanner(self, quick: bool) -> Any:
        import yara_x

        scanner = yara_x.Scanner(self._patterns.compiled(words=not quick))
        scanner.set_timeout(self._seconds)
        scanner.max_matches_per_pattern(MOST_A_WINDOW)
        self._timeout = yara_x.TimeoutError
        return scanner

    def scan(self, data: bytes, at: int = 0) -> Scan:
        """All matches in `data`, which begins at byte `at` of its stream. Raises `ScanTimeoutError`."""
        words: dict[tuple[int, int, int], list[Spelling]] = {}
        others: list[Match] = []
        too_many: list[str] = []
        if self._literal is not None:
            for number, start, end in self._literal(data)[: MOST_A_WINDOW * MOST_LITERALS]:
                word, spelling = self._spelled[number]
                words.setdefault((word, start, end - start), []).append(spelling)
        if self._rules is not None:
            for kind, number, rule, pattern in self._found(data):
                places = [(match.offset, match.length) for match in pattern.matches]
                name = self._name(kind, number, pattern.identifier)
                if len(places) >= MOST_A_WINDOW:
                    too_many.append(name)
                if kind == WORD:
                    word, spelling = self._spelled[int(pattern.identifier[2:])]
                    for start, length in places:
                        words.setdefault((word, start, length), []).append(spelling)
                else:
                    others += [Match(kind, name, rule, _encoding(data, *place), *place) for place in places]
        matches = [*self._words(data, at, words), *others]
        return Scan(sorted(matches, key=lambda match: (match.offset, match.length, match[:4])), too_many)

    def _found(self, data: bytes) -> Iterator[tuple[str, int, str, Any]]:
        """(kind, number, rule, pattern with its matches); a rule that asks for no pattern has one without a place."""
        try:
            results = self._rules.scan(data)
        except self._timeout as error:
            raise ScanTimeoutError(f"the patterns took over {self._seconds} s") from error
        for rule in results.matching_rules:
            kind = next(one for one in (WORD, REGEX, YARA) if rule.namespace.startswith(one))
            number = int(rule.namespace.removeprefix(kind) or 0)
            found = [pattern for pattern in rule.patterns if pattern.matches]
            for pattern in found or [_Whole()]:
                yield kind, number, rule.identifier, pattern

    def _name(self, kind: str, number: int, identifier: str) -> str:
        if kind == WORD:
            return self._patterns.words[self._spelled[int(identifier[2:])][0]]
        return self._patterns.regexes[number] if kind == REGEX else identifier

    def _words(self, data: bytes, at: int, words: dict[tuple[int, int, int], list[Spelling]]) -> Iterator[Match]:
        """Matches of words, each place once. Of two readings as UTF-16, a byte apart, the one at an even place stands:
        the zeros between letters fit both.
        """
        patterns = self._patterns
        for (number, start, length), spelled in words.items():
            odd = (at + start) % 2 == 1
            wide = all(name.startswith("utf-16") for spelling in spelled for name in spelling.encodings)
            if wide and odd and any((number, start + step, length) in words for step in (-1, 1)):
                continue
            found = data[start : start + length]
            told = tuple(dict.fromkeys(name for spelling in spelled for name in spelling.encodings))
            names = readings(found, patterns.words[number], told, match_case=patterns.match_case)
            if names:
                yield Match(WORD, patterns.words[number], "", "/".join(names), start, length)


@dataclass(frozen=True, slots=True)
class _Place:
    offset: int = 0
    length: int = 0


@dataclass(frozen=True, slots=True)
class _Whole:
    """What stands in for the pattern of a rule that is about the whole of a file."""

    identifier: str = ""
    matches: tuple[_Place, ...] = (_Place(),)


def _encoding(data: bytes, offset: int, length: int) -> str:
    """ASCII or UTF-16 (of either byte order: the zeros fit both), where a match shows it; else ""."""
    found = data[offset : offset + length]
    if length > 1 and not any(found[1::2]) and all(found[::2]):
        return "utf-16"
    return ASCII if found and found.isascii() and 0 not in found else ""
