"""`evikit ledger`: log, verify, checkpoint, backup, upgrade."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from custody.commands.governance import approve, erase, freeze, policy, rotate
from custody.commands.screen import (
    INTEGRITY,
    Settings,
    moment,
    passphrase,
    put_facts,
    put_json,
    put_table,
    put_text,
    reading,
    remark,
    settled,
    with_settings,
    write_new,
    writing,
)
from custody.commands.storage import grant, move, schema
from custody.commands.timestamp import timestamp
from custody.commands.trust import Held, anchor_option, cosigned_option, trust_option, trusted_from
from custody.commands.verdicts import put_verdict
from custody.commands.verified import verified_case, verified_growth
from custody.commands.witness import fraud, witness

if TYPE_CHECKING:
    from custody.case import Case
    from custody.timestamp.interval import Times


@click.group()
@settled
def ledger() -> None:
    """The custody ledger: who did what to which exhibit, provably."""


for _command in (approve, policy, rotate, freeze, erase, witness, fraud, timestamp, schema, grant, move):
    ledger.add_command(_command)


_OWN_KEY = dict.fromkeys(("closing", "anchor"), "(the ledger's own key)")


def _lines(case: Case, exhibit: str | None, times: Times) -> Iterator[dict[str, Any]]:
    from custody.exhibits import exhibits
    from custody.opened import text, values_of

    refs = {item.n: item.ref for item in exhibits(case)}
    for row in case.ledger.rows():
        entry, values = row.entry, values_of(row)
        ref = refs.get(entry.x.n, "") if entry.x is not None and entry.x.n else ""
        if exhibit is not None and ref != exhibit:
            continue
        tool = values.get("tool")
        yield {
            "index": row.index,
            "entry": row.leaf.hex(),
            "type": entry.type,
            "at": text(values.get("claimed_at")),
            **times.of(row).written(),
            "actor": text(values.get("actor"))
            or ("(the ledger's own key)" if entry.type in ("closing", "anchor") else ""),
            "exhibit": ref,
            "purpose": text(values.get("purpose") or values.get("reason") or values.get("text")),
            "outcome": text(values.get("outcome")),
            "tool": " ".join(text(tool.get(name)) for name in ("name", "version")) if isinstance(tool, dict) else "",
            "match": values.get("match"),
            "answers": [leaf.hex() for leaf in entry.re],
        }


@ledger.command()
@click.option("--exhibit", metavar="REF", help="Only entries of this exhibit.")
@trust_option
@with_settings
def log(settings: Settings, exhibit: str | None, trust: str | None) -> None:
    """List the entries, oldest first. Times are what the writers' clocks claimed, in UTC.

    Beside them stands, where time-stamps of authorities in your trust file prove it, between which moments an entry
    was signed. Whether the ledger holds is for `ledger verify` to say.
    """
    from custody.ledger.verdict import Verdict
    from custody.timestamp.record import times_of_ledger

    with reading(settings) as case:
        if exhibit is not None:
            from custody.exhibits import need_exhibit

            need_exhibit(case, exhibit)
        said = Verdict()
        times = times_of_ledger(case.ledger, said, trusted_from(trust))
        lines = _lines(case, exhibit, times)
        if settings.json:
            for line in lines:
                put_json(line)
            return
        for finding in said.failed:
            remark(settings, f"entry {finding.index}: {finding.explanation}")
        proved = ["proved after", "before (UTC)"] if times else []
        put_table(
            ["entry", "claimed (UTC)", *proved, "what", "exhibit", "who", "purpose, outcome"],
            (
                (
                    line["index"],
                    moment(line["at"]),
                    *[moment(line[side]) for side in ("not_before", "not_after") if proved],
                    line["type"],
                    line["exhibit"],
                    line["actor"],
                    ", ".join(part for part in (line["purpose"], line["outcome"]) if part),
                )
                for line in lines
            ),
            right=["entry"],
        )


@ledger.command()
@anchor_option
@trust_option
@cosigned_option
@click.option("--since", type=click.Path(path_type=Path), metavar="CHECKPOINT",
              help="Verify only what stands after a checkpoint that you kept, and that it grew out of it.")  # fmt: skip
@with_settings
def verify(settings: Settings, since: Path | None, **brought: Any) -> None:
    """Verify the whole ledger of the case: every signature, the tree, the map, the checkpoints, every field.

    Without an anchor from outside the best verdict is INTACT WITH NOTES: a ledger that was replaced as a whole
    cannot be told from the right one by looking at it alone.
    """
    if since is not None and brought["anchors"]:
        raise click.UsageError("--since is an anchor itself: other anchors go with the whole ledger, or in --trust")
    held = Held(**brought)
    found = verified_case(settings, held) if since is None else verified_growth(settings, since, held)
    put_verdict(settings, found)
    if found.verdict.failed:
        click.get_current_context().exit(INTEGRITY)


@ledger.command()
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Where to write it; else receipts/checkpoint-SIZE.txt."
)
@with_settings
def checkpoint(settings: Settings, output: Path | None) -> None:
    """Close and sign the ledger's head now. Keep the file, or its fingerprint, where the lab cannot reach it."""
    from custody.ledger.errors import CustodyError

    with writing(settings) as case:
        note = case.checkpoint()
        if note is None:
            raise CustodyError("the ledger's own key is not in this key store", "Ask its keeper for a checkpoint.")
        path = output or case.receipts / f"checkpoint-{case.ledger.size}.txt"
        write_new(path, note)
        facts = {"size": str(case.ledger.size), "fingerprint": case.fingerprint(), "file": str(path)}
    if settings.json:
        put_json({**facts, "checkpoint": note.decode()})
        return
    put_facts(facts)
    remark(
        settings, "Lodge the file, or its fingerprint, where the lab cannot reach it: it is the anchor of later proof."
    )


