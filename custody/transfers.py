"""Handing an exhibit over within one case: offered by who holds it, taken by the person named, an entry by each.

The offer carries a random challenge. Who accepts reads the media and answers it with
H("evikit/fresh/v1" LF || challenge || media stream), which nobody can who only copies the digest. Whether an offer is
still open is asked while nobody else can write, so that of an acceptance and a withdrawal only one stands.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from custody.case import Case, Recorded
from custody.exhibits import Exhibit, media_digests, outcomes
from custody.holding import Holding, Offer, digests_in, holding_of, is_mine, refuse_gone
from custody.ledger.entry import Json, b64, unb64
from custody.ledger.errors import CustodyError
from custody.opened import mapping, text
from custody.target import Target

NO_SEAL = "none"
"""What is typed as the number of a seal where there is none."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """To whom an exhibit is offered. `agency` is that of somebody elsewhere; "" for a person of this case."""

    key: bytes
    name: str
    agency: str = ""

    def described(self) -> Json:
        return {"name": self.name, "agency": self.agency} if self.agency else self.name


@dataclass(frozen=True, slots=True)
class OwnReading:
    """What the receiver's own reading of the media came to.

    `digests` are {} and `fresh` None where a byte could not be read (`problem` says why); `match` is None where no
    digest was there to compare with.
    """

    digests: dict[str, str]
    fresh: bytes | None
    match: bool | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The exhibit as its receiver found it; `remarks` are what has to be told beside: another seal, nothing read."""

    seal: str
    condition: str
    reading: OwnReading | None = None
    remarks: Sequence[str] = ()

    def values(self) -> dict[str, Json]:
        """The fields of the entry that takes the exhibit over. That no seal was found is a finding too."""
        read = self.reading
        return {
            "seal": self.seal or {"number": "", "found": "no seal"},
            "condition": self.condition,
            "digest": {**read.digests} if read else None,
            "fresh": b64(read.fresh) if read and read.fresh else None,
        }


def parse_seal(given: str) -> str:
    """A seal's number as typed, "" for `none`; CustodyError for what can stand on no seal."""
    number = given.strip()
    if not number or not number.isprintable() or len(number) > 64:
        raise CustodyError(f"{given!r} is no seal number", f"Write it as on the seal; {NO_SEAL} where there is none.")
    return "" if number == NO_SEAL else number


def validate_words(what: str, given: str) -> None:
    """Refuse an empty reason or condition."""
    if not given.strip():
        raise CustodyError(f"the {what} is empty", "Say it in words: it stands in the ledger.")


def compare_seal(expected: str, found: str, despite: str | None) -> str:
    """What is to be remarked about the seal: "" where it is the one on record; CustodyError unless told `despite`."""
    if found == expected:
        return ""
    said = f"the seal found is {found or NO_SEAL}, on record is {expected or NO_SEAL}"
    if despite is None:
        raise CustodyError(said, "Find out why, and refuse it; or take it --despite that, with the reason.")
    validate_words("reason", despite)
    return f"{said}: {despite}"


# --- the offer -------------------------------------------------------------------------------------------


def offered_digest(case: Case, exhibit: Exhibit) -> dict[str, str]:
    """The digests the media have by the ledger: as computed here, else as on the slip they came with; {} for none."""
    return media_digests(case, exhibit.n) or digests_in(exhibit.registered.get("media_digests"))


def offer(
    case: Case, exhibit: Exhibit, to: Receiver, *, seal: str | None = None, condition: str = "", note: str = ""
) -> Recorded:
    """Offer the exhibit to somebody. Only its holder may, while it is here and no other offer waits.

    `seal` is the number the giver reads on it (None: the one on record), which must be the one on record.
    """
    expected = holding_of(case, exhibit.n).seal
    number = expected if seal is None else seal
    if number != expected:
        raise CustodyError(
            f"{exhibit.ref} bears the seal {number or NO_SEAL}, on record is {expected or NO_SEAL}",
            "Record first what happened to the seal, with `evikit exhibit seal` or `open`.",
        )

    def examine() -> None:
        now = _need_mine(case, exhibit)
        if now.offer is not None:
            raise CustodyError(
                f"{exhibit.ref} is offered to {now.offer.receiver} already (entry {now.offer.index})",
                f"Wait for the answer, or withdraw it with `evikit exhibit withdraw {exhibit.ref}`.",
            )
        if now.seal != number:
            raise CustodyError(f"the seal of {exhibit.ref} was changed just now", "Look at it, and offer it again.")
        if not to.agency:
            _need_other(case, to)

    values: dict[str, Json] = {
        "to_key": b64(to.key),
        "to_person": to.described(),
        "seal": number or None,
        "condition": condition or None,
        "digest": {**offered_digest(case, exhibit)} or None,
        "challenge": b64(secrets.token_bytes(32)),
        "note": note or None,
    }
    return case.record("transfer.offer", exhibit.n, values, examine=examine)


def _need_mine(case: Case, exhibit: Exhibit) -> Holding:
    refuse_gone(case, exhibit.n)
    now = holding_of(case, exhibit.n)
    if not is_mine(case, now):
        raise CustodyError(
            f"{exhibit.ref} is held by {now.holder_name} (since entry {now.index}), not by you",
            "Only who holds an exhibit can hand it over.",
        )
    return now


