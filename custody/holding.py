"""Where an exhibit stands: who holds it, under which seal, in which place, and what is offered to whom.

Derived from the exhibit's entries alone, in their order. An entry that does not fit what stood before (an acceptance
by somebody else, an answer to an offer withdrawn) changes nothing: it stands in the ledger for the rules of handling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from custody.case import Case
from custody.exhibits import Exhibit, exhibit_of, need_exhibit
from custody.ledger.entry import Json, unb64
from custody.ledger.errors import CustodyError, MalformedError
from custody.ledger.store import Row
from custody.opened import Opened, mapping, text, values_of

LIFECYCLE = (
    "exhibit.register", "exhibit.seal", "exhibit.open", "exhibit.move", "exhibit.relocate", "exhibit.return",
    "exhibit.dispose", "transfer.offer", "transfer.accept", "transfer.refuse", "transfer.withdraw",
    "transfer.receive", "transfer.receipt", "correct",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Offer:
    """A hand-over that waits for its answer: to whom (key id), and the challenge their reading must answer.

    `agency` is that of a receiver elsewhere, who answers in a ledger of their own; "" for one of this case.
    """

    leaf: bytes
    index: int
    giver: bytes
    to_key: bytes
    to_person: str
    challenge: bytes
    seal: str
    digest: Mapping[str, str] = field(default_factory=dict)
    agency: str = ""

    @property
    def receiver(self) -> str:
        """To whom, in words."""
        return f"{self.to_person}, {self.agency}" if self.agency else self.to_person


@dataclass(frozen=True, slots=True)
class Holding:
    """An exhibit as it stands. `holder` is a key id; `seal` the number of the seal that is on, "" for none.

    `gone` says how it left ("returned to ...", "disposed of ...", "handed over to ..."), with `index` of the entry
    that last changed any of this. `seal_from` and `storage_from` are the leaves of the entries that say seal and place.
    `withdrawn` are leaves of offers to other agencies that were withdrawn since it last changed hands: they may have
    been taken over there before anybody knew.
    """

    exhibit: Exhibit
    holder: bytes
    holder_name: str
    index: int
    seal: str = ""
    storage: str = ""
    offer: Offer | None = None
    gone: str = ""
    seal_from: bytes = b""
    storage_from: bytes = b""
    withdrawn: frozenset[bytes] = frozenset()


def seal_number(value: Json) -> str:
    """The number of a seal, from an entry's `seal`: a text, or an object with `number`."""
    return text(value.get("number")) if isinstance(value, dict) else text(value)


def digests_in(value: Json) -> dict[str, str]:
    """Digests by algorithm, of an entry's field; {} where there are none."""
    return {name: text(item) for name, item in mapping(value).items()}


def _offered(now: Holding, row: Opened, values: Mapping[str, Json]) -> Holding:
    try:
        to_key, challenge = unb64(values.get("to_key"), 32), unb64(values.get("challenge"), 32)
    except MalformedError:  # withheld or ill made: an offer that nobody can answer
        return now
    person = values.get("to_person")
    elsewhere = mapping(person)
    offer = Offer(
        row.leaf, row.index, row.entry.key, to_key, text(elsewhere.get("name", person)), challenge,
        seal_number(values.get("seal")), digests_in(values.get("digest")), text(elsewhere.get("agency")),
    )  # fmt: skip
    return replace(now, offer=offer)


def _answers(now: Holding, row: Opened) -> Offer | None:
    """The open offer that the entry answers: the earliest answer counts, a later one finds none."""
    return now.offer if now.offer is not None and now.offer.leaf in row.entry.re else None


def _accepted(now: Holding, row: Opened, values: Mapping[str, Json]) -> Holding:
    offer = _answers(now, row)
    if offer is None or offer.to_key != row.entry.key:
        return now
    seal = now.seal if values.get("seal") is None else seal_number(values["seal"])
    actor = text(values.get("actor"))
    return replace(now, holder=row.entry.key, holder_name=actor, seal=seal, offer=None, withdrawn=frozenset())


def _ended(now: Holding, row: Opened, _values: Mapping[str, Json]) -> Holding:
    return replace(now, offer=None) if _answers(now, row) else now


def _withdrawn(now: Holding, row: Opened, _values: Mapping[str, Json]) -> Holding:
    offer = _answers(now, row)
    if offer is None:
        return now
    return replace(now, offer=None, withdrawn=now.withdrawn | ({offer.leaf} if offer.agency else set()))


def _receipted(now: Holding, row: Opened, values: Mapping[str, Json]) -> Holding:
    if text(values.get("outcome")) != "accepted":
        return _ended(now, row, values)
    if _answers(now, row) is None and now.withdrawn.isdisjoint(row.entry.re):
        return now
    return replace(now, offer=None, withdrawn=frozenset(), gone=f"handed over to {text(values.get('receiver'))}")


def _received(now: Holding, row: Opened, values: Mapping[str, Json]) -> Holding:
    """From another agency: it is here (again)."""
    if text(values.get("outcome")) != "accepted":
        return now
    seal, actor = seal_number(values.get("seal")), text(values.get("actor"))
    return replace(now, holder=row.entry.key, holder_name=actor, seal=seal, offer=None, gone="", withdrawn=frozenset())


