"""`evikit exhibit list | show`: what is in custody, and where each thing stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from custody.commands.screen import Settings, columned, put_facts, put_json, put_text, reading, remark, with_settings

if TYPE_CHECKING:
    from custody.holding import Holding
    from custody.ledger.entry import Json
    from custody.ledger.store import Row


@click.command("list")
@click.option("--all", "everything", is_flag=True, help="Also what is no longer here.")
@with_settings
def list_(settings: Settings, everything: bool) -> None:
    """List the exhibits: what each is, who holds it, under which seal and where. What came from one stands below it."""
    from custody.holding import holdings

    with reading(settings) as case:
        found = [item for item in holdings(case).values() if everything or not item.gone]
    lines = [(depth, _line(item)) for depth, item in _nested(found)]
    if settings.json:
        for _, line in lines:
            put_json(line)
        return
    columns = [("exhibit", 14), ("kind", 14), ("state", 13), ("held by", 22), ("seal", 12), ("kept", 18), ("", 1)]
    for text in columned(columns, (_cells(depth, line) for depth, line in lines)):
        put_text(text)
    remark(settings, f"{len(lines):,} exhibit{'' if len(lines) == 1 else 's'}")


def _nested(found: list[Holding]) -> Iterator[tuple[int, Holding]]:
    """Each with its depth below the exhibit it came from; in the order of registration, children below parents."""
    by_ref = {item.exhibit.ref: item for item in found}
    children: dict[str, list[Holding]] = {}
    for item in found:
        parent = item.exhibit.parent if item.exhibit.parent in by_ref else ""
        children.setdefault(parent, []).append(item)
    waiting = [(0, item) for item in reversed(children.get("", []))]
    while waiting:
        depth, item = waiting.pop()
        yield depth, item
        waiting += [(depth + 1, child) for child in reversed(children.get(item.exhibit.ref, []))]


def _line(item: Holding) -> dict[str, Any]:
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


def _cells(depth: int, line: Mapping[str, Any]) -> tuple[object, ...]:
    told = line["gone"] or (f"offered to {line['offered_to']}" if line["offered_to"] else line["description"])
    holder = "" if line["gone"] else line["holder"]
    return "  " * depth + line["ref"], line["kind"], line["state"], holder, line["seal"], line["storage"], told


@click.command()
@click.argument("ref")
@with_settings
def show(settings: Settings, ref: str) -> None:
    """Show all that is recorded of exhibit REF: its registration with corrections, where it stands, what happened."""
    from custody.exhibits import need_exhibit
    from custody.holding import holding_of

    with reading(settings) as case:
        exhibit = need_exhibit(case, ref)
        line = _line(holding_of(case, exhibit.n))
        registered = {name: value for name, value in exhibit.registered.items() if value is not None}
        places = ((row, row.entry.x) for row in case.ledger.rows())
        history = [_step(row) for row, x in places if x is not None and x.n == exhibit.n]
        corrections = [item for item in history if item["what"] == "correct"]
    if settings.json:
        put_json({**line, "registered": registered, "history": history})
        return
    put_facts({name: value for name, value in line.items() if value != ""})
    put_text("")
    facts = list(_facts(registered))
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        put_text(f"  {name:<{width}}  {value}")
    for item in corrections:
        put_text(f"  corrected in entry {item['entry']}: {item['said']}")
    put_text("")
    columns = [("entry", -6), ("claimed (UTC)", 19), ("what", 18), ("who", 22), ("said", 1)]
    cells = (
        (item["entry"], item["at"][:19].replace("T", " "), item["what"], item["who"], item["said"]) for item in history
    )
    for text in columned(columns, cells):
        put_text(text)


_COMMON = ("actor", "agency", "role", "claimed_at", "clock", "host", "tool")


def _facts(registered: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Names and texts of what was registered, objects flattened."""
    for name, value in registered.items():
        if name in _COMMON:
            continue
        if isinstance(value, dict):
            yield from ((f"{name}.{key}" if key != name else name, item) for key, item in _flat(value))
        else:
            yield name, _said(value)


def _flat(value: Mapping[str, Json], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, item in value.items():
        if isinstance(item, dict) and "text" in item:
            yield prefix + key, f"{item['text']} ({item.get('utc')})"
        elif isinstance(item, dict):
            yield from _flat(item, f"{prefix}{key}.")
        else:
            yield prefix + key, _said(item)


def _said(value: Json) -> str:
    from custody.commands.screen import visible

    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in _flat(value))
    if isinstance(value, list):
        return ", ".join(str(item.get("name")) if isinstance(item, dict) else str(item) for item in value)
    return visible(value)


def _step(row: Row) -> dict[str, Any]:
    from custody.opened import text, values_of

    values = values_of(row)
    said = [text(values.get(name)) for name in ("purpose", "reason", "text", "outcome", "storage_to", "condition")]
    if row.entry.type == "correct":
        said = [f"{text(values.get('name'))} is {_said(values.get('new'))}, not {_said(values.get('old'))}: "
                f"{text(values.get('reason'))}"]  # fmt: skip
    return {
        "entry": row.index,
        "at": text(values.get("claimed_at")),
        "what": row.entry.type,
        "who": text(values.get("actor")),
        "said": ", ".join(part for part in said if part),
    }


COMMANDS = (list_, show)
