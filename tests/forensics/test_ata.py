"""IDENTIFY pages and what a disk answers about areas it hides: pages and answers made by the standard's tables."""

from __future__ import annotations

import ctypes
import errno
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.acquire.ata import Identity, ask_hidden, identity

SECTORS, NATIVE, FACTORY = 1_000_000, 1_500_000, 2_000_000


def swapped(text: str, length: int) -> bytes:
    raw = text.ljust(length).encode("ascii")
    return b"".join(raw[at + 1 : at + 2] + raw[at : at + 1] for at in range(0, length, 2))


def page(
    hpa: bool = True, dco: bool = True, security: int = 0b1001, rotation: int = 5400, extended: bool = True
) -> bytes:
    """An IDENTIFY page of an invented disk, with its checksum."""
    words = bytearray(512)
    words[20:40], words[46:54], words[54:94] = swapped("SN-0042", 20), swapped("FW1", 8), swapped("Invented Disk 2", 40)
    struct.pack_into("<I", words, 120, min(SECTORS, 0x0FFFFFFF))
    struct.pack_into("<HH", words, 164, (1 << 10) * hpa, (1 << 11) * dco | (1 << 10) * extended)
    struct.pack_into("<H", words, 170, (1 << 10) * hpa)
    struct.pack_into("<Q", words, 200, SECTORS)
    struct.pack_into("<H", words, 256, security)
    struct.pack_into("<H", words, 434, rotation)
    words[510] = 0xA5
    words[511] = -sum(words) & 0xFF
    return bytes(words)


class Disk:
    """Answers SG_IO as a disk behind SAT would; `refused` commands are aborted."""

    def __init__(self, identify: bytes, refused: frozenset[int] = frozenset(), gone: bool = False) -> None:
        self.identify, self.refused, self.gone, self.asked = identify, refused, gone, list[int]()

    def ioctl(self, _descriptor: int, request: int, header: bytearray) -> int:
        assert (request, len(header)) == (0x2285, 88)
        if self.gone:
            raise OSError(errno.ENOTTY, "no such thing here")
        (length,) = struct.unpack_from("=I", header, 12)
        target, cdb, sense = struct.unpack_from("=QQQ", header, 16)
        command = ctypes.string_at(cdb, 16)
        self.asked.append(command[14])
        assert command[0] == 0x85
        assert command[14] in (0xEC, 0xF8, 0x27, 0xB1), "a command that may change something"
        assert command[14] != 0xB1 or command[4] == 0xC2  # IDENTIFY alone, of the commands that share this code
        if command[14] in self.refused:
            registers = bytes((0x72, 0, 0, 0, 0, 0, 0, 14, 9, 12, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x51))
            ctypes.memmove(sense, registers, len(registers))
        elif command[14] == 0xEC:
            ctypes.memmove(target, self.identify, length)
        elif command[14] == 0xB1:
            data = bytearray(512)
            struct.pack_into("<Q", data, 6, FACTORY - 1)
            data[510] = 0xA5
            data[511] = -sum(data) & 0xFF
            ctypes.memmove(target, bytes(data), length)
        else:
            last = (NATIVE - 1).to_bytes(6, "little")
            registers = bytes(
                (0x72, 0, 0, 0, 0, 0, 0, 14, 9, 12, 1, 0, 0, 0, last[3], last[0], last[4], last[1], last[5])
            )
            device = 0x40 | (0 if command[14] == 0x27 else last[3] & 0x0F)
            ctypes.memmove(sense, registers + bytes((last[2], device, 0x50)), 22)
        return 0


def test_a_page_as_the_standard_lays_it_out() -> None:
    found = identity(page())
    features = ("supported, enabled", "supported", "supported, frozen", "5400 a minute")
    assert found == Identity("Invented Disk 2", "SN-0042", "FW1", SECTORS, True, *features)
    assert found.facts()["ata_sectors"] == str(SECTORS)
    quiet = identity(page(hpa=False, dco=False, security=0, rotation=1, extended=False))
    assert quiet is not None
    assert (quiet.hpa, quiet.dco, quiet.security, quiet.rotation) == ("", "", "", "none (solid state)")
    assert "LOCKED" in str(identity(page(security=0b0111)))


def test_what_is_no_page() -> None:
    assert identity(bytes(512)) is None
    assert identity(page()[:511]) is None
    damaged = bytearray(page())
    damaged[60] ^= 1
    assert identity(bytes(damaged)) is None


@given(st.binary(min_size=512, max_size=520))
def test_any_page_is_read_or_none(raw: bytes) -> None:
    found = identity(raw)
    assert found is None or all(value.isprintable() for value in found.facts().values())


@pytest.mark.parametrize("extended", [True, False])
def test_a_disk_that_hides_sectors(extended: bool) -> None:
    disk = Disk(page(extended=extended))
    answer = ask_hidden(0, disk.ioctl)
    assert answer is not None
    _, hidden = answer
    assert (hidden.now, hidden.native, hidden.configured, hidden.sectors) == (
        SECTORS,
        NATIVE,
        FACTORY,
        FACTORY - SECTORS,
    )
    assert hidden.facts() == {"native_sectors": "1500000", "configured_sectors": "2000000", "hidden_sectors": "1000000"}
    assert disk.asked == [0xEC, 0x27 if extended else 0xF8, 0xB1]


def test_a_disk_that_aborts_or_has_no_such_feature() -> None:
    answer = ask_hidden(0, Disk(page(), frozenset({0x27, 0xB1})).ioctl)
    assert answer is not None
    assert answer[1].facts() == {"native_sectors": "not told", "configured_sectors": "not told", "hidden_sectors": "0"}
    plain = Disk(page(hpa=False, dco=False))
    assert ask_hidden(0, plain.ioctl) is not None
    assert plain.asked == [0xEC]


def test_what_is_no_ata_disk() -> None:
    assert ask_hidden(0, Disk(page(), gone=True).ioctl) is None
    assert ask_hidden(0, Disk(bytes(512)).ioctl) is None
    with Path("/dev/null").open("rb") as file:
        assert ask_hidden(file.fileno()) is None
