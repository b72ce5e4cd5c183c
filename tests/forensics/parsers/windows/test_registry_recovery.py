"""Keys that no list leads to: of a public damaged hive, of one made so here; what is another key's now is not shown."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from forensics.parsers.windows._registry_keys import data_text
from forensics.parsers.windows._registry_recovery import Leftovers
from forensics.parsers.windows.registry import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

HUNDRED = "registry/plaso/regf/100_sub_keys.hiv"
WRITTEN = 132_000_000_000_000_000


def test_the_key_that_a_damaged_list_lost(corpus: Fetch, read: Any) -> None:
    """regipy finds 101 keys with the root, dissect none."""
    found = read(PARSER, corpus("hostile/plaso/regf/corrupt_sub_key_list.hiv").read_bytes())
    assert len(artefacts(found, "registry.key")) == 100
    (lost,) = artefacts(found, "registry.recovered")
    assert lost.fields == {"path": "16", "cell": "in use", "value.Value": "String"}
    assert problems(found) == ["a key below the root cannot be read"]


@pytest.mark.parametrize(("free", "cell"), [(True, "free"), (False, "in use")])
def test_a_key_taken_out_of_its_list(free: bool, cell: str, corpus: Fetch, hive: Any, read: Any) -> None:
    data = bytearray(hive(corpus, HUNDRED))
    keys = artefacts(read(PARSER, bytes(data)), "registry.key")
    assert artefacts(read(PARSER, bytes(data)), "registry.recovered") == []
    last = keys[-1]
    place = last.location.offset or 0
    names = data.index((place - 4100).to_bytes(4, "little"), 4096)  # its place in the list of the root's keys
    (count,) = struct.unpack_from("<H", data, names - 4 - 8 * 99 + 2)
    assert count == 100
    struct.pack_into("<H", data, names - 4 - 8 * 99 + 2, 99)
    struct.pack_into("<I", data, 4132 + 20, 99)
    if free:
        (size,) = struct.unpack_from("<i", data, place - 4)
        struct.pack_into("<i", data, place - 4, -size)
    found = read(PARSER, bytes(data))
    assert len(artefacts(found, "registry.key")) == 100
    (left,) = artefacts(found, "registry.recovered")
    assert (left.fields["path"], left.fields["cell"]) == (last.fields["path"], cell)
    assert (left.times, left.location.offset) == (last.times, place)
    assert left.fields.get("value.Value") == ("String" if not free else None)  # its value's cells are still in use


def test_a_hive_without_a_root_gives_its_keys(corpus: Fetch, hive: Any, read: Any) -> None:
    data = bytearray(hive(corpus, HUNDRED))
    data[4132 + 28 : 4132 + 32] = b"\xf0\xff\xff\x0f"  # the root's list of keys lies outside
    found = read(PARSER, bytes(data))
    keys = artefacts(found, "registry.key") + artefacts(found, "registry.recovered")
    assert len({key.fields["path"] for key in keys}) == 101
    assert problems(found) != []


def cell(content: bytes, *, free: bool = False) -> bytes:
    size = -(-(len(content) + 4) // 8) * 8
    return struct.pack("<i", size if free else -size) + content.ljust(size - 4, b"\0")


def key_cell(name: bytes, *, parent: int = 0xFFFFFFFF, values: int = 0, list_at: int = 0xFFFFFFFF) -> bytes:
    return (
        struct.pack("<2sHQIIIIIIII", b"nk", 0x20, WRITTEN, 0, parent, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, values, list_at)
        + bytes(28)
        + struct.pack("<HH", len(name), 0)
        + name
    )


def test_of_a_key_whose_beginning_is_lost_no_bytes_are_shown(source: Any, read: Any) -> None:
    value = struct.pack("<2sHIIIHH", b"vk", 1, 4 | 0x80000000, 0x41424344, 3, 1, 0) + b"V"
    at_value, at_list = 32, 32 + len(cell(value))
    key = key_cell(b"000003E9", values=1, list_at=at_list)
    cells = cell(value, free=True) + cell(struct.pack("<I", at_value), free=True) + cell(key, free=True)
    data = bytes(4096) + (b"hbin" + struct.pack("<II", 0, 4096)).ljust(32, b"\0") + cells
    data = data.ljust(8192, b"\0")
    (left,) = Leftovers(source(data), set())
    assert (left.path, left.whole, left.free, left.written) == ("?\\000003E9", False, True, WRITTEN)
    assert left.values["V"].data == b"DCBA"
    (shown,) = artefacts(read(PARSER, data), "registry.recovered")
    assert shown.fields["value.V"] == "(4 bytes that may guard passwords are not shown)"
    reused = data.replace(struct.pack("<i", len(cell(value))) + b"vk", struct.pack("<i", -len(cell(value))) + b"vk")
    (left,) = Leftovers(source(reused), set())
    assert left.values == {}


def test_keys_that_are_their_own_parents_end(source: Any) -> None:
    data = bytes(4096) + (b"hbin" + struct.pack("<II", 0, 4096)).ljust(32, b"\0") + cell(key_cell(b"a", parent=32))
    (left,) = Leftovers(source(data.ljust(8192, b"\0")), set())
    assert left.path == "\\".join(["?", *["a"] * 64])
    assert list(Leftovers(source(data), {4096 + 36})) == []


def test_values_as_text() -> None:
    assert data_text(4, (7).to_bytes(4, "little")) == data_text(5, (7).to_bytes(4, "big")) == "7"
    assert data_text(7, "a\0b\0\0".encode("utf-16-le")) == "a; b"
    assert data_text(3, b"\1" * 300) == "01" * 256 + "... (300 bytes)"


def test_damaged_hives_give_values(corpus: Fetch, hive: Any, source: Any) -> None:
    for data in damaged(hive(corpus, HUNDRED), 90):
        list(Leftovers(source(data), set()))
