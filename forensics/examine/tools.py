"""The tools that results depend on."""

from __future__ import annotations

import platform
from importlib.metadata import version

_TOOLS = (
    "evikit", "evtx", "libfsapfs-python", "libfsxfs-python", "libvshadow-python",
    "pyarrow", "pylibmagic", "python-magic", "pytsk3", "tzdata",
)  # fmt: skip


def tool_versions() -> dict[str, str]:
    """The versions that results depend on."""
    return {name: version(name) for name in _TOOLS} | {"python": platform.python_version()}
