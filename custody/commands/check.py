"""`evikit check`: the rules of handling, over the case's ledger or a bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import (
    INTEGRITY,
    PROBLEMS,
    Settings,
    put_json,
    put_text,
    visible,
    with_settings,
)
from custody.commands.trust import Held, anchor_option, cosigned_option, trust_option
from custody.commands.verdicts import put_lines
from custody.commands.verified import verified_bundle, verified_case
from custody.ledger.errors import CustodyError

if TYPE_CHECKING:
    from custody.handling import Finding


@click.command()
@click.argument("bundle", required=False, type=click.Path(path_type=Path))
@anchor_option
@trust_option
@cosigned_option
@click.option("--document", "documents", multiple=True, metavar="FILE", type=click.Path(path_type=Path),
              help="A report or bundle as you hold it: whether it is on record, and the newest.")  # fmt: skip
@with_settings
def check(settings: Settings, bundle: Path | None, documents: tuple[Path, ...], **brought: Any) -> None:
    """Ask the rules of handling: was the evidence handled as it should be?

    The ledger of the case, or a BUNDLE, is verified first. Rules that need a withheld field read NOT CHECKED. Deadlines
    stand in [handling] of case.toml; docs/rules.md explains every rule. Ends with 4 where there are defects.
    """
    held = Held(**brought)
    asked = [(path.name, _digest(path)) for path in documents]
    found = verified_bundle(bundle, held, asked) if bundle is not None else verified_case(settings, held, asked)
    if settings.json:
        for finding in found.findings:
            put_json(_json(finding))
    else:
        put_lines(found.verdict, found.tally)
        _put_findings(found.findings)
    if found.tally is None:
        click.get_current_context().exit(INTEGRITY)
    if found.tally.serious or found.tally.lesser:
        click.get_current_context().exit(PROBLEMS)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CustodyError(f"{path} cannot be read: {error.strerror}", "Check the path.") from error


def _json(finding: Finding) -> dict[str, Any]:
    said = finding.explanation if finding.checked else f"NOT CHECKED: {finding.explanation}"
    return {
        "code": finding.code,
        "severity": str(finding.severity),
        "exhibit": finding.exhibit,
        "entries": list(finding.entries),
        "explanation": said,
        "title": finding.rule.title,
        "meaning": finding.rule.meaning,
        "about": finding.rule.about,
        "checked": finding.checked,
        "weaknesses": list(finding.rule.weaknesses),
    }


def _put_findings(findings: Sequence[Finding]) -> None:
    """Each finding in a line, and under it once what a reader should make of its rule."""
    told: set[str] = set()
    for finding in (item for item in findings if item.checked):
        where = f"{finding.exhibit}  " if finding.exhibit else ""
        put_text(f"\n{finding.severity.upper():8} {finding.code}  {visible(where)}{finding.rule.title}")
        put_text(f"         {visible(finding.explanation)}{_entries(finding.entries)}")
        if finding.code not in told:
            put_text(f"         {finding.rule.meaning}")
            told.add(finding.code)
    silent = [item for item in findings if not item.checked]
    if silent:
        put_text("\nNot checked")
        for finding in silent:
            where = f" ({visible(finding.exhibit)})" if finding.exhibit else ""
            put_text(f"  {finding.code}{where}: {visible(finding.explanation)}{_entries(finding.entries)}")


def _entries(entries: Sequence[int]) -> str:
    """The entries, at most eight of them, in parentheses."""
    if not entries:
        return ""
    listed = ", ".join(str(index) for index in entries[:8])
    more = f" and {len(entries) - 8} more" if len(entries) > 8 else ""
    return f" (entr{'y' if len(entries) == 1 else 'ies'} {listed}{more})"
