"""BitLocker: its metadata, the protectors of its key, and the plain bytes of a volume whose password is known.

Source: "BitLocker Drive Encryption (BDE) format specification" (Metz). Read by our own code over `cryptography`: libbde
tries a recovery key on the first protector only, and takes no volume key, so that every child would need the password.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from forensics.model import ExaminationError
from forensics.volumes.sectors import sectors_of

ReadAt = Callable[[int, int], bytes]
"""`read_at(offset, length)` inside the volume: short at its end."""

SIGNATURE = b"-FVE-FS-"
_OWN = UUID("4967d63b-2e29-4ad8-8399-f6a339e3d001").bytes_le
_WHILE_WRITING = UUID("92a84d3b-dd80-4d0e-9e4e-b1e3284eaed8").bytes_le
_RESERVED = 64 << 10  # bytes of every copy of the metadata
_ROUNDS = 0x100000
_RECOVERY = re.compile(r"\d{6}(?:-\d{6}){7}")
_HALF_DONE = "it was being encrypted or decrypted when it was last used, which is not read"

_HEADER = struct.Struct("<8sHHHHQII3QQ")
_ENTRIES = struct.Struct("<4I16sIHHQ")
_MASTER_KEY, _VOLUME_KEY = 2, 3  # what an entry is for
_KEY, _STRETCH, _WRAPPED, _PLACE = 1, 3, 5, 15  # what an entry holds
_CLEAR, _RECOVERY_KEY, _PASSWORD = 0x0000, 0x0800, 0x2000
PROTECTORS = {
    _CLEAR: "no protection (suspended)", 0x0100: "TPM", 0x0200: "startup key", 0x0500: "TPM and PIN",
    _RECOVERY_KEY: "recovery key", 0x1000: "smart card", _PASSWORD: "password",
}  # fmt: skip


class BitLockerError(ExaminationError):
    """The volume cannot be unlocked whatever the password: one clear line."""


class _Entry(NamedTuple):
    use: int
    kind: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Protector:
    """One way to the volume's master key: a code of `PROTECTORS`, and the identifier that Windows shows."""

    kind: int
    identifier: UUID
    parts: tuple[_Entry, ...]

    def __str__(self) -> str:
        return f"{PROTECTORS.get(self.kind, f'kind 0x{self.kind:04x}')} {str(self.identifier).upper()}"


