"""A verdict and the bundle it is about -> a report.

Nothing enters that the verified bundle does not hold, except the examination results handed in, and these are held
against the digests in the record.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from custody.ledger.bundle import Bundle
from custody.ledger.note import fingerprint, parse_note
from custody.ledger.verdict import Finding, Result, Verdict
from custody.report import words
from custody.report.account import account
from custody.report.annex import entry_lines, key_lines, tool_lines
from custody.report.digests import container_lines, medium_digests
from custody.report.language import _, number
from custody.report.model import (
    Case,
    Cover,
    Examined,
    Exhibit,
    ExhibitFindings,
    Fact,
    FileRead,
    HandlingLine,
    Head,
    Integrity,
    Line,
    Mark,
    Remarks,
    Report,
    VolumeFound,
)
from custody.report.phrase import Absent, Phrase, phrase, plain, quote, visible
from custody.report.record import Record, of_field, read_corrections, read_records
from custody.report.steps import Context, custody_steps, exhibit_facts, remarks
from custody.report.times import stamp_lines
from custody.report.told import sentence, told
from custody.report.track import custody_track
from custody.report.words_layout import CASE, COUNTED
from custody.timestamp.interval import Times

MAX_FINDINGS = 200
"""Failures and notes printed; a bundle can be wrong in thousands of places."""


@dataclass(frozen=True, slots=True)
class _Contents:
    """What a readable bundle shows."""

    records: tuple[Record, ...]
    context: Context
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    findings: tuple[ExhibitFindings, ...]

    def chain(self, n: int) -> list[Record]:
        return [record for record in self.records if record.n == n]


def build(
    verdict: Verdict,
    bundle: Bundle | None,
    findings: Sequence[ExhibitFindings],
    cover: Cover,
    times: Times | None = None,
) -> Report:
    """The report on what `custody.ledger.bundle.verify_bundle` returned, and what its time-stamps prove (`times`).

    `bundle` None (its shape alone condemned it) gives a report that says BROKEN and prints nothing of it. The same
    arguments give an equal report: it knows no clock. Its date is the claimed time of the last closing entry.
    """
    records = read_records(bundle, verdict) if bundle is not None else ()
    times = Times() if times is None else times
    context = Context({record.leaf: record for record in records}, read_corrections(records), times)
    contents = _Contents(records, context, bundle.rows if bundle is not None else (), tuple(findings))
    exhibits = tuple(_exhibit(record, contents) for record in records if record.type == "exhibit.register")
    closed = next((record for record in reversed(records) if record.type == "closing"), None)
    head = _head(verdict, bundle)
    case = _case(verdict, contents)
    refs = {record.text("ref") for record in records if record.type == "exhibit.register"}
    return Report(
        reference=_reference(cover, case, head),
        title=_(words.TITLE),
        dated=closed.at() if closed is not None else (Absent.NOT_STATED,),
        closed_at=closed.text("claimed_at") if closed is not None else "",
        recipient=(quote(cover.recipient),),
        integrity=_integrity(verdict, bundle, records),
        handling=_handling(cover),
        head=head,
        verify_yourself=tuple((_(text),) for text in words.VERIFY_YOURSELF),
        command=f"python verify.py {shlex.quote(cover.bundle_name)} --anchor FINGERPRINT",
        bundle=_bundle_facts(cover),
        shown=bundle is not None,
        case=case,
        account=account(records, exhibits, verdict),
        exhibits=exhibits,
        stamps=stamp_lines(times),
        case_steps=custody_steps([record for record in records if not record.n], context),
        case_remarks=remarks([record for record in records if not record.n], context),
        left_out=tuple(
            phrase(words.LEFT_OUT, ref=quote(item.exhibit_ref)) for item in findings if item.exhibit_ref not in refs
        ),
        limits=(*words.LIMITS, *((words.ONE_KEEPER,) if _one_keeper(records) else ())),
        entries=entry_lines(records, {exhibit.n: exhibit.title for exhibit in exhibits}, times),
        keys=key_lines(records),
        tools=tool_lines(records),
        glossary=words.GLOSSARY,
        original=cover.original,
    )


# --- the two verdict lines --------------------------------------------------------------------------------

_MARKS: Mapping[Result, Mark] = {
    Result.INTACT: Mark.GOOD,
    Result.WITH_NOTES: Mark.CAUTION,
    Result.BROKEN: Mark.BAD,
}


def _integrity(verdict: Verdict, bundle: Bundle | None, records: Sequence[Record]) -> Integrity:
    failed = [_failure(item) for item in verdict.failed]
    notes = [Line(item.index, sentence(item.explanation)) for item in verdict.notes]
    if not verdict.anchored:
        notes.insert(0, Line(None, (_(words.NO_ANCHOR),)))
    unknown = [text for text in dict.fromkeys(verdict.not_checked) if not text.startswith("no anchor")]  # said above
    meaning = _(words.VERDICT[verdict.result] if bundle is not None else words.UNREADABLE)
    return Integrity(
        headline=_(str(verdict.result)),
        mark=_MARKS[verdict.result],
        meaning=f"{meaning} {_(words.OWN_ANCHOR)}" if verdict.anchored else meaning,
        failed=tuple(failed[:MAX_FINDINGS]),
        notes=tuple(notes[:MAX_FINDINGS]),
        more=max(0, len(failed) - MAX_FINDINGS) + max(0, len(notes) - MAX_FINDINGS),
        proved=tuple(map(sentence, verdict.proved)),
        not_checked=tuple(map(sentence, unknown[:MAX_FINDINGS])),
        counts=_counts(verdict, records),
    )


def _failure(finding: Finding) -> Line:
    meaning = _(words.FAILURE.get(finding.kind, ""))
    detail = told(finding.explanation)
    return Line(finding.index, phrase("{meaning} In detail: {detail}.", meaning=meaning, detail=detail))


def _counts(verdict: Verdict, records: Sequence[Record]) -> tuple[str, ...]:
    """What was counted; the secret behind a manifest's salts is no statement that somebody keeps back."""
    secrets = sum(
        "manifest_secret" in record.source.entry.commits and "manifest_secret" not in record.values
        for record in records
    )
    counted = dict(sorted(verdict.checked.items()))
    counted["fields withheld"] = max(0, counted.get("fields withheld", 0) - secrets)
    templates = {name: COUNTED.get(name, f"{name} {{count}}") for name in counted}
    return tuple(_(templates[name]).format(count=number(how_many)) for name, how_many in counted.items())


