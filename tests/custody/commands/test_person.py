"""`evikit person` and the governing commands of `evikit ledger`: a team of people on several key stores."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.console import EXAMINER, Lab, Told

BOJAN, CAGLA = "Бојан Петровић", "Çağla Işık"  # noqa: RUF001 - a Turkish name


class Team:
    """A lab with key stores besides the founder's: `team.as_("bojan", ...)` acts from another one."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def as_(self, home: str, *words: str | Path, **over: str | None) -> Told:
        return self.lab.run(*words, EVIKIT_HOME=str(self.lab.folder / home), **over)

    def file(self, name: str) -> Path:
        return self.lab.folder / name

    def request(self, home: str, name: str, *words: str, agency: str = "Invented Agency") -> Path:
        output = self.file(f"{home}-{len(list(self.lab.folder.glob('*.json')))}.json")
        told = self.as_(home, "person", "request", "--name", name, "--agency", agency, "-o", output, *words)
        assert told.code == 0, told
        return output

    def people(self) -> dict[str, list[str]]:
        """Statuses by name."""
        found: dict[str, list[str]] = {}
        for line in self.lab.run("person", "list", "--json").lines:
            found.setdefault(line["name"], []).append(line["status"])
        return found

    def verdict(self) -> str:
        return str(self.lab.run("ledger", "verify", "--json").json["verdict"])

    def kinds(self) -> list[Any]:
        told = self.lab.run("ledger", "verify", "--json").json
        return [told["problems"], told["verdict"]]


@pytest.fixture
def team(lab: Lab) -> Team:
    """A case with one governor."""
    return Team(lab)


@pytest.fixture
def pair(empty_lab: Lab) -> Team:
    """A case that needs two governing signatures: the founder's and Bojan's."""
    team = Team(empty_lab)
    founder = team.request("bojan", BOJAN, "--founder")
    told = team.lab.run(
        "init", team.lab.case, "--number", "C-1", "--agency", "Invented Agency", "--examiner", EXAMINER,
        "--governor", founder,
    )  # fmt: skip
    assert told.code == 0, told
    return team


def ok(told: Told) -> Told:
    assert told.code == 0, told
    return told


def test_a_person_on_another_machine_is_enrolled_by_files(team: Team) -> None:
    request = team.request("cagla", CAGLA, "--role", "investigator", "--rank", "Insp. 7", "--competence", "EnCE")
    told = ok(team.lab.run("person", "enrol", request, "--json")).json
    assert (told["name"], told["status"]) == (CAGLA, "enrolled")
    ok(team.as_("cagla", "note", "what I saw"))
    back = team.file("back.json")
    ok(team.lab.run("person", "enrolment", CAGLA, "-o", back))
    confirmed = ok(team.as_("cagla", "person", "confirm", back, "--json")).json
    assert (confirmed["name"], confirmed["key"]) == (CAGLA, told["key"])
    line = team.lab.run("person", "list", "--json").lines[-1]
    assert (line["role"], line["rank"], line["competence"], line["here"]) == ("investigator", "Insp. 7", "EnCE", False)
    assert "export" in {line["type"] for line in team.lab.log()}
    assert {line["actor"] for line in team.lab.log() if line["type"] == "note"} == {CAGLA}
    assert team.verdict() == "INTACT WITH NOTES"


def test_what_others_write_waits_for_the_keeper_of_the_ledgers_key(team: Team) -> None:
    ok(team.lab.run("person", "enrol", team.request("cagla", CAGLA)))
    told = ok(team.as_("cagla", "note", "one"))
    assert "not yet under a checkpoint" in told.err
    assert "fingerprint" in ok(team.lab.run("note", "two")).err


def test_with_two_governors_an_enrolment_waits_for_the_second(pair: Team) -> None:
    request = pair.request("cagla", CAGLA)
    told = ok(pair.lab.run("person", "enrol", request))
    assert "evikit ledger approve" in told.err
    pair.as_("cagla", "note", "too early").refused(1, "waits for approval")
    pair.lab.run("person", "enrolment", CAGLA, "-o", pair.file("x.json")).refused(1, "waiting")
    pair.lab.run("ledger", "approve").refused(1, "approved entry", "already")
    pair.as_("cagla", "ledger", "approve").refused(1, "waits for approval")
    pair.lab.run("person", "enrol", request).refused(1, "waits for approval already")
    approved = ok(pair.as_("bojan", "ledger", "approve", "--json")).json
    assert (approved["in_force"], approved["approvals_missing"]) == (True, "0")
    ok(pair.as_("cagla", "note", "now"))
    pair.as_("bojan", "ledger", "approve").refused(1, "no entry that waits")
    assert pair.people() == {EXAMINER: ["governor"], BOJAN: ["governor"], CAGLA: ["enrolled"]}


