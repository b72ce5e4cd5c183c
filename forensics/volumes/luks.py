"""LUKS1 and LUKS2: the header, the key slots, and the plain bytes of a volume whose passphrase is known.

Sources: "LUKS1 On-Disk Format Specification" 1.2.3 (Fruhwirth) and "LUKS2 On-Disk Format Specification" 1.1.3 (Broz).
Read by our own code over `cryptography`: libluksde does not read LUKS2, and took 36 s where this takes 4.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.argon2 import Argon2i, Argon2id

from forensics.model import ExaminationError

ReadAt = Callable[[int, int], bytes]
"""`read_at(offset, length)` inside the volume: short at its end."""

MAGIC = b"LUKS\xba\xbe"

_FIRST = struct.Struct(">6sH32s32s32sII20s32sI40s")
_SLOT = struct.Struct(">II32sII")
_SECOND = struct.Struct(">6sHQQ48s32s64s40s48sQ184s64s")
_COPIES = (0, *(0x4000 << number for number in range(9)))
"""Where the second LUKS2 header can be: behind the first, whose size is one of nine."""
_SECTOR = 512
_SLOT_ENABLED = 0x00AC71F3
_MOST_ITERATIONS = 200_000_000  # a minute or two; cryptsetup chooses for two seconds
_MOST_MEMORY_KIB = 4 << 20
_LARGEST_AREA = 16 << 20
_ODD = (ValueError, LookupError, TypeError, AttributeError, struct.error)


class LuksError(ExaminationError):
    """The volume cannot be unlocked whatever the passphrase: one clear line."""


@dataclass(frozen=True, slots=True)
class Plain:
    """How the plain bytes of an unlocked volume are had. `offset` and `length` are bytes of the volume."""

    kind: str
    cipher: str
    key: bytes
    offset: int
    length: int
    sector_size: int = _SECTOR
    tweak: int = 0

    def __repr__(self) -> str:
        return f"Plain({self.kind}, {self.cipher})"  # never the key

    def facts(self) -> dict[str, Any]:
        """What `of_facts` makes the same of, as JSON takes it. It holds the key: for a pipe, not for a file."""
        return asdict(self) | {"key": self.key.hex()}

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> Plain:
        """Out of what `facts` gave."""
        return cls(**{**facts, "key": bytes.fromhex(facts["key"])})

    def read_at(self, read_at: ReadAt, offset: int, length: int) -> bytes:
        """Up to `length` plain bytes from byte `offset`; short only at the end. `read_at` reads the volume."""
        length = min(length, self.length - offset)
        if length <= 0:
            return b""
        size = self.sector_size
        first, end = offset // size * size, -(-(offset + length) // size) * size
        raw = read_at(self.offset + first, end - first)
        raw = raw[: len(raw) // size * size]
        data = decrypt(self.cipher, self.key, raw, self.tweak + first // _SECTOR, size)
        return data[offset - first : offset - first + length]


@dataclass(frozen=True, slots=True)
class _Slot:
    """One key slot: how a passphrase becomes the key of its area, and how the area becomes the volume's key."""

    derive: Callable[[bytes], bytes]
    area: tuple[int, int]
    cipher: str
    key_size: int
    stripes: int
    hash: str


@dataclass(frozen=True, slots=True)
class _Header:
    """What both versions come to. `proves` says whether a key is the volume's."""

    slots: Sequence[_Slot]
    proves: Callable[[bytes], bool]
    plain: Callable[[bytes], Plain]


# --- ciphers -------------------------------------------------------------------------------------------------


