"""HTML of what was found in the exhibits, observations apart from opinions, and of what was not read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from custody.report import words, words_account
from custody.report.markup import Content, Markup, markup_of, tag
from custody.report.model import Examined, Exhibit, FileRead, Remark, Remarks, Report
from custody.report.parts import bullets, corrections, entry_link, facts, marked, paragraph, section, table
from custody.report.phrase import quote


def notes_of(report: Report) -> list[Remarks]:
    """The notes of each exhibit in turn, then those of the case."""
    return [*(exhibit.remarks for exhibit in report.exhibits), report.case_remarks]


def findings(report: Report) -> Markup:
    """Section 10: what was seen, by people and by parsers. No opinions."""
    left_out = bullets(markup_of(item) for item in report.left_out) if report.left_out else ""
    case = _remarks("The case itself: observations", report.case_remarks.observations)
    return section(
        10,
        "findings",
        "Findings: what was observed",
        left_out,
        (_examined_of(item) for item in report.exhibits),
        case,
    )


def opinions(report: Report) -> Markup:
    """Section 11."""
    kept = [item for remarks in notes_of(report) for item in remarks.opinions]
    return section(
        11,
        "opinions",
        "Interpretation and opinions",
        paragraph(words_account.OPINIONS, "hint"),
        map(remark, kept) if kept else paragraph(words_account.NO_OPINION),
    )


def _remarks(title: Content, kept: Sequence[Remark]) -> Content:
    return [tag("h3", title), map(remark, kept)] if kept else ""


def remark(item: Remark) -> Markup:
    """A note with its source."""
    source = [entry_link(item.entry), ", ", markup_of(item.who), ", ", markup_of(item.at)]
    return tag(
        "div",
        tag("blockquote", markup_of(item.text)),
        tag("p", source, class_="hint"),
        facts(item.details) if item.details else "",
        corrections(item.corrections),
        class_="remark",
    )


def _examined_of(exhibit: Exhibit) -> Content:
    parts = [_run(item) for item in exhibit.examined] or [paragraph(words.NO_RESULTS)]
    events = [_events(item) for item in exhibit.examined]
    seen = exhibit.remarks.observations
    observed = [tag("h4", "Observations"), map(remark, seen)] if seen else ""
    return [tag("h3", markup_of(exhibit.title)), observed, parts, _files_read(exhibit.files_read), events]


def _said(text: str, *, code: bool = False) -> Markup:
    return markup_of((quote(text, code=code) if text else "—",))


def _run(item: Examined) -> Content:
    found = item.findings
    media = [
        ("Run", found.run),
        *((words.MEDIA.get(name, name), value) for name, value in found.media.items() if value),
    ]
    listed = tag("dl", (tag("div", tag("dt", _said(name)), tag("dd", _said(value))) for name, value in media))
    counts = ", ".join(f"{number:,} {name}" for name, number in found.counts.items())
    rows = (
        (
            _said(volume.volume),
            _said(volume.offset),
            _said(volume.length),
            _said(volume.description),
            _said(volume.filesystem or volume.problem),
            _said(volume.label),
        )
        for volume in found.volumes
    )
    columns = ("Volume", "Offset (bytes)", "Length (bytes)", "Description", "File system, or why unread", "Label")
    volumes = table("Volumes", columns, rows, "volumes") if found.volumes else paragraph("No volume was found.")
    results = ((_said(name, code=True), _said(value, code=True)) for name, value in found.result_digests.items())
    return [
        tag("p", marked(item.mark, item.bound)),
        table("Result files", ("File", "SHA-256"), results, "results") if found.result_digests else "",
        listed,
        tag("p", tag("strong", "Counted: "), _said(counts)),
        volumes,
    ]


def _files_read(rows: Sequence[FileRead]) -> Content:
    lines = (
        (
            markup_of(row.path),
            _said(row.volume),
            _said(row.meta),
            _said(row.outcome),
            _said(row.size),
            markup_of(row.sha256),
            entry_link(row.entry),
        )
        for row in rows
    )
    columns = ("File", "Volume", "Meta address", "What was read", "Bytes", "SHA-256", "Access ended")
    return table("Single files whose reading is proved by the record", columns, lines, "files") if rows else ""


def limits(report: Report) -> Markup:
    """Section 12, or 2 where nothing of the record can be printed."""
    return section(
        12 if report.shown else 2,
        "limits",
        "Limits, failures, and what was not read",
        [tag("h3", "What this report cannot say"), bullets(report.limits)],
        (_unread_of(item) for item in report.exhibits),
    )


def _unread_of(exhibit: Exhibit) -> Content:
    lines = [
        [[entry_link(line.entry), ": "] if line.entry is not None else "", markup_of(line.says)]
        for line in exhibit.unread
    ]
    title = [markup_of(exhibit.title), ": what was not read"]
    return [tag("h3", title), bullets(lines) if lines else "", [_problems(item) for item in exhibit.examined]]


def _problems(item: Examined) -> Content:
    problems, total = item.findings.problems, item.findings.counts.get("problems", len(item.findings.problems))
    if not problems:
        return paragraph(words.NO_PROBLEMS if not total else _more(words.PROBLEMS_MORE, 0, total))
    rows = ((_said(p.where, code=True), _said(p.stage), _said(p.reason)) for p in problems)
    listed = table("Recorded problems", ("Where", "At which stage", "Why"), rows, "problems")
    return [
        listed,
        paragraph(_more(words.PROBLEMS_MORE, len(problems), total), "hint") if total > len(problems) else "",
    ]


def _more(template: str, shown: int, total: int) -> str:
    return template.format(shown=f"{shown:,}", total=f"{total:,}")


def _events(item: Examined) -> Content:
    events, total = item.findings.timeline, item.findings.counts.get("events", len(item.findings.timeline))
    rows = (
        (
            _instant(event.at),
            _said(event.kind),
            [_said(event.path, code=True), tag("br"), _said(event.message)] if event.message else _said(event.path),
            _clock(event.clock),
        )
        for event in events
    )
    columns = ("Time (UTC)", "Kind", "Path and what it says", "Clock")
    listed = table("Events", columns, rows, "events") if events else paragraph("No event.")
    more = paragraph(_more(words.TIMELINE_MORE, len(events), total), "hint") if total > len(events) else ""
    return [tag("h4", "Timeline (excerpt)"), listed, more]


def _instant(at: str) -> Markup:
    """Date and time apart, without the fraction's idle zeros; anything else as it is."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)T([\d:]{8})(\.\d*[1-9])?\.?0*Z", at)
    return tag("span", f"{found[1]} {found[2]}{found[3] or ''}") if found else _said(at)


def _clock(clock: str) -> Markup:
    return markup_of((words.CLOCK.get(clock) or quote(clock),))
