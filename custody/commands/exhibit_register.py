"""`evikit exhibit register`: options, a form in TOML, or questions, all from one table of fields."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from custody.commands.exhibit_changes import keep_photographs, tell
from custody.commands.files import read_small
from custody.commands.screen import Settings, with_settings, writing
from custody.registration import FIELDS, Field

if TYPE_CHECKING:
    from custody.case import Case

R = TypeVar("R")


def _with_fields(function: Callable[..., R]) -> Callable[..., R]:
    for field in reversed(FIELDS):
        default = f" Default: {field.default}." if field.default else ""
        function = click.option(field.option, field.name, default=None, help=field.help + default)(function)
    return function


@click.command()
@click.argument("ref")
@click.option("--from", "form", type=click.Path(path_type=Path), help="A form in TOML; options go before it.")
@click.option("--photograph", "photographs", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
              help="A photograph, kept by digest. May be given several times.")  # fmt: skip
@click.option("--no-prompt", is_flag=True, help="Ask nothing: what is not given has its default, or stays empty.")
@_with_fields
@with_settings
def register(
    settings: Settings, ref: str, form: Path | None, photographs: tuple[Path, ...], no_prompt: bool, **options: Any
) -> None:
    """Take an exhibit into custody under REF, for example AH/1.

    On a terminal the fields of the form that are not given are asked for; Enter takes the default or leaves one empty.
    """
    from custody import lifecycle, registration
    from custody.exhibits import find_exhibit, validate_ref
    from custody.ledger.errors import CustodyError

    validate_ref(ref)
    given = _read(form) | {name: value for name, value in options.items() if value is not None}
    beside = form.parent if form is not None else Path()
    files = [*photographs, *(beside / name for name in given.pop("photographs", []))]
    with writing(settings) as case:
        if find_exhibit(case, ref) is not None:
            raise CustodyError(f"{ref} is registered already", f"`evikit exhibit show {ref}` shows it.")
        registration.validate(given, case.zone)
        _validate_named(case, given, files)
        asked = given if no_prompt or not sys.stdin.isatty() else _ask(case, given)
        whole = {field.name: asked.get(field.name, field.default) for field in FIELDS}
        exhibit, done = lifecycle.register(case, ref, whole, keep_photographs(case, files))
    tell(settings, exhibit, done, {"exhibit": exhibit.ref, "n": exhibit.n, "kind": exhibit.kind})


def _validate_named(case: Case, given: dict[str, str], files: list[Path]) -> None:
    """Refuse a parent and photographs that are not there before anything is asked."""
    from custody.exhibits import need_exhibit
    from custody.ledger.errors import CustodyError
    from custody.target import shown

    if parent := given.get("parent"):
        need_exhibit(case, parent)
    for path in files:
        if not path.is_file():
            raise CustodyError(f"the photograph {shown(str(path))} cannot be read", "Check the path.")


def _read(form: Path | None) -> dict[str, Any]:
    from custody.ledger.errors import CustodyError
    from custody.registration import read_form

    if form is None:
        return {}
    try:
        return read_form(read_small(form).decode("utf-8"))
    except UnicodeDecodeError as error:
        raise CustodyError(f"{form} is not UTF-8", "Save the form as UTF-8.") from error


def _ask(case: Case, given: dict[str, str]) -> dict[str, str]:
    """The fields with questions that were not given, asked for in the order of the form."""
    defaults = {"seized_by": case.person.name if case.person else ""}
    click.echo("Enter takes what stands in brackets, or leaves the field empty.", err=True)
    answers = dict(given)
    for field in FIELDS:
        if field.question and field.name not in given and not (field.live and answers.get("power") != "on"):
            answers[field.name] = _answer(case, field, defaults.get(field.name, field.default))
    return answers


def _answer(case: Case, field: Field, default: str) -> str:
    from custody.exhibits import need_exhibit
    from custody.ledger.errors import CustodyError
    from custody.registration import validate

    while True:
        answer = str(click.prompt(field.question, default=default, show_default=bool(default), err=True)).strip()
        try:
            validate({field.name: answer}, case.zone)
            if field.name == "parent" and answer:
                need_exhibit(case, answer)
        except CustodyError as error:
            click.echo(f"  {error}. {error.advice}", err=True)
        else:
            return answer
