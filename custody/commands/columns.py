"""A table as wide as the screen, for rows that are all known: columns as wide as they need, then shrunk, cells wrapped.

Widths are those of a terminal's cells, not of characters. A cell in a script that runs from right to left is isolated,
so that it does not draw the columns beside it into its direction.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence

from rich.cells import cell_len, chop_cells

from custody.commands.screen import visible

UNBOUND = 200
"""Columns where there is no terminal and COLUMNS is not set: a file, another program."""
LINES = 2
Column = tuple[str, int]
"""A title, and the width (cells) below which the column is not shrunk."""
_GAP = " "
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"


def screen_width() -> int:
    """COLUMNS, else the terminal's width, else `UNBOUND`."""
    return shutil.get_terminal_size((UNBOUND, 0)).columns


def fitted(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Titles, then each row in one to `LINES` lines of at most `width` cells; what does not fit ends in an ellipsis."""
    shown = [[visible(cell) for cell in row] for row in rows]
    widths = _widths(columns, shown, width)
    yield _line([title for title, _ in columns], widths)
    for row in shown:
        cells = [_wrapped(cell, room) for cell, room in zip(row, widths, strict=True)]
        for number in range(max(map(len, cells))):
            yield _line([lines[number] if number < len(lines) else "" for lines in cells], widths)


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """As wide as the widest cell; while that is too much, the widest column that can gives a cell."""
    found = [
        max([cell_len(title), *(cell_len(row[number]) for row in rows)]) for number, (title, _) in enumerate(columns)
    ]
    over = sum(found) + len(_GAP) * (len(found) - 1) - width
    while over > 0:
        able = [number for number, (_, least) in enumerate(columns) if found[number] > least]
        if not able:
            break
        widest = max(able, key=lambda number: found[number] - columns[number][1])
        found[widest] -= 1
        over -= 1
    return found


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (_isolated(cell) + " " * (room - cell_len(cell)) for cell, room in zip(cells, widths, strict=True))
    return _GAP.join(padded).rstrip()


def _isolated(cell: str) -> str:
    return f"{_FIRST_STRONG_ISOLATE}{cell}{_POP_ISOLATE}" if _RIGHT_TO_LEFT.search(cell) else cell


def _wrapped(cell: str, room: int) -> list[str]:
    """The cell in lines, broken between words where that can be; where it does not fit, its indent goes first."""
    if cell_len(cell) <= room:
        return [cell]
    lines: list[str] = []
    rest = cell.strip()
    while rest and len(lines) < LINES:
        if cell_len(rest) <= room:
            lines.append(rest)
            break
        if len(lines) == LINES - 1:
            lines.append(_cut(rest, room - 1).rstrip() + "…")
            break
        head = _cut(rest, room)
        broken = head if rest[len(head)] == " " else head[: max(head.rstrip().rfind(" "), head.rfind("-")) + 1]
        head = broken if broken.strip() else head
        lines.append(head.rstrip())
        rest = rest[len(head) :].lstrip()
    return lines


def _cut(text: str, room: int) -> str:
    """As many whole characters from the beginning as fit into `room` cells, one at least."""
    return chop_cells(text, max(room, 2))[0]
