"""Labels and bag forms to print: one self-contained HTML file, no script, no network, with a QR code each.

Three sizes: `roll` (62 x 100 mm, a label for the bag), `a6` (a card with the first signatures), `a4` (the bag form: all
that was registered, and a table of hand-overs to be signed by hand).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import segno

from custody.registration import NONE_VISIBLE
from custody.report.markup import Content, Markup, tag, text
from custody.report.phrase import visible

SIZES = ("a4", "a6", "roll")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_HANDOVERS = {"a4": 6, "a6": 3, "roll": 0}
_PAGE = {"a4": "A4", "a6": "105mm 148mm", "roll": "62mm 100mm"}
_IN_SHORT = ("kind", "description", "make", "model", "serial", "seized_at", "seized_by", "place", "authority")
"""What a label has room for."""
_LONGEST = 300
"""Characters of one field on a form; the ledger has the rest."""


@dataclass(frozen=True, slots=True)
class Label:
    """What stands on one label. `fields` are (name, words, value) in the order of the form, those without value too.

    `fingerprint` (64 hex digits) is that of the ledger's newest checkpoint, over its first `size` entries.
    """

    number: str
    agency: str
    ref: str
    seal: str
    holder: str
    fields: Sequence[tuple[str, str, str]]
    fingerprint: str
    size: int
    exercise: bool = False

    def code(self) -> str:
        """What the QR code says: four lines that a person can read too."""
        lines = {"CASE": self.number, "EXHIBIT": self.ref, "SEAL": self.seal or "none", "LEDGER": self.fingerprint}
        return "\n".join(f"{name} {' '.join(value.split())}" for name, value in lines.items())


def render(labels: Sequence[Label], size: str) -> bytes:
    """The whole file, UTF-8: a page for each label. Equal labels give equal bytes."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", "Exhibit ", ", ".join(visible(label.ref) for label in labels)),
        tag("style", Markup(f"@page {{ size: {_PAGE[size]}; }}\n{_style()}")),
    )
    page = tag("html", head, tag("body", [_one(label, size) for label in labels], class_=size), lang="en")
    return f"<!DOCTYPE html>\n{page}\n".encode()


@cache
def _style() -> str:
    return resources.files(__package__).joinpath("label.css").read_text("utf-8")


def _one(label: Label, size: str) -> Markup:
    fields = label.fields if size == "a4" else _in_short(label)
    return tag(
        "article",
        tag("p", "Exercise: not evidence", class_="exercise") if label.exercise else "",
        tag("header", _title(label), _qr(label)),
        tag("dl", [_pair(words, value) for _, words, value in fields], class_="fields"),
        _handovers(_HANDOVERS[size]),
        _foot(label),
    )


def _in_short(label: Label) -> list[tuple[str, str, str]]:
    """What fits a label: no empty fields, no maker that cannot be seen, times as they were written."""
    said = [(name, words, value.partition(" = ")[0]) for name, words, value in label.fields if name in _IN_SHORT]
    return [field for field in said if field[2] and (field[0] == "serial" or field[2] != NONE_VISIBLE)]


def _title(label: Label) -> Markup:
    length = "short" if len(label.ref) <= 8 else "long" if len(label.ref) <= 20 else "very-long"
    return tag(
        "div",
        tag("p", _said(label.agency), class_="agency"),
        tag("p", "Case ", _said(label.number), class_="number"),
        tag("h1", _said(label.ref), class_=length),
        tag("dl", _pair("Seal", label.seal), _pair("Held by", label.holder)),
    )


def _qr(label: Label) -> Markup:
    code = segno.make(label.code(), error="m", micro=False, encoding="utf-8")
    drawing = code.svg_inline(border=4, omitsize=True, svgclass="qr", lineclass=None)
    said = "QR code: case, exhibit, seal and the fingerprint of the ledger"
    return tag("div", Markup(drawing), role="img", aria_label=said, class_="code")


def _said(value: str) -> Markup:
    """The record's words in their own direction."""
    return tag("bdi", visible(value, _LONGEST))


def _pair(words: str, value: str) -> Markup:
    """A field, or a line to write on."""
    given = tag("dd", visible(value, _LONGEST), dir="auto") if value else tag("dd", class_="blank")
    return tag("div", tag("dt", words), given)


def _handovers(rows: int) -> Content:
    if not rows:
        return ""
    titles = ("Given by (name, signature)", "Taken by (name, signature)", "Date, time, place", "Seal found, condition")
    head = tag("thead", tag("tr", [tag("th", title, scope="col") for title in titles]))
    body = tag("tbody", [tag("tr", [tag("td") for _ in titles]) for _ in range(rows)])
    return tag("table", tag("caption", "Hand-overs: signed by hand here, and each by both in the ledger"), head, body)


def _foot(label: Label) -> Markup:
    groups = " ".join(label.fingerprint[at : at + 8] for at in range(0, len(label.fingerprint), 8))
    return tag(
        "footer",
        tag("p", text(f"Ledger fingerprint over {label.size} entries"), class_="words"),
        tag("p", tag("code", groups or "no checkpoint yet")),
    )
