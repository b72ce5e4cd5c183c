"""Transaction logs of hives: the public ones in the newer format, made ones in the older, damaged ones."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from operator import xor
from typing import Any

import pytest

from forensics.model import Artefact
from forensics.parsers import ParserInput
from forensics.parsers.windows._registry_logs import closed, replayed
from forensics.parsers.windows.registry import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

USER = "transactions_NTUSER.DAT"
LOGS = ("transactions_ntuser.dat.log1", "transactions_ntuser.dat.log2")
Made = Callable[[dict[str, bytes]], ParserInput]


@pytest.fixture
def among(source: Any) -> Made:
    """The first of some files, with the others beside it."""

    def make(files: dict[str, bytes]) -> ParserInput:
        inputs = {name: source(data, name=name) for name, data in files.items()}
        return replace(next(iter(inputs.values())), beside=inputs.get)

    return make


def test_a_hive_of_windows_10_is_shown_with_its_logs(corpus: Fetch, hive: Any, among: Made) -> None:
    files = {name: hive(corpus, f"registry/regipy/{name}") for name in (USER, *LOGS)}
    found = list(PARSER.parse(among(files)))
    assert problems(found) == []
    pending = [item for item in found if isinstance(item, Artefact) and "held_in" in item.fields]
    plain = [item for item in found if isinstance(item, Artefact) and "held_in" not in item.fields]
    assert len(artefacts(plain, "registry.key")) == 2590
    assert all(item.fields["held_in"] == "the transaction logs" for item in pending)
    assert {"registry.key", "registry.userassist"} <= {item.kind for item in pending}
    newest = [max(max(item.times.values()) for item in part if item.times) for part in (plain, pending)]
    assert newest[1] > newest[0]


def test_changes_follow_each_other_and_none_is_older_than_the_hive(corpus: Fetch, hive: Any, among: Made) -> None:
    files = {name: hive(corpus, f"registry/regipy/{name}") for name in (USER, *LOGS)}
    whole = replayed(among(files))
    assert whole is not None
    assert closed(whole)
    data = whole.read_at(0, whole.size)
    assert whole.size == len(data) == 1048576
    assert data[0x8D000:0x8E000] == files[USER][0x8D000:0x8E000]  # only in the second log, whose entry 562 is too old
    assert [whole.read_at(at, 700) for at in (0, 3, 511, 512, 4000)] == [
        data[at : at + 700] for at in (0, 3, 511, 512, 4000)
    ]
    assert whole.read_at(whole.size - 3, 10) == data[-3:]
    assert replayed(among({USER: files[USER], LOGS[1]: files[LOGS[1]]})) is None
    second = bytearray(files[LOGS[0]])
    second[241664 + 50] ^= 1
    cut = replayed(among({USER: files[USER], LOGS[0]: bytes(second)}))
    assert cut is not None
    assert struct.unpack("<II", cut.read_at(4, 8)) == (566, 566)


def test_a_hive_in_use_without_logs_says_so(corpus: Fetch, hive: Any, read: Any) -> None:
    (reason,) = problems(read(PARSER, hive(corpus, f"registry/regipy/{USER}")))
    assert reason == "the hive was not closed, and no transaction log with what it lacks is beside it"


def checked(head: bytes) -> bytes:
    return head[:508] + reduce(xor, struct.unpack("<127I", head[:508])).to_bytes(4, "little") + head[512:]


def test_logs_of_the_older_format(corpus: Fetch, hive: Any, among: Made) -> None:
    """A sector of the hive is lost, and the log has it: as Windows XP to 8 leave it when they stop while writing."""
    data = hive(corpus, "registry/plaso/regf/100_sub_keys.hiv")
    bins = len(data) - 4096
    (sequence,) = struct.unpack_from("<I", data, 4)
    torn = bytearray(checked(data[:4] + struct.pack("<II", sequence + 1, sequence) + data[12:]))
    sector = 4096 + 2 * 512
    torn[sector : sector + 512] = bytes(512)
    bits = bytearray(bins // 512 // 8)
    bits[0] = 0b100
    head = bytearray(data[:512])
    struct.pack_into("<II", head, 4, sequence + 1, sequence + 1)
    log = (bytes(head) + b"DIRT" + bytes(bits)).ljust(1024, b"\0") + data[sector : sector + 512]
    whole = replayed(among({"SYSTEM": bytes(torn), "SYSTEM.LOG": log}))
    assert whole is not None
    assert whole.read_at(4096, bins) == data[4096:]
    found = list(PARSER.parse(among({"SYSTEM": bytes(torn), "SYSTEM.LOG": log})))
    assert len({item.fields["path"] for item in artefacts(found, "registry.key")}) == 101
    assert replayed(among({"SYSTEM": bytes(torn), "SYSTEM.LOG": log[:-1]})) is None
    assert replayed(among({"SYSTEM": bytes(torn), "SYSTEM.LOG": b"regf"})) is None
    assert replayed(among({"SYSTEM": bytes(torn)})) is None


def test_damaged_logs_give_values(corpus: Fetch, hive: Any, among: Made) -> None:
    files = {name: hive(corpus, f"registry/regipy/{name}") for name in (USER, LOGS[0])}
    for log in damaged(files[LOGS[0]][:348160], 4):
        list(PARSER.parse(among({USER: files[USER], LOGS[0]: log})))


def test_logs_that_claim_more_than_they_hold(corpus: Fetch, hive: Any, among: Made) -> None:
    data = hive(corpus, "registry/plaso/regf/100_sub_keys.hiv")
    head = bytearray(data[:512])
    struct.pack_into("<I", head, 40, 0xFFFFF000)
    claims = bytes(head) + b"DIRT" + b"\xff" * 100_000
    assert replayed(among({"SYSTEM": data, "SYSTEM.LOG": claims})) is None
    one = (bytes(head) + b"DIRT\x01").ljust(4096 << 4, b"\0")
    assert replayed(among({"SYSTEM": data, "SYSTEM.LOG": one})) is None
