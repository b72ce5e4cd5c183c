"""What the system tells of a source before it is opened: what it is, and whether anything could write to it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from custody.device import device_facts
from custody.ledger.errors import CustodyError
from custody.opened import text
from custody.target import Target, shown
from forensics.acquire.ata import identity

SYSFS = Path("/sys/dev/block")
MOUNTS = Path("/proc/self/mountinfo")


@dataclass(frozen=True, slots=True)
class SourceState:
    """`kind` is "device", "file" or "folder"; `facts` by name (model, serial, firmware ...), where the system tells."""

    kind: str
    sector_size: int
    writable: bool
    mounted: tuple[str, ...]
    facts: dict[str, str]
    numbers: frozenset[str] = frozenset()
    """Major:minor of the device and its partitions."""
    place: Path | None = None
    """Where the system tells of the device."""

    @property
    def said(self) -> str:
        """The state as it stands in the ledger."""
        if self.kind == "file":
            return "a file"
        if self.kind == "folder":
            return "a folder" + ("" if self.writable else ", mounted read-only")
        return ("writable" if self.writable else "read-only") + (", mounted" if self.mounted else "")


def source_state(target: Target, sysfs: Path = SYSFS, mounts: Path = MOUNTS) -> SourceState:
    """What is known of the one file or block device that `target` names."""
    (facts,) = target.facts
    if not stat.S_ISBLK(facts.st_mode):
        return SourceState("file", 512, writable=False, mounted=(), facts={})
    place = sysfs / f"{os.major(facts.st_rdev)}:{os.minor(facts.st_rdev)}"
    known = device_facts(facts.st_rdev, sysfs)
    names = {
        "firmware": "device/rev",
        "vendor": "device/vendor",
        "wwid": "device/wwid",
        "logical_sector_size": "queue/logical_block_size",
        "physical_sector_size": "queue/physical_block_size",
        "removable": "removable",
    }
    found = {name: _told(place / path) for name, path in names.items()}
    found |= {name: text(known[name]) for name in ("model", "serial")}
    found["firmware"] = found["firmware"] or _told(place / "device" / "firmware_rev")  # NVMe calls it so
    found["serial"] = found["serial"] or _unit_serial(place / "device" / "vpd_pg80")
    found |= _bridge(place) | _identified(place / "device" / "vpd_pg89")
    found["temperature"] = temperature(place)
    size = found["logical_sector_size"]
    numbers = frozenset({place.name, *(_told(path) for path in place.glob("*/dev"))})
    return SourceState(
        "device",
        int(size) if size.isdecimal() and int(size) else 512,
        writable=text(known["read_only"]) != "1",
        mounted=_mounted(numbers, mounts),
        facts={name: value for name, value in found.items() if value},
        numbers=numbers,
        place=place,
    )


def folder_state(folder: Path, mounts: Path = MOUNTS) -> SourceState:
    """What is known of a folder: the file system it is on, and whether that is mounted read-only."""
    number = folder.stat().st_dev
    writable = not os.statvfs(folder).f_flag & os.ST_RDONLY
    facts = {}
    for row in (line.split() for line in _told(mounts).splitlines()):
        if len(row) > 9 and row[2] == f"{os.major(number)}:{os.minor(number)}" and "-" in row:
            kind, origin = row[row.index("-") + 1 :][:2]
            facts = {"filesystem": kind, "mounted_from": origin, "mount_options": row[5]}
    return SourceState("folder", 0, writable, mounted=(), facts=facts)


def _told(path: Path) -> str:
    try:
        return path.read_text("utf-8", "backslashreplace").strip()
    except OSError:
        return ""


def temperature(place: Path) -> str:
    """What the device's own sensor says now (drivetemp, NVMe), in degrees Celsius; "" where nothing tells."""
    for folder in ("device/hwmon/hwmon*", "device/hwmon*", "device/device/hwmon/hwmon*"):
        for path in sorted(place.glob(f"{folder}/temp1_input")):
            written = _told(path)
            if written.removeprefix("-").isdecimal():
                return f"{int(written) / 1000:.0f} °C"
    return ""


def _bridge(place: Path) -> dict[str, str]:
    """The USB device that the disk is behind: a bridge has a name and a number of its own."""
    for folder in place.resolve().parents:
        if (folder / "idVendor").exists():
            words = {"usb_id": f"{_told(folder / 'idVendor')}:{_told(folder / 'idProduct')}"}
            for name in ("manufacturer", "product", "serial"):
                words[f"usb_{name}"] = _told(folder / name)
            return words
    return {}


def _identified(path: Path) -> dict[str, str]:
    """An ATA disk's IDENTIFY page, which the kernel keeps as page 89 of the vital product data, behind 60 bytes."""
    try:
        page = path.read_bytes()[60:]
    except OSError:
        return {}
    known = identity(page)
    return known.facts() if known is not None else {}


def _unit_serial(path: Path) -> str:
    """The serial number of a SCSI or SATA disk: page 80 of its vital product data, behind a head of four bytes."""
    try:
        return path.read_bytes()[4:].decode("ascii", "backslashreplace").strip()
    except OSError:
        return ""


def _mounted(numbers: frozenset[str], mounts: Path) -> tuple[str, ...]:
    """Where the device or a partition of it is mounted."""
    rows = [line.split() for line in _told(mounts).splitlines()]
    return tuple(row[4] for row in rows if len(row) > 4 and row[2] in numbers)


def refuse_writable(target: Target, state: SourceState, *, permitted: bool) -> None:
    """A source that could be written to is not acquired unless that was said."""
    name = shown(target.given[0])
    if permitted or state.kind == "file":
        return
    if state.mounted:
        raise CustodyError(
            f"{name} is mounted at {shown(state.mounted[0])}: the system may change it while it is read",
            "Unmount it, and use a write blocker; --writable acquires it as it is, and says so.",
        )
    if state.writable:
        raise CustodyError(
            f"{name} is not read-only: nothing keeps the system from writing to it",
            "Use a write blocker, or `blockdev --setro`; --writable acquires it as it is, and says so.",
        )


def refuse_on_source(state: SourceState, place: Path) -> None:
    """An image is never written onto the device it is made of."""
    number = place.stat().st_dev
    if f"{os.major(number)}:{os.minor(number)}" in state.numbers:
        raise CustodyError(
            f"{shown(str(place))} is on the source itself: the image would be written over the evidence",
            "Name a place on another disk with --to.",
        )
