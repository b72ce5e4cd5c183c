"""docs/cli.md and the command tree say the same: every command, every option, every exit code, both ways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cli import root
from custody.commands import screen

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
GLOBAL = {"--case", "--as", "--json", "--json-progress", "--quiet", "--help", "-h", "--version"}

pytestmark = pytest.mark.source


def tree(group: click.Group, above: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        words = f"{above} {name}".strip()
        yield words, command
        if isinstance(command, click.Group):
            yield from tree(command, words)


COMMANDS = dict(tree(root))  # type: ignore[arg-type]


def sections() -> dict[str, str]:
    """The page by command; what stands before the first one is under ""."""
    parts = re.split(r"^##+ `evikit ([a-z -]+)`$", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def documented(text: str) -> set[str]:
    """The options of a section's table."""
    rows = re.findall(r"^\| (`-[^|]*(?:\\\|[^|]*)*)\|", text, re.MULTILINE)
    return {option for row in rows for option in re.findall(r"(?:`|, )(--?[a-z][a-z-]*)", row)}


def options(command: click.Command) -> set[str]:
    return {name for option in command.params if isinstance(option, click.Option) for name in option.opts}


def test_docs_name_every_command_and_no_other() -> None:
    assert {name for name in sections() if name} == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_docs_name_every_option_and_no_other(name: str) -> None:
    assert documented(sections()[name]) == options(COMMANDS[name]) - GLOBAL


def test_docs_name_the_global_options() -> None:
    assert documented(sections()[""]) == GLOBAL
    assert all(options(command) >= GLOBAL - {"--version", "--help", "-h"} for command in COMMANDS.values())


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if not isinstance(command, click.Group)])
def test_docs_show_every_command_at_work(name: str) -> None:
    text = sections()[name]
    assert f"\n    evikit {name} " in text or f"\n    evikit {name}\n" in text
    assert f"```\n$ evikit {name}" in text
    assert "`--json`" in text or name == "demo"


def test_docs_give_the_choices() -> None:
    for name, command in COMMANDS.items():
        for option in command.params:
            for choice in option.type.choices if isinstance(option.type, click.Choice) else ():
                assert str(choice) in sections()[name], (name, choice)


def test_docs_give_the_exit_codes() -> None:
    table = re.findall(r"^\| (\d) \| (.*) \|$", sections()[""], re.MULTILINE)
    assert [int(code) for code, _ in table] == [0, screen.FAILED, screen.USAGE, screen.INTEGRITY, screen.PROBLEMS]
