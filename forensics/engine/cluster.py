"""Units on the machines of a cluster (Dask `distributed`), over storage that all of them share.

`ClusterPool` is an `Executor` like `WorkerPool` and takes the same units. A descriptor cannot travel: each worker opens
the evidence itself, read-only and following no link, and refuses what is not the very file that the gate opened here.
It runs the unit in a child of its own, so that what hostile evidence can break is that child, as it is on one machine.

Workers are trusted as this machine is: what travels between them is pickle. They belong in the laboratory's own
network, or behind tls:// with Dask's certificates. No passphrase and no key is ever sent to one.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from forensics.engine import Beat, Limits, UnitFailedError, UnitPool, UnitRefusedError, WorkerPool
from forensics.engine.worker import REFUSED, Call, pack_call
from forensics.model import ExaminationError

Answer = TypeVar("Answer")

_CONNECT_SECONDS = 10
_BEAT_SECONDS = 1.0
_FAILED = "failed"
_AGAIN = "start the cluster again; the same command then goes on where it was"


class ClusterError(ExaminationError):
    """The cluster cannot be used; the line says why."""

    final = True


class SharedFile(NamedTuple):
    """A file of the evidence as another machine finds it again: path (bytes), and what must be the same there."""

    path: bytes
    size: int
    inode: int
    modified: int

    @classmethod
    def of(cls, descriptor: int) -> SharedFile:
        """The regular file behind an open descriptor; `ClusterError` for a device."""
        facts = os.fstat(descriptor)
        path = os.fsencode(Path(f"/proc/self/fd/{descriptor}").readlink())
        if not stat.S_ISREG(facts.st_mode):
            raise ClusterError(f"{os.fsdecode(path)} is no file, and a cluster shares files", "leave --cluster out")
        return cls(path, facts.st_size, facts.st_ino, facts.st_mtime_ns)

    def open(self) -> int:
        """A descriptor of it, to be closed by the caller; `ClusterError` when it is not there or another one."""
        where = os.fsdecode(self.path)
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise ClusterError(f"a worker of the cluster cannot open {where}: {error.strerror}", _SHARE) from error
        facts = os.fstat(descriptor)
        if (facts.st_size, facts.st_ino, facts.st_mtime_ns) != self[1:]:
            os.close(descriptor)
            raise ClusterError(f"a worker of the cluster finds another file at {where}", _SHARE)
        return descriptor


_SHARE = "evidence and case must stand at the same paths on every worker, on storage that they share"


class SharedCall(NamedTuple):
    """A call whose descriptors are named by the files behind them."""

    payload: bytes
    files: tuple[SharedFile, ...]
    keep: bool

    @classmethod
    def of(cls, call: Call) -> SharedCall:
        """A packed call, its files found by their open descriptors."""
        return cls(call.payload, tuple(map(SharedFile.of, call.descriptors)), call.keep)

    @contextmanager
    def opened(self) -> Iterator[Call]:
        """The call with its files open, which are closed at the end."""
        descriptors: list[int] = []
        try:
            for file in self.files:
                descriptors.append(file.open())
            yield Call(self.payload, tuple(descriptors), self.keep)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


# --- on a worker -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Place:
    """What one thread of a worker keeps between the units of an examination: a pool of one child, its files open."""

    key: str
    pool: WorkerPool
    close: Callable[[], None]


_places: dict[int, _Place] = {}
_lock = threading.Lock()


def _place(key: str, prepare: SharedCall | None, limits: Limits) -> WorkerPool:
    """The pool of this thread for the examination `key`; that of an earlier one ends."""
    thread = threading.get_ident()
    with _lock:
        found = _places.get(thread)
    if found is not None and found.key == key:
        return found.pool
    if found is not None:
        found.close()
    holding = prepare.opened() if prepare is not None else None
    packed = holding.__enter__() if holding is not None else None
    pool = WorkerPool(1, packed, limits=limits)

    def close() -> None:
        pool.shutdown()
        if holding is not None:
            holding.__exit__(None, None, None)

    with _lock:
        _places[thread] = _Place(key, pool, close)
    return pool


def run_call(key: str, prepare: SharedCall | None, call: SharedCall, limits: Limits) -> dict[str, Any]:
    """On a worker: run a unit in a child and say what became of it; nothing is raised that would look like a crash."""
    try:
        pool = _place(key, prepare, limits)
        with call.opened() as packed:
            answer: dict[str, Any] = pool.submit_call(packed).result()
    except UnitFailedError as failure:
        return {_FAILED: [str(failure), failure.mark, failure.path]}
    except (UnitRefusedError, ClusterError) as refusal:
        return {REFUSED: str(refusal), "advice": refusal.advice}
    return answer


def shown_beats(key: str) -> list[tuple[str, int, int]]:
    """On a worker: what its children show."""
    with _lock:
        places = [place for place in _places.values() if place.key == key]
    return [(beat.path, beat.done, beat.files) for place in places for beat in place.pool.beats()]


def let_go(key: str) -> None:
    """On a worker: end the children of an examination and close its evidence."""
    with _lock:
        ended = [thread for thread, place in _places.items() if place.key == key]
        places = [_places.pop(thread) for thread in ended]
    for place in places:
        place.close()


def _sees(path: str, content: bytes) -> bool:
    try:
        return Path(path).read_bytes() == content
    except OSError:
        return False


# --- here ------------------------------------------------------------------------------------------------


class ClusterPool(UnitPool):
    """Runs submitted calls on the workers of the scheduler at `address` (tcp://host:port or tls://).

    `shared` is a folder that every worker must see at the same path; `versions` is asked on every worker and must
    answer as it does here, or the results would differ. What `WorkerPool` promises of a call holds here too: a unit
    that makes its child fail twice is failed with `UnitFailedError`. A worker that goes away costs no unit: the
    scheduler gives it to another one. Raises `ClusterError` for a cluster that cannot be used; a cluster that is lost
    on the way makes every call that is left `UnitRefusedError`.
    """

    def __init__(
        self,
        address: str,
        prepare: Call | None,
        limits: Limits,
        *,
        shared: Path,
        versions: Callable[[], Mapping[str, str]],
    ) -> None:
        self._client = _connected(address)
        self._prepare = SharedCall.of(prepare) if prepare is not None else None
        self._limits = limits
        self._key = hashlib.sha256(os.urandom(16)).hexdigest()
        self._beats: dict[str, list[Beat]] = {}
        self._ended = threading.Event()
        try:
            self.places = self._checked(shared, versions)
        except BaseException:
            self._client.close()
            raise
        self._executor = self._client.get_executor(pure=False)
        self._watch = threading.Thread(target=self._look, name="cluster-beats", daemon=True)
        self._watch.start()

    def _checked(self, shared: Path, versions: Callable[[], Mapping[str, str]]) -> int:
        """How many units run at once; `ClusterError` when a worker does not fit."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        if not workers:
            raise ClusterError("the cluster has no worker", "start one: dask worker ADDRESS")
        token, ours = os.urandom(16), dict(versions())
        probe = shared / f".seen-{self._key[:16]}"
        probe.write_bytes(token)
        try:
            seen = self._client.run(_sees, str(probe), token)
        finally:
            probe.unlink()
        for worker, theirs in self._client.run(versions).items():
            if not seen[worker]:
                raise ClusterError(f"worker {worker} does not see {shared}", _SHARE)
            for name, version in ours.items():
                if theirs.get(name) != version:
                    said = f"worker {worker} has {name} {theirs.get(name)}, here it is {version}"
                    raise ClusterError(said, "results are the same only from the same versions: install these there")
        return sum(int(worker["nthreads"]) for worker in workers.values())

    def submit(self, fn: Callable[..., Answer], /, *args: Any, **kwargs: Any) -> Future[Answer]:
        """Queue a call; the future holds what it returns, or `UnitFailedError`."""
        call = SharedCall.of(pack_call(fn, args, kwargs, keep=False))
        inner = self._executor.submit(run_call, self._key, self._prepare, call, self._limits)
        outer: Future[Answer] = Future()
        inner.add_done_callback(lambda done: _tell(done, outer))
        return outer

    def beats(self) -> tuple[Beat, ...]:
        """What each child showed a moment ago; of workers that went away, what they showed last."""
        return tuple(beat for beats in list(self._beats.values()) for beat in beats)

    def _look(self) -> None:
        while not self._ended.wait(_BEAT_SECONDS):
            with suppress(
                OSError, ValueError, TimeoutError, RuntimeError
            ):  # only what is shown; units tell of failures
                for worker, shown in self._client.run(shown_beats, self._key, on_error="ignore").items():
                    self._beats[worker] = [Beat(*beat) for beat in shown]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; with `cancel_futures` those that run are left to their end, and no longer waited for."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._watch.join()
        with suppress(OSError, TimeoutError, RuntimeError):  # the cluster may be gone
            if wait and not cancel_futures:
                self._executor.shutdown(wait=True)
            self._client.run(let_go, self._key, on_error="ignore")
        self._client.close()

    def __exit__(self, kind: object, *_: object) -> None:
        """Leave: after an exception (Ctrl-C) at once, else when all that was submitted is done."""
        self.shutdown(cancel_futures=kind is not None)


def _connected(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise ClusterError("clusters need the extra: evikit[cluster]", "pip install 'evikit[cluster]'") from error
    try:
        return Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ClusterError(
            f"no scheduler answers at {address}: {reason}", "write tcp://HOST:PORT, as `dask scheduler` prints it"
        ) from error


def _tell(done: Future[dict[str, Any]], outer: Future[Any]) -> None:
    """What became of a call on the cluster, as the engine says it."""
    if done.cancelled():
        outer.set_exception(UnitRefusedError("the cluster gave up its work", _AGAIN))
        return
    error = done.exception()
    if error is not None:
        if type(error).__name__ == "KilledWorker":  # several workers died of it, one after the other
            outer.set_exception(UnitFailedError("workers of the cluster died of it"))
            return
        reason = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        outer.set_exception(UnitRefusedError(f"the cluster was lost: {reason}", _AGAIN))
        return
    answer = done.result()
    if _FAILED in answer:
        reason, mark, path = answer[_FAILED]
        outer.set_exception(UnitFailedError(reason, mark, path))
    elif REFUSED in answer:
        outer.set_exception(UnitRefusedError(str(answer[REFUSED]), str(answer.get("advice", ""))))
    else:
        outer.set_result(answer)
