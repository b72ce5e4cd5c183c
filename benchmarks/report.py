"""The report of 20 exhibits and 2,000 entries, and the same bundle verified by the page in Chromium.

The bounds: HTML made in under 10 s, with its PDF in under 20 s, both with under 600 MiB; verified by the browser in
under 3 s. Beside the browser: the kit.
"""

from __future__ import annotations

import multiprocessing
import re
import resource
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from _history import Work, folder_in_memory
from _measure import Line, conclude, in_turn, options, wall
from playwright.sync_api import Page, sync_playwright

from custody.ledger.bundle import verify_bundle
from custody.ledger.disclosure import compose_bundle
from custody.ledger.store import Ledger
from custody.ledger.verdict import Result, Trust
from custody.report.build import build
from custody.report.html import render
from custody.report.model import Cover, EventFound, ExhibitFindings, ProblemFound, VolumeFound
from custody.report.paper.typeset import typeset

_EXHIBITS = 20
_PROBLEMS, _EVENTS = 200, 40
"""What `evikit report` prints of each run at most."""


def filled(path: Path, entries: int, exhibits: int) -> int:
    """A ledger of `exhibits` with accesses in turn; how many entries it has."""
    work = Work(path)
    for _ in range(exhibits):
        work.register()
        while work.ledger.size < work.exhibit * entries // exhibits:
            work.access()
    work.close()
    size = work.ledger.size
    work.ledger.close()
    return size


def findings_of(number: int) -> ExhibitFindings:
    """The results of one run, as long as they may be."""
    path = "/Users/ana/AppData/Roaming/letters/letter {} of many.docx"
    return ExhibitFindings(
        exhibit_ref=f"AK/{number}",
        run=f"run-{number}",
        media={"format": "ewf", "size": "2147483648", "sector_size": "512"},
        volumes=[VolumeFound(str(i), str(i << 20), str(1 << 20), "NTFS (0x07)", "NTFS", "data") for i in range(5)],
        counts={"files": 41_128, "events": 190_000, "artefacts": 3_000, "problems": 1_000},
        problems=[ProblemFound(path.format(i), "parse", "a record is cut off") for i in range(_PROBLEMS)],
        timeline=[
            EventFound("2026-03-10T08:00:00.000000000Z", "modified", path.format(i), "", "UTC") for i in range(_EVENTS)
        ],
        result_digests={"files.parquet": "d6" * 32},
    )


def report_of(path: Path, exhibits: int) -> bytes:
    """What `evikit report` does after it has recorded that it will."""
    with Ledger.open(path, writable=False) as ledger:
        data = compose_bundle(ledger)
    verdict, bundle = verify_bundle(data, Trust())
    assert verdict.result is Result.WITH_NOTES, verdict
    findings = [findings_of(number + 1) for number in range(exhibits)]
    return render(build(verdict, bundle, findings, Cover("bundle.json")), data)


def printed(path: Path, exhibits: int) -> tuple[float, float, float]:
    """The same and its PDF, alone in a process: seconds, MiB at its peak, MB of the PDF."""
    begun = time.perf_counter()
    with Ledger.open(path, writable=False) as ledger:
        data = compose_bundle(ledger)
    verdict, bundle = verify_bundle(data, Trust())
    report = build(verdict, bundle, [findings_of(number + 1) for number in range(exhibits)], Cover("bundle.json"))
    pdf = typeset(report, render(report, data), data)
    seconds = time.perf_counter() - begun
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(pdf) / 1e6


STATUS = "document.getElementById('live-status').textContent"


def seconds_of(page: Page) -> float:
    """What the page says it took, once it has finished. Asked seldom, and for one element: asking costs it time."""
    while not (found := re.match(r"INTACT WITH NOTES.* in ([0-9.]+) seconds", page.evaluate(STATUS))):
        page.wait_for_timeout(500)
    return float(found[1])


def lines_of(folder: Path, entries: int, exhibits: int, rounds: int) -> list[Line]:
    """The table."""
    path, shown = folder / "ledger.sqlite", folder / "report.html"
    size = filled(path, entries, exhibits)
    made = in_turn(lambda: shown.write_bytes(report_of(path, exhibits)), lambda: None, rounds)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
        paper = alone.submit(printed, path, exhibits).result()
    with Ledger.open(path, writable=False) as ledger:
        data = compose_bundle(ledger)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(shown.as_uri())
        first = seconds_of(page)
        both = in_turn(lambda: page.evaluate("verifyNow()"), lambda: verify_bundle(data, Trust()), rounds)
        browser.close()
    return [
        Line("entries", size),
        Line("bundle", len(data) / 1e6, "MB"),
        Line("report", shown.stat().st_size / 1e6, "MB"),
        Line("made in", wall(made.ours), "s wall", at_most=10),
        Line("memory at its peak", memory, "MiB", at_most=600),
        Line("made with its PDF in", paper[0], "s wall", at_most=20),
        Line("memory with its PDF at its peak", paper[1], "MiB", at_most=600),
        Line("PDF", paper[2], "MB"),
        Line("verified by the page when it opens", first, "s wall", at_most=3),
        Line("verified by the page again", wall(both.ours), "s wall", at_most=3),
        Line("verified by the kit", wall(both.peer), "s wall"),
    ]


def main() -> None:
    """Fill a ledger, make its report, open it."""
    parser = options(__doc__, rounds=3)
    parser.add_argument("--entries", type=int, default=2_000, help="entries in the ledger (default 2,000)")
    arguments = parser.parse_args()
    exhibits = _EXHIBITS
    if arguments.smoke:
        arguments.entries, arguments.rounds, exhibits = 100, 1, 3
    with folder_in_memory() as folder:
        lines = lines_of(folder, arguments.entries, exhibits, arguments.rounds)
    conclude("report", lines, arguments)


if __name__ == "__main__":
    main()