def test_several_that_wait_are_named_and_one_is_chosen(pair: Team) -> None:
    first = ok(pair.lab.run("person", "enrol", pair.request("cagla", CAGLA), "--json")).json["entry"]
    second = ok(pair.lab.run("person", "enrol", pair.request("drita", "Drita"), "--json")).json["entry"]
    pair.as_("bojan", "ledger", "approve").refused(1, "2 entries wait", first, second)
    ok(pair.as_("bojan", "ledger", "approve", second))
    assert pair.people()["Drita"] == ["enrolled"]
    assert f"entry {first}" in pair.lab.run("person", "list").err
    pair.as_("bojan", "ledger", "approve", "0").refused(1, "no entry that waits")


def test_nobody_is_enrolled_twice(team: Team) -> None:
    request = team.request("cagla", CAGLA)
    ok(team.lab.run("person", "enrol", request))
    team.lab.run("person", "enrol", request).refused(1, "is enrolled already")
    other = team.request("elsewhere", CAGLA)
    team.lab.run("person", "enrol", other).refused(1, CAGLA, "is enrolled already")
    namesake = team.request("cagla", "Another Name", agency="Invented Agency")
    assert json.loads(namesake.read_bytes())["pk"] != json.loads(request.read_bytes())["pk"]


def test_only_a_governor_enrols_and_revokes(team: Team) -> None:
    ok(team.lab.run("person", "enrol", team.request("cagla", CAGLA)))
    drita = team.request("drita", "Drita")
    team.as_("cagla", "person", "enrol", drita).refused(1, "only a governor")
    team.as_("cagla", "person", "revoke", EXAMINER, "--from", "1", "--reason", "x").refused(1, "the only governor")
    ok(team.lab.run("person", "enrol", drita))
    team.as_("cagla", "person", "revoke", "Drita", "--from", "1", "--reason", "x").refused(1, "only a governor")
    team.lab.run("person", "revoke", "Drita", "--from", "999", "--reason", "x").refused(1, "no entry 999")
    team.lab.run("person", "revoke", "Drita", "--from", "1", "--reason", " ").refused(1, "reason is empty")


def test_a_key_is_replaced_by_its_owner(pair: Team) -> None:
    ok(pair.lab.run("person", "enrol", pair.request("cagla", CAGLA)))
    ok(pair.as_("bojan", "ledger", "approve"))
    told = ok(pair.as_("cagla", "person", "rotate", "--reason", "new laptop"))
    assert "waits for another governor" in told.err
    ok(pair.as_("cagla", "note", "still with the old key"))
    ok(pair.lab.run("ledger", "approve"))
    ok(pair.as_("bojan", "ledger", "approve"))
    ok(pair.as_("cagla", "note", "with the new key"))
    assert pair.people()[CAGLA] == ["replaced", "enrolled"]
    assert pair.verdict() == "INTACT WITH NOTES"


def test_a_governor_goes_on_governing_with_a_new_key(team: Team) -> None:
    ok(team.lab.run("person", "rotate", "--reason", "yearly"))
    ok(team.lab.run("person", "enrol", team.request("cagla", CAGLA)))
    ok(team.lab.run("person", "rotate", "--reason", "again"))
    assert team.people() == {EXAMINER: ["replaced", "replaced", "governor"], CAGLA: ["enrolled"]}
    assert team.verdict() == "INTACT WITH NOTES"


def test_what_a_revoked_key_signed_reads_disputed_unless_a_kept_head_covers_it(team: Team) -> None:
    ok(team.lab.run("person", "enrol", team.request("cagla", CAGLA)))
    ok(team.as_("cagla", "note", "early"))
    anchor = team.file("head.txt")
    size = int(ok(team.lab.run("ledger", "checkpoint", "-o", anchor, "--json")).json["size"])
    ok(team.as_("cagla", "note", "late"))
    ok(team.lab.run("person", "revoke", CAGLA, "--from", str(size), "--reason", "laptop stolen"))
    team.as_("cagla", "note", "with a stolen key").refused(1, "is revoked")
    told = team.lab.run("ledger", "verify", "--anchor", anchor, "--json").json
    disputed = {item["index"] for item in told["problems"] if item["kind"] == "disputed"}
    notes = [line["index"] for line in team.lab.log() if line["type"] == "note"]
    assert disputed == {notes[1]}
    without = team.lab.run("ledger", "verify", "--json").json
    assert {item["index"] for item in without["problems"] if item["kind"] == "disputed"} == set(notes)
    ok(team.lab.run("person", "enrol", team.request("cagla", CAGLA, "--new-key")))
    ok(team.as_("cagla", "note", "with a new key"))
    assert team.people()[CAGLA] == ["revoked", "enrolled"]
    assert f"doubted from entry {size} on" in team.lab.run("person", "list").out


