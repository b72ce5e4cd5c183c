"""A ledger or a bundle verified, and then, where it verifies, held against the rules of handling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from custody.commands.screen import Settings, remark

if TYPE_CHECKING:
    from custody.handling import Finding, Tally
    from custody.ledger.entry import Json
    from custody.ledger.verdict import Trust, Verdict

anchor_option = click.option(
    "--anchor", "anchors", multiple=True, metavar="FILE|FINGERPRINT",
    help="A checkpoint you kept, or its fingerprint (64 hex digits). May be given several times.",
)  # fmt: skip
trust_option = click.option("--trust", metavar="FILE", help="Your own trust file: ledger ids and kept heads.")


@dataclass(frozen=True)
class Verified:
    """The verdict, what the rules found, and of a bundle what its maker says of it."""

    verdict: Verdict
    findings: list[Finding] = field(default_factory=list)
    disclosure: Mapping[str, Json] | None = None

    @property
    def tally(self) -> Tally | None:
        """HANDLING in numbers; None of a record that does not verify."""
        from custody.handling import tally

        return None if self.verdict.failed else tally(self.findings)


def verified_bundle(path: Path, trust: Trust) -> Verified:
    """A bundle, by itself. The rules have their default deadlines: those of the case are not in it."""
    from custody.disclose import read_bundle, said_of
    from custody.handling import Record, examine
    from custody.handling import Settings as Deadlines
    from custody.ledger.bundle import verify_bundle

    verdict, found = verify_bundle(read_bundle(path), trust)
    entries = found.entries if found is not None else ()
    findings = examine(Record.read(entries, verdict, Deadlines(), complete=False))
    return Verified(verdict, findings, None if found is None or verdict.failed else said_of(found))


def verified_case(settings: Settings, trust: Trust) -> Verified:
    """The case's ledger, whatever state its file is in."""
    from custody.case import facts_of, find_case
    from custody.handling import Record, examine
    from custody.handling import Settings as Deadlines
    from custody.ledger.audit import audit
    from custody.ledger.errors import IntegrityError
    from custody.ledger.schema import REVISION
    from custody.ledger.store import Ledger
    from custody.ledger.verdict import Verdict
    from custody.people import Home

    verdict, deadlines = Verdict(), Deadlines()
    findings: list[Finding] = []
    try:
        path = find_case(settings.case)
        if (path / "case.toml").exists():  # a ledger is verified without it, too
            deadlines = Deadlines.of(facts_of(path).get("handling", {}))
        with Ledger.open(path / "ledger.sqlite", writable=False, refresh=False, older=True) as stored:
            if stored.notice:
                remark(settings, stored.notice)
            if stored.revision != REVISION:
                remark(settings, f"the ledger is of the older revision {stored.revision}: `evikit ledger upgrade`")
            verdict = audit(stored, trust)
            if not verdict.failed:
                stored.refresh()
                Home.default().heads.validate(stored)
            rows = stored.rows() if not verdict.failed else ()
            findings = examine(Record.read(rows, verdict, deadlines, complete=True))
    except IntegrityError as error:
        verdict.anchored = False
        verdict.proved.clear()
        verdict.fail(None, "anchor" if verdict.size else "file", f"{error}")
        findings = examine(Record.read((), verdict, deadlines, complete=True))
    return Verified(verdict, findings)
