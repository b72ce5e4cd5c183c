"""The tools that results depend on."""

from __future__ import annotations

import platform
from importlib.metadata import version

_TOOLS = ("evikit", "evtx", "pyarrow", "pylibmagic", "python-magic", "pytsk3", "tzdata")


def tool_versions() -> dict[str, str]:
    """The versions that results depend on."""
    return {name: version(name) for name in _TOOLS} | {"python": platform.python_version()}
