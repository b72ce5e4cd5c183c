"""The way from the source to the images: one reading, digests and writers beside it, and the images read again."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from forensics.acquire.files import ImageFiles, State
from forensics.acquire.patient import PatientReader
from forensics.hashing import ALGORITHMS, hash_stream
from forensics.media import Medium

STRETCH = 8 << 20  # bytes read and handed on at once
EVERY = 8  # stretches after which all that was done is made durable
_WAITING = 2

Tell = Callable[[str, int], None]
"""Called with what is being done and the bytes done so far."""


Durable = Callable[[int, list[tuple[int, int]], list[State]], None]
"""Called when the images are on disk: bytes of the source done, unreadable ranges up to there, each image's state."""

Answer = TypeVar("Answer")


class Writer(Protocol):
    """One image under way."""

    @property
    def files(self) -> ImageFiles: ...

    def write(self, data: bytes) -> None: ...
    def finish(self, digests: Mapping[str, str], bad: Sequence[tuple[int, int]]) -> None: ...
    def unfinished(self) -> Medium: ...
    def reopen(self) -> Medium: ...


class _Lane:
    """Something that takes the bytes in order in a thread of its own. What it raises comes out of `put` and `drain`."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take, self._pool = take, ThreadPoolExecutor(1)
        self._pending: deque[Future[None]] = deque()

    def ask(self, question: Callable[[], Answer]) -> Future[Answer]:
        """What `question` answers when all that was put before it is taken."""
        return self._pool.submit(question)

    def put(self, data: bytes) -> None:
        self._pending.append(self._pool.submit(self._take, data))
        if len(self._pending) > _WAITING:
            self._pending.popleft().result()

    def drain(self) -> None:
        """Wait until all that was put is taken."""
        while self._pending:
            self._pending.popleft().result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


Mark = tuple[int, list[tuple[int, int]], list[State]]


def _synced(done: int, bad: list[tuple[int, int]], asked: Sequence[Future[tuple[State, int]]]) -> Mark:
    """Bring the images to the disk as they were when they were asked."""
    states = []
    for state, descriptor in [question.result() for question in asked]:
        os.fsync(descriptor)
        os.close(descriptor)
        states.append(state)
    return done, bad, states


@dataclass(slots=True)
class Copy:
    """One acquisition: where it is, and what came of it."""

    reader: PatientReader
    size: int
    writers: Sequence[Writer]
    durable: Durable
    tell: Tell
    done: int = 0
    stretch: int = STRETCH
    every: int = EVERY
    digests: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Copy what is left, in order, and finish the images. Raises `AcquisitionError`; the images then stand as far
        as `durable` was told, and the same acquisition goes on from there.
        """
        hashes = {name: hashlib.new(name, usedforsecurity=False) for name in ALGORITHMS}
        with ExitStack() as stack:
            lanes = [_Lane(value.update) for value in hashes.values()]  # which one is slow, depends on the processor
            writing = [_Lane(writer.write) for writer in self.writers]
            for lane in (*lanes, *writing):
                stack.callback(lane.close)
            self._digest_again(lanes)
            self._copy(lanes, writing)
            for lane in (*lanes, *writing):
                lane.drain()
            self.digests = {name: value.hexdigest() for name, value in hashes.items()}
        for writer in self.writers:
            writer.finish(self.digests, self.reader.bad.ranges)

    def _digest_again(self, lanes: Sequence[_Lane]) -> None:
        """What was copied before the stop, from the first image: digests cannot be kept half-made."""
        if not self.done:
            return
        medium = self.writers[0].unfinished()
        try:
            for offset in range(0, self.done, self.stretch):
                data = medium.read_at(offset, min(self.stretch, self.done - offset))
                for lane in lanes:
                    lane.put(data)
                self.tell("digests of what was copied", offset + len(data))
        finally:
            for part in medium.parts:
                os.close(part.descriptor)

    def _copy(self, lanes: Sequence[_Lane], writing: Sequence[_Lane]) -> None:
        with ThreadPoolExecutor(1) as syncing:  # a disk takes its time: reading does not wait for it
            marks: deque[Future[Mark]] = deque()
            for number, offset in enumerate(range(self.done, self.size, self.stretch), 1):
                data = self.reader.read(offset, min(self.stretch, self.size - offset))
                for lane in (*lanes, *writing):
                    lane.put(data)
                self.done = offset + len(data)
                self.tell("copying", self.done)
                if number % self.every == 0:
                    marks.append(syncing.submit(_synced, self.done, list(self.reader.bad.ranges), self._ask(writing)))
                while marks and (marks[0].done() or len(marks) > 1):
                    self.durable(*marks.popleft().result())
            while marks:
                self.durable(*marks.popleft().result())

    def _ask(self, writing: Sequence[_Lane]) -> list[Future[tuple[State, int]]]:
        return [lane.ask(writer.files.snapshot) for lane, writer in zip(writing, self.writers, strict=True)]

    def verify(self) -> list[str]:
        """Read every image again, from the disk; one line for each that does not hold the source's bytes."""
        wrong = []
        for number, writer in enumerate(self.writers, 1):
            medium = writer.reopen()
            done = 0

            def progress(length: int, what: str = f"verifying image {number}") -> None:
                nonlocal done
                done += length
                self.tell(what, done)

            try:
                found = hash_stream(medium.read_at, medium.size, progress=progress)
            finally:
                for part in medium.parts:
                    os.close(part.descriptor)
            if found.digests != self.digests:
                reason = found.bad[0].reason if found.bad else f"its SHA-256 is {found.digests['sha256']}"
                wrong.append(f"{writer.files.names[0]} does not hold what was read: {reason}")
        return wrong
