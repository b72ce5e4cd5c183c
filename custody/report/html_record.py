"""HTML of what the record says: exhibits, custody, digests, annexes."""

from __future__ import annotations

from collections.abc import Sequence

from custody.report import words, words_account
from custody.report.html_account import certificates
from custody.report.html_results import notes_of, remark
from custody.report.html_track import track
from custody.report.markup import Content, Markup, markup_of, tag
from custody.report.model import Exhibit, Report, Step
from custody.report.parts import bullets, corrections, entry_link, facts, marked, paragraph, section, table
from custody.report.phrase import Phrase


def exhibits(report: Report) -> Markup:
    """Section 5."""
    cards = [
        tag("article", tag("h3", markup_of(item.title), id=f"exhibit-{item.n}"), facts(item.facts), class_="card")
        for item in report.exhibits
    ]
    return section(5, "exhibits", "The exhibits received", cards or paragraph("No exhibit is shown."))


def custody(report: Report) -> Markup:
    """Section 6: a drawing and a table for each exhibit, then a table for the case itself."""
    return section(
        6,
        "custody",
        "Custody: who did what, when and why",
        paragraph(words.CLAIMED, "hint"),
        paragraph(words_account.TRACK_LEGEND, "hint"),
        (_custody_of(item) for item in report.exhibits),
        tag("h3", "The case itself"),
        _steps("What happened to the record, by entry", report.case_steps),
    )


def _custody_of(exhibit: Exhibit) -> Content:
    title = markup_of(exhibit.title)
    return [
        tag("h3", title),
        track(exhibit),
        _steps([title, ": what happened, by entry"], exhibit.steps),
    ]


def _steps(caption: Content, steps: Sequence[Step]) -> Markup:
    columns = ("Entry", "When (claimed; proved)", "Who", "What and why", "Outcome")
    return table(caption, columns, (_step(step) for step in steps), "custody")


def _step(step: Step) -> Sequence[Content]:
    last = [" to ", entry_link(step.ended, "")] if step.ended is not None else []
    numbers = [entry_link(step.entry, ""), *last]
    ended: Content = [tag("br"), "until", tag("br"), _when(step.until, step.proved_until)] if step.until else ""
    withheld = paragraph(words.WITHHELD_FIELDS.format(count=step.withheld), "hint") if step.withheld else ""
    what = [tag("p", markup_of(step.what)), facts(step.details) if step.details else "", corrections(step.corrections)]
    outcome = marked(step.mark, markup_of(step.outcome)) if step.outcome else "—"
    when = [_when(step.at, step.proved), ended]
    return (numbers, when, markup_of(step.who), [*what, withheld], outcome)


def _when(at: Phrase, proved: Phrase) -> Content:
    """The claimed time, and below it what is proved."""
    return [markup_of(at), paragraph(("proved: ", *proved), "hint") if proved else ""]


def digests(report: Report) -> Markup:
    """Section 7."""
    return section(
        7,
        "digests",
        "Acquisition and verification: digests",
        paragraph(words.MEDIUM),
        (_digests_of(item) for item in report.exhibits),
        _containers(report.exhibits),
    )


def _digests_of(exhibit: Exhibit) -> Content:
    title = markup_of(exhibit.title)
    rows = (
        (line.algorithm, markup_of(line.source), markup_of(line.value), marked(line.mark, line.compared))
        for line in exhibit.digests
    )
    columns = ("Algorithm", "Where it comes from", "Value", "Comparison")
    listed = table([title, ": digests of the medium"], columns, rows, "digests") if exhibit.digests else ""
    return [tag("h3", title), tag("p", marked(exhibit.verdict_mark, exhibit.verdict)), listed]


def _containers(exhibits: Sequence[Exhibit]) -> Content:
    rows = [
        (markup_of(line.file), markup_of(item.title), line.algorithm, markup_of(line.value), markup_of(line.source))
        for item in exhibits
        for line in item.containers
    ]
    columns = ("File", "Exhibit", "Algorithm", "Value", "Source")
    listed = table("Digests of the files that hold the images", columns, rows, "containers")
    return [tag("h3", "Container files"), paragraph(words.CONTAINERS, "hint"), listed] if rows else ""


def annex(report: Report) -> Markup:
    """Section 14."""
    return section(
        14,
        "annex",
        "Annexes",
        tag("h3", "All entries shown"),
        paragraph("Hashes are shortened to 16 digits; the bundle holds them whole.", "hint"),
        _entries(report),
        tag("h3", "What was proved when this report was made"),
        bullets(markup_of(item) for item in report.integrity.proved),
        tag("h3", "Keys"),
        _keys(report),
        _attachments(report),
        certificates(report),
        tag("h3", "Words used in this report"),
        tag("dl", (tag("div", tag("dt", word), tag("dd", meaning)) for word, meaning in report.glossary)),
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
    columns = ("Entry", "Type", "Concerns", "Claimed time", "Signed with key", "Leaf hash")
    return table("Entries", columns, rows, "entries")


def _keys(report: Report) -> Markup:
    rows = ((tag("code", k.key), k.algorithm or "—", k.part, markup_of(k.names), str(k.entries)) for k in report.keys)
    return table("Keys", ("Key", "Algorithm", "Part", "Names used with it", "Entries signed"), rows, "keys")


def _attachments(report: Report) -> Content:
    kept = [item for remarks in notes_of(report) for item in remarks.attachments]
    return [tag("h3", "Attachments"), map(remark, kept)] if kept else ""
