"""`evikit demo`: the main job on a sample case, end to end, command by command."""

from __future__ import annotations

import os
import shutil
import sys
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, redirect_stdout
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from custody.commands.screen import PROBLEMS, Settings, put_json, put_text, with_settings
from custody.ledger.errors import CustodyError

PASSPHRASE = "demo"  # noqa: S105 - it protects an invented person's key, made for this demonstration
"""The demonstration's passphrase, told to whoever runs it, so that they can go on working in the case."""


@click.command()
@click.argument("folder", metavar="[DIR]", default="evikit-demo", type=click.Path(path_type=Path))
@with_settings
def demo(settings: Settings, folder: Path) -> None:
    """Run the main job on a sample case in DIR (default: evikit-demo): people and evidence in it are invented.

    A laptop image, a server image, a USB stick (E01) and a folder of logs are taken in, examined, verified and
    reported, each step by the command that you would type.
    """
    if folder.exists():
        raise CustodyError(f"{folder} exists already", "Name a folder that does not exist.")
    samples = _samples()
    facts = tomllib.loads((samples / "demo.toml").read_text("utf-8"))
    folder.mkdir(parents=True)
    handed_over = folder / "handed-over"
    _lay_out(samples, facts, handed_over)
    play = _Play(folder.absolute())
    with redirect_stdout(sys.stderr) if settings.json else nullcontext():
        shown = _perform(play, facts, handed_over)
    told = {"case": str(play.case), "keys": str(play.home), "report": str(shown / "report.html"),
            "bundle": str(shown / "bundle.json"), "fingerprint": play.fingerprint(shown)}  # fmt: skip
    if settings.json:
        put_json(told)
        return
    put_text("")
    put_text(f"The report:  {told['report']}   (open it in a browser)")
    put_text(f"The bundle:  {told['bundle']}   (what proves it)")
    put_text(f"The case:    {play.case}")
    put_text(f"To go on:    export EVIKIT_HOME={play.home} EVIKIT_CASE={play.case}   (passphrase: {PASSPHRASE})")


def _perform(play: _Play, facts: Mapping[str, Any], handed_over: Path) -> Path:
    """All steps, in order; returns the folder of the report."""
    play.run("init", str(play.case), *_named(facts["case"], "number", "agency", "zone", "kind"),
             "--examiner", facts["examiner"]["name"])  # fmt: skip
    for exhibit in facts["exhibit"]:
        form = [word for name, value in exhibit["register"].items() for word in (f"--{name}", value)]
        play.run("exhibit", "register", exhibit["ref"], *_named(exhibit, "state", "description"), *form)
    for exhibit in facts["exhibit"]:
        play.run("ingest", str(handed_over / exhibit["file"]), "--exhibit", exhibit["ref"],
                 *_named(exhibit, "purpose", "state", "expect", "zone"), *exhibit.get("options", []))  # fmt: skip
    for step in facts.get("step", []):
        play.run(*step["command"])
    play.run("verify", "--all")
    play.run("check")
    play.run("report", "-o", str(play.case / "reports" / "first"), "--for", "the court")
    play.run("ledger", "verify")
    report = play.case / "reports" / "first"
    play.run("bundle", "verify", str(report / "bundle.json"), "--anchor", play.fingerprint(report))
    return report


def _samples() -> Path:
    """The sample case: inside the installed package, or in the source tree."""
    package = Path(str(files("forensics")))
    for place in (package / "_samples", package.parent / "sample_images"):
        if (place / "demo.toml").is_file():
            return place
    raise CustodyError("the sample case is not installed", "Install evikit from its wheel, or run in the source tree.")


def _named(facts: Mapping[str, str], *names: str) -> list[str]:
    return [word for name in names if name in facts for word in (f"--{name}", facts[name])]


def _lay_out(samples: Path, facts: Mapping[str, Any], target: Path) -> None:
    """Copy the evidence with the times it was handed over with: the logs' year is inferred from them."""
    times = tomllib.loads((samples / "manifest.toml").read_text("utf-8"))
    for exhibit in facts["exhibit"]:
        source, copy = samples / exhibit["file"], target / exhibit["file"]
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy)
        else:
            shutil.copyfile(source, copy)
    for entry in times["file"]:
        copy = target / entry["file"]
        if "modified" in entry and copy.is_file():
            moment = entry["modified"]
            stamp = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
            at = stamp.astimezone(UTC).timestamp()
            os.utime(copy, (at, at))


class _Play:
    """Runs commands as they would be typed, each shown before its output."""

    def __init__(self, folder: Path) -> None:
        self.case, self.home = folder / "case", folder / "key-store"
        self._root = click.get_current_context().find_root().command

    def run(self, *words: str) -> None:
        put_text(f"\n$ evikit {' '.join(_typed(words))}")
        os.environ |= {"EVIKIT_HOME": str(self.home), "EVIKIT_PASSPHRASE": PASSPHRASE, "EVIKIT_CASE": str(self.case)}
        code = self._root.main(list(words), prog_name="evikit", standalone_mode=False, obj=Settings(quiet=True))
        if code not in (0, None, PROBLEMS):
            raise CustodyError(f"evikit {words[0]} ended with exit code {code}", "The lines above say why.")

    def fingerprint(self, report: Path) -> str:
        return (report / "fingerprint.txt").read_text("utf-8").split()[0]


def _typed(words: Sequence[str]) -> list[str]:
    import shlex

    return [shlex.quote(word) for word in words]
