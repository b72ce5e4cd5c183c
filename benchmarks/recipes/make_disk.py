"""Makes a disk image to measure on: ext4 in a GPT, thousands of invented files, some deleted, and busy logs.

    python benchmarks/recipes/make_disk.py OUT.raw [--mib 2048] [--files 30000]

Needs mkfs.ext4, debugfs (e2fsprogs) and sfdisk (fdisk) and no root. The same arguments give the same files.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import tempfile
from pathlib import Path

_START_MIB = 1
_TAIL_MIB = 2
_WORDS = b"report invoice station harbour evening letter number window garden river bridge market".split()
_HEADS = (b"\x89PNG\r\n\x1a\n", b"%PDF-1.7\n", b"PK\x03\x04", b"\x7fELF\x02\x01\x01", b"\xff\xd8\xff\xe0\x00\x10JFIF")
_DELETED_EVERY = 30


def content(chance: random.Random, size: int) -> bytes:
    """Half of the files are text, half have a known signature and bytes that do not compress."""
    if chance.random() < 0.5:
        line = b" ".join(chance.choices(_WORDS, k=12)) + b"\n"
        return (line * (size // len(line) + 1))[:size]
    return (chance.choice(_HEADS) + chance.randbytes(size))[:size]


def log_lines(chance: random.Random, count: int) -> str:
    """One failed login a minute."""
    return "".join(
        f"Mar {i // 1440 % 28 + 1:2d} {i // 60 % 24:02d}:{i % 60:02d}:11 bench sshd[{chance.randint(300, 32000)}]: "
        f"Failed password for root from 192.0.2.{chance.randint(1, 254)} port {chance.randint(1024, 65000)} ssh2\n"
        for i in range(count)
    )


def fill(folder: Path, files: int, total: int) -> list[str]:
    """Write the files (sizes spread over four orders of magnitude); the paths to be deleted afterwards."""
    chance = random.Random(files)
    weights = [chance.lognormvariate(0, 2) for _ in range(files)]
    share = total / sum(weights)
    gone: list[str] = []
    for i, weight in enumerate(weights):
        place = Path(f"home/user{i % 7}/{chance.choice(_WORDS).decode()}/{i // 500}")
        (folder / place).mkdir(parents=True, exist_ok=True)
        name = place / f"{chance.choice(_WORDS).decode()}-{i}.dat"
        (folder / name).write_bytes(content(chance, min(int(weight * share) + 1, 64 << 20)))
        if i % _DELETED_EVERY == 0:
            gone.append(f"/{name}")
    logs = folder / "var/log"
    logs.mkdir(parents=True)
    (logs / "auth.log").write_text(log_lines(chance, 2 * files))
    return gone


def main() -> None:
    """Files in a folder, the folder into a file system, some files deleted there, a partition table before it."""
    parser = argparse.ArgumentParser(description="make a disk image to measure on")
    parser.add_argument("out", type=Path)
    parser.add_argument("--mib", type=int, default=2048, help="size of the image")
    parser.add_argument("--files", type=int, default=30_000)
    given = parser.parse_args()
    place = f"{given.out}?offset={_START_MIB << 20}"
    with given.out.open("wb") as image:
        image.truncate(given.mib << 20)
    with tempfile.TemporaryDirectory(dir=given.out.absolute().parent) as folder:
        gone = fill(Path(folder), given.files, int(0.65 * (given.mib << 20)))
        blocks = f"{(given.mib - _START_MIB - _TAIL_MIB) * 1024}k"
        options = ["-q", "-F", "-N", str(4 * given.files), "-E", f"offset={_START_MIB << 20}", "-d", folder]
        subprocess.run(["mkfs.ext4", *options, str(given.out), blocks], check=True)
    removals = "".join(f"rm {path}\n" for path in gone)
    subprocess.run(["debugfs", "-w", "-f", "-", place], input=removals.encode(), check=True, capture_output=True)
    table = f"label: gpt\nstart={_START_MIB * 2048}, size={(given.mib - _START_MIB - _TAIL_MIB) * 2048}, type=linux\n"
    subprocess.run(["sfdisk", "-q", str(given.out)], input=table.encode(), check=True)


if __name__ == "__main__":
    main()
