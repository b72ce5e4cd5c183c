"""MD5, SHA-1 and SHA-256 of an image in one reading, beside openssl: sha256 against md5 and sha1 one after the other.

With two processors free, the longer of the two is the least the three can take.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from _images import add_option, images_of
from _measure import Line, conclude, in_turn, options, paired, wall

from forensics.hashing import hash_stream


def hash_image(image: Path) -> None:
    """Our digests, from an open descriptor, as in an ingest."""
    descriptor = os.open(image, os.O_RDONLY)
    try:
        size = os.fstat(descriptor).st_size
        hash_stream(lambda offset, length: os.pread(descriptor, length, offset), size)
    finally:
        os.close(descriptor)


def openssl(image: Path) -> None:
    """The peer's two lanes at once: the longer is what is waited for."""
    quick = subprocess.Popen(["sh", "-c", 'openssl dgst -md5 "$0" && openssl dgst -sha1 "$0"', str(image)], stdout=-3)
    subprocess.run(["openssl", "dgst", "-sha256", str(image)], check=True, stdout=subprocess.DEVNULL)
    if quick.wait():
        raise SystemExit("openssl failed")


def main() -> None:
    """The largest image."""
    parser = options(__doc__, rounds=3)
    add_option(parser)
    arguments = parser.parse_args()
    arguments.rounds = 1 if arguments.smoke else arguments.rounds
    if not shutil.which("openssl"):
        raise SystemExit("openssl is not installed: there is nothing to compare with")
    image = max(images_of(arguments, (".raw", ".img", ".dd")), key=lambda path: path.stat().st_size)
    pair = in_turn(lambda: hash_image(image), lambda: openssl(image), arguments.rounds)
    lines = paired(f"three digests of {image.name}", pair, image.stat().st_size >> 20, "MiB")
    lines.append(Line("our time over the peer's, wall", pair.wall_ratio(), "x"))
    lines.append(Line("one reading", wall(pair.ours), "s wall"))
    conclude("digests", lines, arguments)


if __name__ == "__main__":
    main()
