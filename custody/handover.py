"""Handing an exhibit over to another agency, and taking one over from there, by files that are carried.

The giver's folder holds a bundle of the exhibit with the offer in it; the receiver takes the exhibit into a ledger of
their own and sends a bundle back, in which their answer stands. Each ledger then names the other's entry and checkpoint
(docs/ledger-format.md, "An exhibit that goes to another agency"). Whatever is carried twice, late or in part is
recognised by the entries it shows: an act is recorded once.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from custody.carried import Carried, keep_bundle
from custody.case import Case, Recorded
from custody.disclose import Disclosure, disclose
from custody.exhibits import Exhibit, exhibits, find_exhibit, need_exhibit, outcomes, validate_ref
from custody.holding import Holding, Offer, holding_of, is_mine, standing
from custody.ledger.bundle import Disclosed
from custody.ledger.entry import Json, b64
from custody.ledger.errors import CustodyError, IntegrityError
from custody.ledger.store import Row
from custody.opened import mapping, text, values_of
from custody.transfers import Found, validate_words

HAND_OVER, RECEIPT = "hand-over", "receipt"
"""Kinds of documents in `export` entries."""

_NEW_OFFER = "Ask for a new offer, and take that over."


def given_sizes(case: Case) -> list[int]:
    """Sizes of the heads that went to other agencies: what goes there later proves that it continues them."""
    closed = case.ledger.closed_sizes()
    indices = [
        row.index
        for row in case.ledger.rows_of("export")
        if mapping(values_of(row).get("document")).get("kind") in (HAND_OVER, RECEIPT)
    ]
    return sorted({next((size for size in closed if size > index), 0) for index in indices} - {0})


def write_bundle(case: Case, recipient: str, ordinals: list[int], output: Path, kind: str) -> bytes:
    """The bundle of these exhibits for another agency, recorded as an export; it continues what went there before."""
    return disclose(case, Disclosure(recipient, ordinals, since=given_sizes(case)), output, kind)


# --- taking over from another agency ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shipment:
    """What another agency offers to the acting person: the exhibit as it stands in their ledger, with its offer."""

    carried: Carried
    there: Holding
    offer: Offer
    agency: str

    @property
    def named(self) -> dict[str, Json]:
        """The offer as `transfer.receive` names it."""
        found = self.carried
        index = str(self.offer.index)
        return {"ledger": found.ledger, "leaf": self.offer.leaf.hex(), "index": index, "checkpoint": found.checkpoint}

    @property
    def files(self) -> dict[str, str]:
        """SHA-256 by name of the container's files, as they were last read there; {} where that is not shown."""
        found: dict[str, str] = {}
        for item in _in_exhibit(self.carried, "access.end", self.there.exhibit.n):
            parts = values_of(item).get("parts")
            named = [mapping(part) for part in parts] if isinstance(parts, list) else []
            whole = {text(part.get("name")): text(part.get("sha256")) for part in named if part.get("sha256")}
            found = whole or found
        return found

    @property
    def names(self) -> list[str]:
        """The files that were named when the exhibit was last read there; [] where that is not shown."""
        begun = [
            values_of(item).get("parts") for item in _in_exhibit(self.carried, "access.begin", self.there.exhibit.n)
        ]
        last = next((parts for parts in reversed(begun) if isinstance(parts, list)), [])
        return [name for part in last if (name := _name(mapping(part)))]


def _name(part: Mapping[str, Json]) -> str:
    """A file's name, of one of the `parts` of `access.begin`."""
    raw = part.get("raw")
    return Path(os.fsdecode(bytes.fromhex(raw))).name if isinstance(raw, str) else text(part.get("name"))


def _in_exhibit(carried: Carried, kind: str, n: int) -> Iterator[Disclosed]:
    return (item for item in carried.entries(kind) if item.entry.x is not None and item.entry.x.n == n)


