"""Evidence read once more for its digests alone: `verify`, `ingest` under a known reference, every hand-over."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from custody.access import Part, Source, open_evidence
from custody.case import Case
from custody.ledger.entry import Json, b64
from custody.ledger.errors import CustodyError
from custody.target import Target, shown
from custody.transfers import OwnReading
from forensics.archives import ArchiveTree, is_archive, open_archive
from forensics.examine.folder import LooseFiles, Tree
from forensics.examine.listed import listing_digest
from forensics.examine.pipeline import is_log
from forensics.examine.request import Listener, Progress
from forensics.hashing import hash_stream, undigested
from forensics.media import Medium, open_medium, read_part

Reader = Callable[[int, int], bytes]


class Sink(Protocol):
    """Takes the same bytes as the digests do."""

    def update(self, data: bytes, /) -> None: ...


class Nowhere:
    """A sink that keeps nothing."""

    def update(self, data: bytes, /) -> None:
        """Let the bytes go."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reading came to: digests by algorithm ({} where a byte could not be read), bytes, what went wrong."""

    digests: dict[str, str]
    size: int
    problem: str


def archive_in(source: Source, zone: ZoneInfo | None = None, workspace: Path | None = None) -> ArchiveTree | None:
    """The archive that was named, one file alone; None where it is none. As `open_archive`."""
    return open_archive(source.parts[0], zone, workspace) if len(source.parts) == 1 else None


def image_in(source: Source) -> Medium | None:
    """The medium in the files that were named, one by one or by its first; None for logs, archives, loose files."""
    first = source.parts[0]
    if is_log(first) or is_archive(first):
        return None
    medium = open_medium(first, source.open)
    others = {part.name for part in source.parts} - {part.name for part in medium.parts}
    if not others:
        return medium
    if len(medium.parts) > 1 or medium.format not in ("raw", "split"):
        raise CustodyError(
            f"{shown(min(others))} is no segment of the image that {shown(first.name)} begins",
            "Take every image in as an exhibit of its own, named by its first segment.",
        )
    return None


def rehash(source: Source, folder: bool, sink: Sink, listener: Listener) -> Reading:
    """Read the exhibit whole: the media stream, or the listing of a folder or of several files."""
    if folder:
        return _listed(source, sink)
    medium, first = image_in(source), source.parts[0]
    if medium is not None and (holes := undigested(medium)):
        return Reading({}, medium.size, holes)
    if medium is not None:
        return _streamed(medium.read_at, medium.size, first, sink, listener)
    if len(source.parts) > 1:
        return _listed(LooseFiles(source.parts), sink)
    return _streamed(partial(read_part, first), first.size, first, sink, listener)


def _listed(tree: Tree, sink: Sink) -> Reading:
    return Reading(*listing_digest(tree, sink))


def _streamed(read: Reader, size: int, first: Part, sink: Sink, listener: Listener) -> Reading:
    done = 0

    def teed(offset: int, length: int) -> bytes:
        data = read(offset, length)
        sink.update(data)
        return data

    def progress(length: int) -> None:
        nonlocal done
        done += length
        listener(Progress("digests", first.name, done, size, 0, 0))

    found = hash_stream(teed, size, progress=progress)
    problem = "; ".join(f"bytes {bad.offset} to {bad.offset + bad.length}: {bad.reason}" for bad in found.bad[:3])
    return Reading(dict(found.digests), size, problem)


# --- an access of its own ---------------------------------------------------------------------------------

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Expected:
    """What the media are held against: digests by algorithm, and SHA-256 by name of the container's files."""

    digests: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)


def compare_media(
    case: Case,
    n: int,
    target: Target,
    expected: Expected,
    listener: Listener,
    *,
    challenge: bytes | None = None,
    settings: Mapping[str, str] | None = None,
    keep: bool = False,
) -> OwnReading:
    """Read the media whole, compare, and answer a challenge in the same reading; all of it recorded as an access.

    `challenge` (32 bytes) is an offer's; without one it is the head the access's own begin saw. With `keep` digests
    that do not differ become those the exhibit has in this ledger, if it had none.
    """
    with open_evidence(
        case,
        n,
        target,
        purpose="integrity verification",
        object_="media",
        settings=settings or {},
        manifests=case.receipts,
    ) as source:
        fresh = hashlib.sha256(b"evikit/fresh/v1\n" + (source.challenge if challenge is None else challenge))
        read = rehash(source, target.is_folder, fresh, listener)
        other = _other_file(source, read, expected.files)
        match = False if other else _match(expected.digests, read.digests)
        found = OwnReading(read.digests, fresh.digest() if read.digests else None, match, read.problem or other)
        source.outcome.basis = "whole" if read.digests else "chunks"
        source.outcome.read_bytes = read.size
        source.outcome.partial = read.problem
        source.outcome.values |= _compared(expected, found, keep) | ({"error": other} if other else {})
    return found


def _compared(expected: Expected, found: OwnReading, keep: bool) -> dict[str, Json]:
    kept: dict[str, Json] = {**found.digests} if keep and found.match is not False else {}
    return {
        "expected": {**expected.digests} or None,
        "computed": {**found.digests} or None,
        "match": found.match,
        "fresh": b64(found.fresh) if found.fresh else None,
        **({"media_digests": kept} if kept else {}),
    }


def _match(recorded: Mapping[str, str], computed: Mapping[str, str]) -> bool | None:
    """Whether the media are those recorded; media that could be read whole then and cannot now are not.

    None where no digest is recorded, or none by an algorithm that was computed.
    """
    common = recorded.keys() & computed.keys()
    if not recorded or (computed and not common):
        return None
    return bool(common) and all(recorded[name] == computed[name] for name in common)


def _other_file(source: Source, read: Reading, files: Mapping[str, str]) -> str:
    """Which file of the container is not the one announced, in words: its header is no part of the media stream."""
    parts = all_parts(source) if files else ()
    single = len(parts) == 1 and parts[0].size == read.size
    for part in parts:
        digest = read.digests.get("sha256") if single else _part_digest(part)
        if files.get(shown(part.name), digest) != digest:
            return f"{shown(part.name)} is not the file of this name on record"
    return ""


def all_parts(source: Source) -> Sequence[Part]:
    """The parts named and the segments that belong to them."""
    medium = image_in(source)
    return source.parts if medium is None else medium.parts


def _part_digest(part: Part) -> str:
    digest = hashlib.sha256()
    for offset in range(0, part.size, _BLOCK):
        digest.update(part.read_at(offset, min(_BLOCK, part.size - offset)))
    return digest.hexdigest()
