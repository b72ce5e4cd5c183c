"""Where work runs: units of work in child processes, through the `concurrent.futures` interface.

A unit is one call of an importable function with plain arguments; `Part`s among them travel as open
descriptors. `WorkerPool` is an `Executor`: whoever submits to it may submit to another one (a
cluster's) instead. What it adds to the standard pool: a child that makes no progress or dies
costs one unit, tried once more in a fresh child and then failed with a reason; children have a
scrubbed environment; and they die with their parent.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from mmap import mmap
from typing import IO, Any, TypeVar

from forensics.engine.worker import BOARD_SIZE, REFUSED, Call, pack_call, read_board, receive_answer, send_call
from forensics.model import ExaminationError

Answer = TypeVar("Answer")

STALL_SECONDS = 60.0
CALL_SECONDS = 4 * 3600.0
"""How long one call may take although it gets somewhere."""
MEMORY_BYTES = 2 << 30
"""What one child may allocate; evidence that makes it want more costs the object it is at."""
_TICK = 0.1
_ATTEMPTS = 2
_KEPT_VARIABLES = ("PATH", "LANG", "LANGUAGE")
_START = "from forensics.engine.worker import main; main()"


class UnitFailedError(ExaminationError):
    """A unit failed twice. `mark` is the row it was at, -1 when it had begun none; `path` its name."""

    def __init__(self, reason: str, mark: int = -1, path: str = "") -> None:
        super().__init__(reason)
        self.mark = mark
        self.path = path


class UnitRefusedError(ExaminationError):
    """A unit could not be done and no other could: there is no room for results, say. It is not tried again."""


class _ChildGoneError(Exception):
    """The child died, was killed or answered nonsense; `str()` says why in one line."""


@dataclass(frozen=True, slots=True)
class Beat:
    """What one child shows: the object it is at, bytes of content done and objects begun, in its life."""

    path: str
    done: int
    files: int


@dataclass(slots=True)
class _Task:
    future: Future[Any]
    call: Call


def child_environment() -> dict[str, str]:
    """The environment of a child: where to find programs and modules, the language, UTC. Nothing else."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT_VARIABLES or name.startswith("LC_")}
    paths = [os.path.abspath(path) for path in sys.path if path]  # noqa: PTH100 - must not touch links
    return kept | {
        "PYTHONPATH": os.pathsep.join(paths),
        "TZ": "UTC",
        "PYTHONDONTWRITEBYTECODE": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",  # the bundled pools keep tens of MiB for themselves
        "MALLOC_ARENA_MAX": "2",
    }


@dataclass(frozen=True, slots=True)
class Limits:
    """What a call may take before its child is ended: seconds without progress, seconds in all, bytes allocated."""

    stall_seconds: float = STALL_SECONDS
    call_seconds: float = CALL_SECONDS
    memory_bytes: int = MEMORY_BYTES


DEFAULT_LIMITS = Limits()


class _Child:
    """One child process with its channel, its board and what it says when it dies."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs, tempfile.TemporaryFile() as board:
            board.truncate(BOARD_SIZE)
            self._memory = mmap(board.fileno(), BOARD_SIZE)
            self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - read after the child's death
            numbers = (os.getpid(), theirs.fileno(), board.fileno(), limits.memory_bytes)
            arguments = [str(number) for number in numbers]
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-c", _START, *arguments],
                pass_fds=(theirs.fileno(), board.fileno()),
                env=child_environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
            )

    def shown(self) -> tuple[int, int, int, int, str]:
        return read_board(self._memory)

    def call(self, call: Call, stopping: threading.Event) -> dict[str, Any]:
        """Run one call; `_ChildGoneError` when it stalls, takes too long, dies, answers nonsense or must stop."""
        try:
            self._channel.settimeout(self._limits.stall_seconds)
            send_call(self._channel, call)
            self._await_answer(stopping)
            return receive_answer(self._channel)
        except (EOFError, OSError) as error:
            raise _ChildGoneError(self._last_words()) from error
        except ValueError as error:
            raise _ChildGoneError(f"the worker's answer makes no sense: {error}") from error

    def _await_answer(self, stopping: threading.Event) -> None:
        stall_seconds, call_seconds = self._limits.stall_seconds, self._limits.call_seconds
        stalled, taken, beat, before = 0.0, 0.0, -1, time.monotonic()
        self._channel.settimeout(_TICK)
        while not self._ready():
            now = time.monotonic()
            shown = self.shown()[0]
            # a machine that was suspended, or this process stopped, is no stall of the child
            passed = min(now - before, 10 * _TICK)
            stalled, taken = (0.0 if shown != beat else stalled + passed), taken + passed
            beat, before = shown, now
            if stopping.is_set():
                raise _ChildGoneError("stopped")
            if stalled > stall_seconds:
                raise _ChildGoneError(f"no progress for {stall_seconds:g} s")
            if taken > call_seconds:
                raise _ChildGoneError(f"not done after {call_seconds:g} s")
        self._channel.settimeout(stall_seconds)

    def _ready(self) -> bool:
        try:
            return self._channel.recv(1, socket.MSG_PEEK) is not None
        except TimeoutError:
            return False

    def _last_words(self) -> str:
        """Why the child died: its signal, or the last line it wrote."""
        try:
            status = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return "the worker closed its channel"
        if status < 0:
            return f"the worker was ended by {signal.Signals(-status).name}"
        self._errors.seek(0)
        lines = self._errors.read()[-4000:].decode("utf-8", "backslashreplace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "no reason given")
        if last.startswith("MemoryError"):
            return f"it needed more than {self._limits.memory_bytes >> 20:,} MiB of memory"
        return f"the worker ended with status {status}: {last.strip()[:300]}"

    def end(self) -> None:
        """Kill the process (it holds nothing that a kill could spoil) and free what belongs to it."""
        self._process.kill()
        self._process.wait()
        self._channel.close()
        self._errors.close()
        self._memory.close()


@dataclass(slots=True)
class _Slot:
    """One place for a child: a thread keeps it filled, so PR_SET_PDEATHSIG follows the pool's life."""

    child: _Child | None = None
    done: int = 0
    files: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def replace(self, child: _Child | None) -> None:
        with self.lock:
            old, self.child = self.child, child
            if old is not None:
                _, _, done, files, _ = old.shown()
                self.done, self.files = self.done + done, self.files + files
                old.end()

    def beat(self) -> Beat:
        with self.lock:
            _, _, done, files, path = self.child.shown() if self.child else (0, 0, 0, 0, "")
            return Beat(path, self.done + done, self.files + files)