def _left(how: str) -> Callable[[Holding, Opened, Mapping[str, Json]], Holding]:
    def apply(now: Holding, _row: Opened, values: Mapping[str, Json]) -> Holding:
        said = text(values.get("recipient")) if how == "returned to" else f"({text(values.get('method'))})"
        return replace(now, gone=f"{how} {said}".strip(), offer=None)

    return apply


_EFFECTS: Mapping[str, Callable[[Holding, Opened, Mapping[str, Json]], Holding]] = {
    "exhibit.seal": lambda now, _, values: replace(now, seal=seal_number(values.get("seal"))),
    "exhibit.open": lambda now, _, __: replace(now, seal=""),
    "exhibit.move": lambda now, _, values: replace(now, storage=text(values.get("storage_to"))),
    "exhibit.return": _left("returned to"),
    "exhibit.dispose": _left("disposed of"),
    "transfer.offer": _offered,
    "transfer.accept": _accepted,
    "transfer.refuse": _ended,
    "transfer.withdraw": _withdrawn,
    "transfer.receive": _received,
    "transfer.receipt": _receipted,
}


def _begun(row: Opened, values: Mapping[str, Json]) -> Holding:
    """As registered. What another agency offered is here only once it was received."""
    exhibit = exhibit_of(row)
    agency = text(mapping(values.get("seizure")).get("agency"))
    return Holding(
        exhibit,
        row.entry.key,
        text(values.get("actor")),
        row.index,
        seal=seal_number(values.get("seal")),
        seal_from=row.leaf,
        gone=f"announced by {agency} and not received" if exhibit.origin else "",
    )


def _rows(case: Case) -> Iterator[Row]:
    """The entries that move exhibits, in their order."""
    yield from sorted((row for kind in LIFECYCLE for row in case.ledger.rows_of(kind)), key=lambda row: row.index)


def holdings(case: Case) -> dict[int, Holding]:
    """Every exhibit by ordinal, as it stands now."""
    return standing(_rows(case))


def _corrected(now: Holding, begun: bytes, target: bytes, name: str, new: Json) -> Holding:
    """What was written wrong is put right: what the thing is (`begun`: its registration), its seal, its place."""
    if name == "seal" and target == now.seal_from:
        return replace(now, seal=seal_number(new))
    if name == "storage_to" and target == now.storage_from:
        return replace(now, storage=text(new))
    if target == begun:
        return replace(now, exhibit=now.exhibit.corrected(name, text(new)))
    return now


def _changed(before: Holding, after: Holding, row: Opened) -> Holding:
    """With the entries that say so."""
    if after == before:
        return before
    own = row.entry.type != "correct"  # a correction is about the entry that says it, and is not that entry
    return replace(
        after,
        index=row.index,
        seal_from=row.leaf if own and after.seal != before.seal else before.seal_from,
        storage_from=row.leaf if row.entry.type == "exhibit.move" else before.storage_from,
    )


def standing(rows: Iterable[Opened]) -> dict[int, Holding]:
    """Every exhibit by ordinal, as these entries leave it: of this ledger, or those that a bundle shows."""
    return {after.exhibit.n: after for _, _, after in story(rows)}


def story(
    rows: Iterable[Opened], read: Callable[[Opened], Mapping[str, Json]] = values_of
) -> Iterator[tuple[Holding | None, Opened, Holding]]:
    """Entry by entry: how its exhibit stood before it (None: not registered yet), the entry, how it stands after it.

    `read` gives the values of an entry: as signed, or as later corrections leave them.
    """
    found: dict[int, Holding] = {}
    begun: dict[int, bytes] = {}
    corrections: dict[bytes, tuple[bytes, str]] = {}
    for row in rows:
        n = row.entry.x.n if row.entry.x is not None else 0
        before = found.get(n)
        if row.entry.type == "exhibit.register":
            found[n], begun[n] = _begun(row, read(row)), row.leaf
        elif before is None:  # no entry of an exhibit
            continue
        elif row.entry.type == "correct":
            values = values_of(row)
            target, name = row.entry.re[0], text(values.get("name"))
            if name == "new":  # a correction is corrected: what it was about
                target, name = corrections.get(target, (target, name))
            corrections[row.leaf] = (target, name)
            found[n] = _changed(before, _corrected(before, begun[n], target, name, values.get("new")), row)
        elif row.entry.type in _EFFECTS:
            found[n] = _changed(before, _EFFECTS[row.entry.type](before, row, read(row)), row)
        yield before, row, found[n]


def holding_of(case: Case, n: int) -> Holding:
    """One exhibit as it stands now."""
    case.ledger.refresh()  # it may have been registered by somebody else since the case was opened
    return standing(case.ledger.rows_in(n))[n]


def refuse_gone(case: Case, n: int) -> None:
    """CustodyError where the exhibit is not here: returned, disposed of, or in another agency's hands."""
    now = holding_of(case, n)
    if now.gone:
        raise CustodyError(
            f"{now.exhibit.ref} was {now.gone} (entry {now.index}): it is not here",
            "If that entry is wrong, correct it in the open with `evikit correct`, and register what you hold.",
        )


def need_present(case: Case, ref: str) -> Exhibit:
    """The exhibit with this reference, which must still be here."""
    exhibit = need_exhibit(case, ref)
    refuse_gone(case, exhibit.n)
    return exhibit


def is_mine(case: Case, now: Holding) -> bool:
    """Whether the acting person holds the exhibit, be it with an earlier key of theirs."""
    return case.roster().same_person(now.holder, case.key_id)
