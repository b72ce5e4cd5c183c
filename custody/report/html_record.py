"""HTML of what the record says: exhibits, custody, digests, annexes."""

from __future__ import annotations

from collections.abc import Sequence

from custody.report import words, words_account
from custody.report.html_account import certificates
from custody.report.html_results import notes_of, remark
from custody.report.html_track import track
from custody.report.language import _
from custody.report.markup import Content, Markup, filled, markup_of, tag
from custody.report.model import Exhibit, Report, Step
from custody.report.parts import bullets, corrections, entry_link, facts, marked, paragraph, section, table
from custody.report.phrase import Phrase, phrase
from custody.report.words_layout import COLUMNS, SECTIONS


def exhibits(report: Report) -> Markup:
    """Section 5."""
    cards = [
        tag("article", tag("h3", markup_of(item.title), id=f"exhibit-{item.n}"), facts(item.facts), class_="card")
        for item in report.exhibits
    ]
    return section(5, "exhibits", SECTIONS["exhibits"], cards or paragraph(_("No exhibit is shown.")))


def custody(report: Report) -> Markup:
    """Section 6: a drawing and a table for each exhibit, then a table for the case itself."""
    return section(
        6,
        "custody",
        SECTIONS["custody"],
        paragraph(_(words.CLAIMED), "hint"),
        paragraph(_(words_account.TRACK_LEGEND), "hint"),
        (_custody_of(item) for item in report.exhibits),
        tag("h3", _("The case itself")),
        _steps(_("What happened to the record, by entry"), report.case_steps),
    )


def _custody_of(exhibit: Exhibit) -> Content:
    title = markup_of(exhibit.title)
    return [
        tag("h3", title),
        track(exhibit),
        _steps(filled("{exhibit}: what happened, by entry", exhibit=title), exhibit.steps),
    ]


def _steps(caption: Content, steps: Sequence[Step]) -> Markup:
    return table(caption, COLUMNS["custody"], (_step(step) for step in steps), "custody")


def _step(step: Step) -> Sequence[Content]:
    numbers: Content = entry_link(step.entry, "{n}")
    if step.ended is not None:
        numbers = filled("{first} to {last}", first=numbers, last=entry_link(step.ended, "{n}"))
    ended: Content = [tag("br"), _("until"), tag("br"), _when(step.until, step.proved_until)] if step.until else ""
    withheld = paragraph(_(words.WITHHELD_FIELDS).format(count=step.withheld), "hint") if step.withheld else ""
    what = [tag("p", markup_of(step.what)), facts(step.details) if step.details else "", corrections(step.corrections)]
    outcome = marked(step.mark, markup_of(step.outcome)) if step.outcome else "—"
    when = [_when(step.at, step.proved), ended]
    return (numbers, when, markup_of(step.who), [*what, withheld], outcome)


def _when(at: Phrase, proved: Phrase) -> Content:
    """The claimed time, and below it what is proved."""
    return [markup_of(at), paragraph(phrase("proved: {moments}", moments=proved), "hint") if proved else ""]


def digests(report: Report) -> Markup:
    """Section 7."""
    return section(
        7,
        "digests",
        SECTIONS["digests"],
        paragraph(_(words.MEDIUM)),
        (_digests_of(item) for item in report.exhibits),
        _containers(report.exhibits),
    )


def _digests_of(exhibit: Exhibit) -> Content:
    title = markup_of(exhibit.title)
    rows = (
        (line.algorithm, markup_of(line.source), markup_of(line.value), marked(line.mark, _(line.compared)))
        for line in exhibit.digests
    )
    caption = filled("{exhibit}: digests of the medium", exhibit=title)
    listed = table(caption, COLUMNS["digests"], rows, "digests") if exhibit.digests else ""
    return [tag("h3", title), tag("p", marked(exhibit.verdict_mark, exhibit.verdict)), listed]


def _containers(exhibits: Sequence[Exhibit]) -> Content:
    rows = [
        (markup_of(line.file), markup_of(item.title), line.algorithm, markup_of(line.value), markup_of(line.source))
        for item in exhibits
        for line in item.containers
    ]
    listed = table(_("Digests of the files that hold the images"), COLUMNS["containers"], rows, "containers")
    return [tag("h3", _("Container files")), paragraph(_(words.CONTAINERS), "hint"), listed] if rows else ""


def annex(report: Report) -> Markup:
    """Section 14."""
    return section(
        14,
        "annex",
        SECTIONS["annex"],
        tag("h3", _("All entries shown")),
        paragraph(_("Hashes are shortened to 16 digits; the bundle holds them whole."), "hint"),
        _entries(report),
        tag("h3", _("What was proved when this report was made")),
        bullets(markup_of(item) for item in report.integrity.proved),
        tag("h3", _("Keys")),
        _keys(report),
        _attachments(report),
        certificates(report),
        tag("h3", _("Words used in this report")),
        tag("dl", (tag("div", tag("dt", _(word)), tag("dd", _(meaning))) for word, meaning in report.glossary)),
    )


def _entries(report: Report) -> Markup:
    rows = (
        (
            tag("span", str(line.index), id=f"entry-{line.index}"),
            line.type,
            markup_of(line.exhibit),
            _when(line.at, line.proved),
            tag("code", line.key[:16]),
            tag("code", line.leaf[:16]),
        )
        for line in report.entries
    )
    return table(_("Entries"), COLUMNS["entries"], rows, "entries")


def _keys(report: Report) -> Markup:
    rows = (
        (tag("code", k.key), k.algorithm or "—", _(k.part), markup_of(k.names), str(k.entries)) for k in report.keys
    )
    return table(_("Keys"), COLUMNS["keys"], rows, "keys")


def _attachments(report: Report) -> Content:
    kept = [item for remarks in notes_of(report) for item in remarks.attachments]
    return [tag("h3", _("Attachments")), map(remark, kept)] if kept else ""
