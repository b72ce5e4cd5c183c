"""XFS made by mkfs.xfs out of a list of files: names, owners, contents; and images that are damaged."""

from __future__ import annotations

import hashlib
import re
import stat
import subprocess
from pathlib import Path

import pytest

from forensics.filesystems import FileSystem, FileSystemError, open_entry, open_filesystem, walk
from forensics.filesystems.libyal import MAX_DEPTH
from forensics.model import FileEntry, Problem
from forensics.volumes.layout import lay_out
from tests.conftest import Fetch
from tests.forensics.images import medium, noise
from tests.forensics.luks_images import program

HELLO, BIG = b"hello\n", noise(300_000)
FILES = """/dev/null
0 0
d--755 0 0
hello ---640 1000 1001 {folder}/hello
big ---600 0 0 {folder}/big
Të ---644 0 0 {folder}/hello
sub d--750 5 6
 deep ---644 0 0 {folder}/hello
 link l--777 0 0 ../hello
 fifo p--644 0 0
 $
$
"""


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("xfs")
    (folder / "hello").write_bytes(HELLO)
    (folder / "big").write_bytes(BIG)
    (folder / "list").write_text(FILES.format(folder=folder))
    path = folder / "xfs.raw"
    # what is smaller than 300 MB is "unsupported", and otherwise the same
    words = ("--unsupported", "-q", "-L", "invented", "-p", folder / "list", "-d", f"file,name={path},size=20m")
    done = subprocess.run([program("mkfs.xfs"), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return path.read_bytes()


def opened(folder: Path, data: bytes) -> FileSystem:
    (volume,) = lay_out(disk := medium(folder, {"d.raw": data})).volumes
    assert volume.filesystem == "XFS"
    return open_filesystem(disk, volume)


def test_names_owners_and_contents(image: bytes, tmp_path: Path) -> None:
    fs = opened(tmp_path, image)
    assert fs.volume.label == "invented"
    assert fs.missing(len(image)) == 0
    found = {one.location.path: one for one in walk(fs, "X/1") if isinstance(one, FileEntry)}
    assert {path: one.type for path, one in found.items()} == {
        "hello": "file", "big": "file", "Të": "file", "sub": "directory", "sub/deep": "file", "sub/link": "link",
        "sub/fifo": "fifo",
    }  # fmt: skip
    hello = found["hello"]
    assert (hello.mode, hello.uid, hello.gid, hello.size) == (0o640, 1000, 1001, 6)
    assert found["sub/link"].link_target == "../hello"
    for path, content in (("hello", HELLO), ("big", BIG), ("sub/deep", HELLO)):
        read = open_entry(fs, found[path]).read_at(0, 1 << 20)
        assert hashlib.sha256(read).digest() == hashlib.sha256(content).digest()
    assert open_entry(fs, found["big"]).read_at(70_000, 5000) == BIG[70_000:75_000]
    assert all(one.modified and one.created and one.changed for one in found.values())


def test_an_empty_one(corpus: Fetch, tmp_path: Path) -> None:
    import lzma

    data = lzma.decompress(corpus("image/util-linux/blkid/images-fs/xfs-v5.img.xz").read_bytes())
    fs = opened(tmp_path, data)
    assert (fs.volume.label, list(walk(fs, "X/1"))) == ("test-xfs-v5", [])


def test_a_cut_image_says_what_is_missing(image: bytes, tmp_path: Path) -> None:
    assert opened(tmp_path, image[: 10 << 20]).missing(10 << 20) == 10 << 20


def test_damage_is_a_line(image: bytes, tmp_path: Path) -> None:
    broken = bytearray(image)
    broken[4:8] = b"\0\0\0\7"  # the size of blocks
    with pytest.raises(FileSystemError, match="volume 0: XFS does not open: "):
        opened(tmp_path, bytes(broken))


def test_flipped_bytes_end_in_names_or_problems(image: bytes, tmp_path: Path) -> None:
    used = [at for at in range(0, len(image), 4096) if any(image[at : at + 4096])]
    for at in used[:40]:
        broken = bytearray(image)
        for place in range(at + 100, at + 4096, 500):
            broken[place] ^= 0xA5
        try:
            fs = opened(tmp_path, bytes(broken))
        except FileSystemError:
            continue
        for one in walk(fs, "X/1"):
            assert isinstance(one, FileEntry | Problem)


def test_a_name_that_was_changed_is_said(image: bytes, tmp_path: Path) -> None:
    """libfsxfs lists it without a word; the checksum of the inode that holds the names tells."""
    places = (match.start() for match in re.finditer(b"hello", image))
    at = next(place for place in places if image[place & -512 :][:2] == b"IN")  # not the journal's copy
    broken = image[:at] + b"jello" + image[at + 5 :]
    found = list(walk(opened(tmp_path, broken), "X/1"))
    assert "jello" in {one.location.path for one in found}
    (problem,) = [one for one in found if isinstance(one, Problem)]
    assert problem.reason.endswith("does not have its checksum: what is listed from it may be wrong")
    assert not [one for one in walk(opened(tmp_path, image), "X/1") if isinstance(one, Problem)]


class _Endless:
    """A directory that is in itself, or for ever in another."""

    number_of_sub_file_entries = 1
    number_of_extended_attributes = size = owner_identifier = group_identifier = 0
    name, file_mode, symbolic_link_target = "d", stat.S_IFDIR, None

    def __init__(self, number: int, step: int) -> None:
        self.inode_number, self._step = number, step

    def get_sub_file_entry(self, _: int) -> _Endless:
        return _Endless(self.inode_number + self._step, self._step)

    def __getattr__(self, name: str) -> object:
        if name.endswith("_as_integer"):
            return lambda: 1
        raise AttributeError(name)


@pytest.mark.parametrize(("step", "line", "most"), [(0, "is inside itself", 2), (1, "deep are not listed", MAX_DEPTH)])
def test_directories_without_an_end(image: bytes, tmp_path: Path, step: int, line: str, most: int) -> None:
    fs = opened(tmp_path, image)
    fs.root = _Endless(1, step)  # type: ignore[attr-defined]
    found = list(walk(fs, "X/1"))
    assert [line in one.reason for one in found if isinstance(one, Problem)] == [True]
    assert len(found) <= most + 2
