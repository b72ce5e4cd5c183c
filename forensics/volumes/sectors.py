"""The sectors of BitLocker: AES in XTS and CBC mode, and the Elephant diffuser of Windows 7.

Sources: "AES-CBC + Elephant diffuser" (Ferguson, 2006); IEEE 1619 for XTS. A run of sectors is worked on at once: they
are lanes of one long integer, because a loop over the words of each would take a hundred times as long.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_LANE = 8  # bytes: 32 bits of a word, and as many for its carries
_CYCLES_A, _TURNS_A, _BACK = 5, (9, 0, 13, 0), (-2, -5)
_CYCLES_B, _TURNS_B, _AHEAD = 3, (0, 10, 0, 25), (2, 5)


def _ecb(key: bytes) -> Cipher[modes.ECB]:
    return Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305 - the block cipher itself, out of which the modes are made


def xts(key: bytes, data: bytes, first: int, size: int) -> bytes:
    """Whole sectors of `size` bytes in the plain; `first` is the number of the first, counted in sectors."""
    aes, pieces = algorithms.AES(key), []
    for number in range(len(data) // size):
        tweak = modes.XTS((first + number).to_bytes(16, "little"))
        pieces.append(Cipher(aes, tweak).decryptor().update(data[number * size : (number + 1) * size]))
    return b"".join(pieces)


def cbc(key: bytes, data: bytes, offset: int, size: int) -> bytes:
    """Whole sectors of `size` bytes in the plain; the vector is each one's encrypted `offset` in the volume (bytes)."""
    places = b"".join(at.to_bytes(16, "little") for at in range(offset, offset + len(data), size))
    vectors = _ecb(key).encryptor().update(places)
    turned = _ecb(key).decryptor().update(data)
    chain = bytearray(data)
    chain[16:] = data[:-16]
    for number in range(len(data) // size):
        chain[number * size : number * size + 16] = vectors[number * 16 : number * 16 + 16]
    return _xor(turned, chain)


def elephant(key: bytes, tweak: bytes, data: bytes, offset: int, size: int) -> bytes:
    """As `cbc`, with both diffusers and the sector key taken away."""
    words, count = size // 4, len(data) // size
    plain = memoryview(cbc(key, data, offset, size)).cast("I")
    lanes = [int.from_bytes(array("Q", plain[word::words].tolist()).tobytes(), "little") for word in range(words)]
    _undo(lanes, count, _CYCLES_B, _TURNS_B, _AHEAD)
    _undo(lanes, count, _CYCLES_A, _TURNS_A, _BACK)
    out = memoryview(array("I", bytes(4 * words * count)))
    for word, lane in enumerate(lanes):
        out[word::words] = array("I", memoryview(lane.to_bytes(count * _LANE, "little")).cast("Q").tolist())
    places = b"".join(
        at.to_bytes(15, "little") + half for at in range(offset, offset + len(data), size) for half in (b"\0", b"\x80")
    )
    keys = _ecb(tweak).encryptor().update(places)
    spread = b"".join(keys[at : at + 32] * (size // 32) for at in range(0, len(keys), 32))
    return _xor(out.tobytes(), spread)


def _undo(lanes: list[int], count: int, cycles: int, turns: tuple[int, ...], reach: tuple[int, int]) -> None:
    """Run a diffuser backwards over the words of all sectors at once: word + (a neighbour ^ another, turned)."""
    low = int.from_bytes(b"\xff\xff\xff\xff\0\0\0\0" * count, "little")
    near, far, words = *reach, len(lanes)
    for _ in range(cycles):
        for at in range(words):
            other, turn = lanes[(at + far) % words], turns[at % 4]
            if turn:
                other = (other << turn | other >> (32 - turn)) & low
            lanes[at] = (lanes[at] + (lanes[(at + near) % words] ^ other)) & low


def _xor(one: bytes, other: bytes | bytearray) -> bytes:
    return (int.from_bytes(one, "little") ^ int.from_bytes(other, "little")).to_bytes(len(one), "little")


Sectors = Callable[[bytes, int], bytes]
"""`sectors(data, offset)`: whole sectors in the plain; `offset` is where the first lies in the volume, in bytes."""


def sectors_of(method: int, material: bytes, size: int) -> Sectors | None:
    """How sectors of `size` bytes encrypted by BitLocker's `method` become plain, None for an unknown method.

    `material` is what stands in the metadata for the volume's key.
    """
    bits = {0x8000: 16, 0x8001: 32, 0x8002: 16, 0x8003: 32, 0x8004: 32, 0x8005: 64}.get(method)
    if bits is None or len(material) < (32 + bits if method < 0x8002 else bits):
        return None
    key, tweak = material[:bits], material[32 : 32 + bits]
    if method >= 0x8004:
        return lambda data, offset: xts(key, data, offset // size, size)
    if method >= 0x8002:
        return lambda data, offset: cbc(key, data, offset, size)
    return lambda data, offset: elephant(key, tweak, data, offset, size)
