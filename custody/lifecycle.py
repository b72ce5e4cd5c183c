"""What happens to an exhibit while it is in custody: registered, sealed, opened, moved, returned, disposed of.

Each act is one entry. What does not fit what stands is refused, or recorded `despite` that with the reason, as what
happened must be told whether it should have happened or not. Remarks are for the person who acts; the rules of handling
find the same in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from custody import registration
from custody.case import Case, Recorded
from custody.exhibits import Exhibit, exhibits, find_exhibit, need_exhibit, validate_ref
from custody.holding import Holding, holding_of, holdings, is_mine, refuse_gone, seal_number
from custody.ledger.entry import Json
from custody.ledger.errors import CustodyError
from custody.opened import values_of
from custody.transfers import compare_seal, validate_words


@dataclass(frozen=True, slots=True)
class Done:
    """An act on record, and what the person who acts should know."""

    recorded: Recorded
    remarks: Sequence[str] = ()


def register(case: Case, ref: str, given: Mapping[str, str], photographs: Sequence[Json]) -> tuple[Exhibit, Done]:
    """Take an exhibit into custody. `given` are fields of `registration.FIELDS`, validated."""
    validate_ref(ref)
    if (parent := given.get("parent")) and need_exhibit(case, parent).ref == ref:
        raise CustodyError(f"{ref} cannot be its own parent", "Name the exhibit it came from.")
    values = registration.compose(ref, given, photographs, case.zone)
    known = [(item.ref, item.registered) for item in exhibits(case)]
    remarks = registration.concerns(values, known)
    number = seal_number(values.get("seal"))
    remarks += _reused(case, number)

    def examine() -> None:
        if find_exhibit(case, ref) is not None:
            raise CustodyError(f"{ref} is registered already", f"`evikit exhibit show {ref}` shows it.")

    recorded = case.register_exhibit(values, examine)
    exhibit = need_exhibit(case, ref)
    if storage := given.get("storage"):
        case.record("exhibit.move", exhibit.n, {"storage_from": None, "storage_to": storage, "reason": "taken in"})
    return exhibit, Done(recorded, remarks)


def _reused(case: Case, number: str) -> list[str]:
    """A remark where a seal of this number was on any exhibit before: a seal is used once."""
    if not number:
        return []
    rows = [row for kind in ("exhibit.register", "exhibit.seal") for row in case.ledger.rows_of(kind)]
    used = [row.index for row in rows if seal_number(values_of(row).get("seal")) == number]
    return [f"the seal number {number} was used before (entry {used[0]})"] if used else []


def _not_mine(case: Case, now: Holding) -> Iterator[str]:
    if not is_mine(case, now):
        yield f"{now.exhibit.ref} is held by {now.holder_name}, not by you (since entry {now.index})"


def _unchanged(case: Case, before: Holding) -> Callable[[], None]:
    """Asks, while nobody else can write, whether the exhibit still stands as it was looked at."""

    def examine() -> None:
        refuse_gone(case, before.exhibit.n)
        now = holding_of(case, before.exhibit.n)
        if (now.seal, now.storage, now.holder) != (before.seal, before.storage, before.holder):
            raise CustodyError(f"{before.exhibit.ref} was changed just now by somebody else", "Look at it, try again.")

    return examine


@dataclass(frozen=True, slots=True)
class Look:
    """The exhibit as it was found at an act: condition, photographs, why, and `despite` what does not fit."""

    condition: str = ""
    photographs: Sequence[Json] = ()
    reason: str = ""
    despite: str | None = None

    def values(self) -> dict[str, Json]:
        """The fields that most acts have in common."""
        return {
            "condition": self.condition or None,
            "photographs": list(self.photographs) or None,
            "reason": self.reason or None,
        }


def _accepted(said: Sequence[str], despite: str | None, advice: str) -> list[str]:
    """Remarks that are recorded, each with the reason; CustodyError where none was given."""
    if said and despite is None:
        raise CustodyError(said[0], advice)
    if said:
        validate_words("reason", despite or "")
    return [f"{line}: {despite}" for line in said]


def seal(case: Case, exhibit: Exhibit, number: str, look: Look) -> Done:
    """Put a seal on. Refused, unless `despite`, while another one is on or where the number was used before."""
    now = holding_of(case, exhibit.n)
    said = [f"{exhibit.ref} bears the seal {now.seal} already (entry {now.index})"] if now.seal else []
    if not number:
        raise CustodyError("a seal without a number proves nothing", "Give the number that stands on it.")
    remarks = _accepted(
        [*said, *_reused(case, number)],
        look.despite,
        "Open the old seal first, or take another one; or --despite REASON.",
    )
    values = look.values() | {"seal": {"number": number}, "note": "; ".join(remarks) or None}
    recorded = case.record("exhibit.seal", exhibit.n, values, examine=_unchanged(case, now))
    return Done(recorded, [*remarks, *_not_mine(case, now)])


def open_seal(case: Case, exhibit: Exhibit, number: str, look: Look) -> Done:
    """Break the seal. The number found on it must be the one on record, unless `despite`."""
    validate_words("reason", look.reason)
    now = holding_of(case, exhibit.n)
    if not now.seal and not number:
        raise CustodyError(f"{exhibit.ref} bears no seal (entry {now.index})", "There is nothing to open.")
    remark = compare_seal(now.seal, number, look.despite)
    values = look.values() | {"seal": {"number": number}, "note": remark or None}
    recorded = case.record("exhibit.open", exhibit.n, values, examine=_unchanged(case, now))
    return Done(recorded, [*([remark] if remark else []), *_not_mine(case, now)])


def move(case: Case, exhibit: Exhibit, storage: str, reason: str) -> Done:
    """Bring it to another place."""
    validate_words("place", storage)
    now = holding_of(case, exhibit.n)
    if now.storage == storage:
        raise CustodyError(f"{exhibit.ref} is kept there already (entry {now.index})", "Nothing needs to be recorded.")
    values: dict[str, Json] = {"storage_from": now.storage or None, "storage_to": storage, "reason": reason or None}
    recorded = case.record("exhibit.move", exhibit.n, values, examine=_unchanged(case, now))
    return Done(recorded, list(_not_mine(case, now)))


@dataclass(frozen=True, slots=True)
class Relocation:
    """Files that were moved: as recorded `before` and as they are `now` (parts of an access), and their digests."""

    before: Sequence[Json]
    now: Sequence[Json]
    identity: Sequence[Json]
    digests: Mapping[str, str]
    reason: str = ""


def relocate(case: Case, exhibit: Exhibit, moved: Relocation) -> Done:
    """Record where an image is kept from now on; it was read there and is the same."""
    now = holding_of(case, exhibit.n)
    values: dict[str, Json] = {
        "parts": {"from": list(moved.before), "to": list(moved.now)},
        "identity": list(moved.identity),
        "media_digests": {**moved.digests},
        "match": True,
        "reason": moved.reason or None,
    }
    recorded = case.record("exhibit.relocate", exhibit.n, values, examine=_unchanged(case, now))
    return Done(recorded, list(_not_mine(case, now)))


@dataclass(frozen=True, slots=True)
class Ending:
    """How an exhibit leaves custody: on whose authority, to whom, before which witness, and which copies are left."""

    authority: str
    reason: str
    witness: str = ""
    recipient: str = ""
    method: str = ""
    copies: str = ""


def leave(case: Case, exhibit: Exhibit, kind: str, ending: Ending) -> Done:
    """Return or dispose of it, for good; only its holder may, and not while it is offered to somebody.

    `kind`: exhibit.return or exhibit.dispose.
    """
    validate_words("authority", ending.authority)
    validate_words("reason", ending.reason)
    validate_words(*(("recipient", ending.recipient) if kind == "exhibit.return" else ("method", ending.method)))

    def examine() -> None:
        refuse_gone(case, exhibit.n)
        now = holding_of(case, exhibit.n)
        if not is_mine(case, now):
            raise CustodyError(
                f"{exhibit.ref} is held by {now.holder_name}, not by you", "Only its holder can let it go."
            )
        if now.offer is not None:
            raise CustodyError(
                f"{exhibit.ref} is offered to {now.offer.receiver} (entry {now.offer.index})", "Withdraw that first."
            )

    values: dict[str, Json] = {
        "recipient": ending.recipient or None,
        "witness": ending.witness or None,
        "method": ending.method or None,
        "reason": ending.reason,
        "copies": ending.copies or None,
        "authority": ending.authority,
    }
    recorded = case.record(kind, exhibit.n, values, examine=examine)
    children = [
        item.exhibit.ref for item in holdings(case).values() if item.exhibit.parent == exhibit.ref and not item.gone
    ]
    remarks = [] if ending.witness else ["no witness was named"]
    if children and not ending.copies:
        remarks.append(
            f"{', '.join(children)} came from it and {'is' if len(children) == 1 else 'are'} not accounted for"
        )
    return Done(recorded, remarks)
