"""What the rules of handling found, in HTML: each defect with its entries, then what could not be asked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from custody.report.language import N_, _
from custody.report.markup import Content, filled, markup_of, tag
from custody.report.model import Defect, HandlingLine
from custody.report.parts import bullets, entry_link, paragraph
from custody.report.phrase import quote
from custody.report.told import told
from custody.report.words_layout import SEVERITY

_SHOWN = 20
"""Entries named by one finding; a rule can find hundreds."""


def defects(handling: HandlingLine) -> Content:
    """The findings under the verdict, a heading for each severity."""
    found = [item for item in handling.defects if item.checked]
    silent = [item for item in handling.defects if not item.checked]
    groups = [(severity, list(items)) for severity, items in groupby(found, key=lambda item: item.severity)]
    return [
        *([tag("h3", _(SEVERITY[severity])), bullets(map(_defect, items))] for severity, items in groups),
        [tag("h3", _("Rules of handling that were not asked")), bullets(map(_silent, silent))] if silent else "",
    ]


def _defect(item: Defect) -> Content:
    return [
        _named(item, tag("strong", f"{item.code}. {_(item.title)}")),
        " ",
        _entries(item.entries),
        paragraph(_(item.meaning), "hint"),
    ]


def _silent(item: Defect) -> Content:
    return _named(item, [tag("strong", item.code), f" {_(item.title)}"])


def _named(item: Defect, title: Content) -> Content:
    """What was found, under its title; `says` is the rule's own word, with words of the record in it."""
    says = markup_of(told(item.says))
    if item.exhibit:
        return filled("{title} (exhibit {ref}): {says}.", title=title, ref=markup_of((quote(item.exhibit),)), says=says)
    return filled("{title}: {says}.", title=title, says=says)


def _entries(entries: Sequence[int]) -> Content:
    if len(entries) < 2:
        return [[entry_link(index, N_("Entry {n}")), "."] for index in entries]
    links: list[Content] = []
    for index in entries[:_SHOWN]:
        links += [", " if links else "", entry_link(index, "{n}")]
    rest = len(entries) - _SHOWN
    if rest > 0:
        return filled("Entries {listed} and {rest} more.", listed=links, rest=str(rest))
    return filled("Entries {listed}.", listed=links)
