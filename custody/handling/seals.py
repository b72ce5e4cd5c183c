"""CU-07: seals. A number on record is what is found, an opening is told, and what was opened is sealed again."""

from __future__ import annotations

from collections.abc import Iterator

from custody.handling._contract import LESSER, SERIOUS, Rule, Seen
from custody.handling._record import Act, Chain, Record
from custody.holding import seal_number

_NONE = "none"


def _stated(act: Act) -> bool:
    """Whether the entry says anything about the seal, be it that there is none."""
    return act.values.get("seal") is not None


def _found(record: Record, chain: Chain) -> Iterator[Seen]:
    """The number found at a hand-over or an opening is the one on record; a seal under another is not told of."""
    for before, act, _ in chain.story:
        if before is None or not _stated(act):
            continue
        number = seal_number(act.values["seal"])
        entries = (chain.registered.index, act.index)
        if act.type in ("transfer.accept", "transfer.offer", "exhibit.open") and number != before.seal:
            said = f"the seal found is {number or _NONE}, on record is {before.seal or _NONE}"
            yield Seen(entries, f"{said} ({act.type} by {record.who(act.key)})")
        if act.type == "exhibit.seal" and before.seal and before.seal != number:
            yield Seen(entries, f"sealed with {number}, and the seal {before.seal} was never recorded as opened")


def _opened_unseen(_record: Record, chain: Chain) -> Iterator[Seen]:
    """A thing in a sealed bag is read without the seal having been opened. (Images of it lie elsewhere.)"""
    itself = {
        access.begin.leaf
        for access in chain.accesses
        if access.object == "acquisition" or (access.examines and (access.state or chain.state) == "original")
    }
    for before, act, _ in chain.story:
        if chain.is_thing and before is not None and before.seal and act.leaf in itself:
            yield Seen((before.index, act.index), f"read while under the seal {before.seal}: no entry opens it")
            return  # once it is open, each further reading says the same


def _not_sealed_again(_record: Record, chain: Chain) -> Iterator[Seen]:
    """Opened, and handed on, put away or left without a new seal."""
    opened: Act | None = None
    for before, act, after in chain.story:
        if act.type == "exhibit.open" and before is not None and before.seal:
            opened = act
        elif after.seal:
            opened = None
        elif opened is not None and act.type in ("transfer.offer", "exhibit.move", "exhibit.return"):
            yield Seen((opened.index, act.index), f"opened, and not sealed again before it went on ({act.type})")
            opened = None
    if opened is not None and not chain.story[-1][2].gone:
        yield Seen((opened.index,), "opened, and not sealed again by the end of this record", LESSER)


def _used_before(record: Record, chain: Chain) -> Iterator[Seen]:
    """The number of a seal that was put on something before."""
    for act in chain.of("exhibit.register", "exhibit.seal"):
        number = seal_number(act.values.get("seal"))
        earlier = record.seals[number][0] if number else act.index
        if earlier < act.index:
            yield Seen((earlier, act.index), f"the seal number {number} was used before")


def _seals(record: Record, chain: Chain) -> Iterator[Seen]:
    yield from _found(record, chain)
    yield from _opened_unseen(record, chain)
    yield from _not_sealed_again(record, chain)
    yield from _used_before(record, chain)


RULES: tuple[Rule, ...] = (
    Rule(
        "CU-07", SERIOUS, "A seal that does not account for what happened",
        "A seal shows that nobody was at the thing since it was put on. Where number, opening or new seal do not fit, "
        "it shows nothing.",
        of_exhibit=_seals,
        needs={
            "exhibit.register": ("seal", "state", "kind"), "exhibit.seal": ("seal",), "exhibit.open": ("seal",),
            "transfer.offer": ("seal",), "transfer.accept": ("seal",),
            "access.begin": ("purpose", "object", "settings"),
        },
    ),
)  # fmt: skip
