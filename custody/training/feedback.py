"""Feedback for one team as a page of its own: the two verdicts, the marks, and each point lost with its entries."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources

from custody.handling import Tally
from custody.ledger.verdict import Verdict
from custody.report.markup import Content, Markup, markup_of, tag
from custody.report.parts import bullets, paragraph, section, table
from custody.report.phrase import quote
from custody.training.marking import Loss, Marks, PartMarks, Team
from custody.training.rubric import Rubric

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def points(value: float) -> str:
    """Points with at most one digit behind the point."""
    return f"{value:.1f}".removesuffix(".0")


def render(team: Team, rubric: Rubric) -> bytes:
    """The page, UTF-8. Equal arguments give equal bytes."""
    marks = team.marks
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"Feedback {team.name}"),
        tag("style", Markup(_style())),
    )
    title = tag("h1", "Feedback for ", markup_of((quote(team.name),)))
    total = tag("p", f"{points(marks.points)} of {points(marks.possible)} points", class_="subtitle")
    body = tag(
        "body",
        tag("header", title, total, _verdicts(team.record.verdict, team.tally)),
        tag(
            "main",
            _warned(team.warnings),
            _overview(marks, rubric),
            [_part(i, part) for i, part in enumerate(marks.parts, 2)],
        ),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n".encode()


@cache
def _style() -> str:
    return resources.files("custody.report").joinpath("report.css").read_text("utf-8")


def _verdicts(verdict: Verdict, tally: Tally | None) -> Markup:
    handling = "not marked" if tally is None else f"{tally.serious} serious, {tally.lesser} lesser"
    rows = (("Integrity of the record", str(verdict.result)), ("Handling of the evidence", handling),
            ("Record", verdict.ledger), ("Entries", str(verdict.size)))  # fmt: skip
    return tag("dl", (tag("div", tag("dt", name), tag("dd", value)) for name, value in rows))


def _warned(warnings: Sequence[str]) -> Content:
    if not warnings:
        return ""
    return tag(
        "div",
        tag("h3", "To be known"),
        bullets(markup_of((quote(line),)) for line in warnings),
        class_="verdict caution",
    )


def _overview(marks: Marks, rubric: Rubric) -> Markup:
    rows: list[Sequence[Content]] = [
        (part.part.name, points(part.points) if part.data else "no data", points(part.possible) if part.data else "")
        for part in marks.parts
    ]
    rows.append(("All", points(marks.points), points(marks.possible)))
    note = "A part without data counts neither for nor against."
    caption = f"Marks by the rubric {rubric.name or 'given'}"
    return section(1, "marks", "Marks", table(caption, ("Part", "Points", "Of"), rows), paragraph(note, "hint"))


def _part(number: int, marks: PartMarks) -> Markup:
    if not marks.data:
        content: Content = paragraph(
            "The record says nothing of this part, or the rubric does not say what is expected."
        )
    elif not marks.losses:
        content = paragraph("Nothing was lost.")
    else:
        content = bullets(map(_loss, marks.losses))
    return section(number, f"part-{marks.part.key}", marks.part.name, content)


def _loss(loss: Loss) -> Content:
    where = ["exhibit ", markup_of((quote(loss.exhibit),)), ": "] if loss.exhibit else ""
    return [tag("strong", f"-{points(loss.points)} "), where, markup_of((quote(loss.reason),)), said_entries(loss)]


def said_entries(loss: Loss) -> str:
    """Which entries of the ledger cost it."""
    listed = ", ".join(str(index) for index in loss.entries[:12])
    return f" (entries {listed})" if len(loss.entries) > 1 else f" (entry {listed})" if listed else ""
