"""The page: well formed, self-contained, safe with hostile strings, sound for those who do not see it."""

from __future__ import annotations

import dataclasses
import random
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

from custody.ledger.bundle import verify_bundle
from custody.ledger.entry import b64
from custody.ledger.verdict import Trust
from custody.report import words, words_account
from custody.report.html import render
from custody.report.model import Cover, EventFound, Report
from tests.custody.ledger.test_bundle import changed
from tests.custody.report.lab import HOSTILE, Lab, Shown, disk_findings, shown

VOID = {"meta", "br", "input"}


class Page(HTMLParser):
    """Elements in order, with their attributes and text; ill-formed nesting is an assertion."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self.feed(data.decode())
        self.close()
        assert not self.open

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((name, dict(attributes)))
        if name not in VOID:
            self.open.append(name)

    def handle_endtag(self, name: str) -> None:
        assert self.open.pop() == name

    def handle_data(self, data: str) -> None:
        for name in set(self.open):
            self.text[name] = self.text.get(name, "") + data

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.elements if found == name]


def whole(lab: Lab) -> Report:
    findings = (disk_findings(), disk_findings("ZZ/9"))
    return shown(lab, None, *findings).report(Cover("b.json", "ab" * 32, f"R {HOSTILE}", recipient=HOSTILE))


def test_the_same_report_gives_the_same_bytes(lab: Lab) -> None:
    assert render(whole(lab)) == render(whole(lab))


def test_the_verdicts_come_first_and_the_limits_always(lab: Lab) -> None:
    text = Page(render(whole(lab))).text["body"]
    order = ["INTACT WITH NOTES", "NOT CHECKED", words.HANDLING_NOT_CHECKED_MEANING, "Complete up to entry 20",
             "--anchor FINGERPRINT", "2. Summary", "3. Authority", "4. Author", "5. The exhibits", "6. Custody",
             "7. Acquisition", "8. Time basis", "9. Method", "10. Findings", "11. Interpretation", "12. Limits",
             "13. What is kept closed", "14. Annexes", "15. Signatures"]  # fmt: skip
    places = [text.index(item) for item in order]
    assert places == sorted(places)
    for limit in words.LIMITS:
        assert limit in text


def test_nothing_is_loaded_and_only_our_script_runs(lab: Lab) -> None:
    page = Page(render(whole(lab)))
    policies = [item["content"] for item in page.all("meta") if item.get("http-equiv") == "Content-Security-Policy"]
    assert policies[0] is not None
    assert policies[0].startswith("default-src 'none'; script-src 'sha256-")
    names = {name for name, _ in page.elements}
    assert not names & {"link", "img", "iframe", "object", "base"}
    assert page.all("script") == [{}]
    attributes = {key for _, found in page.elements for key in found}
    assert not {key for key in attributes if key.startswith("on") or key in ("src", "style", "action")}
    assert all((item["href"] or "").startswith("#") for item in page.all("a"))
    assert not re.search(r"url\(|@import|https?:", page.text["style"])


def test_every_link_leads_somewhere_and_no_name_stands_twice(lab: Lab) -> None:
    page = Page(render(whole(lab)))
    names = [item["id"] for _, item in page.elements if item.get("id")]
    assert len(names) == len(set(names))
    assert {item["href"] for item in page.all("a")} <= {f"#{name}" for name in names}
    assert {item["aria-labelledby"] for item in page.all("section")} <= set(names)


def test_hostile_strings_appear_as_text(lab: Lab) -> None:
    data = render(whole(lab))
    page = Page(data)
    assert data.count(b"</style>") == 1
    assert data.count(b"<script") == 1
    assert not set("\u202e\u202c\x00\x1b") & set(data.decode())
    shown_text = '<script>alert("x")</script> [U+202E]gpj.exe[U+202C] [U+0000][U+001B][31m &amp; {purpose} </style>'
    assert page.text["bdi"].count(shown_text) > 5
    assert shown_text in page.text["title"]


def test_the_page_is_sound_for_those_who_do_not_see_it(lab: Lab) -> None:
    page = Page(render(whole(lab)))
    assert page.all("html")[0]["lang"] == "en"
    assert [name for name, _ in page.elements if name in ("header", "main", "nav", "footer")] == [
        "header", "main", "nav", "footer",
    ]  # fmt: skip
    levels = [int(name[1]) for name, _ in page.elements if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    assert len(page.all("caption")) == len(page.all("table")) == len(page.all("thead")) > 5
    assert {item["scope"] for item in page.all("th")} == {"col", "row"}
    assert page.all("a")[0] == {"href": "#verdict", "class": "skip"}


def test_marks_say_in_words_what_their_colour_says(lab: Lab) -> None:
    text = Page(render(whole(lab))).text["body"]
    data = render(whole(lab)).decode().partition("<script")[0]
    for sign in ("✓ ", "✗ "):
        assert data.count(sign) == data.count(f'<span aria-hidden="true">{sign}</span>') > 0
    for said in (words.DIFFERENT, words.SAME, words.NO_OUTCOME, words.MATCH[False], words.DIGESTS_DIFFER):
        assert said in text


def test_an_exercise_is_loud_at_both_ends(lab: Lab) -> None:
    record = shown(lab)
    assert words.EXERCISE not in render(record.report()).decode()
    record.verdict.kind = "exercise"
    page = Page(render(record.report()))
    assert words.EXERCISE in page.text["header"]
    assert words.EXERCISE in page.text["footer"]


def test_what_is_no_bundle_gives_a_page_that_says_broken() -> None:
    page = Page(render(Shown(b"", *verify_bundle(b"junk", Trust())).report()))
    assert "BROKEN" in page.text["main"]
    assert "2. Limits" in page.text["main"]
    assert "Annexes" not in page.text["main"]


def test_excerpts_say_how_much_they_leave_out(lab: Lab) -> None:
    text = Page(render(whole(lab))).text["main"]
    assert "3 of 5,310 events are listed" in text
    assert "2 of 3 recorded problems are listed" in text
    assert words.NO_RESULTS in text, "of the exhibit without a run"
    assert words.CLOCK["unknown"] in text


def test_times_keep_their_digits_but_not_idle_zeros(lab: Lab) -> None:
    findings = disk_findings()
    times = [
        "2023-02-01T08:00:00.000000000Z",
        "2023-02-01T08:00:00.120000000Z",
        "2023-02-01T08:00:09Z",
        "yesterday",
        "",
    ]
    events = [EventFound(at, "seen", "/x", "", "UTC") for at in times]
    data = render(shown(lab, None, dataclasses.replace(findings, timeline=events)).report()).decode()
    shown_times = re.findall(r'data-label="Time \(UTC\)"><div>(.*?)</div>', data)
    assert [re.sub("<.*?>", "", item) for item in shown_times] == [
        "2023-02-01 08:00:00", "2023-02-01 08:00:00.12", "2023-02-01 08:00:09", "yesterday", "—",
    ]  # fmt: skip


def test_an_empty_record_is_a_page_too(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.close()
    text = Page(render(shown(lab).report())).text["main"]
    assert "No exhibit is shown." in text


def test_what_does_not_verify_is_not_called_complete_or_signed(lab: Lab) -> None:
    record = shown(lab)
    claims = ("Complete up to entry", "The record up to entry", "Every entry of the exhibits shown is here")
    text = Page(render(record.report())).text["main"]
    assert [claim for claim in claims if claim not in text] == []
    forged = changed(record.data, lambda body: body["entries"][3].__setitem__("sig", b64(bytes(64))))
    text = Page(render(Shown(forged, *verify_bundle(forged, Trust())).report())).text["main"]
    assert [claim for claim in claims if claim in text] == []
    assert text.count(words_account.BROKEN) == 2


def test_no_flipped_byte_stops_the_report_or_passes_for_intact(lab: Lab) -> None:
    """Whatever a bundle holds, the page comes out; and what was changed is BROKEN."""
    data = shown(lab).data
    choice = random.Random(8)
    for place in choice.sample(range(len(data) - 1), 40):
        flipped = data[:place] + bytes([data[place] ^ 1 << choice.randrange(8)]) + data[place + 1 :]
        report = Shown(flipped, *verify_bundle(flipped, Trust()), [disk_findings()]).report()
        assert report.integrity.headline == "BROKEN", place
        assert "BROKEN" in Page(render(report)).text["main"]


def test_activity_is_counted_by_period_and_source(lab: Lab) -> None:
    counted = {"2026-03-09": {"syslog": 1200, "file": 3}, "2026-03-10": {"file": 5}}
    found = dataclasses.replace(disk_findings(), activity=counted)
    data = render(shown(lab, None, found).report()).decode()
    assert "Events by period and source" in data
    assert "syslog 1,200, file 3" in data
    assert data.count("█") == 21
    assert "Events by period and source" not in render(shown(lab, None, disk_findings()).report()).decode()
