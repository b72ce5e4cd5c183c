"""A FileVault 2 volume written as the format's description says; cryptsetup opens it in the tests."""

from __future__ import annotations

import base64
import hashlib
import struct
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from forensics.media import crc32c

PASSWORD = "an invented password"
RECOVERY = "ABCD-EFGH-IJKL-MNOP-QRST-UVWX"
BLOCK, STRUCTURE = 4096, 8192
FAMILY, PHYSICAL = UUID(int=11), UUID(int=12)
VOLUME_KEY, KEK, METADATA_KEY = (hashlib.md5(name, usedforsecurity=False).digest() for name in (b"v", b"k", b"m"))
LABELS, ENCRYPTED, CONTENT = (1, 3), 8, 32  # in blocks


def volume(content: bytes, *, iterations: int = 1000, pieces: int = 1) -> bytes:
    """`content` (whole sectors of 512 bytes) as the logical volume of a physical one."""
    out = bytearray(CONTENT * BLOCK)
    out[:512] = _header(len(content))
    for place in LABELS:
        label = bytearray(STRUCTURE)
        struct.pack_into("<I", label, 220, 4096)
        struct.pack_into("<8xQ16xQ", label, 4096, 3, ENCRYPTED)
        out[place * BLOCK : place * BLOCK + STRUCTURE] = _summed(label)
    blocks = (_keys(iterations), _about(len(content)), _place(pieces))
    key = METADATA_KEY + PHYSICAL.bytes
    for number, block in enumerate(blocks):
        mode = modes.XTS(number.to_bytes(16, "little"))
        at = ENCRYPTED * BLOCK + number * STRUCTURE
        out[at : at + STRUCTURE] = Cipher(algorithms.AES(key), mode).encryptor().update(_summed(block))
    return bytes(out) + _encrypted(content) + bytes(BLOCK)


def _summed(block: bytearray) -> bytes:
    block[4:8] = b"\xff" * 4
    block[:4] = struct.pack("<I", crc32c(bytes(block[8:])) ^ 0xFFFFFFFF)
    return bytes(block)


def _header(length: int) -> bytes:
    head = bytearray(512)
    struct.pack_into("<HH", head, 8, 1, 0x10)
    struct.pack_into("<Q", head, 64, CONTENT * BLOCK + length + BLOCK)
    struct.pack_into("<2sI", head, 88, b"CS", 1)
    struct.pack_into("<II4Q", head, 96, BLOCK, 0x400000, *LABELS, LABELS[0], LABELS[0])
    struct.pack_into("<II16s", head, 168, 16, 2, METADATA_KEY)
    head[304:320] = PHYSICAL.bytes
    return _summed(head)


def _block(kind: int, text: str = "", at: int = 0) -> bytearray:
    block = bytearray(STRUCTURE)
    struct.pack_into("<HH", block, 8, 1, kind)
    if text:
        raw = text.encode()
        struct.pack_into("<II", block, at, 512, len(raw))
        block[512 : 512 + len(raw)] = raw
    return block


def _keys(iterations: int) -> bytearray:
    users = "".join(
        _data("PassphraseWrappedKEKStruct", _password(secret, iterations)) for secret in (PASSWORD, RECOVERY)
    )
    wrapped = struct.pack("<II24s", 16, 24, aes_key_wrap(KEK, VOLUME_KEY)).ljust(256, b"\0")
    return _block(0x19, f"<dict>{users}{_data('KEKWrappedVolumeKeyStruct', wrapped)}</dict>", 112)


def _data(name: str, raw: bytes) -> str:
    return f'<key>{name}</key><data ID="1">{base64.b64encode(raw).decode()}</data>'


def _password(secret: str, iterations: int) -> bytes:
    salt = hashlib.md5(secret.encode(), usedforsecurity=False).digest()
    stretched = hashlib.pbkdf2_hmac("sha256", secret.encode(), salt, max(iterations, 1), 16)
    head = struct.pack("<II16sII24s", 3, 16, salt, 16, 24, aes_key_wrap(stretched, KEK))
    return (head + bytes(112) + struct.pack("<I", iterations)).ljust(284, b"\0")


def _about(length: int) -> bytearray:
    size = f'<key>com.apple.corestorage.lv.size</key><integer size="64" ID="2">{length:#x}</integer>'
    family = f"<key>com.apple.corestorage.lv.familyUUID</key><string>{str(FAMILY).upper()}</string>"
    return _block(0x1A, f"<dict>{size}{family}</dict>", 128)


def _place(pieces: int) -> bytearray:
    block = _block(0x305)
    struct.pack_into("<I36xI", block, 64, pieces, CONTENT)
    return block


def _encrypted(content: bytes) -> bytes:
    key = VOLUME_KEY + hashlib.sha256(VOLUME_KEY + FAMILY.bytes).digest()[:16]
    aes, out = algorithms.AES(key), []
    for number in range(len(content) // 512):
        mode = modes.XTS(number.to_bytes(16, "little"))
        out.append(Cipher(aes, mode).encryptor().update(content[number * 512 : number * 512 + 512]))
    return b"".join(out)
