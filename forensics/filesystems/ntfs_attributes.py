"""The attributes of an NTFS record that libtsk does not hand out whole: exact times, both sets, streams.

Source: the on-disk layout of $STANDARD_INFORMATION and $FILE_NAME (Linux `fs/ntfs3/ntfs.h`,
ATTR_STD_INFO and ATTR_FILE_NAME). Times are 100 ns ticks since 1601-01-01 UTC.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import pytsk3

from forensics.filesystems.inodes import Times

_STANDARD_INFORMATION = 16
_FILE_NAME = 48
_DATA = 128
_INDEX_ROOT = 144
_DOS_NAMESPACE = 2
_EPOCH_TICKS = 116_444_736_000_000_000  # 1601 to 1970
_NAMES_READ = 64  # hard links: NTFS allows 1024; the first ones are enough to find this name

EXTRA = ("fn_modified", "fn_accessed", "fn_changed", "fn_created")
_TICKS = struct.Struct("<4Q")


@dataclass(frozen=True, slots=True)
class Stream:
    """A data or index stream: its name (b"" for the unnamed and for $I30), size, and attribute."""

    name: bytes
    size: int
    attribute: str


@dataclass(frozen=True, slots=True)
class Record:
    """What one record says about one of its names."""

    times: Times | None
    """$STANDARD_INFORMATION, with $FILE_NAME in `extra`; None without $STANDARD_INFORMATION."""
    streams: tuple[Stream, ...]


def _nanoseconds(ticks: int) -> int | None:
    return (ticks - _EPOCH_TICKS) * 100 if ticks else None


def four_times(raw: bytes) -> tuple[int | None, int | None, int | None, int | None]:
    """Modified, accessed, changed, created out of the four ticks, which stand in another order."""
    if len(raw) < _TICKS.size:
        return None, None, None, None
    created, modified, changed, accessed = _TICKS.unpack_from(raw)
    return _nanoseconds(modified), _nanoseconds(accessed), _nanoseconds(changed), _nanoseconds(created)


def read_record(file: pytsk3.File, parent: int, name: bytes) -> Record:
    """The record's times and streams, $FILE_NAME being the one of `name` in directory `parent`.

    Where no $FILE_NAME is of that name (a file without a name, a record used again) the first that
    is not a mere 8.3 name stands. Raises what pytsk3 raises.
    """
    standard = b""
    names: list[bytes] = []
    streams: list[Stream] = []
    for attribute in file:
        info = attribute.info
        kind = int(info.type)
        if kind in (_DATA, _INDEX_ROOT):
            streams.append(_stream(info, kind))
        elif kind == _STANDARD_INFORMATION and not standard:
            standard = file.read_random(0, 32, info.type, int(info.id))
        elif kind == _FILE_NAME and len(names) < _NAMES_READ:
            names.append(file.read_random(0, min(int(info.size), 576), info.type, int(info.id)))
    chosen = four_times(choose_name(names, parent, name)[8:40])
    extra = {label: at for label, at in zip(EXTRA, chosen, strict=True) if at is not None}
    times = Times(*four_times(standard), extra) if standard else None
    return Record(times, tuple(streams))


def _stream(info: pytsk3.TSK_FS_ATTR, kind: int) -> Stream:
    name: bytes = info.name or b""
    if kind == _INDEX_ROOT and name == b"$I30":
        name = b""
    return Stream(name, int(info.size), f"{kind}-{int(info.id)}")


def choose_name(names: list[bytes], parent: int, name: bytes) -> bytes:
    if len(names) == 1:
        return names[0]
    for raw in names:
        length = raw[64] if len(raw) > 65 else 0
        text = raw[66 : 66 + 2 * length].decode("utf-16-le", "replace").encode("utf-8")
        if text == name and int.from_bytes(raw[:6], "little") == parent:
            return raw
    long_names = [raw for raw in names if len(raw) > 65 and raw[65] != _DOS_NAMESPACE]
    return (long_names or names or [b""])[0]