def open_shipment(case: Case, carried: Carried) -> Shipment:
    """The offer to the acting person in a bundle that came; CustodyError says how it stands where there is none."""
    waiting = [there for there in standing(carried.bundle.entries).values() if there.offer is not None]
    mine = [there for there in waiting if there.offer is not None and there.offer.to_key == case.key_id]
    if len(mine) > 1:
        raise CustodyError("several exhibits are offered to you in that bundle", "Ask for a folder for each.")
    if not mine or mine[0].offer is None:
        others = ", ".join(there.offer.receiver for there in waiting if there.offer is not None)
        said = f"what came is offered to {others}, not to your key" if others else "what came holds no open offer"
        raise CustodyError(said, "Only the person named can take it over; --as says who acts.")
    there, offer = mine[0], mine[0].offer
    giver = next(item for item in carried.entries("transfer.offer") if item.leaf == offer.leaf)
    return Shipment(carried, there, offer, text(values_of(giver).get("agency")))


def answered(case: Case, shipment: Shipment) -> Row | None:
    """The entry of this ledger that answered the offer already."""
    for row in case.ledger.rows_of("transfer.receive"):
        named = mapping(values_of(row).get("offer"))
        if (named.get("ledger"), named.get("leaf")) == (shipment.carried.ledger, shipment.offer.leaf.hex()):
            return row
    return None


def known_as(case: Case, shipment: Shipment) -> Exhibit | None:
    """The exhibit of this ledger that comes (back) with the shipment; None for one that was never here."""
    there = shipment.there.exhibit
    for exhibit in exhibits(case):
        theirs = text(mapping(exhibit.registered.get("seizure")).get("ref"))
        if exhibit.origin is not None and exhibit.origin[0] == shipment.carried.ledger and theirs == there.ref:
            return exhibit  # not by the offer: in a folder older than the one it came with that does not stand
    if there.origin is not None and there.origin[0] == case.ledger.id.hex():
        for row in case.ledger.rows_of("transfer.offer"):
            if row.leaf.hex() == there.origin[1] and row.entry.x is not None:
                return holding_of(case, row.entry.x.n).exhibit
    return None


def announce(case: Case, shipment: Shipment, ref: str) -> Exhibit:
    """The exhibit of this ledger for the shipment, registered (as announced, not yet here) where it is a new one."""
    known = known_as(case, shipment)
    if known is not None:
        _need_away(case, known)
        _need_newest(case, known.n, shipment)
        if ref not in {"", known.ref}:
            raise CustodyError(f"it is {known.ref} here, from before", "Leave --ref out: a thing has one reference.")
        return known
    there = shipment.there.exhibit
    wanted = validate_ref(ref or there.ref)

    def examine() -> None:
        if known_as(case, shipment) is None and find_exhibit(case, wanted) is not None:
            raise CustodyError(f"there is another {wanted} here", "Give it a reference of your own with --ref.")

    examine()
    case.register_exhibit({**_brought(shipment), "ref": wanted}, examine)
    return need_exhibit(case, wanted)


def _need_away(case: Case, exhibit: Exhibit) -> None:
    now = holding_of(case, exhibit.n)
    if not now.gone:
        raise CustodyError(
            f"{exhibit.ref} is here, by this ledger: {now.holder_name} holds it (entry {now.index})",
            "Record first that it left: `evikit exhibit receipt` with their receipt, or with what came just now.",
        )


def _need_newest(case: Case, n: int, shipment: Shipment) -> None:
    """A folder that lay about while the exhibit went there and back offers nothing any more."""
    for row, values in outcomes(case, n, "transfer.receive"):
        named = mapping(values.get("offer"))
        index = text(named.get("index"))
        if named.get("ledger") == shipment.carried.ledger and index.isdecimal() and int(index) > shipment.offer.index:
            raise CustodyError(f"that offer is older than the one that was taken over in entry {row.index}", _NEW_OFFER)


