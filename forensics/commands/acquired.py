"""What came of an acquisition: as people and programs are told it, as its outcome, and as the log beside the images."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custody.access import Source
from custody.ledger.errors import IntegrityError
from custody.target import shown
from forensics.commands.source_state import SourceState

FILLED = "zeros"
"""What stands in the images where a sector could not be read."""
_SHOWN_RANGES = 100


@dataclass(slots=True)
class Acquisition:
    """What came of it."""

    ref: str
    size: int
    digests: dict[str, str]
    images: list[list[str]]
    bad: list[tuple[int, int]]
    resumed_at: int
    state: SourceState
    log: Path | None = None

    @property
    def bad_sectors(self) -> int:
        return sum(count for _, count in self.bad)

    @property
    def hidden(self) -> int:
        """Sectors that the disk said it hides, and that are in no image."""
        return int(self.state.facts.get("hidden_sectors", "0"))

    @property
    def incomplete(self) -> bool:
        """Whether something could not be read."""
        return bool(self.bad or self.hidden)

    def facts(self) -> dict[str, object]:
        """As people are told it."""
        images = (names[0] + (f" to {names[-1]}" if len(names) > 1 else "") for names in self.images)
        return {
            "exhibit": f"{self.ref} ({self.size:,} bytes, source {self.state.said})",
            **self.digests,
            "images": ", ".join(images),
            "verified": "every image was read again and holds these bytes",
            "unreadable": f"{self.bad_sectors:,} sectors" + (" (zeros in the images, listed)" if self.bad else ""),
            "log": str(self.log),
        }

    def remarks(self) -> list[str]:
        """What else should be known."""
        said = [f"gone on with at byte {self.resumed_at:,}, where it was stopped"] if self.resumed_at else []
        if self.hidden:
            said.append(f"the disk hides {self.hidden:,} sectors (HPA or DCO): they are in no image")
        return said

    def json_object(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "exhibit": self.ref,
            "size": str(self.size),
            "sector_size": str(self.state.sector_size),
            **self.digests,
            "images": self.images,
            "unreadable_sectors": str(self.bad_sectors),
            "unreadable": [{"first": str(first), "count": str(count)} for first, count in self.bad],
            "resumed_at": str(self.resumed_at) if self.resumed_at else None,
            "source": {"kind": self.state.kind, "state": self.state.said, **self.state.facts},
            "log": str(self.log) if self.log else None,
        }


def record_outcome(source: Source, done: Acquisition, wrong: list[str]) -> None:
    """What the access came to: into its outcome."""
    outcome = source.outcome
    outcome.basis = "chunks" if done.bad else "whole"
    facts = [*done.state.facts.items(), ("unreadable_sectors", _ranges(done.bad[:_SHOWN_RANGES]))]
    outcome.values |= {
        "media_digests": {**done.digests},
        "computed": {**done.digests},
        "match": not wrong,
        "header": [{"name": name, "value": value} for name, value in facts if value] or None,
        "output_digest": [
            {
                "name": shown(name),
                **({} if shown(name) == name else {"raw": os.fsencode(name).hex()}),
                "sha256": done.digests["sha256"] if len(names) == 1 and name.endswith(".dd") else None,
            }
            for names in done.images
            for name in names
        ],
    }
    lacking = [f"{done.bad_sectors} sectors could not be read and are {FILLED} in the images"] if done.bad else []
    lacking += [f"the disk hides {done.hidden} sectors, which are in no image"] if done.hidden else []
    outcome.partial = "; ".join(lacking)
    if wrong:
        raise IntegrityError("; ".join(wrong), "Check that disk; acquire again to another place.")


def _ranges(bad: list[tuple[int, int]]) -> str:
    return ", ".join(str(first) if count == 1 else f"{first}-{first + count - 1}" for first, count in bad)


def log_text(origin: Path, done: Acquisition, settings: Mapping[str, str], begun: str) -> str:
    """The acquisition in words, for the file beside the images: every unreadable range is in it."""
    lines = [f"Acquisition of {done.ref} by evikit", f"begun: {begun}", f"source: {shown(str(origin))}"]
    lines += [f"{name}: {value}" for name, value in (*done.state.facts.items(), *settings.items())]
    lines += [f"bytes: {done.size}", f"sector size: {done.state.sector_size}"]
    lines += [f"{name} of all bytes, images verified: {value}" for name, value in done.digests.items()]
    lines += [f"image: {shown(name)}" for names in done.images for name in names]
    lines.append(f"unreadable sectors: {done.bad_sectors}" + (f" ({FILLED} in the images)" if done.bad else ""))
    lines += [f"  {first} to {first + count - 1}" for first, count in done.bad]
    if done.resumed_at:
        lines.append(f"stopped and gone on with at byte {done.resumed_at}")
    return os.linesep.join(lines) + os.linesep
