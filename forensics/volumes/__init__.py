"""Bytes of a medium -> volumes, through libtsk: partition tables, and which file system a volume holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytsk3

from forensics.media import Medium, MediumError
from forensics.model import Location, Problem, Volume
from forensics.volumes.signatures import LABELS, ReadAt, reason_unread, table_signature

STAGE = "volumes"

TSK_FAILURES = (OSError, RuntimeError)
"""What pytsk3 raises for bytes it cannot make sense of."""

FAT_LABEL_MARK = b" (Volume Label Entry)"
"""What libtsk appends to the name of the directory entry that holds a FAT label."""

_SCHEMES = {1: "DOS", 2: "BSD", 4: "Sun", 8: "APM", 16: "GPT"}  # TSK_VS_TYPE_ENUM
_ALLOCATED = 1  # TSK_VS_PART_FLAG_ALLOC

FILE_SYSTEMS = {
    "NTFS": pytsk3.TSK_FS_TYPE_NTFS,
    "FAT12": pytsk3.TSK_FS_TYPE_FAT12,
    "FAT16": pytsk3.TSK_FS_TYPE_FAT16,
    "FAT32": pytsk3.TSK_FS_TYPE_FAT32,
    "exFAT": pytsk3.TSK_FS_TYPE_EXFAT,
    "Ext2": pytsk3.TSK_FS_TYPE_EXT2,
    "Ext3": pytsk3.TSK_FS_TYPE_EXT3,
    "Ext4": pytsk3.TSK_FS_TYPE_EXT4,
    "HFS+": pytsk3.TSK_FS_TYPE_HFS,
    "ISO9660": pytsk3.TSK_FS_TYPE_ISO9660,
    "UFS 1": pytsk3.TSK_FS_TYPE_FFS1,
    "UFS 1b": pytsk3.TSK_FS_TYPE_FFS1B,
    "UFS 2": pytsk3.TSK_FS_TYPE_FFS2,
    "YAFFS2": pytsk3.TSK_FS_TYPE_YAFFS2,
}
"""libtsk's names (as fsstat prints them) and the types that open them."""

_NAMES = {int(kind): name for name, kind in FILE_SYSTEMS.items()}

# What libtsk prints when two types fit, and the types to try then.
_FAMILIES = {
    "NTFS": ("NTFS",),
    "FAT": ("FAT12", "FAT16", "FAT32", "exFAT"),
    "EXFAT": ("exFAT",),
    "EXT": ("Ext4", "Ext3", "Ext2"),
    "UFS": ("UFS 2", "UFS 1", "UFS 1b"),
    "HFS": ("HFS+",),
    "ISO": ("ISO9660",),
    "YAFFS": ("YAFFS2",),
}


class MediumImage(pytsk3.Img_Info):  # type: ignore[misc]
    """A medium as libtsk reads it. A range that cannot be read is short for libtsk and kept in `failures`."""

    FAILURES_KEPT = 100

    def __init__(self, medium: Medium) -> None:
        self._medium = medium
        self.failures: list[str] = []
        super().__init__(url="", type=pytsk3.TSK_IMG_TYPE_EXTERNAL)

    def get_size(self) -> int:
        return self._medium.size

    def read(self, offset: int, length: int) -> bytes:
        try:
            return self._medium.read_at(offset, length)
        except MediumError as error:
            # An exception cannot pass through libtsk; the caller asks `failures` afterwards.
            line = str(error)
            if line not in self.failures and len(self.failures) < self.FAILURES_KEPT:
                self.failures.append(line)
            return b""

    def close(self) -> None:
        """Nothing to close: the gate owns the descriptors."""


@dataclass(frozen=True, slots=True)
class _Slot:
    """One allocated entry of a partition table, in bytes."""

    offset: int
    length: int
    scheme: str
    description: str


