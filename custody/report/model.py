"""What a report says, whatever it is printed as: plain frozen values, made by `custody.report.build`.

Every format is laid out from one `Report`, so that no two can disagree. A `Phrase` tells our
words from those of the record. Order of the fields = order of the sections.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from custody.report.phrase import Phrase

if TYPE_CHECKING:
    from custody.report.account import Account
    from custody.report.track import Track


class Mark(Enum):
    """How a line is to be set off. It never carries meaning alone: the words say the same."""

    NONE = "none"
    GOOD = "good"
    CAUTION = "caution"
    BAD = "bad"


# --- what the caller brings -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Defect:
    """What one rule of handling found: in which entries, in words, and what a reader should make of it.

    `severity`: serious, lesser or notice. `exhibit`: its reference, "" for the case. `checked` False: the rule was
    not asked, and `says` tells why.
    """

    code: str
    severity: str
    exhibit: str
    entries: tuple[int, ...]
    title: str
    says: str
    meaning: str
    checked: bool = True


@dataclass(frozen=True, slots=True)
class Handling:
    """Outcome of checking the handling rules: how many serious and lesser defects, and each of them."""

    serious: int
    lesser: int
    defects: Sequence[Defect] = ()


@dataclass(frozen=True, slots=True)
class Cover:
    """What the record itself does not hold.

    `reference`: of this report; empty: made from the case number and the head. `bundle_name`: the file handed over with
    the report. `bundle_sha256`: its digest, hex. `handling`: None when the rules were not checked. `original`: of a
    translation, the SHA-256 (hex) of the document that it translates.
    """

    bundle_name: str
    bundle_sha256: str = ""
    reference: str = ""
    recipient: str = ""
    handling: Handling | None = None
    original: str = ""


@dataclass(frozen=True, slots=True)
class VolumeFound:
    """A volume of an exhibit's medium. `offset` and `length` are decimal byte counts; `problem` says why unread."""

    volume: str
    offset: str
    length: str
    description: str
    filesystem: str = ""
    label: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ProblemFound:
    """Something that could not be read or understood: where, at which stage, why."""

    where: str
    stage: str
    reason: str


@dataclass(frozen=True, slots=True)
class EventFound:
    """A line of the timeline. `at`: ISO 8601 UTC or ""; `clock`: UTC, declared or unknown (design: Clock)."""

    at: str
    kind: str
    path: str
    message: str
    clock: str


@dataclass(frozen=True, slots=True)
class ExhibitFindings:
    """What one run found in one exhibit, as plain values.

    `media`: name -> value (format, size, sector_size ...). `counts`: files, events, artefacts, problems.
    `problems` and `timeline` may be excerpts (first ones, first/last ones); the counts tell how many there are.
    `activity`: day, month or year (ISO 8601) -> source -> events.
    `result_digests`: result file -> SHA-256 hex of the files the values were read from, held against the ledger's.
    """

    exhibit_ref: str
    run: str
    media: Mapping[str, str] = field(default_factory=dict)
    volumes: Sequence[VolumeFound] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    problems: Sequence[ProblemFound] = ()
    timeline: Sequence[EventFound] = ()
    activity: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    result_digests: Mapping[str, str] = field(default_factory=dict)


# --- what the report says ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One statement, at an entry (`entry`) or of the record as a whole (None)."""

    entry: int | None
    says: Phrase


