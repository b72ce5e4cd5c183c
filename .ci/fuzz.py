"""Coverage-guided fuzzing of everything that reads bytes which others made: `python .ci/fuzz.py --seconds 60`.

Each target runs in a child of its own for its share of the time, from seeds cut out of real files (sample_images, and
EVIKIT_CORPUS where it is set). A finding is an exception that is not documented, a hang, or memory without bound; the
bytes stand in the folder given with --findings, and `--target NAME FILE` runs them again. The seed is fixed, so that
what a change did not touch gives the same answer; look for more with `--seed` and more `--seconds`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["forensics", "custody"]):
    from custody.access import Part
    from custody.enrolment import read_request
    from custody.ledger.bundle import verify_bundle
    from custody.ledger.entry import Entry
    from custody.ledger.errors import CustodyError, MalformedError
    from custody.ledger.note import parse_note
    from custody.ledger.verdict import Trust
    from custody.registration import read_form
    from forensics.media import open_medium
    from forensics.model import Artefact, ExaminationError, Location, Problem
    from forensics.parsers import HEAD_BYTES, PARSERS, Parser, ParserInput, parser_for, read_mapping
    from forensics.volumes.signatures import reason_unread, table_signature

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 1 << 18
SECONDS_A_CASE = 20
MEGABYTES = 1536

NAMES = {
    "recycle_bin": ("$IABCDEF.txt", "INFO2"),
    "jump_list": ("a.customDestinations-ms", "a.automaticDestinations-ms"),
}
"""Parsers that judge by the file's name too."""
SEEDS = {
    "event_log": "evtx/**/*.evtx",
    "classic_event_log": "evt/**/*",
    "journal": "journald/**/*",
    "login_records": "utmp/**/*",
    "jump_list": "jumplist/**/*",
    "prefetch": "prefetch/**/*",
    "recycle_bin": "recycle/**/*",
    "registry": "registry/plaso/regf/*",
    "usn_journal": "ntfs-meta/plaso/*",
    "shortcut": "lnk/**/*",
    "sqlite": "browser/plaso/chrome/*",
    "syslog": "textlog/**/*",
    "compressed": "archive/**/*gz",
    "media": "image/dfvfs/*",
}
"""Below EVIKIT_CORPUS, beside what every target begins with."""


def parse(parser: Parser, data: bytes) -> None:
    """Any bytes give artefacts or problems."""
    for name in NAMES.get(parser.name, ("log",)):
        source = ParserInput(name, len(data), lambda at, n: data[at : at + n], Location("F/1", path=name))
        parser.accepts(data[:HEAD_BYTES], name)
        for number, found in enumerate(parser.parse(source)):
            if not isinstance(found, Artefact | Problem):
                raise TypeError(f"{found!r} is neither an artefact nor a problem")
            if number > 20_000:
                break


def media(data: bytes) -> None:
    """Any file is a medium that can be read to its end, or refused."""
    descriptor = os.memfd_create("fuzz")
    try:
        os.write(descriptor, data)

        def no_more(name: str) -> Part:
            raise FileNotFoundError(name)

        try:
            medium = open_medium(Part("disk", len(data), descriptor), no_more)
            for offset in range(0, min(medium.size, 4 << 20), 1 << 20):
                medium.read_at(offset, 1 << 20)
            medium.read_at(max(0, medium.size - 4096), 4096)
        except (ExaminationError, FileNotFoundError, OSError):
            return
    finally:
        os.close(descriptor)


