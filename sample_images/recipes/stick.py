"""stick-fat16.img and stick-fat16.E01: a USB stick (FAT16, no partition table), 3 MiB, and its acquisition.

    python3 sample_images/recipes/stick.py OUT.img OUT.E01

Needs mkfs.fat (dosfstools), mtools, ewfacquire (ewf-tools) and libfaketime; no root. FAT keeps local time: the stick
was written on clocks of Europe/Belgrade. The same bytes each time with the same tools; the E01's identifier is drawn
from the clock, which stands still here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import story

SIZE_KIB = 3072
CLOCK = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"

FILES = [
    ("Foto/plazhi.txt", "Ulqin, gusht 2025\n", "2026-02-20 18:04:10"),
    ("Kontakte të reja.csv", story.KONTAKTE, "2026-03-12 13:05:22"),
    ("Курири/распоред.txt", "12.03. 14:30 Крагујевац, аутобуска\n12.03. 17:10 Ниш, пијаца\n", "2026-03-12 13:20:40"),
    ("Курири/списак за брисање.txt", "све после 12.03.\n", "2026-03-12 13:24:00"),
    ("Ödemeler/Işık ağı – ŞUBAT.txt", "2 x 4.900 EUR, İzmir\n1 x 3.150 EUR, Bursa\n", "2026-03-12 21:48:12"),
    ("plani.txt", "1. fatura  2. llogaria e re  3. tërheqja para orës 16  4. fshi gjithçka\n", "2026-03-08 23:02:36"),
    ("kuleta.txt", "fraza e kuletës: [e hequr nga ushtrimi]\n", "2026-03-12 22:15:54"),
]
DELETED = [
    ("plani.txt", "2026-03-13 21:30:02"),
    ("kuleta.txt", "2026-03-13 21:30:10"),
    ("Курири/списак за брисање.txt", "2026-03-13 21:30:26"),
]

HEADER = {
    "-C": "CTU-2026-014",
    "-E": "AH/3",
    "-D": "USB stick, blue, 3 MB, taken from the desk drawer",
    "-e": "Vesa Markoviq-Shembulli",
    "-N": "Write blocker used. Invented case for training.",
}


def mtools(image: Path, at: str, *command: str) -> None:
    """One mtools command with the clock standing at `at`."""
    clock = dict(
        os.environ,
        SOURCE_DATE_EPOCH=str(story.epoch(at)),
        TZ="Europe/Belgrade",
        LC_ALL="C.UTF-8",
        MTOOLS_SKIP_CHECK="1",
    )
    subprocess.run([command[0], "-i", str(image), *command[1:]], env=clock, check=True)


def fill(image: Path) -> None:
    """Live through the stick's life, then delete."""
    folders: set[str] = set()
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "content"
        for path, content, at in FILES:
            source.write_text(content, encoding="utf-8")
            os.utime(source, (story.epoch(at), story.epoch(at)))
            folder = path.rpartition("/")[0]
            if folder and folder not in folders:
                folders.add(folder)
                mtools(image, at, "mmd", f"::{folder}")
            mtools(image, at, "mcopy", "-m", str(source), f"::{path}")
    for path, at in DELETED:
        mtools(image, at, "mdel", f"::{path}")


def acquire(image: Path, segment: Path) -> None:
    """An E01 as an examiner makes it, with the header fields filled in."""
    target = str(segment.with_suffix(""))
    segment.unlink(missing_ok=True)
    fields = [word for pair in HEADER.items() for word in pair]
    fixed = [
        "-u",
        "-q",
        "-f",
        "encase6",
        "-c",
        "deflate:best",
        "-d",
        "sha1",
        "-m",
        "removable",
        "-M",
        "physical",
        "-P",
        "512",
        "-S",
        "1.4GiB",
    ]
    clock = dict(os.environ, LD_PRELOAD=CLOCK, FAKETIME="2026-03-16 13:05:00", TZ="UTC")
    command = ["ewfacquire", *fixed, *fields, "-t", target, str(image)]
    subprocess.run(command, env=clock, stdout=subprocess.DEVNULL, check=True)


def main(image: Path, segment: Path) -> None:
    """Make both files."""
    image.unlink(missing_ok=True)
    made = [
        "mkfs.fat",
        "-C",
        "-F",
        "16",
        "-s",
        "1",
        "-i",
        "2026030E",
        "-n",
        "KINGBLU",
        "--invariant",
        str(image),
        str(SIZE_KIB),
    ]
    subprocess.run(made, stdout=subprocess.DEVNULL, check=True)
    fill(image)
    acquire(image, segment)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
