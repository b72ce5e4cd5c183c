"""A word as bytes: in every encoding, and in every way of writing it that differs in case alone.

Case is Unicode's full case folding (The Unicode Standard, 3.13, D144), so that straße, STRASSE and STRAẞE are one
word. Turkish has a dotted and a dotless i, each with a capital of its own, where others have one letter: nobody
knows the language of what is searched, so the four are one. Accents count, but not how they are stored: as one
character or as a letter and a mark.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

ENCODINGS = {
    "utf-8": "utf-8",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "windows-1250": "cp1250",
    "windows-1251": "cp1251",
    "windows-1252": "cp1252",
    "windows-1254": "cp1254",
    "iso-8859-2": "iso8859-2",
    "iso-8859-5": "iso8859-5",
    "iso-8859-9": "iso8859-9",
    "cp852": "cp852",
    "cp855": "cp855",
    "cp866": "cp866",
}
"""What people call an encoding, and what Python does. In this order a hit that reads the same in several is named."""

ASCII = "ascii"
"""What a hit is said to be in when all its bytes are ASCII: that holds in every one of these but UTF-16."""

_DOTLESS = "\u0131"
_I = ("i", "I", _DOTLESS, "\u0130", "i\u0307", "I\u0307")
_FOLDS_BELOW = 0x20000  # nothing behind the first supplementary plane has case
_LONGEST_FOLD = 3

Form = tuple[tuple[bytes, ...], ...]
"""A word's characters in order, each with all the ways in which its bytes may stand."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """One form of a word, and the encodings in which it is that."""

    form: Form
    encodings: tuple[str, ...]

    @property
    def longest(self) -> int:
        """Bytes, at most."""
        return sum(max(map(len, ways)) for ways in self.form)

    @property
    def literal(self) -> bytes | None:
        """The bytes where they can stand in one way only."""
        return b"".join(ways[0] for ways in self.form) if all(len(ways) == 1 for ways in self.form) else None


@lru_cache(maxsize=1)
def _folded() -> dict[str, tuple[str, ...]]:
    """Every folding (one to three characters), and the characters that fold to it."""
    found: dict[str, list[str]] = {}
    for code in range(_FOLDS_BELOW):
        character = chr(code)
        if (folding := character.casefold()) != character:
            found.setdefault(folding, []).append(character)
    return {folding: tuple(characters) for folding, characters in found.items()}


def fold(text: str) -> str:
    """Two texts are one word where their foldings are equal."""
    return unicodedata.normalize("NFC", text).casefold().replace("i\u0307", "i").replace(_DOTLESS, "i")


def _ways(character: str) -> tuple[str, ...]:
    """All that fold to this character, accents in one piece and in two."""
    plain = _I if character == "i" else (character, *_folded().get(character, ()))
    return tuple(dict.fromkeys(way for one in plain for way in (one, unicodedata.normalize("NFD", one))))


def _characters(folding: str) -> Iterator[tuple[str, ...]]:
    """The folding cut into pieces, each with all the ways of writing it; ss is one piece, for ß is one letter."""
    at = 0
    while at < len(folding):
        for length in range(_LONGEST_FOLD, 1, -1):
            piece = folding[at : at + length]
            if len(piece) == length and piece in _folded():
                apart = ("".join(parts) for parts in product(*map(_ways, piece)))
                yield (*apart, *_folded()[piece])
                at += length
                break
        else:
            yield _ways(folding[at])
            at += 1


def _encoded(ways: tuple[str, ...], encoding: str) -> tuple[bytes, ...]:
    found: list[bytes] = []
    for way in ways:
        try:
            found.append(way.encode(ENCODINGS[encoding]))
        except UnicodeEncodeError:
            continue
    return tuple(dict.fromkeys(found))


def spellings(word: str, encodings: tuple[str, ...], *, match_case: bool) -> list[Spelling]:
    """A word in every encoding that has its letters, equal forms once. With `match_case` as it is written, only."""
    if match_case:
        composed = unicodedata.normalize("NFC", word)
        characters: list[tuple[str, ...]] = [(composed, unicodedata.normalize("NFD", composed))]
    else:
        characters = list(_characters(fold(word)))
    found: dict[Form, list[str]] = {}
    for encoding in encodings:
        form = tuple(_encoded(ways, encoding) for ways in characters)
        if all(form):
            found.setdefault(form, []).append(encoding)
    return [Spelling(form, tuple(names)) for form, names in found.items()]


def readings(found: bytes, word: str, encodings: tuple[str, ...], *, match_case: bool) -> list[str]:
    """The encodings in which these bytes are the word; `ASCII` alone where they are all ASCII."""
    names: list[str] = []
    for name in encodings:
        try:
            text = found.decode(ENCODINGS[name])
        except UnicodeDecodeError:
            continue
        same = unicodedata.normalize("NFC", text) == unicodedata.normalize("NFC", word)
        if same if match_case else fold(text) == fold(word):
            names.append(name)
    plain = found.isascii() and not any(name.startswith("utf-16") for name in names)
    return [ASCII] if names and plain else names
