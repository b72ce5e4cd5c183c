"""Custody tables: entries in their order, an access's beginning and end as one row, corrections at their target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from custody.ledger.entry import Json
from custody.report import words
from custody.report.language import _
from custody.report.model import Correction, Fact, Mark, Remark, Remarks, Step
from custody.report.phrase import Absent, Phrase, Piece, joined, phrase, quote
from custody.report.record import Record, of_field, state_words
from custody.report.times import proved
from custody.report.words_layout import EXHIBIT, EXHIBIT_IF_STATED
from custody.timestamp.interval import Times

_LETTER_BY_LETTER = frozenset({"path", "digest", "output_digest", "bundle_digest"})


@dataclass(frozen=True, slots=True)
class Context:
    """What the rows of a table refer to: all entries by leaf, corrections by the leaf they correct, proved times."""

    by_leaf: Mapping[bytes, Record]
    corrections: Mapping[bytes, tuple[Correction, ...]]
    times: Times

    def target(self, record: Record) -> Piece:
        """The number of the entry that `record` answers."""
        found = self.by_leaf.get(record.target) if record.target is not None else None
        return str(found.index) if found is not None else Absent.WITHHELD

    def corrections_of(self, *records: Record | None) -> tuple[Correction, ...]:
        return tuple(item for record in records if record for item in self.corrections.get(record.leaf, ()))


def custody_steps(records: Sequence[Record], context: Context) -> tuple[Step, ...]:
    """One row an entry, in order; an access is one row; closing entries stand in the annex alone."""
    begun = {record.leaf for record in records if record.type == "access.begin"}
    ends = {record.target: record for record in records if record.type == "access.end" and record.target in begun}
    joined_ends = {end.index for end in ends.values()}
    return tuple(
        _step(record, ends.get(record.leaf) if record.type == "access.begin" else None, context)
        for record in records
        if record.type != "closing" and record.index not in joined_ends
    )


def _step(record: Record, end: Record | None, context: Context) -> Step:
    outcome, mark = _outcome(record, end)
    return Step(
        entry=record.index,
        ended=end.index if end is not None else None,
        at=record.at(),
        proved=proved(record, context.times),
        until=end.at() if end is not None else (),
        proved_until=proved(end, context.times) if end is not None else (),
        who=record.who(),
        what=_what(record, context),
        details=(*_details(record), *(_details(end) if end is not None else ())),
        outcome=outcome,
        mark=mark,
        corrections=context.corrections_of(record, end),
        withheld=record.withheld + (end.withheld if end is not None else 0),
    )


def _what(record: Record, context: Context) -> Phrase:
    given_up = record.mapping("document").get("not_delivered")
    template = words.NOT_DELIVERED if given_up else words.SENTENCE.get(record.type, record.type)
    names = record.source.entry.pub.get("names")
    values: dict[str, Piece | Phrase] = {name: record.said(name) for name in record.source.entry.commits}
    values |= {"target": context.target(record), "names": quote(names)}
    if record.type == "exhibit.relocate":
        old, new = (_places(record.mapping("parts").get(end)) for end in ("from", "to"))
        values["parts"] = phrase("from {old} to {new}", old=old, new=new)
    return phrase(template, values)


def _details(record: Record) -> tuple[Fact, ...]:
    fields = (*words.DETAILS.get(record.type, {}).items(), *words.COMMON_DETAILS.items())
    return tuple(
        Fact(label, _value(record, name)) for name, label in fields if record.values.get(name) not in (None, "", [], {})
    )


def _value(record: Record, name: str) -> Phrase:
    if name == "state":
        return state_words(record)
    if name == "parts":
        return joined((_part(item) for item in record.items(name)), "; ")
    return (record.said(name, code=name in _LETTER_BY_LETTER),)


def _part(item: object) -> Phrase:
    path = item.get("path") or item.get("name") if isinstance(item, dict) else item
    return (quote(path, code=True),) if isinstance(path, str) and path else (_("the folder itself"),)


def _places(parts: Json) -> Phrase:
    return joined(map(_part, parts), "; ") if isinstance(parts, list) and parts else (Absent.WITHHELD,)


def _outcome(record: Record, end: Record | None) -> tuple[Phrase, Mark]:
    last = end if end is not None else record if record.type == "access.end" else None
    if last is None:
        return ((_(words.NO_OUTCOME),), Mark.CAUTION) if record.type == "access.begin" else ((), Mark.NONE)
    state, match = last.text("outcome"), last.values.get("match")
    template = words.OUTCOME.get(state, words.UNKNOWN_OUTCOME)
    pieces = [phrase(template, outcome=last.said("outcome"), error=last.said("error")), *_extent(last)]
    if isinstance(match, bool):
        pieces.append((_(words.MATCH[match]),))
    mark = Mark.BAD if match is False else Mark.NONE if state == "completed" else Mark.CAUTION
    return joined(pieces, " "), Mark.GOOD if mark is Mark.NONE and match is True else mark


def _extent(end: Record) -> list[Phrase]:
    """On what basis, and how much was read."""
    found: list[Phrase] = []
    if basis := words.BASIS.get(end.text("basis")):
        found.append((_(basis),))
    if end.text("read_bytes") and end.text("basis") != "none":
        found.append(phrase(words.READ_BYTES, count=end.said("read_bytes")))
    return found


def remarks(records: Sequence[Record], context: Context) -> Remarks:
    """The notes among `records`, observations apart from opinions."""
    notes = [record for record in records if record.type == "note"]
    opinions = tuple(_remark(record, context) for record in notes if record.text("kind") == "opinion")
    attachments = tuple(_remark(record, context) for record in notes if record.text("kind") == "attachment")
    rest = [record for record in notes if record.text("kind") not in ("opinion", "attachment")]
    return Remarks(tuple(_remark(record, context) for record in rest), opinions, attachments)


def _remark(record: Record, context: Context) -> Remark:
    return Remark(
        entry=record.index,
        at=record.at(),
        who=record.who(),
        text=(record.said("text"),),
        details=_details(record),
        corrections=context.corrections_of(record),
    )


def exhibit_facts(register: Record, records: Sequence[Record], context: Context) -> tuple[Fact, ...]:
    """What the exhibit is, as registered, with later corrections; the files it is kept in, as first read."""
    corrections = context.corrections_of(register)

    def fact(label: str, name: str, value: Phrase | None = None) -> Fact:
        return Fact(label, value or (register.said(name),), of_field(corrections, name))

    facts = [fact("Reference", "ref"), *(fact(label, name) for name, label in EXHIBIT.items())]
    facts.append(fact("State", "state", state_words(register)))
    facts += [fact(label, name) for name, label in EXHIBIT_IF_STATED.items() if register.values.get(name)]
    facts += [fact(label, "seizure", value) for label, value in _seizure(register)]
    facts.append(
        Fact(
            "Taken in", phrase("{at} by {who}, entry {n}", at=register.at(), who=register.who(), n=str(register.index))
        )
    )
    facts.append(Fact("Kept in", _kept_in(records)))
    header = next((record for record in records if record.values.get("header")), None)
    return (*facts, *((Fact("Acquisition header of the container", (header.said("header"),)),) if header else ()))


_ORIGIN = ("agency", "ref", "ledger", "offer", "parent")


def _seizure(register: Record) -> Iterator[tuple[str, Phrase]]:
    """How it was seized, and from which agency's ledger it came, if from one."""
    told = register.mapping("seizure")
    seized: dict[str, Json] = {
        name: value for name, value in told.items() if not told.get("offer") or name not in _ORIGIN
    }
    if seized:
        yield words.SEIZED_LABEL, (quote(seized),)
    if told.get("offer"):
        shown = {name: quote(told.get(name), code=name in ("ledger", "offer")) for name in _ORIGIN}
        yield words.CAME_FROM_LABEL, phrase(words.CAME_FROM, shown)


def _kept_in(records: Sequence[Record]) -> Phrase:
    for record in records:
        if record.type == "access.end" and (parts := record.items("parts")):
            return joined((_sized_part(item) for item in parts), "; ")
    begun = next((record for record in records if record.type == "access.begin" and record.items("parts")), None)
    return _value(begun, "parts") if begun is not None else (Absent.NOT_STATED,)


def _sized_part(item: object) -> Phrase:
    size = item.get("size") if isinstance(item, dict) else None
    return phrase("{name} ({size} bytes)", name=_part(item), size=quote(size)) if isinstance(size, str) else _part(item)
