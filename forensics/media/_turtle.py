"""The part of Turtle that AFF4 containers are written in, quickly: some million statements in some seconds.

Source: "RDF 1.1 Turtle" (W3C), without blank nodes, collections, long strings and relative names: those are `OddError`,
and a library that knows all of the language reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_TOKEN = re.compile(
    r"""[ \t\r\n]+|\#.*"""
    r"""|<(?P<iri>[^<>"{}|^`\\\x00-\x20]*)>"""
    r"""|"(?P<text>(?:[^"\\\r\n]|\\.)*)"(?!")(?:\^\^(?:<(?P<type>[^<>"{}|^`\\\x00-\x20]*)>|(?P<short>[\w-]*:[\w-]*))|@[A-Za-z-]+)?"""
    r"""|@prefix[ \t]+(?P<prefix>[\w-]*):[ \t]*<(?P<stands>[^<>"{}|^`\\\x00-\x20]*)>[ \t\r\n]*\."""
    r"""|(?P<name>[A-Za-z_][\w-]*:[\w%-]*(?:\.[\w%-]+)*)"""
    r"""|(?P<number>[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"""
    r"""|(?P<word>a|true|false)(?![\w:])"""
    r"""|(?P<mark>[;,.])"""
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_ESCAPED = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"

Statement = tuple[str, str, str, str]
"""Subject, predicate, object, and the type of a literal ("" for what has none, or is no literal)."""


class OddError(ValueError):
    """The text has what is not understood here; it need not be wrong."""


def statements(lines: Iterable[str]) -> Iterator[Statement]:
    """The statements of a text given by its lines. Raises `OddError`, perhaps after some of them."""
    subject = predicate = ""
    prefixes: dict[str, str] = {}
    for value, kind in (term for line in lines for term in _terms(line, prefixes)):
        if kind == "mark":
            if value == ".":
                subject = predicate = ""
            elif value == ";":
                predicate = ""
            elif not predicate:
                raise OddError("a comma where none can be")
        elif not subject:
            subject = _name(value, kind)
        elif not predicate:
            predicate = _name(value, kind)
        else:
            yield subject, predicate, value, "" if kind == "iri" else kind


def _name(value: str, kind: str) -> str:
    if kind != "iri":
        raise OddError(f"{value!r} names nothing")
    return value


def _terms(text: str, prefixes: dict[str, str]) -> Iterator[tuple[str, str]]:
    """(value, kind) of one line: kind is "iri", "mark", or the type of a literal, "plain" for one that has none."""
    at, end = 0, len(text)
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None or found.end() == at:
            raise OddError(f"character {at}")
        at = found.end()
        which = found.lastgroup
        if which is None:
            continue
        if which == "stands":
            prefixes[found["prefix"]] = found["stands"]
        elif which == "iri":
            yield found["iri"], "iri"
        elif which == "name":
            yield _full(found["name"], prefixes), "iri"
        elif which in ("text", "type", "short"):
            kind = found["type"] or (_full(found["short"], prefixes) if found["short"] else "")
            yield _ESCAPE.sub(_unescaped, found["text"]), kind or "plain"
        elif which == "number":
            yield found["number"], "http://www.w3.org/2001/XMLSchema#integer"
        elif which == "word":
            word = found["word"]
            yield (_TYPE, "iri") if word == "a" else (word, "http://www.w3.org/2001/XMLSchema#boolean")
        else:
            yield found["mark"], "mark"


def _full(name: str, prefixes: dict[str, str]) -> str:
    prefix, _, rest = name.partition(":")
    if prefix not in prefixes:
        raise OddError(f"{prefix}: stands for nothing")
    return prefixes[prefix] + rest


def _unescaped(found: re.Match[str]) -> str:
    number = found[1] or found[2]
    if number is None:
        return _ESCAPED.get(found[3], found[3])
    if int(number, 16) > 0x10FFFF:
        raise OddError(f"character {number}")
    return chr(int(number, 16))
