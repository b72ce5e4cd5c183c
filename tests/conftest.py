"""Test data that is not in the repository: named by the environment, loud when it is missing."""

from __future__ import annotations

import lzma
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Fetch = Callable[[str], Path]


def data_root(variable: str) -> Path:
    """The folder `variable` names; without it the test is skipped, or fails where EVIKIT_NO_SKIP is 1."""
    folder = os.environ.get(variable, "")
    if folder:
        return Path(folder)
    reason = f"{variable} names no folder of test data"
    if os.environ.get("EVIKIT_NO_SKIP") == "1":
        pytest.fail(f"{reason}, and EVIKIT_NO_SKIP is 1")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def vectors() -> Fetch:
    """`vectors("rfc6962/inclusion")` is that file or folder of EVIKIT_VECTORS."""

    def fetch(name: str) -> Path:
        path = data_root("EVIKIT_VECTORS") / name
        assert path.exists(), f"no {name} in EVIKIT_VECTORS"
        return path

    return fetch


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Fetch:
    """`corpus("image/dfvfs/ext2.E01")` is that file of EVIKIT_CORPUS, unpacked once if it is .xz."""
    unpacked = tmp_path_factory.mktemp("corpus")

    def fetch(name: str) -> Path:
        path = data_root("EVIKIT_CORPUS") / name
        packed = path.with_name(path.name + ".xz")
        if path.exists() or not packed.exists():
            assert path.exists(), f"no {name} in EVIKIT_CORPUS"
            return path
        target = unpacked / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            with lzma.open(packed) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
        return target

    return fetch
