"""Make every sample anew beside this folder and write manifest.toml.

    sudo python3 sample_images/recipes/make.py

Digests and sizes come from the files, everything else from the table here.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import laptop
import mail_logs
import stick
import web_server

SAMPLES = Path(__file__).resolve().parent.parent

RECIPES = {
    "laptop-ntfs.img": ("laptop.py", "same bytes with the same ntfs-3g and SQLite"),
    "web01-ext4.img": ("web_server.py", "same bytes with the same e2fsprogs"),
    "stick-fat16.img": ("stick.py", "same bytes with the same dosfstools and mtools"),
    "stick-fat16.E01": ("stick.py", "same bytes with the same ewf-tools; the medium inside in any case"),
    "logs": ("mail_logs.py", "same bytes"),
}

HEAD = """# Every sample: digest, size, when it was last written, where it comes from, what makes it.
# Written by recipes/make.py. `modified` is for whoever lays the files out: git and wheels keep no times, and a log
# without years takes its year from there.
"""


def record(path: Path) -> str:
    """One [[file]] table of the manifest."""
    name = path.relative_to(SAMPLES).as_posix()
    recipe, again = RECIPES[name.split("/")[0]]
    content = path.read_bytes()
    modified = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    if not name.startswith("logs/"):
        modified = datetime(2026, 3, 16, 13, 30, tzinfo=UTC)  # the day of the acquisition
    lines = {
        "file": f'"{name}"',
        "sha256": f'"{hashlib.sha256(content).hexdigest()}"',
        "size": str(len(content)),
        "modified": f"{modified:%Y-%m-%dT%H:%M:%SZ}",
        "origin": '"made for evikit: invented people, addresses and texts"',
        "recipe": f'"recipes/{recipe}"',
        "again": f'"{again}"',
    }
    return "[[file]]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())


def main() -> None:
    """Run the recipes, then describe what they made."""
    laptop.main(SAMPLES / "laptop-ntfs.img")
    web_server.main(SAMPLES / "web01-ext4.img")
    stick.main(SAMPLES / "stick-fat16.img", SAMPLES / "stick-fat16.E01")
    mail_logs.main(SAMPLES / "logs")
    made = [SAMPLES / name for name in RECIPES if name != "logs"] + sorted((SAMPLES / "logs").rglob("*.log*"))
    made += [SAMPLES / "logs/mx01/syslog"]
    text = "\n".join([HEAD, *(record(path) for path in made)])
    (SAMPLES / "manifest.toml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
