"""Ten tests that most such ledgers fail. Each names the attack; the numbers are those of the format page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from custody.ledger.audit import audit
from custody.ledger.bundle import dump_bundle, verify_bundle
from custody.ledger.checkpoint import EntryKey, KeptHeads
from custody.ledger.disclosure import compose_bundle
from custody.ledger.draft import dump_openings
from custody.ledger.entry import Entry, b64, decode
from custody.ledger.errors import IntegrityError, MalformedError
from custody.ledger.note import parse_note
from custody.ledger.signing import validate_public_key, verify_payload
from custody.ledger.store import NEW, Ledger
from custody.ledger.verdict import Result, Trust
from tests.kit import Chronicle, StoredRow, World, entry_key, genesis_pub, governor, kinds, ledger_keys, remarks


def case(folder: Path, **keys: Any) -> World:
    world = World(folder, **keys)
    world.access(world.exhibit("AH/1"))
    world.close()
    return world


def body_of(data: bytes) -> Any:
    return decode(data.rstrip(b"\n"), len(data), 12)


def test_1_the_whole_ledger_made_anew_with_other_keys_and_the_same_names(tmp_path: Path) -> None:
    true, false = case(tmp_path / "true"), case(tmp_path / "false", examiner=7, keys=7)
    forged = compose_bundle(false.ledger)
    trust = Trust(ledgers=frozenset({true.ledger.id}))
    assert false.verify().result == verify_bundle(forged, Trust())[0].result == Result.WITH_NOTES  # never INTACT alone
    for own in (trust, Trust().with_anchor(parse_note(true.ledger.notes()[0]))):
        assert false.verify(own).result == Result.BROKEN
        assert verify_bundle(forged, own)[0].result == Result.BROKEN


def test_1_also_with_the_same_keys(tmp_path: Path) -> None:
    """Whoever holds the keys can write another history, but not one with the head that was kept."""
    true, false = case(tmp_path / "true"), case(tmp_path / "false")
    kept = parse_note(true.ledger.notes()[0])
    assert kinds(false.verify(Trust().with_anchor(kept))) == {(None, "anchor")}


def test_2_an_opening_deleted_without_an_erase_entry(tmp_path: Path) -> None:
    world = case(tmp_path)
    row = next(world.ledger.rows(2, 3))
    rest = dump_openings({name: opening for name, opening in row.openings.items() if name != "purpose"})
    with world.ledger.transaction() as connection:  # smaller: the trigger lets it pass, as it must for an erasure
        connection.exec_driver_sql("UPDATE opening SET body = ? WHERE idx = 2", (rest,))
    assert kinds(audit(world.ledger, Trust())) == {(2, "opening")}


def test_3_a_bundle_that_leaves_out_a_revocation(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.exhibit("AH/1")
    world.add("person.revoke", 0, pub={"key": b64(entry_key(9).key), "from": "1"})
    world.close()
    body = body_of(compose_bundle(world.ledger, exhibits=[1]))
    body["entries"] = [entry for entry in body["entries"] if entry["index"] != "2"]
    assert kinds(verify_bundle(dump_bundle(body), Trust())[0]) == {(None, "withheld")}
    governance = body["exhibits"][0]
    governance["count"], governance["last"] = "1", body["ledger"]
    assert kinds(verify_bundle(dump_bundle(body), Trust())[0]) == {(None, "map")}


def test_4_a_map_whose_count_is_one_too_low_is_convicted_from_the_envelopes_alone() -> None:
    """The ledger's own keeper signs a map that hides the newest entry: no field needs to be opened to see it."""
    from custody.ledger.exhibit_map import ExhibitMap

    history = Chronicle()
    history.add("exhibit.register", NEW)
    shown = history.chains[1]
    history.add("note", 1, {"text": "the entry to be hidden"})
    lying = ExhibitMap()
    lying.put(0, *history.chains[0])
    lying.put(1, *shown)
    pub = {"map_size": "2", "map_root": b64(lying.root)}
    history.add("closing", None, pub=pub, key=EntryKey(history.keys.ed25519))
    history.note()
    envelopes: list[StoredRow] = [(*row[:3], {}) for row in history.rows]
    assert (3, "map") in kinds(history.verify(rows=envelopes))


SMALL_ORDER = [
    bytes(32),
    b"\1" + bytes(31),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
]


