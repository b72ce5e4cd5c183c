"""Small parts of the HTML report: tables that become cards on a phone, labelled facts, marks, corrections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from custody.report.markup import Content, Markup, flatten, markup_of, tag
from custody.report.model import Correction, Fact, Mark
from custody.report.phrase import Phrase

SIGN: Final = {Mark.NONE: "", Mark.GOOD: "✓ ", Mark.CAUTION: "! ", Mark.BAD: "✗ "}
"""Set before the words, for those who see no colour; the words alone say it all."""


def section(number: int, name: str, heading: str, *content: Content) -> Markup:
    """A numbered section with a heading of the second level, reachable from the table of contents."""
    title = tag("h2", f"{number}. {heading}", id=f"{name}-heading")
    return tag("section", title, *content, id=name, aria_labelledby=f"{name}-heading")


def table(caption: Content, columns: Sequence[str], rows: Iterable[Sequence[Content]], kind: str = "") -> Markup:
    """A table with a caption; the first cell of a row is its heading.

    Roles are spelt out, for on a phone CSS turns rows into cards, and browsers then forget that they are tables.
    """
    head = tag("tr", (tag("th", name, scope="col", role="columnheader") for name in columns), role="row")
    body = (tag("tr", _cells(columns, row), role="row") for row in rows)
    return tag(
        "table",
        tag("caption", caption),
        tag("thead", head, role="rowgroup"),
        tag("tbody", body, role="rowgroup"),
        role="table",
        class_=kind or "plain",
    )


def _cells(columns: Sequence[str], row: Sequence[Content]) -> Iterable[Markup]:
    first = tag("th", tag("div", row[0]), scope="row", role="rowheader", data_label=columns[0])
    rest = (
        tag("td", tag("div", cell), role="cell", data_label=name)
        for name, cell in zip(columns[1:], row[1:], strict=True)
    )
    return (first, *rest)


def facts(items: Sequence[Fact]) -> Markup:
    """Labelled values with their corrections."""
    return tag("dl", (tag("div", tag("dt", item.label), tag("dd", _corrected(item))) for item in items))


def _corrected(fact: Fact) -> Content:
    value = markup_of(fact.value)
    return [tag("s", value) if fact.corrections else value, corrections(fact.corrections)]


def corrections(items: Sequence[Correction]) -> Markup:
    """Old value struck, new value, reason, and which entry says so."""
    return flatten(tag("p", _correction(item), class_="correction") for item in items)


def _correction(item: Correction) -> Content:
    warning = "" if item.fits is not False else " The entry corrected holds another old value than this one."
    return [
        tag("strong", "Corrected"),
        " (field ",
        markup_of(item.name),
        "): ",
        tag("del", tag("span", "was: ", class_="unseen"), markup_of(item.old)),
        " ",
        tag("ins", tag("span", "is now: ", class_="unseen"), "“", markup_of(item.new), "”"),
        ". Reason: ",
        markup_of(item.reason),
        " (",
        entry_link(item.entry),
        ", ",
        markup_of(item.who),
        ", ",
        markup_of(item.at),
        ")",
        warning,
    ]


def entry_link(index: int, word: str = "entry ") -> Markup:
    """A reference to an entry in the annex; `word` is empty where a column says it already."""
    return tag("a", f"{word}{index}", href=f"#entry-{index}")


def marked(mark: Mark, *content: Content) -> Markup:
    """Words set off by colour and sign."""
    return tag("span", tag("span", SIGN[mark], aria_hidden="true"), *content, class_=f"mark {mark.value}")


def paragraph(words: Phrase | str, kind: str = "") -> Markup:
    """A paragraph of a phrase, or of our own words."""
    content = words if isinstance(words, str) else markup_of(words)
    return tag("p", content, class_=kind) if kind else tag("p", content)


def bullets(items: Iterable[Content]) -> Markup:
    """A plain list."""
    return tag("ul", (tag("li", item) for item in items))
