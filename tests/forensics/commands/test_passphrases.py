"""`--passphrases`: encrypted volumes are examined and extracted from, and the passphrase is nowhere afterwards."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from unittest import mock

import pytest

from tests.console import Lab
from tests.forensics.bitlocker_images import RECOVERY, volume
from tests.forensics.images import fat12
from tests.forensics.luks_images import PASSPHRASE, encrypted

WORDS = ("--purpose", "find the couriers")


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return encrypted(tmp_path_factory.mktemp("image"), fat12()).read_bytes()


@pytest.fixture
def unlocked(lab: Lab, image: bytes) -> Lab:
    lab.put("disk.raw", image)
    (lab.folder / "passphrases").write_bytes(b"another\n\n" + PASSPHRASE + b"\n")
    return lab


def test_an_encrypted_volume_is_examined_and_extracted_from(unlocked: Lab) -> None:
    lab, file = unlocked, unlocked.folder / "passphrases"
    told = lab.run("ingest", lab.evidence / "disk.raw", "--exhibit", "AH/1", *WORDS, "--passphrases", file, "--json")
    assert told.code == 0, told
    (volume,) = lab.run("volumes", "--json").lines
    assert (volume["filesystem"], volume["description"]) == ("FAT12", "(LUKS2, unlocked)")
    assert {row["path"] for row in lab.run("files", "--json").lines} >= {"HELLO.TXT", "SUB/DEEP.BIN"}
    locked = lab.run("extract", "AH/1", "HELLO.TXT", *WORDS)
    locked.refused(1, "volume 0 is encrypted", "--passphrases")
    (lab.folder / "wrong").write_bytes(b"another\n")
    wrong = lab.run("extract", "AH/1", "HELLO.TXT", *WORDS, "--passphrases", lab.folder / "wrong")
    wrong.refused(1, "none of the 1 passphrases given opens it")
    got = lab.run("extract", "AH/1", "HELLO.TXT", *WORDS, "--passphrases", file, "--json")
    assert got.code == 0, got
    assert got.json["match"] is True
    assert not list(holding(lab.case)) + list(holding(lab.home))
    assert lab.run("ledger", "verify").code == 0


def holding(folder: Path, secret: bytes = PASSPHRASE) -> list[Path]:
    """Files in which the secret stands."""
    return [path for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes()]


def test_a_recovery_key_opens_bitlocker(lab: Lab) -> None:
    lab.put("disk.raw", volume(fat12().ljust(512 << 10, b"\0")))
    file = lab.folder / "recovery"
    file.write_text(f"{RECOVERY[1]}\n")
    told = lab.run("ingest", lab.evidence / "disk.raw", "--exhibit", "AH/1", *WORDS, "--passphrases", file)
    assert told.code == 0, told
    (found,) = lab.run("volumes", "--json").lines
    assert (found["filesystem"], found["description"]) == ("FAT12", "(BitLocker, unlocked)")
    assert "HELLO.TXT" in {row["path"] for row in lab.run("files", "--json").lines}
    assert not holding(lab.case, RECOVERY[1].encode()) + holding(lab.home, RECOVERY[1].encode())


def test_without_a_fitting_passphrase_the_volume_stays_named(unlocked: Lab) -> None:
    (unlocked.folder / "passphrases").write_bytes(b"another\n")
    file = unlocked.folder / "passphrases"
    told = unlocked.run("ingest", unlocked.evidence / "disk.raw", "--exhibit", "AH/1", *WORDS, "--passphrases", file)
    assert told.code == 4, told
    assert "none of the 1 passphrases given opens it" in told.err


def test_one_is_asked_for(unlocked: Lab) -> None:
    asked = mock.patch("click.prompt", return_value=PASSPHRASE.decode())
    with asked, mock.patch.object(sys, "stdin", io.StringIO()):
        told = unlocked.run("ingest", unlocked.evidence / "disk.raw", "--exhibit", "AH/1", *WORDS, "--passphrases", "-")
    assert told.code == 0, told


@pytest.mark.parametrize(("content", "line"), [(None, "cannot be read"), (b"\n", "holds 0 passphrases")])
def test_files_that_hold_none(unlocked: Lab, content: bytes | None, line: str) -> None:
    file = unlocked.folder / "keys.txt"
    if content is not None:
        file.write_bytes(content)
    told = unlocked.run("ingest", unlocked.evidence / "disk.raw", "--exhibit", "AH/1", *WORDS, "--passphrases", file)
    told.refused(1, line)
    assert unlocked.log("--exhibit", "AH/1") == []
