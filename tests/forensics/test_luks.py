"""LUKS against cryptsetup: keys, contents, and headers that are damaged or made to mislead."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.media import MediumError
from forensics.model import Volume
from forensics.volumes import list_volumes
from forensics.volumes.layout import lay_out, source_of
from forensics.volumes.luks import LuksError, Plain, decrypt, is_luks, merge, unlock
from forensics.volumes.unlocked import unlock_volumes
from forensics.volumes.views import PlainView, Source, Unlocked, UnlockedMedium, View, unlocked_medium
from tests.conftest import Fetch
from tests.forensics.images import fat12, mbr, medium, noise
from tests.forensics.luks_images import PASSPHRASE, empty_luks1, encrypted

CONTENT = fat12() + noise(192 << 10)


def reader(data: bytes) -> Callable[[int, int], bytes]:
    return lambda offset, length: data[offset : offset + length]


@pytest.fixture(scope="session")
def luks2(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return encrypted(tmp_path_factory.mktemp("luks2"), CONTENT).read_bytes()


@pytest.mark.parametrize(
    "options",
    [
        ("--pbkdf", "argon2id", "--pbkdf-memory", "32768"),
        ("--pbkdf", "argon2i", "--pbkdf-memory", "32768"),
        ("--hash", "sha512"),
        ("--cipher", "aes-cbc-essiv:sha256", "--key-size", "256"),
        ("--cipher", "aes-cbc-plain64", "--key-size", "128"),
        ("--cipher", "aes-xts-plain", "--key-size", "256"),
    ],
)
def test_what_cryptsetup_encrypted(tmp_path: Path, options: tuple[str, ...]) -> None:
    data = encrypted(tmp_path, CONTENT, *options).read_bytes()
    read_at = reader(data)
    plain = unlock(read_at, len(data), [b"another", PASSPHRASE])
    assert plain is not None
    assert plain.read_at(read_at, 0, len(CONTENT)) == CONTENT
    assert plain.read_at(read_at, 1000, 3000) == CONTENT[1000:4000]
    assert plain.read_at(read_at, plain.length, 1) == b""
    assert unlock(read_at, len(data), [b"another"]) is None


def test_sectors_of_4096_bytes(tmp_path: Path) -> None:
    content = noise(256 << 10)
    data = encrypted(tmp_path, content, "--sector-size", "4096").read_bytes()
    plain = unlock(reader(data), len(data), [PASSPHRASE])
    assert plain is not None
    assert plain.sector_size == 4096
    assert plain.read_at(reader(data), 5000, 50000) == content[5000:55000]


@pytest.mark.parametrize(
    "options", [(), ("--cipher", "aes-cbc-essiv:sha256", "--key-size", "256"), ("--hash", "sha512"), ("--hash", "sha1")]
)
def test_luks1_gives_the_key_cryptsetup_dumps(tmp_path: Path, options: tuple[str, ...]) -> None:
    path, key = empty_luks1(tmp_path, *options)
    data = path.read_bytes()
    plain = unlock(reader(data), len(data), [PASSPHRASE])
    assert plain is not None
    assert (plain.kind, plain.key, plain.offset + plain.length) == ("LUKS1", key, len(data))
    assert key.hex() not in repr(plain)
    assert str(key) not in repr(plain)
    assert unlock(reader(data), len(data), [b"another"]) is None


def test_a_volume_in_a_medium_is_read_as_if_never_encrypted(tmp_path: Path, luks2: bytes) -> None:
    start = 1 << 20
    table = mbr([(0x83, start // 512, len(luks2) // 512), (0x0B, (start + len(luks2)) // 512, 128)], start)
    image = medium(tmp_path, {"d.raw": bytes(table) + luks2 + fat12()})
    volumes, _ = list_volumes(image)
    assert [volume.filesystem for volume in volumes] == ["", "FAT12"]
    found, problems = unlock_volumes(image, [PASSPHRASE])
    assert ([one.index for one in found], problems) == (["1"], [])
    view = unlocked_medium(image, found)
    layout = lay_out(view, found)
    assert [(one.offset, one.filesystem) for one in layout.volumes] == [
        (start, "FAT12"),
        (start + len(luks2), "FAT12"),
    ]
    assert (view.size, view.read_at(0, 512)) == (image.size, bytes(table[:512]))
    assert view.read_at(start - 100, len(CONTENT) + 100) == bytes(table[-100:]) + CONTENT
    end = start + len(luks2)
    assert view.read_at(end - 10, 20) == bytes(10) + fat12()[:10]  # no plain bytes are left behind the header's room
    assert view.read_at(view.size - 3, 10) == image.read_at(image.size - 3, 3)
    assert view.read_at(view.size, 1) == view.read_at(-1, 1) == b""
    assert source_of(view, layout.volumes[0], found).read_at(0, 512) == CONTENT[:512]
    assert unlocked_medium(image, []) is image


def test_a_cut_volume_is_an_error_where_it_is_cut(tmp_path: Path, luks2: bytes) -> None:
    data = luks2[: (16 << 20) + 8192]
    plain = unlock(reader(luks2), len(luks2), [PASSPHRASE])
    assert plain is not None
    image = medium(tmp_path, {"d.raw": data})
    view: View = PlainView(Source(image, Volume("0", 0, len(luks2), "", "")), plain)
    assert view.read_at(0, 8192) == CONTENT[:8192]
    with pytest.raises(MediumError, match="the medium ends before byte 8192"):
        view.read_at(0, 9000)
    view = UnlockedMedium(image, [Unlocked("0", plain, 0, 0, len(luks2))])
    with pytest.raises(MediumError, match="the medium ends before byte 8192"):
        view.read_at(0, 9000)


def test_what_is_said_of_a_volume_that_stays_locked(tmp_path: Path, luks2: bytes) -> None:
    image = medium(tmp_path, {"d.raw": luks2})
    found, (problem,) = unlock_volumes(image, [b"a", b"b"])
    assert (found, problem.reason) == ([], "none of the 2 passphrases given opens it")
    broken = medium(tmp_path, {"d.raw": luks2[:4096] + bytes(1 << 20)})
    _, (problem,) = unlock_volumes(broken, [PASSPHRASE])
    assert problem.reason == "it cannot be unlocked: the header is damaged: neither copy has its checksum"
    assert unlock_volumes(medium(tmp_path, {"d.raw": fat12()}), [PASSPHRASE]) == ([], [])


def test_the_second_header_is_used_where_the_first_is_damaged(luks2: bytes) -> None:
    data = bytearray(luks2)
    data[5000] ^= 1
    assert unlock(reader(bytes(data)), len(data), [PASSPHRASE]) is not None


ARGON2 = {"type": "argon2id", "salt": "AAAA", "time": 1, "memory": 1024, "cpus": 1}


def _described(luks2: bytes, change: Callable[[dict[str, object]], None]) -> bytes:
    """The image with its JSON changed and the checksum mended."""
    data = bytearray(luks2)
    (size,) = struct.unpack_from(">Q", data, 8)
    about = json.loads(bytes(data[4096:size]).split(b"\0")[0])
    change(about)
    data[4096:size] = json.dumps(about).encode().ljust(size - 4096, b"\0")
    whole = bytes(data[:448]) + bytes(64) + bytes(data[512:size])
    data[448:480] = hashlib.sha256(whole).digest()
    return bytes(data)


@pytest.mark.parametrize(
    ("where", "value", "line"),
    [
        (("keyslots", "0", "kdf", "iterations"), 1 << 40, "iterations: it was made to keep examiners busy"),
        (("keyslots", "0", "kdf", "type"), "scrypt", "the header is damaged"),
        (
            ("keyslots", "0", "kdf"),
            {"type": "argon2id", "salt": "AAAA", "time": 1, "memory": 1 << 30, "cpus": 1},
            "KiB",
        ),
        (("keyslots", "0", "area", "size"), str(1 << 40), "a key slot of"),
        (("keyslots", "0", "area", "encryption"), "serpent-xts-plain64", "the cipher serpent-xts-plain64 is not known"),
        (("segments", "0", "encryption"), "twofish-cbc-plain", "the cipher twofish-cbc-plain is not known"),
        (("segments", "0", "sector_size"), 77, "sectors of 77 bytes"),
        (("segments", "0", "offset"), str(1 << 50), "contents from byte"),
        (("segments", "0", "type"), "linear", "encrypted anew"),
        (("segments", "0", "integrity"), {}, "encrypted anew"),
        (("digests",), {}, "the header is damaged"),
    ],
)
def test_headers_that_cannot_be_or_mislead(luks2: bytes, where: tuple[str, ...], value: object, line: str) -> None:
    def change(about: dict[str, object]) -> None:
        inner = about
        for name in where[:-1]:
            inner = inner[name]  # type: ignore[assignment]
        inner[where[-1]] = value

    data = _described(luks2, change)
    with pytest.raises(LuksError, match=line) as caught:
        unlock(reader(data), len(data), [PASSPHRASE])
    assert "\n" not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 591), st.integers(1, 255)), min_size=1, max_size=4))
def test_flipped_bytes_are_never_more_than_an_error(luks1: bytes, flips: list[tuple[int, int]]) -> None:
    data = bytearray(luks1)
    for place, value in flips:
        if not (
            164 <= place < 168 or (208 <= place < 592 and (place - 208) % 48 in (4, 5, 6, 7))
        ):  # not the iterations
            data[place] ^= value
    line = ""
    try:
        unlock(reader(bytes(data)), len(data), [PASSPHRASE])
    except LuksError as error:
        line = str(error)
    assert "\n" not in line


@pytest.fixture(scope="session")
def luks1(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return empty_luks1(tmp_path_factory.mktemp("luks1"))[0].read_bytes()


def test_vectors_count_on_beyond_32_bits() -> None:
    key, sector = noise(64), (1 << 32) + 5
    for cipher, tweak in (("aes-xts-plain64", sector), ("aes-xts-plain", 5)):
        turned = Cipher(algorithms.AES(key), modes.XTS(tweak.to_bytes(16, "little"))).encryptor()
        assert decrypt(cipher, key, turned.update(noise(512)), sector) == noise(512)


def test_one_stripe_is_the_key_itself() -> None:
    assert merge(noise(64), 64, 1, "sha256") == noise(64)


def test_a_real_header_without_its_contents(corpus: Fetch) -> None:
    data = corpus("image/util-linux/blkid/images-fs/luks1.img").read_bytes()
    assert is_luks(reader(data))
    with pytest.raises(LuksError, match="contents from byte 2097152 of 4096"):  # the file is the header alone
        unlock(reader(data), len(data), [b"not it"])


def test_a_plain_never_shows_its_key() -> None:
    assert repr(Plain("LUKS2", "aes-xts-plain64", b"secret", 0, 1)) == "Plain(LUKS2, aes-xts-plain64)"
