"""The time basis of a report: proved intervals beside claimed times, and the time-stamps they rest on."""

from __future__ import annotations

import html
from datetime import UTC, datetime
from pathlib import Path

import pytest

from custody.ledger.bundle import verify_bundle
from custody.ledger.checkpoint import EntryKey
from custody.ledger.disclosure import compose_bundle
from custody.ledger.entry import b64
from custody.ledger.note import parse_note
from custody.ledger.verdict import Trust
from custody.report import words
from custody.report.build import build
from custody.report.exports._contract import custody_rows
from custody.report.html import render
from custody.report.model import Cover, Report
from custody.report.phrase import plain
from custody.timestamp.interval import Trusted
from custody.timestamp.record import judge_bundle
from custody.timestamp.token import SECOND, Authorities, Request, token_of
from tests.authority import DAY, Authority
from tests.custody.report.lab import Lab, furnished

BEGIN = datetime(2023, 11, 14, 22, 14, tzinfo=UTC)
AT = int(BEGIN.timestamp()) * SECOND


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa"), "Invented & <Authority>", begin=BEGIN - DAY, end=BEGIN + DAY)


@pytest.fixture
def lab(tmp_path: Path, tsa: Authority) -> Lab:
    """The furnished world, its head time-stamped, and one more entry."""
    lab = furnished(tmp_path)
    head = parse_note(lab.ledger.notes()[-1]).checkpoint
    token = token_of(tsa.signed(Request.make(head.body).data, AT))
    pub = {"size": str(head.size), "root": b64(head.root), "token": b64(token)}
    lab.add("anchor", None, {"claimed_at": "2023-11-14T22:14:00.000000000Z"}, pub=pub, key=EntryKey(lab.keys.ed25519))
    lab.add("note", 0, {"text": "later", "claimed_at": "2023-11-14T22:15:00.000000000Z"})
    lab.close()
    return lab


def reported(lab: Lab, *tsas: Authority, now: int = AT) -> Report:
    data = compose_bundle(lab.ledger)
    verdict, found = verify_bundle(data, Trust())
    times = judge_bundle(data, found, verdict, Trusted(Authorities(tuple(tsa.root for tsa in tsas)), now))
    return build(verdict, found, [], Cover("bundle.json"), times)


def test_each_row_says_between_which_moments_it_was_signed(lab: Lab, tsa: Authority) -> None:
    report = reported(lab, tsa)
    before, after = "before 2023-11-14 22:14:02 UTC", "after 2023-11-14 22:13:58 UTC"
    steps = [step for exhibit in report.exhibits for step in exhibit.steps]
    assert {plain(step.proved) for step in steps} == {before}
    assert {plain(step.proved_until) for step in steps if step.ended is not None} == {before}
    lines = {line.type: plain(line.proved) for line in report.entries}
    assert lines["genesis"] == before
    assert lines["anchor"] == after
    (stamp,) = report.stamps
    assert (plain(stamp.at), stamp.accuracy) == ("2023-11-14 22:14:00 UTC", "± 2 s")
    anchor = next(line.index for line in report.entries if line.type == "anchor")
    assert (stamp.entry, stamp.covers) == (anchor, f"the first {anchor} entries")
    assert stamp.state == "holds until 2023-11-15 22:14:00 UTC"


def test_the_page_shows_the_time_basis(lab: Lab, tsa: Authority) -> None:
    page = render(reported(lab, tsa)).decode()
    for text in ("Time basis", words.STAMPS, words.PROVED[:60], "proved: before 2023-11-14 22:14:02 UTC"):
        assert text in page
    assert "&lt;Authority" in page
    assert "<Authority>" not in page
    assert words.NO_STAMPS not in page


def test_without_time_stamps_the_page_says_that_no_time_is_proved(lab: Lab, tsa: Authority) -> None:
    for report in (reported(lab), reported(lab, tsa, now=AT + 2 * 86_400 * SECOND)):
        assert {line.proved for line in report.entries} == {()}
    page = render(reported(lab)).decode()
    assert words.NO_STAMPS in page
    assert "proved: " not in page
    lapsed = reported(lab, tsa, now=AT + 2 * 86_400 * SECOND)
    assert [stamp.state for stamp in lapsed.stamps] == [words.LAPSED]
    assert html.escape(words.LAPSED) in render(lapsed).decode()


def test_the_custody_table_for_other_programs_has_the_proved_times(lab: Lab, tsa: Authority) -> None:
    head, *rows = custody_rows(reported(lab, tsa))
    assert head[-2:] == ["From (proved)", "Until (proved)"]
    assert rows[0][-2] == "before 2023-11-14 22:14:02 UTC"
    assert any(row[-1] == "before 2023-11-14 22:14:02 UTC" for row in rows)


def test_a_clock_that_was_set_back_stands_on_the_first_page(lab: Lab, tsa: Authority) -> None:
    lab.add("note", 0, {"text": "backdated", "claimed_at": "2023-11-14T21:00:00.000000000Z"})
    lab.close()
    report = reported(lab, tsa)
    told = [plain(line.says) for line in report.integrity.notes]
    assert any("was written after 2023-11-14T22:13:58" in text for text in told)
