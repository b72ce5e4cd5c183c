"""A report as one self-contained HTML5 file that verifies itself, for phone, screen reader and A4 paper; no network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources

from custody.report import live, words, words_live
from custody.report.html_account import author, disclosure, methods, scope, signatures, summary, times
from custody.report.html_handling import defects
from custody.report.html_record import annex, custody, digests, exhibits
from custody.report.html_results import findings, limits, opinions
from custody.report.markup import Content, Markup, css_string, markup_of, tag
from custody.report.model import Fact, Integrity, Line, Mark, Report
from custody.report.parts import SIGN, bullets, entry_link, facts, paragraph, section
from custody.report.phrase import Phrase


def render(report: Report, bundle: bytes = b"") -> bytes:
    """The whole file, UTF-8, with `bundle` as data in it. Equal arguments give equal bytes."""
    number = next((markup_of(fact.value) for fact in report.case.facts if fact.label == "Case number"), Markup(""))
    page = tag("html", _head(report), _body(report, number, bundle), lang="en")
    return f"<!DOCTYPE html>\n{page}\n".encode()


@cache
def _style() -> str:
    return resources.files(__package__).joinpath("report.css").read_text("utf-8")


def _head(report: Report) -> Markup:
    footer = f"{words.TITLE} {report.reference}"
    fingerprint = report.head.fingerprint or "no record"
    names = (
        f"@page {{ @bottom-left {{ content: {css_string(footer[:90])}; }} "
        f"@bottom-right {{ content: {css_string(fingerprint[:32])} ' · ' counter(page) ' / ' counter(pages); }} }}"
    )
    return head_of(f"{report.title} {report.reference}", _style() + names)


def head_of(title: str, style: str) -> Markup:
    """The head of a page that verifies."""
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=live.policy(style)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", Markup(style)),
    )


def render_verifier() -> bytes:
    """A page without any record, for a bundle to be chosen in: always the same bytes for one version of the kit."""
    body = tag(
        "body",
        tag("header", tag("h1", words_live.VERIFIER_TITLE), paragraph(words_live.VERIFIER)),
        tag(
            "main",
            tag("noscript", paragraph(words_live.VERIFIER_OFF, "verdict caution")),
            live.panel("h2"),
            tag("section", tag("h2", words_live.LODGE_TITLE), live.lodging()),
            tag("section", tag("h2", "What no verification can say"), bullets(words.LIMITS)),
        ),
        live.script_block(),
    )
    return f"<!DOCTYPE html>\n{tag('html', head_of(words_live.VERIFIER_TITLE, _style()), body, lang='en')}\n".encode()


def _body(report: Report, number: Markup, bundle: bytes) -> Markup:
    exercise = tag("p", tag("strong", words.EXERCISE), class_="exercise") if report.case.kind == "exercise" else ""
    header = tag(
        "header",
        exercise,
        tag("h1", report.title),
        tag("p", "Case ", number, class_="subtitle") if number else "",
        _cover(report),
    )
    sections: Content = [_verdict(report)]
    if report.shown:
        sections = [sections, _contents(), [part(report) for part in _PARTS]]
    else:
        sections = [sections, limits(report)]
    ending = tag("footer", exercise, tag("p", f"{report.title} {report.reference}. End of the report."))
    skip = tag("a", "Skip to the verdict", href="#verdict", class_="skip")
    main = tag("main", sections, id="main")
    return tag("body", skip, header, main, ending, live.data_block(bundle), live.script_block())


def _cover(report: Report) -> Content:
    rows: list[tuple[str, Phrase]] = [
        ("Report", (report.reference,)),
        ("Dated (last signed head, claimed)", report.dated),
    ]
    rows += [("For", report.recipient)] if report.recipient else []
    made = next((fact for fact in report.account.author if fact.label == "Made by"), None)
    rows += [("Made by", made.value)] if made is not None and report.shown else []
    return [facts([Fact(name, value) for name, value in rows]), facts(report.case.facts)]


def _contents() -> Markup:
    links = (tag("li", tag("a", heading, href=f"#{name}")) for name, heading in _SECTIONS)
    return tag("nav", tag("h2", "Contents"), tag("ol", links), aria_label="Contents", class_="contents")


_SECTIONS = (
    ("verdict", "The verdict, and how to verify it yourself"),
    ("summary", "Summary in plain words"),
    ("scope", "Authority, scope and questions"),
    ("author", "Author and declaration"),
    ("exhibits", "The exhibits received"),
    ("custody", "Custody: who did what, when and why"),
    ("digests", "Acquisition and verification: digests"),
    ("times", "Time basis"),
    ("methods", "Method and tools"),
    ("findings", "Findings: what was observed"),
    ("opinions", "Interpretation and opinions"),
    ("limits", "Limits, failures, and what was not read"),
    ("disclosure", "What is kept closed, and by which rule"),
    ("annex", "Annexes"),
    ("signatures", "Signatures"),
)
_PARTS = (
    *(summary, scope, author, exhibits, custody, digests, times, methods),
    *(findings, opinions, limits, disclosure, annex, signatures),
)


# --- the verdict ------------------------------------------------------------------------------------------


def _verdict(report: Report) -> Markup:
    integrity, handling = report.integrity, report.handling
    up_to = words.UP_TO.format(last=report.head.last_entry)
    return section(
        1,
        "verdict",
        _SECTIONS[0][1],
        _line("Integrity of the record", integrity.headline, integrity.mark, integrity.meaning),
        _line("Handling of the evidence", handling.headline, handling.mark, handling.meaning),
        paragraph(up_to, "upto") if report.shown and integrity.mark is not Mark.BAD else "",
        _reasons(integrity),
        defects(handling),
        tag("noscript", paragraph(words_live.LIVE_OFF, "hint")),
        live.panel(),
        _yourself(report),
        _proved(integrity),
    )


def _line(name: str, headline: str, mark: Mark, meaning: str) -> Markup:
    sign = tag("span", SIGN[mark], aria_hidden="true")
    verdict = tag("p", tag("span", f"{name}: ", class_="what"), tag("strong", sign, headline), class_="headline")
    return tag("div", verdict, tag("p", meaning), class_=f"verdict {mark.value}")


def _reasons(integrity: Integrity) -> Content:
    groups: Sequence[tuple[str, Sequence[Content]]] = (
        ("What failed", [_finding(line) for line in integrity.failed]),
        ("What must be known", [_finding(line) for line in integrity.notes]),
        ("What was not checked", [markup_of(item) for item in integrity.not_checked]),
    )
    more = paragraph(f"{integrity.more:,} more are not listed here; verifying the bundle lists them.", "hint")
    return [
        *([tag("h3", title), bullets(items)] for title, items in groups if items),
        more if integrity.more else "",
    ]


def _proved(integrity: Integrity) -> Content:
    if not integrity.proved:
        return ""
    counted = ", ".join(f"{what} {number:,}" for what, number in integrity.counts)
    proved = bullets(markup_of(item) for item in integrity.proved)
    return [tag("h3", "What was proved"), proved, paragraph(f"Counted: {counted}.", "hint")]


def _finding(line: Line) -> Content:
    return [[entry_link(line.entry), ": "] if line.entry is not None else "", markup_of(line.says)]


def _yourself(report: Report) -> Content:
    first, second, third = report.verify_yourself
    fingerprint = report.head.fingerprint
    return [
        tag("h3", "Verify it yourself"),
        tag("p", markup_of(first)),
        tag("pre", tag("code", report.command), tabindex="0", role="region", aria_label="Command to verify the bundle"),
        tag("p", markup_of(second)),
        [tag("p", markup_of(third)), tag("p", tag("code", fingerprint), class_="fingerprint")] if fingerprint else "",
        facts(report.bundle),
        tag("p", "Record ", tag("code", report.head.ledger), class_="hint") if report.head.ledger else "",
        tag("h3", words_live.LODGE_TITLE),
        live.lodging(),
    ]
