"""A hit: which pattern, where it stands in a file or stream and on the medium, and the bytes around it; as columns."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from forensics.model import Location
from forensics.results.columns import integers, texts
from forensics.search.scanner import Match

FILE, SLACK, FREE, REST, OUTSIDE, BORDER = "file", "slack", "unallocated", "rest", "outside", "border"
"""Where a hit stands: in a file; behind one, in what is allocated to it; in what its file system calls free; in what
belongs to no file and is not free (the file system's own); in no volume that is read; across a border between these.
"""

CONTEXT = 48
MATCH_KEPT = 512

HITS = pa.schema(
    [
        ("key", pa.string()),
        ("exhibit", pa.string()),
        ("volume", pa.string()),
        ("area", pa.string()),
        ("path", pa.string()),
        ("raw_path", pa.binary()),
        ("meta", pa.string()),
        ("stream", pa.string()),
        ("allocated", pa.bool_()),
        ("offset", pa.int64()),
        ("length", pa.int64()),
        ("medium_offset", pa.int64()),
        ("pieces", pa.int64()),
        ("kind", pa.string()),
        ("pattern", pa.string()),
        ("rule", pa.string()),
        ("encoding", pa.string()),
        ("before", pa.binary()),
        ("match", pa.binary()),
        ("after", pa.binary()),
    ]
)


class Place(NamedTuple):
    """What is being searched: an area, and the file it is or belongs to. `allocated` is None where it means nothing."""

    location: Location
    area: str
    allocated: bool | None = None


class Hit(NamedTuple):
    """One match at its place. `match.offset` is counted in the file or stream (across a border: on the medium);
    `medium_offset` is None where the bytes do not stand plainly on the medium; `pieces` says in how many places of it.
    """

    place: Place
    match: Match
    medium_offset: int | None
    pieces: int
    before: bytes
    found: bytes
    after: bytes

    @property
    def key(self) -> str:
        """The same for the same pattern at the same place, whichever search found it."""
        where, match = self.place.location, self.match
        told = (where.exhibit, where.volume, self.place.area, where.path, where.meta, where.stream)
        what = (match.kind, match.pattern, match.rule, str(match.offset), str(match.length))
        text = "\0".join((*told, *what)).encode("utf-8", "surrogateescape")
        return hashlib.sha256(b"evikit/hit/v1\n" + text).hexdigest()[:16]


def hit_in(data: bytes, place: Place, match: Match, at: int, pieces: Sequence[tuple[int | None, int]]) -> Hit:
    """The hit of a match whose window `data` begins at byte `at` of its stream; `pieces` is where it stands."""
    start, end = match.offset, match.offset + match.length
    first = pieces[0][0] if pieces else None
    found = data[start : min(end, start + MATCH_KEPT)]
    moved = match._replace(offset=at + start)
    return Hit(
        place, moved, first, len(pieces), data[max(start - CONTEXT, 0) : start], found, data[end : end + CONTEXT]
    )


def hit_batch(hits: Sequence[Hit]) -> pa.RecordBatch:
    """Hits as columns of `HITS`, in the order given."""
    where = [hit.place.location for hit in hits]
    matches = [hit.match for hit in hits]
    columns = [
        texts([hit.key for hit in hits]),
        texts([one.exhibit for one in where]),
        texts([one.volume for one in where]),
        texts([hit.place.area for hit in hits]),
        texts([one.path for one in where]),
        pa.array([one.raw_path for one in where], pa.binary()),
        texts([one.meta for one in where]),
        texts([one.stream for one in where]),
        pa.array([hit.place.allocated for hit in hits], pa.bool_()),
        integers([None if hit.place.area == BORDER else hit.match.offset for hit in hits]),
        integers([match.length for match in matches]),
        integers([hit.medium_offset for hit in hits]),
        integers([hit.pieces for hit in hits]),
        *(texts([getattr(match, name) for match in matches]) for name in ("kind", "pattern", "rule", "encoding")),
        *(pa.array([getattr(hit, name) for hit in hits], pa.binary()) for name in ("before", "found", "after")),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=HITS)
