"""What a translated report says of itself, on every page of it: that no lawyer has read it, and what counts instead."""

from __future__ import annotations

import re
from typing import Final

from custody.report import words_translation
from custody.report.language import _, number, spoken
from custody.report.markup import Content, Markup, css_string, tag
from custody.report.model import Report

ORIGINAL: Final = "report.html"


def both(text: str) -> str:
    """The text in the language spoken and in English, for readers of either."""
    return f"{_(text)} / {text}"


def notice(report: Report, main: Markup) -> Content:
    """The box at the top of a translated page, whose other content is `main`; nothing in English."""
    if not spoken().translates:
        return ""
    source = _(words_translation.SOURCE).format(file=ORIGINAL, digest=report.original)
    english = len(re.findall(r' lang="en"', main))
    rest = _(words_translation.REST)
    return tag(
        "div",
        tag("p", tag("strong", _(words_translation.NOTICE))),
        tag("p", tag("strong", words_translation.NOTICE), lang="en"),
        tag("p", source),
        tag("p", rest.format(count=number(english + len(spoken().lacking))), class_="hint"),
        class_="exercise translation",
    )


def on_sheets() -> str:
    """What stands on every sheet of it; nothing in English."""
    return both(words_translation.SHEET) if spoken().translates else ""


def on_print() -> str:
    """CSS that says it on every sheet of the page printed by a browser."""
    said = css_string(on_sheets())
    look = "font: 7.5pt system-ui, sans-serif; color: #8a1212;"
    return f"@page {{ @top-left {{ content: {said}; {look} }} }}" if spoken().translates else ""
