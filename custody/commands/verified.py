"""A ledger or a bundle verified, and then, where it verifies, held against the rules of handling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from custody.commands.screen import Settings, remark
from custody.commands.trust import Held, kept_note, trusted_from

if TYPE_CHECKING:
    from custody.handling import Finding, Tally
    from custody.ledger.bundle import Disclosed
    from custody.ledger.database import Address
    from custody.ledger.entry import Json
    from custody.ledger.verdict import Verdict
    from custody.timestamp.interval import Times


Documents = Sequence[tuple[str, str]]
"""What somebody holds and asks about: name, SHA-256 in hex."""


@dataclass(frozen=True)
class Verified:
    """The verdict, what the rules found, what time-stamps prove; of a bundle what its maker says of it, and shows."""

    verdict: Verdict
    findings: list[Finding] = field(default_factory=list)
    times: Times | None = None
    disclosure: Mapping[str, Json] | None = None
    entries: Sequence[Disclosed] = ()
    since: int | None = None
    """Only what stands after so many entries was examined."""

    @property
    def tally(self) -> Tally | None:
        """HANDLING in numbers; None of a record that does not verify, or was not examined whole."""
        from custody.handling import tally

        return None if self.verdict.failed or self.since is not None else tally(self.findings)


def verified_bundle(path: Path, brought: Held, documents: Documents = ()) -> Verified:
    """A bundle, by itself. The rules have their default deadlines: those of the case are not in it."""
    from custody.disclose import read_bundle, said_of
    from custody.handling import Record, examine
    from custody.handling import Settings as Deadlines
    from custody.ledger.bundle import verify_bundle
    from custody.timestamp.record import judge_bundle

    data, trusted = read_bundle(path), trusted_from(brought.trust)
    held, witnessed = brought.read()
    verdict, found = verify_bundle(data, held)
    verdict.proved += witnessed if verdict.anchored else []
    times = judge_bundle(data, found, verdict, trusted)
    entries = found.entries if found is not None else ()
    findings = examine(Record.read(entries, verdict, Deadlines(), complete=False, documents=documents))
    if found is None or verdict.failed:
        return Verified(verdict, findings)
    return Verified(verdict, findings, times, said_of(found), found.entries)


def verified_growth(settings: Settings, kept: Path, brought: Held) -> Verified:
    """What the case's ledger grew by since a kept checkpoint."""
    from custody.case import find_case
    from custody.case_file import LEDGER_FILE, address_of
    from custody.ledger.errors import IntegrityError
    from custody.ledger.growth import verify_growth
    from custody.ledger.store import Ledger
    from custody.ledger.verdict import Verdict
    from custody.people import Home

    (held, witnessed), note = brought.read(), kept_note(kept)
    verdict = Verdict()
    try:
        path = find_case(settings.case)
        address = address_of(path) if (path / "case.toml").exists() else path / LEDGER_FILE
        with Ledger.open(address, writable=False) as stored:
            if stored.notice:
                remark(settings, stored.notice)
            verdict = verify_growth(stored, note, held)
            verdict.proved += witnessed if verdict.anchored else []
            if not verdict.failed:
                Home.default().heads.validate(stored)
    except IntegrityError as error:
        verdict.anchored = False
        verdict.proved.clear()
        verdict.fail(None, "anchor" if verdict.size else "file", f"{error}")
    return Verified(verdict, since=note.checkpoint.size)


def verified_case(settings: Settings, brought: Held, documents: Documents = ()) -> Verified:
    """The case's ledger, whatever state its file is in."""
    from custody.case import find_case
    from custody.case_file import LEDGER_FILE, address_of, facts_of
    from custody.handling import Record, examine
    from custody.handling import Settings as Deadlines
    from custody.ledger.audit import audit
    from custody.ledger.errors import IntegrityError
    from custody.ledger.schema import REVISION
    from custody.ledger.store import Ledger
    from custody.ledger.verdict import Verdict
    from custody.people import Home
    from custody.timestamp.record import judge_ledger

    (held, witnessed), trusted = brought.read(), trusted_from(brought.trust)
    verdict, deadlines, times = Verdict(), Deadlines(), None
    findings: list[Finding] = []
    try:
        path = find_case(settings.case)
        address: Address = path / LEDGER_FILE
        if (path / "case.toml").exists():  # a ledger is verified without it, too
            deadlines = Deadlines.of(facts_of(path).get("handling", {}))
            address = address_of(path)
        with Ledger.open(address, writable=False, refresh=False, older=True) as stored:
            if stored.notice:
                remark(settings, stored.notice)
            if stored.revision != REVISION:
                remark(settings, f"the ledger is of the older revision {stored.revision}: `evikit ledger upgrade`")
            verdict = audit(stored, held)
            verdict.proved += witnessed if verdict.anchored else []
            if not verdict.failed:
                stored.refresh()
                Home.default().heads.validate(stored)
                times = judge_ledger(stored, verdict, trusted)
            rows = stored.rows() if not verdict.failed else ()
            findings = examine(Record.read(rows, verdict, deadlines, complete=True, documents=documents))
    except IntegrityError as error:
        verdict.anchored = False
        verdict.proved.clear()
        verdict.fail(None, "anchor" if verdict.size else "file", f"{error}")
        findings = examine(Record.read((), verdict, deadlines, complete=True, documents=documents))
    return Verified(verdict, findings, times)
