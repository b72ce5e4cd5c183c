"""Going on after a stop: units whose answers stand in the run's parts folder are not run again.

A unit's tables are whole before its answer is kept, so an answer that stands means that the tables do. Results do not
depend on where a run was stopped: the same units give the same parts, merged in the same order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from forensics import results


class UnitLog:
    """The answers of completed units, one small file each. `kept` counts those found from an earlier attempt."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.kept = 0

    def _path(self, unit: str) -> Path:
        return self._folder / f"{unit}.done"

    def submit(
        self, pool: Executor, unit: str, basis: Path | None, fn: Callable[..., dict[str, Any]], *args: Any
    ) -> Future[dict[str, Any]]:
        """Send `fn(*args)` to the pool, or answer at once where the unit was completed before.

        `basis` is a table the unit's work depends on: an answer is good only for the very same one.
        """
        digest = hashlib.sha256(basis.read_bytes()).hexdigest() if basis is not None else ""
        answer = self._answer(unit, digest)
        if answer is not None:
            self.kept += 1
            done: Future[dict[str, Any]] = Future()
            done.set_result(answer)
            return done
        future = pool.submit(fn, *args)
        future.add_done_callback(lambda finished: self._keep(unit, digest, finished))
        return future

    def _answer(self, unit: str, digest: str) -> dict[str, Any] | None:
        try:
            kept = json.loads(self._path(unit).read_bytes())
        except (OSError, ValueError):  # none, or cut short by the stop: the unit is run (again)
            return None
        good = isinstance(kept, dict) and kept.get("basis") == digest and isinstance(kept.get("answer"), dict)
        return kept["answer"] if good else None

    def _keep(self, unit: str, digest: str, finished: Future[dict[str, Any]]) -> None:
        if not finished.cancelled() and finished.exception() is None:
            results.write_json(self._path(unit), {"basis": digest, "answer": finished.result()})