def test_a_sealed_key_is_carried_to_another_store_but_never_into_a_case(team: Team) -> None:
    team.lab.run("person", "export-key", "-o", team.lab.case / "key.json").refused(1, "inside a case")
    file = team.file("key.json")
    ok(team.lab.run("person", "export-key", "-o", file))
    assert file.stat().st_mode & 0o77 == 0
    assert "BEGIN PRIVATE KEY" not in file.read_text()
    team.as_("other", "person", "import-key", file, EVIKIT_PASSPHRASE="wrong").refused(1, "passphrase")
    team.lab.run("person", "export-key", "-o", file).refused(1, "exists already")
    ok(team.as_("other", "person", "import-key", file, "--json"))
    told = ok(team.as_("other", "note", "from the other store"))
    assert "not yet under a checkpoint" in told.err
    keys = team.file("ledger-keys.json")
    ok(team.lab.run("person", "export-key", "--ledger-keys", "-o", keys, "--json"))
    ok(team.as_("other", "person", "import-key", keys))
    assert "fingerprint" in ok(team.as_("other", "note", "with the ledger's keys")).err


def test_the_ledgers_own_keys_are_replaced(pair: Team) -> None:
    told = ok(pair.lab.run("ledger", "rotate", "--reason", "yearly", "--json")).json
    assert told["in_force"] is False
    ok(pair.lab.run("note", "closed with the old keys"))
    ok(pair.as_("bojan", "ledger", "approve"))
    assert "fingerprint" in ok(pair.lab.run("note", "closed with the new keys")).err
    assert pair.verdict() == "INTACT WITH NOTES"


def test_the_keeper_who_approves_a_rotation_closes_with_the_new_keys(pair: Team) -> None:
    ok(pair.lab.run("ledger", "rotate", "--reason", "yearly"))
    exported = pair.file("keys.json")
    keys = sorted((pair.lab.home / "keys").glob("*.pem"))
    assert len(keys) == 5  # a person's, the ledger's two, and the two that wait
    ok(pair.lab.run("person", "export-key", "--ledger-keys", "-o", exported))
    for sealed in keys:  # bojan keeps all of the ledger's keys as well
        (pair.file("bojan") / "keys" / sealed.name).write_bytes(sealed.read_bytes())
    assert "fingerprint" in ok(pair.as_("bojan", "ledger", "approve")).err
    assert pair.verdict() == "INTACT WITH NOTES"


def test_the_policy_names_new_governors(team: Team) -> None:
    ok(team.lab.run("person", "enrol", team.request("cagla", CAGLA)))
    told = ok(
        team.lab.run(
            "ledger", "policy", "--governor", EXAMINER, "--governor", CAGLA, "--need", "2", "--reason", "two of us"
        )
    )
    assert "in force           yes" in told.out
    ok(team.lab.run("person", "enrol", team.request("drita", "Drita")))
    assert team.people()["Drita"] == ["waiting"]
    ok(team.as_("cagla", "ledger", "approve"))
    assert team.people() == {EXAMINER: ["governor"], CAGLA: ["governor"], "Drita": ["enrolled"]}
    bad = team.lab.run("ledger", "policy", "--governor", CAGLA, "--need", "2", "--reason", "x")
    bad.refused(1, "more signatures than it has governors")


def test_an_erasure_waits_for_the_other_governor(pair: Team) -> None:
    ok(pair.lab.run("note", "the neighbour's child saw it"))
    words = ("ledger", "erase", str(len(pair.lab.log()) - 2), "text", "--reason", "not relevant, minor named")
    told = ok(pair.lab.run(*words, "--json")).json
    assert (told["in_force"], told["approvals_missing"]) == (False, "1")
    assert any("neighbour" in line["purpose"] for line in pair.lab.log())
    ok(pair.as_("bojan", "ledger", "approve"))
    assert not any("neighbour" in line["purpose"] for line in pair.lab.log())
    assert pair.verdict() == "INTACT WITH NOTES"
    pair.lab.run(*words).refused(1, "is erased already")


def test_a_frozen_ledger_takes_nothing_more(team: Team) -> None:
    ok(team.lab.run("ledger", "freeze", "--reason", "sent to court", "--yes"))
    team.lab.run("note", "late").refused(1, "frozen")
    assert team.verdict() == "INTACT WITH NOTES"
    team.lab.run("ledger", "freeze", "--reason", "again").refused(1, "no terminal to ask on")


