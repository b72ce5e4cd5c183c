"""`evikit exhibit list`: what is in custody, and where each thing stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import Settings, put_json, put_text, reading, remark, with_settings

if TYPE_CHECKING:
    from custody.holding import Holding


_COLUMNS = (
    ("kind", 9), ("state", 8), ("held by", 13), ("seal", 7), ("kept", 13), ("description", 14),
)  # fmt: skip
_DEEPEST = 6


@click.command("list")
@click.option("--all", "everything", is_flag=True, help="Also what is no longer here.")
@with_settings
def list_(settings: Settings, everything: bool) -> None:
    """List the exhibits: what each is, who holds it, under which seal and where. What came from one stands below it."""
    from custody.commands.columns import fitted, screen_width
    from custody.holding import holdings

    with reading(settings) as case:
        found = [item for item in holdings(case).values() if everything or not item.gone]
    lines = [(depth, line_of(item)) for depth, item in _nested(found)]
    if settings.json:
        for _, line in lines:
            put_json(line)
        return
    columns = (("exhibit", min(max((len(line["ref"]) for _, line in lines), default=0) + 4, 24)), *_COLUMNS)
    for text in fitted(columns, [_cells(depth, line) for depth, line in lines], screen_width()):
        put_text(text)
    remark(settings, f"{len(lines):,} exhibit{'' if len(lines) == 1 else 's'}")


def _nested(found: list[Holding]) -> Iterator[tuple[int, Holding]]:
    """Each with its depth below the exhibit it came from; in the order of registration, children below parents."""
    by_ref = {item.exhibit.ref: item for item in found}
    children: dict[str, list[Holding]] = {}
    for item in found:
        parent = item.exhibit.parent if item.exhibit.parent in by_ref else ""
        children.setdefault(parent, []).append(item)
    shown: set[int] = set()
    for first in (*children.get("", []), *found):  # the latter for those in a circle, which corrections can make
        waiting = [(0, first)]
        while waiting:
            depth, item = waiting.pop()
            if item.exhibit.n in shown:
                continue
            shown.add(item.exhibit.n)
            yield depth, item
            waiting += [(depth + 1, child) for child in reversed(children.get(item.exhibit.ref, []))]


def line_of(item: Holding) -> dict[str, Any]:
    """Where an exhibit stands, as JSON says it."""
    exhibit = item.exhibit
    return {
        "ref": exhibit.ref,
        "n": exhibit.n,
        "kind": exhibit.kind,
        "description": exhibit.description,
        "state": exhibit.state,
        "parent": exhibit.parent,
        "holder": item.holder_name,
        "seal": item.seal,
        "storage": item.storage,
        "offered_to": item.offer.receiver if item.offer else "",
        "gone": item.gone,
        "entry": item.index,
    }


def _cells(depth: int, line: Mapping[str, Any]) -> tuple[str, ...]:
    told = line["gone"] or (f"offered to {line['offered_to']}" if line["offered_to"] else line["description"])
    holder = "" if line["gone"] else line["holder"]
    return (
        "  " * min(depth, _DEEPEST) + line["ref"],
        line["kind"],
        line["state"],
        holder,
        line["seal"],
        line["storage"],
        told,
    )
