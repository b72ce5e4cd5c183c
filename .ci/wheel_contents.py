"""The wheel's top level is exactly cli.py, custody, forensics and its own metadata; its data travels inside.

    python .ci/wheel_contents.py WHEEL

Exit 0, or 1 with one line for each thing that is wrong.
"""

import sys
import zipfile
from pathlib import PurePosixPath

TOP_LEVEL = {"cli.py", "custody", "forensics"}
INSIDE = (
    "custody/_migrations/env.py",
    "forensics/_samples/manifest.toml",
    "forensics/_samples/demo.toml",
    "custody/report/page/verify.js",
    "custody/report/languages/sr-Cyrl.po",
)


def complaints(names: list[str]) -> list[str]:
    """One line for each name too many or too few in the archive."""
    top = {PurePosixPath(name).parts[0] for name in names}
    metadata = {name for name in top if name.endswith(".dist-info")}
    found = [f"top level holds {name}" for name in sorted(top - TOP_LEVEL - metadata)]
    found += [f"top level lacks {name}" for name in sorted(TOP_LEVEL - top)]
    found += [f"lacks {name}" for name in INSIDE if name not in names]
    found += [f"packs a cache: {name}" for name in names if "__pycache__" in name]
    return found + (["needs exactly one dist-info"] if len(metadata) != 1 else [])


def main(wheel: str) -> int:
    """Print what is wrong with the wheel; 1 when anything is."""
    with zipfile.ZipFile(wheel) as archive:
        found = complaints(archive.namelist())
    print("\n".join(found) or f"{wheel}: as it should be")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
