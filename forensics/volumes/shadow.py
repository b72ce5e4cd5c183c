"""Shadow copies of NTFS (VSS): the volume as it was when each was made, by libvshadow.

Source: "Volume Shadow Snapshot (VSS) format" (Metz). A store keeps the 16 KiB blocks that were written over after its
copy was made and before the next one was; all others are those of the next copy, or of the volume as it is.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pyvshadow

from forensics.media import libyal_reason as reason
from forensics.model import ExaminationError
from forensics.volumes.signatures import ReadAt
from forensics.volumes.views import Source, View, VolumeFile

BLOCK = 16 << 10
MOST_COPIES = 1024
"""Windows keeps 512 of a volume."""
_IDENTIFIER_AT, _IDENTIFIER = 0x1E00, UUID("3808876b-c176-4e48-b7ae-04046e6cc752").bytes_le
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


class ShadowError(ExaminationError):
    """The shadow copies of a volume, or one of them, cannot be read: one clear line."""


@dataclass(frozen=True, slots=True)
class ShadowCopy:
    """One shadow copy, as its catalogue describes it; `ticks` are 100 ns since 1601, when it was made."""

    number: int
    ticks: int
    identifier: str
    copy_set: str

    @property
    def instant(self) -> str:
        """When it was made: ISO 8601 UTC with the seven digits that NTFS keeps."""
        seconds, rest = divmod(self.ticks, 10_000_000)
        try:
            return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{rest:07d}Z"
        except OverflowError:
            return f"{self.ticks} ticks after 1601"


def has_shadow_copies(read_at: ReadAt) -> bool:
    """Whether an NTFS volume has a header of shadow copies."""
    return read_at(_IDENTIFIER_AT, 16) == _IDENTIFIER


class ShadowView(View):
    """The volume as one of its shadow copies has it. `changed` are the blocks that the next copy has otherwise."""

    def __init__(self, source: Source, store: pyvshadow.store, shared: _Opened) -> None:
        super().__init__(source.medium, store.volume_size or store.size)
        self._store, self._shared = store, shared

    @property
    def changed(self) -> list[int]:
        """Where the blocks of `BLOCK` bytes begin that differ from the next newer state, in order."""
        with self._shared.lock:
            try:
                return sorted({int(block.get_original_offset()) for block in self._store.blocks})
            except OSError as error:
                raise ShadowError(f"the list of its blocks cannot be read: {reason(error)}") from error

    def _piece(self, offset: int, length: int) -> bytes:
        return self._shared.read(self._store, offset, length)


class _Opened:
    """A volume opened by libvshadow: one position for all its stores."""

    def __init__(self, source: Source) -> None:
        self.lock, self.file = threading.Lock(), VolumeFile(source)
        self.volume = pyvshadow.volume()
        try:
            self.volume.open_file_object(self.file)
        except OSError as error:
            raise self.file.failure or ShadowError(reason(error)) from error

    def read(self, store: pyvshadow.store, offset: int, length: int) -> bytes:
        with self.lock:
            self.file.failure = None
            try:
                data: bytes = store.read_buffer_at_offset(length, offset)
            except OSError as error:
                line = f"bytes {offset} to {offset + length} of the shadow copy cannot be read: {reason(error)}"
                raise self.file.failure or ShadowError(line) from error
        return data


def shadow_copies(source: Source) -> Sequence[tuple[ShadowCopy, ShadowView]]:
    """The shadow copies of a volume, the oldest first; raises `ShadowError` where their catalogue cannot be read."""
    opened = _Opened(source)
    try:
        stores = [store for store in list(opened.volume.stores)[:MOST_COPIES] if store.has_in_volume_data()]
        return [
            (
                ShadowCopy(
                    number,
                    store.get_creation_time_as_integer(),
                    store.copy_identifier or "",
                    store.copy_set_identifier or "",
                ),
                ShadowView(source, store, opened),
            )
            for number, store in enumerate(stores, 1)
        ]
    except OSError as error:
        raise opened.file.failure or ShadowError(reason(error)) from error
