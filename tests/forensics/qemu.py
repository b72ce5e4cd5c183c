"""Images written and read by qemu-img: an independent writer, and the oracle of what is in them."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from forensics.media import Medium, open_medium
from tests.forensics.images import noise, part

CLUSTER = 1 << 16


def qemu_img(*arguments: str | Path, folder: Path) -> None:
    """Run qemu-img in `folder`; without it the test is skipped, or fails where EVIKIT_NO_SKIP is 1."""
    if shutil.which("qemu-img") is None:
        if os.environ.get("EVIKIT_NO_SKIP") == "1":
            pytest.fail("qemu-img is not installed, and EVIKIT_NO_SKIP is 1")
        pytest.skip("qemu-img is not installed")
    done = subprocess.run(["qemu-img", *map(str, arguments)], capture_output=True, cwd=folder, check=False)
    # For a packed QCOW 1 it has written all, says nothing, and answers 1.
    assert done.returncode == 0 or ("-c" in arguments and "qcow" in arguments), done.stderr.decode()


def scattered(size: int, seed: int = 1) -> bytes:
    """`size` bytes with clusters of noise, of text and of nothing, none of them in line with another."""
    dice, out = random.Random(seed), bytearray()
    while len(out) < size:
        run = dice.randrange(1, 5) * CLUSTER
        out += dice.choice([bytes(run), noise(run), (b"evikit %d " % len(out) * (run // 8))[:run]])
    return bytes(out[:size])


def converted(folder: Path, content: bytes, kind: str, name: str, options: str = "", compress: bool = False) -> Path:
    """`content` as an image of `kind` called `name`."""
    (folder / "content.raw").write_bytes(content)
    chosen = ["-o", options] if options else []
    packed = ["-c"] if compress else []
    qemu_img("convert", *packed, "-f", "raw", "-O", kind, *chosen, "content.raw", name, folder=folder)
    (folder / "content.raw").unlink()
    return folder / name


def opened(path: Path) -> Medium:
    """The medium whose first file is `path`."""
    return open_medium(part(path), lambda name: part(path.with_name(name)))


def whole(medium: Medium, step: int = 3 * CLUSTER + 777) -> bytes:
    """All bytes of a medium, read in steps that are in line with nothing."""
    return b"".join(medium.read_at(at, step) for at in range(0, medium.size, step))
