"""Differencing disks made out of qemu's dynamic ones: it writes none itself."""

from __future__ import annotations

import struct
import uuid
from pathlib import Path

from forensics.media._crc32c import crc32c

SECTOR = 512


def _checked(raw: bytearray, at: int) -> bytes:
    raw[at : at + 4] = bytes(4)
    raw[at : at + 4] = (~sum(raw) & 0xFFFFFFFF).to_bytes(4, "big")
    return bytes(raw)


def vhd_child(path: Path, parent: Path, bits: list[str]) -> None:
    """Make the dynamic VHD at `path` a child of `parent`; `bits` tell of its blocks' sectors which are its own."""
    data, other = bytearray(path.read_bytes()), parent.read_bytes()
    footer, header = data[-SECTOR:], data[512:1536]
    footer[60:64] = (4).to_bytes(4, "big")
    header[40:56] = other[-SECTOR:][68:84]
    header[64:576] = parent.name.encode("utf-16-be").ljust(512, b"\0")
    data[-SECTOR:] = data[:SECTOR] = _checked(footer, 64)
    data[512:1536] = _checked(header, 36)
    table = struct.unpack_from(f">{len(bits)}I", data, struct.unpack_from(">Q", header, 16)[0])
    for entry, sectors in zip(table, bits, strict=True):
        if entry != 0xFFFFFFFF:
            data[entry * SECTOR : entry * SECTOR + SECTOR] = int(sectors, 2).to_bytes(len(sectors) // 8, "big")
    path.write_bytes(data)


def _item(kind: str, offset: int, length: int) -> bytes:
    return struct.pack("<16sIIIxxxx", uuid.UUID(kind).bytes_le, offset, length, 4)


def _locator(pairs: dict[str, str]) -> bytes:
    words = [(key.encode("utf-16-le"), value.encode("utf-16-le")) for key, value in pairs.items()]
    at, entries, text = 20 + 12 * len(words), b"", b""
    for key, value in words:
        entries += struct.pack("<IIHH", at, at + len(key), len(key), len(value))
        text += key + value
        at += len(key) + len(value)
    kind = uuid.UUID("b04aefb7-d19e-4a81-b789-25b8e9445913").bytes_le
    return kind + struct.pack("<xxH", len(words)) + entries + text


def vhdx_regions(data: bytes) -> dict[str, int]:
    """Where the table of blocks and the metadata begin."""
    found = [struct.unpack_from("<16sQ", data, 0x30000 + 16 + 32 * number) for number in range(2)]
    return {"bat" if uuid.UUID(bytes_le=kind).hex.startswith("2dc2") else "metadata": at for kind, at in found}


def vhdx_identifier(path: Path) -> str:
    """The data identifier of the header in force."""
    data = path.read_bytes()
    headers = [data[at : at + 4096] for at in (0x10000, 0x20000)]
    return str(uuid.UUID(bytes_le=max(headers, key=lambda raw: raw[8:16][::-1])[32:48]))


def vhdx_child(path: Path, parent: Path, bits: str, ratio: int, linkage: str = "") -> None:
    """Make the dynamic VHDX at `path` a child of `parent`; `bits` are the sectors (1: its own) from the first on."""
    data = bytearray(path.read_bytes())
    regions = vhdx_regions(data)
    at = regions["metadata"]
    count = int.from_bytes(data[at + 10 : at + 12], "little")
    locator = _locator(
        {"parent_linkage": f"{{{linkage or vhdx_identifier(parent)}}}", "relative_path": f".\\{parent.name}"}
    )
    data[at + 10 : at + 12] = (count + 1).to_bytes(2, "little")
    entry = _item("a8d35f2d-b30b-454d-abf7-d3d84834ab0c", 0x20000, len(locator))
    data[at + 32 + 32 * count : at + 64 + 32 * count] = entry
    data[at + 0x20000 : at + 0x20000 + len(locator)] = locator
    for number in range(count):
        kind, offset = struct.unpack_from("<16sI", data, at + 32 + 32 * number)
        if uuid.UUID(bytes_le=kind).hex.startswith("caa1"):
            data[at + offset + 4] |= 2
    data += bytes(-len(data) % (1 << 20))
    place = len(data) | 6
    data += bytes(int(bits[n : n + 8][::-1], 2) for n in range(0, len(bits), 8)).ljust(1 << 20, b"\0")
    bat = regions["bat"]
    for block in range(ratio):
        (entry_,) = struct.unpack_from("<Q", data, bat + 8 * block)
        if entry_ & 7 == 6:
            struct.pack_into("<Q", data, bat + 8 * block, entry_ | 7)
    struct.pack_into("<Q", data, bat + 8 * ratio, place)
    path.write_bytes(data)


def rewrite_vhdx_header(path: Path, at: int, change: bytes, header: int = 0x10000) -> None:
    """Change bytes of a header and mend its checksum."""
    data = bytearray(path.read_bytes())
    raw = data[header : header + 4096]
    raw[at : at + len(change)] = change
    raw[4:8] = bytes(4)
    raw[4:8] = crc32c(bytes(raw)).to_bytes(4, "little")
    data[header : header + 4096] = raw
    path.write_bytes(data)
