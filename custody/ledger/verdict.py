"""What a verifier brings (`Trust`) and what it takes away (`Verdict`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from custody.ledger.entry import decode, unb64
from custody.ledger.errors import MalformedError
from custody.ledger.note import Note, parse_note


class Result(StrEnum):
    """INTEGRITY. It says nothing of how the evidence was handled."""

    INTACT = "INTACT"
    WITH_NOTES = "INTACT WITH NOTES"
    BROKEN = "BROKEN"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found, at an entry (`index`) or of the ledger as a whole (None)."""

    index: int | None
    kind: str
    explanation: str


@dataclass(slots=True)
class Verdict:
    """What was proved, what failed, what stands but must be told, and what was not examined."""

    ledger: str = ""
    size: int = 0
    root: str = ""
    kind: str = ""
    anchored: bool = False
    checked: dict[str, int] = field(default_factory=dict)
    proved: list[str] = field(default_factory=list)
    failed: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)

    @property
    def result(self) -> Result:
        if self.failed:
            return Result.BROKEN
        return Result.WITH_NOTES if self.notes or not self.anchored else Result.INTACT

    def fail(self, index: int | None, kind: str, explanation: str) -> None:
        self.failed.append(Finding(index, kind, explanation))

    def remark(self, index: int | None, kind: str, explanation: str) -> None:
        self.notes.append(Finding(index, kind, explanation))

    def count(self, what: str, number: int = 1) -> None:
        self.checked[what] = self.checked.get(what, 0) + number


@dataclass(frozen=True, slots=True)
class Trust:
    """What the verifier holds from elsewhere: ledger ids, kept heads, fingerprints. Empty: nothing."""

    ledgers: frozenset[bytes] = frozenset()
    heads: tuple[Note, ...] = ()
    fingerprints: frozenset[str] = frozenset()
    unused: tuple[str, ...] = ()

    @classmethod
    def parse(cls, data: bytes) -> Trust:
        """Read a trust file {ledgers, heads, witnesses, quorum, tsa_roots}; MalformedError when it is none."""
        value = decode(data.strip(), 4 * 1024 * 1024)
        known = {"ledgers", "heads", "witnesses", "quorum", "tsa_roots"}
        if not isinstance(value, dict) or not value.keys() <= known:
            raise MalformedError("not a trust file: unknown fields")
        ledgers, heads = value.get("ledgers", []), value.get("heads", [])
        if not isinstance(ledgers, list) or not isinstance(heads, list):
            raise MalformedError("not a trust file: ledgers and heads are lists")
        unused = tuple(name for name in ("witnesses", "tsa_roots") if value.get(name))
        notes = tuple(parse_note(head.encode()) for head in heads if isinstance(head, str))
        return cls(frozenset(unb64(item, 32) for item in ledgers), notes, unused=unused)

    def with_anchor(self, anchor: Note | str) -> Trust:
        """The same trust and one kept checkpoint, or the fingerprint of one (64 hex digits)."""
        if isinstance(anchor, str):
            return Trust(self.ledgers, self.heads, self.fingerprints | {anchor}, self.unused)
        return Trust(self.ledgers, (*self.heads, anchor), self.fingerprints, self.unused)
