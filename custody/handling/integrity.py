"""CH: the chain itself. Taken from the verification of the record, never computed again; part of INTEGRITY."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from custody.handling._contract import LESSER, SERIOUS, Rule, Seen, days
from custody.handling._record import Record
from custody.ledger.verdict import Finding

_SIGNED = {"signature", "key", "governance"}
_SCHEMA = {"schema"}
_TRUST = "not a ledger you trust"


def _is_foreign(finding: Finding) -> bool:
    return finding.kind == "anchor" and _TRUST in finding.explanation


def _is_cut(finding: Finding) -> bool:
    return finding.kind == "anchor" and not _is_foreign(finding)


def _is_chain(finding: Finding) -> bool:
    return finding.kind not in _SIGNED | _SCHEMA | {"anchor"}


def _failed(chosen: Callable[[Finding], bool]) -> Callable[[Record], Iterator[Seen]]:
    def told(record: Record) -> Iterator[Seen]:
        for finding in filter(chosen, record.verdict.failed):
            entries = () if finding.index is None else (finding.index,)
            yield Seen(entries, f"{finding.explanation} [{finding.kind}]")

    return told


def _disputed(record: Record) -> Iterator[Seen]:
    yield from _failed(lambda finding: finding.kind in _SIGNED)(record)
    for finding in record.verdict.notes:
        if finding.kind == "disputed" and finding.index is not None:
            yield Seen((finding.index,), finding.explanation)


def _unanchored(record: Record) -> Iterator[Seen]:
    """Entries over a long time, and nothing from outside that holds any of them."""
    times = [at for act in record.acts if (at := act.at) is not None]
    outside = record.verdict.anchored or any(record.every("anchor"))
    if not times or outside:
        return
    span = (max(times) - min(times)).total_seconds() / 86400
    if span > record.settings.anchor_days:
        yield Seen((), f"the entries span {days(span)}, and no anchor from outside holds any of them")


def _open_access(record: Record) -> Iterator[Seen]:
    for finding in record.verdict.notes:
        if finding.kind == "open-access" and finding.index is not None:
            resumed = {leaf for act in record.every("access.begin") for leaf in act.answers}
            leaf = next((act.leaf for act in record.acts if act.index == finding.index), b"")
            if leaf not in resumed:
                yield Seen((finding.index,), finding.explanation)


RULES: tuple[Rule, ...] = (
    Rule(
        "CH-01", SERIOUS, "The chain of entries is broken",
        "Entries were changed, added, removed or put elsewhere. Nothing of this record can be relied on before the "
        "reason is known.",
        of_case=_failed(_is_chain), about="integrity",
    ),
    Rule(
        "CH-02", SERIOUS, "An entry is not signed by whom it must be",
        "The person named did not write this entry, or was not entitled to when it was written.",
        of_case=_disputed, about="integrity",
    ),
    Rule(
        "CH-03", SERIOUS, "The end of the record is cut off, or older than one known",
        "An earlier state of this record that you hold does not stand in it: its end was cut off, or it was rewritten.",
        of_case=_failed(_is_cut), about="integrity",
    ),
    Rule(
        "CH-04", SERIOUS, "This is another record than the one that was anchored",
        "The whole history was replaced, or you were given the record of something else.",
        of_case=_failed(_is_foreign), about="integrity",
    ),
    Rule(
        "CH-05", LESSER, "Nothing from outside holds the record",
        "That the whole history was replaced cannot be excluded. Ask for a fingerprint lodged with somebody else.",
        of_case=_unanchored, about="integrity",
    ),
    Rule(
        "CH-06", LESSER, "An access has no outcome",
        "The program was stopped or bypassed; the access may have read everything. Ask what happened.",
        of_case=_open_access, about="integrity",
    ),
    Rule(
        "CH-07", LESSER, "The database is not as it was made",
        "Triggers that keep entries from being changed are missing, or tables differ: somebody worked on the file.",
        of_case=_failed(lambda finding: finding.kind in _SCHEMA), about="integrity",
    ),
)  # fmt: skip
