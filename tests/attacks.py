"""Attacks on a record, made anew from their recipes; `python -m tests.attacks` writes them to tests/data/attacks/.

Each is a bundle (or a ledger's file) with what was done to it and what every verifier must say of it. The files are
published for other verifiers; the recipes show that they are what they say. Signatures and salts are drawn at random,
so that a recipe gives other bytes each time, and the same findings.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custody.ledger.bundle import dump_bundle
from custody.ledger.disclosure import compose_bundle
from custody.ledger.entry import b64, decode, unb64
from custody.ledger.note import fingerprint, parse_note
from custody.ledger.signing import public_key_of, sign_payload
from custody.ledger.store import Draft, Ledger
from tests.kit import Chronicle, World, entry_key

FOLDER = Path(__file__).parent / "data" / "attacks"
Files = Mapping[str, bytes]
"""bundle.json or ledger.sqlite; trust.json and anchor.txt where the verifier holds something."""


@dataclass(frozen=True)
class Attack:
    """`row` is that of docs/threats.md; `kinds` must be among the failures, `notes` among the notes."""

    name: str
    row: str
    what: str
    make: Callable[[Path], Files]
    verdict: str = "BROKEN"
    kinds: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    needs: str = ""
    """What a verifier must examine to find it: "time-stamps", or nothing special."""


# --- the true history ------------------------------------------------------------------------------------


def history(folder: Path, **keys: Any) -> World:
    """0 genesis, 1 Bora enrolled, 2 AH/1, 3 AH/2, 4-5 read 1, 6 closing, 7-8 read 2, 9-10 read 1, 11 closing."""
    world = World(folder, **keys)
    enrol(world, 7)
    first, second = world.exhibit("AH/1"), world.exhibit("AH/2")
    world.access(first, "find the invoice that was changed")
    world.close()
    world.access(second, "find who else had the letter")
    world.access(first, "read the letter once more")
    world.close()
    return world


def enrol(world: World, number: int) -> None:
    key, entry_id = entry_key(number), bytes([number]) * 16
    _, public = public_key_of(key.private)
    proof = sign_payload(key.private, b"evikit/pop/v1\n" + world.ledger.id + entry_id + public)
    pub = {"alg": "ed25519", "pk": b64(public), "pop": b64(proof), "roles": ["examiner"]}
    values = {"actor": "Ana Kovač", "person": {"name": "Bora Ilić", "agency": "Lab"}}
    world.ledger.append(Draft("person.enrol", values, n=0, pub=pub, id=entry_id), world.examiner)


def bundle(world: World, **how: Any) -> Files:
    return {"bundle.json": compose_bundle(world.ledger, **how)}


def trust(world: World) -> Files:
    """What a verifier holds who knows the true ledger's id and its newest head."""
    held = {"ledgers": [world.ledger.id.hex()], "heads": [world.ledger.notes()[-1].decode()]}
    return {"trust.json": (json.dumps(held, indent=1) + "\n").encode()}


def anchor(world: World) -> Files:
    return {"anchor.txt": f"{fingerprint(parse_note(world.ledger.notes()[-1]).checkpoint)}\n".encode()}


def changed(change: Callable[[Any], object], **how: Any) -> Callable[[Path], Files]:
    """The true bundle, decoded, with one thing changed in it."""

    def make(folder: Path) -> Files:
        data = bundle(history(folder), **how)["bundle.json"]
        body: Any = decode(data.rstrip(b"\n"), len(data), 12)
        change(body)
        return {"bundle.json": dump_bundle(body)}

    return make


def entry_of(body: Any, index: int) -> Any:
    return next(item for item in body["entries"] if item["index"] == str(index))


def _true(folder: Path) -> Files:
    world = history(folder)
    return bundle(world) | trust(world)


def flip(text: str, at: int = 20) -> str:
    """Canonical base64 with one bit of a byte turned."""
    data = bytearray(unb64(text))
    data[at] ^= 1
    return b64(bytes(data))


