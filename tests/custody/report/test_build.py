"""The model: what a report says of a record, and what it refuses to say."""

from __future__ import annotations

import dataclasses
import json
import string
from pathlib import Path
from typing import Any

import pytest

from custody.ledger.bundle import manifest_leaf, verify_bundle
from custody.ledger.checkpoint import close
from custody.ledger.disclosure import row_salt, show_row
from custody.ledger.entry import TYPES, b64
from custody.ledger.merkle import Frontier
from custody.ledger.verdict import Trust, Verdict
from custody.report import words
from custody.report.build import MAX_FINDINGS, build
from custody.report.model import Cover, Exhibit, ExhibitFindings, Handling, Mark
from custody.report.phrase import Absent, Phrase, plain
from tests.custody.report.lab import HOSTILE, MEDIUM, OTHER, RESULTS, Lab, Shown, disk_findings, shown
from tests.kit import DOMAIN


def fact(facts: Any, label: str) -> Phrase:
    return next(item.value for item in facts if item.label == label)


def row(exhibit: Exhibit, entry: int) -> Any:
    return next(step for step in exhibit.steps if step.entry == entry)


def spoilt(data: bytes, index: int, change: Any) -> Shown:
    """The bundle with one of its entries changed by `change(entry)`, verified."""
    body = json.loads(data)
    change(body["entries"][index])
    changed = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    return Shown(changed, *verify_bundle(changed, Trust()))


def test_the_same_bundle_gives_an_equal_report(lab: Lab) -> None:
    first = shown(lab, None, disk_findings())
    assert first.report() == Shown(first.data, *verify_bundle(first.data, Trust()), [disk_findings()]).report()


def test_without_an_anchor_the_reader_is_told_so(lab: Lab) -> None:
    integrity = shown(lab).report().integrity
    assert (integrity.headline, integrity.mark) == ("INTACT WITH NOTES", Mark.CAUTION)
    assert integrity.notes[0].says == (words.NO_ANCHOR,)
    assert integrity.notes[1].entry == 14, "the access without outcome"
    assert not [item for item in integrity.not_checked if "anchor" in plain(item)], "not said twice"


