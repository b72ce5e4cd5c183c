"""BitLocker against libbde and cryptsetup: passwords, recovery keys, contents, and metadata that is damaged."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pybde
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.volumes import bitlocker, list_volumes
from forensics.volumes.bitlocker import BitLockerError, BitLockerPlain, is_bitlocker, unlock, ways_in
from forensics.volumes.layout import lay_out
from forensics.volumes.unlocked import unlock_volumes, unlocked_facts, unlocked_of
from forensics.volumes.views import unlocked_medium
from tests.forensics.bitlocker_images import HEAD, METHODS, PASSWORD, RECOVERY, RESERVED, plain, volume
from tests.forensics.images import fat12, medium, noise
from tests.forensics.luks_images import program

SIZE = 512 << 10


def boot_sector() -> bytes:
    """As much of one as libbde asks for inside."""
    sector = bytearray(512)
    sector[3:14] = b"NTFS    \0\x02\x08"
    sector[40:48] = (SIZE // 512 - 1).to_bytes(8, "little")
    sector[48], sector[56], sector[64], sector[68] = 4, 8, 0xF6, 1
    sector[510:] = b"\x55\xaa"
    return bytes(sector)


CONTENT = boot_sector() + noise(SIZE - 512)


def reader(data: bytes) -> Callable[[int, int], bytes]:
    return lambda offset, length: data[offset : offset + length]


def opened(data: bytes, *secrets: str) -> BitLockerPlain:
    found = unlock(reader(data), len(data), [secret.encode() for secret in secrets])
    assert found is not None
    return found


@pytest.mark.parametrize("method", METHODS)
def test_every_method_as_libbde_reads_it(method: int) -> None:
    data = volume(CONTENT, method, clear=True)
    ours = opened(data).read_at(reader(data), 0, SIZE)
    assert ours == plain(CONTENT)
    assert ours == libbde(data).read(SIZE)


def libbde(data: bytes, password: str = "") -> pybde.volume:
    found = pybde.volume()
    if password:
        found.set_password(password)
    found.open_file_object(io.BytesIO(data))
    return found


def test_a_password_opens_what_it_opens_for_libbde() -> None:
    data = volume(CONTENT)
    assert opened(data, "another", PASSWORD).read_at(reader(data), 0, SIZE) == libbde(data, PASSWORD).read(SIZE)


@pytest.mark.parametrize("kind", ["to go", "sectors of 4096"])
def test_other_volumes(kind: str) -> None:
    data = (
        volume(CONTENT, 0x8002, sector=4096, clear=True) if kind != "to go" else volume(CONTENT, to_go=True, clear=True)
    )
    assert opened(data).read_at(reader(data), 0, SIZE) == plain(CONTENT)


def test_reading_across_what_lies_elsewhere() -> None:
    data = volume(CONTENT, clear=True)
    view, read_at = opened(data), reader(data)
    for offset, length in (
        (HEAD - 700, 1400),
        (5, 3),
        (SIZE - 3 * RESERVED - HEAD - 9, HEAD),
        (SIZE - 1, 99),
        (SIZE, 1),
    ):
        assert view.read_at(read_at, offset, length) == plain(CONTENT)[offset : offset + length]
    assert len(view.read_at(reader(data[: 1 << 17]), (1 << 17) - 700, 2000)) == 700  # a volume that is cut is short


def test_what_cryptsetup_opens(tmp_path: Path) -> None:
    path = tmp_path / "volume.raw"
    path.write_bytes(volume(CONTENT))
    for secret, code in ((RECOVERY[0], 0), (RECOVERY[1], 0), ("another", 2)):
        words = [program("cryptsetup"), "bitlkOpen", "--test-passphrase", "--key-file", "-", path]
        assert subprocess.run(words, input=secret.encode(), capture_output=True, check=False).returncode == code
        found = unlock(reader(path.read_bytes()), SIZE, [secret.encode()])
        assert (found is not None) is (code == 0)


def test_suspended_protection_needs_no_password() -> None:
    data = volume(CONTENT, clear=True)
    assert opened(data).read_at(reader(data), 0, 512) == boot_sector()
    assert "no protection (suspended)" in ways_in(reader(data))


def test_no_key_is_shown() -> None:
    view = opened(volume(CONTENT, clear=True))
    assert view.key.hex() not in repr(view)
    assert "key" not in repr(view)


@pytest.mark.parametrize("secret", [RECOVERY[0][:-1], RECOVERY[0][:-1] + "1", "999999" + RECOVERY[0][6:], "", "\xff"])
def test_what_is_no_recovery_key_is_tried_as_a_password_alone(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[bytes] = []
    monkeypatch.setattr(bitlocker, "_stretched", lambda initial, _: tried.append(initial) or bytes(32))
    data = volume(CONTENT)
    assert unlock(reader(data), SIZE, [secret.encode("latin-1")]) is None
    assert len(tried) == (0 if secret == "\xff" else 1)


def test_what_opens_it_is_named(tmp_path: Path) -> None:
    image = medium(tmp_path, {"d.raw": volume(CONTENT)})
    (found,), _ = list_volumes(image)
    assert found.problem.startswith("BitLocker: encrypted")
    assert "recovery key 00000000-0000-0000-0000-000000000003" in found.problem
    _, (problem,) = unlock_volumes(image, [b"\xff"])
    assert problem.reason.startswith("none of the 1 passphrases given opens it, which takes: password 0000")


def test_a_file_system_inside(tmp_path: Path) -> None:
    image = medium(tmp_path, {"d.raw": volume(fat12().ljust(SIZE, b"\0"), clear=True)})
    unlocked, problems = unlock_volumes(image, [b"\xff"])
    assert problems == []
    assert [one.filesystem for one in lay_out(unlocked_medium(image, unlocked), unlocked).volumes] == ["FAT12"]
    assert [unlocked_of(json.loads(json.dumps(unlocked_facts(one)))) for one in unlocked] == unlocked


def damaged(*places: int) -> bytes:
    data = bytearray(volume(CONTENT, clear=True))
    for place in places:
        data[place] ^= 0xFF
    return bytes(data)


COPIES = [SIZE - RESERVED * number for number in (3, 2, 1)]


def test_another_copy_is_read() -> None:
    data = damaged(COPIES[0], COPIES[1] + 10)
    assert opened(data).read_at(reader(data), 0, 512) == boot_sector()


@pytest.mark.parametrize(
    ("places", "line"),
    [
        (COPIES, "damaged in all three copies: no signature"),
        ([place + 64 + 8 for place in COPIES], "damaged in all three copies"),
        ([place + 12 for place in COPIES], "was being encrypted or decrypted"),
        ([place + 64 + 36 for place in COPIES], "encryption method"),
        ([12], "sectors of"),
        ([160], "first sector is damaged"),
    ],
)
def test_damage_is_one_line(places: list[int], line: str) -> None:
    with pytest.raises(BitLockerError, match=line):
        unlock(reader(damaged(*places)), SIZE, [])


def test_a_volume_that_is_half_encrypted_is_said() -> None:
    data = bytearray(volume(CONTENT))
    data[160:164] = b"\x3b\x4d\xa8\x92"
    data[164:176] = bytes.fromhex("80dd0e4d9e4eb1e3284eaed8")
    with pytest.raises(BitLockerError, match="being encrypted"):
        unlock(reader(bytes(data)), SIZE, [])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 255)), max_size=6), st.integers(0, 600))
def test_any_metadata_opens_or_is_refused(changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(volume(CONTENT, clear=True))
    for at, value in changes:
        for place in COPIES:
            data[place + at] = value
    short = bytes(data) if not cut else bytes(data[:cut])
    assert is_bitlocker(reader(bytes(data)))
    line = ""
    try:
        found = unlock(reader(short), len(short), [])
        if found is not None:
            found.read_at(reader(short), 0, 4096)
    except BitLockerError as error:
        line = str(error)
    assert "\n" not in line