def _brought(shipment: Shipment) -> dict[str, Json]:
    """What the registration here says: the facts as they stand there, and where it came from."""
    there = shipment.there.exhibit.registered
    facts = ("kind", "description", "serial", "condition", "photographs", "authority", "place", "state")
    origin: dict[str, Json] = {
        "agency": shipment.agency,
        "ledger": shipment.carried.ledger,
        "offer": shipment.offer.leaf.hex(),
        "ref": shipment.there.exhibit.ref,
        **({"parent": text(there["parent"])} if there.get("parent") else {}),
    }
    digests: Json = {**shipment.offer.digest} or None
    sealed: Json = {"number": shipment.there.seal} if shipment.there.seal else None
    seizure = {**mapping(there.get("seizure")), **origin}
    now = shipment.there.exhibit  # with what was corrected since
    stands: dict[str, Json] = {
        "kind": now.kind or None,
        "description": now.description or None,
        "state": now.state or None,
    }
    return (
        {name: there.get(name) for name in facts}
        | stands
        | {"seizure": seizure, "seal": sealed, "media_digests": digests}
    )


def _unanswered(case: Case, shipment: Shipment) -> Callable[[], None]:
    def examine() -> None:
        if (row := answered(case, shipment)) is not None:
            raise CustodyError(f"that offer was answered in entry {row.index} just now", "Run the command again.")

    return examine


def receive(case: Case, exhibit: Exhibit, shipment: Shipment, found: Found) -> Recorded:
    """Take the exhibit over from the other agency, with what was found and read. It is here from now on."""
    validate_words("condition", found.condition)
    note = "; ".join(found.remarks) or None
    values = {**found.values(), "outcome": "accepted", "offer": shipment.named, "note": note}
    recorded = case.record("transfer.receive", exhibit.n, values, examine=_unanswered(case, shipment))
    keep_bundle(case, shipment.carried)
    return recorded


def decline(case: Case, shipment: Shipment, reason: str) -> Recorded:
    """Refuse what the other agency offers: it was never here, so the entry stands in governance."""
    validate_words("reason", reason)
    values: dict[str, Json] = {"outcome": "refused", "offer": shipment.named, "reason": reason}
    recorded = case.record("transfer.receive", 0, values, examine=_unanswered(case, shipment))
    keep_bundle(case, shipment.carried)
    return recorded


def need_same_answer(case: Case, row: Row, refuse: str | None) -> None:
    """CustodyError where the offer was answered otherwise before: the first answer counts."""
    accepted = text(values_of(row).get("outcome")) == "accepted"
    if accepted == (refuse is None):
        return
    if accepted:
        raise CustodyError(
            f"it was taken over already (entry {row.index})", "Hand it back with `evikit exhibit offer --outside`."
        )
    raise CustodyError(f"it was refused already (entry {row.index})", _NEW_OFFER)


# --- the receipt that comes back -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other agency answered to one of our offers: their entry, and ours it speaks of."""

    carried: Carried
    entry: Disclosed
    offer: Row
    values: Mapping[str, Json]

    @property
    def accepted(self) -> bool:
        return text(self.values.get("outcome")) == "accepted"

    @property
    def receiver(self) -> str:
        """Who answered, in words."""
        return ", ".join(filter(None, (text(self.values.get("actor")), text(self.values.get("agency")))))

    @property
    def named(self) -> dict[str, Json]:
        """Their entry as `transfer.receipt` names it."""
        found = self.carried
        return {
            "ledger": found.ledger,
            "leaf": self.entry.leaf.hex(),
            "index": str(self.entry.index),
            "checkpoint": found.checkpoint,
            "bundle": {"sha256": hashlib.sha256(found.data).hexdigest()},
        }

    @property
    def exhibit(self) -> int:
        """Ordinal of our exhibit."""
        return self.offer.entry.x.n if self.offer.entry.x is not None else 0


