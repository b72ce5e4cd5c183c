"""The verifier handed to others agrees with the kit on every bundle: verdict, and the set of (kind, index).

It is loaded as a file of its own, as an expert would run it. What both must find stands in docs/ledger-format.md.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from custody import report
from custody.commands.trust import trust_from
from custody.commands.verdicts import describe
from custody.ledger.bundle import decode_bundle, dump_bundle, verify_bundle
from custody.ledger.disclosure import compose_bundle
from custody.ledger.entry import b64, decode
from custody.ledger.note import fingerprint, parse_note
from custody.ledger.store import NEW
from tests.attacks import ATTACKS, FOLDER, Attack
from tests.console import Lab
from tests.kit import Chronicle, World, entry_key, governor, ledger_keys
from tests.ledger_example import MEDIA, bundle_of, example

ROOT = Path(__file__).resolve().parents[3]
SOURCE = Path(report.__file__).parent / "standalone" / "verify.py"
PAGE = ROOT / "docs" / "ledger-format.md"

pytestmark = pytest.mark.source  # its examples and the example's checkpoint stand in docs/


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("standalone_verify", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there for annotations
    spec.loader.exec_module(module)
    return module


VERIFIER = loaded(SOURCE)


class Desk:
    """Where an expert sits: a folder with a bundle, the verifier, and what they kept."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys

    def put(self, name: str, data: bytes) -> str:
        (self.folder / name).write_bytes(data)
        return str(self.folder / name)

    def run(self, *words: str) -> tuple[int, str, str]:
        self.capsys.readouterr()
        try:
            code = VERIFIER.main(words)
        except SystemExit as ended:
            code = ended.code
        out, err = self.capsys.readouterr()
        return code, out, err

    def verify(self, data: bytes, *words: str) -> dict[str, Any]:
        """What it says of a bundle, in JSON; the exit code is that of the verdict."""
        code, out, err = self.run(self.put("bundle.json", data), "--json", *words)
        said: dict[str, Any] = json.loads(out)
        assert (code, err) == (3 if said["verdict"] == "BROKEN" else 0, "")
        return said

    def agreed(self, data: bytes, anchors: Sequence[str] = (), trust: str | None = None) -> dict[str, Any]:
        """What both verifiers say."""
        words = [word for anchor in anchors for word in ("--anchor", anchor)] + (["--trust", trust] if trust else [])
        ours = describe(verify_bundle(data, trust_from(anchors, trust))[0])
        theirs = self.verify(data, *words)
        assert judged(theirs) == judged(ours)
        same = ("ledger", "size", "root", "anchored", "kind") if ours["ledger"] else ()
        assert {name: theirs[name] for name in same} == {name: ours[name] for name in same}
        return theirs


def judged(said: dict[str, Any]) -> tuple[str, set[tuple[str, int | None]]]:
    return said["verdict"], found(said)


def found(said: dict[str, Any]) -> set[tuple[str, int | None]]:
    return {(item["kind"], item["index"]) for item in said["problems"]}


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


# --- the worked example ------------------------------------------------------------------------------------


def block(name: str) -> str:
    return PAGE.read_text("utf-8").split(f"<!-- example: {name} -->\n```text\n")[1].split("\n```")[0]


@pytest.fixture(scope="module")
def page_bundle() -> bytes:
    data = bundle_of(list(example()), block("checkpoint") + "\n")
    assert sha256(data).hexdigest() in block("bundle")
    return data


def test_the_worked_example_is_intact_with_the_fingerprint_of_the_page(desk: Desk, page_bundle: bytes) -> None:
    assert judged(desk.agreed(page_bundle)) == ("INTACT WITH NOTES", set())
    held = desk.agreed(page_bundle, [block("fingerprint")])
    assert judged(held) == ("INTACT", set())
    assert {claim["result"] for claim in held["claims"]} == {"PROVED"}
    assert held["checked"]["manifest rows"] == 1
    kept = desk.put("kept.txt", (block("checkpoint") + "\n").encode())
    assert desk.agreed(page_bundle, [kept])["verdict"] == "INTACT"