def set_in(body: Any, index: int, name: str, change: Callable[[str], str]) -> None:
    item = entry_of(body, index)
    item[name] = change(item[name])


def text_in(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new, 1)


# --- bundles ---------------------------------------------------------------------------------------------


def payload_edited(body: Any) -> None:
    set_in(body, 5, "payload", lambda text: b64(text_in(unb64(text), b'"access.end"', b'"access.eND"')))


def purpose_edited(body: Any) -> None:
    entry_of(body, 4)["openings"]["purpose"][1] = "find something else"


def opening_moved(body: Any) -> None:
    entry_of(body, 7)["openings"]["purpose"] = entry_of(body, 4)["openings"]["purpose"]


def salt_edited(body: Any) -> None:
    pair = entry_of(body, 4)["openings"]["purpose"]
    pair[0] = flip(pair[0], 3)


def deleted(index: int) -> Callable[[Any], None]:
    return lambda body: body["entries"].remove(entry_of(body, index))


def swapped(body: Any) -> None:
    first, second = entry_of(body, 4), entry_of(body, 5)
    for name in ("payload", "sig", "openings"):
        first[name], second[name] = second[name], first[name]


def doubled(body: Any) -> None:
    again = dict(entry_of(body, 10))
    again["index"] = "11"
    body["entries"][-1] = again


def checkpoint_line(change: Callable[[list[str]], object]) -> Callable[[Any], None]:
    def edit(body: Any) -> None:
        lines = body["checkpoint"].split("\n")
        change(lines)
        body["checkpoint"] = "\n".join(lines)

    return edit


def _root(lines: list[str]) -> None:
    lines[2] = flip(lines[2])


def _signature(lines: list[str]) -> None:
    name, value = lines[4].rsplit(" ", 1)
    lines[4] = f"{name} {flip(value)}"


def _size_nought(lines: list[str]) -> None:
    lines[1] = "0"


def _without_mldsa(lines: list[str]) -> None:
    del lines[5]


def _swapped_keys(lines: list[str]) -> None:
    first, second = (unb64(lines[at].rsplit(" ", 1)[1]) for at in (4, 5))
    for at, own, other in ((4, first, second), (5, second, first)):
        name = lines[at].rsplit(" ", 1)[0]
        lines[at] = f"{name} {b64(other[:4] + own[4:])}"


def index_beyond(body: Any) -> None:
    entry_of(body, 11)["index"] = "12"


def long_proof(body: Any) -> None:
    entry_of(body, 4)["inclusion"].append(b64(bytes(32)))


def newest_hidden(body: Any) -> None:
    """The last access of AH/1 left out, and the count changed to fit."""
    for index in (9, 10):
        body["entries"].remove(entry_of(body, index))
    exhibit = next(item for item in body["exhibits"] if item["n"] == "1")
    exhibit["count"] = str(int(exhibit["count"]) - 2)


def other_exhibit(body: Any) -> None:
    """AH/2's entries called AH/1's."""
    first, second = (next(item for item in body["exhibits"] if item["n"] == n) for n in ("1", "2"))
    first["count"], first["last"] = second["count"], second["last"]
    body["exhibits"].remove(second)


def unknown_algorithm(folder: Path) -> Files:
    """An enrolment with an algorithm that the format does not know."""
    return _written(folder, lambda told: told.enrol(7, alg="ed448"))


def _written(folder: Path, write: Callable[[Chronicle], object]) -> Files:
    """A history of which one entry breaks a rule, as a bundle: its writer held all keys."""
    told = Chronicle()
    write(told)
    told.close()
    return {"bundle.json": bundle_of(told)}


