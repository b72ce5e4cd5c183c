"""Hold the comparison with the corpus' oracles against the differences we can explain.

    python .ci/corpus_differences.py DIFFERENCES.toml FORMATS.md ROWS...

ROWS are JSON lines, an image each. DIFFERENCES.toml has a table for each image whose figures may differ, with
exactly the figures that then come out and the heading in FORMATS.md that explains them:

    ["image/some.img"]
    entries = [30, 31]
    explained = "Heading in docs/formats.md"

Exit 1 for a difference that is not explained, an explanation no longer needed, and a heading that is absent.
"""

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAIRS = ("fs", "entries", "contents")
FIGURES = ("error", "media", *PAIRS, "ledger")


def difference(row: dict[str, Any]) -> dict[str, Any]:
    """The figures of a row that are not what the oracle says; empty when all are."""
    wrong = {key: row[key] for key in PAIRS if key in row and row[key][0] != row[key][1]}
    if row.get("error"):
        wrong["error"] = row["error"]
    if row.get("media") is False:
        wrong["media"] = False
    if row.get("ledger"):
        wrong["ledger"] = row["ledger"]
    return wrong


def complaints(rows: list[dict[str, Any]], explained: dict[str, Any], headings: set[str]) -> Iterator[str]:
    """One line for each difference without explanation and each explanation without difference."""
    seen = {row["image"]: difference(row) for row in rows}
    for image, wrong in seen.items():
        allowed = {key: value for key, value in explained.get(image, {}).items() if key in FIGURES}
        if wrong != allowed:
            yield f"{image}: {wrong or 'right'}, expected {allowed or 'right'}"
    for image, entry in explained.items():
        if image not in seen:
            yield f"{image}: explained, but it was not compared"
        if entry.get("explained") not in headings:
            yield f"{image}: no heading {entry.get('explained')!r} explains it"


def main(differences: str, formats: str, *row_files: str) -> int:
    """Print what is wrong and the count of images; 1 when anything is wrong or nothing was compared."""
    explained = tomllib.loads(Path(differences).read_text(encoding="utf-8"))
    text = Path(formats).read_text(encoding="utf-8")
    headings = {line.lstrip("# ").strip() for line in text.splitlines() if line.startswith("#")}
    rows = [json.loads(line) for name in row_files for line in Path(name).read_text("utf-8").splitlines()]
    found = list(complaints(rows, explained, headings))
    print("\n".join(found), f"{len(rows)} images compared, {len(explained)} explained differences", sep="\n")
    return bool(found) or not rows


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
