"""`evikit exhibit show`: all that is recorded of one exhibit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from custody.commands.exhibit_list import line_of
from custody.commands.screen import Settings, columned, put_facts, put_json, put_text, reading, visible, with_settings

if TYPE_CHECKING:
    from custody.ledger.entry import Json
    from custody.ledger.store import Row


@click.command()
@click.argument("ref")
@with_settings
def show(settings: Settings, ref: str) -> None:
    """Show all that is recorded of exhibit REF: registration, where it stands, notes, what happened; corrections."""
    from custody.exhibits import need_exhibit
    from custody.holding import holding_of

    with reading(settings) as case:
        exhibit = need_exhibit(case, ref)
        line = line_of(holding_of(case, exhibit.n))
        rows = list(case.ledger.rows_in(exhibit.n))
    registered = {name: value for name, value in exhibit.registered.items() if value is not None}
    history = [_step(row) for row in rows]
    notes = [_note(row, rows) for row in rows if row.entry.type == "note"]
    if settings.json:
        put_json({**line, "registered": registered, "notes": notes, "history": history})
        return
    put_facts({name: value for name, value in line.items() if value != ""})
    put_text("")
    facts = list(_facts(registered))
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        put_text(f"  {name:<{width}}  {value}")
    for item in history:
        if item["what"] == "correct":
            put_text(f"  corrected in entry {item['entry']}: {visible(item['said'])}")
    for note in notes:
        _put_note(note)
    put_text("")
    columns = [("entry", -6), ("claimed (UTC)", 19), ("what", 18), ("who", 22), ("said", 1)]
    cells = (
        (item["entry"], item["at"][:19].replace("T", " "), item["what"], item["who"], item["said"]) for item in history
    )
    for text in columned(columns, cells):
        put_text(text)


_COMMON = ("actor", "agency", "role", "claimed_at", "clock", "host", "tool")


def _facts(registered: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Names, as `evikit correct` takes them, and texts of what was registered."""
    return _flat({name: value for name, value in registered.items() if name not in _COMMON})


def _flat(value: Mapping[str, Json], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, item in value.items():
        if isinstance(item, dict) and "text" in item:
            yield prefix + key, visible(f"{item['text']} ({item.get('utc')})")
        elif isinstance(item, dict):
            yield from _flat(item, f"{prefix}{key}.")
        else:
            yield prefix + key, _said(item)


def _said(value: Json) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in _flat(value))
    if isinstance(value, list):
        return ", ".join(_said(_named(item)) for item in value)
    return "" if value is None else visible(value)


def _named(item: Json) -> Json:
    """A document or part of a list, by its path or name."""
    return (item.get("path") or item.get("name") or item) if isinstance(item, dict) else item


def _step(row: Row) -> dict[str, Any]:
    from custody.opened import mapping, text, values_of

    values = values_of(row)
    words = ["purpose", "reason", "text", "outcome", "storage_to", "condition"]
    said = [text(values.get(name)) for name in words]
    if row.entry.type == "correct":
        said = [f"{text(values.get('name'))} is {_said(values.get('new'))}, not {_said(values.get('old'))}: "
                f"{text(values.get('reason'))}"]  # fmt: skip
    if row.entry.type == "exhibit.relocate":
        parts = mapping(values.get("parts"))
        said = [f"from {_said(parts.get('from'))} to {_said(parts.get('to'))}", *said]
    return {
        "entry": row.index,
        "at": text(values.get("claimed_at")),
        "what": row.entry.type,
        "who": text(values.get("actor")),
        "said": ", ".join(part for part in said if part),
    }


def _note(row: Row, rows: Sequence[Row]) -> dict[str, Any]:
    """A note as it stands, with the corrections it had."""
    from custody.corrections import as_corrected
    from custody.opened import text, values_of

    now, first = as_corrected(row, rows), values_of(row)
    return {
        "entry": row.index,
        "kind": text(now.get("kind")),
        "who": text(first.get("actor")),
        "at": text(first.get("claimed_at")),
        "text": text(now.get("text")),
        "location": now.get("location"),
        "attachments": now.get("attachments") or [],
        "about": _entries(row.entry.re, rows),
        "corrected": text(now.get("text")) != text(first.get("text")),
    }


def _entries(leaves: Iterable[bytes], rows: Iterable[Row]) -> list[int]:
    wanted = set(leaves)
    return [row.index for row in rows if row.leaf in wanted]


def _in_order(location: Json) -> Json:
    """A place on an exhibit in the order in which it is cited."""
    if not isinstance(location, dict):
        return location
    known = ("path", "stream", "volume", "meta", "offset", "event", "words", "sha256", "run")
    return {name: location[name] for name in (*known, *sorted(location.keys() - set(known))) if name in location}


def _put_note(note: Mapping[str, Any]) -> None:
    corrected = ", corrected" if note["corrected"] else ""
    rests = f", on {', '.join(f'entry {number}' for number in note['about'])}" if note["about"] else ""
    head = f"{note['kind']} by {note['who']} (entry {note['entry']}{rests}{corrected})"
    put_text("")
    put_text(f"  {visible(head)}:")
    put_text(f"    {visible(note['text'])}")
    if note["location"]:
        put_text(f"    at {_said(_in_order(note['location']))}")
    for item in note["attachments"]:
        put_text(f"    with {visible(item.get('name'))} (sha256 {visible(item.get('sha256'))})")