def test_an_anchor_of_the_maker_is_no_outside_anchor(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.close()
    report = shown(lab, Trust(ledgers=frozenset({lab.ledger.id}))).report()
    assert words.OWN_ANCHOR not in report.integrity.meaning
    fingerprint = report.head.fingerprint
    anchored = shown(lab, Trust().with_anchor(fingerprint)).report()
    assert (anchored.integrity.headline, anchored.integrity.mark) == ("INTACT", Mark.GOOD)
    assert words.OWN_ANCHOR in anchored.integrity.meaning
    assert not anchored.integrity.notes


def test_the_fingerprint_is_not_in_the_command(lab: Lab) -> None:
    report = shown(lab).report(Cover("my case.bundle"))
    assert report.command == "python verify.py 'my case.bundle' --anchor FINGERPRINT"
    assert len(report.head.fingerprint) == 64
    assert report.head.fingerprint not in report.command


def test_handling_is_not_checked_unless_someone_did(lab: Lab) -> None:
    record = shown(lab)
    assert record.report().handling.headline == "NOT CHECKED"
    lines = [record.report(Cover("b", handling=Handling(*pair))).handling for pair in ((0, 0), (0, 2), (1, 2))]
    assert [line.headline for line in lines] == ["0 serious, 0 lesser", "0 serious, 2 lesser", "1 serious, 2 lesser"]
    assert [line.mark for line in lines] == [Mark.GOOD, Mark.CAUTION, Mark.BAD]
    assert record.report(Cover("b", handling=Handling(9, 9))).integrity == record.report().integrity


def test_a_bundle_that_is_none_says_broken_and_shows_nothing() -> None:
    report = Shown(b"{}", *verify_bundle(b"{}", Trust()), [disk_findings()]).report()
    assert (report.integrity.headline, report.shown, report.entries) == ("BROKEN", False, ())
    assert report.integrity.meaning == words.UNREADABLE


def test_a_field_that_opens_nothing_signed_is_not_printed(lab: Lab) -> None:
    data = shown(lab).data

    def forge(entry: dict[str, Any]) -> None:
        entry["openings"]["purpose"][1] = "a purpose nobody signed"

    record = spoilt(data, 2, forge)
    report = record.report()
    assert report.integrity.headline == "BROKEN"
    assert [line.entry for line in report.integrity.failed] == [2]
    assert "nobody signed" not in str(report)
    assert plain(row(report.exhibits[0], 2).what) == "Access began: disk.E01", "its other fields stand"


def test_a_forged_signature_is_broken_and_says_what_that_means(lab: Lab) -> None:
    def forge(entry: dict[str, Any]) -> None:
        entry["sig"] = b64(bytes(64))

    failed = spoilt(shown(lab).data, 4, forge).report().integrity.failed
    assert {line.entry for line in failed} >= {4}
    assert any(words.FAILURE["signature"] in plain(line.says) for line in failed)


def test_many_failures_are_counted_not_printed(lab: Lab) -> None:
    record = shown(lab)
    for index in range(MAX_FINDINGS + 5):
        record.verdict.fail(index, "signature", "wrong")
    integrity = record.report().integrity
    assert (len(integrity.failed), integrity.more) == (MAX_FINDINGS, 5)


def test_an_access_is_one_row_with_its_outcome(lab: Lab) -> None:
    first, second = shown(lab).report().exhibits
    taken_in = row(first, 2)
    assert taken_in.ended == 3
    assert 3 not in [step.entry for step in first.steps]
    assert plain(fact(taken_in.details, "Purpose")) == "Find the ledger of payments (order 12/23)"
    assert plain(taken_in.outcome).endswith("1474560 bytes read. The digests computed are those expected.")
    assert [(step.entry, step.ended, step.mark) for step in second.steps] == [
        (11, None, Mark.NONE), (12, 13, Mark.CAUTION), (14, None, Mark.CAUTION), (15, 16, Mark.BAD),
    ]  # fmt: skip
    assert plain(second.steps[1].outcome) == "Failed: usb.raw cannot be opened. No byte was read."
    assert second.steps[2].outcome == (words.NO_OUTCOME,)
    assert words.MATCH[False] in plain(second.steps[3].outcome)


def test_corrections_stand_at_what_they_correct(lab: Lab) -> None:
    first = shown(lab).report().exhibits[0]
    (correction,) = next(item for item in first.facts if item.label == "Description").corrections
    assert (plain(correction.old), plain(correction.new)) == ("Laptop disk, 1.4 MB", "Floppy image, 1.4 MB")
    assert (correction.entry, correction.target, correction.fits) == (17, 1, True)
    assert row(first, 1).corrections == (correction,)
    assert not next(item for item in first.facts if item.label == "Kind").corrections


def test_a_correction_that_misquotes_is_marked(lab: Lab) -> None:
    target = next(row for row in lab.ledger.rows() if row.entry.type == "exhibit.register")
    lab.write("correct", 1, {"name": "kind", "old": "telephone", "new": "disk", "reason": "x"}, target)
    lab.close()
    first = shown(lab).report().exhibits[0]
    (correction,) = next(item for item in first.facts if item.label == "Kind").corrections
    assert correction.fits is False


def test_observations_stand_apart_from_opinions(lab: Lab) -> None:
    report = shown(lab).report()
    remarks = report.exhibits[0].remarks
    assert [item.entry for item in remarks.observations] == [4]
    assert [item.entry for item in remarks.opinions] == [5]
    assert remarks.observations[0].corrections[0].entry == 6
    assert [item.entry for item in report.case_remarks.observations] == [18]


def test_digests_are_held_against_the_first_reading(lab: Lab) -> None:
    first, second = shown(lab).report().exhibits
    sha = [(plain(line.source), line.compared) for line in first.digests if line.algorithm == "SHA-256"]
    assert sha == [
        ("hand-over slip, as registered (entry 1)", words.SAME),
        ("hand-over slip (entry 3)", words.SAME),
        ("computed from the whole medium (entry 3)", words.REFERENCE),
        ("computed again (entry 8)", words.SAME),
    ]
    md5 = [plain(line.source) for line in first.digests if line.algorithm == "MD5"]
    assert md5[0] == "stored inside the container (entry 3)"
    assert first.verdict_mark is Mark.GOOD
    assert first.verdict.endswith("hashed once after that.")
    assert not [line for line in first.digests if "7b7b" in plain(line.value)], "a file's digest is not the medium's"
    assert [line.mark for line in second.digests if line.mark is Mark.BAD] == [Mark.BAD]
    assert second.verdict == words.DIGESTS_DIFFER


def test_what_gave_the_same_again_is_one_line_and_what_did_not_is_another(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    n = lab.register({"ref": "AH/1"})
    for value in (MEDIUM, MEDIUM, OTHER, MEDIUM, OTHER):
        lab.end(lab.begin(n, "verify", "disk"), "completed", basis="whole", computed={"sha256": value["sha256"]})
    lab.close()
    (exhibit,) = shown(lab).report().exhibits
    assert [(plain(line.source), line.compared) for line in exhibit.digests] == [
        ("computed from the whole medium (entry 3)", words.REFERENCE),
        ("computed again (2 entries, 5 to 9)", words.SAME),
        ("computed again (2 entries, 7 to 11)", words.DIFFERENT),
    ]
    assert exhibit.verdict == words.DIGESTS_DIFFER


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"basis": "whole", "media_digests": dict(MEDIUM)}, words.DIGESTS_ALONE),
        ({"basis": "chunks", "computed": dict(MEDIUM)}, words.DIGESTS_NONE),
        ({"basis": "none"}, words.DIGESTS_NONE),
        ({"basis": "whole", "computed": dict(MEDIUM), "expected": {"recorded": {"md5": "00" * 16}}},
         words.DIGESTS_DIFFER),
    ],
)  # fmt: skip
def test_what_is_said_of_digests(tmp_path: Path, values: dict[str, Any], verdict: str) -> None:
    lab = Lab(tmp_path)
    n = lab.register({"ref": "A/1"})
    lab.end(lab.begin(n, "look", "disk"), "completed", **values)
    lab.close()
    assert shown(lab).report().exhibits[0].verdict == verdict


