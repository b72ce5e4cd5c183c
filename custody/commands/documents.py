"""The documents of a report: made in memory, then written and recorded, or given up all together."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from custody.commands.signing import Signature
from custody.ledger.errors import CustodyError
from custody.report.language import ENGLISH, LANGUAGES, speaking

if TYPE_CHECKING:
    from custody.case import Case
    from custody.ledger.bundle import Bundle
    from custody.ledger.entry import Json
    from custody.ledger.verdict import Trust, Verdict
    from custody.report.model import Cover, ExhibitFindings, Handling, Report
    from custody.timestamp.interval import Times, Trusted
    from forensics.results import Run

PAGE, PAPER, BUNDLE = "report.html", "report.pdf", "bundle.json"
PROBLEMS_SHOWN, EVENTS_SHOWN, PERIODS_SHOWN = 200, 40, 62


def named(file: str, language: str) -> str:
    """The name of a document in a language: report.sr-Cyrl.html; English has none in it."""
    stem, _, suffix = file.rpartition(".")
    return file if language == ENGLISH else f"{stem}.{language}.{suffix}"


@dataclass(frozen=True)
class Order:
    """Where to, for whom, what the maker's verification holds the record against, and translations to what."""

    folder: Path
    recipient: str
    held: Trust
    trusted: Trusted
    languages: Sequence[str] = ()


@dataclass(frozen=True)
class Made:
    """What came of it: what it says, the verdict on the bundle, its fingerprint, whether there is a PDF."""

    report: Report
    verdict: Verdict
    fingerprint: str
    paper: bool


def superseded_report(case: Case, folder: Path | None) -> dict[str, dict[str, Json]]:
    """The documents of an earlier report, by name, as the record has them; none where none is named."""
    from custody.disclose import superseded

    if folder is None:
        return {}
    names = [BUNDLE, *(named(file, language) for file in (PAGE, PAPER) for language in LANGUAGES)]
    found = {name: superseded(case, folder / name) for name in names if (folder / name).exists()}
    if not found:
        raise CustodyError(f"{folder} holds no report", f"Name the folder with {PAGE}.")
    return found


@dataclass(frozen=True)
class _Document:
    """One made and not written yet; `more` is what its entry says of it."""

    name: str
    data: bytes
    more: Mapping[str, Json]


def make_report(case: Case, order: Order, earlier: Mapping[str, dict[str, Json]], signature: Signature | None) -> Made:
    """The documents. All are made, and the signature is there, before any is written and recorded with its digest.

    Where that fails no file is left, and the record says that what was about to be handed out was not.
    """
    from custody.disclose import Disclosure, compose, deliver, give_up, register_document
    from custody.durable import write_durably
    from custody.report.handed import beside_bundle

    folder, recipient = order.folder, order.recipient
    what = Disclosure(recipient, beside=beside_bundle(), supersedes=earlier.get(BUNDLE))
    data = compose(case, what, folder / BUNDLE, "report")
    try:
        source = _Source.of(case, order, data)
        made = source.report()
        documents = _documents(made, data, signature)
        for language in order.languages:
            documents += source.translated(language, hashlib.sha256(documents[0].data).hexdigest())
    except CustodyError:
        give_up(case, recipient, "report")
        raise
    deliver(case, what, folder / BUNDLE, data, "report")
    if signature is not None:
        write_durably(folder / "authority.crt", signature.root(), 0o644)
    for document in documents:
        write_durably(folder / document.name, document.data, 0o644)
        replaced = {"supersedes": earlier[document.name]} if document.name in earlier else {}
        more = {**document.more, **replaced}
        register_document(case, recipient, "report", document.name, document.data, extra=more)
    shown = _fingerprint(data)
    write_durably(folder / "fingerprint.txt", f"{shown}\n".encode(), 0o644)
    return Made(made, source.verdict, shown, any(document.name == PAPER for document in documents))


def _documents(
    made: Report, data: bytes, signature: Signature | None, language: str = ENGLISH, original: str = ""
) -> list[_Document]:
    """Page and paper in the language spoken."""
    from custody.report.html import render

    more: dict[str, Json] = {"language": language, **({"translates": original} if original else {})}
    page, name = render(made, data), named(PAGE, language)
    documents = [_Document(name, page, more)]
    if find_spec("typst") is not None:
        from custody.report.paper.typeset import typeset

        paper = typeset(made, page, data, file=name)
        signed: dict[str, Json] = {}
        if signature is not None:
            paper, signed = signature.over(paper, f"{made.title} {made.reference}")
        documents.append(_Document(named(PAPER, language), paper, {**more, **signed}))
    return documents


