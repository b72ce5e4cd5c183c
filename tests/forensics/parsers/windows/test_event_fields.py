"""The fields of an event: the quick way gives what the paths of its texts say."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.parsers.windows._event_fields import _PATHS, event_fields

NAMES = ["System", "EventData", "Provider", "EventID", "#text", "#attributes", "Name", "Qualifiers", "TimeCreated", "x"]
NAMES += ["SystemTime", "Level", "xmlns", "Security", "UserID", "Execution", "ThreadID"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["", "a", "2019-01-01T00:00:00.000000Z"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
SYSTEM = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5)
EVENTS = st.fixed_dictionaries(
    {}, optional={"System": SYSTEM, "EventData": VALUES, "UserData": VALUES, "#attributes": VALUES}
)


def paths(path: str, value: Any) -> list[tuple[str, str]]:
    """Every text with its path, by the plain definition."""
    if value is None:
        return []
    if isinstance(value, bool):
        return [(path, json.dumps(value))]
    if not isinstance(value, dict | list):
        return [(path, str(value))]
    dot = path + "." if path else ""
    found = []
    for name, inner in enumerate(value, 1) if isinstance(value, list) else value.items():
        if name == "#text":
            found += paths(path, inner)
        elif name == "#attributes" and isinstance(inner, dict):
            for attribute, text in inner.items():
                found += paths(f"{dot}@{attribute}", text)
        else:
            found += paths(f"{dot}{name}", inner)
    return found


@settings(max_examples=400, deadline=None)
@given(EVENTS)
def test_the_fields_are_what_the_paths_say(event: dict[str, Any]) -> None:
    expected: dict[str, str] = {}
    for path, text in paths("", event):
        if text and path in _PATHS:
            expected[_PATHS[path]] = text
        elif not path.startswith(("System.TimeCreated", "@xmlns")) and not path.endswith("@xmlns"):
            expected["data." + (path.removeprefix("EventData.") or "EventData")] = text
    created = expected.pop("created", "")
    assert event_fields(json.dumps({"Event": event})) == (expected, created)


def test_numbers_stand_as_they_are_written() -> None:
    text = '{"Event":{"System":{"EventID":18446744073709551616},"EventData":{"a":1.50,"b":1E5,"c":-0}}}'
    assert event_fields(text)[0] == {
        "event_id": "18446744073709551616",
        "data.a": "1.50",
        "data.b": "1E5",
        "data.c": "-0",
    }


def test_deep_nesting_costs_no_recursion() -> None:
    deep = '{"Event":{"EventData":' + '{"a":' * 400 + '"x"' + "}" * 402
    ((name, value),) = event_fields(deep)[0].items()
    assert (name, value) == ("data" + ".a" * 400, "x")
