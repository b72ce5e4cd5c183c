"""HTML of what stands around the exhibits: summary, authority, author, times, method, disclosure, signatures."""

from __future__ import annotations

from collections.abc import Sequence

from custody.report import words, words_account
from custody.report.language import _
from custody.report.markup import Content, Markup, markup_of, tag
from custody.report.model import Exhibit, Mark, Report
from custody.report.parts import bullets, entry_link, facts, marked, paragraph, section, table
from custody.report.phrase import Phrase, plain
from custody.report.words_layout import COLUMNS, SECTIONS


def summary(report: Report) -> Markup:
    """Section 2: one page for a reader who reads no more."""
    rows = (_brief(exhibit) for exhibit in report.exhibits)
    return section(
        2,
        "summary",
        SECTIONS["summary"],
        (paragraph(line) for line in report.account.summary),
        table(_("The exhibits at a glance"), COLUMNS["brief"], rows, "brief") if report.exhibits else "",
        paragraph(_(words_account.SUMMARY_READ)),
    )


def _brief(exhibit: Exhibit) -> Sequence[Content]:
    held = exhibit.track.holds
    what = next((fact for fact in exhibit.facts if fact.label == "Description"), None)
    described = markup_of(what.corrections[-1].new if what.corrections else what.value) if what is not None else ""
    return (
        [markup_of(exhibit.title), tag("br"), described],
        markup_of(held[-1].who) if held else "—",
        str(len(exhibit.track.accesses)),
        marked(exhibit.verdict_mark, exhibit.verdict),
    )


def scope(report: Report) -> Markup:
    """Section 3."""
    account = report.account
    return section(
        3,
        "scope",
        SECTIONS["scope"],
        facts(account.scope) if account.scope else paragraph(_(words_account.NO_AUTHORITY)),
        tag("h3", _("Why the evidence was opened")),
        paragraph(_(words_account.QUESTIONS), "hint"),
        _listed(account.questions),
    )


def _listed(lines: Sequence[Phrase]) -> Content:
    return bullets(markup_of(line) for line in lines) if lines else paragraph(_("Nothing is stated."))


def author(report: Report) -> Markup:
    """Section 4."""
    people = bullets(markup_of(person) for person in report.case.people)
    return section(
        4,
        "author",
        SECTIONS["author"],
        facts(report.account.author),
        paragraph(_(words_account.QUALIFIED), "hint"),
        _blank(_(words_account.DECLARATION)),
        tag("h3", _("People in whose name entries stand")),
        people if report.case.people else paragraph(_("No entry shown names anyone.")),
    )


def _claimed(report: Report, statement: str) -> Markup:
    """A statement that holds where the record verifies, and is not made where it does not."""
    return paragraph(_(words_account.BROKEN) if report.integrity.mark is Mark.BAD else statement)


def _blank(statement: str) -> Markup:
    """A statement to be signed by hand."""
    return tag("div", paragraph(statement), _lines(), class_="tosign")


def _lines() -> Markup:
    return tag("dl", (tag("div", tag("dt", _(name)), tag("dd", "", class_="rule")) for name in words_account.TO_SIGN))


def times(report: Report) -> Markup:
    """Section 8: what the times in the tables rest on."""
    rows = (
        (
            entry_link(line.entry, "{n}"),
            [markup_of(line.at), " ", line.accuracy],
            markup_of(line.authority),
            line.covers,
            marked(line.mark, line.state),
        )
        for line in report.stamps
    )
    listed = [paragraph(_(words.PROVED)), table(_(words.STAMPS), COLUMNS["stamps"], rows, "stamps")]
    return section(
        8,
        "times",
        SECTIONS["times"],
        paragraph(_(words.CLAIMED)),
        facts(report.account.times),
        listed if report.stamps else paragraph(_(words.NO_STAMPS)),
    )


def methods(report: Report) -> Markup:
    """Section 9."""
    tools = (
        (markup_of(t.tool), _("{first} to {last}").format(first=t.first, last=t.last), str(t.entries))
        for t in report.tools
    )
    return section(
        9,
        "methods",
        SECTIONS["methods"],
        paragraph(_(words_account.METHOD)),
        table(_("Tools that wrote entries"), COLUMNS["tools"], tools, "tools"),
        tag("h3", _("Machines")),
        _listed(report.account.hosts),
        tag("h3", _("Settings of accesses")),
        _listed(report.account.settings),
    )


def disclosure(report: Report) -> Markup:
    """Section 13."""
    erased = bullets([entry_link(line.entry or 0), ": ", markup_of(line.says)] for line in report.account.erasures)
    return section(
        13,
        "disclosure",
        SECTIONS["disclosure"],
        _claimed(report, _(words_account.CLOSED)),
        facts(report.account.disclosure),
        [tag("h3", _("Erasures")), erased] if report.account.erasures else "",
    )


def certificates(report: Report) -> Content:
    """Of the annexes: for each exhibit what a qualified person can certify, with room to sign."""
    return [
        tag("h3", _("Certification of data")),
        paragraph(_(words_account.CERTIFICATE)),
        (_certified(e) for e in report.exhibits),
    ]


def _certified(exhibit: Exhibit) -> Content:
    lines = [line for line in exhibit.digests if line.algorithm == "SHA-256"] or list(exhibit.digests)
    said = [[line.algorithm, " ", markup_of(line.source), ": ", markup_of(line.value)] for line in lines[:6]]
    return [
        tag("h4", markup_of(exhibit.title)),
        bullets([*said, marked(exhibit.verdict_mark, exhibit.verdict)]),
    ]


def signatures(report: Report) -> Markup:
    """Section 15."""
    return section(
        15,
        "signatures",
        SECTIONS["signatures"],
        _claimed(report, _(words_account.SIGNED).format(last=report.head.last_entry)),
        tag("p", tag("code", report.head.fingerprint), class_="fingerprint"),
        paragraph(_(words_account.SIGN_HERE)),
        tag("div", _lines(), class_="tosign"),
        paragraph(f"{plain((report.title,))} {report.reference}", "hint"),
    )
