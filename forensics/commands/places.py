"""Where an exhibit's evidence stands now, and which run speaks of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from custody.exhibits import outcomes
from custody.ledger.entry import Json
from custody.ledger.errors import CustodyError
from custody.opened import text
from custody.target import Target
from forensics.results import Run, current_runs

if TYPE_CHECKING:
    from custody.case import Case
    from custody.exhibits import Exhibit


def place_of(case: Case, exhibit: Exhibit) -> Target:
    """The files the exhibit was last read from, as the ledger recorded them; refused ones do not count."""
    failed = {
        leaf for row, values in outcomes(case, exhibit.n) if values.get("outcome") == "failed" for leaf in row.entry.re
    }
    begins = outcomes(case, exhibit.n, "access.begin")
    recorded = [values.get("parts") for row, values in begins if row.leaf not in failed]
    parts = recorded[-1] if recorded else None
    if not isinstance(parts, list) or not parts:
        raise CustodyError(f"{exhibit.ref} was never read here", "Take it in with `evikit ingest`.")
    paths = [_path(part) for part in parts if isinstance(part, dict)]
    try:
        return Target.locate(paths)
    except CustodyError as error:
        raise CustodyError(
            f"the evidence of {exhibit.ref} is not where it was read: {error}",
            "Put it back, or take it in again from where it is now.",
        ) from error


def _path(part: Mapping[str, Json]) -> Path:
    raw = part.get("raw")
    return Path(os.fsdecode(bytes.fromhex(raw)) if isinstance(raw, str) else text(part.get("path")))


def run_of(case: Case, exhibit: Exhibit) -> Run:
    """The newest complete run of the exhibit."""
    runs = current_runs(case.path / "derived", exhibit.ref)
    if not runs:
        raise CustodyError(f"{exhibit.ref} has no complete examination", "Run `evikit ingest`.")
    return runs[0]
