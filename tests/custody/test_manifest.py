"""Manifests of bulk readings: written in bounded memory, read back only as the ledger speaks of them."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from custody.ledger.bundle import manifest_leaf
from custody.ledger.disclosure import row_salt
from custody.ledger.entry import b64
from custody.ledger.errors import IntegrityError
from custody.ledger.merkle import root
from custody.manifest import Manifest, read_manifest, write_manifest

ACCESS = "ab" * 32
ROWS = [("p1", f"home/Ëmra {i}\n.txt", str(i), "", "content", "3", "cd" * 32) for i in range(300)]


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return write_manifest(tmp_path / "receipts", ACCESS, iter(ROWS))


def packed(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "receipts").iterdir()
    return path


def test_rows_read_back_and_their_root_is_that_of_the_salted_rows(manifest: Manifest, tmp_path: Path) -> None:
    assert list(read_manifest(tmp_path / "receipts", ACCESS, manifest.digest)) == ROWS
    leaves = [manifest_leaf(row_salt(manifest.secret, i), row) for i, row in enumerate(ROWS)]
    assert (manifest.root, manifest.size) == (root(leaves), 300)
    assert manifest.digest == hashlib.sha256(gzip.decompress(packed(tmp_path).read_bytes())).hexdigest()
    assert manifest.values() == {
        "manifest_root": b64(manifest.root),
        "manifest_size": "300",
        "manifest_digest": {"sha256": manifest.digest},
        "manifest_secret": b64(manifest.secret),
    }


def test_the_same_rows_have_the_same_digest_and_another_secret(manifest: Manifest, tmp_path: Path) -> None:
    again = write_manifest(tmp_path / "again", ACCESS, ROWS)
    assert again.digest == manifest.digest
    assert again.secret != manifest.secret
    assert again.root != manifest.root


def test_a_reading_of_nothing_has_an_empty_manifest(tmp_path: Path) -> None:
    empty = write_manifest(tmp_path, ACCESS, [])
    assert empty.size == 0
    assert list(read_manifest(tmp_path, ACCESS, empty.digest)) == []


def line(text: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(gzip.compress(text))


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not gzip"),
        lambda path: path.write_bytes(path.read_bytes()[:-20]),
        lambda path: path.write_bytes(path.read_bytes()[:200] + bytes(50) + path.read_bytes()[250:]),
        line(b"not JSON\n"),
        line(b"7\n"),
        line(b"null\n"),
        line(b'["another row"]\n'),
        line(b"[" * 99999),
        line(b"\xff\n"),
    ],
)
def test_a_damaged_or_exchanged_manifest_is_refused_in_one_line(
    manifest: Manifest, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    damage(packed(tmp_path))
    with pytest.raises(IntegrityError) as caught:
        list(read_manifest(tmp_path / "receipts", ACCESS, manifest.digest))
    assert "\n" not in str(caught.value)
