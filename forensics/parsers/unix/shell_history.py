"""What was typed: histories of shells (bash, zsh, fish, tcsh, PowerShell) and of programs with a prompt of their own.

bash(1) and tcsh(1) write "#SECONDS" on a line before a command where they were told to keep times; zshoptions(1),
EXTENDED_HISTORY, ": SECONDS:ELAPSED;COMMAND"; fish YAML of its own. Without that a history has an order and no times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Clock, Location, Problem
from forensics.parsers._clock import SECOND
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Moment
from forensics.parsers._lines import LINE_LIMIT, Line, parse_lines
from forensics.parsers._secrets import without_secrets

_NAME, _VERSION, _KIND, _STAGE = "shell_history", "1", "shell.command", "parser shell_history"
_NAMES = {
    "bash": r"\.?bash_history",
    "zsh": r"\.?zsh_history|\.zhistory|\.histfile",
    "fish": r"fish_history",
    "sh": r"\.(?:sh_|ash_|ksh_|csh_|mksh_)?history",
    "powershell": r"ConsoleHost_history\.txt",
    "python": r"\.python_history",
    "node": r"\.node_repl_history",
    "mysql": r"\.(?:mysql|mariadb)_history",
    "psql": r"\.psql_history",
    "sqlite": r"\.sqlite_history",
    "redis": r"\.rediscli_history",
}
_USUAL = re.compile("|".join(f"(?P<{shell}>{pattern})" for shell, pattern in _NAMES.items()))
_SUFFIX = re.compile(r"(?:\.(?:[0-9]+|bak|old|orig|tmp|save)|-[0-9]+\.tmp|~)$")
_STAMP = re.compile(r"#\+?([0-9]{9,10})")
_ZSH = re.compile(r": ([0-9]{9,10}):([0-9]+);")
_FISH = re.compile(r"- cmd: ?")
_FISH_WHEN = re.compile(r"  when: ([0-9]{1,12})")
_CONTENT = (
    ("bash", re.compile(rb"#[0-9]{9,10}\r?\n(?!#)")),
    ("zsh", re.compile(rb": [0-9]{9,10}:[0-9]+;")),
    ("fish", re.compile(rb"- cmd: [^\n]*\n  when: [0-9]")),
)
_LIBEDIT = "_HiStOrY_V2_"
_OCTAL = re.compile(r"\\([0-7]{3})")
_TRAILING = re.compile(r"\\*$")


def _shell_of(head: bytes, name: str) -> str:
    """The shell by the first bytes, else by the file's name; "" for neither."""
    found = next((shell for shell, pattern in _CONTENT if pattern.match(head)), "")
    match = _USUAL.fullmatch(_SUFFIX.sub("", name))
    if match is None or not match.lastgroup:
        return found
    return found if found in {"zsh", "fish"} else match.lastgroup


def _unmetafied(raw: bytes) -> str:
    """The text of a line of zsh: 0x83 stands before a byte whose bit 5 was turned (Src/utils.c, unmetafy)."""
    out, at = bytearray(), 0
    while (found := raw.find(b"\x83", at)) >= 0 and found + 1 < len(raw):
        out += raw[at:found]
        out.append(raw[found + 1] ^ 32)
        at = found + 2
    return (bytes(out) + raw[at:]).decode("utf-8", "backslashreplace")


class _History:
    """One history being read, command after command."""

    def __init__(self, source: ParserInput, shell: str) -> None:
        self._source, self._shell = source, shell
        self._timed = self._open = False
        self._number = 0

    def begins(self, text: str) -> bool:
        """Whether a line begins a command."""
        if self._shell == "fish":
            return _FISH.match(text) is not None
        if self._shell == "zsh":
            going_on, self._open = self._open, len(_TRAILING.search(text)[0]) % 2 == 1  # type: ignore[index]
            return not going_on
        if _STAMP.fullmatch(text):
            self._timed = True
            return True
        return not self._timed

    def read(self, line: Line, location: Location) -> Artefact | str | None:
        """The command of one entry, or why there is none."""
        self._number += 1
        moment, fields = self._told(line)
        if not fields:
            self._number -= 1
            return None if line.text == _LIBEDIT else "no command stands here"
        if line.cut:
            fields["cut"] = "true"
        if "\n" in fields["command"]:
            fields["lines"] = str(fields["command"].count("\n") + 1)
        fields["command"] = without_secrets(fields["command"])
        fields |= {"shell": self._shell, "number": str(self._number)}
        times, raw = {}, {}
        if moment.at is not None:
            times, raw = {"run": moment.at}, {"run": moment.written}
        return Artefact(_KIND, location, times, fields, _NAME, _VERSION, Clock.UTC, raw)

    def _told(self, line: Line) -> tuple[Moment, dict[str, str]]:
        if self._shell == "fish":
            return self._fish(line.text)
        if self._shell == "zsh":
            return self._zsh(line)
        first, _, rest = line.text.partition("\n")
        if stamp := _STAMP.fullmatch(first):
            return _seconds(stamp[1]), {"command": rest} if rest else {}
        return Moment(None, ""), {"command": self._plain(line.text)} if line.text != _LIBEDIT else {}

    def _plain(self, text: str) -> str:
        """A command without a time; libedit writes spaces and its like as octal numbers (vis(3))."""
        if self._shell not in {"mysql", "psql", "sqlite"}:
            return text
        return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)

    def _zsh(self, line: Line) -> tuple[Moment, dict[str, str]]:
        text = line.text
        if not text.isascii() or "\\x83" in text:
            text = _unmetafied(self._source.read_at(line.offset, min(line.length, LINE_LIMIT)))
        text = text.replace("\\\n", "\n")
        if (match := _ZSH.match(text)) is None:
            return Moment(None, ""), {"command": text}
        fields = {"command": text[match.end() :]} | ({"duration_seconds": match[2]} if match[2] != "0" else {})
        return _seconds(match[1]), fields

    def _fish(self, text: str) -> tuple[Moment, dict[str, str]]:
        first, *rest = text.split("\n")
        if (start := _FISH.match(first)) is None:
            return Moment(None, ""), {}
        command = re.sub(r"\\([\\n])", lambda match: "\n" if match[1] == "n" else "\\", first[start.end() :])
        when = next((match for line in rest if (match := _FISH_WHEN.fullmatch(line))), None)
        paths = [line[6:] for line in rest if line.startswith("    - ")]
        fields = {"command": command} | ({"paths": "; ".join(paths)} if paths else {})
        return _seconds(when[1]) if when else Moment(None, ""), fields


def _seconds(written: str) -> Moment:
    return Moment(int(written) * SECOND, written)


@dataclass(frozen=True, slots=True)
class ShellHistoryParser:
    """Commands in the order they stand.

    Artefacts `shell.command`: time `run` (UTC, to a second) where the history keeps it; fields shell, command, number
    (its place among the commands), lines (of a command over several), duration_seconds (zsh), paths (fish).
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the first entry where it carries a time, else by the file's name; never what holds NUL bytes."""
        return bool(head and _shell_of(head, name)) and b"\0" not in head

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every command in the order of the file; see `Parser.parse`."""
        history = _History(source, _shell_of(source.read_at(0, 4096), source.name) or "unknown")
        yield from parse_lines(source, _STAGE, history.read, history.begins)


PARSER = ShellHistoryParser()
