"""What the verifier and the rules say, in the report: they speak English, with numbers and words of the record in it.

Where what is said is one of the sentences in `words_told` or `words_found`, the report has it in its own language. Else
it stays English, is marked as English for whoever reads the page aloud, and the page says how often that is so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from custody.report.language import _, spoken
from custody.report.phrase import Phrase, Piece, Quoted, phrase, quote, visible
from custody.report.words_found import FINDINGS
from custody.report.words_told import SENTENCES


def told(text: str) -> Phrase:
    """What the kit says, as part of a sentence."""
    if spoken().translates:
        if text in spoken().catalogue:
            return (_(text),)
        for template, form in _forms().items():
            if template in spoken().catalogue and (found := form.fullmatch(text)):
                return phrase(template, _quoted(found.groupdict()))
    return (Quoted(visible(text), english=True),)


def sentence(text: str) -> Phrase:
    """The same as a sentence of its own, with a capital and a full stop."""
    first, *rest = told(text)
    return (_capital(first), *rest, ".")


def _capital(piece: Piece) -> Piece:
    if isinstance(piece, Quoted):
        return replace(piece, text=f"{piece.text[:1].upper()}{piece.text[1:]}")
    return f"{piece[:1].upper()}{piece[1:]}" if isinstance(piece, str) else piece


def _quoted(values: Mapping[str, str]) -> dict[str, Phrase]:
    return {name: (quote(value),) for name, value in values.items()}


@cache
def _forms() -> Mapping[str, re.Pattern[str]]:
    """Each template as the form of the sentences that are made of it."""
    return {template: re.compile(_form(template), re.DOTALL) for template in (*SENTENCES, *FINDINGS)}


def _form(template: str) -> str:
    parts = re.split(r"\{(\w+)\}", template)
    return "".join(f"(?P<{part}>.+?)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
