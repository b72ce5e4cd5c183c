"""A verified entry as the report reads it: opened fields, what is withheld, how to say who and when."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from custody.ledger.bundle import Bundle, Disclosed
from custody.ledger.entry import Json
from custody.ledger.verdict import Verdict
from custody.report import words
from custody.report.language import _, when
from custody.report.model import Correction
from custody.report.phrase import Absent, Phrase, Piece, phrase, quote

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d{9}Z")


@dataclass(frozen=True, slots=True)
class Record:
    """One disclosed entry. `values` holds only openings that open what was signed; `n` is None outside a sequence."""

    source: Disclosed
    values: Mapping[str, Json]
    erased: frozenset[str] = frozenset()

    @property
    def index(self) -> int:
        return self.source.index

    @property
    def leaf(self) -> bytes:
        return self.source.leaf

    @property
    def type(self) -> str:
        return self.source.entry.type

    @property
    def n(self) -> int | None:
        x = self.source.entry.x
        return x.n if x is not None else None

    @property
    def target(self) -> bytes | None:
        """The one entry that this one answers."""
        re_ = self.source.entry.re
        return re_[0] if re_ else None

    @property
    def withheld(self) -> int:
        """How many fields are closed, but for the secret behind a manifest's salts: nobody is ever shown that."""
        return len(self.source.entry.commits.keys() - self.values.keys() - {"manifest_secret"} - self.erased)

    def said(self, name: str, *, code: bool = False) -> Piece:
        """A field for print: its value, or why there is none."""
        if name in self.values:
            return quote(self.values[name], code=code)
        if name in self.erased:
            return Absent.ERASED
        return Absent.WITHHELD if name in self.source.entry.commits else Absent.NOT_STATED

    def text(self, name: str) -> str:
        """A field's text, or "" where it is anything else."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def mapping(self, name: str) -> Mapping[str, Json]:
        """A field's object, or {}."""
        value = self.values.get(name)
        return value if isinstance(value, dict) else {}

    def file_digests(self, name: str) -> dict[str, str]:
        """SHA-256 by file name, of a list of {name, sha256}."""
        named = (item for item in self.items(name) if isinstance(item, dict))
        return {str(item.get("name")): str(item.get("sha256")) for item in named}

    def items(self, name: str) -> Sequence[Json]:
        """A field's list, or []."""
        value = self.values.get(name)
        return value if isinstance(value, list) else []

    def at(self) -> Phrase:
        """The claimed time to the second, or as written when it is not of the record's form."""
        found = _TIME.fullmatch(self.text("claimed_at"))
        return (f"{when(f'{found[1]} {found[2]}')} UTC",) if found else (self.said("claimed_at"),)

    def who(self) -> Phrase:
        """Name, then role and agency where they are stated."""
        extra = [self.said(name) for name in ("role", "agency") if self.text(name)]
        between = phrase(" ({role}, {agency})", role=extra[0], agency=extra[1]) if len(extra) == 2 else ()
        return (self.said("actor"), *(between or (phrase(" ({it})", it=extra[0]) if extra else ())))


def read_records(bundle: Bundle, verdict: Verdict) -> tuple[Record, ...]:
    """The bundle's entries, without the openings that open nothing that was signed."""
    doubtful = {finding.index for finding in verdict.failed if finding.kind == "opening"}
    return tuple(
        Record(
            item,
            {
                name: opening.value
                for name, opening in item.openings.items()
                if item.index not in doubtful or item.entry.opens(name, opening)
            },
            frozenset(bundle.erased.get(item.leaf, set())),
        )
        for item in bundle.entries
    )


def read_corrections(records: Sequence[Record]) -> dict[bytes, tuple[Correction, ...]]:
    """Corrections by the leaf of the entry that they correct, in the order they were made."""
    by_leaf = {record.leaf: record for record in records}
    found: dict[bytes, tuple[Correction, ...]] = {}
    for record in records:
        if record.type == "correct" and record.target is not None:
            correction = _correction(record, by_leaf.get(record.target))
            found[record.target] = (*found.get(record.target, ()), correction)
    return found


def _correction(record: Record, target: Record | None) -> Correction:
    name, fits = record.text("name"), None
    if target is not None and name in target.values and "old" in record.values:
        fits = target.values[name] == record.values["old"]
    return Correction(
        entry=record.index,
        target=target.index if target is not None else None,
        name=(record.said("name"),),
        old=(record.said("old"),),
        new=(record.said("new"),),
        reason=(record.said("reason"),),
        who=record.who(),
        at=record.at(),
        fits=fits,
    )


def of_field(corrections: Sequence[Correction], name: str) -> tuple[Correction, ...]:
    """The corrections that concern one field."""
    return tuple(item for item in corrections if item.name == (quote(name),))


def entry_numbers(indices: Sequence[int]) -> str:
    """One entry by its number, or how many there are and between which."""
    if len(indices) == 1:
        return _("entry {n}").format(n=indices[0])
    return _("{count} entries, {first} to {last}").format(count=len(indices), first=indices[0], last=indices[-1])


def state_words(record: Record) -> Phrase:
    """The state of an exhibit, explained where it is one of the known ones."""
    known = words.STATE.get(record.text("state"))
    return (_(known),) if known else (record.said("state"),)
