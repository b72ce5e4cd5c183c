"""Evidence read once more for its digests alone: what `verify` does, and `ingest` under a known reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from custody.access import Part, Source
from custody.ledger.errors import CustodyError
from custody.target import shown
from forensics.examine.folder import LooseFiles, Tree
from forensics.examine.listed import listing_digest
from forensics.examine.pipeline import is_log
from forensics.examine.request import Listener, Progress
from forensics.hashing import hash_stream
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


def image_in(source: Source) -> Medium | None:
    """The medium in the files that were named, one by one or by its first; None for a log, or several loose files."""
    first = source.parts[0]
    if is_log(first):
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
