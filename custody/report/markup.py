"""HTML elements as values: text is escaped when it becomes markup, so that no text is markup by chance."""

from __future__ import annotations

import html
import string
from collections.abc import Iterable

from custody.report.language import _, spoken
from custody.report.phrase import Absent, Phrase, Quoted

_VOID = frozenset({"meta", "br", "hr", "col", "input"})


class Markup(str):
    """Text that is HTML already. Made by `tag`, `text` and `markup_of` only."""

    __slots__ = ()


Content = str | Markup | Iterable["Content"]


def text(words: str) -> Markup:
    """Escaped text; what is markup already stays."""
    return words if isinstance(words, Markup) else Markup(html.escape(words, quote=True))


def flatten(content: Content) -> Markup:
    """One piece of markup of anything that `tag` takes."""
    return text(content) if isinstance(content, str) else Markup("".join(flatten(item) for item in content))


def tag(name: str, /, *content: Content, **attributes: str) -> Markup:
    """An element. `class_` and `for_` lose their underscore, other underscores become hyphens (`aria_label`)."""
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    opening = "".join([name, *(f' {key}="{text(value)}"' for key, value in pairs)])
    return Markup(f"<{opening}>" if name in _VOID else f"<{opening}>{flatten(content)}</{name}>")


def markup_of(pieces: Phrase) -> Markup:
    """A phrase: our words plain, the record's isolated so that their direction stays theirs, absence in italics."""
    return flatten(_piece(piece) for piece in pieces)


def filled(template: str, **places: Content) -> Content:
    """A sentence of ours, in the language spoken, with markup in its places."""
    return [
        [words, places[name] if name is not None else ""]
        for words, name, *_rest in string.Formatter().parse(_(template))
    ]


def _piece(piece: str | Quoted | Absent) -> Markup:
    if isinstance(piece, Absent):
        return tag("i", piece.words, class_="absent")
    if not isinstance(piece, Quoted):
        return text(piece)
    lines = flatten(item for line in piece.text.split("\n") for item in (tag("br"), line))[len("<br>") :]
    foreign = {"lang": "en"} if piece.english and spoken().translates else {}
    isolated = tag("bdi", Markup(lines), **foreign)
    return tag("code", isolated) if piece.code else isolated


def css_string(words: str) -> str:
    """A CSS string literal of any text: everything but plain letters and digits as escapes (CSS Syntax 3, 4.3.7)."""
    escaped = "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):x} " for c in words)
    return f'"{escaped}"'