def decrypt(cipher: str, key: bytes, data: bytes, first: int, size: int = _SECTOR) -> bytes:
    """Whole sectors of `size` bytes; `first` is the number of the first one, counted in 512 bytes, as dm-crypt does.

    Raises `LuksError` for a cipher that is not known.
    """
    algorithm, _, mode = cipher.partition("-")
    if algorithm != "aes" or mode not in _VECTORS:
        raise LuksError(f"the cipher {cipher} is not known here: AES in XTS or CBC mode is read")
    vector, chained = _VECTORS[mode](key), mode.startswith("cbc")
    aes, pieces = algorithms.AES(key), []
    for number in range(len(data) // size):
        value = vector(first + number * (size // _SECTOR))
        turned: Any = modes.CBC(value) if chained else modes.XTS(value)
        pieces.append(Cipher(aes, turned).decryptor().update(data[number * size : (number + 1) * size]))
    return b"".join(pieces)


Vector = Callable[[int], bytes]


def _plain64(_key: bytes) -> Vector:
    return lambda sector: sector.to_bytes(16, "little")


def _plain(_key: bytes) -> Vector:
    return lambda sector: (sector & 0xFFFFFFFF).to_bytes(16, "little")


def _essiv(key: bytes) -> Vector:
    salted = algorithms.AES(hashlib.sha256(key).digest())

    def vector(sector: int) -> bytes:
        hidden = Cipher(salted, modes.ECB()).encryptor()  # noqa: S305 - the vector of one sector, as the mode is made
        return hidden.update(sector.to_bytes(16, "little"))

    return vector


_VECTORS: Mapping[str, Callable[[bytes], Vector]] = {
    "xts-plain64": _plain64, "xts-plain": _plain, "cbc-plain64": _plain64, "cbc-plain": _plain,
    "cbc-essiv:sha256": _essiv,
}  # fmt: skip


def merge(area: bytes, size: int, stripes: int, name: str) -> bytes:
    """The key that was spread over `stripes` (TKS1, anti-forensic information splitting)."""
    block = 0
    for number in range(stripes):
        block ^= int.from_bytes(area[number * size : (number + 1) * size], "big")
        if number < stripes - 1:
            block = int.from_bytes(_diffuse(block.to_bytes(size, "big"), name), "big")
    return block.to_bytes(size, "big")


def _diffuse(block: bytes, name: str) -> bytes:
    step, out = hashlib.new(name).digest_size, b""
    for number, at in enumerate(range(0, len(block), step)):
        piece = block[at : at + step]
        out += hashlib.new(name, number.to_bytes(4, "big") + piece).digest()[: len(piece)]
    return out


def _pbkdf2(name: str, salt: bytes, iterations: int, size: int) -> Callable[[bytes], bytes]:
    if not 0 < iterations <= _MOST_ITERATIONS:
        raise LuksError(f"a key slot wants {iterations} iterations: it was made to keep examiners busy")
    return lambda secret: hashlib.pbkdf2_hmac(name, secret, salt, iterations, size)


# --- LUKS1 -------------------------------------------------------------------------------------------------------


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("ascii")


def _first(read_at: ReadAt, length: int) -> _Header:
    raw = read_at(0, 592)
    fields = _FIRST.unpack_from(raw)
    cipher, name = f"{_text(fields[2])}-{_text(fields[3])}", _text(fields[4])
    payload, size, digest, salt, iterations = fields[5:10]
    payload *= _SECTOR
    _sane(size, payload, length)
    slots = []
    for number in range(8):
        active, rounds, slot_salt, start, stripes = _SLOT.unpack_from(raw, _FIRST.size + number * _SLOT.size)
        if active == _SLOT_ENABLED:
            area = (start * _SECTOR, size * stripes)
            slots.append(_Slot(_pbkdf2(name, slot_salt, rounds, size), area, cipher, size, stripes, name))
    proof = _pbkdf2(name, salt, iterations, 20)
    return _Header(
        slots, lambda key: proof(key) == digest, lambda key: Plain("LUKS1", cipher, key, payload, length - payload)
    )


def _sane(key_size: int, payload: int, length: int) -> None:
    if not 16 <= key_size <= 64 or not 0 < payload < length:
        raise LuksError(
            f"the header is damaged or the volume cut: keys of {key_size} bytes,"
            f" contents from byte {payload} of {length}"
        )


# --- LUKS2 -------------------------------------------------------------------------------------------------------


def _description(read_at: ReadAt) -> dict[str, Any]:
    """The JSON of the first header that has its checksum."""
    for at in _COPIES:
        raw = read_at(at, _SECOND.size)
        if len(raw) < _SECOND.size or not raw.startswith((MAGIC, b"SKUL\xba\xbe")):
            continue
        fields = _SECOND.unpack(raw)
        size, name, checksum = fields[2], _text(fields[5]), fields[11]
        whole = read_at(at, size) if 4096 < size <= 4 << 20 else b""
        digest = hashlib.new(name, whole[:448] + bytes(64) + whole[512:]).digest()
        if digest == checksum[: len(digest)]:
            found = json.loads(whole[4096:].split(b"\0")[0])
            return dict(found)
    raise LuksError("the header is damaged: neither copy has its checksum")


def _second(read_at: ReadAt, length: int) -> _Header:
    about = _description(read_at)
    (segment,) = about["segments"].values() if len(about["segments"]) == 1 else (None,)
    if segment is None or segment["type"] != "crypt" or "integrity" in segment:
        raise LuksError("it is being encrypted anew, or has checksums of its own: neither is read")
    offset, sector = int(segment["offset"]), int(segment["sector_size"])
    size = length - offset if segment["size"] == "dynamic" else int(segment["size"])
    if sector not in (512, 1024, 2048, 4096) or not 0 < offset < length:
        raise LuksError(f"the header is damaged: sectors of {sector} bytes, contents from byte {offset} of {length}")
    (digest,) = list(about["digests"].values())[:1]
    wanted = base64.b64decode(digest["digest"])
    proof = _pbkdf2(digest["hash"], base64.b64decode(digest["salt"]), int(digest["iterations"]), len(wanted))

    def plain(key: bytes) -> Plain:
        return Plain("LUKS2", segment["encryption"], key, offset, size, sector, int(segment["iv_tweak"]))

    slots = [_second_slot(one) for one in about["keyslots"].values() if one["type"] == "luks2"]
    return _Header(slots, lambda key: proof(key) == wanted, plain)


def _second_slot(slot: Mapping[str, Any]) -> _Slot:
    area, split, stretch = slot["area"], slot["af"], slot["kdf"]
    size, salt, kind = int(area["key_size"]), base64.b64decode(stretch["salt"]), stretch["type"]
    if kind == "pbkdf2":
        derive = _pbkdf2(stretch["hash"], salt, int(stretch["iterations"]), size)
    else:
        derive = _argon2(kind, salt, stretch, size)
    place = (int(area["offset"]), int(area["size"]))
    return _Slot(derive, place, area["encryption"], int(slot["key_size"]), int(split["stripes"]), split["hash"])


def _argon2(kind: str, salt: bytes, stretch: Mapping[str, Any], size: int) -> Callable[[bytes], bytes]:
    rounds, memory, lanes = (int(stretch[name]) for name in ("time", "memory", "cpus"))
    if memory > _MOST_MEMORY_KIB or not 0 < rounds <= 1000 or not 0 < lanes <= 64:
        raise LuksError(f"a key slot wants {memory} KiB of memory and {rounds} rounds, which is too much")
    makers: dict[str, Any] = {"argon2id": Argon2id, "argon2i": Argon2i}
    facts = {"salt": salt, "length": size, "iterations": rounds, "lanes": lanes, "memory_cost": memory}
    maker = makers[kind]
    return lambda secret: bytes(maker(**facts).derive(secret))


# --- unlocking -----------------------------------------------------------------------------------------------------


def _candidates(header: _Header, read_at: ReadAt, secret: bytes) -> Iterator[bytes]:
    for slot in header.slots:
        start, size = slot.area
        if size > _LARGEST_AREA or slot.key_size * slot.stripes > size:
            raise LuksError(f"the header is damaged: a key slot of {size} bytes")
        raw = read_at(start, -(-slot.key_size * slot.stripes // _SECTOR) * _SECTOR)
        area = decrypt(slot.cipher, slot.derive(secret), raw, 0)
        yield merge(area[: slot.key_size * slot.stripes], slot.key_size, slot.stripes, slot.hash)


def is_luks(read_at: ReadAt) -> bool:
    """Whether a volume begins as LUKS of either version."""
    return read_at(0, 6) == MAGIC


def unlock(read_at: ReadAt, length: int, secrets: Sequence[bytes]) -> Plain | None:
    """The plain volume that the first fitting passphrase opens, None when none of them does.

    `length` is the volume's in bytes. Raises `LuksError` for damage and for what is not read.
    """
    try:
        version = int.from_bytes(read_at(6, 2), "big")
        header = _first(read_at, length) if version == 1 else _second(read_at, length)
        for secret in secrets:
            for key in _candidates(header, read_at, secret):
                if header.proves(key):
                    plain = header.plain(key)
                    decrypt(plain.cipher, key, b"", 0)  # a cipher that is not known is said now
                    return plain
    except _ODD as error:
        raise LuksError(f"the header is damaged: {' '.join(str(error).split())[:100]}") from error
    except UnsupportedAlgorithm as error:
        raise LuksError(f"this system lacks what the key slot needs: {' '.join(str(error).split())[:100]}") from error
    return None
