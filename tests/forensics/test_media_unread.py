"""Containers that are not read yet are refused by name, never taken for a raw image."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.media import MEDIA, MediumError, raw, split
from tests.forensics.images import medium

SIGNATURES = {
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


def test_the_order_of_the_formats() -> None:
    assert MEDIA[-2:] == (split, raw)
