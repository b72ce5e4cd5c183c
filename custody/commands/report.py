"""`evikit report`: the court report and the bundle that proves it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custody.commands.certificates import templates_from, write_certificates
from custody.commands.exports import FORMS, bag_from, write_exports
from custody.commands.screen import INTEGRITY, Settings, passphrase, put_facts, put_json, remark, with_settings, writing
from custody.commands.signing import Signature, signing_from
from custody.commands.trust import trust_from, trust_option, trusted_from
from custody.ledger.errors import CustodyError

if TYPE_CHECKING:
    from custody.case import Case
    from custody.ledger.bundle import Bundle
    from custody.ledger.entry import Json
    from custody.ledger.verdict import Trust, Verdict
    from custody.report.model import ExhibitFindings, Handling, Report
    from custody.timestamp.interval import Trusted
    from forensics.results import Run

PAGE, PAPER, BUNDLE = "report.html", "report.pdf", "bundle.json"
PROBLEMS_SHOWN, EVENTS_SHOWN = 200, 40


@click.command()
@click.option("-o", "--output", "folder", required=True, type=click.Path(path_type=Path), help="A new folder.")
@click.option("--for", "recipient", default="the court", show_default=True, help="Who it is for: it is recorded.")
@click.option("--export", "exports", multiple=True, type=click.Choice(FORMS),
              help="Also for other programs: CASE/UCO, the custody table, the list of files.")  # fmt: skip
@click.option("--certificate", "certificates", multiple=True, metavar="NAME|FILE",
              help="Also a certificate: us-902-13, us-902-14, ew-statement, coe-generic, or a file.")  # fmt: skip
@click.option("--bag", multiple=True, metavar="REF", help="Also a BagIt bag of this exhibit and the documents.")
@click.option("--purpose", metavar="TEXT", help="With --bag: why the exhibits are read.")
@click.option("--sign", is_flag=True, help="Sign report.pdf by the case's own authority.")
@click.option("--sign-with", metavar="FILE", help="Sign report.pdf with the certificate in a PKCS#12 file.")
@click.option(
    "--timestamp", metavar="URL", help="With a signature: the authority that time-stamps it; --trust names it."
)
@click.option(
    "--supersedes", type=click.Path(path_type=Path), help="The earlier report (its folder) that this one replaces."
)
@click.option("--view", is_flag=True, help="Then show report.html in a browser of this machine, until it is stopped.")
@trust_option
@with_settings
def report(settings: Settings, folder: Path, recipient: str, supersedes: Path | None, **options: Any) -> None:
    """Write report.html, report.pdf, bundle.json, fingerprint.txt and verify.py into a new folder.

    The bundle is verified as a stranger would, and the report is made from nothing else, but for the results of the
    examination, which are held against the digests in the ledger. That it was made, and for whom, is recorded.
    """
    from custody.report.handed import VERIFIER

    order = _Order(folder, recipient, trust_from((), options["trust"]), trusted_from(options["trust"]))
    templates = templates_from(options["certificates"])
    signing, bag = signing_from(options, order.trusted), bag_from(options)
    if signing is not None and find_spec("pyhanko") is None:
        raise CustodyError("signing needs the extra `pdf`", "pip install 'evikit[pdf]'")
    if folder.exists() and any(folder.iterdir()):
        raise CustodyError(f"{folder} is not empty", "Choose a new folder: nothing is overwritten.")
    folder.mkdir(parents=True, exist_ok=True)
    ask = cache(passphrase)
    with writing(settings, ask) as case:
        earlier = _superseded(case, supersedes)
        signature = signing.ready(case, ask) if signing is not None else None
        if bag is not None:
            bag.copy_exhibits(case, folder)
        made = _make(case, order, earlier, signature)
        exported = write_exports(case, folder, recipient, made.report, options["exports"])
        exported |= write_certificates(case, folder, recipient, made.report, templates)
        if bag is not None:
            exported["bag"] = bag.finish(case, folder, recipient, made.report)
    facts: dict[str, Any] = {"verdict": str(made.verdict.result), "report": str(folder / PAGE)}
    facts |= {"pdf": str(folder / PAPER)} if made.paper else {}
    facts |= exported
    facts |= {"bundle": str(folder / BUNDLE), "verifier": str(folder / VERIFIER), "fingerprint": made.fingerprint}
    if settings.json:
        put_json(facts)
    else:
        put_facts(facts)
        remark(settings, "Lodge the fingerprint with the court, by another way than the report itself.")
    if not made.paper:
        remark(settings, "No report.pdf: it needs the extra `pdf` (pip install 'evikit[pdf]').")
    if options["view"]:
        _view(settings, folder / PAGE)
    if made.verdict.failed:
        click.get_current_context().exit(INTEGRITY)


def _view(settings: Settings, page: Path) -> None:
    """Serve the page to this machine and open it, until the command is stopped. Nothing else is served."""
    import webbrowser

    from custody.report.view import Viewer

    with Viewer(page.read_bytes()) as server:
        remark(settings, f"{server.url} shows it, on this machine alone, until Ctrl-C.")
        webbrowser.open(server.url)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


@dataclass(frozen=True)
class _Order:
    """Where to, for whom, and what the maker's verification holds the record against."""

    folder: Path
    recipient: str
    held: Trust
    trusted: Trusted


