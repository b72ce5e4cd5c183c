"""Every file of every volume: names, MD5 and SHA-256, then types as well, beside `fiwalk`, which types nothing.

Ours runs in this process, one worker's work: names, then the contents of every group. `fiwalk` computes MD5 and
SHA-1. What parsers cost is a third line, for a whole examination does that too.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _images import add_option, images_of, prepared
from _measure import Line, conclude, in_turn, options

from forensics.examine import contents
from forensics.examine.findings import Job
from forensics.examine.units import contents_unit, walk_unit
from forensics.model import Volume

BOUNDS = {"digests": 0.55, "digests and types": 0.9}


def examined(volumes: list[Volume]) -> int:
    """Names and contents of all volumes; how many names."""
    count = 0
    for volume in volumes:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            job = Job("AK/1", None, Path(folder))
            for group in walk_unit(job, volume)["groups"]:
                contents_unit(job, volume, group["name"], {})
                count += group["rows"]
    return count


@contextmanager
def only(*, types: bool, parsers: bool) -> Iterator[None]:
    """Without typing or parsing what is read. Plain functions: a mock's calls would be counted as ours."""
    kept = contents.mime_type, contents.parser_for
    try:
        if not types:
            contents.mime_type = lambda head: ""
        if not parsers:
            contents.parser_for = lambda head, name, mappings=(): None
        yield
    finally:
        contents.mime_type, contents.parser_for = kept


def fiwalk(image: Path) -> None:
    """The peer, its output thrown away."""
    subprocess.run(["fiwalk", "-x", str(image)], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def lines_of(image: Path, rounds: int) -> list[Line]:
    """The table of one image."""
    volumes = prepared(image)
    names = examined(volumes)
    lines = [Line(f"{image.name}: names", names)]
    for what, types, parsers in (
        ("digests", False, False),
        ("digests and types", True, False),
        ("digests, types and parsers", True, True),
    ):
        with only(types=types, parsers=parsers):
            pair = in_turn(lambda: examined(volumes), lambda: fiwalk(image), rounds)
        lines.append(Line(f"{image.name}: {what}, over fiwalk, processor", pair.cpu_ratio(), "x"))
        bound = BOUNDS.get(what)
        lines.append(Line(f"{image.name}: {what}, over fiwalk, wall", pair.wall_ratio(), "x", at_most=bound))
    return lines


def main() -> None:
    """Every raw image."""
    parser = options(__doc__, rounds=3)
    add_option(parser)
    arguments = parser.parse_args()
    arguments.rounds = 1 if arguments.smoke else arguments.rounds
    if not shutil.which("fiwalk"):
        raise SystemExit("fiwalk (Debian package sleuthkit) is not installed: there is nothing to compare with")
    images = images_of(arguments, (".raw", ".img", ".dd"))
    conclude("walk and contents", [line for image in images for line in lines_of(image, arguments.rounds)], arguments)


if __name__ == "__main__":
    main()
