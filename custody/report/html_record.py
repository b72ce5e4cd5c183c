"""HTML of what the record says: case, exhibits, custody, digests, annex."""

from __future__ import annotations

from collections.abc import Sequence

from custody.report import words
from custody.report.markup import Content, Markup, markup_of, tag
from custody.report.model import Exhibit, Remark, Remarks, Report, Step
from custody.report.parts import bullets, corrections, entry_link, facts, marked, paragraph, section, table
from custody.report.phrase import Phrase


def case(report: Report) -> Markup:
    """Section 2."""
    people = bullets(markup_of(person) for person in report.case.people)
    return section(
        2,
        "case",
        "The case",
        facts(report.case.facts),
        tag("h3", "People in whose name entries stand"),
        people if report.case.people else paragraph("No entry shown names anyone."),
    )


def exhibits(report: Report) -> Markup:
    """Section 3."""
    cards = [
        tag("article", tag("h3", markup_of(item.title), id=f"exhibit-{item.n}"), facts(item.facts), class_="card")
        for item in report.exhibits
    ]
    return section(3, "exhibits", "The exhibits", cards or paragraph("No exhibit is shown."))


def custody(report: Report) -> Markup:
    """Section 4: a table for each exhibit, then one for the case itself."""
    return section(
        4,
        "custody",
        "Custody: who did what, when and why",
        _time_basis(report),
        (_custody_of(item) for item in report.exhibits),
        tag("h3", "The case itself"),
        _steps("What happened to the record, by entry", report.case_steps),
        _remarks(report.case_remarks),
    )


def _time_basis(report: Report) -> Content:
    """What the times in the tables rest on."""
    rows = (
        (
            entry_link(line.entry, ""),
            [markup_of(line.at), " ", line.accuracy],
            markup_of(line.authority),
            line.covers,
            marked(line.mark, line.state),
        )
        for line in report.stamps
    )
    columns = ("Entry", "Time", "Authority", "Over", "Whether it holds")
    listed = [paragraph(words.PROVED), table(words.STAMPS, columns, rows, "stamps")]
    return [
        tag("h3", "Time basis"),
        paragraph(words.CLAIMED),
        listed if report.stamps else paragraph(words.NO_STAMPS),
    ]


def _custody_of(exhibit: Exhibit) -> Content:
    title = markup_of(exhibit.title)
    return [
        tag("h3", title),
        _steps([title, ": what happened, by entry"], exhibit.steps),
        _remarks(exhibit.remarks),
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


def _remarks(remarks: Remarks) -> Content:
    groups = (
        ("Observations", "What was seen.", remarks.observations),
        ("Opinions", "What the author makes of it. Not a fact of the record.", remarks.opinions),
        ("Attachments", "Documents kept with the record.", remarks.attachments),
    )
    return [
        tag("div", tag("h4", title), paragraph(hint, "hint"), (_remark(item) for item in group), class_="remarks")
        for title, hint, group in groups
        if group
    ]


def _remark(remark: Remark) -> Markup:
    source = [entry_link(remark.entry), ", ", markup_of(remark.who), ", ", markup_of(remark.at)]
    return tag(
        "div",
        tag("blockquote", markup_of(remark.text)),
        tag("p", source, class_="hint"),
        facts(remark.details) if remark.details else "",
        corrections(remark.corrections),
        class_="remark",
    )


def digests(report: Report) -> Markup:
    """Section 5."""
    return section(
        5,
        "digests",
        "Digests",
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
    """Section 10."""
    entries = (
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
    keys = ((tag("code", k.key), k.algorithm or "—", k.part, markup_of(k.names), str(k.entries)) for k in report.keys)
    tools = ((markup_of(t.tool), f"{t.first} to {t.last}", str(t.entries)) for t in report.tools)
    return section(
        10,
        "annex",
        "Annex",
        tag("h3", "All entries shown"),
        paragraph("Hashes are shortened to 16 digits; the bundle holds them whole.", "hint"),
        table(
            "Entries", ("Entry", "Type", "Concerns", "Claimed time", "Signed with key", "Leaf hash"), entries, "entries"
        ),
        tag("h3", "Keys"),
        table("Keys", ("Key", "Algorithm", "Part", "Names used with it", "Entries signed"), keys, "keys"),
        tag("h3", "Tools"),
        table("Tools that wrote entries", ("Tool", "Entries", "How many"), tools, "tools"),
        tag("h3", "Words used in this report"),
        tag("dl", (tag("div", tag("dt", word), tag("dd", meaning)) for word, meaning in report.glossary)),
    )
