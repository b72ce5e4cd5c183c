"""What the place of a ledger's file allows: several machines may write on a shared disk, but not through a WAL.

SQLite's write-ahead log keeps its index in memory that processes of one machine share (https://www.sqlite.org/wal.html,
section 1): two machines would not see each other. On a file system that other machines may have mounted as well, a
ledger therefore has a rollback journal. A ledger that has one keeps it, for others may hold it over the network.
"""

from __future__ import annotations

import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")  # proc_pid_mountinfo(5)
SHARED = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|ncpfs|9p|afs|ceph|glusterfs|lustre|gfs2?|ocfs2|beegfs|orangefs|davfs2?|vboxsf|virtiofs"
    r"|prl_fs|fuse|fuse\.(?!fuseblk|ext|ntfs|exfat).*|panfs|gpfs"
)
"""Types of file systems that other machines may write to at the same time; FUSE may be anything."""


def filesystem_of(path: Path) -> str:
    """The type of the file system a file lies on; "" where the system does not say."""
    try:
        lines = MOUNTS.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    where, best, found = path.resolve(), -1, ""
    for line in lines:
        left, _, right = line.partition(" - ")
        point = Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), left.split(" ")[4]))
        if where.is_relative_to(point) and len(point.parts) >= best:  # a later mount hides an earlier one
            best, found = len(point.parts), right.split(" ")[0]
    return found


def is_shared(path: Path) -> bool:
    """Whether other machines may have the file's disk mounted as well."""
    return SHARED.fullmatch(filesystem_of(path)) is not None
