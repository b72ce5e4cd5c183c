"""What every export has in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from custody.report.model import Report
from custody.report.phrase import Phrase, plain


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file that an examination found. Sizes, offsets and meta addresses are decimal, times ISO 8601 UTC or ""."""

    exhibit: str
    volume: str
    path: str
    type: str
    allocated: bool
    meta: str = ""
    size: str = ""
    times: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Material:
    """What exports are made of: the report, and the files found, which may be millions and are asked for once."""

    report: Report
    files: Callable[[], Iterable[ListedFile]] = tuple


class Export(Protocol):
    """A form of exchange, a module: the file it becomes, and what makes its bytes, piece by piece."""

    FILE: str

    def make(self, material: Material) -> Iterable[bytes]: ...


def said(pieces: Phrase) -> str:
    """A phrase as one line of text."""
    return " ".join(plain(pieces).split())


def instant(pieces: Phrase) -> str:
    """A claimed time of the report as ISO 8601, "" where it is none."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC", plain(pieces))
    return f"{found[1]}T{found[2]}Z" if found else ""


def custody_rows(report: Report) -> list[list[str]]:
    """The custody tables of all exhibits and of the case as one, the first row its headings.

    Every row begins with the verdict on the record: rows are sorted, filtered and passed on.
    """
    tables = [(said(exhibit.title), exhibit.steps) for exhibit in report.exhibits]
    tables.append(("The case", report.case_steps))
    verdict = report.integrity.headline
    rows = [["Integrity of the record", "Concerns", "Entry", "Ended by entry", "From (claimed)", "Until (claimed)",
             "Who", "What", "Details", "Outcome", "Corrections", "Fields not shown", "From (proved)",
             "Until (proved)"]]  # fmt: skip
    for title, steps in tables:
        for step in steps:
            details = "; ".join(f"{fact.label}: {said(fact.value)}" for fact in step.details)
            fixed = "; ".join(f"{said(c.name)} is now {said(c.new)} (entry {c.entry})" for c in step.corrections)
            ended = "" if step.ended is None else str(step.ended)
            moments = [said(step.at), said(step.until)]
            rows.append([verdict, title, str(step.entry), ended, *moments, said(step.who), said(step.what), details,
                         said(step.outcome), fixed, str(step.withheld),
                         said(step.proved), said(step.proved_until)])  # fmt: skip
    return rows