def read_answer(case: Case, carried: Carried) -> Answer:
    """The answer in a bundle that came back, the newest of several; CustodyError for any other bundle."""
    offers = {row.leaf.hex(): row for row in case.ledger.rows_of("transfer.offer")}
    found: Answer | None = None
    for item in carried.entries("transfer.receive"):
        values = values_of(item)
        named = mapping(values.get("offer"))
        offer = offers.get(text(named.get("leaf"))) if named.get("ledger") == case.ledger.id.hex() else None
        if offer is not None:
            found = Answer(carried, item, offer, values)
    if found is None:
        raise CustodyError("that is no receipt for anything handed over here", "Check which file you named.")
    if values_of(found.offer).get("to_key") != b64(found.entry.entry.key):
        raise CustodyError(
            f"that is signed by {found.receiver or 'somebody'}, whose key is not the one the offer names",
            "Nothing was recorded. Find out who holds the exhibit.",
        )
    return found


def recorded_answer(case: Case, answer: Answer) -> Row | None:
    """The entry that records this very answer already."""
    for row in case.ledger.rows_of("transfer.receipt"):
        if mapping(values_of(row).get("receipt")).get("leaf") == answer.entry.leaf.hex():
            return row
    return None


def record_answer(case: Case, answer: Answer, despite: str | None = None) -> Recorded:
    """Record what the other agency answered; after an acceptance the exhibit is theirs to answer for.

    IntegrityError where they took over other media than were offered; CustodyError where the offer waits no more. Of
    one that was withdrawn while it was taken over there, the holder may record that it is theirs `despite` that.
    """
    read, match = mapping(answer.values.get("digest")), _same_media(answer)
    if match is False:
        raise IntegrityError(
            "the digests they read are not those that were offered",
            "Nothing was recorded. Ask them what they hold: it is not what this ledger says.",
        )
    if despite is not None:
        validate_words("reason", despite)
    said = (text(answer.values.get("reason") or answer.values.get("note")), despite or "")
    values: dict[str, Json] = {
        "outcome": "accepted" if answer.accepted else "refused",
        "receiver": answer.receiver,
        "receipt": answer.named,
        "digest": {**read} or None,
        "match": match,
        "note": "; ".join(filter(None, said)) or None,
    }
    recorded = case.record(
        "transfer.receipt", answer.exhibit, values, re=[answer.offer.leaf], examine=_takes(case, answer, despite)
    )
    keep_bundle(case, answer.carried)
    return recorded


def _same_media(answer: Answer) -> bool | None:
    """Whether what they read is what was offered; None where there is nothing to compare."""
    offered, read = mapping(values_of(answer.offer).get("digest")), mapping(answer.values.get("digest"))
    common = offered.keys() & read.keys()
    return all(offered[name] == read[name] for name in common) if common else None


def _takes(case: Case, answer: Answer, despite: str | None) -> Callable[[], None]:
    """Asks, while nobody else can write, whether the offer waits for the answer, or may be answered all the same."""

    def examine() -> None:
        now = holding_of(case, answer.exhibit)
        log = f"`evikit ledger log --exhibit {now.exhibit.ref}` shows by whom."
        if now.offer is not None and now.offer.leaf == answer.offer.leaf:
            return
        if answer.offer.leaf not in now.withdrawn or not answer.accepted:
            advice = f"{log} Settle with them who holds it." if answer.accepted else f"{log} They refused it."
            raise CustodyError(
                f"the offer in entry {answer.offer.index} waits for no answer: it was withdrawn or answered before",
                advice,
            )
        if despite is None:
            raise CustodyError(
                f"the offer in entry {answer.offer.index} was withdrawn, and {answer.receiver} took it over meanwhile",
                "If they do hold it, record that with --despite and the reason; else settle with them who holds it.",
            )
        if not is_mine(case, now):
            raise CustodyError(f"{now.exhibit.ref} is held by {now.holder_name}", "Only who holds it can record that.")

    return examine