def test_container_digests_stand_apart(lab: Lab) -> None:
    lines = shown(lab).report().exhibits[0].containers
    assert [(plain(line.file), line.algorithm, plain(line.value)) for line in lines] == [
        ("disk.E01", "SHA-256", "6a" * 32)
    ]
    n = lab.register({"ref": "B/1", "container_digests": {"md5": "0f" * 16}})
    lab.register({"ref": "B/2", "container_digests": [{"name": "a.001", "digests": {"sha1": "0e" * 20}}, "rubbish"]})
    lab.close()
    more = shown(lab).report().exhibits[n - 1 :]
    assert [(line.algorithm, line.file) for line in more[0].containers] == [("MD5", (Absent.NOT_STATED,))]
    assert plain(more[1].containers[0].file) == "a.001"


def test_results_are_bound_to_the_record_or_said_not_to_be(lab: Lab) -> None:
    def bound(**change: Any) -> tuple[str, Mark]:
        findings = dataclasses.replace(disk_findings(), **change)
        (examined,) = shown(lab, None, findings).report().exhibits[0].examined
        return examined.bound, examined.mark

    assert bound() == (words.BOUND.format(entry=3), Mark.GOOD)
    assert bound(result_digests={"files.parquet": RESULTS["files.parquet"]})[1] is Mark.GOOD
    more, mark = bound(result_digests={**RESULTS, "notes.txt": "00" * 32})
    assert (more.endswith("It names no digest for: notes.txt."), mark) == (True, Mark.CAUTION)
    assert bound(result_digests={"notes.txt": "00" * 32}) == (words.NOT_BOUND, Mark.BAD)
    assert bound(result_digests={}) == (words.BOUND_UNKNOWN, Mark.CAUTION)
    assert bound(result_digests={**RESULTS, "files.parquet": "00" * 32}) == (words.NOT_BOUND, Mark.BAD)


def test_results_of_an_exhibit_not_shown_are_left_out_and_said(lab: Lab) -> None:
    report = shown(lab, None, disk_findings("ZZ/9")).report()
    assert [plain(item) for item in report.left_out] == [
        "Results were handed in for ZZ/9, which this record does not show. They are left out."
    ]
    assert not [item for exhibit in report.exhibits for item in exhibit.examined]


