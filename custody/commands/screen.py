"""What all commands share: global options, the open case, the passphrase, and how results and errors look."""

from __future__ import annotations

import errno
import functools
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click
from click.core import ParameterSource

from custody.ledger.errors import CustodyError, KeyLockedError

if TYPE_CHECKING:
    from custody.case import Case
    from custody.people import Passphrase

P = ParamSpec("P")
R = TypeVar("R")

FAILED, USAGE, INTEGRITY, PROBLEMS = 1, 2, 3, 4
"""Exit codes (docs/cli.md): 0 fine; 1 refused or failed; 2 usage; 3 integrity; 4 done, with recorded problems."""


@dataclass(slots=True)
class Settings:
    """The global options, wherever on the command line they stood."""

    case: str | None = None
    actor: str | None = None
    json: bool = False
    json_progress: bool = False
    quiet: bool = False


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    settings = ctx.find_object(Settings)
    if not value or settings is None or not param.name:
        return
    typed = ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE
    if typed or not getattr(settings, param.name):  # what was typed, wherever, goes before the environment
        setattr(settings, param.name, value)


_OPTIONS = (
    click.option("--case", metavar="DIR", envvar="EVIKIT_CASE", expose_value=False, callback=_keep,
                 help="The case folder; else EVIKIT_CASE, else the nearest one upward."),
    click.option("--as", "actor", metavar="NAME", envvar="EVIKIT_ACTOR", expose_value=False, callback=_keep,
                 help="Who acts; else the only enrolled person whose key is here."),
    click.option("--json", is_flag=True, expose_value=False, callback=_keep,
                 help="JSON on stdout, and nothing else there."),
    click.option("--json-progress", is_flag=True, expose_value=False, callback=_keep,
                 help="Progress as JSON lines on stderr."),
    click.option("--quiet", is_flag=True, expose_value=False, callback=_keep,
                 help="No progress and no remarks on stderr."),
)  # fmt: skip


def settled(function: Callable[..., R]) -> Callable[..., R]:
    """Give a command the global options."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def settings() -> Settings:
    """The global options of the running command."""
    found = click.get_current_context().find_object(Settings)
    return found if found is not None else Settings()


def with_settings(function: Callable[..., R]) -> Callable[..., R]:
    """`settled`, and the settings as first argument."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> R:
        found = settings()
        if isinstance(sys.stdout, io.TextIOWrapper):
            # JSON is UTF-8 (RFC 8259, 8.1); what a terminal cannot show is escaped
            sys.stdout.reconfigure(encoding="utf-8" if found.json else None, errors="backslashreplace")
        return function(found, *args, **kwargs)

    return settled(call)


# --- cases -----------------------------------------------------------------------------------------------


def passphrase(*, confirm: bool = False) -> str:
    """From EVIKIT_PASSPHRASE, EVIKIT_PASSPHRASE_FILE or a prompt; it leaves the environment when read."""
    given = os.environ.pop("EVIKIT_PASSPHRASE", None)
    if given is None and (name := os.environ.pop("EVIKIT_PASSPHRASE_FILE", None)):
        try:
            given = Path(name).read_text("utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise KeyLockedError(f"the passphrase file {name} cannot be read: {error}", "Check the path.") from error
    if given is None:
        if not sys.stdin.isatty():
            raise KeyLockedError(
                "a passphrase is needed and there is no terminal to ask on",
                "Set EVIKIT_PASSPHRASE or EVIKIT_PASSPHRASE_FILE.",
            )
        given = str(click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True))
    if not given:
        raise KeyLockedError("the passphrase is empty", "Choose one: it protects the key that signs in your name.")
    return given


@contextmanager
def reading(settings: Settings) -> Iterator[Case]:
    """The case, open to read."""
    from custody.case import Case, find_case
    from custody.people import Home

    with Case.open(find_case(settings.case), Home.default(), writable=False) as case:
        if case.ledger.notice:
            remark(settings, case.ledger.notice)
        yield case


@contextmanager
def writing(settings: Settings, ask: Passphrase | None = None) -> Iterator[Case]:
    """The case, open to write, with the acting person's key; what was appended ends with a checkpoint.

    `ask` gives the passphrase where the command has asked for it already.
    """
    from custody.case import Case, find_case
    from custody.people import Home

    with Case.open(find_case(settings.case), Home.default(), writable=True) as case:
        case.unlock(settings.actor, ask or passphrase)
        try:
            yield case
        except BaseException:
            with suppress(CustodyError):  # the first error is the one to tell
                case.seal()
            raise
        if case.seal():
            remark(settings, f"ledger: {case.ledger.size} entries, fingerprint {case.fingerprint()}")
        elif waiting := case.uncovered():
            remark(
                settings, f"ledger: {waiting} not yet under a checkpoint; it is made by who keeps the ledger's own key"
            )


