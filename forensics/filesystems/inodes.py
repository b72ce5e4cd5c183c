"""What libtsk says of one inode or name, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytsk3

_LINK = 6  # TSK_FS_META_TYPE_LNK
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

META_TYPES = {
    1: "file",
    2: "directory",
    3: "fifo",
    4: "char",
    5: "block",
    6: "link",
    7: "shadow",
    8: "socket",
    9: "whiteout",
    10: "virtual",
    11: "virtual",
}
"""TSK_FS_META_TYPE_ENUM as `FileEntry.type`."""

NAME_TYPES = {
    1: "fifo",
    2: "char",
    3: "directory",
    4: "block",
    5: "file",
    6: "link",
    7: "socket",
    8: "shadow",
    9: "whiteout",
    10: "virtual",
    11: "virtual",
}
"""TSK_FS_NAME_TYPE_ENUM as `FileEntry.type`: what the directory says, where the inode is gone."""


@dataclass(frozen=True, slots=True)
class Times:
    """Nanoseconds since 1970, or None where the inode holds none; `extra` for times beyond the four."""

    modified: int | None = None
    accessed: int | None = None
    changed: int | None = None
    created: int | None = None
    extra: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Owner:
    """Mode bits, numeric owner and group, and where a symbolic link points."""

    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    link_target: str = ""


def owner(meta: pytsk3.TSK_FS_META) -> Owner:
    """The owner an inode names; on file systems without owners libtsk says 0."""
    link = shown(meta.link)[0] if int(meta.type) == _LINK and meta.link else ""
    return Owner(int(meta.mode), int(meta.uid), int(meta.gid), link)


def times(meta: pytsk3.TSK_FS_META, zone: ZoneInfo | None) -> Times:
    """The inode's times; with a `zone` they are local times of that zone and are converted."""
    return Times(
        _instant(int(meta.mtime), int(meta.mtime_nano), zone),
        _instant(int(meta.atime), int(meta.atime_nano), zone),
        _instant(int(meta.ctime), int(meta.ctime_nano), zone),
        _instant(int(meta.crtime), int(meta.crtime_nano), zone),
    )


def _instant(seconds: int, nanoseconds: int, zone: ZoneInfo | None) -> int | None:
    """Nanoseconds since 1970; None for 0, which is how libtsk says that there is no such time."""
    if not seconds and not nanoseconds:
        return None
    if zone is not None:
        # A local time that occurs twice (the autumn hour) is taken for its earlier instant.
        local = (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=zone)
        seconds = (local.astimezone(UTC) - _EPOCH) // timedelta(seconds=1)
    return seconds * 1_000_000_000 + nanoseconds


def shown(raw: bytes) -> tuple[str, bytes | None]:
    """(text for show, the bytes when the text does not give them back)."""
    try:
        return raw.decode("utf-8"), None
    except UnicodeDecodeError:
        return raw.decode("utf-8", "backslashreplace"), raw
