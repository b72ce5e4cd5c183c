"""The furnished laboratory as a fixture."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.custody.report.lab import Lab, furnished


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A record with everything a report has to show."""
    return furnished(tmp_path)
