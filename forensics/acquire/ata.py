"""What an ATA disk says of itself: its IDENTIFY page, and, when it is asked, how many sectors it hides.

Source: ATA/ATAPI Command Set 2 (ACS-2, T13/2015-D): IDENTIFY DEVICE, READ NATIVE MAX ADDRESS EXT, DEVICE CONFIGURATION
IDENTIFY; SAT-3 for the pass-through of ATA commands (SG_IO of Linux). None of these commands changes anything.
"""

from __future__ import annotations

import ctypes
import fcntl
import struct
from collections.abc import Callable
from dataclasses import dataclass

IDENTIFY_BYTES = 512
_SG_IO, _SECONDS = 0x2285, 20
_FROM_DEVICE, _NO_DATA = -3, -1
_PIO_IN, _NON_DATA = 4, 3
_IDENTIFY, _NATIVE_MAX, _NATIVE_MAX_EXT, _CONFIGURATION = 0xEC, 0xF8, 0x27, 0xB1
_HEADER = struct.Struct("@iiBBHIPPPIIiPBBBBHHiII0P")

Ioctl = Callable[[int, int, bytearray], int]
"""`ioctl(descriptor, request, header)`; raises OSError for what the system refuses."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An IDENTIFY page. `sectors` are those the disk lets be addressed now."""

    model: str
    serial: str
    firmware: str
    sectors: int
    extended: bool
    hpa: str
    dco: str
    security: str
    rotation: str

    def facts(self) -> dict[str, str]:
        """By the names that stand in the record."""
        found = {
            "ata_model": self.model, "ata_serial": self.serial, "ata_firmware": self.firmware,
            "ata_sectors": str(self.sectors or ""), "hpa": self.hpa, "dco": self.dco, "ata_security": self.security,
            "rotation": self.rotation,
        }  # fmt: skip
        return {name: value for name, value in found.items() if value}


def identity(page: bytes) -> Identity | None:
    """What an IDENTIFY page says; None for what is none (all zeros, cut short, a checksum that is not its own)."""
    if len(page) < IDENTIFY_BYTES or not any(page[:IDENTIFY_BYTES]):
        return None
    if page[510] == 0xA5 and sum(page[:IDENTIFY_BYTES]) & 0xFF:
        return None
    words = struct.unpack_from("<256H", page)
    extended = bool(words[83] & 1 << 10)
    sectors = int.from_bytes(page[200:208], "little") if extended else int.from_bytes(page[120:124], "little")
    rate = words[217]
    return Identity(
        _text(page[54:94]),
        _text(page[20:40]),
        _text(page[46:54]),
        sectors,
        extended,
        _feature(words[82], words[85], 10),
        "supported" if words[83] & 1 << 11 else "",
        _security(words[128]),
        "none (solid state)" if rate == 1 else f"{rate} a minute" if 0x401 <= rate <= 0xFFFE else "",
    )


def _text(raw: bytes) -> str:
    """Two characters a word, the first in the high byte."""
    swapped = bytes(byte for at in range(0, len(raw), 2) for byte in (raw[at + 1], raw[at]))
    shown = "".join(chr(byte) if 32 <= byte < 127 else " " if not byte else f"\\x{byte:02x}" for byte in swapped)
    return " ".join(shown.split())


def _feature(supported: int, enabled: int, bit: int) -> str:
    return ("supported, enabled" if enabled & 1 << bit else "supported") if supported & 1 << bit else ""


def _security(word: int) -> str:
    named = ((1, "enabled"), (2, "LOCKED: it gives no data"), (3, "frozen"), (4, "attempts used up"))
    return ", ".join(["supported", *(said for bit, said in named if word & 1 << bit)]) if word & 1 else ""


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a disk answered: its sectors now, with its host-protected area, and by its factory's configuration.

    None where it did not say.
    """

    now: int
    native: int | None
    configured: int | None

    @property
    def sectors(self) -> int:
        """How many sectors lie behind those that can be read; 0 where none, or it did not say."""
        return max(self.native or 0, self.configured or 0, self.now) - self.now

    def facts(self) -> dict[str, str]:
        """By the names that stand in the record."""
        known = {"native_sectors": self.native, "configured_sectors": self.configured}
        said = {name: "not told" if value is None else str(value) for name, value in known.items()}
        return {**said, "hidden_sectors": str(self.sectors)}


def ask_hidden(descriptor: int, ioctl: Ioctl = fcntl.ioctl) -> tuple[Identity, Hidden] | None:
    """Ask the disk itself; None where it is no ATA disk, or what lies between does not pass the commands on."""
    page = _data(descriptor, _IDENTIFY, 0, ioctl)
    known = identity(page) if page is not None else None
    if known is None:
        return None
    native = configured = None
    if known.hpa:
        command = _NATIVE_MAX_EXT if known.extended else _NATIVE_MAX
        native = _address(descriptor, command, known.extended, ioctl)
    if known.dco and (data := _data(descriptor, _CONFIGURATION, 0xC2, ioctl)) is not None and sum(data) & 0xFF == 0:
        configured = int.from_bytes(data[6:14], "little") + 1
    return known, Hidden(known.sectors, None if native is None else native + 1, configured)


def _command(command: int, protocol: int, *, extended: bool = False, feature: int = 0, data: bool = False) -> bytes:
    """ATA PASS-THROUGH (16) of SAT."""
    flags = 0x0E if data else 0x20  # data in, one block by the count; or the registers back, whatever comes of it
    device = 0x40 if extended or not data else 0
    return bytes((0x85, protocol << 1 | extended, flags, 0, feature, 0, int(data), *[0] * 6, device, command, 0))


def _send(descriptor: int, command: bytes, length: int, ioctl: Ioctl) -> tuple[bytes, bytes] | None:
    """(data, sense) of a command; None where the system or the disk refuses it."""
    sense, data = ctypes.create_string_buffer(64), ctypes.create_string_buffer(max(length, 1))
    cdb = ctypes.create_string_buffer(command, len(command))
    place = ctypes.addressof
    direction, target = (_FROM_DEVICE, place(data)) if length else (_NO_DATA, 0)
    asked = (ord("S"), direction, len(command), 64, 0, length, target, place(cdb), place(sense), _SECONDS * 1000)
    header = bytearray(_HEADER.pack(*asked, *[0] * 12))
    try:
        ioctl(descriptor, _SG_IO, header)
    except OSError:
        return None
    answer = _HEADER.unpack(header)
    host, driver = answer[17], answer[18]
    return None if host or driver & ~0x08 else (data.raw[:length], sense.raw)  # 0x08: sense data, which were asked for


def _data(descriptor: int, command: int, feature: int, ioctl: Ioctl) -> bytes | None:
    answer = _send(descriptor, _command(command, _PIO_IN, feature=feature, data=True), IDENTIFY_BYTES, ioctl)
    return answer[0] if answer is not None and any(answer[0]) else None


def _address(descriptor: int, command: int, extended: bool, ioctl: Ioctl) -> int | None:
    """The address that a command gives back in the registers, which SAT puts into the sense data."""
    answer = _send(descriptor, _command(command, _NON_DATA, extended=extended), 0, ioctl)
    if answer is None:
        return None
    sense = answer[1]
    if sense[0] & 0x7F != 0x72 or sense[8:10] != b"\x09\x0c" or sense[21] & 1:
        return None
    low, middle, high = sense[15], sense[17], sense[19]
    if not extended:
        return low | middle << 8 | high << 16 | (sense[20] & 0x0F) << 24
    return low | middle << 8 | high << 16 | sense[14] << 24 | sense[16] << 32 | sense[18] << 40