@ledger.command()
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path))
@with_settings
def backup(settings: Settings, target: Path) -> None:
    """Copy the ledger, consistently and verified, into FILE (also while others write)."""
    from custody.ledger.audit import audit
    from custody.ledger.store import Ledger
    from custody.ledger.verdict import Trust

    with reading(settings) as case:
        case.ledger.copy_to(target)
        size = case.ledger.size
    with Ledger.open(target, writable=False) as copy:
        verdict = audit(copy, Trust())
    if settings.json:
        put_json({"file": str(target), "size": str(size), "verdict": str(verdict.result)})
    else:
        put_facts({"copied to": target, "entries": size, "verified": verdict.result})
        remark(settings, "Keep it apart from the case; the keys in $EVIKIT_HOME need a backup of their own.")
    if verdict.failed:
        click.get_current_context().exit(INTEGRITY)


@ledger.command()
@with_settings
def upgrade(settings: Settings) -> None:
    """Bring a ledger written by an older evikit to the form this one writes; its entries stay the same.

    The ledger is verified, a copy is upgraded and verified to the same head, and takes its place in one step. The old
    ledger is kept beside it, read-only, and a note in the new one says so. A broken ledger is refused, untouched.
    """
    from custody.case import find_case
    from custody.ledger.schema import REVISION
    from custody.people import Home
    from custody.upgrade import upgrade_case

    done = upgrade_case(find_case(settings.case), Home.default(), settings.actor, passphrase)
    if done is None:
        facts: dict[str, object] = {"revision": REVISION, "upgraded": False}
        said = f"the ledger is of the newest revision already ({REVISION})"
    else:
        change = done.change
        facts = {
            "revision": change.new,
            "upgraded": True,
            "from": change.old,
            "size": str(change.size),
            "kept": change.kept,
            "entry": None if done.entry is None else str(done.entry),
            "fingerprint": done.fingerprint,
        }
        said = f"upgraded from revision {change.old} to {change.new}: the same {change.size} entries, verified"
    if settings.json:
        put_json(facts)
        return
    put_text(said)
    if done is not None:
        put_facts({**({"old ledger": done.change.kept} if done.change.kept else {}), "fingerprint": done.fingerprint})
        if done.entry is None:
            remark(settings, "The ledger is frozen: the upgrade does not stand in it.")