def bundle_of(told: Chronicle) -> bytes:
    """A whole history in memory as a bundle, whatever it says."""
    from custody.ledger.merkle import Frontier
    from custody.ledger.proofs import consistency_proof, inclusion_proof

    frontier, nodes = Frontier(), {}
    for _, _, leaf, _ in told.rows:
        nodes |= {(level, at): value for level, at, value in frontier.append(leaf)}
    size = frontier.size

    def node(level: int, at: int) -> bytes:
        return nodes[level, at]

    entries = []
    for index, (payload, sig, _, openings) in enumerate(told.rows):
        seen = int(json.loads(payload)["seen"]["size"])
        consistency = consistency_proof(seen, size, node) if 0 < seen <= size else []
        entries.append(
            {
                "index": str(index), "payload": b64(payload), "sig": b64(sig),
                "inclusion": [b64(item) for item in inclusion_proof(index, size, node)],
                "seen_proof": [b64(item) for item in consistency],
                "openings": {name: [b64(item.salt), item.value] for name, item in openings.items()},
            }
        )  # fmt: skip
    exhibits = [
        {"n": str(n), "count": str(count), "last": b64(last), "map_proof": _map_proof(told, n)}
        for n, (count, last) in sorted(told.chains.items())
    ]
    return dump_bundle(
        {
            "format": "evikit-bundle-1", "ledger": b64(told.ledger or b""), "checkpoint": told.notes[-1].decode(),
            "older": [], "exhibits": exhibits, "entries": entries, "rows": [], "tokens": [], "foreign": [],
        }
    )  # fmt: skip


def _map_proof(told: Chronicle, n: int) -> Any:
    from custody.ledger.exhibit_map import map_leaf
    from custody.ledger.merkle import Frontier
    from custody.ledger.proofs import inclusion_proof

    frontier, nodes = Frontier(), {}
    for ordinal, (count, last) in sorted(told.chains.items()):
        nodes |= {(level, at): value for level, at, value in frontier.append(map_leaf(ordinal, count, last))}
    return [b64(item) for item in inclusion_proof(n, frontier.size, lambda level, at: nodes[level, at])]


def stranger(folder: Path) -> Files:
    return _written(folder, lambda told: told.add("exhibit.register", -1, {"ref": "AH/1"}, key=entry_key(9)))


def unseen(folder: Path) -> Files:
    """An entry that says it saw less than its own author wrote before it: put in later."""
    return _written(folder, lambda told: told.add("note", 0, {"text": "x"}, seen_size=0))


def no_begin(folder: Path) -> Files:
    def write(told: Chronicle) -> None:
        told.add("exhibit.register", -1, {"ref": "AH/1"})
        begin, _ = told.access(1)
        told.add("access.end", 1, {"outcome": "completed"}, re=[begin])

    return _written(folder, write)


def after_freeze(folder: Path) -> Files:
    def write(told: Chronicle) -> None:
        told.add("freeze", 0, {"reason": "the case is closed"})
        told.add("note", 0, {"text": "one thing more"})

    return _written(folder, write)


def stolen_examiner_key(folder: Path) -> Files:
    """Bora's key signs after the index from which it is revoked."""

    def write(told: Chronicle) -> None:
        told.enrol(7)
        told.add("exhibit.register", -1, {"ref": "AH/1"}, key=entry_key(7))
        told.revoke(7, 2)

    return _written(folder, write)


def two_hundred_deep(folder: Path) -> Files:
    data = bundle(history(folder))["bundle.json"]
    return {"bundle.json": text_in(data, b'"foreign":[]', b'"foreign":' + b"[" * 200 + b"]" * 200)}


def key_twice(folder: Path) -> Files:
    data = bundle(history(folder))["bundle.json"]
    return {"bundle.json": text_in(data, b'"foreign":[]', b'"foreign":[],"foreign":[]')}


def a_number(folder: Path) -> Files:
    return {"bundle.json": text_in(bundle(history(folder))["bundle.json"], b'"index":"4"', b'"index":4')}


