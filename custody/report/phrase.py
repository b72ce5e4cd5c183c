"""Sentences of a report: our own words with other people's words inside, kept apart.

What comes from the record (names, purposes, paths) may hold anything: markup, text direction overrides, control
characters. It travels as `Quoted`, made harmless to the eye by `quote`; a renderer escapes and isolates it. A sentence
is a `Phrase`, a tuple of pieces, so that no renderer has to guess which words are ours.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from custody.ledger.entry import Json
from custody.report.language import N_, _

MAX_SHOWN = 4_000
"""Characters of one value that a report prints; the bundle holds the rest."""

_MAX_MARKS = 4  # more marks on one letter than any orthography needs would paint over the neighbouring lines
_JOINERS = "\u200c\u200d"
_HIDDEN = frozenset({"Cf", "Cc", "Cs", "Co", "Cn", "Zl", "Zp"})


class Absent(Enum):
    """Why there is nothing to print: the record says so, the bundle keeps it closed, or it was erased by approval."""

    NOT_STATED = N_("not stated")
    WITHHELD = N_("not shown in this bundle")
    ERASED = N_("erased by approval")

    @property
    def words(self) -> str:
        """The reason in the language spoken."""
        return _(self.value)


@dataclass(frozen=True, slots=True)
class Quoted:
    """Words that are not ours, safe to look at. `code`: a digest, path or key, printed letter by letter.

    `english`: said by the kit itself in English, whatever the language of the report.
    """

    text: str
    code: bool = False
    english: bool = False


Piece = str | Quoted | Absent
Phrase = tuple[Piece, ...]


def _visible_character(character: str) -> str:
    """Its code point: Unicode has pictures of some controls, but few fonts have them."""
    return f"[U+{ord(character):04X}]"


def _joins(text: str, position: int) -> bool:
    """Whether a joiner stands between letters that need one, not between Latin ones where it only deceives."""
    around = text[position - 1 : position] + text[position + 1 : position + 2]
    return len(around) == 2 and all(ord(character) > 0x2FF for character in around)


def visible(text: str, limit: int = MAX_SHOWN) -> str:
    """`text` with everything that cannot be seen made visible; line feeds stay. Cut at `limit`, and said so."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    marks = 0
    for position, character in enumerate(text[:limit]):
        kind = unicodedata.category(character)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        hidden = kind in _HIDDEN and character != "\n" and not (character in _JOINERS and _joins(text, position))
        shown.append(_visible_character(character) if hidden or marks > _MAX_MARKS else character)
    rest = (
        f" … [{_('{count} characters in all; the bundle has them').format(count=len(text))}]"
        if len(text) > limit
        else ""
    )
    return "".join(shown) + rest


def quote(value: Json, *, code: bool = False) -> Piece:
    """A value of the record as one piece: text quoted, lists and objects on one line, nothing as `NOT_STATED`."""
    text = _flat(value)
    return Quoted(visible(text), code) if text else Absent.NOT_STATED


def _flat(value: Json) -> str:
    if isinstance(value, dict) and value.keys() in ({"name", "value"}, {"name", "sha256"}):
        return ": ".join(map(_flat, (value["name"], value.get("value", value.get("sha256")))))
    if isinstance(value, dict) and value.keys() == {"name", "agency"}:
        return ", ".join(filter(None, (_flat(value["name"]), _flat(value["agency"]))))
    if isinstance(value, dict):
        pairs = ((key.replace("_", " "), _flat(item)) for key, item in value.items())
        return ", ".join(f"{key}: {text}" for key, text in pairs if text)
    if isinstance(value, list):
        return "; ".join(text for text in map(_flat, value) if text)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return value or ""


def phrase(template: str, values: Mapping[str, Piece | Phrase] | None = None, /, **named: Piece | Phrase) -> Phrase:
    """A sentence of ours, in the language spoken, with its places filled; the values' own braces mean nothing."""
    given = {**(values or {}), **named}
    pieces: list[Piece] = []
    for words, name, *_rest in string.Formatter().parse(_(template)):
        if words:
            pieces.append(words)
        if name is not None:
            value = given[name]
            pieces.extend(value if isinstance(value, tuple) else (value,))
    return tuple(pieces)


def joined(phrases: Iterable[Phrase], between: str) -> Phrase:
    """Phrases one after the other with `between` in the gaps; empty ones left out."""
    pieces: list[Piece] = []
    for item in phrases:
        if item:
            pieces.extend((between, *item) if pieces else item)
    return tuple(pieces)


def plain(pieces: Phrase) -> str:
    """The text of a phrase without its marks, for titles and attributes."""
    return "".join(p.words if isinstance(p, Absent) else p.text if isinstance(p, Quoted) else p for p in pieces)
