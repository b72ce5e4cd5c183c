"""Where files' bytes stand on the medium, and their digests read from there in threads, without libtsk.

hashlib lets other threads run while it works, libtsk's readers do not: files whose bytes stand plainly on
the medium are digested here, all others (inline, compressed, encrypted, unwritten, damaged) through libtsk.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from forensics.direct.ext4 import REGULAR, FastRefusedError, Inodes, block_runs
from forensics.direct.ntfs import Mft, decode_runs
from forensics.media import Medium, MediumError

HEAD = 4096
BLOCK = 1 << 20
LARGE = 64 << 20
THREADS = 2
_ZEROS = bytes(BLOCK)

Extents = list[tuple[int | None, int]]
"""(place on the medium or None for zeros, bytes), in the order of the content; together the content's size."""


def _laid_out(runs: Sequence[tuple[int, int, int | None]], size: int) -> Extents:
    """Runs of (first byte in the file, bytes, place or None) cut to `size`, gaps filled with zeros."""
    found: Extents = []
    at = 0
    for first, whole, place in runs:
        if first > at:
            found.append((None, min(first, size) - at))
            at = min(first, size)
        length = min(whole, size - at)
        if length <= 0:
            break
        if place is not None and found and found[-1][0] is not None and found[-1][0] + found[-1][1] == place:
            found[-1] = (found[-1][0], found[-1][1] + length)
        else:
            found.append((place, length))
        at += length
    if at < size:
        found.append((None, size - at))
    return found


def ext4_extents(inodes: Inodes, number: int, size: int) -> Extents | None:
    """The extents of a regular file of `size` bytes, or None where libtsk has to read it."""
    try:
        raw = inodes.raw(number)
        if raw[1] >> 4 != REGULAR:
            return None
        runs = block_runs(inodes, number)
    except FastRefusedError:
        return None
    if runs is None:
        return None
    shape = inodes.geometry
    block = shape.block_size
    return _laid_out([(first * block, count * block, shape.start + at * block) for first, count, at in runs], size)


def ntfs_extents(mft: Mft, number: int, attribute: str, size: int) -> Extents | None:
    """The extents of a $DATA attribute of `size` bytes, or None where libtsk has to read it.

    Bytes beyond the initialised size are zeros, as NTFS and libtsk have them.
    """
    try:
        record = mft.record(number)
    except FastRefusedError:
        return None
    data = next((one for one in record.contents if one.attribute == attribute), None) if record else None
    runs = decode_runs(data.runs) if data and data.plain and data.size == size else None
    if data is None or runs is None or not 0 <= data.initialised <= size:
        return None
    found: list[tuple[int, int, int | None]] = []
    at = 0
    for run in runs:
        length = run.count * mft.cluster_size
        if run.cluster is not None and run.cluster * mft.cluster_size + length > mft.length:
            return None
        found.append((at, length, None if run.cluster is None else mft.start + run.cluster * mft.cluster_size))
        at += length
    if at < size:
        return None
    extents = _laid_out(found, data.initialised)
    return [*extents, (None, size - data.initialised)] if data.initialised < size else extents


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to be digested: `row` is what the caller knows it by."""

    row: int
    extents: Extents


@dataclass(frozen=True, slots=True)
class Digested:
    """A file's digests (hex) and first bytes; `problem` says why it could not be read to its end (no digests)."""

    row: int
    md5: str
    sha256: str
    head: bytes
    problem: str = ""


def _digest(medium: Medium, wanted: Wanted) -> Digested:
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    head = b""
    try:
        for place, length in wanted.extents:
            for at in range(0, length, BLOCK):
                count = min(BLOCK, length - at)
                data = _ZEROS[:count] if place is None else medium.read_at(place + at, count)
                if len(data) != count:
                    raise MediumError(f"the medium ends before byte {(place or 0) + at + count}")  # noqa: TRY301
                if len(head) < HEAD:
                    head += data[: HEAD - len(head)]
                md5.update(data)
                sha256.update(data)
    except MediumError as error:
        return Digested(wanted.row, "", "", head, str(error))
    return Digested(wanted.row, md5.hexdigest(), sha256.hexdigest(), head)


def _place(wanted: Wanted) -> tuple[bool, int]:
    """Large files first, so that no thread is left alone with one; the others in the order of the medium."""
    size = sum(length for _, length in wanted.extents)
    return size < LARGE, next((place for place, _ in wanted.extents if place is not None), 0)


def digest_files(medium: Medium, files: Sequence[Wanted], threads: int = THREADS) -> Iterator[Digested]:
    """Every file's digests, in the order of `files`; `threads` read and digest at once.

    Never raises for bad bytes: what cannot be read has a `problem`. Heads of all files are held at once.
    """
    waiting = deque(sorted(files, key=_place))
    done: dict[int, Digested] = {}

    def work() -> None:
        while waiting:
            try:
                wanted = waiting.popleft()
            except IndexError:  # another thread took the last one
                return
            done[wanted.row] = _digest(medium, wanted)

    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(work) for _ in range(threads)]:
            future.result()
    for wanted in files:
        yield done[wanted.row]
