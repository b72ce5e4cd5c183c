"""What paper takes from the page's own style sheet: widths of columns, and how drawings look."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

FONTS = "'Libertinus Serif', 'DejaVu Sans Mono'"


@cache
def _sheet() -> str:
    return resources.files("custody.report").joinpath("report.css").read_text("utf-8")


def widths() -> dict[str, list[int]]:
    """Widths of columns in percent, by kind of table."""
    found: dict[str, list[int]] = {}
    for kind, width in re.findall(r"\.(\w+) th:nth-child\(\d+\) \{ width: (\d+)%; \}", _sheet()):
        found.setdefault(kind, []).append(int(width))
    return found


def drawing() -> str:
    """The style element of a drawing that stands alone: the page's rules for it, with their colours in place."""
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]+);", _sheet()))
    rules = re.findall(r"^\.track ((?:\.\w+)+|text) (\{.*\})$", _sheet(), re.MULTILINE)
    whole = " ".join(f"{name} {rule}" for name, rule in [*rules, ("text", f"{{ font-family: {FONTS}; }}")])
    return re.sub(r"var\(--([a-z-]+)\)", lambda found: str(colours[found[1]]), f"<style>{whole}</style>")