@dataclass(frozen=True, slots=True)
class Layout:
    """How the volume's bytes lie. All are bytes of the volume but `method`."""

    method: int
    size: int
    sector_size: int
    moved_to: int
    """Where the volume's first bytes, `head` of them, lie."""
    head: int
    areas: tuple[tuple[int, int], ...]
    """BitLocker's own, (place, length): zeros in the plain."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What one of the three copies says. `wrapped` is the volume's key, wrapped by the master key."""

    layout: Layout
    protectors: tuple[Protector, ...]
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class BitLockerPlain:
    """How the plain bytes of an unlocked volume are had; `key` is what the metadata keeps as the volume's key."""

    layout: Layout
    key: bytes
    length: int
    kind: str = "BitLocker"

    def __repr__(self) -> str:
        return f"BitLockerPlain({self.length})"  # never the key

    def facts(self) -> dict[str, Any]:
        """What `of_facts` makes the same of, as JSON takes it. It holds the key: for a pipe, not for a file."""
        return asdict(self) | {"key": self.key.hex()}

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> BitLockerPlain:
        """Out of what `facts` gave."""
        areas = tuple((start, size) for start, size in facts["layout"]["areas"])
        layout = Layout(**{**facts["layout"], "areas": areas})
        return cls(layout, bytes.fromhex(facts["key"]), facts["length"])

    def read_at(self, read_at: ReadAt, offset: int, length: int) -> bytes:
        """Up to `length` plain bytes from byte `offset`; short only at the end. `read_at` reads the volume."""
        end, pieces = min(offset + length, self.length), []
        while offset < end:
            stop, place = self._run(offset, end)
            pieces.append(bytes(stop - offset) if place is None else self._plain(read_at, place, stop - offset))
            if len(pieces[-1]) < stop - offset:
                break
            offset = stop
        return b"".join(pieces)

    def _run(self, offset: int, end: int) -> tuple[int, int | None]:
        """Up to where the bytes from `offset` on lie together, and where they do: None for zeros."""
        for start, size in self.layout.areas:
            if start <= offset < start + size:
                return min(end, start + size), None
            if start > offset:
                end = min(end, start)
        if offset < self.layout.head:
            return min(end, self.layout.head), self.layout.moved_to + offset
        return end, offset

    def _plain(self, read_at: ReadAt, place: int, length: int) -> bytes:
        size = self.layout.sector_size
        sectors = sectors_of(self.layout.method, self.key, size)
        if sectors is None:
            raise BitLockerError(f"the encryption method 0x{self.layout.method:04x} is not known here")
        first, end = place // size * size, -(-(place + length) // size) * size
        raw = read_at(first, end - first)
        raw = raw[: len(raw) // size * size]
        return sectors(raw, first)[place - first : place - first + length] if raw else b""


# --- metadata --------------------------------------------------------------------------------------------------


def is_bitlocker(read_at: ReadAt) -> bool:
    """Whether a volume begins as BitLocker, of a fixed disk or "To Go"."""
    head = read_at(0, 512)
    return head[3:11] == SIGNATURE or head[424:440] in (_OWN, _WHILE_WRITING)


def read_metadata(read_at: ReadAt) -> Metadata:
    """What the first copy that makes sense says; raises `BitLockerError` where none does, or what is not read."""
    head = read_at(0, 512).ljust(512, b"\0")
    at = 160 if head[3:11] == SIGNATURE else 424
    if head[at : at + 16] == _WHILE_WRITING:
        raise BitLockerError(_HALF_DONE)
    if head[at : at + 16] != _OWN:
        raise BitLockerError("its first sector is damaged, or it is of Windows Vista, which is not read")
    (sector,) = struct.unpack_from("<H", head, 11)
    reason = f"sectors of {sector} bytes"
    for place in struct.unpack_from("<3Q", head, at + 16) if sector in (512, 1024, 2048, 4096) else ():
        try:
            return _metadata(read_at(place, _RESERVED), sector)
        except (struct.error, ValueError, LookupError) as error:
            reason = str(error)
    raise BitLockerError(f"its metadata is damaged in all three copies: {reason}")


def _metadata(raw: bytes, sector: int) -> Metadata:
    signature, _, version, state, following, size, _, _, *places, _ = _HEADER.unpack_from(raw)
    total, _, header, _, _, _, method, _, _ = _ENTRIES.unpack_from(raw, _HEADER.size)
    if signature != SIGNATURE or version != 2:
        raise ValueError(f"no signature, or version {version}")
    if (state, following) != (4, 4):
        raise BitLockerError(_HALF_DONE)
    entries = list(_entries(raw[_HEADER.size + header : _HEADER.size + total]))
    (wrapped,) = [one.data for one in entries if (one.use, one.kind) == (_VOLUME_KEY, _WRAPPED)][:1]
    (moved,) = [struct.unpack_from("<QQ", one.data) for one in entries if one.kind == _PLACE][:1]
    areas = sorted([*((place, _RESERVED) for place in places), moved])
    if moved[1] % sector or any(place % sector for place, _ in areas):
        raise ValueError("places inside a sector")
    protectors = tuple(_protector(one.data) for one in entries if one.use == _MASTER_KEY)
    return Metadata(Layout(method, size, sector, moved[0], moved[1], tuple(areas)), protectors, wrapped)


def _entries(raw: bytes) -> Iterator[_Entry]:
    while len(raw) >= 8:
        size, use, kind, _ = struct.unpack_from("<4H", raw)
        if size == 0:
            return
        if not 8 <= size <= len(raw):
            raise ValueError(f"an entry of {size} bytes")
        yield _Entry(use, kind, raw[8:size])
        raw = raw[size:]


def _protector(data: bytes) -> Protector:
    (kind,) = struct.unpack_from("<H", data, 26)
    return Protector(kind, UUID(bytes_le=data[:16]), tuple(_entries(data[28:])))


def ways_in(read_at: ReadAt) -> str:
    """What opens the volume, with the identifiers by which recovery keys are filed; "" where that cannot be read."""
    try:
        return ", ".join(map(str, read_metadata(read_at).protectors))
    except BitLockerError as error:
        return str(error)


# --- keys --------------------------------------------------------------------------------------------------------


def _unwrap(key: bytes, wrapped: bytes) -> bytes | None:
    """The key inside an entry sealed with AES-CCM, None where `key` is not the one that sealed it."""
    nonce, tag, sealed = wrapped[:12], wrapped[12:28], wrapped[28:]
    try:
        return AESCCM(key, tag_length=16).decrypt(nonce, sealed + tag, None)[12:]  # behind the entry's head and method
    except (InvalidTag, ValueError):  # a key or nonce of another length is damage: it opens nothing
        return None


def _stretched(initial: bytes, salt: bytes) -> bytes:
    """The key that a password or recovery key becomes after a million rounds of SHA-256."""
    last, rest = bytes(32), initial + salt
    for count in range(_ROUNDS):
        last = hashlib.sha256(last + rest + count.to_bytes(8, "little")).digest()
    return last


def _initial(secret: bytes, kind: int) -> bytes | None:
    """What is stretched for a protector of `kind`; None for a secret that cannot be one."""
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        return None
    if kind == _PASSWORD:
        return hashlib.sha256(hashlib.sha256(text.encode("utf-16-le")).digest()).digest()
    if kind != _RECOVERY_KEY or not _RECOVERY.fullmatch(text.strip()):
        return None
    groups = [divmod(int(group), 11) for group in text.strip().split("-")]
    if any(left or whole > 0xFFFF for whole, left in groups):
        return None
    return hashlib.sha256(b"".join(whole.to_bytes(2, "little") for whole, _ in groups)).digest()


def _master_keys(protector: Protector, secrets: Sequence[bytes]) -> Iterator[bytes]:
    of_kind = {part.kind: part.data for part in protector.parts}
    if _WRAPPED not in of_kind:
        return
    if protector.kind == _CLEAR and _KEY in of_kind and (found := _unwrap(of_kind[_KEY][4:], of_kind[_WRAPPED])):
        yield found
    for secret in secrets if _STRETCH in of_kind else ():
        initial = _initial(secret, protector.kind)
        if initial and (found := _unwrap(_stretched(initial, of_kind[_STRETCH][4:20]), of_kind[_WRAPPED])):
            yield found


def unlock(read_at: ReadAt, length: int, secrets: Sequence[bytes]) -> BitLockerPlain | None:
    """The plain volume that the first fitting password or recovery key opens, None when none of them does.

    `length` is the volume's in bytes. Where protection is suspended the key lies open in the metadata: it is used.
    Raises `BitLockerError` for damage and for what is not read.
    """
    metadata = read_metadata(read_at)
    for protector in sorted(metadata.protectors, key=lambda one: one.kind):
        for master in _master_keys(protector, secrets):
            key = _unwrap(master, metadata.wrapped)
            if key is None:
                raise BitLockerError("the volume's key is damaged: its master key is right and does not open it")
            plain = BitLockerPlain(metadata.layout, key, min(length, metadata.layout.size or length))
            plain.read_at(read_at, 0, 1)  # a method that is not known is said now
            return plain
    return None
