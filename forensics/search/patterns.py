"""What is searched for, as the examiner gave it: words, regular expressions, YARA rules; all checked before reading.

All of it is compiled into one set of YARA rules (yara-x): every pattern is found in one reading.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from forensics.model import ExaminationError
from forensics.search.words import ENCODINGS, Form, Spelling, spellings

MOST_PATTERNS = 10_000
MOST_RULES_BYTES = 16 << 20
LONGEST_WORD = 256
WORD, REGEX, YARA = "word", "regex", "yara"
_REGEX_ENCODINGS = "ascii wide"


class PatternError(ExaminationError):
    """A pattern cannot be searched for: one clear line that names it."""

    def __init__(self, message: str, advice: str = "Correct it; nothing was read.") -> None:
        super().__init__(message, advice)


@dataclass(frozen=True, slots=True)
class Patterns:
    """Words, regular expressions and rule files (name, source), and how words are searched for."""

    words: tuple[str, ...] = ()
    regexes: tuple[str, ...] = ()
    rules: tuple[tuple[str, str], ...] = ()
    encodings: tuple[str, ...] = tuple(ENCODINGS)
    match_case: bool = False

    def document(self) -> bytes:
        """All of it as one JSON document: what is kept, and what the ledger names by its digest."""
        value: Mapping[str, Any] = {
            "format": "evikit-patterns-1",
            "words": self.words,
            "regexes": self.regexes,
            "yara": [{"name": name, "source": source} for name, source in self.rules],
            "encodings": self.encodings,
            "match_case": self.match_case,
        }
        return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")

    def digest(self) -> str:
        """SHA-256 (hex) of the document."""
        return hashlib.sha256(self.document()).hexdigest()

    def spelled(self) -> Iterator[tuple[int, Spelling]]:
        """Every spelling of every word, with the word's number."""
        for number, word in enumerate(self.words):
            for spelling in spellings(word, self.encodings, match_case=self.match_case):
                yield number, spelling

    def validate(self) -> None:
        """Raise `PatternError` for what cannot be searched for; compiles everything."""
        if not (self.words or self.regexes or self.rules):
            raise PatternError("there is nothing to search for", "Give --word, --words, --regex or --yara.")
        if len(self.words) + len(self.regexes) > MOST_PATTERNS:
            raise PatternError(f"over {MOST_PATTERNS:,} words and expressions are not searched for at once")
        for word in self.words:
            if not word.strip() or len(word) > LONGEST_WORD:
                raise PatternError(f"{word[:40]!r} is no word: 1 to {LONGEST_WORD} characters, not all blank")
            if not spellings(word, self.encodings, match_case=self.match_case):
                raise PatternError(f"none of the chosen encodings has the letters of {word!r}", "Add --encoding utf-8.")
        if sum(len(source) for _, source in self.rules) > MOST_RULES_BYTES:
            raise PatternError(f"the YARA rules are over {MOST_RULES_BYTES >> 20} MiB")
        self.compiled()

    def compiled(self, *, words: bool = True) -> Any:
        """The compiled rules, without the words where another engine has them; raises `PatternError`.

        Their namespaces are WORD, REGEX and YARA with the expression's or the file's number behind them.
        """
        yara = _yara()
        compiler = yara.Compiler()
        compiler.enable_includes(False)  # a rule file must not make us read another file
        if words and self.words:
            _add(yara, compiler, "the words", self._word_rule(), WORD)
        for number, regex in enumerate(self.regexes):
            _add(yara, compiler, f"the expression {regex!r}", _regex_rule(regex), f"{REGEX}{number}")
        for number, (name, source) in enumerate(self.rules):
            _add(yara, compiler, name, source, f"{YARA}{number}")
        return compiler.build()

    def _word_rule(self) -> str:
        lines = [f"$w{place} = {_expression(spelling.form)}" for place, (_, spelling) in enumerate(self.spelled())]
        return "rule words { strings:\n" + "\n".join(lines) + "\ncondition: any of them }"


def _yara() -> Any:
    try:
        import yara_x
    except ImportError as error:
        raise PatternError("searching needs the extra `search`", "pip install 'evikit[search]'") from error
    return yara_x


def _add(yara: Any, compiler: Any, what: str, source: str, namespace: str) -> None:
    compiler.new_namespace(namespace)
    try:
        compiler.add_source(source)
    except yara.CompileError as error:
        raise PatternError(f"{what} does not compile: {_one_line(str(error))}") from error


def _one_line(report: str) -> str:
    """yara-x's report as one line: what, the line of the source, and its remark."""
    lines = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", report).splitlines() if line.strip()]
    what = lines[0].removeprefix("error") if lines else "no reason given"
    where = next((found[1] for line in lines if (found := re.match(r"-->\s*(?:line:)?(\d+)", line))), "")
    remark = next((found[1] for line in lines if (found := re.search(r"\^+\s*(\S.*)$", line))), "")
    told = re.sub(r"^\[\w+\]:?\s*", "", what.strip(": "))
    return "; ".join(part for part in (told, f"line {where}" if where else "", remark) if part)


def _byte(value: int) -> str:
    return f"\\x{value:02x}"


def _either(ways: tuple[bytes, ...]) -> str:
    escaped = ["".join(map(_byte, way)) for way in ways]
    if len(ways) == 1:
        return escaped[0]
    if all(len(way) == 1 for way in ways):
        return f"[{''.join(escaped)}]"  # a class of bytes is searched for faster than alternatives
    return f"({'|'.join(escaped)})"


def _expression(form: Form) -> str:
    return f"/{''.join(map(_either, form))}/"


def _regex_rule(regex: str) -> str:
    """A rule of one expression, in ASCII and UTF-16; a slash, or an end of line, in it is escaped."""
    escaped = re.sub(r"\\.|/|\n", lambda found: {"/": r"\/", "\n": r"\n"}.get(found[0], found[0]), regex, flags=re.S)
    if re.search(r"(?<!\\)(\\\\)*\\$", escaped):
        raise PatternError(f"the expression {regex!r} does not compile: it ends in a backslash")
    return f"rule regex {{ strings: $r = /{escaped}/ {_REGEX_ENCODINGS} condition: any of them }}"
