"""evikit: the root command. Commands are loaded when they are called, so that --help answers at once."""

from __future__ import annotations

import importlib
import sys

import click

from custody.commands.screen import Settings, settled, tell_error

COMMANDS = {
    "demo": ("forensics.commands.demo", "Run the main job on a sample case, end to end."),
    "init": ("custody.commands.init", "Begin a case: its folder, its ledger, its first examiner."),
    "acquire": ("forensics.commands.acquire", "Copy a device or file into verified images."),
    "ingest": ("forensics.commands.ingest", "Take evidence in: digests, file systems, logs, custody."),
    "volumes": ("forensics.commands.query", "List the volumes found on the media."),
    "files": ("forensics.commands.query", "List files, allocated and deleted, with times and digests."),
    "artefacts": ("forensics.commands.query", "List what was read from logs and other traces."),
    "logs": ("forensics.commands.query", "List what each log covers: gaps, clocks that went back."),
    "timeline": ("forensics.commands.timeline", "List everything that has a time, in order."),
    "search": ("forensics.commands.search", "Search contents for words, expressions and YARA rules."),
    "hits": ("forensics.commands.search", "List what a search found."),
    "known": ("forensics.commands.known", "Compare files with a list of known good or bad ones."),
    "extract": ("forensics.commands.extract", "Copy files out of the evidence, each an access of its own."),
    "verify": ("forensics.commands.verify", "Re-hash evidence and compare it with the ledger."),
    "check": ("custody.commands.check", "Ask the rules of handling: was the evidence handled well?"),
    "note": ("custody.commands.note", "Record an observation or an opinion about an exhibit."),
    "correct": ("custody.commands.note", "Correct a field of an earlier entry, leaving both to be seen."),
    "exhibit": ("custody.commands.exhibit", "Exhibits in custody: who holds them, handing over, taking over."),
    "person": ("custody.commands.person", "People of a case and their keys: request, enrol, rotate, revoke."),
    "report": ("custody.commands.report", "Write the court report and the bundle that proves it."),
    "bundle": ("custody.commands.bundle", "Make, verify or show a bundle (verify needs no case)."),
    "grade": ("custody.commands.grade", "Mark how teams of an exercise handled their evidence."),
    "ledger": ("custody.commands.ledger", "The custody ledger: log, verify, checkpoint, backup, approve."),
}
"""Every command in the order of --help: the module that holds a function of its name, and what --help says."""


class LazyGroup(click.Group):
    """Knows its commands by name and loads the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(COMMANDS[cmd_name][0]), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="evikit", message="%(prog)s %(version)s")
@settled
def root() -> None:
    """Digital-forensics evidence kit: no byte of evidence is read before the ledger says who reads it and why."""


def main() -> None:
    """The console script: run, and turn what went wrong into one clear line and an exit code."""
    try:
        result = root.main(prog_name="evikit", standalone_mode=False, obj=Settings())
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - the one place where errors become exit codes
        result = tell_error(error)
    sys.exit(result if isinstance(result, int) else 0)
