"""LUKS images made by cryptsetup, without a device mapper: an independent writer."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

PASSPHRASE = b"an invented passphrase"
_REDUCED = 32 << 20  # what cryptsetup takes for the header when it encrypts in place


def program(name: str) -> str:
    """Where a program of the system is; without it the test is skipped, or fails where EVIKIT_NO_SKIP is 1."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        if os.environ.get("EVIKIT_NO_SKIP") == "1":
            pytest.fail(f"{name} is not installed, and EVIKIT_NO_SKIP is 1")
        pytest.skip(f"{name} is not installed")
    return found


def cryptsetup(*words: str | Path) -> str:
    """Run cryptsetup, which must agree."""
    done = subprocess.run([program("cryptsetup"), "-q", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _key_file(folder: Path) -> Path:
    path = folder / "passphrase"
    path.write_bytes(PASSPHRASE)
    return path


def encrypted(folder: Path, content: bytes, *options: str) -> Path:
    """`content` as LUKS2, encrypted in place by cryptsetup; PBKDF2 unless `options` say otherwise."""
    path = folder / "luks2.raw"
    path.write_bytes(content)
    os.truncate(path, len(content) + _REDUCED)
    chosen = options if "--pbkdf" in options else ("--pbkdf", "pbkdf2", *options)
    words = ("--encrypt", "--type", "luks2", "--iter-time", "1", "--reduce-device-size", "32M", *chosen)
    cryptsetup("reencrypt", *words, "--key-file", _key_file(folder), path)
    return path


def empty_luks1(folder: Path, *options: str) -> tuple[Path, bytes]:
    """A LUKS1 header with room behind it, and the volume's key as cryptsetup dumps it."""
    path, key = folder / "luks1.raw", _key_file(folder)
    path.write_bytes(bytes(4 << 20))
    cryptsetup("luksFormat", "--type", "luks1", "--iter-time", "1", *options, "--key-file", key, path)
    told = cryptsetup("luksDump", "--dump-volume-key", "--key-file", key, path)
    found = re.search(r"MK dump:((?:\s+[0-9a-f]{2}(?= |\s))+)", told)
    assert found is not None, told
    return path, bytes.fromhex("".join(found[1].split()))
