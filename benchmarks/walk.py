"""Every name of every volume into Parquet, without contents, beside `fls -r -p` on the same volumes.

Ours runs in this process, without the interpreter's start; `fls` prints its lines to nowhere.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from _images import add_option, images_of, prepared
from _measure import Line, conclude, in_turn, options, paired

from forensics.examine.findings import Job
from forensics.examine.units import walk_unit
from forensics.model import Volume


def walk(volumes: list[Volume]) -> int:
    """Every name into tables; how many."""
    count = 0
    for volume in volumes:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            listed = walk_unit(Job("AK/1", None, Path(folder)), volume)
        count += sum(group["rows"] for group in listed["groups"])
    return count


def fls(image: Path, volumes: list[Volume]) -> None:
    """The peer on the same volumes. It ends with 1 for some damage that it lists all the same."""
    for volume in volumes:
        command = ["fls", "-r", "-p", "-m", "/", "-o", str(volume.offset // 512), str(image)]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def lines_of(image: Path, rounds: int) -> list[Line]:
    """The table of one image."""
    volumes = prepared(image)
    names = walk(volumes)
    pair = in_turn(lambda: walk(volumes), lambda: fls(image, volumes), rounds)
    return [
        *paired(image.name, pair, names, "names"),
        Line(f"{image.name}: wall", pair.wall_ratio(), "x"),
        Line(f"{image.name}: names", names),
    ]


def main() -> None:
    """Every raw image."""
    parser = options(__doc__, rounds=5)
    add_option(parser)
    arguments = parser.parse_args()
    arguments.rounds = 1 if arguments.smoke else arguments.rounds
    if not shutil.which("fls"):
        raise SystemExit("fls (Debian package sleuthkit) is not installed: there is nothing to compare with")
    images = images_of(arguments, (".raw", ".img", ".dd"))
    lines = [line for image in images for line in lines_of(image, arguments.rounds)]
    conclude("walk names", lines, arguments)


if __name__ == "__main__":
    main()
