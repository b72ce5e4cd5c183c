"""Containers that are not read yet are refused by name, never taken for a raw image."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.media import MEDIA, MediumError, open_medium, raw, split
from tests.conftest import Fetch
from tests.forensics.images import medium, part

SIGNATURES = {
    "EnCase 7 Ex01": (b"EVF2\x0d\x0a\x81\x00", 0),
    "EnCase 7 logical evidence Lx01": (b"LEF2\x0d\x0a\x81\x00", 0),
    "EnCase logical evidence L01": (b"LVF\x09\x0d\x0a\xff\x00", 0),
    "AFF": (b"AFF10\r\n\x00", 0),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_refused_by_name(tmp_path: Path, name: str) -> None:
    magic, at = SIGNATURES[name]
    data = bytearray(4096)
    data[at : at + len(magic)] = magic
    with pytest.raises(MediumError, match=f"disk.img is a container in the format {name}") as caught:
        medium(tmp_path, {"disk.img": bytes(data)})
    assert "Convert it" in caught.value.advice


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("image/ReferenceImages/AFF4Std/Base-Linear.aff4", "AFF4"),
        ("image/ReferenceImages/AFF4-L/dream.aff4", "AFF4"),
    ],
)
def test_real_files_are_refused_by_name(corpus: Fetch, file: str, name: str) -> None:
    path = corpus(file)
    with pytest.raises(MediumError, match=f"in the format {name}"):
        open_medium(part(path), lambda other: part(path.with_name(other)))


def test_the_order_of_the_formats() -> None:
    assert MEDIA[-2:] == (split, raw)
