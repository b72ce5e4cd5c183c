"""What listings of files hint at: deleted ones that may still be there, disguised and encrypted ones."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.conftest import Fetch
from tests.console import Lab
from tests.forensics.images import fat12, noise


def test_deleted_files_of_ntfs(lab: Lab, corpus: Fetch, tmp_path: Path) -> None:
    """Digital Forensics Tool Testing Images, 7: every deleted file of it can be had whole."""
    with zipfile.ZipFile(corpus("image/sleuthkit_test_data/from_brian/7-undel-ntfs.zip")) as packed:
        member = next(name for name in packed.namelist() if name.endswith(".dd"))
        image = bytearray(packed.read(member))
    path = tmp_path / "undel.dd"
    path.write_bytes(image)
    lab.ingest("AH/1", path)
    rows = lab.run("files", "--exhibit", "AH/1", "--json").lines
    deleted = {row["path"]: row["recoverable"] for row in rows if not row["allocated"] and row["type"] == "file"}
    assert len(deleted) == 9
    assert set(deleted.values()) == {"whole"}
    assert {row["recoverable"] for row in rows if row["allocated"]} == {None}


def test_clusters_that_another_file_took(lab: Lab) -> None:
    """A deleted file of two clusters, of which a new file has the second; and one whose only cluster was taken."""
    image = bytearray(fat12())
    root = 3 * 512
    for at in range(root, root + 512, 32):
        if image[at : at + 4] == b"\xe5ONE":
            image[at + 28 : at + 32] = (700).to_bytes(4, "little")  # two clusters, 3 and the one behind it: SUB's
    lab.ingest("AH/1", lab.put("partly.raw", bytes(image)))
    (row,) = (row for row in lab.run("files", "--json").lines if row["path"] == "_ONE.TXT")
    assert row["recoverable"] == "partly"


@pytest.mark.parametrize(("hint", "paths"), [("extension", ["disguised.txt"]), ("encryption", ["box.bin"])])
def test_hints_in_the_listing(lab: Lab, hint: str, paths: list[str]) -> None:
    folder = lab.put("folder/box.bin", noise(100_000)).parent
    lab.put("folder/disguised.txt", b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + bytes(64))
    lab.put("folder/plain.txt", b"words\n")
    lab.ingest("AH/1", folder, code=4)  # a picture of 84 bytes is cut short, which is told
    rows = lab.run("files", "--hint", hint, "--json").lines
    assert [row["path"] for row in rows] == paths
    assert (rows[0]["extension_mismatch"], rows[0]["encryption"] or "")[hint == "encryption"]