def _changed(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    def apply(data: bytes) -> bytes:
        body = json.loads(data)
        change(body)
        return json.dumps(body).encode()

    return apply


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_changed(lambda body: body.update(name="Somebody Else")), "changed after it was signed"),
        (_changed(lambda body: body.update(format="evikit-person-request-2")), "newer format"),
        (_changed(lambda body: body.pop("rank")), "no request"),
        (_changed(lambda body: body.update(pk="AAAA")), "damaged"),
        (_changed(lambda body: body.update(ledger="xyz")), "damaged"),
        (lambda data: data[: len(data) // 2], "no request"),
        (lambda _: b"\xff\x00" * 40, "no request"),
        (lambda _: b"[" * 100_000, "no request"),
        (lambda data: data + b" " * (1 << 20), "longer than"),
    ],
)
def test_a_request_that_was_spoilt_is_refused(team: Team, spoil: Callable[[bytes], bytes], said: str) -> None:
    request = team.request("cagla", CAGLA)
    request.write_bytes(spoil(request.read_bytes()))
    team.lab.run("person", "enrol", request).refused(1, said)
    assert len(team.people()) == 1


def test_a_request_for_another_ledger_is_refused(team: Team) -> None:
    other = team.request("cagla", CAGLA, "--ledger", "ab" * 32)
    team.lab.run("person", "enrol", other).refused(1, "another ledger")
    founder = team.request("cagla", CAGLA, "--founder")
    team.lab.run("person", "enrol", founder).refused(1, "no case yet")
    team.lab.run("person", "enrol", team.file("absent")).refused(1, "cannot be read")
    told = team.as_("x", "person", "request", "--name", "N", "--agency", "A", "--ledger", "zz", "-o", team.file("y"))
    told.refused(1, "64 hex digits")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--name", " ", "--agency", "A"], "name is empty"),
        (["--name", "N", "--agency", "A\x07"], "agency is empty or holds control"),
        (["--name", "N", "--agency", "A", "--role", "king"], "no role"),
    ],
)
def test_a_request_says_who_and_what(team: Team, words: list[str], said: str) -> None:
    team.as_("x", "person", "request", *words, "-o", team.file("r.json")).refused(1, said)
    assert not (team.file("x") / "keys").exists()


def test_an_enrolment_is_confirmed_only_where_it_enrols_somebody(team: Team) -> None:
    ok(team.lab.run("person", "enrol", team.request("cagla", CAGLA)))
    back = team.file("back.json")
    ok(team.lab.run("person", "enrolment", CAGLA, "-o", back))
    team.as_("nobody", "person", "confirm", back).refused(1, "no key of")
    ok(team.as_("cagla", "person", "confirm", back))
    ok(team.as_("cagla", "person", "confirm", back))  # twice does no harm
    data = back.read_bytes()
    back.write_bytes(data.replace(b'"index":"0"', b'"index":"1"', 1))
    team.as_("cagla", "person", "confirm", back).refused(3, "does not verify")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--need", "2"], "2 governing signatures cannot be had from 1 governors"),
        (["--governor", "twice"], "cannot be had"),
        (["--governor", "enrolled"], "for a case that exists"),
    ],
)
def test_a_policy_nobody_can_meet_begins_no_case(empty_lab: Lab, words: list[str], said: str) -> None:
    team = Team(empty_lab)
    if "twice" in words:
        request = str(team.request("b", BOJAN, "--founder"))
        words = ["--governor", request, "--governor", request]
    if "enrolled" in words:
        words = ["--governor", str(team.request("b", BOJAN, "--ledger", "ab" * 32))]
    told = team.lab.run("init", team.lab.case, "--number", "1", "--agency", "A", "--examiner", "E", *words)
    told.refused(1, said)
    assert not team.lab.case.exists()


def test_who_acts_is_named_by_name_or_key(team: Team) -> None:
    ok(team.lab.run("person", "enrol", team.request("keys", "Second Person")))
    team.lab.run("note", "whose?").refused(1, "not clear who")
    ok(team.lab.run("note", "mine", "--as", "Second Person"))
    key = team.lab.run("person", "list", "--json").lines[-1]["key"]
    ok(team.lab.run("note", "mine", "--as", key[:8]))
    team.lab.run("note", "whose?", "--as", "Nobody").refused(1, "'Nobody' is not acting")
    told = team.lab.run("person", "revoke", "Nobody", "--from", "1", "--reason", "x", "--as", EXAMINER)
    told.refused(1, "nobody's name or key")


def test_files_that_are_no_exported_keys(team: Team) -> None:
    for data in (b"{}", b'{"format":"evikit-keys-1","keys":[{"key":"00"}]}', b"\xff", b'{"format":"evikit-keys-1"}'):
        team.file("k").write_bytes(data)
        team.lab.run("person", "import-key", team.file("k")).refused(1, "no file of exported keys")