@dataclass(frozen=True)
class _Made:
    """What came of it: what it says, the verdict on the bundle, its fingerprint, whether there is a PDF."""

    report: Report
    verdict: Verdict
    fingerprint: str
    paper: bool


def _superseded(case: Case, folder: Path | None) -> dict[str, dict[str, Json]]:
    """The documents of an earlier report, by name, as the record has them; none where none is named."""
    from custody.disclose import superseded

    if folder is None:
        return {}
    found = {name: superseded(case, folder / name) for name in (PAGE, PAPER, BUNDLE) if (folder / name).exists()}
    if not found:
        raise CustodyError(f"{folder} holds no report", f"Name the folder with {PAGE}.")
    return found


def _make(case: Case, order: _Order, earlier: Mapping[str, dict[str, Json]], signature: Signature | None) -> _Made:
    """The documents, each written and then recorded with its digest."""
    from custody.disclose import Disclosure, disclose, register_document
    from custody.durable import write_durably
    from custody.ledger.bundle import verify_bundle
    from custody.report.build import build
    from custody.report.handed import beside_bundle
    from custody.report.html import render
    from custody.report.model import Cover
    from custody.timestamp.record import judge_bundle

    folder, recipient = order.folder, order.recipient
    what = Disclosure(recipient, beside=beside_bundle(), supersedes=earlier.get(BUNDLE))
    data = disclose(case, what, folder / BUNDLE, kind="report")
    verdict, found = verify_bundle(data, order.held)
    times = judge_bundle(data, found, verdict, order.trusted)
    handling = None if verdict.failed or found is None else _handling(case, verdict, found)
    cover = Cover(BUNDLE, hashlib.sha256(data).hexdigest(), recipient=recipient, handling=handling)
    made = build(verdict, found, _findings(case), cover, times)
    page = render(made, data)
    paper = _paper(made, page, data)
    signed: dict[str, Json] = {}
    if signature is not None and paper is not None:
        paper, signed = signature.over(paper, f"{made.title} {made.reference}")
        write_durably(folder / "authority.crt", signature.root(), 0o644)
    for name, document, more in ((PAGE, page, {}), (PAPER, paper, signed)):
        if document is not None:
            write_durably(folder / name, document, 0o644)
            replaced = {"supersedes": earlier[name]} if name in earlier else {}
            register_document(case, recipient, "report", name, document, extra={**more, **replaced})
    shown = _fingerprint(data)
    write_durably(folder / "fingerprint.txt", f"{shown}\n".encode(), 0o644)
    return _Made(made, verdict, shown, paper is not None)


def _paper(made: Report, page: bytes, data: bytes) -> bytes | None:
    """The report as PDF, None where what sets it is not installed."""
    if find_spec("typst") is None:
        return None
    from custody.report.paper.typeset import typeset

    return typeset(made, page, data)


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
    return ExhibitFindings(run.exhibit, run.name, media, volumes, manifest.get("counts", {}), problems, events, digests)