@pytest.mark.parametrize("part", range(8))
def test_flipped_bits(desk: Desk, page_bundle: bytes, part: int) -> None:
    """1,200 places, one bit in each; every bit of every byte was run once by hand."""
    chance = random.Random(part)
    anchor = block("fingerprint")
    for place in chance.sample(range(len(page_bundle)), 150):
        flipped = bytearray(page_bundle)
        flipped[place] ^= 1 << chance.randrange(8)
        assert desk.agreed(bytes(flipped), [anchor])["verdict"] == "BROKEN", place


# --- ledgers that the kit wrote ----------------------------------------------------------------------------


def busy(folder: Path) -> World:
    """Two governors, an enrolled person, two exhibits, an access left open, an erasure, three checkpoints."""
    world = World(folder, governors=(2,), need=2)
    first, second = world.exhibit("AH/1"), world.exhibit("AH/2")
    begin, _ = world.access(first)
    world.close()
    world.add("access.begin", second, {"purpose": "left open"})
    gone = world.add("erase", first, {"reason": "privacy"}, re=[begin.leaf], pub={"names": ["purpose"]})
    world.add("approve", 0, re=[gone.leaf], key=entry_key(2))
    world.close()
    world.add("person.revoke", 0, {"reason": "stolen"}, pub={"key": b64(entry_key(2).key), "from": "7"})
    world.add("note", second, {"text": "the seal was whole"})
    world.close()
    return world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return busy(tmp_path_factory.mktemp("busy"))


EVERY_NAME = {name for form in VERIFIER.FORMS.values() for name in form.committed.split()} | VERIFIER.COMMON
FORMS: dict[str, dict[str, Any]] = {
    "whole": {},
    "governance alone": {"exhibits": []},
    "one exhibit": {"exhibits": [1]},
    "the other exhibit": {"exhibits": [2]},
    "names and purposes withheld": {"withhold": ["actor", "purpose"]},
    "nothing opened": {"withhold": sorted(EVERY_NAME)},
}


@pytest.mark.parametrize("name", FORMS)
def test_disclosed_forms_with_right_and_wrong_anchors(desk: Desk, world: World, name: str) -> None:
    data = compose_bundle(world.ledger, **FORMS[name])
    assert desk.agreed(data)["verdict"] != "BROKEN"
    for at, note in enumerate(world.ledger.notes()):
        head = desk.put(f"head{at}.txt", note)
        for anchor in (head, fingerprint(parse_note(note).checkpoint)):
            assert desk.agreed(data, [anchor])["anchored"]
    assert ("anchor", None) in found(desk.agreed(data, ["0" * 64]))
    assert ("anchor", None) in found(desk.agreed(data, ["0" * 64, head]))


def test_what_is_withheld_and_erased_is_counted_apart(desk: Desk, world: World) -> None:
    data = compose_bundle(world.ledger, withhold=["purpose", "actor"])
    said = desk.agreed(data)
    ours = verify_bundle(data, trust_from([], None))[0].checked
    assert {name: said["checked"][name] for name in ours} == {**ours, "checkpoints": 1}
    assert said["erased"] == {"purpose": 1}
    assert said["withheld"]["purpose"] == 1


def test_trust_files(desk: Desk, world: World) -> None:
    data = compose_bundle(world.ledger)
    own, notes = world.ledger.id.hex(), [note.decode() for note in world.ledger.notes()]
    for at, (trust, verdict) in enumerate(
        [
            ({"ledgers": [own]}, "INTACT WITH NOTES"),
            ({"ledgers": ["0" * 64]}, "BROKEN"),
            ({"ledgers": ["0" * 64, own], "heads": notes[:1]}, "INTACT WITH NOTES"),
            ({"heads": [notes[0].replace(own, "1" * 64)]}, "BROKEN"),
            ({"heads": [notes[0].replace("lab.example", "lab.elsewhere")]}, "BROKEN"),
            ({"witnesses": [], "quorum": 1, "tsa_roots": ["00" * 32]}, "INTACT WITH NOTES"),
            ({}, "INTACT WITH NOTES"),
        ]
    ):
        written = desk.put(f"trust{at}.json", json.dumps(trust, indent=2).encode())
        assert desk.agreed(data, trust=written)["verdict"] == verdict, trust
        assert desk.agreed(data, ["0" * 64], trust=written)["verdict"] == "BROKEN"