def list_volumes(medium: Medium) -> tuple[list[Volume], list[Problem]]:
    """The medium's volumes in order of their offset, and what was wrong on the way.

    Allocated slots of a DOS (with logical partitions), GPT (sectors of 512 to 4096 bytes), BSD, Sun or
    Apple table; metadata and free space are not listed. Without a table, or with an empty or broken one,
    one volume from 0 to the end. A file system at 0 beside a table is listed too (hybrid discs,
    traces of an earlier format). Never raises for bad bytes; libtsk can spin on hostile ones, so call
    it where it can be killed.
    """
    image = MediumImage(medium)
    problems: list[Problem] = []
    slots, table_problem = _slots(image, medium)
    listed = [
        Volume(str(number), slot.offset, slot.length, slot.scheme, slot.description)
        for number, slot in enumerate(slots, 1)
    ]
    volumes = [name_volume(image, medium, volume, problems) for volume in listed]
    if not slots or slots[0].offset > 0:
        whole = name_volume(image, medium, Volume("0", 0, medium.size, "", ""), problems)
        if not slots:
            volumes = [_with_table_problem(whole, table_problem)]
        elif whole.filesystem:
            volumes.insert(0, replace(whole, description="file system at 0, beside the partition table"))
    if table_problem:
        problems.append(Problem(Location(""), STAGE, table_problem))
    problems += [Problem(Location(""), STAGE, line) for line in image.failures]
    return volumes, problems


def _with_table_problem(volume: Volume, table_problem: str) -> Volume:
    if volume.filesystem or not table_problem:
        return volume
    return replace(volume, problem=f"{volume.problem}; {table_problem}")


def _slots(image: MediumImage, medium: Medium) -> tuple[list[_Slot], str]:
    """The table's allocated slots, and what is wrong with a table that is there but cannot be used."""
    table = _open_table(image)
    if table is None:
        claimed = table_signature(_reader(medium, 0, medium.size))
        # 55AA ends every boot sector: alone it is no table.
        is_table = claimed and not (claimed.startswith("DOS") and not _has_dos_entries(medium))
        return [], f"{claimed} that libtsk does not accept" if is_table else ""
    scheme = _SCHEMES.get(int(table.info.vstype), str(table.info.vstype))
    unit = int(table.info.block_size)
    try:
        slots = [
            _Slot(int(part.start) * unit, int(part.len) * unit, scheme, _text(part.desc))
            for part in table
            if int(part.flags) & _ALLOCATED
        ]
    except TSK_FAILURES as error:
        return [], f"the {scheme} partition table cannot be read: {libtsk_line(error)}"
    backup = "read from its backup, the primary is damaged" if _is_backup(table) else ""
    note = f"the {scheme} partition table was {backup}" if backup else ""
    if not slots:
        return [], f"the {scheme} partition table lists no volume"
    return sorted(slots, key=lambda slot: (slot.offset, slot.length)), note


def _is_backup(table: pytsk3.Volume_Info) -> bool:
    return bool(int(getattr(table.info, "is_backup", 0)))


def _open_table(image: MediumImage) -> pytsk3.Volume_Info | None:
    """The table libtsk detects; where two fit, the first of GPT, BSD, Sun, APM, DOS that opens."""
    kinds = (
        pytsk3.TSK_VS_TYPE_DETECT,
        pytsk3.TSK_VS_TYPE_GPT,
        pytsk3.TSK_VS_TYPE_BSD,
        pytsk3.TSK_VS_TYPE_SUN,
        pytsk3.TSK_VS_TYPE_MAC,
        pytsk3.TSK_VS_TYPE_DOS,
    )
    for kind in kinds:
        try:
            return pytsk3.Volume_Info(image, type=kind)
        except TSK_FAILURES:
            continue
    return None


def _has_dos_entries(medium: Medium) -> bool:
    """Whether sector 0 holds four entries of a DOS table and no boot code's text in their place."""
    table = _reader(medium, 0, medium.size)(446, 64)
    entries = [table[at : at + 16] for at in range(0, 64, 16)]
    plain = all(entry[:1] in (b"\0", b"\x80") for entry in entries) and len(table) == 64
    return plain and any(entry[4:5] != b"\0" and any(entry[12:16]) for entry in entries)


def name_volume(image: MediumImage, medium: Medium, volume: Volume, problems: list[Problem]) -> Volume:
    """A volume of the medium with its file system and label, or why it is not read; remarks go to `problems`."""
    place = Location("", volume=volume.index)
    offset, beyond = volume.offset, volume.offset + volume.length - medium.size
    if offset >= medium.size:
        return replace(volume, problem=f"lies past the end of the medium, by {offset - medium.size} bytes")
    if beyond > 0:
        problems.append(Problem(place, STAGE, f"the volume ends {beyond} bytes past the end of the medium"))
    name, reason = _detect(image, offset)
    read_at = _reader(medium, offset, min(volume.length, medium.size - offset))
    if not name and read_at(0, 4) == b"XFSB":
        name, reason = "XFS", ""
    if not name:
        return replace(volume, problem=reason_unread(read_at, reason))
    if reason:
        problems.append(Problem(place, STAGE, reason))
    name = "HFSX" if name == "HFS+" and read_at(1024, 2) == b"HX" else name
    label = _label_in_file(image, offset, name) or (LABELS[name](read_at) if name in LABELS else "")
    return replace(volume, filesystem=name, label=label)


