"""Split raw images: every common numbering, gaps, ends, and names that only look numbered."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.media import MediumError, open_medium
from forensics.media.split import numbering
from tests.conftest import Fetch
from tests.forensics.images import medium, noise, part

NUMBERINGS = [
    ("d.000", "d.001", "d.002"),
    ("d.001", "d.002", "d.003"),
    ("d.0001", "d.0002", "d.0003"),
    ("d.00", "d.01", "d.02"),
    ("d.01", "d.02", "d.03"),
    ("d.dd.aa", "d.dd.ab", "d.dd.ac"),
    ("d.AAA", "d.AAB", "d.AAC"),
    ("xaa", "xab", "xac"),
    ("x00", "x01", "x02"),
    ("d.1of3", "d.2of3", "d.3of3"),
    ("d-1of3.dd", "d-2of3.dd", "d-3of3.dd"),
]


@pytest.mark.parametrize("names", NUMBERINGS, ids=lambda names: names[0])
def test_every_numbering(tmp_path: Path, names: tuple[str, ...]) -> None:
    data = noise(1024 + 1024 + 512)
    pieces = [data[:1024], data[1024:2048], data[2048:]]
    image = medium(tmp_path, dict(zip(names, pieces, strict=True)))
    assert (image.format, image.size) == ("split", len(data))
    assert [one.name for one in image.parts] == list(names)
    assert image.read_at(0, 5000) == data
    assert image.read_at(1000, 1100) == data[1000:2100]
    assert image.problems() == []


@pytest.mark.parametrize("names", NUMBERINGS, ids=lambda names: names[0])
def test_a_missing_middle_segment_is_named(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(MediumError, match=rf"segment missing: {names[1]}"):
        medium(tmp_path, {names[0]: noise(512), names[2]: noise(512)})


@pytest.mark.parametrize("names", NUMBERINGS, ids=lambda names: names[0])
def test_a_later_segment_is_refused_naming_the_first(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(MediumError, match=rf"not the first segment: that is {names[0]}"):
        medium(tmp_path, {names[2]: noise(512), names[0]: noise(512), names[1]: noise(512)})


def test_a_later_segment_alone(tmp_path: Path) -> None:
    with pytest.raises(MediumError, match=r"d\.002 is a later segment .* d\.001 is missing"):
        medium(tmp_path, {"d.002": noise(512)})


def test_the_last_segment_of_a_counted_set_is_missed(tmp_path: Path) -> None:
    with pytest.raises(MediumError, match=r"segment missing: d\.3of3"):
        medium(tmp_path, {"d.1of3": noise(512), "d.2of3": noise(512)})


@pytest.mark.parametrize("name", ["d.001", "d.000", "d.dd", "d.img", "case.2024", "d.aa", "xray", "disk", "1of"])
def test_a_single_file_is_raw_whatever_its_name(tmp_path: Path, name: str) -> None:
    image = medium(tmp_path, {name: noise(512)})
    assert (image.format, image.read_at(0, 512)) == ("raw", noise(512))


def test_years_are_not_segments(tmp_path: Path) -> None:
    image = medium(tmp_path, {"disk.2024": noise(512), "disk.2025": noise(512), "disk.2023": noise(512)})
    assert (image.format, image.size) == ("raw", 512)


def test_uneven_segments_are_said(tmp_path: Path) -> None:
    image = medium(tmp_path, {"d.001": noise(1024), "d.002": noise(512), "d.003": b"", "d.004": noise(2048)})
    assert image.size == 1024 + 512 + 2048
    assert image.read_at(1024, 4096) == noise(512) + noise(2048)
    assert [line.split(" has ")[0] for line in image.problems()[:2]] == ["segment d.002", "segment d.003"]
    assert "last segment d.004 is larger" in image.problems()[2]


@given(st.text(max_size=12))
def test_any_name_numbers_itself_or_nothing(name: str) -> None:
    scheme = numbering(name)
    if scheme is not None:
        assert (scheme.name(scheme.number) or "").lower() == name.lower()


def test_the_corpus_set(corpus: Fetch) -> None:
    first = corpus("image/dfvfs/ext2.splitraw.000")
    corpus("image/dfvfs/ext2.splitraw.001")
    image = open_medium(part(first), lambda name: part(first.with_name(name)))
    assert (image.format, image.size, len(image.parts)) == ("split", 4194304, 2)