# --- output ----------------------------------------------------------------------------------------------


def put_json(value: Mapping[str, Any]) -> None:
    """One JSON object, one line, on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True, separators=(", ", ": ")) + "\n")


def put_text(text: str) -> None:
    """Lines of text on stdout, as they are."""
    sys.stdout.write(text + "\n")


def remark(settings: Settings, text: str) -> None:
    """A remark for people on stderr."""
    if not settings.quiet:
        click.echo(visible(text), err=True)


def moment(written: str | None) -> str:
    """A time of the record for people: to the second, in UTC; a dash where there is none."""
    return (written or "")[:19].replace("T", " ") or "-"


_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {
    code: f"\\u{code:04x}" for code in (0x061C, *range(0x200E, 0x2010), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
}
"""Controls and direction overrides: a file name must not move the cursor or turn the line around."""
_UNDECODABLE = {0xDC00 + byte: f"\\x{byte:02x}" for byte in range(128, 256)}
"""Bytes of a name that are not UTF-8, as Python holds them (surrogateescape)."""


def visible(text: object) -> str:
    """Text with control characters, direction overrides and undecodable bytes made visible."""
    return str(text).translate(_CONTROL | _UNDECODABLE)


def invisible(shown: str) -> str:
    """The text that `visible` shows as `shown`: so a name can be copied from a listing."""
    for code, escape in _CONTROL.items():
        shown = shown.replace(escape, chr(code))
    return shown


def put_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> int:
    """A table on stdout; columns named in `right` are aligned right. Returns the number of rows."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    count = 0
    for row in rows:
        count += 1
        table.add_row(*(Text(visible("" if cell is None else cell)) for cell in row))
    width = None if sys.stdout.isatty() else 200
    Console(file=sys.stdout, width=width, highlight=False, soft_wrap=False).print(table)
    return count


def columned(columns: Sequence[tuple[str, int]], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A line of titles, then the rows as they come, in columns of a least width (negative: aligned right)."""
    layout = " ".join(f"{{:{'>' if width < 0 else '<'}{abs(width)}}}" for _, width in columns)
    yield layout.format(*(name for name, _ in columns)).rstrip()
    for row in rows:
        yield layout.format(*("" if cell is None else visible(cell) for cell in row)).rstrip()


def put_facts(facts: Mapping[str, object]) -> None:
    """Aligned lines `name  value` on stdout."""
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        put_text(f"{name:<{width}}  {visible(value)}")


def write_new(path: Path, data: bytes) -> None:
    """Write a file that must not exist yet."""
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise CustodyError(f"{path} exists already", "Choose another name: nothing is overwritten.") from None


def _drop_output() -> None:
    """Nobody reads on, or there is no room: what is still to be written must not fail once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def tell_error(error: BaseException) -> int:  # noqa: PLR0911 - one return an exit
    """Print one clear line about `error` on stderr and return the exit code for it."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return USAGE
    if isinstance(error, click.UsageError):
        said = " ".join(error.format_message().split()).removesuffix(".")
        command = error.ctx.command_path if error.ctx is not None else "evikit"
        click.echo(f"evikit: {visible(said[:1].lower() + said[1:])}\n  `{command} --help` shows how.", err=True)
        return USAGE
    if isinstance(error, click.ClickException):
        click.echo(f"evikit: {visible(error.format_message())}", err=True)
        return error.exit_code
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        click.echo("evikit: stopped. What was recorded so far stands; the same command goes on.", err=True)
        return FAILED
    if isinstance(error, BrokenPipeError):
        _drop_output()
        return FAILED
    advice = getattr(error, "advice", None)
    if advice is not None:
        click.echo(f"evikit: {visible(error)}" + (f"\n  {visible(advice)}" if advice else ""), err=True)
        return int(getattr(error, "exit_code", FAILED))
    if isinstance(error, OSError):
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        if full:
            _drop_output()
        where = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
        advice = "Make room there, then run it again." if full else "Check the path and its permissions."
        click.echo(f"evikit: {visible(error.strerror or error)}{visible(where)}\n  {advice}", err=True)
        return FAILED
    raise error
