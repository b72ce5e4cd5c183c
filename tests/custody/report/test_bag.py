"""Bags: valid by the reference tool whatever the names, and refused where a name cannot be listed."""

from __future__ import annotations

import os
from pathlib import Path

import bagit
import pytest

from custody.ledger.errors import CustodyError
from custody.report.bag import DECLARATION, MANIFEST, fill_bag


def test_names_with_anything_in_them_are_listed(tmp_path: Path) -> None:
    bag, document = tmp_path / "bag", tmp_path / "report.html"
    document.write_bytes(b"page")
    inside = bag / "data" / "exhibits" / "1"
    inside.mkdir(parents=True)
    for name in ("писмо 1.E01", "a\nb", "..."):
        (inside / name).write_bytes(name.encode())
    fill_bag(bag, [document], {"Source-Organization": "Lab\nX: y", "Bagging-Date": "2026-01-01"})
    read = bagit.Bag(str(bag))
    read.validate()
    assert read.info["Source-Organization"] == "Lab X: y"
    assert read.info["Payload-Oxum"].endswith(".4")
    assert (bag / "bagit.txt").read_bytes() == DECLARATION
    first = (bag / MANIFEST).read_text()
    assert "a%0Ab" in first
    (inside / "100%.E01").write_bytes(b"x")
    fill_bag(bag, [], {})
    assert "/100%25.E01\n" in (bag / MANIFEST).read_text(), "RFC 8493, 2.1.3; bagit.py bagit.py does not read that back"


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    inside = tmp_path / "data"
    inside.mkdir()
    (inside / os.fsdecode(b"\xff")).write_bytes(b"x")
    with pytest.raises(CustodyError, match="no name that a bag can list"):
        fill_bag(tmp_path, [], {})