def _handling(cover: Cover) -> HandlingLine:
    if cover.handling is None:
        return HandlingLine(_(words.HANDLING_NOT_CHECKED), Mark.CAUTION, _(words.HANDLING_NOT_CHECKED_MEANING))
    found = cover.handling
    mark = Mark.BAD if found.serious else Mark.CAUTION if found.lesser else Mark.GOOD
    headline = _(words.HANDLING_COUNTED).format(serious=found.serious, lesser=found.lesser)
    return HandlingLine(headline, mark, _(words.HANDLING_CHECKED_MEANING), tuple(found.defects))


def _head(verdict: Verdict, bundle: Bundle | None) -> Head:
    if bundle is None:
        return Head(verdict.ledger, -1, "", (Absent.NOT_STATED,))
    checkpoint = parse_note(bundle.checkpoint.encode()).checkpoint
    domain = checkpoint.origin.partition("/")[0]
    return Head(verdict.ledger, checkpoint.size - 1, fingerprint(checkpoint), (quote(domain),))


def _reference(cover: Cover, case: Case, head: Head) -> str:
    number = next((plain(fact.value) for fact in case.facts if fact.label == "Case number"), "")
    made = f"{number} · {head.fingerprint[:16]}" if head.fingerprint else number
    return plain((quote(cover.reference or made),))


def _bundle_facts(cover: Cover) -> tuple[Fact, ...]:
    facts = [Fact("Bundle", (quote(cover.bundle_name, code=True),))]
    if cover.bundle_sha256:
        facts.append(Fact("SHA-256 of the bundle file", (quote(cover.bundle_sha256, code=True),)))
    return tuple(facts)


# --- the case ---------------------------------------------------------------------------------------------


def _case(verdict: Verdict, contents: _Contents) -> Case:
    genesis = next((record for record in contents.records if record.type == "genesis"), None)
    if genesis is None:
        return Case(verdict.kind, (), ())
    case = genesis.mapping("case")
    corrections = of_field(contents.context.corrections_of(genesis), "case")
    absent = (genesis.said("case"),) if not case else (Absent.NOT_STATED,)
    facts = [
        Fact(label, (quote(case[name]),) if case.get(name) else absent)
        for name, label in CASE.items()
        if name != "title" or case.get(name)
    ]
    if corrections:
        facts.append(Fact("As first stated", (genesis.said("case"),), corrections))
    return Case(verdict.kind, tuple(facts), _people(contents.records))


