"""A report as one self-contained HTML5 file that verifies itself, for phone, screen reader and A4 paper; no network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources

from custody.report import live, translation, words, words_live
from custody.report.html_account import author, disclosure, methods, scope, signatures, summary, times
from custody.report.html_handling import defects
from custody.report.html_record import annex, custody, digests, exhibits
from custody.report.html_results import findings, limits, opinions
from custody.report.language import _, number, spoken
from custody.report.markup import Content, Markup, css_string, filled, markup_of, tag
from custody.report.model import Fact, Integrity, Line, Mark, Report
from custody.report.parts import SIGN, bullets, entry_link, facts, paragraph, section
from custody.report.words_layout import CASE, SECTIONS


def render(report: Report, bundle: bytes = b"") -> bytes:
    """The whole file, UTF-8, with `bundle` as data in it, in the language spoken while the report was built.

    Equal arguments give equal bytes.
    """
    page = tag("html", _head(report), _body(report, bundle), lang=spoken().tag)
    return f"<!DOCTYPE html>\n{page}\n".encode()


@cache
def _style() -> str:
    return resources.files(__package__).joinpath("report.css").read_text("utf-8")


def _head(report: Report) -> Markup:
    footer = f"{report.title} {report.reference}"
    fingerprint = report.head.fingerprint or _("no record")
    names = (
        f"@page {{ @bottom-left {{ content: {css_string(footer[:90])}; }} "
        f"@bottom-right {{ content: {css_string(fingerprint[:32])} ' · ' counter(page) ' / ' counter(pages); }} }}"
    )
    return head_of(f"{report.title} {report.reference}", _style() + names + translation.on_print())


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
            tag("section", tag("h2", words_live.VERIFIER_LIMITS), bullets(words.LIMITS)),
        ),
        live.script_block(),
    )
    return f"<!DOCTYPE html>\n{tag('html', head_of(words_live.VERIFIER_TITLE, _style()), body, lang='en')}\n".encode()


def _body(report: Report, bundle: bytes) -> Markup:
    exercise = tag("p", tag("strong", _(words.EXERCISE)), class_="exercise") if report.case.kind == "exercise" else ""
    number = next((fact.value for fact in report.case.facts if fact.label == CASE["number"]), None)
    cover = [
        exercise,
        tag("h1", report.title),
        tag("p", filled("Case {number}", number=markup_of(number)), class_="subtitle") if number else "",
        _cover(report),
    ]
    sections: Content = [_verdict(report)]
    if report.shown:
        sections = [sections, _contents(), [part(report) for part in _PARTS]]
    else:
        sections = [sections, limits(report)]
    end = _("{title} {reference}. End of the report.").format(title=report.title, reference=report.reference)
    ending = tag("footer", exercise, tag("p", end))
    skip = tag("a", _("Skip to the verdict"), href="#verdict", class_="skip")
    main = tag("main", sections, id="main")
    header = tag("header", translation.notice(report, main), cover)
    return tag("body", skip, header, main, ending, live.data_block(bundle), live.words_block(), live.script_block())


def _cover(report: Report) -> Content:
    rows = [Fact("Report", (report.reference,)), Fact("Dated (last signed head, claimed)", report.dated)]
    rows += [Fact("For", report.recipient)] if report.recipient else []
    made = next((fact for fact in report.account.author if fact.label == "Made by"), None)
    rows += [made] if made is not None and report.shown else []
    return [facts(rows), facts(report.case.facts)]


def _contents() -> Markup:
    links = (tag("li", tag("a", _(heading), href=f"#{name}")) for name, heading in SECTIONS.items())
    return tag("nav", tag("h2", _("Contents")), tag("ol", links), aria_label=_("Contents"), class_="contents")


_PARTS = (
    *(summary, scope, author, exhibits, custody, digests, times, methods),
    *(findings, opinions, limits, disclosure, annex, signatures),
)


# --- the verdict ------------------------------------------------------------------------------------------


def _verdict(report: Report) -> Markup:
    integrity, handling = report.integrity, report.handling
    up_to = _(words.UP_TO).format(last=report.head.last_entry)
    return section(
        1,
        "verdict",
        SECTIONS["verdict"],
        _line(_("Integrity of the record"), integrity.headline, integrity.mark, integrity.meaning),
        _line(_("Handling of the evidence"), handling.headline, handling.mark, handling.meaning),
        paragraph(up_to, "upto") if report.shown and integrity.mark is not Mark.BAD else "",
        _reasons(integrity),
        defects(handling),
        tag("noscript", paragraph(_(words_live.LIVE_OFF), "hint")),
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
        (_("What failed"), [_finding(line) for line in integrity.failed]),
        (_("What must be known"), [_finding(line) for line in integrity.notes]),
        (_("What was not checked"), [markup_of(item) for item in integrity.not_checked]),
    )
    more = _("{count} more are not listed here; verifying the bundle lists them.").format(count=number(integrity.more))
    return [
        *([tag("h3", title), bullets(items)] for title, items in groups if items),
        paragraph(more, "hint") if integrity.more else "",
    ]


def _proved(integrity: Integrity) -> Content:
    if not integrity.proved:
        return ""
    counted = ", ".join(integrity.counts)
    proved = bullets(markup_of(item) for item in integrity.proved)
    return [tag("h3", _("What was proved")), proved, paragraph(f"{_('Counted:')} {counted}.", "hint")]


def _finding(line: Line) -> Content:
    return [[entry_link(line.entry), ": "] if line.entry is not None else "", markup_of(line.says)]


def _yourself(report: Report) -> Content:
    first, second, third = report.verify_yourself
    fingerprint = report.head.fingerprint
    return [
        tag("h3", _("Verify it yourself")),
        tag("p", markup_of(first)),
        tag(
            "pre",
            tag("code", report.command),
            tabindex="0",
            role="region",
            aria_label=_("Command to verify the bundle"),
        ),
        tag("p", markup_of(second)),
        [tag("p", markup_of(third)), tag("p", tag("code", fingerprint), class_="fingerprint")] if fingerprint else "",
        facts(report.bundle),
        tag("p", filled("Record {ledger}", ledger=tag("code", report.head.ledger)), class_="hint")
        if report.head.ledger
        else "",
        tag("h3", _(words_live.LODGE_TITLE)),
        live.lodging(),
    ]
