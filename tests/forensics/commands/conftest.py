"""One lab with a case in which everything was taken in, made once; each test gets a copy it may spoil."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console import Lab


@pytest.fixture
def empty_lab(tmp_path: Path) -> Lab:
    """A lab before its first case."""
    return Lab(tmp_path / "lab")


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("begun"))
    lab.begin()
    return lab


@pytest.fixture
def lab(begun: Lab, tmp_path: Path) -> Lab:
    """A case without exhibits."""
    return begun.copied(tmp_path / "lab")


@pytest.fixture(scope="session")
def furnished(begun: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """AH/1 a stick (FAT12, raw), AH/2 a folder of logs; not to be written to."""
    lab = begun.copied(tmp_path_factory.mktemp("furnished"))
    lab.ingest("AH/1", lab.stick())
    lab.ingest("AH/2", lab.logs())
    return lab


@pytest.fixture
def case(furnished: Lab, tmp_path: Path) -> Lab:
    """A copy of `furnished` to write in."""
    return furnished.copied(tmp_path / "lab")