@dataclass(frozen=True, slots=True)
class Integrity:
    """INTEGRITY: `headline` is the verdict; the four lists say why. `more`: failures and notes beyond those listed."""

    headline: str
    mark: Mark
    meaning: str
    failed: tuple[Line, ...]
    notes: tuple[Line, ...]
    more: int
    proved: tuple[Phrase, ...]
    not_checked: tuple[Phrase, ...]
    counts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HandlingLine:
    """HANDLING, never mixed with integrity; `defects` in the order of their weight, then rules that were not asked."""

    headline: str
    mark: Mark
    meaning: str
    defects: tuple[Defect, ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """Up to where the record is shown: its id (hex), last entry, fingerprint of its checkpoint (hex)."""

    ledger: str
    last_entry: int
    fingerprint: str
    domain: Phrase


@dataclass(frozen=True, slots=True)
class Correction:
    """A field put right by a later entry: both values, the reason, by whom and when.

    `fits`: the old value is that of the entry it corrects; None where that is not shown.
    """

    entry: int
    target: int | None
    name: Phrase
    old: Phrase
    new: Phrase
    reason: Phrase
    who: Phrase
    at: Phrase
    fits: bool | None


@dataclass(frozen=True, slots=True)
class Fact:
    """A labelled value and what later entries made of it."""

    label: str
    value: Phrase
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """The case as its first entry states it. `kind`: live, exercise, or "" when that is not shown."""

    kind: str
    facts: tuple[Fact, ...]
    people: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A row of a custody table: one entry, or the beginning (`entry`) and end (`ended`) of one access.

    `at`, `until`: claimed times; `proved`, `proved_until`: between which moments, by time-stamps; empty where none.
    """

    entry: int
    ended: int | None
    at: Phrase
    proved: Phrase
    until: Phrase
    proved_until: Phrase
    who: Phrase
    what: Phrase
    details: tuple[Fact, ...]
    outcome: Phrase
    mark: Mark
    corrections: tuple[Correction, ...]
    withheld: int


@dataclass(frozen=True, slots=True)
class Remark:
    """A note of an examiner: an observation, an opinion or an attachment."""

    entry: int
    at: Phrase
    who: Phrase
    text: Phrase
    details: tuple[Fact, ...]
    corrections: tuple[Correction, ...]


@dataclass(frozen=True, slots=True)
class Remarks:
    """Observations, opinions and attachments, kept apart. Notes of another kind stand with the observations."""

    observations: tuple[Remark, ...] = ()
    opinions: tuple[Remark, ...] = ()
    attachments: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class DigestLine:
    """A digest, where it comes from, and how it compares with the first one computed from the whole medium."""

    algorithm: str
    source: Phrase
    value: Phrase
    compared: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class ContainerLine:
    """Digest of one file the image is kept in; never to be compared with a digest of the medium."""

    file: Phrase
    source: Phrase
    algorithm: str
    value: Phrase


@dataclass(frozen=True, slots=True)
class Examined:
    """One exhibit's results, with what the ledger says of the result files."""

    findings: ExhibitFindings
    bound: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class FileRead:
    """One file whose reading in the access that ended at `entry` is proved by its manifest."""

    entry: int
    volume: str
    path: Phrase
    meta: str
    outcome: str
    size: str
    sha256: Phrase


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One exhibit: what it is, what happened to it, its digests, what was found. `n` is its ordinal in the ledger."""

    n: int
    title: Phrase
    facts: tuple[Fact, ...]
    steps: tuple[Step, ...]
    remarks: Remarks
    digests: tuple[DigestLine, ...]
    verdict: str
    verdict_mark: Mark
    containers: tuple[ContainerLine, ...]
    files_read: tuple[FileRead, ...]
    examined: tuple[Examined, ...]
    unread: tuple[Line, ...]
    track: Track


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One entry as the annex lists it. `leaf` and `key` are whole (hex)."""

    index: int
    type: str
    exhibit: Phrase
    at: Phrase
    proved: Phrase
    key: str
    leaf: str


@dataclass(frozen=True, slots=True)
class StampLine:
    """One time-stamp from outside: the entry that carries it, its time, by whom, over what, whether it holds."""

    entry: int
    at: Phrase
    accuracy: str
    authority: Phrase
    covers: str
    state: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key: id (hex), algorithm, what the ledger lets it do, the names used with it, entries it signed."""

    key: str
    algorithm: str
    part: str
    names: Phrase
    entries: int


@dataclass(frozen=True, slots=True)
class ToolLine:
    """One tool as the entries name it, with the first and last entry that do, and how many."""

    tool: Phrase
    first: int
    last: int
    entries: int


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report. `closed_at`: the claimed time of the last closing entry, as written.

    `shown` is False when the bundle's shape alone condemned it and nothing of it can be printed.
    """

    reference: str
    title: str
    dated: Phrase
    closed_at: str
    recipient: Phrase
    integrity: Integrity
    handling: HandlingLine
    head: Head
    verify_yourself: tuple[Phrase, ...]
    command: str
    bundle: tuple[Fact, ...]
    shown: bool
    case: Case
    account: Account
    exhibits: tuple[Exhibit, ...]
    stamps: tuple[StampLine, ...]
    case_steps: tuple[Step, ...]
    case_remarks: Remarks
    left_out: tuple[Phrase, ...]
    limits: tuple[str, ...]
    entries: tuple[EntryLine, ...]
    keys: tuple[KeyLine, ...]
    tools: tuple[ToolLine, ...]
    glossary: tuple[tuple[str, str], ...]
    original: str
