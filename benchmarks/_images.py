"""The images a benchmark works on: those of --images, or the small samples of this repository."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

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


def images_of(arguments: argparse.Namespace, endings: tuple[str, ...] = _ENDINGS) -> list[Path]:
    """The images to work on, by name; the smallest sample for --smoke."""
    folder = SAMPLES if arguments.smoke else arguments.images
    found = sorted(path for path in folder.iterdir() if path.suffix in endings)
    if not found:
        raise SystemExit(f"there is no image in {folder}: make some as benchmarks/README.md says")
    return [min(found, key=lambda path: (path.stat().st_size, path.name))] if arguments.smoke else found
