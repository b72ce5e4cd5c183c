"""CU-01 to CU-04: who holds an exhibit, and whether only they act on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from custody.handling._contract import NOTICE, SERIOUS, Rule, Seen
from custody.handling._record import VERIFICATION, Act, Chain, Record, apart, utc_of
from custody.holding import Holding
from custody.opened import mapping, text

_ANSWERS = ("transfer.accept", "transfer.refuse", "transfer.withdraw", "transfer.receipt")
_WORDS = ("note", "correct", "erase", "access.end", *_ANSWERS, "transfer.receive")
"""Entries that say something and do nothing to the exhibit, or have rules of their own."""


def _is_act(act: Act) -> bool:
    """Whether something was done to the exhibit, or it was looked into."""
    if act.type in _WORDS:
        return False
    return act.type != "access.begin" or act.text("purpose") != VERIFICATION


def _gap(record: Record, chain: Chain) -> Iterator[Seen]:
    """Handed on by somebody else than who last took it over."""
    for before, act, _ in chain.story:
        if before is None or act.type != "transfer.offer" or record.same(before.holder, act.key):
            continue
        giver, holder = record.who(act.key), before.holder_name or record.who(before.holder)
        yield Seen((before.index, act.index), f"{giver} hands it on, and it was last taken over by {holder}")


def _one_signature(record: Record, chain: Chain) -> Iterator[Seen]:
    """Offered and never answered in time, or answered by somebody else than the one named."""
    unsigned: dict[int, list[Act]] = {}
    for before, act, _ in chain.story:
        offer = before.offer if before is not None else None
        if act.type == "transfer.accept" and offer is not None and offer.leaf in act.answers:
            if offer.to_key != act.key:
                yield Seen((offer.index, act.index),
                           f"offered to {offer.to_person}, taken over by {record.who(act.key)}")  # fmt: skip
        elif offer is not None and _is_act(act) and act.key == offer.to_key and not _reads_for(act, offer.leaf):
            unsigned.setdefault(offer.index, []).append(act)
    for index, acts in unsigned.items():
        who = record.who(acts[0].key)
        yield Seen(
            (index, *(act.index for act in acts)), f"{who} acts on it without having signed that it was taken over"
        )
    now = chain.story[-1][2] if chain.story else None
    if now is not None and now.offer is not None:
        yield from _waiting(record, chain, now)


def _reads_for(act: Act, leaf: bytes) -> bool:
    """The receiver's own reading before the answer."""
    return act.type == "access.begin" and act.mapping("settings").get("offer") == leaf.hex()


def _waiting(record: Record, chain: Chain, now: Holding) -> Iterator[Seen]:
    offer = now.offer
    made = next((act for act in chain.acts if offer is not None and act.leaf == offer.leaf), None)
    if offer is None or made is None:
        return
    waited = apart(made.at, record.end)
    late = waited is not None and waited > timedelta(hours=record.settings.acceptance_hours)
    hours = f" for {waited.total_seconds() / 3600:.0f} hours" if waited is not None and late else ""
    said = f"the offer to {offer.receiver} has no answer{hours}: one signature is no transfer"
    yield Seen((offer.index,), said, SERIOUS if late else NOTICE)


def _two_custodians(record: Record, chain: Chain) -> Iterator[Seen]:
    """Taken over twice, registered twice, or acted on by who does not hold it."""
    for other in (item for item in record.named[chain.ref] if item.n < chain.n):
        again = record.who(chain.registered.key)
        yield Seen(
            (other.registered.index, chain.registered.index),
            f"registered a second time under this reference, by {again}",
        )
    for before, act, _ in chain.story:
        if before is None or before.gone:
            continue
        if act.type == "transfer.accept" and (before.offer is None or before.offer.leaf not in act.answers):
            yield Seen((before.index, act.index),
                       f"taken over by {record.who(act.key)} on an offer that was answered or withdrawn")  # fmt: skip
        elif act.type != "transfer.offer" and _is_act(act) and not _may(record, before, act):
            holder = before.holder_name or record.who(before.holder)
            yield Seen((before.index, act.index), f"{record.who(act.key)} acts on it ({act.type}); {holder} holds it")


def _may(record: Record, before: Holding, act: Act) -> bool:
    """The holder acts, or the one it is offered to (CU-02), or somebody by an order that the entry names."""
    offered = before.offer is not None and before.offer.to_key == act.key
    return record.same(before.holder, act.key) or offered or bool(act.text("authority"))


def _out_of_time(_record: Record, chain: Chain) -> Iterator[Seen]:
    """Before it was seized or received, or after it had left."""
    offers = _taken_from(chain)
    early: list[Act] = []
    seized = utc_of(text(mapping(chain.seizure.get("seized_at")).get("utc")))
    for before, act, _ in chain.story:
        if before is not None and before.gone and (_is_act(act) or act.type == "access.begin"):
            if act.type == "access.begin" and text(act.mapping("settings").get("offer")) in offers:
                continue  # the receiver's own reading, before they sign that they took it over
            yield Seen((before.index, act.index), f"{act.type} although it was {before.gone}")
        before_it = apart(act.at, seized)
        if before_it is not None and before_it > timedelta():
            early.append(act)
    if early:
        entries = dict.fromkeys((chain.registered.index, *(act.index for act in early)))
        more = f" (and {len(early) - 1} more)" if early[1:] else ""
        said = f"{early[0].type} at {early[0].at:%Y-%m-%d %H:%M} UTC{more}, before it was seized at "
        yield Seen(tuple(entries), f"{said}{seized:%Y-%m-%d %H:%M} UTC")


def _taken_from(chain: Chain) -> set[str]:
    """The offers of other agencies under which it came here: leaf hashes in hex."""
    offers = {text(act.mapping("offer").get("leaf")) for act in chain.of("transfer.receive")}
    return (offers | {text(chain.seizure.get("offer"))}) - {""}


_HOLDING = {
    "exhibit.register": ("actor", "ref"),
    "transfer.offer": ("to_key", "to_person", "challenge"),
    "transfer.receive": ("outcome",),
    "transfer.receipt": ("outcome",),
}
_ACTING = {**_HOLDING, "access.begin": ("purpose", "settings", "authority")}

RULES: tuple[Rule, ...] = (
    Rule(
        "CU-01", SERIOUS, "A gap in custody",
        "Who handed the exhibit on is not who last took it over. Somebody held it between them, and no entry says so.",
        of_exhibit=_gap, needs=_HOLDING,
    ),
    Rule(
        "CU-02", SERIOUS, "A transfer with one signature",
        "Without the receiver's own signature nobody can say from when on the exhibit was in their hands.",
        of_exhibit=_one_signature, needs={**_ACTING, "*": ("claimed_at",)},
    ),
    Rule(
        "CU-03", SERIOUS, "Two custodians, or somebody who does not hold it acts on it",
        "Two people cannot hold one thing; who does not hold it, and names no order, should not have had it in hand.",
        of_exhibit=_two_custodians, needs=_ACTING,
    ),
    Rule(
        "CU-04", SERIOUS, "Acted on before it came or after it left",
        "The exhibit was not there to be acted on at the time the entry says: the entry or another one is not true.",
        of_exhibit=_out_of_time,
        needs={
            **_HOLDING, "*": ("claimed_at",), "exhibit.register": ("actor", "ref", "seizure"),
            "access.begin": ("settings",), "transfer.receive": ("outcome", "offer"),
        },
    ),
)  # fmt: skip
