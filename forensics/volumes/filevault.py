"""FileVault 2: a Core Storage volume in one piece, and its plain bytes where a password or recovery key is known.

Sources: "Infiltrate the Vault: Security Analysis and Decryption of Lion Full Disk Encryption" (Choudary, Groebert,
Metz), and libfvde's "Core Storage" format. Read by our own code over `cryptography`: libfvde refuses volumes of which
one copy of the metadata is gone, and does not hand out the volume's key.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from forensics.media import crc32c
from forensics.model import ExaminationError
from forensics.volumes.luks import Plain

ReadAt = Callable[[int, int], bytes]
"""`read_at(offset, length)` inside the volume: short at its end."""

KIND = "FileVault 2"
_MAGIC_AT, _MAGIC = 88, b"CS"
_VERSION_AND_KIND = b"\x01\0\x10\0"
_BLOCK = 8192
_HEADER = struct.Struct("<8sHH52xQ16x2sI2xII4Q32xII16s112x16s192x")
_MOST_BLOCKS = 4096
_MOST_ITERATIONS = 200_000_000
_KEYS, _VOLUME, _PLACE = 0x19, 0x1A, 0x305
_ODD = (struct.error, ValueError, LookupError)


class FileVaultError(ExaminationError):
    """The volume cannot be unlocked whatever the password: one clear line."""


class _Wrapped(NamedTuple):
    """A key that a password opens: how the password is stretched, and the wrapped key."""

    salt: bytes
    iterations: int
    key: bytes


class _Metadata(NamedTuple):
    """What the encrypted metadata says. `offset` and `length` are bytes of the physical volume."""

    passwords: tuple[_Wrapped, ...]
    volume_key: bytes
    family: bytes
    offset: int
    length: int


def is_core_storage(read_at: ReadAt) -> bool:
    """Whether a volume begins as a physical volume of Core Storage."""
    head = read_at(0, _HEADER.size)
    return head[_MAGIC_AT : _MAGIC_AT + 2] == _MAGIC and head[8:12] == _VERSION_AND_KIND


def _sound(raw: bytes) -> bool:
    """Whether a structure has its checksum: CRC-32C without its last step, over all behind checksum and seed."""
    return len(raw) > 8 and crc32c(raw[8:]) ^ 0xFFFFFFFF == int.from_bytes(raw[:4], "little")


def _metadata(read_at: ReadAt) -> _Metadata:
    """What the first copy that makes sense says; raises `FileVaultError` where none does."""
    raw = read_at(0, _HEADER.size)
    if not _sound(raw):
        raise FileVaultError("the header of its physical volume does not have its checksum")
    _, version, _, _, _, _, block, _, *places, key_size, method, key, identifier = _HEADER.unpack(raw)
    if version != 1 or key_size != 16 or method != 2 or not 512 <= block <= 1 << 16:
        raise FileVaultError(f"Core Storage of version {version} with method {method} is not read")
    reason = "no copy of the metadata is there"
    for place in places:
        try:
            return _copy(read_at, place * block, block, key + identifier)
        except _ODD as error:
            reason = str(error)
    raise FileVaultError(f"its metadata is damaged in all copies: {reason}")


def _copy(read_at: ReadAt, at: int, block: int, key: bytes) -> _Metadata:
    label = read_at(at, _BLOCK)
    if not _sound(label):
        raise ValueError("no checksum of the disk label")
    (groups,) = struct.unpack_from("<I", label, 220)
    count, start = struct.unpack_from("<8xQ16xQ", read_at(at + groups, 40))
    found: dict[int, list[bytes]] = {}
    for number in range(min(count, _MOST_BLOCKS)):
        raw = read_at(start * block + number * _BLOCK, _BLOCK)
        if len(raw) < _BLOCK or not any(raw):
            break
        mode = modes.XTS(number.to_bytes(16, "little"))
        plain = Cipher(algorithms.AES(key), mode).decryptor().update(raw)
        if not _sound(plain):
            raise ValueError(f"block {number} of the encrypted metadata does not have its checksum")
        found.setdefault(int.from_bytes(plain[10:12], "little"), []).append(plain)
    return _described(found, block)


def _described(found: dict[int, list[bytes]], block: int) -> _Metadata:
    if not {_KEYS, _VOLUME, _PLACE} <= set(found):
        raise ValueError("the encrypted metadata lacks keys, the volume or its place: it is not encrypted, or cut")
    keys, about = _text(found[_KEYS][-1], 112), _text(found[_VOLUME][-1], 128)
    size = int(_value(about, "com.apple.corestorage.lv.size", "integer"), 16)
    family = UUID(_value(about, "com.apple.corestorage.lv.familyUUID", "string")).bytes
    pieces, place = struct.unpack_from("<I36xI", found[_PLACE][-1], 64)
    if pieces != 1 or len(found[_PLACE]) > 1:
        raise FileVaultError("its logical volume lies in several pieces or over several disks, which is not read")
    (wrapped, *_) = _structs(keys, "KEKWrappedVolumeKeyStruct")
    passwords = tuple(_wrapped(raw) for raw in _structs(keys, "PassphraseWrappedKEKStruct"))
    return _Metadata(passwords, wrapped[8:32], family, place * block, size)


def _text(raw: bytes, at: int) -> str:
    offset, size = struct.unpack_from("<II", raw, at)
    return raw[offset : offset + size].split(b"\0")[0].decode("utf-8", "replace")


def _value(text: str, name: str, kind: str) -> str:
    found = re.search(rf"<key>{re.escape(name)}</key>\s*<{kind}[^>]*>([^<]+)</{kind}>", text)
    if found is None:
        raise ValueError(f"the description of the volume lacks {name}")
    return found[1].strip()


def _structs(text: str, name: str) -> Iterator[bytes]:
    for match in re.finditer(rf"<key>{name}</key>\s*<data[^>]*>([^<]+)</data>", text):
        yield base64.b64decode(match[1])


def _wrapped(raw: bytes) -> _Wrapped:
    size = int.from_bytes(raw[4:8], "little")
    (iterations,) = struct.unpack_from("<I", raw, 168)
    if size != 16 or not 0 < iterations <= _MOST_ITERATIONS:
        raise ValueError(f"a password with {iterations} iterations and a salt of {size} bytes")
    return _Wrapped(raw[8:24], iterations, raw[32:56])


def unlock(read_at: ReadAt, length: int, secrets: Sequence[bytes]) -> Plain | None:
    """The plain volume that the first fitting password or recovery key opens, None when none of them does.

    `length` is the physical volume's in bytes. Raises `FileVaultError` for damage and for what is not read.
    """
    about = _metadata(read_at)
    if about.offset + about.length > length:
        raise FileVaultError(f"the volume is cut: its contents go to byte {about.offset + about.length} of {length}")
    for wrapped in about.passwords:
        for secret in secrets:
            stretched = hashlib.pbkdf2_hmac("sha256", secret, wrapped.salt, wrapped.iterations, 16)
            try:
                key = aes_key_unwrap(aes_key_unwrap(stretched, wrapped.key), about.volume_key)
            except InvalidUnwrap:
                continue
            tweak = hashlib.sha256(key + about.family).digest()[:16]
            return Plain(KIND, "aes-xts-plain64", key + tweak, about.offset, about.length)
    return None
