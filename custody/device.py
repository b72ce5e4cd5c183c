"""What the system tells of a block device without opening it (sysfs)."""

from __future__ import annotations

import os
from pathlib import Path

from custody.ledger.entry import Json


def device_facts(number: int, sysfs: Path = Path("/sys/dev/block")) -> dict[str, Json]:
    """Major:minor, size in bytes, read-only flag, serial and model of a block device; "" where not told."""
    place = sysfs / f"{os.major(number)}:{os.minor(number)}"

    def told(name: str) -> str:
        try:
            return (place / name).read_text("utf-8", "backslashreplace").strip()
        except OSError:
            return ""

    sectors = told("size")
    return {
        "number": f"{os.major(number)}:{os.minor(number)}",
        "bytes": str(int(sectors) * 512) if sectors.isdigit() else "",
        "read_only": told("ro"),
        "serial": told("device/serial"),
        "model": told("device/model"),
    }
