"""The images a benchmark works on: those of --images, or the small samples of this repository."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from custody.access import Part
from forensics.examine.findings import Job
from forensics.examine.units import prepare_image, volumes_unit
from forensics.model import Volume

SAMPLES = Path(__file__).resolve().parent.parent / "sample_images"
_ENDINGS = (".raw", ".img", ".dd", ".E01")


def add_option(parser: argparse.ArgumentParser) -> None:
    """--images, or EVIKIT_BENCH."""
    given = os.environ.get("EVIKIT_BENCH")
    parser.add_argument(
        "--images",
        type=Path,
        default=Path(given) if given else SAMPLES,
        help="folder of images (default: EVIKIT_BENCH, else the samples)",
    )


def prepared(image: Path) -> list[Volume]:
    """The volumes of a raw image that have a file system, with the image opened for the units of this process."""
    prepare_image((Part(image.name, image.stat().st_size, os.open(image, os.O_RDONLY)),))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        listed = volumes_unit(Job("AK/1", None, Path(folder)))["volumes"]
    return [volume for volume in (Volume(**each) for each in listed) if volume.filesystem]


def images_of(arguments: argparse.Namespace, endings: tuple[str, ...] = _ENDINGS) -> list[Path]:
    """The images to work on, by name; the smallest sample for --smoke."""
    folder = SAMPLES if arguments.smoke else arguments.images
    found = sorted(path for path in folder.iterdir() if path.suffix in endings)
    if not found:
        raise SystemExit(f"there is no image in {folder}: make some as benchmarks/README.md says")
    return [min(found, key=lambda path: (path.stat().st_size, path.name))] if arguments.smoke else found
