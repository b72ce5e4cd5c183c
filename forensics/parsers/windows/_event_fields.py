"""The fields of a Windows event out of the library's JSON: what nearly all events hold at once, the rest by path."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)

_TEXTS: Mapping[str, str] = {  # element of System -> field
    "EventID": "event_id",
    "Level": "level",
    "Channel": "channel",
    "Computer": "computer",
    "EventRecordID": "record_id",
    "Version": "version",
    "Task": "task",
    "Opcode": "opcode",
    "Keywords": "keywords",
}
_CREATED = "created"
_ATTRIBUTES: Mapping[str, Mapping[str, str]] = {  # element of System -> attribute -> field
    "Provider": {"Name": "provider", "Guid": "provider_guid"},
    "EventID": {"Qualifiers": "qualifiers"},
    "Security": {"UserID": "user_sid"},
    "Execution": {"ProcessID": "process_id", "ThreadID": "thread_id"},
    "Correlation": {"ActivityID": "activity_id"},
    "TimeCreated": {"SystemTime": _CREATED},
}
_PATHS = {f"System.{name}": field for name, field in _TEXTS.items()} | {
    f"System.{name}.@{attribute}": field for name, named in _ATTRIBUTES.items() for attribute, field in named.items()
}
_NONE: Mapping[str, str] = {}


def event_fields(text: str) -> tuple[dict[str, str], str]:
    """The fields of an event, its data as "data.NAME"; and when it was created, as it says it, or "".

    Raises ValueError for what is no JSON, RecursionError for what is nested too deep to be read.
    """
    event = _DECODER.decode(text)
    fields: dict[str, str] = {}
    for name, value in _inner("", event.get("Event") if isinstance(event, dict) else event):
        if name == "System" and type(value) is dict:
            _system(value, fields)
        elif name == "EventData" and type(value) is dict:
            _data(value, fields)
        else:
            _rest(name, value, fields)
    return fields, fields.pop(_CREATED, "")


def _system(system: Mapping[str, object], fields: dict[str, str]) -> None:
    for name, value in system.items():
        if type(value) is str and value and (field := _TEXTS.get(name)) is not None:
            fields[field] = value
        elif type(value) is dict and len(value) == 1 and type(attributes := value.get("#attributes")) is dict:
            known = _ATTRIBUTES.get(name, _NONE)
            for attribute, text in attributes.items():
                if type(text) is str and text and (field := known.get(attribute)) is not None:
                    fields[field] = text
                else:
                    _rest(f"System.{name}.@{attribute}", text, fields)
        elif value is not None:
            for path, inner in _inner("System", {name: value}):
                _rest(path, inner, fields)


def _data(data: Mapping[str, object], fields: dict[str, str]) -> None:
    for name, value in data.items():
        if type(value) is str and name != "#text":
            fields["data." + name] = value
        elif value is not None:
            for path, inner in _inner("EventData", {name: value}):
                _rest(path, inner, fields)


def _rest(path: str, value: object, fields: dict[str, str]) -> None:
    """Every text of a value: a field of its own where the path has one, else by the path below "data."."""
    for place, text in _flat(path, value):
        if text and (field := _PATHS.get(place)) is not None:
            fields[field] = text
        elif not place.startswith(("System.TimeCreated", "@xmlns")) and not place.endswith("@xmlns"):
            fields["data." + (place.removeprefix("EventData.") if place != "EventData" else "EventData")] = text


def _flat(path: str, value: object) -> Iterator[tuple[str, str]]:
    """Every text with its path: names joined by dots, attributes with @, items numbered from 1."""
    waiting: list[tuple[str, object]] = [(path, value)]  # a stack, so that nesting costs no recursion
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, dict | list):
            waiting.extend(reversed(list(_inner(path, value))))
        elif value is not None:
            yield path, json.dumps(value)


def _inner(path: str, value: object) -> Iterator[tuple[str, object]]:
    dot = path + "." if path else ""
    if isinstance(value, list):
        yield from ((f"{dot}{number}", inner) for number, inner in enumerate(value, start=1))
    elif not isinstance(value, dict):
        yield path, value
    else:
        for name, inner in value.items():
            if name == "#text":
                yield path, inner
            elif name == "#attributes" and isinstance(inner, dict):
                yield from ((f"{dot}@{attribute}", text) for attribute, text in inner.items())
            else:
                yield dot + name, inner
