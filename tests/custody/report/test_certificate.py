"""Certificates: filled from the record, marked as templates on every sheet, nothing of the record taken as a place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from custody.ledger.errors import CustodyError
from custody.report import words
from custody.report.certificate import NAMES, certificate, template
from custody.report.model import Cover
from custody.report.paper.typeset import typeset
from tests.custody.report.lab import HOSTILE, MEDIUM, Lab, disk_findings, shown
from tests.custody.report.test_html import Page
from tests.custody.report.test_paper import sheets


@pytest.mark.parametrize("name", NAMES)
def test_ours_are_filled_and_marked(name: str, lab: Lab, tmp_path: Path) -> None:
    report = shown(lab, None, disk_findings()).report(Cover("b", "ab" * 32, recipient=HOSTILE))
    page = certificate(template(name), report)
    assert certificate(template(name), report) == page
    text = Page(page).text["body"]
    assert text.count(words.TEMPLATE) == 1
    assert not re.search(r"[{]\w+[}]", text.replace("{purpose}", "")), "no place is left over"
    for said in (report.head.fingerprint, MEDIUM["sha256"], "AH/1", "AH/2", "evikit 0.1.0", "C-1"):
        assert said in text
    assert not re.search(r"\b(ISO|ASTM|standard)\b[^.]*\brequires?\b", text)
    printed = sheets(typeset(report, page, b"", file=f"{name}.html", notice=words.TEMPLATE_SHEET), tmp_path)
    assert all(words.TEMPLATE_SHEET in sheet for sheet in printed)
    assert all(f"SHA-256 of {name}.html" in sheet for sheet in printed)


def test_a_text_of_one_s_own_is_text(lab: Lab) -> None:
    report = shown(lab).report(Cover("b", recipient="{head} <b>x</b>"))
    own = "Title <i>\nFor this\n\nTo {recipient} & others {{kept}}\n{sign: Name <here>}"
    page = Page(certificate(own, report))
    text = page.text["body"]
    assert "To {head} <b>x</b> & others {kept}" in text
    assert "Name <here>" in text
    assert not page.all("b")


@pytest.mark.parametrize("text", ["T\nP\n{unheard}", "T\nP\nopen {", "T\nP\n{case.kind}", "T\nP\n{0}"])
def test_places_that_there_are_not_are_refused(text: str, lab: Lab) -> None:
    with pytest.raises(CustodyError, match="a place that there is not") as refused:
        certificate(text, shown(lab).report())
    assert "{case}" in str(refused.value.advice)


@pytest.mark.parametrize("text", ["", "Only a title"])
def test_what_is_no_template_is_refused(text: str, lab: Lab) -> None:
    with pytest.raises(CustodyError, match="no template"):
        certificate(text, shown(lab).report())
