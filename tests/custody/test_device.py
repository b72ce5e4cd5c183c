"""What sysfs tells of a block device without opening it."""

from __future__ import annotations

import os
from pathlib import Path

from custody.device import device_facts


def test_numbers_size_flag_serial_and_model(tmp_path: Path) -> None:
    place = tmp_path / "8:16"
    (place / "device").mkdir(parents=True)
    (place / "size").write_text("2048\n")
    (place / "ro").write_text("1\n")
    (place / "device" / "serial").write_text("  S-123 \n")
    (place / "device" / "model").write_bytes(b"Di\xffsk\n")
    assert device_facts(os.makedev(8, 16), tmp_path) == {
        "number": "8:16", "bytes": "1048576", "read_only": "1", "serial": "S-123", "model": "Di\\xffsk",
    }  # fmt: skip


def test_what_is_not_told_is_empty(tmp_path: Path) -> None:
    facts = device_facts(os.makedev(8, 16), tmp_path)
    assert facts == {"number": "8:16", "bytes": "", "read_only": "", "serial": "", "model": ""}


def test_a_size_that_is_no_number_is_empty(tmp_path: Path) -> None:
    (tmp_path / "8:16").mkdir()
    (tmp_path / "8:16" / "size").write_text("many")
    assert device_facts(os.makedev(8, 16), tmp_path)["bytes"] == ""
