"""What libfsapfs's binding does not tell of an APFS volume: how many snapshots it has.

Source: Apple File System Reference (nx_superblock_t, omap_phys_t, btree_node_phys_t, apfs_superblock_t). Read: the
newest superblock of the container, its object map, and in it the superblock of each volume.
"""

from __future__ import annotations

import struct

from forensics.volumes.signatures import ReadAt

_CONTAINER, _VOLUME = b"NXSB", b"APSB"
_ROOT, _FIXED = 0x1, 0x4
_FOOTER = 40  # bytes of btree_info_t at the end of a root node
_MOST_VOLUMES, _MOST_LEVELS, _MOST_CHECKPOINTS = 100, 8, 1 << 16


def snapshot_counts(read_at: ReadAt) -> list[int]:
    """The number of snapshots of each volume, in the order of the container; [] where that cannot be read.

    Raises what `read_at` does.
    """
    try:
        return _counts(read_at)
    except (struct.error, ValueError):  # libfsapfs, which reads the same structures, says what is wrong with them
        return []


def _counts(read_at: ReadAt) -> list[int]:
    size = int.from_bytes(read_at(36, 4), "little")
    if size not in (4096, 8192, 16384, 32768, 65536):
        raise ValueError("a block of another size")
    newest = _newest(read_at, size)
    (objects,) = struct.unpack_from("<Q", newest, 160)
    (tree,) = struct.unpack_from("<Q", read_at(objects * size, size), 48)
    numbers = struct.unpack_from(f"<{_MOST_VOLUMES}Q", newest, 184)
    found = []
    for number in filter(None, numbers):
        volume = read_at(_address(read_at, size, tree, number) * size, size)
        if volume[32:36] != _VOLUME:
            raise ValueError("no superblock of a volume")
        found.append(int(struct.unpack_from("<Q", volume, 216)[0]))
    return found


def _newest(read_at: ReadAt, size: int) -> bytes:
    """The superblock of the newest checkpoint, the one at block 0 where there is none newer."""
    newest = read_at(0, size)
    count, _, base = struct.unpack_from("<IIQ", newest, 104)
    for number in range(count if count < _MOST_CHECKPOINTS else 0):  # the highest bit: checkpoints in a tree
        block = read_at((base + number) * size, size)
        if block[32:36] == _CONTAINER and block[16:24][::-1] > newest[16:24][::-1]:
            newest = block
    return newest


def _address(read_at: ReadAt, size: int, tree: int, number: int) -> int:
    """The block that holds the newest version of an object, by the container's object map."""
    for _ in range(_MOST_LEVELS):
        node = read_at(tree * size, size)
        flags, level, count, table, length = struct.unpack_from("<HHIHH", node, 32)
        if not flags & _FIXED or not 0 < count <= size // 4:
            raise ValueError("no node of an object map")
        keys, values = 56 + table + length, size - (_FOOTER if flags & _ROOT else 0)
        chosen = -1
        for index in range(count):
            key, value = struct.unpack_from("<HH", node, 56 + table + 4 * index)
            oid, _ = struct.unpack_from("<QQ", node, keys + key)
            if oid > number:
                break
            if level or oid == number:
                chosen = values - value
        if chosen < 0:
            raise ValueError("an object that the map does not know")
        if not level:
            return int(struct.unpack_from("<Q", node, chosen + 8)[0])
        (tree,) = struct.unpack_from("<Q", node, chosen)
    raise ValueError("an object map that is too deep")
