"""The language that a report's fixed words are printed in: its catalogue of translations, its dates and numbers.

The words are written in English, and the English document is the one of record. `_` asks the catalogue of the language
that is spoken just now. What a catalogue lacks stays English and is remembered, for a translation says how much it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Final

ENGLISH: Final = "en"
LANGUAGES: Final = (ENGLISH, "sr-Cyrl")
"""Tags (BCP 47); each but English has its catalogue, `languages/TAG.po`. docs/languages.md says how to add one."""

_WORD = re.compile(r"[^\W\d_]")
_PLACE = re.compile(r"\{\w*\}")


@dataclass(frozen=True)
class Language:
    """A language with its catalogue; `lacking` grows by each text that was asked for and is not in it."""

    tag: str
    catalogue: Mapping[str, str] = field(default_factory=dict)
    lacking: set[str] = field(default_factory=set)

    @property
    def translates(self) -> bool:
        return self.tag != ENGLISH

    def of(self, text: str) -> str:
        """The text in this language."""
        if not self.translates or not _WORD.search(_PLACE.sub("", text)):
            return text
        if found := self.catalogue.get(text):
            return found
        self.lacking.add(text)
        return text


_SPOKEN: ContextVar[Language] = ContextVar("language")
_NONE: Final = Language(ENGLISH)


def spoken() -> Language:
    """The language of what is being made; English unless `speaking` says otherwise."""
    return _SPOKEN.get(_NONE)


@contextmanager
def speaking(tag: str) -> Iterator[Language]:
    """Within it reports are made in this language (one of LANGUAGES)."""
    language = Language(tag, catalogue(tag) if tag != ENGLISH else {})
    before = _SPOKEN.set(language)
    try:
        yield language
    finally:
        _SPOKEN.reset(before)


@cache
def catalogue(tag: str) -> Mapping[str, str]:
    """English -> translation, of all texts that the language's catalogue has translated."""
    from babel.messages.pofile import read_po

    with (resources.files(__package__) / "languages" / f"{tag}.po").open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file, tag.replace("-", "_")) if m.id and m.string}


def _(text: str) -> str:
    """The text in the language spoken; its places `{name}` stay."""
    return spoken().of(text)


def N_(text: str) -> str:  # noqa: N802 - the name that gettext gives to what is translated later
    """The same text, marked as one that catalogues have."""
    return text


# --- dates and numbers ------------------------------------------------------------------------------------


def _locale() -> str:
    return spoken().tag.replace("-", "_")


def number(value: int) -> str:
    """A count, its thousands apart as the language does it."""
    if not spoken().translates:
        return f"{value:,}"
    from babel.numbers import format_decimal

    return str(format_decimal(value, locale=_locale()))


def when(written: str) -> str:
    """A date, or date and time (`2026-11-07 04:03:22.5`), as people write it; English and what is none: as it is."""
    if not spoken().translates:
        return written
    from babel.dates import format_date, format_datetime
    from babel.numbers import get_decimal_symbol

    whole, _point, fraction = written.partition(".")
    try:
        if len(whole) == 10:
            return str(format_date(date.fromisoformat(whole), locale=_locale()))
        told = str(format_datetime(datetime.fromisoformat(whole), locale=_locale()))
    except ValueError:  # the 31st of February
        return written
    return f"{told}{get_decimal_symbol(_locale())}{fraction}" if fraction else told
