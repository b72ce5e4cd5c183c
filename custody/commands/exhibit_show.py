"""`evikit exhibit show`: all that is recorded of one exhibit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from custody.commands.exhibit_list import line_of
from custody.commands.screen import Settings, columned, put_facts, put_json, put_text, reading, with_settings

if TYPE_CHECKING:
    from custody.ledger.entry import Json
    from custody.ledger.store import Row


@click.command()
@click.argument("ref")
@with_settings
def show(settings: Settings, ref: str) -> None:
    """Show all that is recorded of exhibit REF: its registration with corrections, where it stands, what happened."""
    from custody.exhibits import need_exhibit
    from custody.holding import holding_of

    with reading(settings) as case:
        exhibit = need_exhibit(case, ref)
        line = line_of(holding_of(case, exhibit.n))
        registered = {name: value for name, value in exhibit.registered.items() if value is not None}
        history = [_step(row) for row in case.ledger.rows_in(exhibit.n)]
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
