"""CRC-32C (Castagnoli, RFC 3720 appendix B.4), for headers of some KiB."""

from __future__ import annotations

_POLYNOMIAL = 0x82F63B78  # bits in reverse


def _entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_TABLE = [_entry(number) for number in range(256)]


def crc32c(data: bytes) -> int:
    """The checksum of `data`."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF
