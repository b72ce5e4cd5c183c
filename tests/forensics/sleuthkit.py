"""The Sleuth Kit's programs as oracles for what we read of file systems."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def sleuthkit(program: str, image: Path, offset: int, *words: str) -> bytes:
    """What a program prints of the volume at byte `offset`; without it the test is skipped, or fails."""
    if shutil.which(program) is None:
        if os.environ.get("EVIKIT_NO_SKIP") == "1":
            pytest.fail(f"{program} is not installed, and EVIKIT_NO_SKIP is 1")
        pytest.skip(f"{program} is not installed")
    call = [program, "-o", str(offset // 512), *words[:-1], str(image), *words[-1:]]
    return subprocess.run(call, capture_output=True, check=False).stdout