def open_type(image: MediumImage, offset: int, name: str) -> pytsk3.FS_Info:
    """The file system of type `name` at byte `offset`; raises one of `TSK_FAILURES`."""
    return pytsk3.FS_Info(image, offset=offset, type=FILE_SYSTEMS["HFS+" if name == "HFSX" else name])


def _detect(image: MediumImage, offset: int) -> tuple[str, str]:
    """(libtsk's name, remark) of the file system at `offset`, or ("", why there is none)."""
    try:
        found = pytsk3.FS_Info(image, offset=offset)
        kind = int(found.info.ftype)
        return _NAMES.get(kind, ""), "" if kind in _NAMES else f"libtsk type {kind}"
    except TSK_FAILURES as error:
        reason = libtsk_line(error)
    if " or " not in reason:
        return "", reason
    scores = [(score, name) for name in _fitting(reason) if (score := _root_names(image, offset, name)) > 0]
    if not scores:
        return "", reason
    _, name = max(scores, key=lambda pair: pair[0])  # the first of equals: the order of libtsk's line
    return (
        name,
        f"the volume fits two file systems ({reason}); {name} was taken, its root directory makes sense",
    )


def _fitting(reason: str) -> Iterator[str]:
    for word in re.findall(r"[A-Za-z]+", reason.rpartition("(")[2].upper()):
        yield from _FAMILIES.get(word, ())


def _root_names(image: MediumImage, offset: int, name: str) -> int:
    """How many printable names the root directory holds when the volume is read as `name`; 0 if none."""
    try:
        system = open_type(image, offset, name)
        names = [entry.info.name.name for entry in system.open_dir(inode=int(system.info.root_inum))]
    except TSK_FAILURES:
        return 0
    own = [one for one in names if one and one not in (b".", b"..", b"$OrphanFiles", b"$MBR", b"$FAT1", b"$FAT2")]
    return sum(one.decode("utf-8", "replace").isprintable() for one in own[:10_000])


def _label_in_file(image: MediumImage, offset: int, name: str) -> str:
    """The label where it is kept in a file: $Volume of NTFS, an entry of FAT's root directory.

    "" when there is none or it cannot be read: without a label the volume is read all the same.
    """
    if name != "NTFS" and "FAT" not in name:
        return ""
    try:
        system = open_type(image, offset, name)
        return _ntfs_label(system) if name == "NTFS" else _fat_label(system)
    except TSK_FAILURES:
        return ""


def _ntfs_label(system: pytsk3.FS_Info) -> str:
    volume = system.open_meta(inode=3)
    for attribute in volume:
        info = attribute.info
        if int(info.type) == int(pytsk3.TSK_FS_ATTR_TYPE_NTFS_VNAME):
            size = min(int(info.size), 256)
            raw = volume.read_random(0, size, info.type, int(info.id)) if size else b""
            return str(raw.decode("utf-16-le", "backslashreplace"))
    return ""


def _fat_label(system: pytsk3.FS_Info) -> str:
    for entry in system.open_dir(inode=int(system.info.root_inum)):
        name = entry.info.name.name or b""
        if name.endswith(FAT_LABEL_MARK):
            return _text(name.removesuffix(FAT_LABEL_MARK)).strip()
    return ""


def _reader(medium: Medium, start: int, length: int) -> ReadAt:
    def read_at(offset: int, size: int) -> bytes:
        try:
            return medium.read_at(start + offset, max(0, min(size, length - offset)))
        except MediumError:
            return b""  # the hashing of the medium reports every unreadable range

    return read_at


def libtsk_line(error: Exception) -> str:
    """The words of libtsk out of pytsk3's line: one line, without the binding's own places."""
    text = " ".join(re.sub(r"\w+: \(tsk3\.cpp:\d+\) ", "", str(error)).split())
    return text.rpartition("with error: ")[2] or "unknown libtsk error"


def _text(raw: bytes | str | None) -> str:
    return raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else (raw or "")
