"""Certificates and statements: texts with places, filled from the report, to be read by counsel before anybody signs.

A template is plain text. Its first line is the title, its second says what it is for; `## ` begins a heading, every
other line is a paragraph. Places: those of `_PLACES` inside a line; `{exhibits}` and `{tools}` on lines of their
own; `{sign: Label}` for what a person writes by hand.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Mapping
from importlib import resources

from custody.ledger.errors import CustodyError
from custody.report import words
from custody.report.html import head_of
from custody.report.markup import Content, Markup, markup_of, tag
from custody.report.model import Exhibit, Mark, Report
from custody.report.parts import facts, marked, table
from custody.report.phrase import Phrase, phrase, plain, quote

NAMES = ("us-902-13", "us-902-14", "ew-statement", "coe-generic")
"""Templates that come with the kit; each is a file under `certificates/`."""

MAX_TEMPLATE = 64 * 1024
_SIGNED = re.compile(r"\{sign: ([^{}]+)\}")
_FACTS = ("Reference", "Description", "Serial number", "State", "Taken in", "Kept in")


def template(name: str) -> str:
    """The text of one of ours."""
    return resources.files("custody.report").joinpath("certificates", f"{name}.txt").read_text("utf-8")


def certificate(text: str, report: Report) -> bytes:
    """The page (HTML, UTF-8) of a template filled from a report.

    CustodyError where the text is no template, or names a place that there is not.
    """
    title, purpose, *lines = validated(text)
    header = tag("header", _warning(), _broken(report), tag("h1", title), tag("p", purpose, class_="hint"))
    main = tag("main", (_line(line, report) for line in lines if line))
    body = tag("body", header, main)
    style = resources.files("custody.report").joinpath("report.css").read_text("utf-8")
    return f"<!DOCTYPE html>\n{tag('html', head_of(title, style), body, lang='en')}\n".encode()


def validated(text: str) -> list[str]:
    """The lines of a template: title, purpose, the others. CustodyError as `certificate` has it."""
    title, purpose, *lines = [*(line.strip() for line in text.strip().splitlines()), "", ""]
    if not title or not purpose:
        raise CustodyError(
            "that is no template of a certificate", "Its first line is the title, its second what it is for."
        )
    for line in lines:
        if not line.startswith("## ") and not _SIGNED.fullmatch(line) and line not in _BLOCKS:
            _named(line)
    return [title, purpose, *lines]


def _named(line: str) -> list[str]:
    """The places in a paragraph."""
    try:
        names = [name for _, name, *_ in string.Formatter().parse(line) if name is not None]
    except ValueError:  # a brace that nothing closes
        names = [""]
    if unknown := set(names) - _PLACES.keys():
        known = ", ".join(f"{{{name}}}" for name in (*_PLACES, "exhibits", "tools", "sign: Label"))
        raise CustodyError(
            f"the template has a place that there is not, {{{min(unknown)[:40]}}}: {line[:80]}", f"There are: {known}."
        )
    return names


def _warning() -> Markup:
    return tag("p", tag("strong", words.TEMPLATE), class_="exercise")


def _broken(report: Report) -> Content:
    """Nobody is to certify from a record that does not verify without knowing it."""
    if report.integrity.mark is not Mark.BAD:
        return ""
    said = f"Integrity of the record: {report.integrity.headline}. {report.integrity.meaning}"
    return tag("p", tag("strong", said), class_="exercise")


def _line(line: str, report: Report) -> Content:
    if line.startswith("## "):
        return tag("h2", line[3:])
    if signed := _SIGNED.fullmatch(line):
        rule = tag("div", tag("dt", signed[1]), tag("dd", "", class_="rule"))
        return tag("div", tag("dl", rule), class_="tosign")
    if line in _BLOCKS:
        return _BLOCKS[line](report)
    return tag("p", markup_of(phrase(line, {name: _PLACES[name](report) for name in _named(line)})))


def _fact(label: str) -> Callable[[Report], Phrase]:
    def value(report: Report) -> Phrase:
        return next((fact.value for fact in report.case.facts if fact.label == label), ("—",))

    return value


_PLACES: Mapping[str, Callable[[Report], Phrase]] = {
    "case": _fact("Case number"),
    "agency": _fact("Agency"),
    "report": lambda report: (report.reference,),
    "dated": lambda report: report.dated,
    "recipient": lambda report: report.recipient,
    "last": lambda report: (str(report.head.last_entry),),
    "head": lambda report: (quote(report.head.fingerprint, code=True),),
    "bundle": lambda report: next((fact.value for fact in report.bundle if "SHA-256" in fact.label), ("—",)),
    "integrity": lambda report: (report.integrity.headline,),
    "handling": lambda report: (report.handling.headline,),
}


def _exhibits(report: Report) -> Content:
    return [list(_exhibit(exhibit)) for exhibit in report.exhibits]


def _exhibit(exhibit: Exhibit) -> Iterator[Content]:
    yield tag("h3", markup_of(exhibit.title))
    yield facts([fact for label in _FACTS for fact in exhibit.facts if fact.label == label])
    yield tag("p", marked(exhibit.verdict_mark, exhibit.verdict))
    rows = (
        (line.algorithm, markup_of(line.source), markup_of(line.value), marked(line.mark, line.compared))
        for line in exhibit.digests
    )
    if exhibit.digests:
        columns = ("Algorithm", "Where it comes from", "Value", "Comparison")
        yield table(f"{plain(exhibit.title)}: digests of the medium", columns, rows, "digests")


def _tools(report: Report) -> Content:
    rows = ((markup_of(t.tool), f"{t.first} to {t.last}", str(t.entries)) for t in report.tools)
    return table("Tools that wrote entries", ("Tool", "Entries", "How many"), rows, "tools")


_BLOCKS: Mapping[str, Callable[[Report], Content]] = {"{exhibits}": _exhibits, "{tools}": _tools}
