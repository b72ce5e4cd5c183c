"""Copying a source into a verified image, beside ewfacquire with ewfverify (E01) and dc3dd (raw, copying alone).

Digests are the same three everywhere. Files are in the page cache where they fit: this is no measure of disks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from _images import add_option, images_of
from _measure import Line, conclude, in_turn, options, paired

from custody.access import Part
from forensics.acquire.copying import Copy
from forensics.acquire.ewf_writer import LEVELS, EwfFacts, EwfWriter
from forensics.acquire.files import ImageFiles
from forensics.acquire.patient import PatientReader
from forensics.acquire.raw_writer import RawWriter

_NOTHING = subprocess.DEVNULL


def ours(image: Path, folder: Path, kind: str, *, verify: bool) -> None:
    """One acquisition as `evikit acquire` does it, without the ledger."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    size = image.stat().st_size
    source = Part(image.name, size, os.open(image, os.O_RDONLY))
    files = ImageFiles(folder, lambda: None)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        facts = EwfFacts(size, 512, {}, 1_700_000_000, bytes(16))
        ewf = EwfWriter(files, "d", facts, level=LEVELS["fast"], segment_size=1536 << 20, pool=pool)
        writer = ewf if kind == "e01" else RawWriter(files, "d")
        copy = Copy(PatientReader(source, 512, 2), size, [writer], lambda *_: None, lambda *_: None)
        copy.run()
        if verify and copy.verify():
            raise SystemExit("the image differs")
    os.close(source.descriptor)


def ewf_tools(image: Path, folder: Path) -> None:
    """The peer for E01: acquire with three digests, then verify them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    digests = ["-d", "sha1", "-d", "sha256"]
    acquire = ["ewfacquire", "-u", "-q", "-f", "encase6", "-c", "fast", *digests, "-t", str(folder / "d"), str(image)]
    subprocess.run(acquire, check=True, stdout=_NOTHING, stderr=_NOTHING)
    subprocess.run(["ewfverify", "-q", *digests, str(folder / "d.E01")], check=True, stdout=_NOTHING, stderr=_NOTHING)


def dc3dd(image: Path, folder: Path) -> None:
    """The peer for raw images: a copy with three digests."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    words = ["dc3dd", f"if={image}", f"of={folder / 'd.dd'}", "hash=md5", "hash=sha1", "hash=sha256"]
    subprocess.run(words, check=True, stdout=_NOTHING, stderr=_NOTHING)


def main() -> None:
    """The largest image."""
    parser = options(__doc__, rounds=3)
    add_option(parser)
    arguments = parser.parse_args()
    arguments.rounds = 1 if arguments.smoke else arguments.rounds
    for name in ("ewfacquire", "dc3dd"):
        if not shutil.which(name):
            raise SystemExit(f"{name} is not installed: there is nothing to compare with")
    image = max(images_of(arguments, (".raw", ".img", ".dd")), key=lambda path: path.stat().st_size)
    count = max(image.stat().st_size >> 20, 1)
    with tempfile.TemporaryDirectory(dir=image.parent if not arguments.smoke else None) as place:
        ewf, raw = Path(place, "ewf"), Path(place, "raw")
        e01 = in_turn(lambda: ours(image, ewf, "e01", verify=True), lambda: ewf_tools(image, ewf), arguments.rounds)
        plain = in_turn(lambda: ours(image, raw, "raw", verify=False), lambda: dc3dd(image, raw), arguments.rounds)
    lines = paired(f"E01 of {image.name}, verified", e01, count, "MiB")
    lines += paired(f"raw copy of {image.name}", plain, count, "MiB")
    for what, pair, bound in (("E01", e01, 0.5), ("raw", plain, 0.7)):
        lines.append(Line(f"{what}: our time over the peer's, wall", pair.wall_ratio(), "x", at_most=bound))
    conclude("acquire", lines, arguments)


if __name__ == "__main__":
    main()