def _need_other(case: Case, to: Receiver) -> None:
    roster = case.roster()
    member = roster.member(to.key)
    if roster.same_person(to.key, case.key_id):
        raise CustodyError("you hold it yourself", f"Offer it to somebody else: {roster.listed()}.")
    if member is None or not member.acts:
        status = "is not enrolled" if member is None else f"cannot take it: {member.status}"
        raise CustodyError(f"{to.name} {status}", f"Enrolled: {roster.listed()}.")


# --- answers ---------------------------------------------------------------------------------------------


def open_offer(case: Case, exhibit: Exhibit) -> Offer:
    """The offer that waits; CustodyError where there is none, saying how it stands."""
    now = holding_of(case, exhibit.n)
    if now.offer is None:
        place = f"it was {now.gone}" if now.gone else f"{now.holder_name} holds it"
        raise CustodyError(
            f"{exhibit.ref} is offered to nobody: {place} (entry {now.index})",
            f"`evikit ledger log --exhibit {exhibit.ref}` shows what became of an offer.",
        )
    return now.offer


def need_receiver(case: Case, offered: Offer) -> None:
    """CustodyError unless the acting person's key is the one the offer names."""
    if offered.to_key == case.key_id:
        return
    mine = case.roster().same_person(offered.to_key, case.key_id)
    advice = "Ask for an offer to your new key." if mine else "Only they can take or refuse it, or name them with --as."
    which = "an earlier key of yours" if mine else offered.receiver
    raise CustodyError(f"that is offered to {which} (key {offered.to_key.hex()[:16]}), not to your key", advice)


def still_open(case: Case, exhibit: Exhibit, offered: Offer) -> Callable[[], None]:
    """Asks, while nobody else can write, whether the offer still waits."""

    def examine() -> None:
        now = holding_of(case, exhibit.n)
        if now.offer is None or now.offer.leaf != offered.leaf:
            raise CustodyError(
                f"the offer of {exhibit.ref} in entry {offered.index} was answered or withdrawn meanwhile",
                f"`evikit ledger log --exhibit {exhibit.ref}` shows by whom.",
            )

    return examine


def _need_in_case(offered: Offer) -> None:
    if offered.agency:
        raise CustodyError(
            f"that is offered to {offered.receiver}, who take it into a case of their own",
            "They use `evikit exhibit receive`; what comes back is for `evikit exhibit receipt`.",
        )


def need_acceptable(case: Case, exhibit: Exhibit) -> tuple[Holding, Offer]:
    """How the exhibit stands, with the offer to the acting person that waits."""
    offered = open_offer(case, exhibit)
    _need_in_case(offered)
    need_receiver(case, offered)
    return holding_of(case, exhibit.n), offered


def accept(case: Case, exhibit: Exhibit, offered: Offer, found: Found) -> Recorded:
    """Take the exhibit over, with what was found and read."""
    validate_words("condition", found.condition)
    values = {**found.values(), "note": "; ".join(found.remarks) or None}
    return case.record(
        "transfer.accept", exhibit.n, values, re=[offered.leaf], examine=still_open(case, exhibit, offered)
    )


def refuse(case: Case, exhibit: Exhibit, reason: str) -> Recorded:
    """Refuse what is offered to the acting person: it stays with who offered it."""
    validate_words("reason", reason)
    _, offered = need_acceptable(case, exhibit)
    return case.record(
        "transfer.refuse",
        exhibit.n,
        {"reason": reason},
        re=[offered.leaf],
        examine=still_open(case, exhibit, offered),
    )


def withdraw(case: Case, exhibit: Exhibit, reason: str) -> Recorded:
    """Take back an offer that has no answer yet. Only who made it may."""
    validate_words("reason", reason)
    offered = open_offer(case, exhibit)
    if not case.roster().same_person(offered.giver, case.key_id):
        giver = case.roster().member(offered.giver)
        raise CustodyError(
            f"{exhibit.ref} was offered by {giver.name if giver else 'somebody else'}, not by you",
            "Only who made an offer can withdraw it.",
        )
    return case.record(
        "transfer.withdraw",
        exhibit.n,
        {"reason": reason},
        re=[offered.leaf],
        examine=still_open(case, exhibit, offered),
    )


# --- the receiver's reading ------------------------------------------------------------------------------


def reading_for(case: Case, n: int, offer_leaf: bytes, target: Target) -> OwnReading | None:
    """The acting person's completed reading of these very files for this offer, from before a stop; else None."""
    begins = {
        row.leaf
        for row, values in outcomes(case, n, "access.begin")
        if row.entry.key == case.key_id
        and mapping(values.get("settings")).get("offer") == offer_leaf.hex()
        and values.get("identity") == target.identities()
    }
    for row, values in outcomes(case, n):
        if row.entry.re[0] in begins and values.get("outcome") == "completed" and text(values.get("fresh")):
            match = values.get("match")
            if match is not False:
                fresh = unb64(values["fresh"], 32)
                return OwnReading(digests_in(values.get("computed")), fresh, match is True or None)
    return None
