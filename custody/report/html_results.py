"""HTML of what was found in the exhibits, observations apart from opinions, and of what was not read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from custody.report import words, words_account
from custody.report.language import _, number, when
from custody.report.markup import Content, Markup, filled, markup_of, tag
from custody.report.model import Examined, Exhibit, FileRead, Remark, Remarks, Report
from custody.report.parts import bullets, corrections, entry_link, facts, marked, paragraph, section, table
from custody.report.phrase import quote, visible
from custody.report.words_layout import COLUMNS, FOUND, SECTIONS


def notes_of(report: Report) -> list[Remarks]:
    """The notes of each exhibit in turn, then those of the case."""
    return [*(exhibit.remarks for exhibit in report.exhibits), report.case_remarks]


def findings(report: Report) -> Markup:
    """Section 10: what was seen, by people and by parsers. No opinions."""
    left_out = bullets(markup_of(item) for item in report.left_out) if report.left_out else ""
    case = _remarks(_("The case itself: observations"), report.case_remarks.observations)
    return section(
        10,
        "findings",
        SECTIONS["findings"],
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
        SECTIONS["opinions"],
        paragraph(_(words_account.OPINIONS), "hint"),
        map(remark, kept) if kept else paragraph(_(words_account.NO_OPINION)),
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
    parts = [_run(item) for item in exhibit.examined] or [paragraph(_(words.NO_RESULTS))]
    events = [_events(item) for item in exhibit.examined]
    seen = exhibit.remarks.observations
    observed = [tag("h4", _("Observations")), map(remark, seen)] if seen else ""
    return [tag("h3", markup_of(exhibit.title)), observed, parts, _files_read(exhibit.files_read), events]


def _said(text: str, *, code: bool = False) -> Markup:
    return markup_of((quote(text, code=code) if text else "—",))


def _run(item: Examined) -> Content:
    found = item.findings
    labels = {name: _(label) for name, label in words.MEDIA.items()}
    media: list[tuple[Content, str]] = [(_("Run"), found.run)]
    media += [(labels.get(name) or _said(name), value) for name, value in found.media.items() if value]
    listed = tag("dl", (tag("div", tag("dt", name), tag("dd", _said(value))) for name, value in media))
    counts = ", ".join(_counted(name, count) for name, count in found.counts.items())
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
    none = paragraph(_("No volume was found."))
    volumes = table(_("Volumes"), COLUMNS["volumes"], rows, "volumes") if found.volumes else none
    results = ((_said(name, code=True), _said(value, code=True)) for name, value in found.result_digests.items())
    return [
        tag("p", marked(item.mark, item.bound)),
        table(_("Result files"), COLUMNS["results"], results, "results") if found.result_digests else "",
        listed,
        tag("p", tag("strong", _("Counted:")), " ", visible(counts)),
        volumes,
    ]


def _counted(name: str, count: int) -> str:
    return _(FOUND[name]).format(count=number(count)) if name in FOUND else f"{number(count)} {name}"


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
    caption = _("Single files whose reading is proved by the record")
    return table(caption, COLUMNS["files"], lines, "files") if rows else ""


def limits(report: Report) -> Markup:
    """Section 12, or 2 where nothing of the record can be printed."""
    return section(
        12 if report.shown else 2,
        "limits",
        SECTIONS["limits"],
        [tag("h3", _("What this report cannot say")), bullets(map(_, report.limits))],
        (_unread_of(item) for item in report.exhibits),
    )


def _unread_of(exhibit: Exhibit) -> Content:
    lines = [
        [[entry_link(line.entry), ": "] if line.entry is not None else "", markup_of(line.says)]
        for line in exhibit.unread
    ]
    title = filled("{exhibit}: what was not read", exhibit=markup_of(exhibit.title))
    return [tag("h3", title), bullets(lines) if lines else "", [_problems(item) for item in exhibit.examined]]


def _problems(item: Examined) -> Content:
    problems, total = item.findings.problems, item.findings.counts.get("problems", len(item.findings.problems))
    if not problems:
        return paragraph(_(words.NO_PROBLEMS) if not total else _more(words.PROBLEMS_MORE, 0, total))
    rows = ((_said(p.where, code=True), _said(p.stage), _said(p.reason)) for p in problems)
    listed = table(_("Recorded problems"), COLUMNS["problems"], rows, "problems")
    return [
        listed,
        paragraph(_more(words.PROBLEMS_MORE, len(problems), total), "hint") if total > len(problems) else "",
    ]


def _more(template: str, shown: int, total: int) -> str:
    return _(template).format(shown=number(shown), total=number(total))


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
    listed = table(_("Events"), COLUMNS["events"], rows, "events") if events else paragraph(_("No event."))
    more = paragraph(_more(words.TIMELINE_MORE, len(events), total), "hint") if total > len(events) else ""
    return [_activity(item), tag("h4", _("Timeline (excerpt)")), listed, more]


def _activity(item: Examined) -> Content:
    """How many events there are when; the bars are for the eye alone, the numbers stand beside them."""
    periods = item.findings.activity
    if not periods:
        return ""
    totals = {period: sum(sources.values()) for period, sources in periods.items()}
    most = max(totals.values())
    rows = (
        (
            _said(period),
            [number(totals[period]), " ", tag("span", "█" * max(1, 20 * totals[period] // most), aria_hidden="true")],
            ", ".join(f"{name} {number(events)}" for name, events in sources.items()),
        )
        for period, sources in periods.items()
    )
    listed = table(_("Events by period and source"), COLUMNS["activity"], rows, "activity")
    return [tag("h4", _("Activity over time")), listed, paragraph(_(words.ACTIVITY), "hint")]


def _instant(at: str) -> Markup:
    """Date and time apart, without the fraction's idle zeros; anything else as it is."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)T([\d:]{8})(\.\d*[1-9])?\.?0*Z", at)
    return tag("span", when(f"{found[1]} {found[2]}{found[3] or ''}")) if found else _said(at)


def _clock(clock: str) -> Markup:
    return markup_of((_(words.CLOCK[clock]) if clock in words.CLOCK else quote(clock),))