@pytest.mark.parametrize("public", SMALL_ORDER, ids=lambda key: key.hex()[:8])
def test_5_a_key_of_small_order_is_refused_everywhere(public: bytes) -> None:
    with pytest.raises(MalformedError):
        validate_public_key("ed25519", public)
    assert not verify_payload("ed25519", public, b"anything", public + bytes(32))
    history = Chronicle()
    history.enrol(2, pk=b64(public), pop=b64(public + bytes(32)))
    assert kinds(history.verify()) == {(1, "governance")}
    records: Any = [{**governor(entry_key(1)), "pk": b64(public)}]
    policy: Any = {**genesis_pub(ledger_keys(1), (1,), 1)["policy"], "governors": records}  # type: ignore[dict-item]
    assert (0, "key") in kinds(Chronicle(policy=policy).verify())


@pytest.mark.parametrize("line", [0, 1], ids=["Ed25519", "ML-DSA-44"])
def test_5_a_stripped_signature_line_is_refused_by_all_verifiers(tmp_path: Path, line: int) -> None:
    world = case(tmp_path)
    data = compose_bundle(world.ledger)
    body = body_of(data)
    head, _, lines = body["checkpoint"].partition("\n\n")
    kept = lines.splitlines(keepends=True)
    del kept[line]
    body["checkpoint"] = f"{head}\n\n{''.join(kept)}"
    assert kinds(verify_bundle(dump_bundle(body), Trust())[0]) == {(None, "checkpoint")}
    rows = [(row.payload, row.sig, row.leaf, row.openings) for row in world.ledger.rows()]
    history = Chronicle()
    history.notes = [body["checkpoint"].encode()]
    assert kinds(history.verify(rows=rows)) == {(None, "checkpoint")}


def test_6_a_commitment_transplanted_from_offer_to_acceptance() -> None:
    """B copies what A committed to, without knowing it: the acceptance then opens to nothing."""
    history = Chronicle()
    history.enrol(2)
    history.add("exhibit.register", NEW)
    offer = history.add("transfer.offer", 1, {"digest": {"sha256": "ab" * 32}, "seal": "S-1"})
    offered, openings = Entry.parse(history.rows[-1][0]), history.rows[-1][3]
    history.add("transfer.accept", 1, {"seal": "S-1"}, re=[offer], key=entry_key(2))
    payload, _, _, own = history.rows.pop()
    accepted = Entry.parse(payload)
    copied = payload.replace(accepted.commits["digest"].encode(), offered.commits["digest"].encode())
    assert copied != payload
    history.put(copied, entry_key(2).sign_entry(copied), {**own, "digest": openings["digest"]})
    assert offered.opens("digest", openings["digest"])
    assert not Entry.parse(copied).opens("digest", openings["digest"])
    assert kinds(history.verify()) == {(4, "opening")}


def test_7_an_append_slipped_between_closing_and_checkpoint() -> None:
    history = Chronicle()
    history.add("exhibit.register", NEW)
    pub = {"map_size": "2", "map_root": b64(history.map.root)}
    history.add("closing", None, pub=pub, key=EntryKey(history.keys.ed25519))
    history.add("note", 1)
    history.note()
    assert kinds(history.verify()) == {(None, "checkpoint")}


def test_8_the_whole_case_put_back_with_its_receipts(tmp_path: Path) -> None:
    """Inside the case everything fits; the head this machine kept outside it does not."""
    heads = KeptHeads(tmp_path / "home")
    world = case(tmp_path / "case")
    heads.keep(world.ledger)
    world.ledger.copy_to(tmp_path / "backup.sqlite")
    world.add("note", 1, {"text": "the seal was found broken"})
    world.close()
    heads.keep(world.ledger)
    world.ledger.close()
    with Ledger.open(tmp_path / "backup.sqlite", writable=True) as restored:
        assert not kinds(audit(restored, Trust()))
        with pytest.raises(IntegrityError, match="saw last"):
            heads.validate(restored)


# 9, the gate, stands in tests/custody/test_access.py.


def test_10_an_entry_after_the_start_of_a_revocation_is_disputed_although_witnessed_before_it() -> None:
    history = Chronicle()
    history.enrol(2)
    history.add("exhibit.register", NEW, key=entry_key(2))
    history.add("note", 1, key=entry_key(2))
    witnessed = parse_note(history.close())
    history.revoke(2, 3)
    history.close()
    verdict = history.verify(Trust().with_anchor(witnessed))
    assert verdict.result == Result.WITH_NOTES
    # index 2 is before the start, but the only witness is of size 5, after it: nothing proves it was there by 3
    assert remarks(verdict) == {(2, "disputed"), (3, "disputed")}
