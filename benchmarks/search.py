"""Content search beside ripgrep: one literal over the same bytes; any case, every encoding, an expression apart.

The bytes are those of the largest image, read through our medium as a search reads what is no file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from _images import add_option, images_of
from _measure import Line, conclude, cpu, in_turn, options, paired

from custody.access import Part
from forensics.direct.layout import ExtentStream
from forensics.examine.units import prepare_image, prepared_medium
from forensics.model import Location
from forensics.search.hits import OUTSIDE, Place
from forensics.search.patterns import Patterns
from forensics.search.scanner import Scanner
from forensics.search.sweep import Sheet, Sweep

WORD = "Kontrabandist"
AT_MOST = 1 / 0.6


def sweep(scanner: Scanner) -> None:
    """The whole medium as one stream."""
    medium = prepared_medium()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Sheet(Path(folder), "one") as sheet:
        place = Place(Location("AK/1"), OUTSIDE)
        Sweep(ExtentStream(medium, [(0, medium.size)]), place, scanner, sheet).run()


def ripgrep(image: Path) -> None:
    """The peer; it ends with 1 where nothing was found."""
    subprocess.run(["rg", "-a", "-c", WORD, str(image)], stdout=subprocess.DEVNULL, check=False)


def main() -> None:
    """The largest raw image."""
    parser = options(__doc__, rounds=5)
    add_option(parser)
    arguments = parser.parse_args()
    arguments.rounds = 1 if arguments.smoke else arguments.rounds
    if not shutil.which("rg"):
        raise SystemExit("ripgrep is not installed: there is nothing to compare with")
    image = max(images_of(arguments, (".raw", ".img", ".dd")), key=lambda path: path.stat().st_size)
    prepare_image((Part(image.name, image.stat().st_size, os.open(image, os.O_RDONLY)),))
    size = image.stat().st_size >> 20
    literal = Scanner(Patterns((WORD,), encodings=("utf-8",), match_case=True))
    pair = in_turn(lambda: sweep(literal), lambda: ripgrep(image), arguments.rounds)
    lines = paired(f"one literal in {image.name}", pair, size, "MiB")
    lines.append(Line("our processor time over ripgrep's", pair.cpu_ratio(), "x", at_most=AT_MOST))
    for what, patterns in (
        ("the same in any case", Patterns((WORD,), encodings=("utf-8",))),
        ("the same in any case and every encoding", Patterns((WORD,))),
        ("an expression", Patterns(regexes=(r"[a-z0-9._]{1,20}@kontraband\.example",))),
    ):
        scanner = Scanner(patterns)
        alone = in_turn(lambda scanner=scanner: sweep(scanner), lambda: None, 1)
        lines.append(Line(what, size / max(cpu(alone.ours), 1e-6), "MiB/s processor"))
    conclude("search", lines, arguments)


if __name__ == "__main__":
    main()
