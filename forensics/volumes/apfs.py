"""APFS containers: which volumes are in one, by libfsapfs, and how each is had."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import pyfsapfs

from forensics.media import libyal_reason as reason
from forensics.model import ExaminationError
from forensics.volumes.apfs_objects import snapshot_counts
from forensics.volumes.signatures import ReadAt
from forensics.volumes.views import Password, Source, View, VolumeFile

_MAGIC_AT, _MAGIC = 32, b"NXSB"
_BLOCKS = (4096, 8192, 16384, 32768, 65536)
_NODES = (2, 3)
_TREES = frozenset({9, 11, 14, 15, 16, 20, 21})  # free space, objects, files, extents, snapshots ...
_MODULUS = 0xFFFFFFFF
MOST_VOLUMES = 100
"""APFS allows as many."""


class ApfsError(ExaminationError):
    """A container cannot be read: one clear line."""


class ContainedView(View):
    """The bytes of a container; `number` is the one of its volumes that is meant, from 0, `password` what opens it."""

    def __init__(self, source: Source, number: int, password: Password | None = None) -> None:
        super().__init__(source.medium, source.length)
        self.source, self.number, self.password = source, number, password

    def _piece(self, offset: int, length: int) -> bytes:
        return self.source.read_at(offset, length)


class CheckedFile(VolumeFile):
    """A container as libfsapfs reads it, which compares the checksums of few blocks: here those of its trees are.

    A block that says it is a node of a tree and does not have its checksum is told in `damaged`, and read all the same.
    """

    MOST_TOLD = 100

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        size = int.from_bytes(source.read_at(36, 4), "little")
        self._block = size if size in _BLOCKS else _BLOCKS[0]

    def read(self, size: int) -> bytes:
        """As any file; every whole block of what is read is looked at."""
        first = self.get_offset()
        data = super().read(size)
        for at in range(-first % self._block, len(data) - self._block + 1, self._block):
            block = data[at : at + self._block]
            if _is_node(block) and object_checksum(block) != block[:8] and len(self.damaged) < self.MOST_TOLD:
                self.damaged.add((first + at) // self._block)
        return data


def _is_node(block: bytes) -> bool:
    kind, subkind = struct.unpack_from("<II", block, 24)
    return kind & 0xFFFF in _NODES and kind & 0x0FFF0000 == 0 and subkind in _TREES


def object_checksum(block: bytes) -> bytes:
    """Fletcher's checksum in 64 bits, over all behind it (Apple File System Reference, "Object checksum")."""
    words = memoryview(block).cast("I")[2:]
    low, high = sum(words) % _MODULUS, sum(accumulate(words)) % _MODULUS
    first = _MODULUS - (low + high) % _MODULUS
    return struct.pack("<II", first, _MODULUS - (low + first) % _MODULUS)


class Contained(NamedTuple):
    """A volume of a container: number from 0, name, identifier, whether it is encrypted, how many snapshots it has."""

    number: int
    name: str
    identifier: str
    locked: bool
    snapshots: int


def is_container(read_at: ReadAt) -> bool:
    """Whether a volume begins as an APFS container."""
    return read_at(_MAGIC_AT, 4) == _MAGIC


def open_volume(view: ContainedView, file: VolumeFile) -> tuple[pyfsapfs.container, pyfsapfs.volume, bool]:
    """The container, the volume of it that a view means, and whether it can be read: unlocked, or not encrypted.

    Raises what libfsapfs does.
    """
    container = pyfsapfs.container()
    container.open_file_object(file)
    volume, password = container.get_volume(view.number), view.password
    if password is None:
        return container, volume, not volume.is_locked()
    (volume.set_recovery_password if password.recovery else volume.set_password)(password.secret)
    return container, volume, bool(volume.unlock())


def is_locked(source: Source) -> bool:
    """Whether a volume is one of a container, and encrypted."""
    return isinstance(source.medium, ContainedView) and not source.volume.filesystem


def unlock(source: Source, secrets: Sequence[bytes]) -> Password | None:
    """The first of the secrets that opens the volume, as a password or a recovery key; raises `ApfsError`."""
    view = source.medium
    if not isinstance(view, ContainedView):
        return None
    for secret in secrets:
        for recovery in (False, True):
            try:
                password = Password(secret.decode(), recovery)
            except UnicodeDecodeError:
                continue
            file = CheckedFile(view.source)
            try:
                if open_volume(ContainedView(view.source, view.number, password), file)[2]:
                    return password
            except (OSError, MemoryError, OverflowError) as error:
                raise file.failure or ApfsError(reason(error)) from error
    return None


def contained_volumes(source: Source) -> list[Contained]:
    """The volumes of a container; raises `ApfsError` where it cannot be read."""
    file, container = CheckedFile(source), pyfsapfs.container()
    try:
        container.open_file_object(file)
        count = min(int(container.number_of_volumes), MOST_VOLUMES)
        volumes = [container.get_volume(number) for number in range(count)]
        counts = snapshot_counts(source.read_at)
        if len(counts) != count:
            counts = [0] * count
        return [
            Contained(number, one.name or "", one.identifier or "", bool(one.is_locked()), counts[number])
            for number, one in enumerate(volumes)
        ]
    except (OSError, MemoryError, OverflowError) as error:
        raise file.failure or ApfsError(reason(error)) from error
