"""Digests of a medium and of its container's files, in one reading of each byte.

MD5 and SHA-1 are computed because containers and hand-over slips carry them; SHA-256 is the one to rely on.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from queue import Queue
from typing import Protocol

from custody.access import Part, shown
from forensics.media import Medium, MediumError, read_part

BLOCK = 1 << 20
PROBE = 1 << 16  # how finely an unreadable block is searched for what can be read
_QUEUED = 4
_SHOWN_RANGES = 1000

CLAIM_FACTOR, CLAIM_FLOOR = 1000, 64 << 30
"""A medium of more bytes than this, and this many times its files', is nearly all holes: it is not digested."""

ALGORITHMS = ("md5", "sha1", "sha256")
_CONTAINER = "sha256"

ReadAt = Callable[[int, int], bytes]
"""`read_at(offset, length)`: bytes, short only at the end; raises `MediumError`."""

Progress = Callable[[int], None]
"""Called with the bytes read since the last call."""


@dataclass(frozen=True, slots=True)
class BadRange:
    """Bytes `offset` to `offset + length` could not be read, and why."""

    offset: int
    length: int
    reason: str


@dataclass(frozen=True, slots=True)
class StreamDigests:
    """Lower-case hex digests by algorithm: empty when a byte could not be read, for then there is none.

    Nothing is ever filled in for unreadable bytes. `bad` lists them, in order, neighbours merged.
    """

    digests: Mapping[str, str]
    bad: tuple[BadRange, ...] = ()


@dataclass(frozen=True, slots=True)
class PartDigest:
    """One file of the container: name, bytes, SHA-256 in lower-case hex ("" when it cannot be read)."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class MediumDigests:
    """The medium's digests beside those of the container's files, and what could not be read."""

    media: StreamDigests
    container: tuple[PartDigest, ...]
    problems: tuple[str, ...] = ()


class _Sink(Protocol):
    def update(self, data: bytes, /) -> None: ...


@dataclass(slots=True)
class _PartSink:
    """Cuts the medium's stream at the parts' ends: the container's digests without a second reading."""

    parts: Sequence[Part]
    digests: list[str] = field(default_factory=list)
    _hash: hashlib._Hash = field(default_factory=lambda: hashlib.new(_CONTAINER, usedforsecurity=False))
    _left: int = -1

    def update(self, data: bytes, /) -> None:
        view = memoryview(data)
        while len(self.digests) < len(self.parts):
            if self._left < 0:
                self._left = self.parts[len(self.digests)].size
            piece = view[: self._left]
            self._hash.update(piece)
            self._left -= len(piece)
            view = view[len(piece) :]
            if self._left:
                return
            self.digests.append(self._hash.hexdigest())
            self._hash = hashlib.new(_CONTAINER, usedforsecurity=False)
            self._left = -1


class _Lane:
    """Some sinks fed by a thread of their own (hashlib frees the GIL), or at once without one."""

    def __init__(self, sinks: Sequence[_Sink], threaded: bool) -> None:
        self._sinks = sinks
        self._queue: Queue[bytes | None] | None = Queue(_QUEUED) if threaded else None
        self._thread = threading.Thread(target=self._run, daemon=True) if threaded else None
        if self._thread is not None:
            self._thread.start()

    def _run(self) -> None:
        queue = self._queue
        while queue is not None and (data := queue.get()) is not None:
            self._feed(data)

    def _feed(self, data: bytes) -> None:
        for sink in self._sinks:
            sink.update(data)

    def put(self, data: bytes) -> None:
        if self._queue is None:
            self._feed(data)
        else:
            self._queue.put(data)

    def close(self) -> None:
        if self._queue is not None and self._thread is not None:
            self._queue.put(None)
            self._thread.join()


def hash_stream(
    read_at: ReadAt,
    size: int,
    algorithms: Iterable[str] = ALGORITHMS,
    progress: Progress | None = None,
    jobs: int = 2,
) -> StreamDigests:
    """The digests of bytes 0 to `size`, read once in order; memory is bounded (some MiB).

    With `jobs` > 1 every digest has a thread of its own. After an unreadable
    range reading goes on, to list all of them, but there is no digest.
    """
    return _hash_stream(read_at, size, tuple(algorithms), (), progress=progress, jobs=jobs)