def signatures(data: bytes) -> None:
    """What stands at the start of a volume has a name, or none."""

    def read_at(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    table_signature(read_at)
    reason_unread(read_at, "no")


def refused(call: Callable[[bytes], object], *errors: type[Exception]) -> Callable[[bytes], None]:
    """A reader that may refuse, in its own words."""

    def run(data: bytes) -> None:
        try:
            call(data)
        except errors:
            return

    return run


def texts(call: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda data: call(data.decode("utf-8", "replace"))


TARGETS: dict[str, Callable[[bytes], object]] = {
    **{parser.name: (lambda data, parser=parser: parse(parser, data)) for parser in PARSERS if parser.name != "mapped"},
    "choice": lambda data: parser_for(data, "log"),
    "mapping": refused(texts(read_mapping), ValueError),
    "media": media,
    "signatures": signatures,
    "bundle": lambda data: verify_bundle(data, Trust()),
    "note": refused(parse_note, MalformedError),
    "entry": refused(Entry.parse, MalformedError),
    "person": refused(read_request, CustodyError),
    "form": refused(texts(read_form), CustodyError),
    "trust": refused(Trust.parse, MalformedError),
}


def seeds(name: str) -> Iterator[bytes]:
    """Beginnings of real files, as far as they are at hand."""
    yield b"\0"
    for path in sorted((ROOT / "sample_images").rglob("*")):
        if path.is_file() and (name == "media" or path.suffix in (".log", ".1", "")):
            yield path.read_bytes()[:LONGEST]
    corpus = os.environ.get("EVIKIT_CORPUS")
    if corpus and name in SEEDS:
        files = (path for path in sorted(Path(corpus).glob(SEEDS[name])) if path.is_file())
        for path in list(files)[:24]:
            yield path.read_bytes()[:LONGEST]


def run_one(name: str, seconds: float, seed: int, findings: Path, again: list[str]) -> None:
    """Fuzz one target in this process, or run it on files `again`; libFuzzer ends the process."""
    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(seeds(name)):
            Path(folder, f"{number:04d}").write_bytes(data)
        words = [
            sys.argv[0],
            *(again or [folder]),
            f"-max_total_time={max(1, round(seconds))}",
            f"-max_len={LONGEST}",
            f"-timeout={SECONDS_A_CASE}",
            f"-rss_limit_mb={MEGABYTES}",
            f"-artifact_prefix={findings}/{name}-",
            f"-seed={seed}",
            "-verbosity=0",
            "-print_final_stats=1",
        ]
        atheris.Setup(words, lambda data: target(data) and None)
        atheris.Fuzz()


def run_all(seconds: float, seed: int, findings: Path) -> int:
    """Every target in a child, as many at once as there are processors; how many found something.

    Most of a child's time goes into its start, when atheris rewrites the modules.
    """
    failed, quiet = 0, os.environ | {"PYTHONHASHSEED": "0"}
    common = [sys.executable, __file__, "--seconds", str(seconds / len(TARGETS)), "--seed", str(seed)]

    def run(name: str) -> subprocess.CompletedProcess[str]:
        words = [*common, "--findings", str(findings), "--target", name]
        return subprocess.run(words, capture_output=True, text=True, check=False, env=quiet)  # noqa: S603

    with ThreadPoolExecutor(os.cpu_count() or 1) as side_by_side:
        for name, done in zip(TARGETS, side_by_side.map(run, TARGETS), strict=True):
            found = (line.split()[-1] for line in done.stderr.splitlines() if "number_of_executed_units" in line)
            told = "ok" if done.returncode == 0 else "FOUND SOMETHING"
            print(f"{name:20} {next(found, '?'):>9} runs  {told}", flush=True)
            if done.returncode:
                failed += 1
                print(done.stdout[-2000:], done.stderr[-4000:], sep="\n")
    return failed


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1, help="another one looks elsewhere; the same one repeats")
    parser.add_argument("--findings", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--target", choices=TARGETS)
    parser.add_argument("files", nargs="*")
    given = parser.parse_args()
    given.findings.mkdir(parents=True, exist_ok=True)
    if given.target:
        run_one(given.target, given.seconds, given.seed, given.findings, given.files)
    else:
        sys.exit(1 if run_all(given.seconds, given.seed, given.findings) else 0)


if __name__ == "__main__":
    main()