def test_what_was_not_read_is_listed(lab: Lab) -> None:
    first, second = shown(lab, None, disk_findings()).report().exhibits
    assert [plain(line.says) for line in first.unread] == [
        "Volume 2 (Linux (0x83)) was not read: LUKS: encrypted, not read"
    ]
    assert [line.entry for line in second.unread] == [12, 14]


def test_one_exhibit_alone_tells_nothing_of_the_other(lab: Lab) -> None:
    report = shown(lab, None, exhibits=[1]).report()
    assert [exhibit.n for exhibit in report.exhibits] == [1]
    assert "usb.raw" not in str(report)


def test_withheld_fields_are_counted_and_named_as_such(lab: Lab) -> None:
    report = shown(lab, None, disk_findings(), withhold=["purpose", "actor", "ref"]).report()
    assert all(exhibit.title == ("Exhibit number ", str(exhibit.n), " (reference: ", Absent.WITHHELD, ")")
               for exhibit in report.exhibits)  # fmt: skip
    step = row(report.exhibits[0], 2)
    assert step.who == (Absent.WITHHELD, " (", *step.who[2:]), "role and agency are still shown"
    assert step.withheld == 3, "purpose, and the actor of both entries; never the secret of the manifest"
    closed = sum(name in ("purpose", "actor", "ref") for row in lab.ledger.rows() for name in row.entry.commits)
    assert f"fields withheld {closed}" in report.integrity.counts
    assert not report.case.people
    assert len(report.left_out) == 1


def test_the_reading_of_one_file_is_shown(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    n = lab.register({"ref": "A/1"})
    secret, rows = b"s" * 32, [("1", f"/f{i}", str(i), "ads" if i else "", "content", "5", "aa" * 32) for i in range(3)]
    frontier = Frontier()
    for i, item in enumerate(rows):
        frontier.append(manifest_leaf(row_salt(secret, i), item))
    end = lab.end(lab.begin(n, "bulk", "disk"), "completed", manifest_root=b64(frontier.root()), manifest_size="3")
    lab.close()
    (file,) = shown(lab, None, rows=[show_row(end.index, secret, rows, 2)]).report().exhibits[0].files_read
    assert (file.entry, plain(file.path), file.size) == (end.index, "/f2:ads", "5")


def test_a_one_person_laboratory_is_told_what_its_key_is_worth(lab: Lab) -> None:
    report = shown(lab).report()
    assert words.ONE_KEEPER in report.limits
    assert set(words.LIMITS) <= set(report.limits)


def test_the_annex_has_every_entry_key_and_tool(lab: Lab) -> None:
    report = shown(lab).report()
    assert [line.index for line in report.entries] == list(range(lab.ledger.size))
    assert [(key.algorithm, key.part) for key in report.keys] == [
        ("ed25519", "governs the record"),
        ("ed25519", "the record's own key"),
        ("ml-dsa-44", "the record's own key"),
    ]
    assert [plain(tool.tool) for tool in report.tools] == ["evikit 0.1.0 (python: 3.11.7)"]


def test_the_date_is_that_of_the_last_closing_entry(lab: Lab) -> None:
    assert shown(lab).report().dated == (Absent.NOT_STATED,), "this closing entry states none"
    close(lab.ledger, lab.keys, DOMAIN, {"claimed_at": "2024-02-29T23:59:59.123456789Z"}, lab.time)
    assert shown(lab).report().dated == ("2024-02-29 23:59:59 UTC",)


def test_every_entry_type_has_its_sentence_with_fields_it_really_has() -> None:
    assert words.SENTENCE.keys() == TYPES.keys()
    for kind, template in words.SENTENCE.items():
        places = {name for _, name, _, _ in string.Formatter().parse(template) if name}
        assert places <= TYPES[kind].commits | {"target", "names"}, kind
    for kind, labels in words.DETAILS.items():
        assert labels.keys() <= TYPES[kind].commits, kind


def test_no_standard_is_said_to_require_this_log() -> None:
    text = " ".join(words.LIMITS)
    assert "No standard requires" in text
    assert "tamper-evident, not tamper-proof" in text


def test_findings_alone_prove_nothing_without_a_bundle() -> None:
    verdict = Verdict()
    verdict.fail(None, "malformed", "the bundle is malformed: " + HOSTILE)
    report = build(verdict, None, [ExhibitFindings("AH/1", "r")], Cover("b"))
    assert len(report.left_out) == 1
