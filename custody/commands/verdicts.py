"""The two verdicts on the screen, INTEGRITY and HANDLING: the same for a ledger and a bundle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from custody.commands.screen import Settings, moment, put_json, put_text, visible

if TYPE_CHECKING:
    from custody.commands.verified import Verified
    from custody.handling import Tally
    from custody.ledger.verdict import Finding, Verdict
    from custody.opened import Opened
    from custody.timestamp.interval import Times

MEANING = {
    "INTACT": "The record is whole, and it is the one you hold an anchor of.",
    "INTACT WITH NOTES": "Nothing in the record is wrong; read what could not be said, or should be known.",
    "BROKEN": "The record does not verify. What it says must not be relied on before the reason is known.",
}


def handling_words(tally: Tally | None) -> str:
    """HANDLING in a line."""
    if tally is None:
        return "NOT CHECKED: how evidence was handled cannot be read from a record that does not verify"
    silent = f" ({tally.not_checked} not checked)" if tally.not_checked else ""
    return f"{tally.serious} serious, {tally.lesser} lesser{silent}"


def put_lines(verdict: Verdict, tally: Tally | None, since: int | None = None) -> None:
    """The two verdict lines. They are never mixed: a record of bad handling is intact."""
    growth = "" if since is None else f" (growth only: after the first {since} entries)"
    put_text(f"INTEGRITY  {verdict.result}{growth}")
    put_text(f"           {MEANING[str(verdict.result)]}")
    put_text(f"HANDLING   {handling_words(tally) if since is None else 'NOT CHECKED: it takes the whole ledger'}")


def describe(verdict: Verdict) -> dict[str, Any]:
    """The verdict as JSON values."""

    def rows(findings: Iterable[Finding], severity: str) -> list[dict[str, Any]]:
        return [
            {"index": f.index, "kind": f.kind, "explanation": f.explanation, "severity": severity} for f in findings
        ]

    return {
        "verdict": str(verdict.result),
        "ledger": verdict.ledger,
        "kind": verdict.kind,
        "size": str(verdict.size),
        "root": verdict.root,
        "anchored": verdict.anchored,
        "checked": dict(verdict.checked),
        "proved": list(verdict.proved),
        "problems": rows(verdict.failed, "failed") + rows(verdict.notes, "note"),
        "not_checked": list(dict.fromkeys(verdict.not_checked)),
    }


def put_verdict(settings: Settings, told: Verified) -> None:
    """Print the verdicts, why, and what they cover; of a bundle also what its maker says of it, and proved times."""
    verdict, tally, disclosure = told.verdict, told.tally, told.disclosure
    found = describe(verdict) | {"handling": None if tally is None else asdict(tally)}
    if told.since is not None:
        found["since"] = str(told.since)
    if disclosure is not None:
        found["disclosure"] = disclosure
    if told.times is not None and told.times.stamps:
        found["time_stamps"] = stamp_lines(told.times)
        if listed := [_time_line(row, told.times) for row in told.entries]:
            found["times"] = listed
    if settings.json:
        put_json(found)
        return
    put_lines(verdict, tally, told.since)
    if tally is not None and (tally.serious or tally.lesser):
        put_text("           `evikit check` names each, with its entries.")
    if found["ledger"]:
        checked = ", ".join(f"{number} {what}" for what, number in found["checked"].items() if number)
        put_text(f"\nledger   {found['ledger']}\nentries  {found['size']}\nchecked  {checked}")
    for title, lines in (
        ("Failed", [_line(item) for item in verdict.failed]),
        ("Notes", [_line(item) for item in verdict.notes]),
        ("Not checked", found["not_checked"]),
        ("Proved", found["proved"]),
        ("Proved times (UTC)", [_people_line(line) for line in found.get("times", ())]),
        ("Said by who made it", [] if disclosure is None else _disclosed(disclosure)),
    ):
        if lines:
            put_text(f"\n{title}")
            for line in lines[:200]:
                put_text(f"  {visible(line)}")
            if len(lines) > 200:
                put_text(f"  ... and {len(lines) - 200} more (--json prints all)")


def stamp_lines(times: Times) -> list[dict[str, Any]]:
    """The verified time-stamps as JSON values."""
    from custody.moment import claimed

    return [
        {
            "entry": placed.index,
            "size": str(placed.size),
            "at": claimed(placed.stamp.at),
            "accuracy": f"{placed.stamp.accuracy / 1_000_000_000:.6f}",
            "authority": placed.stamp.authority,
            "until": claimed(placed.until),
            "holds": placed in times.alive,
        }
        for placed in times.stamps
    ]


def _time_line(row: Opened, times: Times) -> dict[str, Any]:
    opened = row.openings.get("claimed_at")
    return {"index": row.index, "claimed_at": None if opened is None else opened.value, **times.of(row).written()}


def _people_line(line: Mapping[str, Any]) -> str:
    claimed = line["claimed_at"] if isinstance(line["claimed_at"], str) else None
    after, before = moment(line["not_before"]), moment(line["not_after"])
    return f"entry {line['index']:>5}  claimed {moment(claimed):<19}  after {after:<19}  before {before}"


def _disclosed(said: Mapping[str, Any]) -> list[str]:
    """For whom, and what is kept closed, in a line each."""
    lines = [f"for {said['recipient'] or '(withheld)'}, as a {said['kind']} (entry {said['entry']})"]
    if said.get("from") or said.get("to"):
        lines.append(f"a period: from {said.get('from') or 'the beginning'} to {said.get('to') or 'the end'}")
    rules = said.get("rules")
    for rule in rules if isinstance(rules, list) else ():
        fields = rule.get("fields") if isinstance(rule, dict) else None
        if isinstance(fields, list):
            lines.append(f"withheld by rule {rule.get('rule')!r}: {', '.join(map(str, fields))}")
    if said.get("supersedes"):
        lines.append("it supersedes an earlier one")
    return lines


def _line(finding: Finding) -> str:
    where = f"entry {finding.index}: " if finding.index is not None else ""
    return f"{where}{finding.explanation} [{finding.kind}]"
