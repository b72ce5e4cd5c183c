"""What the rules of handling found, in HTML: each defect with its entries, then what could not be asked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from custody.report.markup import Content, markup_of, tag
from custody.report.model import Defect, HandlingLine
from custody.report.parts import bullets, entry_link, paragraph
from custody.report.phrase import quote

_SHOWN = 20
"""Entries named by one finding; a rule can find hundreds."""


def defects(handling: HandlingLine) -> Content:
    """The findings under the verdict, a heading for each severity."""
    found = [item for item in handling.defects if item.checked]
    silent = [item for item in handling.defects if not item.checked]
    groups = [(severity, list(items)) for severity, items in groupby(found, key=lambda item: item.severity)]
    return [
        *([tag("h3", _TITLES[severity]), bullets(map(_defect, items))] for severity, items in groups),
        [tag("h3", "Rules of handling that were not asked"), bullets(map(_silent, silent))] if silent else "",
    ]


_TITLES = {
    "serious": "Handling: serious",
    "lesser": "Handling: lesser",
    "notice": "Handling: worth knowing",
}


def _defect(item: Defect) -> Content:
    return [
        tag("strong", f"{item.code}. {item.title}"),
        [" (exhibit ", markup_of((quote(item.exhibit),)), ")"] if item.exhibit else "",
        ": ",
        markup_of((quote(item.says),)),
        ". ",
        _entries(item.entries),
        paragraph(item.meaning, "hint"),
    ]


def _silent(item: Defect) -> Content:
    where = [" (exhibit ", markup_of((quote(item.exhibit),)), ")"] if item.exhibit else ""
    return [tag("strong", item.code), f" {item.title}", where, ": ", markup_of((quote(item.says),))]


def _entries(entries: Sequence[int]) -> Content:
    links: list[Content] = []
    for index in entries[:_SHOWN]:
        links += [
            ", " if links else "Entries " if len(entries) > 1 else "",
            entry_link(index, "" if len(entries) > 1 else "Entry "),
        ]
    more = f" and {len(entries) - _SHOWN} more" if len(entries) > _SHOWN else ""
    return [links, more, "."] if links else ""