def half(folder: Path) -> Files:
    data = bundle(history(folder))["bundle.json"]
    return {"bundle.json": data[: len(data) // 2]}


def foreign_entry(folder: Path) -> Files:
    """An entry of another ledger of the same people in the place of one of this ledger."""
    other = history(folder / "other")
    item = next(other.ledger.rows(9, 10))

    def change(body: Any) -> None:
        entry_of(body, 9).update(payload=b64(item.payload), sig=b64(item.sig), openings={})

    return changed(change)(folder / "this")


def all_anew(folder: Path) -> Files:
    """Everything written again with the same keys; the verifier holds the true ledger's id and head."""
    true, false = history(folder / "true"), history(folder / "false")
    return bundle(false) | trust(true)


def other_keys(folder: Path) -> Files:
    true, false = history(folder / "true"), history(folder / "false", examiner=3, keys=3)
    return bundle(false) | trust(true)


def put_back(folder: Path) -> Files:
    """The ledger as it was after its first checkpoint, given to somebody who holds the second one."""
    world = World(folder)
    enrol(world, 7)
    first = world.exhibit("AH/1")
    world.close()
    older = compose_bundle(world.ledger)
    world.access(first)
    world.close()
    return {"bundle.json": older} | anchor(world)


def forked(folder: Path) -> Files:
    """From one beginning two histories grow, both signed with the ledger's keys; the verifier holds the other head."""
    world = World(folder / "one")
    enrol(world, 7)
    first = world.exhibit("AH/1")
    world.close()
    world.ledger.close()
    shutil.copytree(folder / "one", folder / "two")
    heads = []
    for place, purpose in (("one", "find the invoice"), ("two", "find the letter")):
        world.ledger = Ledger.open(folder / place / "ledger.sqlite", writable=True)
        world.access(first, purpose)
        world.close()
        heads.append((bundle(world), anchor(world)))
        world.ledger.close()
    return heads[0][0] | heads[1][1]


# --- times ------------------------------------------------------------------------------------------------


def _stamped(folder: Path) -> tuple[Any, Files]:
    """A ledger with a time-stamp of 1 January 2030, and the trust file that names its authority."""
    from tests.authority import Authority
    from tests.custody.timestamp.test_interval import BEGIN, DAY, Stamped

    tsa = Authority(folder / "tsa", begin=BEGIN - DAY, end=BEGIN + 100 * DAY)
    world = Stamped(folder / "case", tsa)
    world.clock = 100
    return world, {"trust.json": (json.dumps({"tsa_roots": [tsa.pem]}, indent=1) + "\n").encode()}


def clock_set_back(folder: Path) -> Files:
    """After the time-stamp, an entry that claims the day before."""
    world, held = _stamped(folder)
    world.stamp(100)
    world.note(-86_400)
    world.close()
    return bundle(world) | held


def token_of_another_head(folder: Path) -> Files:
    """The time-stamp of the first head, said to be over the second one."""
    world, held = _stamped(folder)
    row = world.stamp(100)
    world.anchor(unb64(row.entry.pub["token"]))
    world.close()
    return bundle(world) | held


# --- files of ledgers ------------------------------------------------------------------------------------


def database(*statements: str) -> Callable[[Path], Files]:
    """The true ledger's file after somebody worked on it with SQL."""

    def make(folder: Path) -> Files:
        world = history(folder)
        world.ledger.close()
        with closing(sqlite3.connect(world.path)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode=DELETE")
        return {"ledger.sqlite": world.path.read_bytes()}

    return make


_NO_TRIGGERS = tuple(
    f"DROP TRIGGER {name}" for name in ("entry_keeps_rows", "entry_never_changes", "opening_keeps_rows")
)

ATTACKS: tuple[Attack, ...] = (
    Attack("nothing", "none", "nothing: the true record, for somebody who holds its head", _true, verdict="INTACT"),
    Attack(
        "payload-edited",
        "byte changed",
        "the type in the payload of entry 5",
        changed(payload_edited),
        kinds=("malformed",),
    ),
    Attack(
        "signature-flipped",
        "byte changed",
        "one bit of the signature of entry 5",
        changed(lambda body: set_in(body, 5, "sig", flip)),
        kinds=("signature",),
    ),
    Attack(
        "opening-edited",
        "byte changed",
        "another purpose shown for entry 4",
        changed(purpose_edited),
        kinds=("opening",),
    ),
    Attack(
        "opening-moved",
        "byte changed",
        "the purpose of entry 4 shown for entry 7",
        changed(opening_moved),
        kinds=("opening",),
    ),
    Attack("salt-flipped", "byte changed", "one bit of a salt of entry 4", changed(salt_edited), kinds=("opening",)),
    Attack(
        "checkpoint-root",
        "byte changed",
        "one bit of the checkpoint's root",
        changed(checkpoint_line(_root)),
        kinds=("checkpoint",),
    ),
    Attack(
        "checkpoint-signature",
        "byte changed",
        "one bit of the checkpoint's Ed25519 signature",
        changed(checkpoint_line(_signature)),
        kinds=("checkpoint",),
    ),
    Attack(
        "mldsa-stripped",
        "byte changed",
        "the ML-DSA-44 line of the checkpoint taken away",
        changed(checkpoint_line(_without_mldsa)),
        kinds=("checkpoint",),
    ),
    Attack("entry-deleted", "entries deleted", "entry 5 left out", changed(deleted(5)), kinds=("withheld",)),
    Attack(
        "entries-swapped",
        "entries reordered",
        "entries 4 and 5 in each other's place",
        changed(swapped),
        kinds=("inclusion",),
    ),
    Attack(
        "entry-doubled",
        "entries inserted",
        "entry 10 stands again in the place of 11",
        changed(doubled),
        kinds=("duplicate",),
    ),
    Attack(
        "entry-slipped-in",
        "entries inserted",
        "an entry that did not see its author's own one before it",
        unseen,
        kinds=("seen",),
    ),
    Attack(
        "put-back",
        "older copy",
        "the record as it was, for somebody who holds a later fingerprint",
        put_back,
        kinds=("anchor",),
    ),
    Attack(
        "two-histories",
        "two histories",
        "one branch of a fork, for somebody who holds the other's head",
        forked,
        kinds=("anchor",),
    ),
    Attack(
        "newest-hidden",
        "newest entries withheld",
        "the last access of AH/1 left out, its count changed",
        changed(newest_hidden),
        kinds=("withheld",),
    ),
    Attack(
        "other-exhibit",
        "another exhibit shown",
        "AH/2's count and last entry given for AH/1",
        changed(other_exhibit),
        kinds=("map",),
    ),
    Attack(
        "stolen-examiner-key",
        "stolen examiner key",
        "a key signs from the index on from which it is revoked",
        stolen_examiner_key,
        verdict="INTACT WITH NOTES",
        notes=("disputed",),
    ),
    Attack(
        "all-history-re-signed",
        "stolen ledger key",
        "everything written again with the same keys",
        all_anew,
        kinds=("anchor",),
    ),
    Attack(
        "other-genesis",
        "stolen ledger key",
        "everything written again with other keys and the same names",
        other_keys,
        kinds=("anchor",),
    ),
    Attack(
        "clock-set-back",
        "clock set back",
        "an entry after a time-stamp claims the day before it",
        clock_set_back,
        verdict="INTACT WITH NOTES",
        notes=("clock",),
        needs="time-stamps",
    ),
    Attack(
        "token-of-another-head",
        "byte changed",
        "a time-stamp said to be over another head",
        token_of_another_head,
        kinds=("token",),
        needs="time-stamps",
    ),
    Attack(
        "signed-by-a-stranger",
        "strict parsing",
        "an exhibit registered by a key that nobody enrolled",
        stranger,
        kinds=("key",),
    ),
    Attack(
        "written-after-freeze", "strict parsing", "a note after the ledger was frozen", after_freeze, kinds=("key",)
    ),
    Attack("outcome-twice", "strict parsing", "a second outcome for one access", no_begin, kinds=("reference",)),
    Attack(
        "unknown-algorithm",
        "strict parsing",
        "a key of an algorithm that the format does not know",
        unknown_algorithm,
        kinds=("governance",),
    ),
    Attack("size-nought", "strict parsing", "a checkpoint of size 0", changed(checkpoint_line(_size_nought)), kinds=()),
    Attack(
        "index-beyond",
        "strict parsing",
        "an index that is not below the size",
        changed(index_beyond),
        kinds=("inclusion",),
    ),
    Attack("long-proof", "strict parsing", "one hash too many in a proof", changed(long_proof), kinds=("inclusion",)),
    Attack(
        "swapped-key-ids",
        "strict parsing",
        "the ids of the ledger's two keys in each other's place",
        changed(checkpoint_line(_swapped_keys)),
        kinds=("checkpoint",),
    ),
    Attack(
        "foreign-entry", "strict parsing", "an entry of another ledger", foreign_entry, kinds=("inclusion", "ledger")
    ),
    Attack("key-twice", "strict parsing", "a JSON key that stands twice", key_twice, kinds=("malformed",)),
    Attack("a-number", "strict parsing", "a JSON number", a_number, kinds=("malformed",)),
    Attack(
        "two-hundred-deep", "strict parsing", "lists in lists, two hundred deep", two_hundred_deep, kinds=("malformed",)
    ),
    Attack("half", "strict parsing", "the first half of a bundle", half, kinds=("malformed",)),
    Attack(
        "triggers-dropped",
        "triggers dropped",
        "the triggers that keep entries as they are taken away",
        database(*_NO_TRIGGERS),
        kinds=("schema",),
    ),
    Attack(
        "entry-replaced",
        "INSERT OR REPLACE",
        "entry 4's signature replaced by entry 5's, triggers dropped",
        database(*_NO_TRIGGERS, "UPDATE entry SET sig = (SELECT sig FROM entry WHERE idx = 5) WHERE idx = 4"),
        kinds=("signature", "leaf", "schema"),
    ),
    Attack(
        "entry-removed",
        "entries deleted",
        "entry 4 removed from the database, triggers dropped",
        database(*_NO_TRIGGERS, "DELETE FROM opening WHERE idx = 4", "DELETE FROM entry WHERE idx = 4"),
        kinds=("seen", "stored", "schema"),
    ),
    Attack(
        "table-rebuilt",
        "migration that rebuilds",
        "the table of entries copied into one without rules",
        database(
            "CREATE TABLE other AS SELECT * FROM entry",
            "PRAGMA foreign_keys=OFF",
            "DROP TABLE entry",
            "ALTER TABLE other RENAME TO entry",
        ),
        kinds=("schema",),
    ),
    Attack(
        "cache-changed",
        "byte changed",
        "the stored tree says another hash",
        database("DROP TRIGGER node_never_changes", "UPDATE node SET hash = zeroblob(32) WHERE level = 1 AND pos = 1"),
        kinds=("stored",),
    ),
)


def manifest() -> str:
    """What was done and what a verifier must report, as TOML."""
    head = (
        "# Made by tests/attacks.py. `kinds` are among the failures (docs/ledger-format.md), `notes` among the notes.\n"
    )
    blocks = []
    for attack in ATTACKS:
        lines = [
            f'name = "{attack.name}"',
            f'row = "{attack.row}"',
            f'done = "{attack.what}"',
            f'verdict = "{attack.verdict}"',
        ]
        lines += [
            f"{name} = {json.dumps(list(value))}" for name, value in (("kinds", attack.kinds), ("notes", attack.notes))
        ]
        lines += [f'needs = "{attack.needs}"'] if attack.needs else []
        blocks.append("[[attack]]\n" + "\n".join(lines) + "\n")
    return head + "\n" + "\n".join(blocks)


def main() -> None:
    """Write all attacks anew."""
    for attack in ATTACKS:
        with tempfile.TemporaryDirectory() as folder:
            for name, data in attack.make(Path(folder)).items():
                place = FOLDER / attack.name
                place.mkdir(parents=True, exist_ok=True)
                (place / name).write_bytes(data)
    (FOLDER / "manifest.toml").write_text(manifest(), "utf-8")


if __name__ == "__main__":
    main()
