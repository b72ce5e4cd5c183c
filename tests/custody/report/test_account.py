"""What stands around the exhibits: authority, purposes, author, times, disclosure."""

from __future__ import annotations

from pathlib import Path

from custody.ledger.bundle import verify_bundle
from custody.ledger.disclosure import compose_bundle
from custody.ledger.verdict import Trust
from custody.report.account import LISTED, Account, _local
from custody.report.html import render
from custody.report.model import Fact
from custody.report.phrase import plain
from custody.report.record import read_records
from tests.custody.report.lab import Lab, Shown, shown


def said(facts: tuple[Fact, ...], label: str) -> list[str]:
    return [plain(fact.value) for fact in facts if fact.label == label]


def account_of(lab: Lab) -> Account:
    lab.close()
    return shown(lab).report().account


def test_authority_and_purposes_with_their_entries(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    n = lab.register({"ref": "AH/1", "seizure": {"authority": {"authority": "warrant 7/23"}}})
    lab.end(lab.begin(n, "find the letters", "disk"), "completed")
    lab.end(lab.begin(n, "find the letters", "disk"), "completed")
    lab.write("note", n, {"kind": "observation", "text": "x", "authority": "order 9/23"})
    found = account_of(lab)
    assert said(found.scope, "Authority to seize") == ["AH/1: authority: warrant 7/23"]
    assert said(found.scope, "Named by entries") == ["order 9/23 (entry 6)"]
    assert [plain(line) for line in found.questions] == ["find the letters (2 entries, 2 to 4)"]


def test_long_lists_say_that_they_are_cut(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    n = lab.register({"ref": "AH/1"})
    for number in range(LISTED + 2):
        lab.begin(n, f"purpose {number}", "disk")
    found = account_of(lab)
    assert len(found.questions) == LISTED + 1
    assert plain(found.questions[-1]) == "and 2 more in the custody tables"


def test_the_author_is_who_handed_it_out(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.write("export", None, {"recipient": "the court", "document": {"kind": "report", "withheld": {"rules": []}}})
    found = account_of(lab)
    assert said(found.author, "Made by") == ["Ana Kovač (examiner, Laboratory North)"]
    assert said(found.author, "Key") == [lab.examiner.key.hex()]
    assert said(found.disclosure, "Made for") == ["the court"]
    assert said(found.disclosure, "Kept closed by") == ["no rule"]


def test_times_in_both_spellings_and_backwards_ones_named(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    for moment in ("2023-07-01T10:00:00.000000000Z", "2023-06-01T10:00:00.000000000Z"):
        lab.write("note", 0, {"kind": "observation", "text": "x", "claimed_at": moment})
    found = account_of(lab)
    assert said(found.times, "Order of the times claimed") == ["earlier than an entry before them: entries 1, 2"]
    assert said(found.times, "Time zone of the case") == ["not stated"]
    data = compose_bundle(lab.ledger)
    verdict, bundle = verify_bundle(data, Trust())
    assert bundle is not None
    records = read_records(bundle, verdict)[1:3]
    assert [plain(line) for line in _local(records, "Europe/Belgrade")] == [
        "2023-06-01 10:00:00 UTC is 2023-06-01 12:00:00 (UTC+0200)",
        "2023-07-01 10:00:00 UTC is 2023-07-01 12:00:00 (UTC+0200)",
    ]
    assert [list(_local(records, zone)) for zone in (None, "", "Atlantis", "../etc/passwd", "\x00")] == [[]] * 5


def test_withheld_and_erased_are_counted_apart(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    n = lab.register({"ref": "AH/1", "seizure": {"authority": {"authority": "warrant 7/23"}}})
    target = next(lab.ledger.rows(1, 2))
    lab.add("erase", n, {"reason": "privacy"}, re=[target.leaf], pub={"names": ["serial"]})
    lab.close()
    data = compose_bundle(lab.ledger, withhold=["seizure", "serial", "actor"])
    found = Shown(data, *verify_bundle(data, Trust())).report()
    assert said(found.account.scope, "Authority to seize") == ["AH/1: not shown in this bundle"]
    assert said(found.account.disclosure, "Fields erased by approval") == ["1"]
    assert [(line.entry, plain(line.says)) for line in found.account.erasures] == [(2, "serial: privacy")]
    assert "not shown in this bundle" in render(found).decode()