def _people(records: Sequence[Record]) -> tuple[Phrase, ...]:
    """Everyone in whose name entries stand, with the key used, in order of appearance."""
    named = (
        phrase("{who}, key {key}", who=record.who(), key=quote(record.source.entry.key.hex()[:16], code=True))
        for record in records
        if record.text("actor")
    )
    return tuple(dict.fromkeys(named))


def _one_keeper(records: Sequence[Record]) -> bool:
    policies = (record.source.entry.pub.get("policy") for record in records if record.type == "genesis")
    return any(isinstance(policy, dict) and policy.get("keeper_same_as_author") is True for policy in policies)


# --- exhibits ---------------------------------------------------------------------------------------------


def _exhibit(register: Record, contents: _Contents) -> Exhibit:
    n = register.n or 0
    chain = contents.chain(n)
    medium = medium_digests(chain)
    examined = tuple(
        _examined(item, chain)
        for item in contents.findings
        if item.exhibit_ref == register.text("ref") and item.exhibit_ref
    )
    return Exhibit(
        n=n,
        title=phrase("Exhibit {ref}", ref=register.said("ref"))
        if register.text("ref")
        else phrase("Exhibit number {n} (reference: {ref})", n=str(n), ref=register.said("ref")),
        facts=exhibit_facts(register, chain, contents.context),
        steps=custody_steps(chain, contents.context),
        remarks=remarks(chain, contents.context) if chain else Remarks(),
        digests=medium.lines,
        verdict=medium.verdict,
        verdict_mark=medium.mark,
        containers=container_lines(chain),
        files_read=tuple(_file_read(index, row) for index, row in contents.rows if index in {r.index for r in chain}),
        examined=examined,
        unread=_unread(chain, examined),
        track=custody_track(chain),
    )


def _file_read(index: int, row: tuple[str, ...]) -> FileRead:
    volume, path, meta, stream, outcome, size, sha256 = (*row, *[""] * 7)[:7]
    whole = f"{path}:{stream}" if stream else path
    return FileRead(
        entry=index,
        volume=plain((quote(volume),)) if volume else "",
        path=(quote(whole, code=True),),
        meta=plain((quote(meta),)) if meta else "",
        outcome=plain((quote(outcome),)) if outcome else "",
        size=plain((quote(size),)) if size else "",
        sha256=(quote(sha256, code=True),),
    )


def _examined(findings: ExhibitFindings, chain: Sequence[Record]) -> Examined:
    named = [
        (record.index, record.file_digests("result_digests")) for record in chain if record.items("result_digests")
    ]
    if not findings.result_digests or not named:
        return Examined(findings, _(words.BOUND_UNKNOWN), Mark.CAUTION)
    for index, digests in reversed(named):
        both = findings.result_digests.keys() & digests.keys()
        if both and all(findings.result_digests[name] == digests[name] for name in both):
            bound = _(words.BOUND).format(entry=index)
            if unnamed := sorted(findings.result_digests.keys() - both):
                names = visible(", ".join(unnamed))
                return Examined(findings, f"{bound} {_(words.UNNAMED).format(names=names)}", Mark.CAUTION)
            return Examined(findings, bound, Mark.GOOD)
    return Examined(findings, _(words.NOT_BOUND), Mark.BAD)


def _unread(chain: Sequence[Record], examined: Sequence[Examined]) -> tuple[Line, ...]:
    """Accesses that did not complete, and volumes that could not be read."""
    completed = {record.target for record in chain if record.text("outcome") == "completed"}
    begun = [record for record in chain if record.type == "access.begin"]
    lines = [Line(record.index, (_(words.UNREAD_ACCESS),)) for record in begun if record.leaf not in completed]
    volumes = [volume for item in examined for volume in item.findings.volumes if volume.problem]
    return (*lines, *(Line(None, _unread_volume(volume)) for volume in volumes))


def _unread_volume(volume: VolumeFound) -> Phrase:
    return phrase(
        words.UNREAD_VOLUME,
        volume=quote(volume.volume),
        description=quote(volume.description),
        problem=quote(volume.problem),
    )