def test_an_old_ledger_of_the_first_revision(desk: Desk, tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    for name, folder in (("case", lab.case), ("keys", lab.home)):
        shutil.copytree(ROOT / "tests" / "data" / "ledgers" / "0001" / name, folder)
    assert lab.run("ledger", "upgrade").code == 0
    made = lab.run("bundle", "create", "-o", tmp_path / "old.json", "--for", "the court", "--json").json
    desk.agreed((tmp_path / "old.json").read_bytes())
    said = desk.agreed((tmp_path / "old.json").read_bytes(), [made["fingerprint"]])
    assert said["anchored"]
    assert said["checked"]["exhibits"] > 0


def test_a_row_of_a_manifest(desk: Desk, page_bundle: bytes) -> None:
    for change in (
        lambda row: row["row"].__setitem__(4, "metadata"),
        lambda row: row.__setitem__("i", "2"),
        lambda row: row.__setitem__("i", "9223372036854775807"),
        lambda row: row["proof"].pop(),
        lambda row: row.__setitem__("entry", "2"),
    ):
        said = desk.agreed(changed(page_bundle, lambda body, change=change: change(body["rows"][0])))
        assert {kind for kind, _ in found(said)} == {"row"}


# --- tampered ----------------------------------------------------------------------------------------------


def changed(data: bytes, change: Callable[[Any], object]) -> bytes:
    body: Any = decode(data.rstrip(b"\n"), len(data), 12)
    change(body)
    return dump_bundle(body)


def payload_with(item: Any, change: Callable[[Any], object]) -> None:
    body: Any = decode(base64.b64decode(item["payload"]), 65_536, 6)
    change(body)
    item["payload"] = b64(json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())


def swap(items: list[Any], one: int, other: int) -> None:
    """Exchange two entries, each under the other's index."""
    items[one], items[other] = items[other], items[one]
    items[one]["index"], items[other]["index"] = items[other]["index"], items[one]["index"]


TAMPERED: dict[str, tuple[Callable[[Any], object], str]] = {
    "an entry deleted": (lambda b: b["entries"].pop(3), "sequence"),
    "an entry deleted, the rest moved up": (
        lambda b: (b["entries"].pop(3), [item.update(index=str(at)) for at, item in enumerate(b["entries"])]),
        "inclusion",
    ),
    "an entry inserted twice": (
        lambda b: (
            (b["entries"].insert(4, dict(b["entries"][3])), b["entries"][4].update(index="4")) and b["entries"].pop(5)
        ),
        "duplicate",
    ),
    "two entries exchanged": (lambda b: swap(b["entries"], 3, 4), "inclusion"),
    "another exhibit's entry under this one's": (
        lambda b: payload_with(b["entries"][4], lambda p: p["x"].update(n="2")),
        "signature",
    ),
    "the tail cut off": (lambda b: b["entries"].__delitem__(slice(-2, None)), "map"),
    "a tail cut off with its sequence's count": (
        lambda b: (b["entries"].pop(-2), b["exhibits"][2].update(count="2")),
        "map",
    ),
    "signed with a foreign key": (
        lambda b: payload_with(b["entries"][3], lambda p: p.update(key=b64(entry_key(9).key))),
        "key",
    ),
    "words of a field changed": (
        lambda b: next(i for i in b["entries"] if "purpose" in i["openings"])["openings"]["purpose"].__setitem__(
            1, "x"
        ),
        "opening",
    ),
    "an opening of another entry": (
        lambda b: b["entries"][3]["openings"].update(actor=b["entries"][1]["openings"]["actor"]),
        "opening",
    ),
    "a field that the entry does not have": (
        lambda b: b["entries"][1]["openings"].update(purpose=[b64(bytes(16)), "none"]),
        "opening",
    ),
    "the head of another ledger": (
        lambda b: b.update(checkpoint=b["checkpoint"].replace("lab.", "lob.")),
        "checkpoint",
    ),
    "the ML-DSA line taken away": (
        lambda b: b.update(checkpoint="\n".join(b["checkpoint"].split("\n")[:-2]) + "\n"),
        "checkpoint",
    ),
    "an older root": (lambda b: b["older"][0].update(root=b64(bytes(32))), "checkpoint"),
    "the history that an author saw": (
        lambda b: payload_with(b["entries"][5], lambda p: p["seen"].update(size="4")),
        "seen",
    ),
    "answers to another entry": (
        lambda b: payload_with(b["entries"][4], lambda p: p.update(re=[json_leaf(b["entries"][1])])),
        "reference",
    ),
    "a newer entry format": (
        lambda b: payload_with(b["entries"][4], lambda p: p.update(v="evikit-entry-2")),
        "malformed",
    ),
    "the first entry spoilt": (lambda b: b["entries"][0].update(payload=b64(b"{}")), "malformed"),
    "no entries": (lambda b: b.update(entries=[]), "malformed"),
    "governance left out": (lambda b: b["exhibits"].pop(0), "malformed"),
    "another name of the ledger": (lambda b: b.update(ledger=b64(bytes(32))), "ledger"),
}


def json_leaf(item: Any) -> str:
    return b64(sha256(b"\0" + base64.b64decode(item["payload"]) + base64.b64decode(item["sig"])).digest())


@pytest.mark.parametrize("name", TAMPERED)
def test_tampered(desk: Desk, world: World, name: str) -> None:
    change, kind = TAMPERED[name]
    data = compose_bundle(world.ledger)
    said = desk.agreed(changed(data, change), [fingerprint(parse_note(world.ledger.notes()[-1]).checkpoint)])
    assert said["verdict"] == "BROKEN"
    assert kind in {kind for kind, _ in found(said)}, found(said)


def test_the_whole_history_made_anew(desk: Desk, world: World, tmp_path: Path) -> None:
    other = busy(tmp_path / "other")
    kept = fingerprint(parse_note(world.ledger.notes()[0]).checkpoint)
    data = compose_bundle(other.ledger)
    assert desk.agreed(data)["verdict"] == "INTACT WITH NOTES"
    assert found(desk.agreed(data, [kept])) >= {("anchor", None)}


ATTACKED = [item for item in ATTACKS if (FOLDER / item.name / "bundle.json").exists()]


@pytest.mark.parametrize("attack", ATTACKED, ids=[item.name for item in ATTACKED])
def test_what_is_kept_of_attacks(desk: Desk, attack: Attack) -> None:
    folder = FOLDER / attack.name
    anchors = [(folder / "anchor.txt").read_text("utf-8").strip()] if (folder / "anchor.txt").exists() else []
    trust = str(folder / "trust.json") if (folder / "trust.json").exists() else None
    said = desk.agreed((folder / "bundle.json").read_bytes(), anchors, trust)
    assert attack.needs or {kind for kind, _ in found(said)} >= {*attack.kinds, *attack.notes}
    assert attack.needs or said["verdict"] == attack.verdict


# --- histories that no writer of ours would write ----------------------------------------------------------


def tree(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, by its definition."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + tree(leaves[:k]) + tree(leaves[k:])).digest()


def inclusion(at: int, leaves: Sequence[bytes]) -> list[str]:
    """RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if at < k:
        return [*inclusion(at, leaves[:k]), b64(tree(leaves[k:]))]
    return [*inclusion(at - k, leaves[k:]), b64(tree(leaves[:k]))]


def consistency(size: int, leaves: Sequence[bytes], whole: bool = True) -> list[str]:
    """RFC 6962 section 2.1.2."""
    if size == len(leaves):
        return [] if whole else [b64(tree(leaves))]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if size <= k:
        return [*consistency(size, leaves[:k], whole), b64(tree(leaves[k:]))]
    return [*consistency(size - k, leaves[k:], False), b64(tree(leaves[:k]))]


def bundle_from(history: Chronicle) -> bytes:
    """Everything of a history in memory, under its newest checkpoint."""
    leaves = [leaf for _, _, leaf, _ in history.rows]
    entries = []
    for at, (payload, signature, _, openings) in enumerate(history.rows):
        seen = int(json.loads(payload)["seen"]["size"])
        entries.append(
            {
                "index": str(at),
                "payload": b64(payload),
                "sig": b64(signature),
                "inclusion": inclusion(at, leaves),
                "seen_proof": consistency(seen, leaves) if seen else [],
                "openings": {name: [b64(item.salt), item.value] for name, item in openings.items()},
            }
        )
    chains = sorted(history.chains.items())
    rows = [["evikit/map/v1", str(n), str(count), b64(last)] for n, (count, last) in chains]
    hashed = [sha256(b"\0" + json.dumps(row, separators=(",", ":")).encode()).digest() for row in rows]
    exhibits = [
        {"n": n, "count": count, "last": last, "map_proof": inclusion(at, hashed)}
        for at, (_, n, count, last) in enumerate(rows)
    ]
    older = [note.decode().split("\n") for note in history.notes[:-1]]
    return dump_bundle(
        {
            "format": "evikit-bundle-1",
            "ledger": b64(leaves[0]),
            "checkpoint": history.notes[-1].decode(),
            "older": [
                {"size": size, "root": root, "consistency": consistency(int(size), leaves)}
                for _, size, root, *_ in older
            ],
            "exhibits": exhibits,  # type: ignore[dict-item]
            "entries": entries,  # type: ignore[dict-item]
            "rows": [],
            "tokens": [],
            "foreign": [],
        }
    )


def wild(seed: int) -> Chronicle:
    """A history of governing acts by whoever comes along, some of them entitled, with answers right and wrong."""
    chance = random.Random(seed)
    governors = chance.sample(range(1, 4), chance.randint(1, 3))
    history = Chronicle(governors=governors, need=chance.randint(1, len(governors)))
    history.add("exhibit.register", NEW)
    for _ in range(chance.randint(8, 16)):
        by, other = chance.randint(1, 4), chance.randint(1, 7)
        target = chance.choice(history.rows)[2]
        pub: dict[str, Any]
        match chance.choice(["enrol", "rotate", "rotate", "approve", "approve", "revoke", "policy", "keys", *LOOSE]):
            case "enrol":
                history.enrol(other, by=by)
            case "rotate":
                history.enrol(other, by=by, kind="person.rotate", re=[target])
            case "approve":
                history.approve(target, by)
            case "revoke":
                history.revoke(other, chance.randint(0, len(history.rows)), by=by)
            case "policy":
                named = chance.sample(range(1, 6), chance.randint(1, 2))
                pub = {"governors": [governor(entry_key(n)) for n in named], "need": str(chance.randint(1, len(named)))}
                history.add("policy", 0, pub=pub, key=entry_key(by))
            case "keys":
                history.add("ledger.rotate", 0, pub={"ledger_keys": ledger_keys(2).records()}, key=entry_key(by))
            case "erase":
                history.add("erase", chance.choice([0, 1]), pub={"names": ["actor"]}, re=[target], key=entry_key(by))
            case "freeze":
                history.add("freeze", 0, key=entry_key(by))
            case kind:
                n = None if kind == "export" else 1
                history.add(kind, n, re=[target] if kind == "access.end" else [], key=entry_key(by))
    history.keys = ledger_keys(chance.choice([1, 1, 2]))
    history.close()
    return history


LOOSE = ("erase", "freeze", "export", "note", "access.begin", "access.end", "exhibit.seal")


@pytest.mark.parametrize("seed", range(60))
def test_wild_histories(desk: Desk, seed: int) -> None:
    history = wild(seed)
    desk.agreed(bundle_from(history), [fingerprint(parse_note(history.notes[0]).checkpoint)])


def test_the_wild_histories_reach_most_rules(desk: Desk) -> None:
    seen = {kind for seed in range(60) for kind, _ in found(desk.verify(bundle_from(wild(seed))))}
    assert seen >= {"key", "governance", "reference", "pending", "disputed", "checkpoint", "open-access"}


# --- without ML-DSA-44 -------------------------------------------------------------------------------------


def test_without_mldsa_the_claim_is_not_checked_and_nothing_is_intact(
    desk: Desk, page_bundle: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VERIFIER, "MLDSA44PublicKey", None)
    said = desk.verify(page_bundle, "--anchor", block("fingerprint"))
    assert judged(said) == ("INTACT WITH NOTES", set())
    assert any("ML-DSA-44" in line for line in said["not_checked"])
    claims = {claim["claim"]: claim["result"] for claim in said["claims"]}
    assert [result for claim, result in claims.items() if "ML-DSA-44" in claim] == ["NOT CHECKED"]
    assert [result for claim, result in claims.items() if "Ed25519" in claim] == ["PROVED"]
    body = json.loads(page_bundle)
    lines = body["checkpoint"].split("\n")
    for place, expected in ((4, {("checkpoint", None)}), (5, set())):
        name, _, value = lines[place].rpartition(" ")
        raw = bytearray(base64.b64decode(value))
        raw[-9] ^= 1  # in a signature: the Ed25519 one is checked, the other is not
        spoilt = [*lines[:place], f"{name} {b64(bytes(raw))}", *lines[place + 1 :]]
        data = changed(page_bundle, lambda body, spoilt=spoilt: body.update(checkpoint="\n".join(spoilt)))
        assert found(desk.verify(data)) == expected
        raw[0] ^= 1  # the key's id is looked at in both
        spoilt = [*lines[:place], f"{name} {b64(bytes(raw))}", *lines[place + 1 :]]
        data = changed(page_bundle, lambda body, spoilt=spoilt: body.update(checkpoint="\n".join(spoilt)))
        assert found(desk.verify(data)) == {("checkpoint", None)}


# --- claims ------------------------------------------------------------------------------------------------


def test_a_claim_fails_for_its_own_reason_alone(desk: Desk, world: World) -> None:
    data = compose_bundle(world.ledger)
    for name, expected in (
        ("an older root", {"The older heads named are of this same history."}),
        ("the ML-DSA line taken away", {"ML-DSA-44"}),
        ("words of a field changed", {"Every field shown"}),
        ("another name of the ledger", {"one history of this ledger"}),
    ):
        said = desk.verify(changed(data, TAMPERED[name][0]))
        failed = [claim["claim"] for claim in said["claims"] if claim["result"] == "FAILED"]
        assert len(failed) == len(expected)
        assert all(any(words in claim for claim in failed) for words in expected), failed


# --- what is no bundle -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"null",
        b"{}",
        b"\xff" * 99,
        b"\xef\xbb\xbf{}",
        b'{"format":"evikit-bundle-2"}',
        b"[" * 2_000_000,
        b'{"checkpoint":"","entries":' + b"[" * 2_000_000 + b"}",
        b'{"checkpoint":' + b"9" * 2_000_000 + b"}",
        b'{"a":"\\ud800"}',
        b'{"A":null}',
        b'{"a":NaN}',
    ],
    ids=lambda data: repr(data[:24]),
)
def test_other_bytes_are_told_in_one_line(desk: Desk, data: bytes) -> None:
    said = desk.agreed(data)
    assert found(said) == {("malformed", None)}
    assert "\n" not in said["problems"][0]["explanation"]
    assert {claim["result"] for claim in said["claims"]} == {"FAILED", "NOT CHECKED"}


def test_half_a_bundle_and_a_newer_format(desk: Desk, page_bundle: bytes) -> None:
    for length in (1, 1000, len(page_bundle) // 2, len(page_bundle) - 2):
        assert found(desk.agreed(page_bundle[:length])) == {("malformed", None)}
    newer = desk.agreed(page_bundle.replace(b"evikit-bundle-1", b"evikit-bundle-2"))
    assert "newer" in newer["problems"][0]["explanation"]


def test_half_a_gigabyte_of_junk_costs_no_memory(desk: Desk, tmp_path: Path) -> None:
    with (tmp_path / "junk").open("wb") as file:
        file.truncate(500_000_000)
    code, out, _ = desk.run(str(tmp_path / "junk"))
    assert (code, out.splitlines()[0]) == (3, "INTEGRITY: BROKEN")
    assert "not taken" in out
    with (tmp_path / "junk").open("r+b") as file:
        file.truncate(1 << 40)
    code, out, err = desk.run(str(tmp_path / "junk"))
    assert (code, out) == (1, "")
    assert "larger than any bundle" in err


def test_nothing_to_judge_or_to_judge_by(desk: Desk, page_bundle: bytes, tmp_path: Path) -> None:
    bundle = desk.put("bundle.json", page_bundle)
    deep = desk.put("deep", b"[" * 100_000)
    for words, said in (
        ((str(tmp_path / "none"),), "cannot be read"),
        ((str(tmp_path),), "cannot be read"),
        ((bundle, "--anchor", str(tmp_path / "none")), "cannot be read"),
        ((bundle, "--anchor", "12ab"), "cannot be read"),
        ((bundle, "--anchor", bundle), "no anchor or trust file"),
        ((bundle, "--trust", bundle), "no anchor or trust file"),
        ((bundle, "--trust", deep), "no anchor or trust file"),
        ((bundle, "--trust", desk.put("latin", b"\xe9")), "not UTF-8"),
        ((bundle, "--trust", desk.put("more", b'{"more": 1}')), "no anchor or trust file"),
        ((bundle, "--trust", desk.put("half", b'{"heads": ["\\ud800"]}')), "no anchor or trust file"),
        ((bundle, "--trust", desk.put("short", b'{"ledgers": ["12"]}')), "64 hex digits"),
        ((bundle, "--evidence", str(tmp_path / "none")), "cannot be read"),
    ):
        code, out, err = desk.run(*words)
        assert (code, out) == (1, "")
        assert said in err
        assert err.count("\n") == 1
    assert desk.run()[0] == 2
    assert desk.run(bundle, "--more")[0] == 2


# --- the page, and evidence --------------------------------------------------------------------------------


def test_the_page(desk: Desk, world: World) -> None:
    path = desk.put("bundle.json", compose_bundle(world.ledger, exhibits=[1]))
    code, out, err = desk.run(path)
    assert (code, err) == (0, "")
    assert out.startswith("INTEGRITY: INTACT WITH NOTES\n")
    assert "NOT CHECKED  This is the history that you hold an anchor of." in out
    assert "AH/1: 4 entries, these are all" in out
    assert "1 other exhibits of this ledger are not in this bundle" in out
    assert max(map(len, out.splitlines())) <= 100


def test_words_in_a_record_do_not_draw_on_the_screen(desk: Desk, tmp_path: Path) -> None:
    world = World(tmp_path / "hostile")
    world.exhibit("AH/1\x1b[2J\u202e<script>\n")
    world.close()
    _, out, _ = desk.run(desk.put("bundle.json", compose_bundle(world.ledger)))
    assert "AH/1\\u001b[2J\\u202e<script>\\u000a" in out


def test_evidence_is_held_against_the_record(desk: Desk, page_bundle: bytes) -> None:
    bundle, medium = desk.put("bundle.json", page_bundle), desk.put("medium.raw", MEDIA)
    file, other = desk.put("list.txt", b""), desk.put("other.raw", b"other")
    code, out, _ = desk.run(bundle, "--json", "--evidence", medium, file, other)
    results = {Path(item["path"]).name: (item["result"], item["where"]) for item in json.loads(out)["evidence"]}
    assert code == 3
    assert results["medium.raw"] == ("PROVED", ["entry 3 (access.end), media_digests"])
    assert results["list.txt"][0] == "PROVED"  # the row shown is of an empty file
    assert results["other.raw"][0] == "FAILED"
    withheld = changed(page_bundle, lambda b: b["entries"][3]["openings"].pop("media_digests"))
    _, out, _ = desk.run(desk.put("closed.json", withheld), "--json", "--evidence", medium)
    assert json.loads(out)["evidence"][0]["result"] == "NOT CHECKED"


# --- public vectors ----------------------------------------------------------------------------------------


def test_wycheproof(vectors: Callable[[str], Path]) -> None:
    groups = json.loads(vectors("wycheproof/ed25519_test.json").read_text("utf-8"))["testGroups"]
    for group in groups:
        public = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            fits = VERIFIER.ed25519_fits(public, bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))
            assert fits == (case["result"] == "valid"), case


def test_proofs_by_their_definition() -> None:
    leaves = [sha256(b"%d" % number).digest() for number in range(20)]
    for size in range(1, 21):
        root = tree(leaves[:size])
        for at in range(size):
            proof = [base64.b64decode(text) for text in inclusion(at, leaves[:size])]
            assert VERIFIER.included(leaves[at], at, size, proof, root)
            assert not VERIFIER.included(leaves[at], at, size, [*proof, bytes(32)], root)
            assert not VERIFIER.included(leaves[at], size, size, proof, root)
            assert size == 1 or not VERIFIER.included(leaves[at], at, size, proof[:-1], root)
        for old in range(1, size + 1):
            steps = [base64.b64decode(text) for text in consistency(old, leaves[:size])]
            assert VERIFIER.continued(old, tree(leaves[:old]), steps, size, root)
            assert not VERIFIER.continued(old, tree(leaves[:old]), [*steps, bytes(32)], size, root)
            assert not VERIFIER.continued(old, tree(leaves[1 : old + 1]), steps, size, root)


def test_docs_name_the_digest_that_may_be_lodged() -> None:
    shown = (ROOT / "docs" / "cli.md").read_text("utf-8").split("$ evikit bundle verifier -o verify.py")[1]
    assert f"sha256    {sha256(SOURCE.read_bytes()).hexdigest()}\n" in shown, "docs/cli.md names another verify.py"


# --- alone -------------------------------------------------------------------------------------------------


def test_it_runs_alone_as_a_program(desk: Desk, page_bundle: bytes, tmp_path: Path) -> None:
    (tmp_path / "verify.py").write_bytes(SOURCE.read_bytes())
    words = [sys.executable, "-I", "verify.py", desk.put("bundle.json", page_bundle), "--anchor", block("fingerprint")]
    told = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("INTEGRITY: INTACT\n")


def test_time_stamps_that_the_reader_wants_examined_keep_the_verdict_from_intact(desk: Desk) -> None:
    """R35: it examines none; a reader who named authorities must not take INTACT for their word."""
    folder = ROOT / "tests" / "data" / "attacks" / "clock-set-back"
    data, trust = (folder / "bundle.json").read_bytes(), str(folder / "trust.json")
    anchor = fingerprint(parse_note(decode_bundle(data)["checkpoint"].encode()).checkpoint)
    assert desk.verify(data, "--anchor", anchor)["verdict"] == "INTACT"
    assert desk.verify(data, "--anchor", anchor, "--trust", trust)["verdict"] == "INTACT WITH NOTES"
