"""BitLocker volumes written as the format's description says; cryptsetup and libbde read them in the tests."""

from __future__ import annotations

import hashlib
import struct
import zlib
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

PASSWORD = "një fjalëkalim i shpikur"
RECOVERY = tuple("-".join(f"{11 * (number + step):06d}" for step in range(8)) for number in (1000, 50_000))
IDENTIFIERS = [UUID(int=number) for number in range(1, 9)]
HEAD = 8192
RESERVED = 64 << 10
MASTER = bytes(range(32))
METHODS = {0x8000: 16, 0x8001: 32, 0x8002: 16, 0x8003: 32, 0x8004: 32, 0x8005: 64}


def material(method: int) -> bytes:
    """What stands as the volume's key: Elephant's has a second key behind the first 32 bytes."""
    size = METHODS[method]
    key = hashlib.sha512(b"an invented key").digest()[:size]
    return key.ljust(32, b"\0") + bytes(reversed(key)).ljust(32, b"\0") if method < 0x8002 else key


def volume(
    content: bytes, method: int = 0x8004, *, sector: int = 512, clear: bool = False, to_go: bool = False
) -> bytes:
    """`content` (whole sectors) encrypted, its end given up to BitLocker's own areas, which read as zeros."""
    size = len(content)
    places = [size - RESERVED * (3 - number) for number in range(3)]
    moved = places[0] - HEAD
    data = bytearray(encrypt(content, method, 0, sector))
    data[moved : moved + HEAD] = encrypt(content[:HEAD], method, moved, sector)
    guid = UUID("4967d63b-2e29-4ad8-8399-f6a339e3d001").bytes_le
    head = bytearray(512)
    head[:11] = b"\xeb\x58\x90" + (b"MSWIN4.1" if to_go else b"-FVE-FS-")
    struct.pack_into("<HB", head, 11, sector, 4096 // sector)
    struct.pack_into("<16s3Q", head, 424 if to_go else 160, guid, *places)
    head[510:] = b"\x55\xaa"
    data[:HEAD] = head.ljust(HEAD, b"\0")
    for place in places:
        data[place : place + RESERVED] = metadata(method, size, places, moved, clear).ljust(RESERVED, b"\0")
    return bytes(data)


def plain(content: bytes) -> bytes:
    """What such a volume holds in the plain."""
    kept = len(content) - 3 * RESERVED - HEAD
    return content[:kept] + bytes(len(content) - kept)


def metadata(method: int, size: int, places: list[int], moved: int, clear: bool) -> bytes:
    entries = [_protector(0, 0x2000, _password_key(PASSWORD))]
    entries += [_protector(1 + number, 0x0800, _recovery_key(text)) for number, text in enumerate(RECOVERY)]
    if clear:
        key = b"\x05" * 32
        parts = _entry(0, 1, struct.pack("<I", 0x2000) + key) + _entry(0, 5, _wrap(key, MASTER, 0x2000, 9))
        entries.append(_entry(2, 8, IDENTIFIERS[5].bytes_le + bytes(10) + struct.pack("<H", 0) + parts))
    entries.append(_entry(3, 5, _wrap(MASTER, material(method), method, 20)))
    entries.append(_entry(7, 2, "DESKTOP-AH1 C: 1.1.2020\0".encode("utf-16-le")))
    entries.append(_entry(15, 15, struct.pack("<QQ", moved, HEAD)))
    body = b"".join(entries)
    described = struct.pack(
        "<4I16sIHHQ", 48 + len(body), 1, 48, 48 + len(body), IDENTIFIERS[7].bytes_le, 30, method, method, 0
    )
    units = -(-(64 + 48 + len(body)) // 16)
    head = struct.pack("<8sHHHHQII3QQ", b"-FVE-FS-", units, 2, 4, 4, size, 0, HEAD // 512, *places, moved)
    whole = (head + described + body).ljust(units * 16, b"\0")
    return whole + struct.pack("<HHI", 8, 1, zlib.crc32(whole))


def _entry(use: int, kind: int, data: bytes) -> bytes:
    return struct.pack("<4H", 8 + len(data), use, kind, 1) + data


def _wrap(key: bytes, secret: bytes, method: int, count: int) -> bytes:
    inner = struct.pack("<4HI", 12 + len(secret), 0, 1, 1, method) + secret
    nonce = struct.pack("<QI", 131_000_000_000_000_000, count)
    sealed = AESCCM(key, tag_length=16).encrypt(nonce, inner, None)
    return nonce + sealed[-16:] + sealed[:-16]


def _protector(number: int, kind: int, key: bytes) -> bytes:
    salt = _salt(kind)
    stretch = _entry(0, 3, struct.pack("<I", 0x1001) + salt + _entry(0, 5, _wrap(MASTER, key, 0x1001, 40 + number)))
    parts = stretch + _entry(0, 5, _wrap(key, MASTER, 0x2003, number))
    return _entry(2, 8, IDENTIFIERS[number].bytes_le + bytes(10) + struct.pack("<H", kind) + parts)


def _salt(kind: int) -> bytes:
    return hashlib.md5(str(kind).encode(), usedforsecurity=False).digest()


def _stretched(initial: bytes, salt: bytes) -> bytes:
    last = bytes(32)
    for count in range(1 << 20):
        last = hashlib.sha256(last + initial + salt + struct.pack("<Q", count)).digest()
    return last


_KEYS: dict[str, bytes] = {}


def _password_key(text: str) -> bytes:
    if text not in _KEYS:
        twice = hashlib.sha256(hashlib.sha256(text.encode("utf-16-le")).digest()).digest()
        _KEYS[text] = _stretched(twice, _salt(0x2000))
    return _KEYS[text]


def _recovery_key(text: str) -> bytes:
    if text not in _KEYS:
        raw = struct.pack("<8H", *(int(group) // 11 for group in text.split("-")))
        _KEYS[text] = _stretched(hashlib.sha256(raw).digest(), _salt(0x0800))
    return _KEYS[text]


def encrypt(content: bytes, method: int, offset: int, size: int) -> bytes:
    """Sector by sector, in the order of the description."""
    key, bits = material(method), METHODS[method]
    out = []
    for at in range(0, len(content), size):
        sector, place = content[at : at + size], offset + at
        if method >= 0x8004:
            mode: modes.Mode = modes.XTS((place // size).to_bytes(16, "little"))
        else:
            mode = modes.CBC(_ecb(key[:bits], place.to_bytes(16, "little")))
        if method < 0x8002:
            halves = (place.to_bytes(15, "little") + end for end in (b"\0", b"\x80"))
            sector = _diffused(_xored(sector, b"".join(_ecb(key[32 : 32 + bits], half) for half in halves)))
        out.append(Cipher(algorithms.AES(key[:bits]), mode).encryptor().update(sector))
    return b"".join(out)


def _ecb(key: bytes, block: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)


def _xored(sector: bytes, key: bytes) -> bytes:
    return bytes(byte ^ key[at % 32] for at, byte in enumerate(sector))


def _diffused(sector: bytes) -> bytes:
    words = list(struct.unpack(f"<{len(sector) // 4}I", sector))
    for cycles, turns, near, far in ((5, (9, 0, 13, 0), -2, -5), (3, (0, 10, 0, 25), 2, 5)):
        for _ in range(cycles):
            for at in reversed(range(len(words))):
                other, turn = words[(at + far) % len(words)], turns[at % 4]
                turned = (other << turn | other >> (32 - turn)) & 0xFFFFFFFF
                words[at] = (words[at] - (words[(at + near) % len(words)] ^ turned)) & 0xFFFFFFFF
    return struct.pack(f"<{len(words)}I", *words)
