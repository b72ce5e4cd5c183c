"""`evikit grade`: marks for how evidence was handled, from the teams' bundles."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import PROBLEMS, Settings, put_json, put_table, put_text, remark, visible, with_settings
from custody.ledger.errors import CustodyError

if TYPE_CHECKING:
    from custody.handling import Finding, Record
    from custody.training.marking import Team
    from custody.training.rubric import Rubric


@click.command()
@click.argument("bundles", metavar="BUNDLE...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--rubric", type=click.Path(path_type=Path), help="How marks are given (TOML). Default: the one shipped.")
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), help="A new folder for feedback and a CSV.")
@click.option("--show-rubric", is_flag=True, help="Print the default rubric, to be changed.")
@with_settings
def grade(
    settings: Settings, bundles: tuple[Path, ...], rubric: Path | None, folder: Path | None, show_rubric: bool
) -> None:
    """Mark how each team handled its evidence. A team is called as its BUNDLE's file.

    Each ledger is verified first; one that does not verify gets no marks. Every point lost names the entries that cost
    it. Ledgers handed in twice, keys that sign for two teams and the same words in two ledgers are named.
    """
    from custody.training.rubric import default_text, read_rubric

    if show_rubric:
        put_text(default_text().rstrip())
        return
    if not bundles:
        raise click.UsageError("name at least one bundle")
    if folder is not None and folder.exists() and any(folder.iterdir()):
        raise CustodyError(f"{folder} is not empty", "Choose a new folder: nothing is overwritten.")
    chosen = read_rubric(_text(rubric) if rubric is not None else default_text())
    teams = _marked(settings, bundles, chosen)
    if settings.json:
        for team in teams:
            put_json(_json(team))
    else:
        _put(teams, chosen)
    if folder is not None:
        _write(folder, teams, chosen)
        remark(settings, f"feedback and marks.csv are in {folder}")
    if any(team.record.verdict.failed or team.warnings for team in teams):
        click.get_current_context().exit(PROBLEMS)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CustodyError(f"the rubric {path} cannot be read: {error}", "Check the path.") from error


def _marked(settings: Settings, bundles: Sequence[Path], rubric: Rubric) -> list[Team]:
    """Every team, in the order of the bundles given."""
    from custody.handling import tally
    from custody.training.copies import warnings
    from custody.training.marking import Team, mark, no_marks

    names = _names(bundles)
    read = {name: _verified(path) for name, path in zip(names, bundles, strict=True)}
    shared = warnings({name: record for name, (record, _) in read.items() if not record.verdict.failed}, rubric)
    teams = []
    for name, (record, findings) in read.items():
        warned = tuple(shared.get(name, ())) + tuple(
            f"{finding.explanation} [{finding.kind}]" for finding in record.verdict.failed[:10]
        )
        foreign = record.verdict.ledger != rubric.teams.get(name, record.verdict.ledger)
        if record.verdict.failed or foreign:
            why = "the ledger does not verify" if record.verdict.failed else "it is not this team's ledger"
            teams.append(Team(name, record, None, no_marks(rubric, why), warned))
        else:
            teams.append(Team(name, record, tally(findings), mark(record, findings, rubric), warned))
        remark(settings, f"{name}: {record.verdict.result}")
    return teams


def _names(bundles: Sequence[Path]) -> list[str]:
    """The files' names without their ending; CustodyError where two are called alike."""
    names = [path.stem if path.stem != "bundle" else path.absolute().parent.name for path in bundles]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise CustodyError(f"two bundles are called {twice}", "Name each file after its team.")
    return names


def _verified(path: Path) -> tuple[Record, list[Finding]]:
    from custody.disclose import read_bundle
    from custody.handling import Record, examine
    from custody.handling import Settings as Deadlines
    from custody.ledger.bundle import verify_bundle
    from custody.ledger.verdict import Trust

    verdict, found = verify_bundle(read_bundle(path), Trust())
    record = Record.read(
        found.entries if found is not None and not verdict.failed else (), verdict, Deadlines(), complete=False
    )
    return record, examine(record)


# --- what is told -----------------------------------------------------------------------------------------


def _json(team: Team) -> dict[str, Any]:
    return {
        "team": team.name,
        "verdict": str(team.record.verdict.result),
        "handling": None if team.tally is None else {"serious": team.tally.serious, "lesser": team.tally.lesser},
        "points": round(team.marks.points, 2),
        "possible": round(team.marks.possible, 2),
        "parts": [
            {
                "part": part.part.key,
                "points": round(part.points, 2) if part.data else None,
                "possible": round(part.possible, 2),
                "losses": [asdict(loss) for loss in part.losses],
            }
            for part in team.marks.parts
        ],
        "warnings": team.warnings,
    }


def _rows(teams: Sequence[Team]) -> list[list[str]]:
    from custody.training.feedback import points

    return [
        [
            team.name,
            str(team.record.verdict.result),
            "" if team.tally is None else f"{team.tally.serious}/{team.tally.lesser}",
            *(
                f"{points(part.points)}/{points(part.possible)}" if part.data else "no data"
                for part in team.marks.parts
            ),
            f"{points(team.marks.points)}/{points(team.marks.possible)}",
            str(len(team.warnings)),
        ]
        for team in teams
    ]


def _columns(rubric: Rubric) -> list[str]:
    return ["team", "integrity", "handling", *(part.key for part in rubric.parts), "points", "warnings"]


def _put(teams: Sequence[Team], rubric: Rubric) -> None:
    from custody.training.feedback import points, said_entries

    put_table(_columns(rubric), _rows(teams), right=_columns(rubric)[2:])
    for team in teams:
        put_text(f"\n{visible(team.name)}")
        for line in team.warnings:
            put_text(f"  !      {visible(line)}")
        for part in team.marks.parts:
            for loss in part.losses:
                where = visible(f"{loss.exhibit}: {loss.reason}" if loss.exhibit else loss.reason)
                put_text(f"  {'-' + points(loss.points):<6} {part.part.key}: {where}{said_entries(loss)}")


def _write(folder: Path, teams: Sequence[Team], rubric: Rubric) -> None:
    """A page for each team, and marks.csv."""
    from custody.durable import write_durably
    from custody.training.feedback import render

    folder.mkdir(parents=True, exist_ok=True)
    for team in teams:
        write_durably(folder / f"feedback-{team.name}.html", render(team, rubric), 0o644)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerows([_columns(rubric), *([_plain(cell) for cell in row] for row in _rows(teams))])
    write_durably(folder / "marks.csv", table.getvalue().encode(), 0o644)


def _plain(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t") else cell
