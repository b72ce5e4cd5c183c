"""VMware disks: flat, sparse and split VMDK, and snapshots over their parents, by libvmdk; streams by `_vmdk_stream`.

libvmdk refuses what does not inflate, what lies outside its file and a parent of another content identifier
(measured against qemu-img, and with 500 damaged and cut images).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from threading import Lock

import pyvmdk

from custody.access import Part, PartOpener
from forensics.media import _vmdk_stream
from forensics.media._contract import Medium, MediumError, read_part
from forensics.media._libyal import PartFile, reason
from forensics.media._parents import open_named

_SPARSE, _VMFS = b"KDMV", b"COWD"
_DESCRIPTOR = re.compile(rb"\s*# ?Disk ?Descriptor ?File", re.IGNORECASE)
_NO_PARENT = 0xFFFFFFFF
_ADVICE = "An extent of a split disk is read through the small .vmdk file that names it: give that."
_LONGEST_CHAIN = 64  # snapshots over each other; VMware allows 32
_KINDS = {
    1: "twoGbMaxExtentFlat", 2: "twoGbMaxExtentSparse", 3: "custom", 4: "fullDevice", 5: "partitionedDevice",
    6: "monolithicFlat", 7: "monolithicSparse", 8: "streamOptimized", 9: "vmfs", 10: "vmfsPreallocated",
    11: "vmfsEagerZeroedThick", 12: "vmfsRaw", 13: "vmfsRDM", 14: "vmfsRDMP", 15: "vmfsSparse", 16: "vmfsThin",
}  # fmt: skip


class VmdkMedium:
    """The medium of a VMDK and of the disks below it. `parts`: descriptor, extents, then the parents' files."""

    format = "vmdk"
    sector_size = 512

    def __init__(self, handle: pyvmdk.handle, parts: Sequence[Part], below: VmdkMedium | None) -> None:
        self.parts: tuple[Part, ...] = (*parts, *(below.parts if below is not None else ()))
        self._handle, self._lock = handle, Lock()
        self._below = below  # libvmdk reads through it: it must live as long
        self.size: int = handle.media_size
        self.stored: Mapping[str, str] = {}
        self.header = _described(handle)
        if self.size <= 0:
            raise MediumError(f"{parts[0].name} is damaged: it claims a medium of {self.size} bytes")

    def problems(self) -> list[str]:
        return []

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        if length <= 0 or offset < 0:
            return b""
        pieces: list[bytes] = []
        with self._lock:  # the handle has one position, and so have its files
            while length > 0:
                try:
                    piece: bytes = self._handle.read_buffer_at_offset(length, offset)
                except OSError as error:
                    raise self._refusal(offset, length, reason(error)) from error
                if not piece:
                    raise self._refusal(offset, length, "there is nothing")
                pieces.append(piece)
                offset, length = offset + len(piece), length - len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _refusal(self, offset: int, length: int, why: str) -> MediumError:
        return MediumError(f"bytes {offset} to {offset + length} of the medium in {self.parts[0].name}: {why}")


def _described(handle: pyvmdk.handle) -> dict[str, str]:
    said = {"kind": _KINDS.get(handle.disk_type, ""), "content_identifier": f"{handle.content_identifier:08x}"}
    if handle.parent_content_identifier != _NO_PARENT:
        said["parent_content_identifier"] = f"{handle.parent_content_identifier:08x}"
        said["parent"] = handle.parent_filename or ""
    return {name: value for name, value in said.items() if value}


def recognises(part: Part) -> bool:
    """By the signature of a sparse extent, or by the descriptor's first line."""
    head = read_part(part, 0, 64)
    return head.startswith((_SPARSE, _VMFS)) or _DESCRIPTOR.match(head) is not None


def _opened(first: Part) -> pyvmdk.handle:
    head = read_part(first, 0, 512)
    if head.startswith(_VMFS) or (head.startswith(_SPARSE) and not any(head[28:36])):
        raise MediumError(f"{first.name} is an extent of a VMDK without its description", _ADVICE)
    handle = pyvmdk.handle()
    try:
        handle.open_file_object(PartFile(first))
    except OSError as error:
        raise MediumError(f"{first.name} is a VMDK that cannot be opened: {reason(error)}", _ADVICE) from error
    return handle


def _extents(first: Part, handle: pyvmdk.handle, open_part: PartOpener) -> list[Part]:
    """The extents' files in order. A disk that holds its own description is its only extent, whatever it is called."""
    try:
        names = [extent.filename for extent in handle.extent_descriptors]
    except OSError as error:
        raise MediumError(f"{first.name} is a VMDK that cannot be opened: {reason(error)}") from error
    if read_part(first, 0, 4) == _SPARSE and len(names) == 1:
        return [first]
    return [open_named(first, name or "", open_part, "extent") for name in names]


def _open(first: Part, open_part: PartOpener, above: Sequence[str]) -> VmdkMedium:
    handle = _opened(first)
    extents = _extents(first, handle, open_part)
    below = None
    try:
        handle.open_extent_data_files_as_file_objects([PartFile(part) for part in extents])
        if handle.parent_content_identifier != _NO_PARENT:
            below = _parent(first, handle, open_part, above)
            handle.set_parent(below._handle)
    except OSError as error:
        raise MediumError(f"{first.name} is a VMDK that cannot be read: {reason(error)}") from error
    return VmdkMedium(handle, list(dict.fromkeys([first, *extents])), below)


def _parent(first: Part, handle: pyvmdk.handle, open_part: PartOpener, above: Sequence[str]) -> VmdkMedium:
    part = open_named(first, handle.parent_filename or "", open_part, "parent")
    if part.name in above or len(above) > _LONGEST_CHAIN:
        raise MediumError(f"{part.name} is its own parent, by way of {first.name}: it was made to mislead")
    return _open(part, open_part, [*above, first.name])


def open_parts(first: Part, open_part: PartOpener) -> Medium:
    """The disk with its extents and parents, all found beside it.

    Raises `MediumError` for a missing extent or parent (named), a parent of another content identifier, damage.
    """
    return _vmdk_stream.opened(first) or _open(first, open_part, [])
