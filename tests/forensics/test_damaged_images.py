"""Images damaged in every way a seed can think of: no exception, no hang, problems where something is missing.

The seeds are the sample images and a made FAT12; the dice are seeded by number, so that a failure can be run again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics import results
from forensics.examine import pipeline
from forensics.examine.request import Request
from tests.forensics.images import fat12
from tests.forensics.test_examine import no_more, opened

SAMPLES = Path(__file__).resolve().parents[2] / "sample_images"
Damage = Callable[[bytearray, random.Random], None]


def cut(image: bytearray, dice: random.Random) -> None:
    """The end is missing."""
    del image[dice.randrange(len(image) // 10, len(image)) :]


def flips(image: bytearray, dice: random.Random) -> None:
    """Bits at random, most of them where file systems keep what they cannot do without."""
    for _ in range(dice.choice((1, 16, 256))):
        image[dice.randrange(min(len(image), dice.choice((4096, 65_536, 1 << 40))))] ^= 1 << dice.randrange(8)


def wiped(image: bytearray, dice: random.Random) -> None:
    """A stretch overwritten with one byte."""
    start, length = dice.randrange(len(image)), dice.choice((512, 4096, 65_536))
    image[start : start + length] = bytes([dice.choice((0, 0xFF, 0x41))]) * len(image[start : start + length])


def shuffled(image: bytearray, dice: random.Random) -> None:
    """Blocks that were copied over others: chains and directories that lead back to themselves."""
    for _ in range(8):
        source, target = (dice.randrange(len(image) // 4096) * 4096 for _ in range(2))
        image[target : target + 4096] = image[source : source + 4096]


def numbers(image: bytearray, dice: random.Random) -> None:
    """Numbers made as large as they go: sizes, counts, places."""
    for _ in range(dice.choice((1, 8, 64))):
        place = dice.randrange(min(len(image), 1 << 20)) & ~3
        image[place : place + 4] = b"\xff\xff\xff\x7f" if dice.random() < 0.5 else b"\xff\xff\xff\xff"


DAMAGES: tuple[Damage, ...] = (cut, flips, wiped, shuffled, numbers)


def source(name: str) -> bytes:
    return fat12() if name == "fat12" else (SAMPLES / name).read_bytes()


@pytest.mark.source
@pytest.mark.parametrize("name", ["fat12", "stick-fat16.img", "laptop-ntfs.img", "web01-ext4.img"])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_image_is_examined_to_its_end(name: str, damage: Damage, tmp_path: Path) -> None:
    examine(name, damage, 1, tmp_path)


def examine(name: str, damage: Damage, seed: int, folder: Path) -> None:
    dice = random.Random(f"{name} {damage.__name__} {seed}")
    image = bytearray(source(name))
    damage(image, dice)
    path = folder / f"{damage.__name__}-{seed}.dd"
    path.write_bytes(image)
    run = results.start_run(folder / "derived", "AH/1", {})
    with opened(path) as (part,):
        found = pipeline.examine_image(part, no_more, Request("AH/1", run, stall_seconds=20))
    rows = [row for batch in results.batches(run / "problems.parquet") for row in batch.to_pylist()]
    assert found.counts["problems"] == len(rows)
    assert all(row["reason"] and "\n" not in row["reason"] for row in rows)
    assert not [row for row in rows if "Error:" in row["reason"] and "parser" in row["reason"]], rows


def test_what_is_cut_off_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "cut.dd"
    path.write_bytes(fat12()[: 40 * 1024])
    run = results.start_run(tmp_path / "derived", "AH/1", {})
    with opened(path) as (part,):
        pipeline.examine_image(part, no_more, Request("AH/1", run))
    reasons = [row["reason"] for batch in results.batches(run / "problems.parquet") for row in batch.to_pylist()]
    assert any("the file system goes on for 24,576 bytes behind the end of its medium" in line for line in reasons)