def _hash_stream(
    read_at: ReadAt,
    size: int,
    algorithms: tuple[str, ...],
    extra: tuple[_Sink, ...],
    *,
    progress: Progress | None,
    jobs: int,
) -> StreamDigests:
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    # a lane each: which one is slow depends on the processor (some have instructions for SHA, none has any for MD5)
    lanes = [_Lane([sink], jobs > 1) for sink in (*hashes.values(), *extra)]
    try:
        bad = _pump(read_at, size, lanes, progress)
    finally:
        for lane in lanes:
            lane.close()
    digests = {} if bad else {name: value.hexdigest() for name, value in hashes.items()}
    return StreamDigests(digests, tuple(bad))


def _pump(read_at: ReadAt, size: int, lanes: Sequence[_Lane], progress: Progress | None) -> list[BadRange]:
    bad: list[BadRange] = []
    for offset in range(0, size, BLOCK):
        length = min(BLOCK, size - offset)
        try:
            data = _read(read_at, offset, length)
        except MediumError:
            _search(read_at, offset, length, bad)
        else:
            for lane in lanes if not bad else ():
                lane.put(data)
        if progress is not None:
            progress(length)
    return bad


def _read(read_at: ReadAt, offset: int, length: int) -> bytes:
    data = read_at(offset, length)
    if len(data) < length:
        raise MediumError(f"the bytes end at {offset + len(data)}, {length - len(data)} before they should")
    return data


def _search(read_at: ReadAt, offset: int, length: int, bad: list[BadRange]) -> None:
    """Which pieces of an unreadable block are unreadable, neighbours merged, at most 1,000 ranges kept."""
    for start in range(offset, offset + length, PROBE):
        size = min(PROBE, offset + length - start)
        try:
            _read(read_at, start, size)
        except MediumError as error:
            last = bad[-1] if bad else None
            if last is not None and (last.offset + last.length == start or len(bad) >= _SHOWN_RANGES):
                bad[-1] = BadRange(last.offset, start + size - last.offset, last.reason)
            else:
                bad.append(BadRange(start, size, str(error)))


def undigested(medium: Medium) -> str:
    """Why a medium is given no digest before a byte of it is read, or "": terabytes of holes would take hours."""
    kept = sum(part.size for part in medium.parts)
    if medium.size <= max(CLAIM_FLOOR, CLAIM_FACTOR * kept):
        return ""
    return f"the medium claims {medium.size} bytes, its files have {kept}: it has no digest, only they have"


def hash_medium(
    medium: Medium,
    algorithms: Iterable[str] = ALGORITHMS,
    progress: Progress | None = None,
    jobs: int = 2,
) -> MediumDigests:
    """The medium's digests and the SHA-256 of every file of its container.

    A raw medium is its files, so both come from one reading; the parts of other containers are read
    by themselves. `progress` counts the medium's bytes, then those of the parts where these are read.
    """
    parts, chosen = medium.parts, tuple(algorithms)
    raw = sum(part.size for part in parts) == medium.size and medium.format in ("raw", "split")
    single = raw and len(parts) == 1 and _CONTAINER in chosen
    cutter = _PartSink(parts)
    extra = (cutter,) if raw and not single else ()
    if holes := undigested(medium):
        values = [_hash_part(part, progress, jobs) for part in parts]
        container = tuple(map(_part_digest, parts, values))
        return MediumDigests(StreamDigests({}), container, (holes, *medium.problems()))
    media = _hash_stream(medium.read_at, medium.size, chosen, extra, progress=progress, jobs=jobs)
    if single:
        values = [media.digests.get(_CONTAINER, "")]
    elif raw and not media.bad:
        cutter.update(b"")  # ends the empty parts that may stand last
        values = cutter.digests
    else:
        values = [_hash_part(part, progress, jobs) for part in parts]
    container = tuple(map(_part_digest, parts, values))
    return MediumDigests(media, container, tuple(_problems(medium, media, container)))


def _part_digest(part: Part, value: str) -> PartDigest:
    return PartDigest(shown(part.name), part.size, value)


def _hash_part(part: Part, progress: Progress | None, jobs: int) -> str:
    def read(offset: int, length: int) -> bytes:
        return read_part(part, offset, length)

    return hash_stream(read, part.size, (_CONTAINER,), progress, jobs).digests.get(_CONTAINER, "")


def _problems(medium: Medium, media: StreamDigests, container: Sequence[PartDigest]) -> Iterable[str]:
    yield from medium.problems()
    for gap in media.bad:
        end = gap.offset + gap.length
        yield f"bytes {gap.offset} to {end} of the medium cannot be read, so it has no digest: {gap.reason}"
    for part in container:
        if not part.sha256:
            yield f"{part.name} cannot be read whole, so it has no digest"
