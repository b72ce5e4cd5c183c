"""What a verifier brings (`Trust`) and what it takes away (`Verdict`)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum

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
        """Read a trust file, JSON {ledgers, heads, witnesses, quorum, tsa_roots}; MalformedError when it is none.

        The verifier writes it by hand, so any JSON layout will do. A ledger's id is 64 hex digits, a head a checkpoint;
        `tsa_roots` are for who examines time-stamps (R36).
        """
        try:
            value = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise MalformedError("not a trust file: it is not JSON") from error
        known = {"ledgers", "heads", "witnesses", "quorum", "tsa_roots"}
        if not isinstance(value, dict) or not value.keys() <= known:
            raise MalformedError(f"not a trust file: its fields are {', '.join(sorted(known))}")
        ledgers, heads = value.get("ledgers", []), value.get("heads", [])
        if not isinstance(ledgers, list) or not isinstance(heads, list):
            raise MalformedError("not a trust file: ledgers and heads are lists")
        if not all(isinstance(item, str) and re.fullmatch("[0-9a-f]{64}", item) for item in ledgers):
            raise MalformedError("not a trust file: a ledger's id is 64 hex digits")
        if not all(isinstance(item, str) for item in heads):
            raise MalformedError("not a trust file: a head is the text of a checkpoint")
        unused = tuple(name for name in ("witnesses", "quorum") if value.get(name))
        trust = cls(frozenset(map(bytes.fromhex, ledgers)), unused=unused)
        for head in heads:
            trust = trust.with_anchor(parse_note(head.encode(errors="surrogatepass")))
        return trust

    def with_anchor(self, anchor: Note | str) -> Trust:
        """The same trust and one kept checkpoint, or the fingerprint of one (64 hex digits)."""
        if isinstance(anchor, str):
            return Trust(self.ledgers, self.heads, self.fingerprints | {anchor}, self.unused)
        if anchor.checkpoint.size == 0:
            raise MalformedError("a checkpoint of size 0 anchors nothing")
        return Trust(self.ledgers, (*self.heads, anchor), self.fingerprints, self.unused)
