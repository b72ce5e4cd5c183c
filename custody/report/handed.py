"""What lies beside every bundle that leaves the case: `verify.py`, the verifier for others, and how to use it."""

from __future__ import annotations

from importlib import resources
from typing import Final

VERIFIER: Final = "verify.py"
INSTRUCTIONS: Final = "VERIFY.txt"


def verifier() -> bytes:
    """The verifier's one file: always the same bytes for one version of the kit, so its digest can be lodged before."""
    return _file(VERIFIER)


def beside_bundle() -> dict[str, bytes]:
    """Name -> bytes of the files that go with a bundle."""
    return {name: _file(name) for name in (VERIFIER, INSTRUCTIONS)}


def _file(name: str) -> bytes:
    return (resources.files("custody.report") / "standalone" / name).read_bytes()