@dataclass(frozen=True)
class _Source:
    """What a report is made of, in whatever language: a verified bundle, findings, the cover."""

    data: bytes
    verdict: Verdict
    found: Bundle | None
    times: Times
    findings: Sequence[ExhibitFindings]
    cover: Cover

    @staticmethod
    def of(case: Case, order: Order, data: bytes) -> _Source:
        """Verify the bundle as a stranger would, and ask the rules."""
        from custody.ledger.bundle import verify_bundle
        from custody.report.model import Cover
        from custody.timestamp.record import judge_bundle

        verdict, found = verify_bundle(data, order.held)
        times = judge_bundle(data, found, verdict, order.trusted)
        handling = None if verdict.failed or found is None else _handling(case, verdict, found)
        cover = Cover(BUNDLE, hashlib.sha256(data).hexdigest(), recipient=order.recipient, handling=handling)
        return _Source(data, verdict, found, times, _findings(case), cover)

    def report(self, original: str = "") -> Report:
        """In the language spoken; of a translation, `original` is the SHA-256 of the English page."""
        from custody.report.build import build

        return build(self.verdict, self.found, self.findings, replace(self.cover, original=original), self.times)

    def translated(self, language: str, original: str) -> list[_Document]:
        """Its documents in another language. They are not signed: the English report is the one of record."""
        with speaking(language):
            return _documents(self.report(original), self.data, None, language, original)


def _fingerprint(bundle: bytes) -> str:
    from custody.ledger.bundle import decode_bundle
    from custody.ledger.note import fingerprint, parse_note

    return fingerprint(parse_note(str(decode_bundle(bundle)["checkpoint"]).encode()).checkpoint)


def _handling(case: Case, verdict: Verdict, found: Bundle) -> Handling:
    """What the rules say of the bundle, with the deadlines of the case."""
    from custody.handling import Record, examine, tally
    from custody.handling import Settings as Deadlines
    from custody.report.model import Defect, Handling

    deadlines = Deadlines.of(case.facts.get("handling", {}))
    findings = examine(Record.read(found.entries, verdict, deadlines, complete=False))
    counted = tally(findings)
    defects = [
        Defect(
            item.code, str(item.severity), item.exhibit, item.entries, item.rule.title, item.explanation,
            item.rule.meaning, item.checked,
        )
        for item in findings
    ]  # fmt: skip
    return Handling(counted.serious, counted.lesser, defects)


def _findings(case: Case) -> list[ExhibitFindings]:
    """What the newest complete run of every exhibit found, as plain values."""
    from forensics.results import current_runs

    return [_of_run(run) for run in current_runs(case.path / "derived")]


def _of_run(run: Run) -> ExhibitFindings:
    from custody.report.model import EventFound, ExhibitFindings, ProblemFound, VolumeFound
    from forensics.results import file_digest, queries
    from forensics.results.listing import event_json, volume_json

    manifest = run.manifest()
    media = {str(name): str(value) for name, value in manifest.get("media", {}).items() if isinstance(value, str | int)}
    volumes = [
        VolumeFound(
            row["volume"],
            row["offset"],
            row["length"],
            row["description"],
            row["filesystem"],
            row["label"],
            row["problem"],
        )
        for row in map(volume_json, queries.volumes([run]))
    ]
    problems = [
        ProblemFound(f"{row['volume']}:{row['path']}" if row["volume"] else row["path"], row["stage"], row["reason"])
        for row in islice(queries.problems([run]), PROBLEMS_SHOWN)
    ]
    events = [
        EventFound(row["at"], row["meaning"], row["path"], row["message"], row["clock"])
        for row in map(event_json, queries.excerpt(run, EVENTS_SHOWN))
    ]
    digests = {name: file_digest(run.path / name) for name in (*manifest["files"], "manifest.json")}
    counts = manifest.get("counts", {})
    return ExhibitFindings(
        run.exhibit, run.name, media, volumes, counts, problems, events, _activity(run), result_digests=digests
    )


def _activity(run: Run) -> dict[str, dict[str, int]]:
    """Events by day and source, or by month or year where there are too many days to print."""
    from forensics.results.histogram import histogram
    from forensics.results.queries import Filter

    for period in ("day", "month", "year"):
        bars = histogram([run], Filter(), period)
        if len(bars) <= PERIODS_SHOWN:
            break
    return {bar.period: dict(bar.sources) for bar in bars[-PERIODS_SHOWN:]}
