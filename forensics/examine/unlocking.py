"""Passphrases tried on encrypted volumes, in a child of its own: libtsk, which lists the volumes, may hang or crash.

The child ends before the others begin, and is the only one that sees the passphrases: the others get the volumes' keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from custody.access import Part
from forensics.engine import STALL_SECONDS, Limits, UnitFailedError, WorkerPool, preparation
from forensics.examine.units import prepare_image, prepared_medium
from forensics.model import ExaminationError, Location, Problem, Volume
from forensics.volumes.unlocked import unlock_volumes, unlocked_facts, unlocked_of
from forensics.volumes.views import UNLOCKED, Unlocked

_MOST_MEMORY = 8 << 30
"""Argon2 takes up to 4 GiB."""
_SLOWEST_KEY = 600.0
"""Seconds that one key may take: nothing moves meanwhile."""


def unlock_unit(secrets: Sequence[bytes]) -> dict[str, Any]:
    """{"unlocked": the volumes that were opened, "problems": (index, reason) of the others}, for the pipe alone."""
    found, problems = unlock_volumes(prepared_medium(), secrets)
    told = [(problem.location.volume, problem.reason) for problem in problems]
    return {"unlocked": [unlocked_facts(one) for one in found], "problems": told}


def try_passphrases(
    parts: Sequence[Part], secrets: Sequence[bytes], stall_seconds: float = STALL_SECONDS
) -> tuple[tuple[Unlocked, ...], list[Problem]]:
    """The volumes that one of the passphrases opens, and problems for those encrypted ones that stay locked."""
    if not secrets:
        return (), []
    limits = Limits(stall_seconds=max(stall_seconds, _SLOWEST_KEY), memory_bytes=_MOST_MEMORY)
    with WorkerPool(1, preparation(prepare_image, tuple(parts)), limits=limits) as pool:
        try:
            answer = pool.submit(unlock_unit, tuple(secrets)).result()
        except UnitFailedError as failure:
            return (), [Problem(Location(""), "volumes", f"no passphrase could be tried: {failure}")]
    problems = [Problem(Location("", index), "volumes", reason) for index, reason in answer["problems"]]
    return tuple(unlocked_of(one) for one in answer["unlocked"]), problems


def unlocked_for(volumes: Sequence[Volume], parts: Sequence[Part], secrets: Sequence[bytes]) -> tuple[Unlocked, ...]:
    """What it takes to read volumes again; raises `ExaminationError` where the passphrases do not open one of them."""
    wanted = [volume for volume in volumes if f"{UNLOCKED})" in volume.description]
    if not wanted:
        return ()
    if not secrets:
        raise ExaminationError(f"volume {wanted[0].index} is encrypted", "Give its passphrase with --passphrases.")
    found, problems = try_passphrases(parts, secrets)
    for volume in wanted:
        if not any(volume.index == one.index or volume.index.startswith(f"{one.index}.") for one in found):
            why = problems[0].reason if problems else "it is not encrypted any more"
            raise ExaminationError(f"volume {volume.index}: {why}", "Check the file of passphrases.")
    return found
