"""Small parts of the HTML report: tables that become cards on a phone, labelled facts, marks, corrections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from custody.report.language import N_, _
from custody.report.markup import Content, Markup, filled, flatten, markup_of, tag
from custody.report.model import Correction, Fact, Mark
from custody.report.phrase import Phrase

SIGN: Final = {Mark.NONE: "", Mark.GOOD: "✓ ", Mark.CAUTION: "! ", Mark.BAD: "✗ "}
"""Set before the words, for those who see no colour; the words alone say it all."""


def section(number: int, name: str, heading: str, *content: Content) -> Markup:
    """A numbered section with a heading of the second level, reachable from the table of contents."""
    title = tag("h2", f"{number}. {_(heading)}", id=f"{name}-heading")
    return tag("section", title, *content, id=name, aria_labelledby=f"{name}-heading")


def table(caption: Content, columns: Sequence[str], rows: Iterable[Sequence[Content]], kind: str = "") -> Markup:
    """A table with a caption; the first cell of a row is its heading.

    Columns are fixed words of ours, in English. Roles are spelt out, for on a phone CSS turns rows into cards, and
    browsers then forget that they are tables.
    """
    columns = [_(name) for name in columns]
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
    return tag("dl", (tag("div", tag("dt", _(item.label)), tag("dd", _corrected(item))) for item in items))


def _corrected(fact: Fact) -> Content:
    value = markup_of(fact.value)
    return [tag("s", value) if fact.corrections else value, corrections(fact.corrections)]


def corrections(items: Sequence[Correction]) -> Markup:
    """Old value struck, new value, reason, and which entry says so."""
    return flatten(tag("p", _correction(item), class_="correction") for item in items)


def _correction(item: Correction) -> Content:
    return [
        filled(
            "{corrected} (field {name}): {old} {new}. Reason: {reason} ({entry}, {who}, {at})",
            corrected=tag("strong", _("Corrected")),
            name=markup_of(item.name),
            old=tag("del", tag("span", _("was:"), " ", class_="unseen"), markup_of(item.old)),
            new=tag("ins", tag("span", _("is now:"), " ", class_="unseen"), "“", markup_of(item.new), "”"),
            reason=markup_of(item.reason),
            entry=entry_link(item.entry),
            who=markup_of(item.who),
            at=markup_of(item.at),
        ),
        [" ", _("The entry corrected holds another old value than this one.")] if item.fits is False else "",
    ]


def entry_link(index: int, template: str = N_("entry {n}")) -> Markup:
    """A reference to an entry in the annex; the template is `{n}` alone where a column says the word already."""
    return tag("a", _(template).format(n=index), href=f"#entry-{index}")


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
