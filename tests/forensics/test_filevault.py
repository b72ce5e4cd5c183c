"""FileVault 2 against cryptsetup: passwords, recovery keys, contents, and metadata that is damaged."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.volumes.filevault import FileVaultError, is_core_storage, unlock
from forensics.volumes.layout import lay_out
from forensics.volumes.unlocked import unlock_volumes, unlocked_facts, unlocked_of
from forensics.volumes.views import unlocked_medium
from tests.forensics.filevault_images import BLOCK, CONTENT, ENCRYPTED, LABELS, PASSWORD, RECOVERY, volume
from tests.forensics.images import fat12, mbr, medium, noise
from tests.forensics.luks_images import program

INSIDE = fat12() + noise(64 << 10)


def reader(data: bytes) -> Callable[[int, int], bytes]:
    return lambda offset, length: data[offset : offset + length]


@pytest.mark.parametrize("secret", [PASSWORD, RECOVERY])
def test_a_password_and_a_recovery_key(secret: str) -> None:
    data = volume(INSIDE)
    plain = unlock(reader(data), len(data), [b"another", secret.encode()])
    assert plain is not None
    assert (plain.kind, plain.offset, plain.length) == ("FileVault 2", CONTENT * BLOCK, len(INSIDE))
    assert plain.read_at(reader(data), 0, len(INSIDE) + 1) == INSIDE
    assert plain.read_at(reader(data), 700, 1000) == INSIDE[700:1700]
    assert unlock(reader(data), len(data), [b"another"]) is None


def test_what_cryptsetup_opens(tmp_path: Path) -> None:
    path = tmp_path / "volume.raw"
    path.write_bytes(volume(INSIDE))
    for secret, code in ((PASSWORD, 0), ("another", 2)):
        words = [program("cryptsetup"), "open", "--type", "fvault2", "--test-passphrase", "--key-file", "-", path]
        assert subprocess.run(words, input=secret.encode(), capture_output=True, check=False).returncode == code


def test_a_partition_is_read_in_its_place(tmp_path: Path) -> None:
    data = volume(INSIDE)
    image = medium(tmp_path, {"d.raw": bytes(mbr([(0xAF, 63, len(data) // 512)], 63 * 512)) + data})
    (locked,) = lay_out(image).volumes
    assert locked.problem.startswith("FileVault 2 (Core Storage): ")
    found, problems = unlock_volumes(image, [RECOVERY.encode()])
    assert problems == []
    assert [unlocked_of(json.loads(json.dumps(unlocked_facts(one)))) for one in found] == found
    (row,) = lay_out(unlocked_medium(image, found), found).volumes
    assert (row.filesystem, row.offset) == ("FAT12", 63 * 512)
    assert row.description.endswith("(FileVault 2, unlocked)")
    _, (problem,) = unlock_volumes(image, [b"another"])
    assert problem.reason == "none of the 1 passphrases given opens it"


def changed(places: dict[int, bytes]) -> bytes:
    data = bytearray(volume(INSIDE))
    for at, value in places.items():
        data[at : at + len(value)] = value
    return bytes(data)


def test_another_copy_is_read() -> None:
    data = changed({LABELS[0] * BLOCK + 100: b"x"})
    assert unlock(reader(data), len(data), [PASSWORD.encode()]) is not None


@pytest.mark.parametrize(
    ("places", "line"),
    [
        ({200: b"x"}, "the header of its physical volume does not have its checksum"),
        ({place * BLOCK + 100: b"x" for place in LABELS}, "damaged in all copies: no checksum of the disk label"),
        ({ENCRYPTED * BLOCK + 9: b"x"}, "block 0 of the encrypted metadata does not have its checksum"),
        ({ENCRYPTED * BLOCK: bytes(8192)}, "lacks keys"),
    ],
)
def test_damage_is_one_line(places: dict[int, bytes], line: str) -> None:
    data = changed(places)
    assert is_core_storage(reader(data))
    with pytest.raises(FileVaultError, match=line):
        unlock(reader(data), len(data), [PASSWORD.encode()])


def test_what_is_not_read_is_said() -> None:
    data = volume(INSIDE, pieces=2)
    with pytest.raises(FileVaultError, match="in several pieces"):
        unlock(reader(data), len(data), [])
    data = volume(INSIDE)
    with pytest.raises(FileVaultError, match="the volume is cut"):
        unlock(reader(data), len(data) - BLOCK - 512, [])
    with pytest.raises(FileVaultError, match="iterations"):
        unlock(reader(volume(INSIDE, iterations=0)), len(data), [])


def test_letters_at_that_place_are_no_core_storage() -> None:
    assert not is_core_storage(reader(bytes(88) + b"CS" + bytes(500)))
    assert not is_core_storage(reader(b""))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 511), st.integers(0, 255)), max_size=5), st.integers(0, 70_000))
def test_any_header_opens_or_is_refused(changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(volume(INSIDE))
    for at, value in changes:
        data[at] = value
    struct.pack_into("<I", data, 0, 0)
    short = bytes(data[:cut] if cut % 3 else data)
    line = ""
    try:
        unlock(reader(short), len(short), [])
    except FileVaultError as error:
        line = str(error)
    assert "\n" not in line
