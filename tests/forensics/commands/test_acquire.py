"""`evikit acquire`: images, what the ledger says of them, refusals, and going on after a kill."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from custody.access import Part
from custody.ledger.errors import CustodyError
from custody.ledger.store import Ledger
from custody.opened import values_of
from custody.target import Target
from forensics.acquire.ata import ask_hidden
from forensics.commands.acquiring import _Warmth
from forensics.commands.source_state import (
    SourceState,
    refuse_on_source,
    refuse_writable,
    source_state,
    temperature,
)
from tests.console import Lab, finished, wait_for
from tests.forensics.images import fat12, noise
from tests.forensics.test_ata import Disk, page

WORDS = ("--exhibit", "AH/1", "--purpose", "image the stick")


def entry(lab: Lab, kind: str) -> dict[str, Any]:
    """The opened fields of the newest entry of a type."""
    with Ledger.open(lab.case / "ledger.sqlite", writable=False) as ledger:
        return [dict(values_of(row)) for row in ledger.rows_of(kind)][-1]


@pytest.mark.parametrize(("kind", "first"), [("raw", "AH-1.dd"), ("split", "AH-1.001"), ("e01", "AH-1.E01")])
def test_an_image_is_made_and_taken_in(lab: Lab, kind: str, first: str) -> None:
    told = lab.run("acquire", lab.stick(), *WORDS, "--format", kind, "--to", lab.folder / "out", "--json")
    assert told.code == 0, told
    said = told.json
    image = lab.folder / "out" / first
    assert said["images"] == [[str(image)]]
    assert said["sha256"] == hashlib.sha256(fat12()).hexdigest()
    assert (said["unreadable_sectors"], said["unreadable"], said["resumed_at"]) == ("0", [], None)
    assert stat.S_IMODE(image.stat().st_mode) == 0o444
    begin, end = entry(lab, "access.begin"), entry(lab, "access.end")
    assert begin["object"] == "acquisition"
    assert begin["settings"]["format"] == kind
    assert (end["outcome"], end["basis"], end["match"]) == ("completed", "whole", True)
    assert end["media_digests"]["md5"] == hashlib.md5(fat12()).hexdigest()
    assert not list((lab.folder / "out").glob("*.acquiring.json"))
    assert entry(lab, "note")["text"] == "log of the acquisition"
    taken = lab.ingest("AH/1", image)  # the same media, as the ledger knows from the acquisition
    assert taken["media"]["sha256"] == said["sha256"]
    assert lab.run("ledger", "verify").code == 0


def test_words_and_the_log_beside_the_image(lab: Lab) -> None:
    told = lab.run("acquire", lab.stick(), *WORDS, "--write-blocker", "T35u 0042", "--method", "USB 3 bridge")
    assert told.code == 0, told
    assert "every image was read again and holds these bytes" in told.out
    settings = entry(lab, "access.begin")["settings"]
    assert settings["write_blocker"] == "T35u 0042"
    assert (settings["source_state"], settings["method"]) == ("a file", "USB 3 bridge")
    log = lab.case / "evidence" / "AH-1-image" / "AH-1.acquired.txt"
    text = log.read_text("utf-8")
    for words in ("write_blocker: T35u 0042", hashlib.sha256(fat12()).hexdigest(), "unreadable sectors: 0"):
        assert words in text


def test_several_images_at_once(lab: Lab) -> None:
    folders = [lab.folder / name for name in ("one", "two")]
    places = [word for folder in folders for word in ("--to", folder)]
    assert lab.run("acquire", lab.stick(), *WORDS, *places).code == 0
    images = [(folder / "AH-1.E01").read_bytes() for folder in folders]
    assert images[0] == images[1]


@pytest.fixture
def failing() -> Iterator[set[int]]:
    """Sectors of every source that cannot be read; images are written and read as ever."""
    bad: set[int] = set()
    read = Part.read_at

    def read_at(self: Part, offset: int, length: int) -> bytes:
        if self.name == "stick.raw" and bad.intersection(range(offset // 512, -(-(offset + length) // 512))):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(self, offset, length)

    def finer(part: Part) -> object:
        return part.read_at

    with mock.patch.object(Part, "read_at", read_at), mock.patch("forensics.acquire.patient.direct_reader", finer):
        yield bad


def test_unreadable_sectors_are_zeros_listed_and_recorded(lab: Lab, failing: set[int]) -> None:
    failing |= {3, 4, 90}
    told = lab.run("acquire", lab.stick(), *WORDS, "--format", "raw", "--to", lab.folder / "out", "--json")
    assert told.code == 4, told
    assert told.json["unreadable"] == [{"first": "3", "count": "2"}, {"first": "90", "count": "1"}]
    wanted = bytearray(fat12())
    for sector in failing:
        wanted[sector * 512 : sector * 512 + 512] = bytes(512)
    assert (lab.folder / "out" / "AH-1.dd").read_bytes() == wanted
    end = entry(lab, "access.end")
    assert (end["outcome"], end["basis"]) == ("partial", "chunks")
    assert end["error"] == "3 sectors could not be read and are zeros in the images"
    assert {"name": "unreadable_sectors", "value": "3-4, 90"} in end["header"]
    assert "  3 to 4\n" in (lab.folder / "out" / "AH-1.acquired.txt").read_text("utf-8")


def test_nothing_is_written_over(lab: Lab) -> None:
    out = lab.folder / "out"
    assert lab.run("acquire", lab.stick(), *WORDS, "--to", out).code == 0
    before = (out / "AH-1.E01").read_bytes()
    again = lab.run("acquire", lab.stick(), *WORDS, "--to", out, "--format", "raw")
    again.refused(1, "is there already, and is not written over", "--to")
    assert (out / "AH-1.E01").read_bytes() == before
    assert len([line for line in lab.log("--exhibit", "AH/1") if line["type"] == "access.begin"]) == 1


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (("--purpose", " "), 1, "the purpose is empty"),
        (("--segment-size", "10K"), 1, "segments of 10240 bytes are too small"),
        (("--segment-size", "many"), 2, "'many' is no size"),
        (("--to", "/tmp/x", "--to", "/tmp/x"), 1, "named twice"),
    ],
)
def test_what_cannot_be_carried_out_is_refused(lab: Lab, words: tuple[str, ...], code: int, line: str) -> None:
    told = lab.run("acquire", lab.stick(), *WORDS, *words)
    assert told.code == code
    assert line in told.err


def test_folders_keys_and_odd_sizes_are_refused(lab: Lab) -> None:
    lab.run("acquire", lab.logs(), *WORDS, "--format", "raw").refused(1, "is a folder")
    lab.run("acquire", lab.case / "ledger.sqlite", *WORDS).refused(1, "holds the case or its keys")
    odd = lab.put("odd.raw", noise(1000))
    lab.run("acquire", odd, *WORDS).refused(1, "not whole sectors", "--format raw")
    assert lab.run("acquire", odd, *WORDS, "--format", "raw", "--to", lab.folder / "out").code == 0


def test_a_source_that_changes_while_it_is_read(lab: Lab) -> None:
    source = lab.stick()
    read = Part.read_at

    def changing(self: Part, offset: int, length: int) -> bytes:
        if self.name == "stick.raw":
            source.write_bytes(noise(len(fat12())))
        return read(self, offset, length)

    with mock.patch.object(Part, "read_at", changing):
        told = lab.run("acquire", source, *WORDS, "--format", "raw")
    told.refused(3, "changed while being read")
    assert entry(lab, "access.end")["outcome"] == "failed"


@pytest.mark.parametrize("kind", ["raw", "e01"])
def test_a_killed_acquisition_goes_on_with_the_same_command(lab: Lab, kind: str) -> None:
    source, out = lab.put("big.raw", noise(1 << 20)), lab.folder / "out"
    os.truncate(source, 160 << 20)
    words = ("acquire", source, *WORDS, "--format", kind, "--to", out)
    journal = out / "AH-1.acquiring.json"
    process = lab.start(*words)
    wait_for(lambda: journal.exists() and json.loads(journal.read_bytes())["saved"]["done"] > 0)
    process.kill()
    finished(process)
    assert [line["type"] for line in lab.log("--exhibit", "AH/1")] == ["exhibit.register", "access.begin"]
    lab.run(*words, "--retries", "7").refused(1, "belongs to another acquisition")
    told = lab.run(*words, "--json")
    assert told.code == 0, told
    assert int(told.json["resumed_at"]) > 0
    assert told.json["sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    if kind == "raw":
        assert (out / "AH-1.dd").read_bytes() == source.read_bytes()
    begun = [line for line in lab.log("--exhibit", "AH/1") if line["type"] == "access.begin"]
    assert begun[1]["answers"] == [begun[0]["entry"]]
    assert lab.run("ledger", "verify").code == 0


def test_a_journal_that_is_none(lab: Lab) -> None:
    out = lab.folder / "out"
    out.mkdir()
    (out / "AH-1.acquiring.json").write_text("{}")
    lab.run("acquire", lab.stick(), *WORDS, "--to", out).refused(1, "is no journal of an acquisition")


# --- the state of a device -----------------------------------------------------------------------------------


def device(tmp_path: Path, read_only: str, mounts: str = "") -> tuple[Target, Path, Path]:
    """A target that is block device 8:16, and what the system tells of it."""
    place = tmp_path / "sys" / "8:16"
    told = {
        "ro": read_only, "size": "2048", "removable": "1", "device/model": "Stick 9", "device/rev": "1.02",
        "queue/logical_block_size": "4096", "queue/physical_block_size": "4096", "sdb1/dev": "8:17",
    }  # fmt: skip
    for name, value in told.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value + "\n")
    (place / "device" / "vpd_pg80").write_bytes(b"\x00\x80\x00\x06 SN-77")
    mounted = tmp_path / "mounts"
    mounted.write_text(mounts)
    facts = os.stat_result([stat.S_IFBLK | 0o660, 1, 5, 1, 0, 6, 0, 0, 0, 0], {"st_rdev": os.makedev(8, 16)})
    return Target(Path("/dev"), ("sdb",), (facts,), ("/dev/sdb",)), tmp_path / "sys", mounted


def test_what_the_system_tells_of_a_device(tmp_path: Path) -> None:
    target, sysfs, mounts = device(tmp_path, "1")
    state = source_state(target, sysfs, mounts)
    assert (state.kind, state.sector_size, state.said) == ("device", 4096, "read-only")
    assert state.facts == {
        "firmware": "1.02", "logical_sector_size": "4096", "physical_sector_size": "4096", "removable": "1",
        "model": "Stick 9", "serial": "SN-77",
    }  # fmt: skip
    refuse_writable(target, state, permitted=False)


def test_what_an_ata_disk_behind_a_usb_bridge_tells(tmp_path: Path) -> None:
    target, sysfs, mounts = device(tmp_path, "1")
    bridge = tmp_path / "usb1"
    (sysfs / "8:16").rename(tmp_path / "moved")
    (bridge / "host0").mkdir(parents=True)
    (tmp_path / "moved").rename(bridge / "host0" / "sdb")
    (sysfs / "8:16").symlink_to(bridge / "host0" / "sdb")
    for name, value in {"idVendor": "0781", "idProduct": "5581", "product": "Bridge 3", "serial": "BR-1"}.items():
        (bridge / name).write_text(value + "\n")
    (sysfs / "8:16" / "device" / "vpd_pg89").write_bytes(bytes(60) + page())
    sensor = sysfs / "8:16" / "device" / "hwmon" / "hwmon2"
    sensor.mkdir(parents=True)
    (sensor / "temp1_input").write_text("41000\n")
    state = source_state(target, sysfs, mounts)
    assert (state.facts["usb_id"], state.facts["usb_product"], state.facts["usb_serial"]) == (
        "0781:5581",
        "Bridge 3",
        "BR-1",
    )
    assert (state.facts["ata_serial"], state.facts["hpa"]) == ("SN-0042", "supported, enabled")
    assert (state.facts["temperature"], state.facts["serial"]) == ("41 °C", "SN-77")
    warmth = _Warmth(state)
    assert warmth.now() == ", 41 °C"
    (sensor / "temp1_input").write_text("55000\n")
    assert (warmth.now(), state.facts["highest_temperature"]) == (", 41 °C", "41 °C")  # not looked at again so soon
    (sensor / "temp1_input").write_text("hot\n")
    assert temperature(sysfs / "8:16") == ""


def test_sectors_that_a_disk_hides_are_a_problem(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = lambda descriptor: ask_hidden(descriptor, Disk(page()).ioctl)  # noqa: E731
    monkeypatch.setattr("forensics.commands.acquiring.ask_hidden", asked)
    monkeypatch.setattr(
        "forensics.commands.acquiring.source_state", lambda _: SourceState("device", 512, False, (), {})
    )
    told = lab.run("acquire", lab.stick(), *WORDS, "--hidden-areas", "--format", "raw")
    assert told.code == 4, told
    assert "the disk hides 1,000,000 sectors (HPA or DCO): they are in no image" in told.err
    end = entry(lab, "access.end")
    assert (end["outcome"], end["error"]) == ("partial", "the disk hides 1000000 sectors, which are in no image")
    assert {"name": "configured_sectors", "value": "2000000"} in end["header"]
    assert entry(lab, "access.begin")["settings"]["hidden_areas"] == "asked for"


def test_a_file_has_no_areas_to_hide(lab: Lab) -> None:
    told = lab.run("acquire", lab.stick(), *WORDS, "--hidden-areas", "--format", "raw", "--json")
    assert told.code == 0, told
    assert told.json["source"]["hidden_areas"].startswith("not told")


def test_a_device_that_could_be_written_to_is_refused(tmp_path: Path) -> None:
    target, sysfs, mounts = device(tmp_path, "0")
    state = source_state(target, sysfs, mounts)
    assert state.said == "writable"
    with pytest.raises(CustodyError, match="/dev/sdb is not read-only"):
        refuse_writable(target, state, permitted=False)
    refuse_writable(target, state, permitted=True)


def test_a_device_that_is_mounted_is_refused(tmp_path: Path) -> None:
    rows = "22 1 8:17 / /mnt/stick rw - vfat /dev/sdb1 rw\n23 1 0:5 / /proc rw - proc proc rw\n"
    target, sysfs, mounts = device(tmp_path, "1", rows)
    state = source_state(target, sysfs, mounts)
    assert state.said == "read-only, mounted"
    with pytest.raises(CustodyError, match="/dev/sdb is mounted at /mnt/stick"):
        refuse_writable(target, state, permitted=False)


def test_an_image_is_never_written_onto_its_source(tmp_path: Path) -> None:
    target, sysfs, mounts = device(tmp_path, "1")
    number = tmp_path.stat().st_dev
    (sysfs / "8:16" / "sdb1" / "dev").write_text(f"{os.major(number)}:{os.minor(number)}\n")
    state = source_state(target, sysfs, mounts)
    with pytest.raises(CustodyError, match="is on the source itself"):
        refuse_on_source(state, tmp_path)