def preparation(function: Callable[..., Mapping[str, Any] | None], *args: Any) -> Call:
    """The call that prepares every child of a pool; `Part`s among its arguments stay open for the child's life."""
    return pack_call(function, args, {}, keep=True)


class UnitPool(Executor):
    """What runs units: `places` of them at once, here or on other machines."""

    places: int

    def beats(self) -> tuple[Beat, ...]:
        """What each child shows."""
        raise NotImplementedError


class WorkerPool(UnitPool):
    """`jobs` child processes that run submitted calls, each prepared once by `prepare`.

    Functions must be importable by name and return a JSON object. `Part`s in a call's arguments are open until the
    call ends. A call that makes no progress (see `worker.Board`) for `stall_seconds`, takes longer than `call_seconds`,
    or whose child dies (of allocating more than `memory_bytes`, say), is run once more in a fresh child; then its
    future holds `UnitFailedError`. Calls start in the order of submission.
    """

    def __init__(
        self,
        jobs: int = 1,
        prepare: Call | None = None,
        *,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        if jobs < 1:
            raise ExaminationError(f"{jobs} workers cannot do anything", "give --jobs 1 or more")
        self.places, self._prepare = jobs, prepare
        self._limits = limits
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._closed = False
        self._slots = [_Slot() for _ in range(self.places)]
        self._threads = [
            threading.Thread(target=self._serve, args=(slot,), name=f"worker-{number}", daemon=True)
            for number, slot in enumerate(self._slots)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, fn: Callable[..., Answer], /, *args: Any, **kwargs: Any) -> Future[Answer]:
        """Queue a call; the future holds what it returns, or `UnitFailedError`.

        What cannot travel to a child raises here what pickle raises.
        """
        return self.submit_call(pack_call(fn, args, kwargs, keep=False))

    def submit_call(self, call: Call) -> Future[Any]:
        """Queue a call that is packed already."""
        if self._closed:
            raise RuntimeError("the pool is shut down")
        task = _Task(Future(), call)
        self._tasks.put(task)
        return task.future

    def beats(self) -> tuple[Beat, ...]:
        """What each child shows now, in the order of the slots."""
        return tuple(slot.beat() for slot in self._slots)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls. With `cancel_futures`, running calls are killed and waiting ones cancelled."""
        self._closed = True
        if cancel_futures:
            self._stopping.set()
        for _ in self._threads:
            self._tasks.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def __exit__(self, kind: object, *_: object) -> None:
        """Leave: after an exception (Ctrl-C) at once, else when all that was submitted is done."""
        self.shutdown(cancel_futures=kind is not None)

    def _serve(self, slot: _Slot) -> None:
        while (task := self._tasks.get()) is not None:
            if self._stopping.is_set():
                task.future.cancel()
            elif task.future.set_running_or_notify_cancel():
                self._attempt(slot, task)
        slot.replace(None)

    def _attempt(self, slot: _Slot, task: _Task) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                task.future.set_result(self._call(slot, task.call))
            except UnitRefusedError as error:
                task.future.set_exception(error)
                return
            except _ChildGoneError as error:
                _, mark, _, _, path = slot.child.shown() if slot.child else (0, -1, 0, 0, "")
                slot.replace(None)
                if attempt == _ATTEMPTS - 1 or self._stopping.is_set():
                    task.future.set_exception(UnitFailedError(str(error), mark, path))
                    return
            else:
                return

    def _call(self, slot: _Slot, call: Call) -> dict[str, Any]:
        child = slot.child
        if child is None:
            try:
                child = _Child(self._limits)
            except OSError as error:
                raise _ChildGoneError(f"no worker could be started: {error.strerror}") from error
            slot.replace(child)
            if self._prepare is not None:
                child.call(self._prepare, self._stopping)
        answer = child.call(call, self._stopping)
        if REFUSED in answer:
            raise UnitRefusedError(str(answer[REFUSED])[:2000], str(answer.get("advice", ""))[:2000])
        return answer
